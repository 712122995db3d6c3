# SPDX-License-Identifier: MIT
"""Files that are not what they should be: one clear line, and nothing half-written."""
import os
import unittest

from common import Case, data, idx, lines_of, results, zipped

GOOD = "a,b,y\n1,2,u\n3,4,v\n5,6,u\n7,8,v\n"


class Tables(Case):
    def refuse(self, content, says, *words, code=1):
        table = self.write("t.csv", content)
        self.fails(code, "train", table, "--epochs", 2, "-o", "m", *words, says=says)

    def test_good_one(self):
        self.ok("train", self.write("t.csv", GOOD), "--epochs", 2)

    def test_missing(self):
        self.fails(1, "train", "nowhere.csv", "-o", "m", says="nowhere.csv")
        self.fails(1, "train", self.folder, "-o", "m", says=self.folder)

    def test_shape(self):
        self.refuse("", "t.csv")
        self.refuse("a,b,y\n", "t.csv")
        self.refuse(GOOD + "9,10\n", ["t.csv:6:", "expected 3 columns, found 2"])
        self.refuse(GOOD + "9,10,u,1\n", ["t.csv:6:", "expected 3 columns, found 4"])
        self.refuse("a,b,b\n1,2,u\n3,4,v\n", "'b'")
        self.refuse("y\nu\nv\n", "t.csv")

    def test_cells(self):
        self.refuse(GOOD + "x,10,u\n", ["t.csv:6:", "'a'", "'x'"])
        self.refuse(GOOD + ",10,u\n", ["t.csv:6:", "'a'"])
        for text in ("nan", "NaN", "inf", "-Inf", "1e999"):
            self.refuse(GOOD + f"9,{text},u\n", ["t.csv:6:", "'b'", text])
        self.refuse("a,y\n1,2\n2,x\n3,4\n", ["t.csv:3:", "'x'"], "--task", "regression")
        self.refuse("a,y\n1,2\n2,inf\n3,4\n", ["t.csv:3:"])

    def test_target(self):
        self.refuse(GOOD, ["'z'", "a, b, y"], "--target", "z", code=2)
        self.refuse("a,y\n1,u\n2,u\n", "'u'")
        self.refuse("a,y\n1,u\n2,v\n", "number", "--model", "linear")

    def test_second_table(self):
        train = self.write("t.csv", GOOD)
        self.fails(1, "train", train, "--test", self.write("e.csv", "a,y\n1,u\n"), says=["e.csv", "'b'"])
        self.fails(1, "train", train, "--test", self.write("e.csv", "a,b,y\n1,2,w\n"), says=["e.csv:2:", "'w'"])
        self.fails(1, "train", train, "--test", self.write("e.csv", "a,b,z\n1,2,u\n"), says=["e.csv", "'y'"])

    def test_name_with_a_line_break_stays_one_line(self):
        self.fails(1, "train", "no\nwhere.csv", says="no?where.csv")

    def test_names_do_not_act_on_a_terminal(self):
        table = self.write("t.csv", GOOD.replace("y", "\033[31mevil"))
        for words in (("train", table), ("compare", table), ("train", table, "--model", "linear")):
            _, out, err = self.run_program(*words, "--epochs", 2)
            self.assertIn("?[31mevil", err, words)
            self.assertNotIn("\033", out + err, words)


class Images(Case):
    def setUp(self):
        super().setUp()
        self.images = idx([6, 2, 2], range(24))
        self.labels = idx([6], [0, 1, 0, 1, 0, 1])

    def train(self, images, labels):
        self.write("x-images-idx3-ubyte", images)
        self.write("x-labels-idx1-ubyte", labels)
        return "train", "x-images-idx3-ubyte", "--epochs", 2

    def test_good_ones(self):
        plain = self.events(*self.train(self.images, self.labels))
        self.assertEqual([event["event"] for event in results(plain)], ["epoch", "epoch", "done"])
        self.write("z-images-idx3-ubyte.gz", zipped(self.images))
        self.write("z-labels-idx1-ubyte.gz", zipped(self.labels))
        self.ok("train", "z-images-idx3-ubyte.gz", "--epochs", 2)
        self.ok("train", "z-images-idx3-ubyte.gz", "--labels", "x-labels-idx1-ubyte", "--epochs", 2)

    def test_header_that_lies(self):
        for shape in ([7, 2, 2], [5, 2, 2], [6, 2, 3], [2**32 - 1, 2**32 - 1, 2**32 - 1]):
            self.fails(1, *self.train(idx(shape, range(24)), self.labels), says="x-images-idx3-ubyte")
        self.fails(1, *self.train(self.images, idx([6], [0, 1])), says="x-labels-idx1-ubyte")
        self.fails(1, *self.train(self.images, idx([5], [0, 1, 0, 1, 0])), says="5")

    def test_gzip_cut_anywhere(self):
        self.write("x-labels-idx1-ubyte", self.labels)
        packed = zipped(self.images)
        for size in range(2, len(packed)):
            self.write("x-images-idx3-ubyte", packed[:size])
            self.fails(1, "train", "x-images-idx3-ubyte", says="x-images-idx3-ubyte")

    def test_no_labels(self):
        self.write("lonely-images-idx3-ubyte", self.images)
        self.fails(1, "train", "lonely-images-idx3-ubyte", says="lonely-labels-idx1-ubyte")
        self.fails(1, "train", "lonely-images-idx3-ubyte", "--labels", "nowhere", says="nowhere")


class Models(Case):
    def setUp(self):
        super().setUp()
        self.ok("train", data("iris.csv"), "--epochs", 3, "-o", "m")

    def test_not_a_model(self):
        for path in (data("iris.csv"), "nowhere", self.folder, self.write("empty", b""), self.write("zeros", bytes(99))):
            self.fails(1, "eval", path, data("iris.csv"), says=path)
            self.fails(1, "predict", path, data("iris.csv"), "-o", "p.csv", says=path)
            self.fails(1, "train", data("iris.csv"), "--resume", path, says=path)

    def test_other_data(self):
        self.fails(1, "eval", "m", data("digits.csv"), says=["digits.csv", "species"])
        self.fails(1, "predict", "m", data("digits.csv"), "-o", "p.csv", says=["digits.csv", "sepal_length_cm"])
        self.fails(1, "train", data("digits.csv"), "--resume", "m", "--epochs", 9, says="digits.csv")
        shorter = self.write("s.csv", "".join(lines_of(data("iris.csv"))[:-1]))
        self.fails(1, "train", shorter, "--resume", "m", "--epochs", 9, says="s.csv")

    def test_cut_or_flipped(self):
        with open(self.path("m"), "rb") as file:
            whole = file.read()
        places = list(range(0, len(whole), max(1, len(whole) // 120))) + [len(whole) - 1]
        for place in places:
            self.write("bad", whole[:place])
            self.fails(1, "eval", "bad", data("iris.csv"), says="bad")
            self.write("bad", whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1:])
            self.fails(1, "eval", "bad", data("iris.csv"), says="bad")

    def test_unwritable_output(self):
        os.mkdir(self.path("folder"))
        os.symlink("not there", self.path("broken"))
        for path in ("nowhere/m", "folder", "/dev/null", "/proc/m", "broken", 256 * "m"):
            self.fails(1, "train", data("digits.csv"), "--epochs", 10**6, "-o", path, says=path)
            self.fails(1, "predict", "m", data("iris.csv"), "-o", path, says=path)
        self.fails(1, "compare", data("digits.csv"), "--epochs", 10**6, "-o", "nowhere/p.svg", says="nowhere/p.svg")

    def test_output_over_input(self):
        table = self.write("t.csv", GOOD)
        self.fails(2, "train", table, "-o", "./t.csv", says="t.csv")
        self.fails(2, "predict", "m", table, "-o", "m", says="m")
        with open(table) as file:
            self.assertEqual(file.read(), GOOD)

    def test_diverging(self):
        self.fails(1, "train", data("diabetes.csv"), "--method", "sgd", "--lr", "1e30", "-o", "d", says="not finite")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""Predictions against what eval says of the same model and rows."""
import csv
import io
import json
import math
import os
import signal
import unittest

from common import Case, data, idx, lines_of


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


class Predict(Case):
    def test_classes_agree_with_eval(self):
        for name, target, model in [("digits.csv", "digit", "mlp:16"), ("iris.csv", "species", "softmax"),
                                    ("breast_cancer.csv", "diagnosis", "auto")]:
            self.ok("train", data(name), "--model", model, "--epochs", 5, "-o", "m")
            score = self.events("eval", "m", data(name))[0]
            predicted = rows_of(self.ok("predict", "m", data(name)))
            with open(data(name), newline="") as file:
                truth = [row[target] for row in csv.DictReader(file)]
            self.assertEqual(len(predicted), len(truth))
            wrong = sum(row["prediction"] != label for row, label in zip(predicted, truth))
            self.assertEqual(score["rows"], len(truth))
            self.assertAlmostEqual(score["error"], wrong / len(truth), places=12)
            loss = -sum(math.log(float(row["probability_" + label])) for row, label in zip(predicted, truth))
            self.assertAlmostEqual(score["loss"], loss / len(truth), places=5)
            for row in predicted:
                p = {key[12:]: float(value) for key, value in row.items() if key != "prediction"}
                self.assertAlmostEqual(sum(p.values()), 1, places=5)
                self.assertEqual(p[row["prediction"]], max(p.values()))

    def test_numbers_agree_with_eval(self):
        self.ok("train", data("diabetes.csv"), "--epochs", 50, "-o", "m")
        text = self.ok("predict", "m", data("diabetes.csv"))
        self.assertEqual(text.splitlines()[0], "prediction")
        with open(data("diabetes.csv"), newline="") as file:
            truth = [float(row["progression"]) for row in csv.DictReader(file)]
        errors = [(float(row["prediction"]) - y) ** 2 for row, y in zip(rows_of(text), truth)]
        loss = self.events("eval", "m", data("diabetes.csv"))[0]["loss"]
        self.assertAlmostEqual(sum(errors) / len(truth), loss, delta=1e-4 * loss)

    def test_target_is_not_needed_nor_looked_at(self):
        self.ok("train", data("iris.csv"), "--epochs", 20, "-o", "m")
        expected = self.ok("predict", "m", data("iris.csv"))
        lines = [line.strip().split(",") for line in lines_of(data("iris.csv"))]
        for change in (lambda row: row[:4], lambda row: row[3::-1], lambda row: row[:4] + ["?"],
                       lambda row: row[:4] + [""]):
            rows = [change(row) for row in lines]
            if len(rows[0]) == 5:
                rows[0][4] = "species"
            table = self.write("t.csv", "".join(",".join(row) + "\n" for row in rows))
            self.assertEqual(self.ok("predict", "m", table), expected)

    def test_file_and_json(self):
        self.ok("train", data("iris.csv"), "--epochs", 20, "-o", "m")
        expected = self.ok("predict", "m", data("iris.csv"))
        self.assertEqual(self.ok("predict", "m", data("iris.csv"), "-o", "p.csv"), "")
        self.assertEqual("".join(lines_of(self.path("p.csv"))), expected)
        objects = [json.loads(line) for line in self.ok("predict", "m", data("iris.csv"), "--json").splitlines()]
        self.assertEqual([line["row"] for line in objects], list(range(1, 151)))
        for line, row in zip(objects, rows_of(expected)):
            self.assertEqual(line["prediction"], row["prediction"])
            for name, p in line["probabilities"].items():
                self.assertAlmostEqual(p, float(row["probability_" + name]), places=8)

    def test_where_the_file_goes(self):
        """As with models: through a link into its target, whose rights stay, and under as long a name as can be."""
        longest = 251 * "p" + ".csv"
        os.mkdir(self.path("far"))
        self.write("far/away.csv", "old")
        os.chmod(self.path("far/away.csv"), 0o640)
        os.symlink("far/away.csv", self.path("link"))
        self.ok("train", data("iris.csv"), "--epochs", 1, "-o", 255 * "m")
        expected = self.ok("predict", 255 * "m", data("iris.csv"))
        for name in ("link", longest):
            self.ok("predict", 255 * "m", data("iris.csv"), "-o", name)
            self.assertEqual("".join(lines_of(self.path(name))), expected)
        self.assertEqual(os.readlink(self.path("link")), "far/away.csv")
        self.assertEqual(os.stat(self.path("far/away.csv")).st_mode & 0o777, 0o640)
        self.assertEqual(os.listdir(self.path("far")), ["away.csv"])
        self.assertEqual(sorted(os.listdir(self.folder)), ["far", "link", 255 * "m", longest])

    def test_names_that_need_quotes(self):
        names = ['a,b', 'say "hi"', "plain"]
        quoted = ['"a,b"', '"say ""hi"""', "plain"]
        table = self.write("t.csv", "x,y\n" + "".join(f"{k % 3},{quoted[k % 3]}\n" for k in range(30)))
        self.ok("train", table, "--target", "y", "-o", "m", "--epochs", 300)
        rows = rows_of(self.ok("predict", "m", table))
        self.assertEqual(set(rows[0]), {"prediction"} | {"probability_" + name for name in names})
        self.assertEqual([row["prediction"] for row in rows], [names[k % 3] for k in range(30)])

    def test_images_without_labels(self):
        self.write("a-images-idx3-ubyte", idx([6, 2, 2], [v for k in range(6) for v in [255 * (k % 2)] * 4]))
        self.write("a-labels-idx1-ubyte", idx([6], [3, 7, 3, 7, 3, 7]))
        self.ok("train", "a-images-idx3-ubyte", "-o", "m", "--epochs", 200)
        self.assertEqual(self.events("eval", "m", "a-images-idx3-ubyte")[0]["error"], 0)
        self.write("lonely", idx([2, 2, 2], [0] * 4 + [255] * 4))
        self.assertEqual([row["prediction"] for row in rows_of(self.ok("predict", "m", "lonely"))], ["3", "7"])
        self.fails(1, "eval", "m", "lonely", says="lonely")
        self.fails(1, "predict", "m", data("iris.csv"), says="iris.csv")

    def test_ended_by_a_signal(self):
        self.ok("train", data("digits.csv"), "--epochs", 1, "-o", "m")
        header, *rows = lines_of(data("digits.csv"))
        self.write("large.csv", header + "".join(rows) * 100)
        process = self.start("predict", "m", "large.csv", "-o", "p.csv")
        self.wait_for_unfinished()
        process.terminate()
        self.assertEqual(process.wait(timeout=60), -signal.SIGTERM)
        self.assertEqual(sorted(os.listdir(self.folder)), ["large.csv", "m"])

    def test_eval_for_people(self):
        self.ok("train", data("iris.csv"), "-o", "m")
        self.assertRegex(self.ok("eval", "m", data("iris.csv")),
                         r"\A\S+iris.csv: 150 rows, loss \S+ \(cross-entropy\), error \d\.\d\d % \(\d+ wrong\)\n\Z")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""plot: what is drawn lies where the numbers say, in the colours that are promised; and what cannot be drawn."""
import csv
import gzip
import math
import os
import re
import statistics
import unittest
import xml.etree.ElementTree as xml

from common import Case, data, idx, lines_of, png_size, svg_texts

SVG = "{http://www.w3.org/2000/svg}"
BLUE, VERMILION, GREEN = (0, 114, 178), (213, 94, 0), (0, 158, 115)
METHODS = {"sgd": (0, 0, 0), "momentum": (0, 114, 178), "adagrad": (0, 158, 115), "adadelta": (213, 94, 0),
           "rmsprop": (204, 121, 167), "adamw": (230, 159, 0)}


def color_of(text):
    """Of "rgb( 0, 114, 178)" or "#0072B2"; None for "currentColor"."""
    if text.startswith("#"):
        return tuple(int(text[k:k + 2], 16) for k in (1, 3, 5))
    found = re.findall(r"\d+", text)
    return tuple(map(int, found)) if found else None


def strokes(path, color, width):
    """The lines of a colour and width in a picture, each a list of points in pixels."""
    lines = []
    for group in xml.parse(path).iter(f"{SVG}g"):
        for element in group.findall(f"{SVG}path"):
            same = color_of(element.get("stroke", group.get("stroke", ""))) == color
            if same and float(group.get("stroke-width", 0)) == width and element.get("class") != "gridline":
                for line in element.get("d").split("M")[1:]:
                    numbers = list(map(float, re.findall(r"-?[\d.]+", line)))
                    lines.append(list(zip(numbers[::2], numbers[1::2])))
    return lines


def without_legend(lines):
    return [line for line in lines if not (len(line) == 2 and line[0][1] == line[1][1])]


class Picture(Case):
    def check_scale(self, pixels, values, rising):
        """Pixels must be a linear function of the values, to the rounding of both."""
        pixels, values = list(pixels), list(values)
        self.assertEqual(len(pixels), len(values))
        low, high = values.index(min(values)), values.index(max(values))
        slope = (pixels[high] - pixels[low]) / (values[high] - values[low])
        self.assertEqual(slope > 0, rising)
        for pixel, value in zip(pixels, values):
            self.assertAlmostEqual(pixel, pixels[low] + slope * (value - values[low]), delta=0.05)

    def plot(self, *words):
        self.assertEqual(self.events("plot", *words, "-o", "p.svg"), [{"event": "picture", "path": "p.svg"}])
        return svg_texts(self.path("p.svg"))


class Traces(Picture):
    """A shortened Figure 2."""

    def setUp(self):
        super().setUp()
        self.ok("train", data("digits.csv"), "--model", "mlp:32,16", "--activation", "tanh", "--epochs", 2, "--schedule",
                "constant", "--trace", "t.csv")
        self.matrices = [(f"layer{k}.weight", color) for k, color in ((1, BLUE), (2, VERMILION), (3, GREEN))]

    def rows(self, tensor):
        with open(self.path("t.csv"), newline="") as file:
            return [row for row in csv.DictReader(file) if row["tensor"] == tensor]

    def test_texts(self):
        texts = self.plot("t.csv")
        for tensor, _ in self.matrices:
            self.assertIn(tensor, texts)
            self.assertIn(f"{tensor}, the median", texts)
        for wanted in ("t.csv", "epoch", "effective rate RMS[Δx] / RMS[g]", "update Δx of the recorded steps"):
            self.assertIn(wanted, texts)
        self.assertIn("Figure 2", self.plot("t.csv", "--title", "Figure 2"))

    def test_rates(self):
        """Logarithmic, all matrices on one scale."""
        self.plot("t.csv")
        drawn, medians, epochs = [], [], []
        for tensor, color in self.matrices:
            line, = without_legend(strokes(self.path("p.svg"), color, 3))
            rows = self.rows(tensor)
            steps = sorted({int(row["step"]) for row in rows})
            for step in steps:
                at = [row for row in rows if int(row["step"]) == step]
                epochs.append(float(at[0]["epoch"]))
                medians.append(math.log(statistics.median(float(row["rate"]) for row in at)))
            drawn += line
        self.assertEqual(len(epochs), 3 * 22)
        self.check_scale([x for x, _ in drawn], epochs, True)
        self.check_scale([y for _, y in drawn], medians, False)

    def test_weights(self):
        """Each weight is a thin line on the left and one on the right, where every matrix has its own scale."""
        self.plot("t.csv")
        for tensor, color in self.matrices:
            lines = strokes(self.path("p.svg"), color, 1)
            self.assertEqual(len(lines), 2 * 10)
            rows = sorted(self.rows(tensor), key=lambda row: (int(row["index"]), int(row["step"])))
            for half, numbers in ((lines[:10], [math.log(float(row["rate"])) for row in rows]),
                                  (lines[10:], [float(row["update"]) for row in rows])):
                points = [point for line in half for point in line]
                self.check_scale([x for x, _ in points], [float(row["epoch"]) for row in rows], True)
                self.check_scale([y for _, y in points], numbers, False)

    def test_without_rates(self):
        self.ok("train", data("digits.csv"), "--epochs", 2, "--method", "sgd", "--trace", "t.csv")
        texts = self.plot("t.csv")
        self.assertIn("update Δx of the recorded steps", texts)
        self.assertNotIn("effective rate RMS[Δx] / RMS[g]", texts)
        self.assertEqual(len(strokes(self.path("p.svg"), BLUE, 1)), 10)

    def test_sizes(self):
        self.ok("plot", "t.csv", "-o", "p.png")
        width, height = png_size(self.path("p.png"))
        self.assertEqual(width, 2 * height)
        self.ok("train", data("digits.csv"), "--model", "mlp:" + ",".join(["8"] * 12), "--epochs", 1, "--trace", "t.csv")
        texts = self.plot("t.csv")
        self.assertIn("layer13.weight", texts)
        picture = xml.parse(self.path("p.svg")).getroot()
        self.assertEqual(picture.get("width"), "1200")
        self.assertGreater(int(picture.get("height")), 13 * 110)

    def test_refused(self):
        for words in (("--log-x",), ("--log-y",), ("--x-label", "x"), ("--y-label", "y")):
            self.fails(2, "plot", "t.csv", "-o", "p.svg", *words, says=[words[0], "t.csv", "trace"])
        lines = [line.rstrip("\n") for line in lines_of(self.path("t.csv"))]
        self.write("cut.csv", lines[0] + "\n")
        self.fails(1, "plot", "cut.csv", "-o", "p.svg", says="cut.csv: has a header but no rows")
        cells = lines[1].split(",")
        for k in range(4):
            if k != 2:
                self.write("bad.csv", "\n".join(lines[:2] + [",".join(cells[:k] + [""] + cells[k + 1:])]))
                self.fails(1, "plot", "bad.csv", "-o", "p.svg", says=["bad.csv:3", "empty"])
        self.write("many.csv", lines[0] + "\n" + "".join(lines[1].replace("layer1", f"layer{k}") + "\n"
                                                        for k in range(65)))
        self.fails(1, "plot", "many.csv", "-o", "p.svg", says=["65 matrices", "64"])


class Lines(Picture):
    def test_linear(self):
        self.write("a.csv", "time,value\n0,1\n1,5\n3,2\n10,-4\n")
        texts = self.plot("a.csv")
        for wanted in ("a.csv", "time", "value"):
            self.assertIn(wanted, texts)
        line, = without_legend(strokes(self.path("p.svg"), BLUE, 2))
        self.check_scale([x for x, _ in line], [0, 1, 3, 10], True)
        self.check_scale([y for _, y in line], [1, 5, 2, -4], False)

    def test_logarithmic(self):
        rows = [(1, 0.5), (2, 30), (7, 4e-3), (900, 1)]
        self.write("a.csv", "x,y\n" + "".join(f"{x},{y}\n" for x, y in rows))
        for words in ((), ("--log-x",), ("--log-y",), ("--log-x", "--log-y")):
            self.plot("a.csv", *words)
            line, = without_legend(strokes(self.path("p.svg"), BLUE, 2))
            of_x = math.log if "--log-x" in words else float
            of_y = math.log if "--log-y" in words else float
            self.check_scale([x for x, _ in line], [of_x(x) for x, _ in rows], True)
            self.check_scale([y for _, y in line], [of_y(y) for _, y in rows], False)

    def test_what_a_logarithmic_axis_cannot_show(self):
        self.write("a.csv", "x,y,z\n0,1,1\n1,2,\n2,0,3\n3,-1,4\n4,5,6\n5,7,8\n")
        for words, count in ((("--log-y",), "2 values are"), (("--log-x",), "2 values are"),
                             (("--log-x", "--log-y"), "4 values are")):
            code, out, err = self.run_program("plot", "a.csv", "-o", "p.svg", *words)
            self.assertEqual((code, out), (0, "picture in p.svg\n"))
            self.assertIn(count, err)
            self.assertEqual(self.run_program("plot", "a.csv", "-o", "p.svg", "--quiet", *words)[2], "")
        self.assertEqual(self.run_program("plot", "a.csv", "-o", "p.svg")[2], "")
        self.write("b.csv", "x,y\n1,0\n2,-1\n")
        self.fails(1, "plot", "b.csv", "-o", "q.svg", "--log-y", says=["b.csv", "above 0"])

    def test_marks_of_a_narrow_range(self):
        self.write("a.csv", "x,y\n1,3.1\n2,3.6\n3,3.9\n")
        texts = self.plot("a.csv", "--log-y")
        self.assertTrue({"3.2", "3.4", "3.6", "3.8"} <= set(texts), texts)

    def test_numbers_that_are_nearly_the_same(self):
        """The next double after 1, the one after that, and more than marks can stand between."""
        for near in ("1", "1.0000000000000002", "1.0000000000000004", "1.0000000001", "1.00000001"):
            self.write("x.csv", f"x,y\n1,2\n{near},3\n")
            self.write("y.csv", f"x,y\n2,1\n3,{near}\n")
            for name, words in (("x.csv", "--log-x"), ("y.csv", "--log-y")):
                texts = self.plot(name, words)
                self.assertIn("1", texts)
                self.assertLess(len(texts), 30)

    def test_gaps(self):
        self.write("a.csv", "x,y,z\n" + "".join(f"{x},{'' if x in (10, 11) else x},{x * x if x > 44 else ''}\n"
                                                for x in range(50)))
        self.plot("a.csv")
        first = without_legend(strokes(self.path("p.svg"), BLUE, 2))
        self.assertEqual([len(line) for line in first], [10, 38])
        second, = without_legend(strokes(self.path("p.svg"), VERMILION, 2))
        self.assertEqual(len(second), 5)

    def test_colours(self):
        """A method's column has that method's colour, whatever stands beside it; no two lines look the same."""
        names = ["one", *METHODS, "two", "three"]
        self.write("a.csv", "x," + ",".join(names) + "\n" +
                   "".join(f"{x}," + ",".join(str(x + k) for k in range(9)) + "\n" for x in range(50)))
        texts = self.plot("a.csv")
        for name in names:
            self.assertIn(name, texts)
        for name, color in METHODS.items():
            line, = without_legend(strokes(self.path("p.svg"), color, 2))
            self.assertEqual(len(line), 50)
        looks = set()
        for group in xml.parse(self.path("p.svg")).iter(f"{SVG}g"):
            for element in group.findall(f"{SVG}path"):
                if float(group.get("stroke-width", 0)) == 2:
                    looks.add((color_of(element.get("stroke", "")), element.get("stroke-dasharray")))
        self.assertEqual(len(looks), 9)

    def test_colours_of_names_in_capitals(self):
        self.plot(data("zeiler2012-figure1.csv"))
        drawn = {"sgd": 5.942, "momentum": 3.755, "adagrad": 3.108, "adadelta": 3.465}  # the file's first row
        starts = {}
        for name in drawn:
            line, = [line for line in strokes(self.path("p.svg"), METHODS[name], 2) if len(line) > 2]
            starts[name] = line[0][1]
        self.check_scale(starts.values(), drawn.values(), False)
        self.write("a.csv", "x,Sgd,AdaGrad,sgdx,sg\n" + "".join(f"{x},{x},{x + 1},{x + 2},{x + 3}\n" for x in range(50)))
        self.plot("a.csv")
        for color in (METHODS["sgd"], METHODS["adagrad"], BLUE, VERMILION):
            self.assertEqual(len(without_legend(strokes(self.path("p.svg"), color, 2))), 1)

    def test_nine_plain_lines_are_told_apart(self):
        self.write("a.csv", "x," + ",".join("abcdefghi") + "\n" +
                   "".join(f"{x}," + ",".join(str(x + k) for k in range(9)) + "\n" for x in range(50)))
        self.plot("a.csv")
        looks = {(element.get("stroke"), element.get("stroke-dasharray"))
                 for group in xml.parse(self.path("p.svg")).iter(f"{SVG}g") if float(group.get("stroke-width", 0)) == 2
                 for element in group.findall(f"{SVG}path")}
        self.assertEqual(len(looks), 9)

    def test_words(self):
        self.write("it's <b>&é.csv", "\"a ^{x}\";b\n1;2\n2;3\n")
        texts = self.plot("it's <b>&é.csv")
        for wanted in ("it's <b>&é.csv", "a ^{x}", "b"):
            self.assertIn(wanted, texts)
        texts = self.plot("it's <b>&é.csv", "--title", "My 'own'", "--x-label", "_x_", "--y-label", "in %")
        for wanted in ("My 'own'", "_x_", "in %"):
            self.assertIn(wanted, texts)
        self.assertNotIn("a ^{x}", texts)

    def test_small_and_flat_tables(self):
        for rows in ("1,1\n", "1,1\n2,1\n", "0,0\n0,0\n", "5,-3\n5,3\n", "1,1e300\n2,1e-300\n",
                     "-1e300,-1e300\n1e300,1e300\n"):
            self.write("a.csv", "x,y\n" + rows)
            self.plot("a.csv")
            self.assertNotIn("NaN", svg_texts(self.path("p.svg")))
        self.write("a.csv", "x,y\n1e300,1e-300\n1e-300,1e300\n2,1\n")
        self.plot("a.csv", "--log-x", "--log-y")
        self.write("a.csv", "x,y\n1,2\n")
        self.plot("a.csv", "--log-x", "--log-y")

    def test_gzipped(self):
        self.write("a.csv.gz", gzip.compress(b"x,y\n1,2\n2,3\n"))
        self.assertIn("y", self.plot("a.csv.gz"))

    def test_png_and_words_for_people(self):
        self.write("a.csv", "x,y\n1,2\n2,3\n")
        self.assertEqual(self.ok("plot", "a.csv", "-o", "p.png"), "picture in p.png\n")
        self.assertEqual(png_size(self.path("p.png")), (1600, 1200))
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.csv", "p.png"])


class Refusals(Case):
    def test_files(self):
        for text, says in [("x,y\n", "a.csv: has a header but no rows"),
                           ("x\n1\n2\n", "a.csv: one column only"),
                           ("x,y\n1,2\n2,b\n", "a.csv:3: column 'y': 'b' is not a number"),
                           ("x,y\n1,2\n,3\n", "a.csv:3: column 'x': empty cell"),
                           ("x,y\n1,2\n2,nan\n", "a.csv:3: column 'y': 'nan' is not finite"),
                           ("x,y\n1,2\n2\n", "a.csv:3: expected 2 columns, found 1"),
                           ("x,y\n1,2\n2,3,4\n", "a.csv:3: expected 2 columns, found 3"),
                           ("x,y\n1,2\n\n3,4\n", "a.csv:3: a blank line"),
                           ("1.5,2\n1,2\n", "must be a header"),
                           ("x,x\n1,2\n", "two columns are named 'x'"),
                           ("x,y\n1,\n2,\n", "a.csv: no row has a number to draw"),
                           ("", "a.csv: is empty"),
                           (idx([2, 2], range(4)), "a.csv: is no CSV table"),
                           (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a.csv: is no CSV table"),
                           ("x," + ",".join("abcdefghij") + "\n" + ",".join("12345678901") + "\n",
                            "a.csv: 10 columns beside x, and a picture holds 9 lines at most")]:
            self.write("a.csv", text)
            self.fails(1, "plot", "a.csv", "-o", "p.svg", says=says)
        self.fails(1, "plot", "none.csv", "-o", "p.svg", says="none.csv")

    def test_numbers_too_large_for_an_axis(self):
        for rows, words, says in (("1,1e308\n2,-1e308\n", (), ["values of y as large as 1e+308"]),
                                  ("1,1e308\n2,1e307\n", ("--log-y",), ["values of y", "1e+308"]),
                                  ("-1.5e301,1\n2,1\n", (), ["values of x as large as 1.5e+301"]),
                                  ("1e308,1\n2,1\n", ("--log-x",), ["values of x", "1e+308"])):
            self.write("a.csv", "x,y\n" + rows)
            self.fails(1, "plot", "a.csv", "-o", "p.svg", *words, says=["a.csv", *says, "1e+300", "divide"])
        self.write("a.csv", "x,y\n1,1e-310\n2,1\n")
        self.fails(1, "plot", "a.csv", "-o", "p.svg", "--log-y", says=["a.csv", "y as small as 1e-310", "multiply"])
        self.ok("plot", "a.csv", "-o", "p.svg")

    def test_pictures(self):
        self.write("a.csv", "x,y\n1,2\n2,3\n")
        self.write("a.svg", "x,y\n1,2\n2,3\n")
        self.fails(2, "plot", "a.csv", says="-o PICTURE")
        self.fails(2, "plot", "a.csv", "-o", "p.pdf", says=["p.pdf", ".svg", ".png"])
        self.fails(2, "plot", "a.svg", "-o", "a.svg", says=["a.svg", "read from"])
        self.fails(1, "plot", "a.csv", "-o", "none/p.svg", says="none/p.svg")
        self.fails(1, "plot", "a.csv", "-o", "p.svg", env={"PATH": self.folder}, says="gnuplot-nox")
        self.fails(2, "plot", says="FILE")


if __name__ == "__main__":
    unittest.main()

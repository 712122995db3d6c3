# SPDX-License-Identifier: MIT
"""The paths of `surface` on a terminal and in pictures, and what it refuses."""
import os
import re
import subprocess
import unittest

from common import PROGRAM, default_signals, png_size, svg_texts
from surfaces import NAMES, Surface


class Drawing(Surface):
    def test_terminal(self):
        lines = self.ok("surface", "beale").splitlines()
        self.assertLess(len(lines), 24)  # and a line to type on
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertIn("Beale's function, f = (1.5 - x + xy)²", lines[0])
        drawing = [line[9:] for line in lines if line[8:9] == "|"]
        self.assertEqual({len(row) for row in drawing}, {70})
        cells = "".join(drawing)
        self.assertEqual((cells.count("o"), cells.count("*")), (1, 1))
        for digit in "1234":
            self.assertIn(digit, cells)
        self.assertLessEqual(set(cells), set(" .:-=+o*1234"))
        # the start (-1, -1.5) of the window -2..4.5, -2.5..2.5
        row = next(k for k, line in enumerate(drawing) if "o" in line)
        self.assertEqual(drawing[row].index("o"), int(1 / 6.5 * 70))
        self.assertEqual(row, int(4 / 5 * len(drawing)))
        self.assertNotIn("\033", "\n".join(lines))
        table = [line.split() for line in lines[-4:]]
        self.assertEqual([row[:2] for row in table], [["1", "sgd"], ["2", "momentum"], ["3", "adagrad"],
                                                      ["4", "adadelta"]])
        done = self.done("beale")
        for row in table:
            event = done[row[1]]
            steps = event["steps_to_1_percent"]
            self.assertEqual(row[2:], [f"{event['start_f']:.4g}", f"{event['x']:.4g}", f"{event['y']:.4g}",
                                       f"{event['f']:.3g}", f"{event['distance']:.3g}", str(steps)])

    def test_room_for_many_runs(self):
        """80 columns and 24 lines, whatever the runs are: with settings of their own, in units, with one that diverges."""
        many = "sgd,momentum,adagrad,rmsprop,adamw,adadelta,adadelta:rho=0.9:eps=1e-8,adadelta:lr=0.5,adadelta:eps=1e-4"
        three = "sgd:lr=1e3,adadelta:rho=0.9:eps=1e-8,adadelta:rho=0.99:eps=1e-8:weight-decay=0.001"
        for words in (("--methods", many), ("--methods", three, "--units", "1,1000,1e-6"),
                      ("--methods", "sgd:lr=1e9,sgd:lr=1e3,adadelta", "--steps", 100000)):
            for name in NAMES:
                lines = self.ok("surface", name, *words).splitlines()
                self.assertLessEqual(max(map(len, lines)), 80)
                self.assertLess(len(lines), 24)
                count = 9 if len(words) == 2 or "--units" in words else 3
                self.assertEqual([line[0] for line in lines[-count:]], list("123456789"[:count]))
        lines = self.ok("surface", "bowl", "--methods", three, "--units", "1,1000,1e-6").splitlines()
        head = lines[-10].split()
        self.assertEqual(head, ["run", "unit", "f", "start", "x", "y", "f", "end", "distance", "to", "1", "%"])
        for row, unit in zip(lines[-6:], ["1", "1/1000", "1000000"] * 2):
            self.assertRegex(row, rf"^[4-9]  adade[a-z ]*\.\.\.  {unit} ")
        wide = self.ok("surface", "bowl", "--methods", three, "--width", 160)  # where there is room nothing is cut
        self.assertIn("  adadelta rho 0.99, eps 1e-08, weight decay 0.001  ", wide)

    def test_shades_rise(self):
        """Of the bowl's middle row, where no path is: dark at the ends, light in the middle, and as many of each."""
        lines = self.ok("surface", "bowl", "--condition", 1, "--window=-5,5,-5,5", "--from", "4.9,4.9", "--steps", 1,
                        "--width", 60, "--methods", "sgd:lr=0").splitlines()
        drawing = [line[9:] for line in lines if line[8:9] == "|"]
        middle = [" .:-=+".index(c) for c in drawing[len(drawing) // 2].replace("*", " ")]
        self.assertEqual(len(middle), 50)
        self.assertEqual(middle[:25], sorted(middle[:25], reverse=True))
        self.assertEqual(middle[25:], sorted(middle[25:]))
        cells = "".join(drawing)
        for band in range(6):  # the share of the field that lies below it
            below = sum(cells.count(c) for c in " .:-=+"[:band]) / len(cells)
            self.assertAlmostEqual(below, (band / 6) ** 2, delta=0.03)

    def test_width(self):
        for width in (40, 120):
            lines = self.ok("surface", "booth", "--width", width).splitlines()
            self.assertEqual(max(len(line) for line in lines if line[8:9] == "|"), width - 1)
        for width, title in ((120, "Ackley's function, f = 20 + e"), (80, "f = 20 + e"), (50, "Ackley's function")):
            line = self.ok("surface", "ackley", "--width", width).splitlines()[0]
            self.assertTrue(line.startswith(title) and len(line) <= width, line)
        self.assertEqual(line, title)

    def terminal(self, **env):
        """What a terminal of 100 by 40 shows."""
        master, slave = self.pseudo_terminal(40, 100)
        environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        process = subprocess.Popen([PROGRAM, "surface", "beale"], stdout=slave, env={**environment, **env},
                                   preexec_fn=default_signals)
        os.close(slave)
        text = b""
        try:
            while block := os.read(master, 65536):
                text += block
        except OSError:  # the other end is closed
            pass
        os.close(master)
        self.assertEqual(process.wait(), 0)
        return text.decode().replace("\r", "")

    def test_colours(self):
        text = self.terminal()
        self.assertTrue("\033[0;1;38;5;166m4" in text)  # 166 is (215, 95, 0), the nearest to #D55E00
        plain = re.sub("\033\\[[0-9;]*m", "", text)
        self.assertEqual(plain, self.terminal(NO_COLOR="1"))
        self.assertEqual(max(len(line) for line in plain.splitlines() if line[8:9] == "|"), 99)
        self.assertEqual(len(plain.splitlines()), 39)


class Pictures(Surface):
    def test_svg(self):
        out = self.ok("surface", "beale", "--noise", 0.5, "--seed", 3, "-o", "p.svg")
        self.assertIn("picture in p.svg", out)
        self.assertNotIn("o start", out)
        texts = svg_texts(self.path("p.svg"))
        for wanted in ("x", "y", "f", "sgd", "momentum", "adagrad", "adadelta", "sgd lr 0.01",
                       "adadelta lr 1, rho 0.95, eps 1e-06", "from (-1, -1.5), 2,000 steps, noise 0.5 (seed 3)",
                       "Beale's function, f = (1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)²"):
            self.assertIn(wanted, texts)
        with open(self.path("p.svg")) as file:
            content = file.read().upper()
        for color in ("#000000", "#0072B2", "#009E73", "#D55E00", "#8DA2B6"):
            red, green, blue = (int(color[k:k + 2], 16) for k in (1, 3, 5))
            self.assertTrue(color in content or re.search(rf"RGB\( *{red}, *{green}, *{blue}\)", content), color)

    def test_dashes_of_units(self):
        self.ok("surface", "beale", "--methods", "sgd,adadelta", "--units", "1,1000", "--convert-eps", "-o", "p.svg")
        texts = svg_texts(self.path("p.svg"))
        for wanted in ("sgd, unit 1", "adadelta, unit 1/1000", "sgd lr 0.01, unit 1/1000",
                       "adadelta lr 1, rho 0.95, eps 1e-06, unit 1/1000, eps converted"):
            self.assertIn(wanted, texts)
        with open(self.path("p.svg")) as file:
            self.assertIn("stroke-dasharray", file.read())

    def test_every_function(self):
        for name in NAMES:
            self.ok("surface", name, "--steps", 5, "-o", "p.svg")
            self.assertIn("adadelta", svg_texts(self.path("p.svg")))

    def test_scales(self):
        """The bowl's circles are circles: as many units a pixel on both axes."""
        self.ok("surface", "bowl", "--condition", 1, "-o", "p.png", "--methods", "sgd:lr=0.1")
        width, height = png_size(self.path("p.png"))
        self.assertEqual(width, 1600)
        self.ok("surface", "bowl", "--condition", 1, "--window=-2,2,-4,4", "-o", "q.png")
        self.assertGreater(png_size(self.path("q.png"))[1], height)

    def test_outside_the_window(self):
        """Paths that begin, end or stay outside; a place that no double of a pixel could say."""
        for words in (("booth", "--window=1,2,1,2"), ("ackley", "--window=-1e300,1e300,-1e300,1e300"), ("saddle", "--steps", 2000), ("bowl", "--from=1e120,1e-120"),
                      ("rosenbrock", "--methods", "sgd:lr=0.1,adadelta")):
            self.ok("surface", *words, "-o", "p.svg")
            svg_texts(self.path("p.svg"))
            self.ok("surface", *words)

    def test_title(self):
        self.ok("surface", "booth", "-o", "p.svg", "--title", "my 'own' {title}")
        self.assertIn("my 'own' {title}", svg_texts(self.path("p.svg")))


class Refusals(Surface):
    def test_words(self):
        for words, says in [
                (("beal",), ["unknown function beal", "did you mean beale?", "six-hump-camel"]),
                (("zzzzzz",), ["unknown function zzzzzz", *NAMES]),
                ((), "FUNCTION"),
                (("beale", "--from", "1"), ["--from 1", "two numbers"]),
                (("beale", "--from", "1,2,3"), "--from 1,2,3"),
                (("beale", "--from", "1,"), "--from 1,"),
                (("beale", "--from", "nan,1"), "--from nan,1"),
                (("beale", "--from", "1,inf"), "--from 1,inf"),
                (("beale", "--from", "0x1,1"), "--from 0x1,1"),
                (("beale", "--from", "1, 2"), "--from 1, 2"),
                (("beale", "--from", "1e999,2"), "--from 1e999,2"),
                (("beale", "--from", "1e200,2"), ["--from 1e200,2", "beale", "nearer to 0"]),
                (("beale", "--steps", "0"), "--steps 0: must be a whole number from 1"),
                (("beale", "--steps", "1e3"), "--steps 1e3"),
                (("beale", "--noise", "nan"), "--noise nan"),
                (("beale", "--noise", "-1"), "--noise -1"),
                (("beale", "--condition", "3"), ["--condition", "bowl", "beale"]),
                (("saddle", "--angle", "3"), ["--angle", "bowl", "saddle"]),
                (("bowl", "--condition", "0.5"), "--condition 0.5"),
                (("beale", "--window", "1,0,2,3"), ["--window 1,0,2,3", "rising"]),
                (("beale", "--window", "-1e200,1e200,0,1"), ["--window -1e200,1e200,0,1", "beale", "smaller"]),
                (("beale", "--window", "0,1,2"), "--window 0,1,2"),
                (("ackley", "--window=-2e307,2e307,-2e307,2e307", "-o", "p.svg"),
                 ["--window -2e307,2e307,-2e307,2e307", "1e+300", "smaller"]),
                (("ackley", "--window=0,1,0,2e300"), ["--window 0,1,0,2e300", "smaller"]),
                (("beale", "--units", "0"), ["--units 0", "from 1e-9"]),
                (("beale", "--units", "1,-1"), "--units 1,-1"),
                (("beale", "--units", "1,nan"), "--units 1,nan"),
                (("beale", "--units", "2,2"), ["--units 2,2", "twice"]),
                (("beale", "--units", "1,2,3"), ["--units", "4 methods", "9 runs"]),
                (("beale", "--units", "1,2,3,4,5,6,7,8,9,10"), "at most 9"),
                (("beale", "--convert-eps"), ["--convert-eps", "--units"]),
                (("beale", "--convert-eps", "--units", "2", "--weight-decay", "1"), ["--convert-eps", "weight decay"]),
                (("beale", "--convert-eps", "--units", "2", "--methods", "adadelta:weight-decay=1"),
                 ["--convert-eps", "weight decay"]),
                (("beale", "--explain", "--methods", "sgd"), ["--explain", "adadelta"]),
                (("beale", "--methods", "adam"), ["adam", "adadelta"]),
                (("beale", "--methods", "sgd,sgd"), "twice"),
                (("beale", "--width", "10"), "--width 10"),
                (("beale", "--width", "50", "-o", "p.svg"), ["--width", "--output"]),
                (("beale", "--width", "50", "--json"), ["--width", "--json"]),
                (("beale", "--title", "mine"), ["--title", "-o PICTURE"]),
                (("beale", "-o", "p.pdf"), [".svg", ".png"])]:
            self.fails(2, "surface", *words, says=says)

    def test_files(self):
        self.fails(1, "surface", "beale", "-o", "none/p.svg", says="none/p.svg")
        self.fails(1, "surface", "beale", "-o", "p.svg", env={"PATH": self.folder}, says="gnuplot")
        for words in ((), ("--json",)):
            with open("/dev/full", "wb") as full:
                process = self.start("surface", "beale", *words, stdout=full, stderr=-1)
                err = process.communicate(timeout=60)[1].decode()
            self.assertEqual(process.returncode, 1)
            self.assertRegex(err, r"\Aadadelta: [^\n]*standard output[^\n]*\n\Z")

    def test_help(self):
        text = self.ok("surface", "--help")
        for name in NAMES:
            self.assertRegex(text, rf"\n  {name} +\S")
        self.assertIn("x² - y²", text)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""bench step --plot: which rows are measured for a picture, what stands in it, and what is refused."""
import os
import re
import unittest
import xml.etree.ElementTree as xml

from common import Case

SVG = "{http://www.w3.org/2000/svg}"


class Plot(Case):
    def texts(self, name):
        """The texts of a picture, each in one piece."""
        return ["".join(element.itertext()) for element in xml.parse(self.path(name)).iter(f"{SVG}text")]

    def rows(self, *words):
        return self.events("bench", "step", "--repeat", 1, *words)

    def test_one_thread_and_all(self):
        *rows, picture = self.rows("--n", "10,1000", "--threads", 2, "--plot", "p.svg")
        self.assertEqual([(row["n"], row["threads"]) for row in rows], [(10, 1), (1000, 1), (10, 2), (1000, 2)])
        self.assertEqual(picture, {"event": "picture", "path": "p.svg"})
        texts = self.texts("p.svg")
        for wanted in ("the step, 1 thread", "the step, 2 threads", "only moving its bytes, 1 thread",
                       "only moving its bytes, 2 threads", "parameters", "nanoseconds a parameter",
                       "What a step costs for each parameter"):
            self.assertIn(wanted, texts)
        self.assertTrue(any("f32" in text and rows[0]["isa"] in text for text in texts))
        *rows, _ = self.rows("--n", "10,1000", "--threads", 1, "--plot", "q.svg", "--dtype", "f64")
        self.assertEqual([(row["n"], row["threads"]) for row in rows], [(10, 1), (1000, 1)])
        texts = self.texts("q.svg")
        self.assertFalse(any("2 threads" in text for text in texts))
        self.assertTrue(any("f64" in text for text in texts))

    def test_points_are_where_they_belong(self):
        """Equal steps of n take equal room, and a curve has as many points as there are sizes."""
        self.rows("--n", "10,100,1000,10000", "--threads", 1, "--plot", "p.svg")
        with open(self.path("p.svg")) as file:
            marks = re.findall(r"<use [^>]*xlink:href='#gpPt6'[^>]*translate\(([\d.]+),", file.read())
        places = [float(mark) for mark in marks[:4]]
        self.assertEqual(len(places), 4)
        for k in (1, 2):
            self.assertAlmostEqual(places[k + 1] - places[k], places[k] - places[k - 1], delta=0.5)

    def test_png(self):
        self.rows("--n", "10", "--threads", 1, "--plot", "p.png")
        with open(self.path("p.png"), "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")

    def test_sizes_beyond_memory_are_left_out(self):
        code, out, err = self.run_program("bench", "step", "--repeat", 1, "--n", "10,1000000000000", "--threads", 2,
                                          "--plot", "p.svg")
        self.assertEqual(code, 0, err)
        self.assertEqual(len(re.findall("^1000000000000 parameters left out: .* GB .*$", err, re.MULTILINE)), 1, err)
        self.assertEqual([line.split()[0] for line in out.splitlines() if line], ["n", "10", "10", "picture"])
        self.assertTrue(os.path.exists(self.path("p.svg")))
        self.fails(1, "bench", "step", "--n", "1000000000000", "--plot", "q.svg", says=["--plot", "memory"])

    def test_refused_before_anything_is_measured(self):
        words = ["bench", "step", "--n", "1000000,100000000", "--repeat", "1000"]
        self.fails(2, *words, "--plot", "p.pdf", says=["p.pdf", ".svg", ".png"])
        self.fails(2, *words, "--plot=", says="--plot")
        self.fails(2, *words, "--plot", "p.svg", "--with", "plain,norm", says=["--plot", "one kind"])
        self.fails(1, *words, "--plot", "p.svg", env={"PATH": self.folder}, says="gnuplot-nox")
        self.fails(1, *words, "--plot", "none/p.svg", says="none/p.svg")


if __name__ == "__main__":
    unittest.main()

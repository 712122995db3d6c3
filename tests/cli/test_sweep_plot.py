# SPDX-License-Identifier: MIT
"""The pictures of a sweep."""
import unittest

from common import data, png_size, svg_texts
from sweeps import SMALL, Sweep


class Pictures(Sweep):
    def test_heat_map(self):
        words = ("sweep", *self.halves(), *SMALL, "--grid", "eps=1e-2,1e-6", "--grid", "rho=0.9,0.95", "--seeds", 3)
        cells = self.of(self.events(*words, "--plot", "p.svg"), "cell")
        texts = svg_texts(self.path("p.svg"))
        for wanted in ("eps", "rho", "1e-2", "1e-6", "0.9", "0.95", "test error in %", "Test error on train.csv",
                       "mlp:8 relu, adadelta, 3 epochs, 898 test rows, 3 seeds"):
            self.assertIn(wanted, texts)
        for cell in cells:
            self.assertIn(f"{100 * cell['mean']:.2f}", texts)
            self.assertIn(f"± {100 * cell['sd']:.2f}", texts)
        self.assertIn("the smallest outlined", " ".join(texts))
        self.check_mark()

    def check_mark(self):
        """The best is marked in vermilion."""
        with open(self.path("p.svg")) as file:
            self.assertRegex(file.read().upper(), r"#D55E00|RGB\( *213, *94, *0\)")

    def test_points(self):
        events = self.events("sweep", *self.halves("iris.csv"), *SMALL, "--grid", "lr=0.5,1", "--seeds", 2, "--plot",
                             "p.png", "--title", "it's mine")
        self.assertEqual(self.of(events, "picture"), [{"event": "picture", "path": "p.png"}])
        self.assertGreater(png_size(self.path("p.png"))[0], 800)
        self.ok("sweep", *self.halves("iris.csv"), *SMALL, "--grid", "lr=0.5,1", "--seeds", 2, "--plot", "p.svg",
                "--title", "it's mine", "--quiet")
        self.assertLessEqual({"it's mine", "lr", "0.5", "1", "test error in %"}, set(svg_texts(self.path("p.svg"))))
        self.check_mark()

    def test_failed_cells(self):
        for more, wanted in (((), "2 failed"), (("--grid", "batch=8,16"), "failed")):
            self.ok("sweep", data("diabetes.csv"), "--method", "sgd", "--epochs", 3, "--grid", "lr=1e30,0.01", *more,
                    "--seeds", 2, "--plot", "p.svg", "--quiet")
            self.assertIn(wanted, svg_texts(self.path("p.svg")))

    def test_found_out_before_training(self):
        endless = ("sweep", data("digits.csv"), "--epochs", 10**6, "--grid", "lr=1,2")
        self.fails(2, *endless, "--plot", "p.pdf", says=[".svg", ".png"])
        self.fails(2, *endless, "--grid", "rho=0.9", "--grid", "eps=1e-6", "--plot", "p.svg", says="one or two axes")


if __name__ == "__main__":
    unittest.main()

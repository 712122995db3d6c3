# SPDX-License-Identifier: MIT
"""The methods side by side over seeds: mean and deviation, kept runs, bands, and curves from elsewhere."""
import json
import math
import os
import re
import signal
import statistics
import subprocess
import time
import unittest
import xml.etree.ElementTree as xml

from common import Case, data, lines_of, results, svg_texts

RUN = ("compare", "train.csv", "--test", "test.csv", "--model", "mlp:16", "--epochs", 6)
METHODS = "sgd:lr=1,sgd,adadelta:rho=0.9"
WORDS = {"sgd lr 1": ("--method", "sgd", "--lr", 1), "sgd": ("--method", "sgd"), "adadelta": ("--rho", 0.9)}


class SeedsCase(Case):
    def setUp(self):
        super().setUp()
        head, *rows = lines_of(data("digits.csv"))
        self.write("train.csv", head + "".join(rows[:1200]))
        self.write("test.csv", head + "".join(rows[1200:]))

    def curves(self, *words):
        return {event["label"]: event for event in self.events(*RUN, *words) if event["event"] == "curve"}


class Seeds(SeedsCase):
    def test_figures_are_those_of_train(self):
        curves = self.curves("--methods", METHODS, "--seeds", 3, "--seed", 4)
        self.assertEqual(list(curves), list(WORDS))
        for label, words in WORDS.items():
            runs = [[event["test_error"] for event in self.events("train", *RUN[1:], *words, "--seed", seed,
                                                                  "--schedule", "constant")
                     if event["event"] == "epoch"] for seed in (4, 5, 6)]
            for epoch, figures in enumerate(zip(*runs)):
                self.assertAlmostEqual(curves[label]["mean"][epoch], statistics.mean(figures), delta=1e-15)
                self.assertAlmostEqual(curves[label]["sd"][epoch], statistics.stdev(figures), delta=1e-15)
            self.assertEqual((len(curves[label]["mean"]), curves[label]["n"], curves[label]["failed"]), (6, 3, 0))
            self.assertEqual(curves[label]["metric"], "test_error")

    def test_numbers(self):
        events = self.events("compare", data("diabetes.csv"), "--epochs", 4, "--seeds", 2)
        curves = [event for event in events if event["event"] == "curve"]
        self.assertEqual([curve["metric"] for curve in curves], ["test_loss"] * 4)
        runs = [event for event in events if event["event"] == "run" and event["axes"] == {"method": "adadelta"}]
        self.assertAlmostEqual(curves[3]["mean"][2],
                               statistics.mean(run["test_loss_by_epoch"][2] for run in runs), delta=1e-9)
        self.assertEqual(events[-1]["event"], "done")
        self.assertEqual((events[-1]["runs"], events[-1]["failed"]), (8, 0))

    def test_tables(self):
        words = (*RUN, "--methods", METHODS, "--seeds", 3, "--quiet")
        curves = self.curves("--methods", METHODS, "--seeds", 3)
        spread = [f"{100 * c['mean'][-1]:.2f} ± {100 * c['sd'][-1]:.2f}" for c in curves.values()]
        terminal = next(line for line in self.ok(*words).splitlines() if re.match(r" +6 ", line))
        self.assertEqual(re.findall(r"[\d.]+ ± [\d.]+", terminal), spread)
        markdown = next(line for line in self.ok(*words, "--format", "markdown").splitlines()
                        if re.match(r"\| +6 ", line))
        self.assertEqual([cell.strip(" *") for cell in markdown.split("|")[2:-1]], spread)
        least = min(range(3), key=lambda k: list(curves.values())[k]["mean"][-1])
        self.assertEqual([cell.count("**") for cell in markdown.split("|")[2:-1]], [2 * (k == least) for k in range(3)])
        table = [line.split(",") for line in self.ok(*words, "--format", "csv").splitlines()]
        self.assertEqual(table[0], ["epoch", "sgd lr 1", "sgd lr 1 sd", "sgd", "sgd sd", "adadelta", "adadelta sd"])
        self.assertEqual(len(table), 7)
        self.assertEqual([float(cell) for cell in table[3][1::2]], [100 * c["mean"][2] for c in curves.values()])
        self.assertEqual([float(cell) for cell in table[3][2::2]], [100 * c["sd"][2] for c in curves.values()])

    def test_one_seed(self):
        """Runs are kept without --seeds too; there is no spread then, and the figures are those of a plain comparison."""
        plain = [event["test_error"] for event in self.events(*RUN) if event["event"] == "done"]
        curves = self.curves("--keep", "runs.jsonl")
        self.assertEqual([curve["mean"][-1] for curve in curves.values()], plain)
        self.assertEqual([curve["sd"][-1] for curve in curves.values()], [None] * 4)
        self.assertNotIn("±", self.ok(*RUN, "--keep", "runs.jsonl", "--quiet"))

    def test_the_formats_of_a_single_run(self):
        done = [event for event in self.events(*RUN) if event["event"] == "done"]
        table = [line.split(",") for line in self.ok(*RUN, "--format", "csv", "--quiet").splitlines()]
        self.assertEqual(table[0], ["epoch", "sgd", "momentum", "adagrad", "adadelta"])
        self.assertEqual([float(cell) / 100 for cell in table[6][1:]], [event["test_error"] for event in done])
        out = self.ok(*RUN, "--format", "json", "--quiet")
        self.assertEqual(results([json.loads(line) for line in out.splitlines()])[-1]["event"], "done")

    def test_some_fail(self):
        """A rate at which the loss overflows: the others go on, and the legend tells."""
        words = ("compare", data("diabetes.csv"), "--epochs", 5, "--methods", "sgd:lr=0.5,adadelta", "--seeds", 3)
        events = self.events(*words)
        curves = [event for event in events if event["event"] == "curve"]
        self.assertTrue(any(event["event"] == "run" and event["outcome"] == "diverged" and event["epochs"] > 0
                            for event in events))  # its epochs are part of no curve
        self.assertEqual([(c["n"], c["failed"], len(c["mean"])) for c in curves], [(0, 3, 0), (3, 0, 5)])
        self.assertIn("not finite", curves[0]["failure"])
        self.assertRegex(self.ok(*words, "--quiet", "-o", "p.svg"), r"\n\nsgd: 3 of 3 runs failed: seed 1: .*not finite")
        self.assertTrue(any("(failed)" in text for text in svg_texts(self.path("p.svg"))))
        self.fails(1, *words[:5], "sgd:lr=1e30", "--seeds", 2, says=["no run", "not finite"])


class Kept(SeedsCase):
    def test_goes_on(self):
        """With more seeds and other methods the runs that are there are not run again; the result is the same."""
        first = self.events(*RUN, "--methods", METHODS, "--seeds", 2, "--keep", "runs.jsonl")
        self.assertEqual(first[-1]["saved"], "runs.jsonl")
        self.assertEqual(len(lines_of(self.path("runs.jsonl"))), 1 + 6)
        words = ("--methods", "adagrad,adadelta:rho=0.9", "--seeds", 3)
        again = self.curves(*words, "--keep", "runs.jsonl")
        self.assertEqual(len(lines_of(self.path("runs.jsonl"))), 1 + 6 + 4)
        self.assertEqual(again, self.curves(*words))

    def test_after_a_kill(self):
        whole = self.curves("--methods", METHODS, "--seeds", 4, "--keep", "whole.jsonl")
        lines = lines_of(self.path("whole.jsonl"))
        self.write("part.jsonl", "".join(lines[:7]) + lines[7][:40])
        self.assertEqual(self.curves("--methods", METHODS, "--seeds", 4, "--keep", "part.jsonl"), whole)
        self.assertEqual(sorted(json.loads(line)["seed"] for line in lines_of(self.path("part.jsonl"))[1:]),
                         sorted([1, 2, 3, 4] * 3))

    def test_interrupted(self):
        """What is printed is no table; beside CSV it goes to standard error."""
        for option, out_says, err_says in (
                ("json", '{"event":"interrupted","runs":0,"of":8,"saved":"runs.jsonl"}\n', ""),
                ("terminal", "\ninterrupted after 0 of 8 runs; the same command goes on with runs.jsonl\n", ""),
                ("csv", "", "\ninterrupted after 0 of 8 runs; the same command goes on with runs.jsonl\n")):
            self.assertEqual(self.interrupted("--format", option), (out_says, err_says))

    def interrupted(self, *words):
        words = (*RUN[:-1], 4000, "--seeds", 2, "--keep", "runs.jsonl", "--threads", 1, "--quiet", *words)
        process = self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while process.poll() is None and not os.path.exists(self.path("runs.jsonl")):
            time.sleep(0.005)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertFalse(os.path.exists(self.path("runs.jsonl")))  # no run had ended
        return out.decode(), err.decode()

    def test_a_sweep_and_a_comparison_share_their_runs(self):
        self.ok("sweep", *RUN[1:], "--grid", "method=sgd,adadelta", "--schedule", "constant", "--seeds", 2, "-o",
                "runs.jsonl", "--quiet")
        size = len(lines_of(self.path("runs.jsonl")))
        curves = self.curves("--methods", "sgd,adadelta", "--seeds", 2, "--keep", "runs.jsonl")
        self.assertEqual(len(lines_of(self.path("runs.jsonl"))), size)
        self.assertEqual(curves, self.curves("--methods", "sgd,adadelta", "--seeds", 2))

    def test_other_data(self):
        self.ok(*RUN, "--seeds", 1, "--keep", "runs.jsonl", "--quiet")
        self.fails(2, "compare", "test.csv", *RUN[2:], "--keep", "runs.jsonl", says=["runs.jsonl", "rows"])
        self.fails(2, *RUN[:-1], 7, "--keep", "runs.jsonl", says=["runs.jsonl", "epochs is 6 in it and 7 now"])

    def test_bad_words(self):
        self.fails(2, *RUN, "--seeds", 0, says=["--seeds 0", "from 1 to 10000"])
        self.fails(2, *RUN, "--seeds", 2, "--format", "tex", says=["--format tex", "markdown"])
        self.fails(2, *RUN, "--json", "--format", "csv", says="cannot be used together")
        self.fails(2, *RUN, "--keep", "train.csv", says=["train.csv", "holds no runs"])
        self.fails(1, *RUN, "--keep", "nowhere/runs.jsonl", says="nowhere/runs.jsonl")
        self.fails(2, *RUN, "--keep", "p.svg", "-o", "p.svg", says="p.svg")


OVERLAY = "epoch,SGD,adam\n1,20,30\n2,15,25.5\n6,9.25,11\n40,0.5,0.5\n"


def marks(path, shape, color):
    """Where marks of a shape and a colour are drawn, but for the one of the legend, which comes last of each curve."""
    with open(path) as file:
        return [(float(x), float(y)) for x, y in
                re.findall(rf"#gpPt{shape}' transform='translate\(([\d.]+),([\d.]+)\)[^>]*color='rgb\( *{color}\)", file.read())]


RING, DOT, ORANGE, BLACK, GREY = 5, 6, "213,  94,   0", "0,   0,   0", "119, 119, 119"


class Pictures(SeedsCase):
    def test_bands(self):
        """Each curve lies in a band of its method's colour."""
        self.ok(*RUN, "--methods", METHODS, "--seeds", 3, "-o", "p.svg", "--quiet")
        texts = svg_texts(self.path("p.svg"))
        self.assertTrue(any("mean ± standard deviation of 3 seeds" in text for text in texts))
        with open(self.path("p.svg")) as file:
            bands = re.findall(r"fill *= *'rgb\( *(\d+), *(\d+), *(\d+)\)'[^>]*fill-opacity *= *'0.1", file.read())
        self.assertEqual(sorted(bands), sorted([("0", "0", "0")] * 2 + [("213", "94", "0")]))
        self.ok(*RUN, "--methods", METHODS, "-o", "p.svg", "--quiet")
        with open(self.path("p.svg")) as file:
            self.assertNotIn("fill-opacity = '0.1", file.read())

    def test_overlay(self):
        self.write("paper.csv", OVERLAY)
        words = (*RUN, "--methods", "sgd,adadelta", "--overlay", "paper.csv", "--quiet")
        out = self.ok(*words, "-o", "p.svg").splitlines()
        rows = {line.split()[0]: line.split() for line in out if line.strip()}
        self.assertEqual(rows["epoch"], ["epoch", "sgd", "adadelta", "SGD", "adam"])
        self.assertEqual([rows[epoch][3:] for epoch in "1256"],
                         [["20.00", "30.00"], ["15.00", "25.50"], ["-", "-"], ["9.25", "11.00"]])
        self.assertIn("At the right: paper.csv", out)
        texts = svg_texts(self.path("p.svg"))
        self.assertIn("rings, each in its method's colour: paper.csv", texts)
        self.assertIn("adam (paper.csv)", texts)
        table = [line.split(",") for line in self.ok(*words, "--format", "csv").splitlines()]
        self.assertEqual(table[0][3:], ["paper.csv SGD", "paper.csv adam"])
        self.assertEqual([row[3:] for row in table[1:4]], [["20", "30"], ["15", "25.5"], ["", ""]])

    def check_rings(self, figures):
        """Rings stand where a curve with their figures would be: on the scale of our own, linear or logarithmic."""
        self.write("paper.csv", "epoch,Adadelta\n" + "".join(f"{epoch},{figure}\n" for epoch, figure in figures))
        words = (*RUN, "--methods", "adadelta", "--overlay", "paper.csv", "-o", "p.svg")
        ours = [100 * event["test_error"] for event in self.events(*words) if event["event"] == "epoch"]
        dots = marks(self.path("p.svg"), DOT, ORANGE)[:len(ours)]
        rings = marks(self.path("p.svg"), RING, ORANGE)
        self.assertEqual((len(dots), len(rings)), (len(ours), len(figures)))
        scale = math.log if max(ours + [f for _, f in figures]) > 4 * min(ours + [f for _, f in figures]) else float
        k = ours.index(min(ours))
        slope = (dots[k][1] - dots[0][1]) / (scale(ours[k]) - scale(ours[0]))
        for (x, y), (epoch, figure) in zip(rings, figures):
            self.assertAlmostEqual(x, dots[epoch - 1][0], delta=0.05)
            self.assertAlmostEqual(y, dots[0][1] + slope * (scale(figure) - scale(ours[0])), delta=0.1)

    def test_rings(self):
        for figures in ([(1, 20), (3, 15)], [(2, 45), (6, 0.5)], [(1, 1.5)], [(1, 70), (2, 60), (4, 50), (6, 48)]):
            with self.subTest(figures):
                self.check_rings(figures)

    def test_rings_outside(self):
        """What has no place is told of: too high beside ours; epochs that the axis has not got are passed over."""
        self.write("paper.csv", "epoch,adadelta,other\n0,5,\n1,90000,12\n2,,11\n2.5,15,10\n7,5,5\n")
        self.ok(*RUN, "--methods", "adadelta", "--overlay", "paper.csv", "-o", "p.svg", "--quiet")
        texts = svg_texts(self.path("p.svg"))
        self.assertIn("rings, each in its method's colour: paper.csv; outside: 1", texts)
        self.assertEqual(len(marks(self.path("p.svg"), RING, ORANGE)), 1)

    def test_a_long_legend(self):
        """The picture grows; the curves keep their room."""
        self.write("paper.csv", "epoch," + ",".join(f"c{k}" for k in range(9)) + "\n1" + 9 * ",20" + "\n")
        methods = ",".join(f"adadelta:rho=0.{k}" for k in range(1, 10))
        self.ok(*RUN, "--methods", methods, "--overlay", "paper.csv", "-o", "p.svg", "--quiet")
        root = xml.parse(self.path("p.svg")).getroot()
        self.assertGreater(int(root.get("height")), 850)
        self.assertEqual(sum("paper.csv" in text for text in svg_texts(self.path("p.svg"))), 9)
        self.write("paper.csv", "epoch," + ",".join(f"c{k}" for k in range(10)) + "\n1" + 10 * ",20" + "\n")
        self.fails(1, *RUN, "--overlay", "paper.csv", says=["paper.csv", "10 curves", "at most 9"])

    def test_bad_overlays(self):
        for content, says in [("epoch,SGD\n1,high\n", ["bad.csv", "SGD"]), ("", "bad.csv"), ("a,b\n1,2\n3\n", "bad.csv:3"),
                              (b"\0\0\x08\x03" + 12 * b"\0", "bad.csv")]:
            self.write("bad.csv", content)
            self.fails(1, *RUN[:-1], 10**6, "--overlay", "bad.csv", says=says)
        self.fails(1, *RUN, "--overlay", "none.csv", says="none.csv")


if __name__ == "__main__":
    unittest.main()

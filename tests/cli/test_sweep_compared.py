# SPDX-License-Identifier: MIT
"""Paired comparisons of settings, against a second implementation."""
import bisect
import csv
import fractions
import io
import itertools
import json
import math
import re
import statistics
import unittest

from common import data, lines_of
from sweeps import SMALL, Sweep


def student_point(degrees):
    """The t with 2.5 % above it, by summing the density up: no formula that the program has."""
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def density(t):
        return scale * (1 + t * t / degrees) ** (-(degrees + 1) / 2)

    total, t, step = 0.0, 0.0, 1e-3
    while True:
        part = step / 6 * (density(t) + 4 * density(t + step / 2) + density(t + step))  # Simpson
        if total + part >= 0.475:
            return t + step * (0.475 - total) / part
        total += part
        t += step


def sign_flip_share(differences):
    """Exactly, in fractions."""
    exact = [fractions.Fraction(d).limit_denominator(10**6) for d in differences]
    seen = abs(sum(exact))
    flips = list(itertools.product((1, -1), repeat=len(exact)))
    return sum(abs(sum(s * d for s, d in zip(signs, exact))) >= seen for signs in flips) / len(flips)


class Compared(Sweep):
    def check(self, pair, own, reference):
        differences = [b - a for a, b in zip(reference, own)]
        n = len(differences)
        mean, error = statistics.fmean(differences), statistics.stdev(differences) / math.sqrt(n)
        reach = student_point(n - 1) * error
        self.assertEqual(pair["pairs"], n)
        for key, value in [("mean", statistics.fmean(own)), ("reference_mean", statistics.fmean(reference)),
                           ("reference_sd", statistics.stdev(reference)), ("difference", mean),
                           ("standard_error", error), ("low", mean - reach), ("high", mean + reach)]:
            self.assertAlmostEqual(pair[key], value, delta=1e-6 * (abs(value) + error), msg=key)
        return differences

    def test_against_another_implementation(self):
        events = self.events("sweep", *self.halves(), *SMALL, "--grid", "rho=0.9,0.95", "--grid", "eps=1e-2,1e-4,1e-6",
                             "--seeds", 8, "--compare", "eps=.0001")
        figures = {}
        for run in sorted(self.of(events, "run"), key=lambda run: run["seed"]):
            figures.setdefault((run["axes"]["rho"], run["axes"]["eps"]), []).append(run["test_error"])
        pairs = self.of(events, "pair")
        self.assertEqual([(pair["axes"]["rho"], pair["axes"]["eps"]) for pair in pairs],
                         list(itertools.product((0.9, 0.95), (1e-2, 1e-6))))
        for pair in pairs:
            rho, eps = pair["axes"]["rho"], pair["axes"]["eps"]
            differences = self.check(pair, figures[rho, eps], figures[rho, 1e-4])
            self.assertEqual((pair["axis"], pair["reference"], pair["p_is_exact"]), ("eps", 1e-4, True))
            self.assertEqual(pair["p"], sign_flip_share(differences))
        self.assertGreater(len({pair["p"] for pair in pairs}), 1)

    def test_many_seeds(self):
        words = ("sweep", *self.halves("iris.csv"), *SMALL, "--grid", "state=f32,bf16", "--seeds", 20, "--compare",
                 "state=f32", "--metric", "test_loss")
        events = self.events(*words)
        figures = {}
        for run in sorted(self.of(events, "run"), key=lambda run: run["seed"]):
            figures.setdefault(run["axes"]["state"], []).append(run["test_loss"])
        pair = self.of(events, "pair")[0]
        differences = self.check(pair, figures["bf16"], figures["f32"])
        self.assertFalse(pair["p_is_exact"])
        # All sign patterns of two halves, to be combined: 2^20 sums without a million loops.
        halves = [sorted(sum(s * d for s, d in zip(signs, part)) for signs in itertools.product((1, -1), repeat=10))
                  for part in (differences[:10], differences[10:])]
        seen = abs(sum(differences)) * (1 - 1e-9)
        far = sum(bisect.bisect_right(halves[1], -seen - a) + 1024 - bisect.bisect_left(halves[1], seen - a)
                  for a in halves[0])
        self.assertAlmostEqual(pair["p"], far / 2**20, delta=0.01)
        self.assertRegex(self.ok(*words, "--quiet"), rf" ~{pair['p']:.4f} +20\n")

    def test_pairs_without_those_that_failed(self):
        words = ("sweep", data("iris.csv"), "--epochs", 1, "--grid", "lr=0.5,1", "--seeds", 4, "-o", "s.jsonl")
        self.events(*words)
        head, *runs = lines_of(self.path("s.jsonl"))
        runs = [json.loads(run) for run in runs]
        errors = {(0.5, 1): 0.1, (0.5, 2): 0.2, (0.5, 3): 0.3, (0.5, 4): 0.5,
                  (1.0, 1): 0.11, (1.0, 2): 0.24, (1.0, 3): 0.2, (1.0, 4): 0.9}
        for run in runs:
            run["test_error"] = errors[run["axes"]["lr"], run["seed"]]
            if (run["axes"]["lr"], run["seed"]) == (1.0, 3):
                run.update(outcome="diverged", failure="x")
        self.write("s.jsonl", head + "".join(json.dumps(run) + "\n" for run in runs))
        pair = self.of(self.events(*words, "--compare", "lr=0.5"), "pair")[0]
        self.assertEqual(pair["pairs"], 3)
        self.assertAlmostEqual(pair["difference"], (0.01 + 0.04 + 0.4) / 3)
        self.assertEqual(pair["p"], 2 / 2**3)
        self.assertAlmostEqual(pair["reference_mean"], (0.1 + 0.2 + 0.3 + 0.5) / 4)  # all that it has itself
        self.assertAlmostEqual(pair["reference_sd"], statistics.stdev([0.1, 0.2, 0.3, 0.5]))
        self.assertRegex(self.ok(*words, "--compare", "lr=0.5", "--quiet"),
                         r"\n1 +41\.67 ± \S+ \(1 failed\) +27\.50 ± 17\.08 +\+15 +13 +-\d+ to \d+ +0\.2500 +3\n")

    def test_tables(self):
        words = ("sweep", *self.halves("iris.csv"), *SMALL, "--grid", "lr=0.5,1,2", "--seeds", 3, "--compare", "lr=1")
        pairs = self.of(self.events(*words), "pair")
        rows = list(csv.DictReader(io.StringIO(self.ok(*words, "--quiet", "--format", "csv"))))
        self.assertEqual([float(row["lr"]) for row in rows], [0.5, 2])
        for row, pair in zip(rows, pairs):
            for key in ("pairs", "mean", "reference_mean", "reference_sd", "difference", "standard_error", "low",
                        "high", "p"):
                self.assertEqual(float(row[key]), pair[key], key)
        text = self.ok(*words, "--quiet", "--format", "markdown")
        self.assertIn("against lr 1", text)
        self.assertEqual(len(re.findall(r"^\| (0\.5|2) ", text, re.M)), 4)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""A grid of settings over seeds: the same runs as train's, and what is said of them."""
import csv
import io
import itertools
import json
import os
import re
import statistics
import unittest

import test_progress
from common import SOURCE, data, lines_of
from sweeps import SMALL, Sweep, axes_of


class Runs(Sweep):
    def test_same_runs_as_train(self):
        files = self.halves()
        events = self.events("sweep", *files, *SMALL, "--grid", "eps=1e-2,1e-6", "--grid", "rho=0.9,0.95",
                             "--seeds", 3)
        runs = self.of(events, "run")
        self.assertEqual(len(runs), 12)
        for run in runs:
            alone = self.events("train", *files, *SMALL, "--eps", run["axes"]["eps"], "--rho", run["axes"]["rho"],
                                "--seed", run["seed"])
            for key in ("test_error", "test_loss", "train_loss"):
                self.assertEqual(run[key], alone[-1][key], (run["axes"], run["seed"], key))
            for key in ("test_error", "test_loss"):
                self.assertEqual(run[f"{key}_by_epoch"], [event[key] for event in self.of(alone, "epoch")])
        self.assertEqual(sorted((run["axes"]["eps"], run["axes"]["rho"], run["seed"]) for run in runs),
                         sorted(itertools.product((1e-2, 1e-6), (0.9, 0.95), (1, 2, 3))))

    def test_every_axis(self):
        files = self.halves("iris.csv")
        for words, name, value in [((), "lr", "0.5"), ((), "rho", "0.5"), ((), "eps", "1e-3"), ((), "batch", "7"),
                                   (("--method", "momentum"), "momentum", "0.5"), ((), "epochs", "2"),
                                   (("--method", "adamw"), "beta1", "0.5"), (("--method", "adamw"), "beta2", "0.5"),
                                   ((), "weight-decay", "0.01"), ((), "method", "rmsprop"), ((), "state", "bf16"),
                                   ((), "schedule", "cosine"), ((), "activation", "tanh"), ((), "init", "glorot"),
                                   ((), "scale", "none")]:
            common = (*files, "--model", "mlp:5", *words, *(() if name == "epochs" else ("--epochs", 3)))
            run = self.of(self.events("sweep", *common, "--grid", f"{name}={value}", "--seeds", 1), "run")[0]
            with_it = self.events("train", *common, f"--{name}", value)[-1]
            without = self.events("train", *common)[-1]
            self.assertEqual(run["train_loss"], with_it["train_loss"], name)
            self.assertNotEqual(run["train_loss"], without["train_loss"], name)

    def test_scales_as_trains(self):
        files = self.halves("iris.csv")
        runs = self.of(self.events("sweep", *files, *SMALL, "--grid", "scale=auto,standard,minmax,none", "--seeds", 2),
                       "run")
        losses = {(run["axes"]["scale"], run["seed"]): (run["train_loss"], run["test_loss"]) for run in runs}
        self.assertEqual(len(losses), 8)
        for scale, seed in losses:
            alone = self.events("train", *files, *SMALL, "--scale", scale, "--seed", seed)[-1]
            self.assertEqual(losses[scale, seed], (alone["train_loss"], alone["test_loss"]))
        self.assertEqual(len(set(losses.values())), 6)  # of a table auto is standard

    def test_states_of_16_and_8_bits(self):
        files = self.halves("iris.csv")
        runs = self.of(self.events("sweep", *files, *SMALL, "--grid", "state=f32,u16,u8", "--seeds", 2), "run")
        for run in runs:
            alone = self.events("train", *files, *SMALL, "--state", run["axes"]["state"], "--seed", run["seed"])[-1]
            self.assertEqual((run["train_loss"], run["test_loss"]), (alone["train_loss"], alone["test_loss"]))
        self.assertEqual(len({run["train_loss"] for run in runs}), 6)

    def test_one_split_for_all_seeds(self):
        words = (data("iris.csv"), *SMALL, "--grid", "lr=0.5,1")
        runs = {(run["axes"]["lr"], run["seed"]): run["test_loss"]
                for run in self.of(self.events("sweep", *words, "--first-seed", 5, "--seeds", 2), "run")}
        alone = self.events("train", *words[:-2], "--lr", 0.5, "--seed", 5, "--test-fraction", 0.2)[-1]
        self.assertEqual(runs[0.5, 5], alone["test_loss"])
        other = self.events("sweep", *words, "--first-seed", 6, "--seeds", 1)
        self.assertNotEqual(runs[0.5, 6], self.of(other, "run")[0]["test_loss"])
        wider = self.of(self.events("sweep", *words, "--first-seed", 5, "--seeds", 3), "run")
        self.assertEqual({k: v for k, v in ((((run["axes"]["lr"], run["seed"]), run["test_loss"])) for run in wider)
                          if k[1] < 7}, runs)

    def test_cells(self):
        for metric in (None, "test_loss", "train_loss"):
            events = self.events("sweep", *self.halves(), *SMALL, "--grid", "eps=1e-2,1e-4,1e-6", "--seeds", 4,
                                 *(("--metric", metric) if metric else ()))
            figures = {}
            for run in self.of(events, "run"):
                figures.setdefault(axes_of(run), []).append(run[metric or "test_error"])
            cells = self.of(events, "cell")
            self.assertEqual([axes_of(cell) for cell in cells], [(("eps", eps),) for eps in (1e-2, 1e-4, 1e-6)])
            for cell in cells:
                mine = figures[axes_of(cell)]
                self.assertEqual((cell["n"], cell["failed"], cell["metric"]), (4, 0, metric or "test_error"))
                self.assertEqual((cell["min"], cell["max"]), (min(mine), max(mine)))
                for key, function in (("mean", statistics.fmean), ("sd", statistics.stdev),
                                      ("median", statistics.median)):
                    self.assertAlmostEqual(cell[key], function(mine), delta=1e-12 * max(mine))
            best = self.of(events, "best")
            self.assertEqual(best, [{**min(cells, key=lambda cell: cell["mean"]), "event": "best"}])
            done = events[-1]
            self.assertEqual((done["event"], done["runs"], done["failed"]), ("done", 12, 0))

    def test_numbers(self):
        events = self.events("sweep", data("diabetes.csv"), "--epochs", 3, "--grid", "eps=1e-4,1e-2", "--seeds", 2)
        self.assertEqual({cell["metric"] for cell in self.of(events, "cell")}, {"test_loss"})
        self.assertNotIn("test_error", self.of(events, "run")[0])
        self.fails(2, "sweep", data("diabetes.csv"), "--grid", "eps=1e-4", "--metric", "test_error", says="test_loss")

    def test_runs_that_diverge(self):
        words = ("sweep", data("diabetes.csv"), "--method", "sgd", "--epochs", 5, "--seeds", 2, "--grid",
                 "lr=1e30,0.01")
        events = self.events(*words)
        for run in self.of(events, "run"):
            diverged = run["axes"]["lr"] == 1e30
            self.assertEqual(run["outcome"], "diverged" if diverged else "done")
            self.assertEqual("not finite" in run.get("failure", ""), diverged)
        cells = self.of(events, "cell")
        self.assertEqual([(cell["n"], cell["failed"], cell["mean"] is None) for cell in cells],
                         [(0, 2, True), (2, 0, False)])
        self.assertEqual(events[-1]["failed"], 2)
        self.assertEqual(self.of(events, "best")[0]["axes"], {"lr": 0.01})
        text = self.ok(*words, "--quiet")
        self.assertRegex(text, r"1e30 +2 failed")
        self.assertRegex(text, r"\n\nfailed: lr 1e30, seed [0-9]+: .*not finite.*\n\Z")
        self.fails(1, *words[:-1], "lr=1e30,1e31", says=["no run", "not finite"])

    def test_best_has_the_fewest_failures(self):
        words = ("sweep", data("iris.csv"), "--epochs", 1, "--grid", "lr=0.5,1", "--seeds", 2, "-o", "s.jsonl")
        self.events(*words)
        lines = lines_of(self.path("s.jsonl"))
        head, runs = lines[0], [json.loads(line) for line in lines[1:]]
        for run in runs:  # as if the first cell were perfect in the one run that it got through
            run["test_error"] = 0.0 if run["axes"]["lr"] == 0.5 else 0.3
            if run["axes"]["lr"] == 0.5 and run["seed"] == 2:
                run.update(outcome="diverged", failure="x")
        self.write("s.jsonl", head + "".join(json.dumps(run) + "\n" for run in runs))
        events = self.events(*words)
        self.assertEqual(self.of(events, "best")[0]["axes"], {"lr": 1.0})
        self.assertEqual([(cell["n"], cell["failed"], cell["mean"]) for cell in self.of(events, "cell")],
                         [(1, 1, 0.0), (2, 0, 0.3)])


class Tables(Sweep):
    TWO = ("--grid", "eps=1e-2,1e-6", "--grid", "rho=0.9,0.95,0.99")

    def cells(self, *words):
        return {axes_of(cell): cell for cell in self.of(self.events("sweep", *words), "cell")}

    def shown(self, cell):
        return f"{100 * cell['mean']:.2f} ± {100 * cell['sd']:.2f}"

    def test_matrix(self):
        words = (*self.halves(), *SMALL, *self.TWO, "--seeds", 3)
        cells = self.cells(*words)
        best = min(cells.values(), key=lambda cell: cell["mean"])
        rows = [re.split(r" {2,}", line.strip()) for line in self.ok("sweep", *words, "--quiet").splitlines()]
        self.assertIn(["eps", "rho 0.9", "rho 0.95", "rho 0.99"], rows)
        for eps in ("1e-2", "1e-6"):
            row = next(row for row in rows if row[0] == eps)
            mine = [cells[("eps", float(eps)), ("rho", rho)] for rho in (0.9, 0.95, 0.99)]
            self.assertEqual(row[1:], [self.shown(cell) + " *" * (cell is best) for cell in mine])

    def test_markdown(self):
        words = (*self.halves(), *SMALL, *self.TWO, "--seeds", 3)
        cells = self.cells(*words)
        best = min(cells.values(), key=lambda cell: cell["mean"])
        text = self.ok("sweep", *words, "--quiet", "--format", "markdown")
        rows = [[word.strip() for word in line.strip("|").split("|")]
                for line in text.splitlines() if line.startswith("|")]
        self.assertEqual(rows[1], ["---", "--:", "--:", "--:"])
        self.assertEqual(rows[3][0], "1e-6")
        mine = [cells[("eps", 1e-6), ("rho", rho)] for rho in (0.9, 0.95, 0.99)]
        self.assertEqual(rows[3][1:], [("**%s**" if cell is best else "%s") % self.shown(cell) for cell in mine])
        self.assertEqual(text.count("**"), 2)

    def test_three_axes(self):
        words = (*self.halves(), *SMALL, *self.TWO, "--grid", "batch=16,64", "--seeds", 2)
        cells = self.cells(*words)
        rows = [re.split(r" {2,}", line.strip()) for line in self.ok("sweep", *words, "--quiet").splitlines()]
        found = {row[0:3] == [*row[0:3]] and tuple(row[0:3]): row for row in rows if len(row) == 7}
        for eps, rho, batch in itertools.product(("1e-2", "1e-6"), ("0.9", "0.95", "0.99"), ("16", "64")):
            cell = cells[("eps", float(eps)), ("rho", float(rho)), ("batch", int(batch))]
            row = found[eps, rho, batch]
            self.assertEqual(row[3].removesuffix(" *"), self.shown(cell))
            self.assertEqual(row[4:], [f"{100 * cell[key]:.2f}" for key in ("min", "median", "max")])

    def test_csv(self):
        words = (*self.halves(), *SMALL, *self.TWO, "--seeds", 3)
        events = self.events("sweep", *words)
        rows = list(csv.DictReader(io.StringIO(self.ok("sweep", *words, "--quiet", "--format", "csv"))))
        cells = self.of(events, "cell")
        self.assertEqual(len(rows), len(cells))
        for row, cell in zip(rows, cells):
            self.assertEqual({key: float(row[key]) for key in ("eps", "rho")}, cell["axes"])
            for key in ("n", "mean", "sd", "min", "max", "median", "failed"):
                self.assertEqual(float(row[key]), cell[key], key)
        rows = list(csv.DictReader(io.StringIO(self.ok("sweep", *words, "--quiet", "--format", "csv", "--runs"))))
        runs = {(*axes_of(run), run["seed"]): run for run in self.of(events, "run")}
        self.assertEqual(len(rows), len(runs))
        for row in rows:
            run = runs[("eps", float(row["eps"])), ("rho", float(row["rho"])), int(row["seed"])]
            for key in ("test_error", "test_loss", "train_loss"):
                self.assertEqual(float(row[key]), run[key], key)
            self.assertEqual((row["outcome"], row["failure"], row["epochs_done"]), ("done", "", "3"))

    def test_csv_quotes(self):
        words = ("sweep", data("diabetes.csv"), "--method", "sgd", "--grid", "lr=1e30,0.01", "--seeds", 1,
                 "--epochs", 1, "-o", "s.jsonl")
        self.ok(*words, "--quiet")
        failure = 'a, "b"'
        lines = [json.loads(line) for line in lines_of(self.path("s.jsonl"))]
        for line in lines:
            line.update({"failure": failure} if "failure" in line else {})
        self.write("s.jsonl", "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
        rows = list(csv.DictReader(io.StringIO(self.ok(*words, "--runs", "--format", "csv", "--quiet"))))
        self.assertEqual([(row["lr"], row["failure"]) for row in rows], [("1e30", failure), ("0.01", "")])


class Refusals(Sweep):
    def test_grids(self):
        long = ",".join(str(i) for i in range(1, 10002))
        for grids, says in [((), "--grid is needed"), (("lr",), "NAME=VALUE"), (("speed=1",), ["speed", "rho"]),
                            (("lr=",), ["lr", "empty"]), (("lr=1,,2",), "empty"), (("lr=1,2,",), "empty"),
                            (("lr=1,x",), ["lr x", "number"]), (("rho=0.9,1",), ["rho 1", "below 1"]),
                            (("batch=1.5",), "whole number"), (("lr=1,2,1e0",), ["lr", "1e0", "twice"]),
                            (("state=f32,f32",), "twice"), (("lr=1", "lr=2"), "twice"), (("state=f31",), "f32"),
                            (("method=adam",), ["adam", "adamw"]), (("momentum=0.5",), ["adadelta", "momentum"]),
                            (("method=adadelta,sgd", "eps=1e-6"), ["sgd", "eps"]), ((f"batch={long}",), "10000"),
                            (("lr=1,2,3", "rho=0.1,0.2", "eps=1,2", "batch=1", "epochs=1"), "at most 4"),
                            (("method=sgd", "state=f32,bf16"), ["sgd", "bf16"]), (("test=a",), "test"),
                            (("seed=1",), "seed"), (("scale=none,max",), ["scale max", "minmax"])]:
            words = [word for grid in grids for word in ("--grid", grid)]
            self.fails(2, "sweep", data("iris.csv"), *words, "-o", "s.jsonl", says=says)

    def test_other_words(self):
        grid = ("sweep", data("iris.csv"), "--grid", "lr=0.5,1")
        for words, says in [(("--lr", 1), ["--lr", "--grid lr"]), (("--seeds", 0), "seeds"), (("--seed", 1), "--seeds"),
                            (("--metric", "speed"), "test_loss"), (("--format", "xml"), "markdown"),
                            (("--json", "--format", "csv"), "--json"), (("--compare", "rho=1"), "--compare"),
                            (("--compare", "lr=3"), "no such value"), (("--compare", "lr"), "--compare"),
                            (("--warmup", 5, "--epochs", 3), ["lr ", "warm-up"]), (("--task", "x"), "regression")]:
            self.fails(2, *grid, *words, "-o", "s.jsonl", says=says)
        self.fails(2, "sweep", data("iris.csv"), "--grid", "lr=1", "--compare", "lr=1", says="no other value")
        self.fails(1, *grid, "-o", "no/such/folder", says="no/such/folder")
        self.fails(1, "sweep", "no.csv", "--grid", "lr=1", says="no.csv")

    def test_axes_are_listed_alike(self):
        """In what a wrong one is told, in help and in docs/sweep.md."""
        told = self.fails(2, "sweep", data("iris.csv"), "--grid", "x=1", says="must be NAME=VALUE")
        names = told.split("of one of ")[1].strip().split(", ")
        self.assertEqual(len(names), 15)
        with open(os.path.join(SOURCE, "docs", "sweep.md"), encoding="utf-8") as page:
            self.assertIn(f"An axis is one of {', '.join(names)};", " ".join(page.read().split()))
        self.assertIn(f"{', '.join(names[:-1])} or {names[-1]} ", " ".join(self.ok("sweep", "--help").split()))

    def test_help(self):
        text = self.ok("sweep", "--help")
        self.assertEqual(text, self.ok("help", "sweep"))
        for word in ("--grid", "--seeds", "--first-seed", "--compare", "--plot", "--json", "--quiet", "--threads"):
            self.assertIn(f"{word} " if word not in ("--json", "--quiet") else word, text)
        self.assertIn("first seed", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)
        self.assertIn("\n  sweep ", self.ok("--help"))


class Progress(Sweep):
    def test_bar(self):
        for columns in (30, 100):
            seen, _, _ = test_progress.Terminal.on_terminal(self, columns, "sweep", data("iris.csv"), "--epochs", 400,
                                                            "--grid", "lr=0.5,1", "--seeds", 6)
            bars = re.findall(r"\r([^\r\n]*)\x1b\[K", seen)
            self.assertGreaterEqual(len(bars), 2)
            self.assertLess(max(map(len, bars)), columns)
            self.assertTrue(bars[-1].startswith("12/12 runs  0:"), bars)
        self.assertRegex(bars[-1], r" 0:00 left  best \S+ ± \S+ at lr ")
        self.assertTrue(seen.endswith("\x1b[K\r\n"))

    def test_lines(self):
        code, _, err = self.run_program("sweep", data("iris.csv"), *SMALL, "--grid", "lr=0.5,1", "--seeds", 2)
        self.assertEqual(code, 0)
        lines = [line for line in err.splitlines() if "runs  " in line]
        self.assertGreaterEqual(len(lines), 1)
        self.assertRegex(lines[-1], r"\A4/4 runs  0:\d\d spent  0:00 left  best \S+ ± \S+ at lr (0\.5|1)\Z")
        self.assertNotIn("\r", err)
        code, _, err = self.run_program("sweep", data("iris.csv"), *SMALL, "--grid", "lr=0.5,1", "--seeds", 2,
                                        "--quiet")
        self.assertEqual((code, err), (0, ""))


if __name__ == "__main__":
    unittest.main()

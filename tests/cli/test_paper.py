# SPDX-License-Identifier: MIT
"""Every table and figure of docs/paper.md by its one command, shortened: digits, two seeds, one epoch."""
import csv
import json
import os
import re
import statistics
import subprocess
import unittest

from common import PROGRAM, SOURCE, Case, lines_of, svg_texts

# Rows and columns of figures of each table.
TABLES = {"table1": (5, 3), "table2": (4, 3), "fashion-table1": (5, 3), "fashion-table2": (4, 3), "init-sgd": (4, 5),
          "table2-summed": (4, 3), "momentum-lr": (3, 3)}
WITHOUT_PICTURE = {"init-sgd", "table2-summed", "momentum-lr"}
LISTS = {"momentum": 3, "init": 5, "scale": 3, "scale-eps": 3, "activation": 2, "annealing": 4}
CURVES = {"figure1": 5, "fashion-figure1": 5}
DRAWN = {"gain": ["constant", "random sign", "Gaussian noise"], "eps-above": ["eps above 1e-8", "eps above 1e-2"]}


def figures(text):
    return re.findall(r"\d+\.\d\d ± \d+\.\d\d", text)


class Paper(Case):
    def setUp(self):
        super().setUp()
        for name in ("scripts", "data", "include", "examples"):
            os.symlink(os.path.join(SOURCE, name), self.path(name))

    def paper(self, *words):
        result = subprocess.run(["scripts/paper", *words], cwd=self.folder, capture_output=True, text=True, timeout=300,
                                env={**os.environ, "ADADELTA_PROGRAM": PROGRAM})
        return result.returncode, result.stdout, result.stderr

    def left(self, name):
        return self.path(os.path.join("out/paper-quick", name))

    def make(self, name):
        code, out, err = self.paper("--quick", name)
        self.assertEqual(code, 0, err)
        self.assertIn(f"\n$ {PROGRAM} ", out)
        return out

    def test_tables(self):
        for name, (rows, columns) in TABLES.items():
            with self.subTest(name):
                out = self.make(name)
                with open(self.left(name + ".md")) as file:
                    table = [line for line in file if line.startswith("|")]
                self.assertIn("".join(table), out)
                self.assertEqual(len(table), 2 + rows)
                for line in table[2:]:
                    self.assertEqual(len(line.split("|")) - 3, columns)
                self.assertEqual(len(lines_of(self.left(name + ".jsonl"))), 1 + 2 * rows * columns)
                if name not in WITHOUT_PICTURE:
                    self.assertTrue(any(text.startswith("Table ") for text in svg_texts(self.left(name + ".svg"))))

    def test_lists(self):
        for name, rows in LISTS.items():
            with self.subTest(name):
                self.make(name)
                with open(self.left(name + ".md")) as file:
                    text = file.read()
                self.assertEqual(len(figures(text)), rows + 2 * (rows - 1))
                self.assertIn("paired by seed", text)

    def test_a_table_says_what_was_run(self):
        """The settings of the paper, and the mean of what is kept."""
        self.make("table2")
        runs = [json.loads(line) for line in lines_of(self.left("table2.jsonl"))[1:]]
        for run in runs:
            settings = run["settings"]
            self.assertEqual((settings["method"], settings["schedule"], settings["batch"], settings["lr"],
                              settings["activation"]), ("adadelta", "constant", 100, 1, "relu"))
        mine = [run["test_error"] for run in runs if run["axes"] == {"eps": 1e-6, "rho": 0.95}]
        self.assertEqual(len(mine), 2)
        with open(self.left("table2.md")) as file:
            cells = next(line for line in file if line.startswith("| 1e-6")).split("|")
        self.assertEqual(cells[3].strip(" *"), f"{100 * statistics.mean(mine):.2f} ± {100 * statistics.stdev(mine):.2f}")

    def test_curves(self):
        for name, curves in CURVES.items():
            with self.subTest(name):
                out = self.make(name)
                self.assertEqual(len(figures(next(line for line in out.splitlines() if line.startswith("|        1")))),
                                 curves)
                texts = svg_texts(self.left(name + ".svg"))
                self.assertIn("sgd lr 1", texts)
                self.assertEqual(any("zeiler2012-figure1.csv" in text for text in texts), name == "figure1")

    def test_figure2(self):
        for name in ("figure2", "figure2-summed"):
            self.make(name)
            with open(self.left(name + ".csv")) as file:
                rows = list(csv.DictReader(file))
            self.assertEqual({row["tensor"] for row in rows}, {"layer1.weight", "layer2.weight", "layer3.weight"})
            self.assertTrue(svg_texts(self.left(name + ".svg")))

    def test_drawn(self):
        for name, labels in DRAWN.items():
            with self.subTest(name):
                self.make(name)
                texts = svg_texts(self.left(name + ".svg"))
                for label in labels:
                    self.assertIn(label, texts)

    def test_again(self):
        """What is kept is not run again, and the table comes out the same."""
        first = self.make("activation")
        with open(self.left("activation.jsonl")) as file:
            kept = file.read()
        again = self.make("activation")
        with open(self.left("activation.jsonl")) as file:
            self.assertEqual(file.read(), kept)
        self.assertEqual(re.sub(r" \d+ s,", "", again), re.sub(r" \d+ s,", "", first))

    def test_every_name_is_tested(self):
        code, _, err = self.paper()
        self.assertEqual(code, 2)
        names = err.split("of", 1)[1].split()
        self.assertEqual(sorted(names), sorted([*TABLES, *LISTS, *CURVES, *DRAWN, "figure2", "figure2-summed"]))
        with open(os.path.join(SOURCE, "docs/paper.md"), encoding="utf-8") as page:
            text = page.read()
        for name in names:
            self.assertRegex(text, rf"scripts/paper [a-z0-9 -]*\b{name}\b", "a command that the page does not name")

    def test_interrupted(self):
        """A part of a table is no table, and what would come next does not begin."""
        stub = self.write("stub", "#!/bin/sh\necho\necho 'interrupted after 3 of 30 runs; the same command goes on'\n")
        os.chmod(stub, 0o755)
        result = subprocess.run(["scripts/paper", "--quick", "table1", "activation"], cwd=self.folder,
                                capture_output=True, text=True, timeout=60, env={**os.environ, "ADADELTA_PROGRAM": stub})
        self.assertEqual((result.returncode, os.listdir(self.left(""))), (130, []))
        self.assertIn("interrupted after 3 of 30 runs", result.stderr)

    def test_bad_words(self):
        for words in [("table3",), ("--quick",), ("--fast", "table1"), ("table1", "figure9")]:
            code, out, err = self.paper(*words)
            self.assertEqual((code, out), (2, ""))
            self.assertRegex(err, r"\Ausage: paper [^\n]+\n\Z")
        self.assertFalse(os.path.exists(self.path("out")))


if __name__ == "__main__":
    unittest.main()

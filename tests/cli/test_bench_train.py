# SPDX-License-Identifier: MIT
"""`bench train`: shape, keys, sane numbers, and what is refused. Speed is measured, never asserted."""
import re
import unittest

from common import Case

KEYS = ["model", "activation", "parameters", "rows", "batch", "threads", "epoch_seconds", "gemm_seconds", "ratio",
        "step_seconds"]


class BenchTrain(Case):
    def row(self, *words):
        rows = self.events("bench", "train", *words)
        self.assertEqual(len(rows), 1)
        row = rows[0]
        self.assertEqual(list(row), KEYS)
        self.assertEqual(row["rows"], 60000)
        for key in ("epoch_seconds", "gemm_seconds", "step_seconds"):
            self.assertGreater(row[key], 0)
        self.assertAlmostEqual(row["ratio"], row["epoch_seconds"] / row["gemm_seconds"], places=12)
        return row

    def test_row_is_what_was_asked_for(self):
        row = self.row("--model", "mlp:12,7", "--activation", "tanh", "--batch", 64, "--repeat", 2, "--threads", 2)
        self.assertEqual([row[key] for key in KEYS[:6]], ["mlp:12,7", "tanh", 785 * 12 + 13 * 7 + 8 * 10, 60000, 64, 2])
        row = self.row("--model", "softmax", "--repeat", 1, "--threads", 1, "--batch", 7)  # does not divide the rows
        self.assertEqual([row[key] for key in KEYS[:6]], ["softmax", "relu", 7850, 60000, 7, 1])

    def test_every_activation_is_checked(self):
        """The command compares the first losses with a network of its own, and fails where they differ."""
        for activation in ("relu", "tanh", "logistic"):
            self.row("--model", "mlp:9", "--activation", activation, "--repeat", 1, "--threads", 2)

    def test_blocks_and_threads(self):
        """Large enough to be cut, and for a team."""
        self.row("--model", "mlp:256", "--repeat", 1, "--threads", 3, "--batch", 1000)

    def test_default_is_the_paper_s(self):
        row = self.row("--repeat", 1)
        self.assertEqual([row[key] for key in KEYS[:5]], ["mlp:500,300", "relu", 545810, 60000, 100])

    def test_table_and_machine_line(self):
        words = ["bench", "train", "--model", "mlp:8", "--repeat", 2, "--threads", 1]
        code, out, err = self.run_program(*words)
        self.assertEqual(code, 0, err)
        lines = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines()]
        self.assertEqual(lines[0], ["model", "activation", "batch", "threads", "epoch s", "gemm s", "ratio", "step s"])
        self.assertEqual(lines[1][:4], ["mlp:8", "relu", "100", "1"])
        epoch, gemm, ratio, step = map(float, lines[1][4:])
        self.assertAlmostEqual(ratio, epoch / gemm, delta=0.01 + ratio * 0.002 / gemm)
        self.assertEqual(err.count("\n"), 1)
        self.assertIn("threads 1,", err)
        quiet = self.run_program(*words, "--quiet")
        self.assertEqual((quiet[0], quiet[2]), (0, ""))

    def test_refusals(self):
        self.fails(2, "bench", "train", "--n", 5, says=["bench train", "--n"])
        self.fails(2, "bench", "step", "--batch", 5, says=["bench step", "--batch"])
        self.fails(2, "bench", "train", "--model", "linear", says="use softmax or mlp")
        self.fails(2, "bench", "train", "--model", "mlp:", says="mlp:")
        self.fails(2, "bench", "train", "--activation", "sine", says="sine")
        self.fails(2, "bench", "train", "--batch", 0, says="--batch 0: must be")
        self.fails(2, "bench", "train", "--batch", 20001, says="--batch 20001: must be")
        self.fails(2, "bench", "train", "--repeat", 0, says="--repeat 0: must be")
        self.fails(2, "bench", "train", "--peers", "--activation", "tanh", says=["--peers", "tanh"])
        self.fails(2, "bench", "train", "more", says="more")

    def test_help(self):
        text = self.ok("bench", "--help")
        for word in ("train", "--model ", "--activation ", "--batch "):
            self.assertIn(word, text)


if __name__ == "__main__":
    unittest.main()

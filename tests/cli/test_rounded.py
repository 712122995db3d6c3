# SPDX-License-Identifier: MIT
"""rounded_train, which rounds float state after each batch, against the library's own BF16 state."""
import os
import subprocess
import unittest

from common import Case, data, lines_of


class Rounded(Case):
    def setUp(self):
        super().setUp()
        rows = lines_of(data("digits.csv"))
        self.train = self.write("train.csv", "".join(rows[:1201]))
        self.test = self.write("test.csv", "".join(rows[:1] + rows[1201:]))

    def rounded(self, *words):
        out = subprocess.run([os.environ["ROUNDED_TRAIN"], *words, "--model", "mlp:30", "--epochs", "3", "--seeds", "2",
                              self.train, self.test], capture_output=True, text=True, check=True).stdout
        rows = [line.split(",") for line in out.splitlines() if line[0].isdigit()]
        self.assertEqual([row[1] for row in rows], ["1", "2"])
        return [(float(row[2]), float(row[3])) for row in rows]

    def program(self, state, seed):
        lines = self.events("train", self.train, "--test", self.test, "--model", "mlp:30", "--epochs", 3, "--schedule",
                            "constant", "--state", state, "--seed", seed, "--threads", 1)
        return lines[-1]["test_error"]

    def test_nearest_is_the_library_s_bf16(self):
        for seed, (plain, nearest) in enumerate(self.rounded("--nearest"), 1):
            self.assertAlmostEqual(plain, self.program("f32", seed), 5)
            self.assertAlmostEqual(nearest, self.program("bf16", seed), 5)

    def test_chance_is_something_else(self):
        self.assertNotEqual(self.rounded(), self.rounded("--nearest"))
        self.assertEqual([row[0] for row in self.rounded()], [row[0] for row in self.rounded("--nearest")])


if __name__ == "__main__":
    unittest.main()

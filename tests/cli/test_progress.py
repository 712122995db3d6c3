# SPDX-License-Identifier: MIT
"""The bar on a terminal, as a terminal sees it, and the lines where there is none."""
import os
import re
import subprocess
import time
import unittest

from common import Case, data

RUN = ("train", data("digits.csv"), "--model", "mlp:64", "--test-fraction", 0.2)


class Terminal(Case):
    def on_terminal(self, columns, *words, term="xterm"):
        """What a run writes to a terminal of that width on standard error; its standard output; its time."""
        ours, theirs = self.pseudo_terminal(24, columns)
        start = time.monotonic()
        process = self.start(*words, env={"TERM": term}, stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not piece:
                break
            seen += piece
        os.close(ours)
        out = process.communicate(timeout=60)[0].decode()
        self.assertEqual(process.returncode, 0, seen)
        return seen.decode(), out, time.monotonic() - start

    def drawings(self, seen):
        return [text for text in re.findall(r"\r([^\r\n]*)\x1b\[K", seen)]

    def test_bar(self):
        seen, out, seconds = self.on_terminal(90, *RUN, "--epochs", 500, "-o", "m")
        bars = self.drawings(seen)
        self.assertGreaterEqual(len(bars), 2)
        self.assertLessEqual(len(bars), 10 * seconds + 2)
        for bar in bars:
            self.assertLess(len(bar), 90)
            self.assertRegex(bar, r"\Aepoch +\d+/500 \[=*>? *\] loss ")
        for text in ("error ", " rows/s", " left"):
            self.assertIn(text, bars[-1])
        self.assertRegex(bars[-1], r"\Aepoch 500/500 \[=+\].* 0:00 left\Z")
        self.assertTrue(seen.endswith("\x1b[K\r\n"))  # the line is closed behind the bar
        self.assertIn("test error", out)

    def test_narrow(self):
        for columns in (10, 40, 60):
            seen, _, _ = self.on_terminal(columns, *RUN, "--epochs", 100, "-o", "m")
            for bar in self.drawings(seen):
                self.assertLess(len(bar), columns)

    def test_silence(self):
        self.assertEqual(self.on_terminal(80, *RUN, "--epochs", 20, "--quiet")[0], "")

    def test_dumb_terminal_gets_lines(self):
        seen, _, _ = self.on_terminal(80, *RUN, "--epochs", 5, "-o", "m", term="dumb")
        self.assertNotIn("\x1b", seen)
        self.assertEqual(seen.count("epoch "), 5)

    def test_compare_names_the_method(self):
        seen, _, _ = self.on_terminal(100, "compare", data("digits.csv"), "--model", "mlp:64", "--epochs", 20)
        for method in ("sgd", "momentum", "adagrad", "adadelta"):
            self.assertRegex(seen, rf"\r{method} +epoch 20/20")


class Lines(Case):
    def lines(self, epochs):
        code, _, err = self.run_program(*RUN, "--epochs", epochs)
        self.assertEqual(code, 0)
        self.assertNotIn("\r", err)
        return [line for line in err.splitlines() if line.startswith("epoch")]

    def test_one_an_epoch(self):
        lines = self.lines(12)
        self.assertEqual(len(lines), 12)
        for k, line in enumerate(lines):
            self.assertRegex(line, rf"\Aepoch +{k + 1}/12  loss \S+  error \d+\.\d\d %  \d+\.\d\d s\Z")

    def test_many_epochs_do_not_flood(self):
        lines = self.lines(400)
        self.assertLess(len(lines), 100)
        self.assertTrue(lines[-1].startswith("epoch 400/400"))


if __name__ == "__main__":
    unittest.main()

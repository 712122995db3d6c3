# SPDX-License-Identifier: MIT
"""Speed is measured, never asserted: shape, keys, sane numbers, and what is refused."""
import re
import subprocess
import unittest

from common import Case, PROGRAM

KEYS = ["n", "dtype", "state", "threads", "isa", "ns_per_param", "limit_ns_per_param", "fraction_of_limit"]


class Bench(Case):
    def step(self, *words, env=None):
        """The rows of a run, each sane by itself."""
        rows = self.events("bench", "step", *words, env=env)
        for row in rows:
            self.assertEqual(list(row), KEYS)
            self.assertGreater(row["ns_per_param"], 0)
            self.assertGreater(row["limit_ns_per_param"], 0)
            self.assertAlmostEqual(row["fraction_of_limit"], row["limit_ns_per_param"] / row["ns_per_param"], places=12)
            self.assertEqual(row["state"], row["dtype"])
        return rows

    def test_rows_are_what_was_asked_for(self):
        rows = self.step("--n", "1,1000,65,200000", "--repeat", 3, "--threads", 2)
        self.assertEqual([row["n"] for row in rows], [1, 1000, 65, 200000])
        self.assertEqual({(row["dtype"], row["threads"]) for row in rows}, {("f32", 2)})
        rows = self.step("--n=4099", "--dtype", "f64", "--repeat", 2, "--threads", 1)
        self.assertEqual([(row["n"], row["dtype"], row["threads"]) for row in rows], [(4099, "f64", 1)])

    def test_tensors(self):
        for dtype in ("f32", "f64"):
            for n, tensors in [(7, 7), (1000, 7), (100003, 3)]:
                self.assertEqual(self.step("--n", n, "--tensors", tensors, "--dtype", dtype, "--repeat", 1)[0]["n"], n)

    def test_look_and_norm(self):
        """Neither changes what the step computes: the command checks it before it times anything."""
        for words in (["--look"], ["--norm"], ["--look", "--norm"]):
            self.assertEqual(self.step("--n", 5000, "--repeat", 1, *words)[0]["n"], 5000)

    def test_instruction_set_is_the_library_s(self):
        row = self.step("--n", 1000, "--repeat", 1, env={"ADADELTA_ISA": "scalar"})[0]
        self.assertEqual(row["isa"], "scalar")

    def test_defaults(self):
        rows = self.step("--repeat", 1)
        self.assertEqual([row["n"] for row in rows], [1024, 16384, 262144, 4194304, 16777216])
        self.assertEqual({row["dtype"] for row in rows}, {"f32"})

    def test_table_and_machine_line(self):
        code, out, err = self.run_program("bench", "step", "--n", "1000,4096", "--repeat", 1, "--threads", 1)
        self.assertEqual(code, 0, err)
        lines = [re.split(r"\s{2,}|(?<=\d) +(?=\d)", line.strip()) for line in out.splitlines()]
        self.assertEqual(lines[0], ["n", "dtype", "state", "threads", "isa", "ns/param", "limit", "fraction", "GB/s"])
        self.assertEqual([line[0] for line in lines[1:]], ["1,000", "4,096"])
        for line in lines[1:]:
            step, limit, fraction, rate = map(float, line[5:])
            self.assertAlmostEqual(fraction, limit / step, delta=0.01 + 0.001 / step)
            self.assertAlmostEqual(rate, 28 / step, delta=0.1 + 0.02 / step ** 2)
        self.assertEqual(err.count("\n"), 1)
        self.assertIn("threads 1,", err)
        quiet = self.run_program("bench", "step", "--n", 1000, "--repeat", 1, "--quiet")
        self.assertEqual((quiet[0], quiet[2]), (0, ""))

    def test_subjects(self):
        self.fails(2, "bench", says="step")
        self.fails(2, "bench", "walk", says=["walk", "step"])
        self.fails(2, "bench", "step", "more", says="more")
        text = self.ok("bench", "--help")
        for option in ("--n ", "--dtype ", "--tensors ", "--repeat ", "--threads ", "--json", "--quiet", "step"):
            self.assertIn(option, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_bad_values(self):
        for sizes in ("0", "-1", "1.5", "1e6", "ten", "10,", ",10", "10,,20", "10 20", " 10", "10,0", "+10",
                      "1000000000001", "99999999999999999999", ",".join(["1"] * 65)):
            self.fails(2, "bench", "step", f"--n={sizes}", says=["--n ", "numbers"])
        self.fails(2, "bench", "step", "--n=", says="--n")
        self.fails(2, "bench", "step", "--dtype", "f16", says=["f16", "f32, f64"])
        self.fails(2, "bench", "step", "--repeat", 0, says="--repeat 0: must be")
        self.fails(2, "bench", "step", "--tensors", 0, says="--tensors 0: must be")
        self.fails(2, "bench", "step", "--n", "100,10", "--tensors", 11, says=["--tensors 11", "10"])
        self.fails(2, "bench", "step", "--threads", 1025, says="from 0 to 1024")
        self.fails(2, "bench", "step", env={"ADADELTA_ISA": "mmx"}, says="ADADELTA_ISA")

    def test_too_little_memory(self):
        self.fails(1, "bench", "step", "--n", "10,1000000000000", says=["1000000000000", "GB"])

    def test_memory_that_the_system_refuses(self):
        with open(PROGRAM, "rb") as program:
            if b"__asan_init" in program.read():
                self.skipTest("the address sanitizer needs more room than this test leaves")
        words = ["bench", "step", "--n", "100000000", "--repeat", "1", "--quiet", "--threads", "1"]
        result = subprocess.run(["sh", "-c", 'ulimit -v 1000000 && exec "$0" "$@"', PROGRAM, *words],
                                capture_output=True, timeout=300)
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        self.assertRegex(result.stderr.decode(), r"\Aadadelta: 100000000 parameters need [^\n]* GB [^\n]*\n\Z")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""Speed is measured, never asserted: shape, keys, sane numbers, and what is refused."""
import platform
import re
import subprocess
import unittest

from common import Case, PROGRAM

KEYS = ["n", "moved", "dtype", "gradient", "state", "weights", "with", "tensors", "split", "threads", "isa",
        "ns_per_param", "limit_ns_per_param", "fraction_of_limit"]

EXTRAS = ["look", "norm", "clip", "scale", "decay", "average", "polyak", "measure", "rows"]

# Types that go together: of parameters, and of state; and how 16-bit parameters may be kept.
STATES = [("f32", "f32"), ("f32", "f64"), ("f32", "bf16"), ("f32", "f16"), ("f64", "f64"), ("f64", "f32"),
          ("f64", "bf16"), ("f64", "f16"), ("bf16", "f32"), ("bf16", "bf16"), ("bf16", "f16"), ("f16", "f32"),
          ("f16", "bf16"), ("f16", "f16"), ("f32", "u16"), ("f32", "u8"), ("f64", "u16"), ("f64", "u8"),
          ("bf16", "u16"), ("bf16", "u8"), ("f16", "u16"), ("f16", "u8")]
WEIGHTS = {"f32": [None], "f64": [None], "bf16": ["master", "split", "stochastic", "nearest"],
           "f16": ["master", "stochastic", "nearest"]}


class Bench(Case):
    def step(self, *words, env=None):
        """The rows of a run, each sane by itself."""
        rows = self.events("bench", "step", *words, env=env)
        for row in rows:
            self.assertEqual(list(row), KEYS)
            self.assertGreater(row["ns_per_param"], 0)
            self.assertGreater(row["limit_ns_per_param"], 0)
            self.assertAlmostEqual(row["fraction_of_limit"], row["limit_ns_per_param"] / row["ns_per_param"], places=12)
            self.assertEqual(row["weights"] is None, row["dtype"] in ("f32", "f64"))
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

    def test_types(self):
        """The command checks the result of every step before it times any."""
        for dtype, state in STATES:
            for weights in WEIGHTS[dtype]:
                words = ["--n", 1000, "--repeat", 1, "--dtype", dtype, "--state", state, "--with", "plain,polyak+norm"]
                rows = self.step(*words, *(["--weights", weights] if weights else []))
                self.assertEqual([(row["dtype"], row["gradient"], row["state"], row["weights"]) for row in rows],
                                 [(dtype, dtype, state, weights)] * 2)

    def test_default_types(self):
        for dtype, state, weights in [("f32", "f32", None), ("f64", "f64", None), ("bf16", "f32", "master"),
                                      ("f16", "f32", "master")]:
            row = self.step("--n", 10, "--repeat", 1, "--dtype", dtype)[0]
            self.assertEqual((row["gradient"], row["state"], row["weights"]), (dtype, state, weights))
        row = self.step("--n", 3000, "--repeat", 1, "--dtype", "bf16", "--gradient", "f32", "--with", "norm")[0]
        self.assertEqual((row["dtype"], row["gradient"], row["state"]), ("bf16", "f32", "f32"))

    def test_extras(self):
        for dtype in ("f32", "f64", "bf16"):
            rows = self.step("--n", 5120, "--dtype", dtype, "--repeat", 1, "--with", ",".join(["plain", *EXTRAS]))
            self.assertEqual([row["with"] for row in rows], ["plain", *EXTRAS])
            together = self.step("--n", 5120, "--dtype", dtype, "--repeat", 1,
                                 "--with", "+".join(e for e in reversed(EXTRAS) if e != "average"))
            self.assertEqual([row["with"] for row in together], ["look+norm+clip+scale+decay+polyak+measure+rows"])
        rows = self.step("--n", "10,20", "--repeat", 1, "--with", "plain,look")
        self.assertEqual([(row["n"], row["with"]) for row in rows],
                         [(10, "plain"), (10, "look"), (20, "plain"), (20, "look")])

    def test_rows(self):
        for width, part, moved in [(1, 0.1, 512), (8, 1, 5120), (256, 0.5, 2560), (5120, 0.01, 5120), (5, 0.25, 1280)]:
            row = self.step("--n", 5120, "--repeat", 1, "--with", "rows", "--row-width", width, "--row-part", part)[0]
            self.assertEqual((row["n"], row["moved"]), (5120, moved))
        self.assertEqual(self.step("--n", 2560, "--repeat", 1, "--with", "plain,rows")[0]["moved"], 2560)

    def test_paper(self):
        row = self.step("--n", 545810, "--tensors", "paper", "--repeat", 1, "--with", "norm+measure")[0]
        self.assertEqual((row["tensors"], row["split"]), (6, "paper"))
        row = self.step("--n", 545810, "--tensors", 6, "--repeat", 1)[0]
        self.assertEqual((row["tensors"], row["split"]), (6, "even"))

    def test_all(self):
        rows = self.step("--n", 2560, "--all", "--repeat", 1)
        kinds = [(row["dtype"], row["state"], row["weights"], row["with"]) for row in rows]
        self.assertEqual(len(set(kinds)), len(kinds))
        for dtype in ("f32", "f64"):
            self.assertEqual([kind[3] for kind in kinds if kind[:2] == (dtype, dtype)], ["plain", *EXTRAS])
        for dtype in ("bf16", "f16"):
            self.assertEqual({kind[2] for kind in kinds if kind[:2] == (dtype, "f32")}, set(WEIGHTS[dtype]))
        self.assertLessEqual({("f32", "u16"), ("f32", "u8"), ("bf16", "u16")}, {kind[:2] for kind in kinds})

    def test_instruction_set_is_the_library_s(self):
        row = self.step("--n", 1000, "--repeat", 1, env={"ADADELTA_ISA": "scalar"})[0]
        self.assertEqual(row["isa"], "scalar")
        row = self.step("--n", 1000, "--repeat", 1, "--isa", "scalar", env={"ADADELTA_ISA": "mmx"})[0]
        self.assertEqual(row["isa"], "scalar")

    def test_instruction_set_that_is_not_there(self):
        other = "sse2" if platform.machine() in ("aarch64", "arm64") else "neon"
        self.fails(1, "bench", "step", "--isa", other, says=[f"--isa {other}", "scalar"])
        self.fails(2, "bench", "step", "--isa", "mmx", says=["--isa mmx", "scalar, sse2, avx2, avx512, neon"])

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
        code, out, err = self.run_program("bench", "step", "--n", 1000, "--repeat", 1, "--dtype", "bf16", "--gradient",
                                          "f32", "--tensors", 3, "--with", "look+norm")
        self.assertEqual(out.splitlines()[0].split(), ["n", "dtype", "gradient", "state", "weights", "with", "tensors",
                                                       "threads", "isa", "ns/param", "limit", "fraction", "GB/s"])
        self.assertEqual(out.splitlines()[1].split()[:7], ["1,000", "bf16", "f32", "f32", "master", "look+norm", "3"])
        quiet = self.run_program("bench", "step", "--n", 1000, "--repeat", 1, "--quiet")
        self.assertEqual((quiet[0], quiet[2]), (0, ""))

    def test_subjects(self):
        self.fails(2, "bench", says="step")
        self.fails(2, "bench", "walk", says=["walk", "step"])
        self.fails(2, "bench", "step", "more", says="more")
        text = self.ok("bench", "--help")
        for option in ("--n ", "--dtype ", "--state ", "--weights ", "--with ", "--all", "--tensors ", "--isa ", "--repeat ", "--threads ", "--json", "--quiet", "step"):
            self.assertIn(option, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_bad_values(self):
        for sizes in ("0", "-1", "1.5", "1e6", "ten", "10,", ",10", "10,,20", "10 20", " 10", "10,0", "+10",
                      "1000000000001", "99999999999999999999", ",".join(["1"] * 65)):
            self.fails(2, "bench", "step", f"--n={sizes}", says=["--n ", "numbers"])
        self.fails(2, "bench", "step", "--n=", says="--n")
        self.fails(2, "bench", "step", "--dtype", "u8", says=["--dtype u8", "f32, f64, bf16, f16"])
        self.fails(2, "bench", "step", "--gradient", "F32", says=["--gradient F32", "f32, f64, bf16, f16"])
        self.fails(2, "bench", "step", "--state", "half", says=["--state half", "f32, f64, bf16, f16, u16, u8"])
        self.fails(2, "bench", "step", "--repeat", 0, says="--repeat 0: must be")
        self.fails(2, "bench", "step", "--tensors", 0, says="--tensors 0: must be")
        self.fails(2, "bench", "step", "--n", "100,10", "--tensors", 11, says=["--tensors 11", "10"])
        self.fails(2, "bench", "step", "--threads", 1025, says="from 0 to 1024")
        self.fails(2, "bench", "step", env={"ADADELTA_ISA": "mmx"}, says="ADADELTA_ISA")

    def test_bad_kinds(self):
        for extras in ("foo", "look,", ",look", "look++norm", "look norm", "Look", "+"):
            self.fails(2, "bench", "step", "--with", extras, says=[f"--with {extras}", ", ".join(EXTRAS)])
        self.fails(2, "bench", "step", "--with", "average+polyak", says=["average", "polyak"])
        self.fails(2, "bench", "step", "--with", ",".join(["look"] * 65), says=["--with", "at most"])
        self.fails(2, "bench", "step", "--all", "--with", "look", says=["--with", "--all"])
        self.fails(2, "bench", "step", "--dtype", "f64", "--all", says=["--dtype", "--all"])
        self.fails(2, "bench", "step", "--weights", "split", says=["--weights split", "bf16"])
        self.fails(2, "bench", "step", "--weights", "copy", "--dtype", "f16", says=["--weights copy", "nearest"])
        for words in (["f16", "--weights", "split"], ["bf16", "--state", "f64"], ["f16", "--state", "f64"]):
            self.fails(2, "bench", "step", "--dtype", *words, says="BF16" if "split" in words else "F64")

    def test_bad_shapes(self):
        self.fails(2, "bench", "step", "--n", "512,1000", "--with", "look,rows", says=["--n 1000", "--row-width 256"])
        self.fails(2, "bench", "step", "--n", 512, "--tensors", 2, "--with", "rows", says=["--tensors 2", "rows"])
        self.fails(2, "bench", "step", "--row-width", 4, says=["--row-width", "--with rows"])
        self.fails(2, "bench", "step", "--row-part", 1, says=["--row-part", "--with rows"])
        self.fails(2, "bench", "step", "--with", "rows", "--row-part", 0, says="--row-part 0: must be above 0")
        self.fails(2, "bench", "step", "--with", "rows", "--row-width", 0, says="--row-width 0: must be")
        self.fails(2, "bench", "step", "--tensors", "paper", "--n", 950, says=["--n 950", "six"])
        for tensors in ("-1", "2.5", "many", "10001", "99999999999999999999"):
            self.fails(2, "bench", "step", f"--tensors={tensors}", says=[f"--tensors {tensors}: must be", "paper"])

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

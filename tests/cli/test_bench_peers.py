# SPDX-License-Identifier: MIT
"""bench --peers: who is measured, who is left out and why, and that nobody is who computes something else."""
import json
import math
import os
import re
import shutil
import stat
import struct
import subprocess
import unittest

from common import Case, PROGRAM, SOURCE

KEYS = ["n", "dtype", "threads", "peer", "version", "ns_per_param", "ours_ns_per_param", "times_ours"]
TRAIN_KEYS = ["peer", "version", "threads", "epoch_seconds", "ours_epoch_seconds", "times_ours"]
PYTHON_PEERS = ["torch", "torch-foreach", "numpy", "numpy-blocks"]
C_PEERS = ["c", "c-fast-math"]
COMPILER = os.environ.get("CC", "cc")


def imports(python, name):
    return shutil.which(python) and subprocess.run([python, "-c", f"import {name}"], capture_output=True).returncode == 0


def has_module(name):
    """Whether one of the pythons that the program tries has it."""
    return imports("python3", name) or imports("/usr/bin/python3", name)


class Peers(Case):
    def setUp(self):
        super().setUp()
        for name in ("none", "tmp"):
            os.mkdir(self.path(name))
        for name in ("torch", "numpy"):
            self.write(f"none/{name}.py", f"raise ImportError('{name} is not here')\n")
        self.env = {"PYTHONPATH": self.path("none"), "TMPDIR": self.path("tmp"), "PYTHONDONTWRITEBYTECODE": ""}

    def tearDown(self):
        left = [name for name in os.listdir(self.path("tmp")) if name.startswith("adadelta")]  # PyTorch 2.6 leaves its own
        self.assertEqual(left, [], "the program left something")
        self.assertFalse(os.path.exists(os.path.join(os.path.dirname(PROGRAM), "bench", "__pycache__")))

    def script(self, name, text):
        path = self.write(name, "#!/bin/sh\n" + text)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path

    def peers(self, *words, env=None):
        rows = [row for row in self.events("bench", "step", "--peers", "--repeat", 1, *words, env=env or self.env)
                if "peer" in row]
        for row in rows:
            self.assertEqual(list(row), KEYS)
            self.assertGreater(row["ns_per_param"], 0)
            self.assertGreater(row["ours_ns_per_param"], 0)
            self.assertAlmostEqual(row["times_ours"], row["ns_per_param"] / row["ours_ns_per_param"], places=9)
            self.assertTrue(row["version"])
        return rows

    def table(self, *words, env=None, program=PROGRAM):
        result = subprocess.run([program, "bench", "step", "--peers", "--repeat", "1", *words], capture_output=True,
                                env={**os.environ, **self.env, **(env or {})}, timeout=300, text=True)
        return result.returncode, result.stdout, result.stderr

    def test_rows(self):
        for dtype in ("f32", "f64"):
            rows = self.peers("--n", "1,2,1000,70001", "--dtype", dtype, "--threads", 1)
            self.assertEqual([(row["n"], row["peer"]) for row in rows],
                             [(n, peer) for n in (1, 2, 1000, 70001) for peer in C_PEERS])
            self.assertEqual({(row["dtype"], row["threads"]) for row in rows}, {(dtype, 1)})

    def test_threads(self):
        rows = self.peers("--n", 100000, "--threads", 2)
        self.assertEqual([(row["peer"], row["threads"]) for row in rows], [(peer, 2) for peer in C_PEERS])

    def test_table(self):
        code, out, err = self.table("--n", "1000", "--threads", "1")
        self.assertEqual(code, 0, err)
        head, *rows = out.split("\n\n")[1].splitlines()
        self.assertEqual(re.split(r"\s{2,}", head.strip()),
                         ["n", "dtype", "threads", "peer", "ns/param", "ours", "times ours", "version"])
        self.assertEqual([row.split()[:4] for row in rows], [["1,000", "f32", "1", peer] for peer in C_PEERS])
        for row in rows:
            theirs, ours, times = map(float, row.split()[4:7])
            self.assertAlmostEqual(times, theirs / ours, delta=0.02 + 0.002 * times / ours)

    def test_python_peers_agree(self):
        """The scripts begin with the same numbers and follow the same rule, in both types: else they are refused."""
        there = [peer for peer in PYTHON_PEERS if has_module(peer.split("-")[0])]
        if not there:
            self.skipTest("neither PyTorch nor NumPy is installed")
        for dtype in ("f32", "f64"):
            rows = self.peers("--n", "1,100003", "--dtype", dtype, "--threads", 1,
                              env={**self.env, "PYTHONPATH": ""})
            self.assertEqual([row["peer"] for row in rows], 2 * (there + C_PEERS))

    def test_training_peer(self):
        """From weights of 0 only the last biases move at first, and their losses can be worked out by hand."""
        python = next((python for python in ("python3", "/usr/bin/python3") if imports(python, "torch")), None)
        if not python:
            self.skipTest("PyTorch is not installed")
        widths, labels, batch = [4, 5, 3, 3], [0, 1, 1, 2, 0, 0], 2
        rho, eps = 0.9, 1e-4
        self.write("images", bytes(range(len(labels) * widths[0])))
        self.write("labels", struct.pack(f"={len(labels)}i", *labels))
        self.write("weights", bytes(4 * sum((i + 1) * o for i, o in zip(widths, widths[1:]))))
        bias, square_avg, acc_delta, losses = [0.0] * 3, [0.0] * 3, [0.0] * 3, []
        for at in range(0, len(labels), batch):
            total = sum(map(math.exp, bias))
            chance = [math.exp(b) / total for b in bias]
            ys = labels[at:at + batch]
            losses.append(-sum(math.log(chance[y]) for y in ys) / batch)
            for k in range(3):
                g = chance[k] - ys.count(k) / batch
                square_avg[k] = rho * square_avg[k] + (1 - rho) * g * g
                d = math.sqrt(acc_delta[k] + eps) / math.sqrt(square_avg[k] + eps) * g
                acc_delta[k] = rho * acc_delta[k] + (1 - rho) * d * d
                bias[k] -= 1.5 * d
        for variant in ("torch", "torch-foreach", "torch-serial-blas"):
            words = [1, variant, ",".join(map(str, widths)), batch, 1.5, rho, eps, len(labels), 3, self.folder]
            result = subprocess.run([python, "-B", os.path.join(SOURCE, "bench", "peer_train.py"), *map(str, words)],
                                    input="2\n5\n", capture_output=True, text=True, timeout=300)
            lines = result.stdout.splitlines()
            self.assertEqual([line.split()[0] for line in lines[:4]], 3 * ["loss"] + ["ready"], result.stderr)
            for line, loss in zip(lines, losses):
                self.assertAlmostEqual(float(line.split()[1]), loss, places=5)
            self.assertTrue(all(float(line) > 0 for line in lines[4:]) and len(lines) == 6, lines)

    def train(self, *words, env=None):
        return self.run_program("bench", "train", "--peers", "--model", "softmax", "--threads", 1, "--repeat", 1, *words,
                                env={**self.env, **(env or {})})

    def test_training(self):
        if not has_module("torch"):
            self.skipTest("PyTorch is not installed")
        code, out, err = self.train("--json", env={"PYTHONPATH": ""})
        self.assertEqual(code, 0, err)
        rows = [row for row in map(json.loads, out.splitlines()) if "peer" in row]
        self.assertEqual([row["peer"] for row in rows], ["torch", "torch-foreach"])
        for row in rows:
            self.assertEqual(list(row), TRAIN_KEYS)
            self.assertAlmostEqual(row["times_ours"], row["epoch_seconds"] / row["ours_epoch_seconds"], places=9)

    def test_training_without_peers(self):
        code, out, err = self.train()
        self.assertEqual(code, 0, err)
        self.assertNotIn("peer", out)
        for peer in ("torch", "torch-foreach"):
            self.assertIn(f"\n{peer} left out: no python3 with the module torch was found: install the package", err)

    def test_training_that_loses_something_else_is_refused(self):
        self.write("none/torch.py", "import sys\nprint('loss 99', flush=True)\nsys.stdin.read()\nsys.exit()\n")
        code, out, err = self.train("--quiet")
        self.assertEqual(code, 1, out)
        self.assertRegex(err, r"\Aadadelta: torch: it computes something else: batch 1 has the loss 99, not .*; "
                              r"torch-foreach: it computes something else: batch 1 has the loss 99, not .*\n\Z")

    def test_missing_module(self):
        code, out, err = self.table("--n", "100,1000", "--threads", "1")
        self.assertEqual(code, 0, err)
        for peer in PYTHON_PEERS:
            module = peer.split("-")[0]
            self.assertEqual(re.findall(rf"^{peer} left out: (.*)$", err, re.MULTILINE),
                             [f"no python3 with the module {module} was found: install the package python3-{module}"])
        self.assertEqual(err.count("\n"), 1 + len(PYTHON_PEERS))
        self.assertEqual(len(out.split("\n\n")[1].splitlines()), 1 + 2 * len(C_PEERS))
        quiet = self.table("--n", "100", "--threads", "1", "--quiet")
        self.assertEqual((quiet[0], quiet[2]), (0, ""))

    def test_no_compiler(self):
        for compiler in ("no-such-compiler", " ", self.script("cc", "exit 1\n"), self.script("sham", "exit 0\n")):
            code, out, err = self.table("--n", "100", "--threads", "1", env={"CC": compiler})
            self.assertEqual(code, 0, err)
            self.assertNotIn("peer", out)
            self.assertEqual(len(re.findall("^c(?:-fast-math)? left out: .*(?:install gcc|ended early.*)$", err,
                                            re.MULTILINE)), 2, err)

    def test_what_computes_something_else_is_refused(self):
        departures = {
            "eps once": ("sqrt(v\\[i\\] + eps)", "sqrt(v[i])"),
            "eps outside": ("sqrt(u\\[i\\] + eps)", "(sqrt(u[i]) + eps)"),
            "rho": ("rho \\* u", "(REAL)0.9 * u"),
            "rate": ("lr \\* d", "(REAL)0.999 * lr * d"),
            "one step more": ("left > 0; left--)", "left >= 0; left--)"),
            "other start": ("13849", "13850"),
            "square_avg": ("(double)v\\[i\\]", "1.001 * v[i]"),
            "acc_delta": ("(double)u\\[i\\]", "1.001 * u[i]"),
        }
        for name, (old, new) in departures.items():
            compiler = self.script("cc", f"""\
for word; do case $word in *.c) sed 's/{old}/{new}/' "$word" >other.c; cmp -s "$word" other.c && exit 1 ;; esac; done
flags=$(echo "$*" | sed 's/[^ ]*plain_loop.c/other.c/')
exec {COMPILER} $flags
""")
            code, out, err = self.table_in_folder("--n", "1000", "--threads", "1", "--quiet", env={"CC": compiler})
            self.assertEqual(code, 1, (name, err))
            self.assertNotIn("times ours", out)
            self.assertRegex(err, r"\Aadadelta: c: it computes something else: parameter \d+ of 1000 is .*; "
                              r"c-fast-math: it computes something else: parameter \d+ of 1000 is .*\n\Z")

    def table_in_folder(self, *words, env):
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            return self.table(*words, env=env)
        finally:
            os.chdir(here)

    def test_peers_that_do_not_keep_to_the_protocol(self):
        shams = {
            "exit 3": "it ended early",
            "echo help >&2; echo me >&2; exit 3": "it ended early: me",
            "echo hello; cat": "it answered \"hello\" instead of a value",
            "echo value 1 2; cat": "it answered \"value 1 2\" instead of a value",
            "head -c 1000 /dev/zero; cat": "it answered with a line without an end",
        }
        for text, says in shams.items():
            # The compiler puts the sham where the program is expected.
            compiler = self.script("cc", f"""\
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\n%s\\n' '{text}' >"$2" && chmod +x "$2"
""")
            code, out, err = self.table("--n", "1", "--threads", "1", env={"CC": compiler})
            self.assertEqual(code, 0, err)
            self.assertIn(f"\nc left out: {says}\n", err)
            self.assertNotIn("peer", out)

    def test_rounds_that_fail(self):
        """After values that a C loop gets right: no word that it is ready, and answers to rounds that are no seconds."""
        for old, new in [('"ready', '"steady'), ('"%.9f', '"x%.9f'), ("now() - begin", "0.0"), ("now() - begin", "-1.0"), ("fgets(", "!fgets(")]:
            compiler = self.script("cc", f"""\
for word; do case $word in *.c) sed 's/{old}/{new}/' "$word" >other.c; cmp -s "$word" other.c && exit 1 ;; esac; done
flags=$(echo "$*" | sed 's/[^ ]*plain_loop.c/other.c/')
exec {COMPILER} $flags
""")
            code, out, err = self.table_in_folder("--n", "1000", "--threads", "1", env={"CC": compiler})
            self.assertEqual(code, 0, err)
            self.assertRegex(err, r"\nc left out: it (answered \"[^\n]*\" instead of (seconds|ready)|ended early|says that )")

    def test_only_the_plain_step(self):
        for words in (["--dtype", "bf16"], ["--state", "f64"], ["--tensors", 2], ["--with", "norm"], ["--all"]):
            self.fails(2, "bench", "step", "--peers", "--n", 1024, *words, says="--peers: ")

    def test_installed(self):
        for folder in ("bin", "share/adadelta"):
            os.makedirs(self.path(folder))
        program = shutil.copy(PROGRAM, self.path("bin"))
        code, out, err = self.table("--n", "100", "--threads", "1", program=program)
        self.assertEqual(code, 0, err)
        self.assertEqual(len(re.findall("^c.* left out: plain_loop.c was not found", err, re.MULTILINE)), 2, err)
        shutil.copytree(os.path.join(SOURCE, "bench"), self.path("share/adadelta/bench"))
        code, out, err = self.table("--n", "100", "--threads", "1", program=program)
        self.assertEqual(code, 0, err)
        self.assertIn("c-fast-math", out)


if __name__ == "__main__":
    unittest.main()

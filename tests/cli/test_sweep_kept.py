# SPDX-License-Identifier: MIT
"""The file of a sweep: killed, taken up again, widened, refused; and what becomes of the workers."""
import json
import os
import re
import signal
import subprocess
import time
import unittest

from common import data, lines_of
from sweeps import SMALL, Sweep, axes_of


class Kept(Sweep):
    def stored(self, name):
        return [json.loads(line) for line in lines_of(self.path(name))]

    def start_sweep(self, *words):
        """One that goes on for long, in a process group of its own, and ends with the test."""
        process = self.start("sweep", *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def children(self, process):
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
            return [int(word) for word in file.read().split()]

    def wait_until(self, true):
        deadline = time.monotonic() + 60
        while not true():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)

    def wait_for_lines(self, name, count):
        self.wait_until(lambda: os.path.exists(self.path(name)) and len(lines_of(self.path(name))) >= count)

    def wait_for_death(self, pids):
        def alive(pid):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    return file.read().split()[2] not in "ZX"
            except FileNotFoundError:
                return False
        try:
            self.wait_until(lambda: not any(map(alive, pids)))
        finally:
            for pid in filter(alive, pids):
                os.kill(pid, signal.SIGKILL)

    def words(self, *more, out="s.jsonl"):
        return ("sweep", *self.halves(), *SMALL, "--grid", "eps=1e-2,1e-6", *more, "-o", out)

    def figures(self, events):
        return {(axes_of(run), run["seed"]): (run["train_loss"], run["test_loss"]) for run in self.of(events, "run")}

    def test_first_line(self):
        self.events(*self.words("--batch", 16))
        head, *runs = self.stored("s.jsonl")
        self.assertEqual(head["event"], "sweep")
        self.assertEqual((head["settings"]["batch"], head["settings"]["model"], head["settings"]["epochs"]),
                         (16, "mlp:8", 3))
        self.assertEqual((head["data"]["rows"], head["test"]["rows"]), (899, 898))
        self.assertEqual([run["event"] for run in runs], ["run"] * 6)

    def test_every_axis_is_known_again(self):
        files = self.halves("iris.csv")
        for words, name, values in [((), "lr", "0.5,1"), ((), "rho", "0.5,0.9"), ((), "eps", "1e-3,1e-6"),
                                    (("--method", "momentum"), "momentum", "0.5,0.9"), ((), "batch", "7,8"),
                                    (("--method", "adamw"), "beta1", "0.5,0.9"), ((), "epochs", "2,3"),
                                    (("--method", "adamw"), "beta2", "0.5,0.9"), ((), "weight-decay", "0,0.01"),
                                    ((), "method", "rmsprop,adadelta,sgd"), ((), "state", "f32,bf16,u16,u8"),
                                    ((), "schedule", "cosine,tail,constant"), ((), "activation", "tanh,relu"),
                                    ((), "init", "glorot,he,uniform,torch,normal"), ((), "scale", "none,auto,minmax")]:
            words = ("sweep", *files, "--model", "mlp:5", *words, *(() if name == "epochs" else ("--epochs", 2)),
                     "--grid", f"{name}={values}", "--seeds", 1, "-o", f"{name}.jsonl")
            first = self.figures(self.events(*words))
            self.assertEqual(len(first), values.count(",") + 1, name)
            self.assertEqual(self.figures(self.events(*words)), first)
            self.assertEqual(len(lines_of(self.path(f"{name}.jsonl"))), 1 + len(first), name)

    def test_killed_and_taken_up_again(self):
        words = ("sweep", *self.halves(), "--model", "mlp:64", "--epochs", 30, "--grid", "eps=1e-2,1e-6", "--seeds", 6)
        process = self.start_sweep(*words[1:], "-o", "s.jsonl")
        self.wait_for_lines("s.jsonl", 4)
        workers = self.children(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.wait_for_death(workers)
        before = "".join(lines_of(self.path("s.jsonl")))
        whole = before[:before.rindex("\n") + 1]
        kept = whole.count("\n") - 1
        self.assertLess(kept, 12)
        self.write("s.jsonl", whole + '{"event":"run","axes":{"ep')  # as if the kill had come in the middle of a line
        events = self.events(*words, "-o", "s.jsonl")
        after = "".join(lines_of(self.path("s.jsonl")))
        self.assertTrue(after.startswith(whole))
        self.assertEqual(after.count("\n"), 13)
        self.assertEqual(self.figures(self.stored("s.jsonl")), self.figures(events))
        self.assertEqual(self.figures(events), self.figures(self.events(*words)))
        _, _, err = self.run_program(*words, "-o", "s.jsonl")
        self.assertIn("12 runs, 12 of them kept", err)

    def test_workers_end_with_the_sweep(self):
        process = self.start_sweep(*self.halves(), "--model", "mlp:8", "--grid", "epochs=100000000", "--threads", 2)
        self.wait_until(lambda: len(self.children(process)) == 2)
        workers = self.children(process)
        process.send_signal(signal.SIGKILL)
        self.wait_for_death(workers)

    def test_ctrl_c(self):
        words = ("sweep", *self.halves(), "--model", "mlp:8", "--grid", "epochs=2,100000000", "--seeds", 2,
                 "-o", "s.jsonl")
        for format, number, says in (("terminal", signal.SIGINT, "interrupted after 2 of 4 runs"),
                                     ("terminal", signal.SIGTERM, "interrupted after 2 of 4 runs"),
                                     ("json", signal.SIGINT, '"event":"interrupted","runs":2')):
            process = self.start_sweep(*words[1:], "--format", format, "--threads", 4, "--quiet")
            self.wait_for_lines("s.jsonl", 3)
            self.wait_until(lambda: len(self.children(process)) == 2)
            workers = self.children(process)
            os.killpg(process.pid, number)  # as a terminal sends it: to the workers, too
            out, err = process.communicate(timeout=60)
            self.assertEqual((process.returncode, err), (0, b""))
            self.assertIn(says, out.decode())
            self.assertNotIn("broken", out.decode())
            self.wait_for_death(workers)
            self.assertEqual(len(lines_of(self.path("s.jsonl"))), 3)

    def test_worker_that_dies(self):
        words = ("sweep", *self.halves(), "--model", "mlp:8", "-o", "s.jsonl", "--seeds", 1, "--threads", 3, "--grid")
        process = self.start_sweep(*words[1:], "epochs=2,3,100000000", "--json")
        self.wait_for_lines("s.jsonl", 3)
        self.wait_until(lambda: len(self.children(process)) == 1)
        os.kill(self.children(process)[0], signal.SIGKILL)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        events = [json.loads(line) for line in out.decode().splitlines()]
        self.assertEqual([run["outcome"] for run in self.of(events, "run")], ["done", "done", "broken"])
        self.assertIn("signal 9", self.of(events, "run")[2]["failure"])
        self.assertEqual(len(lines_of(self.path("s.jsonl"))), 3)  # to be tried again

    def test_wider(self):
        first = self.figures(self.events(*self.words("--seeds", 2)))
        whole = "".join(lines_of(self.path("s.jsonl")))
        for words, count in [(("--seeds", 3), 6), (("--seeds", 3, "--grid", "rho=0.95,0.9"), 12)]:
            events = self.events(*self.words(*words))
            self.assertEqual(len(self.of(events, "run")), count)
            self.assertEqual(len(lines_of(self.path("s.jsonl"))) - 1, count)
        self.assertTrue("".join(lines_of(self.path("s.jsonl"))).startswith(whole))
        found = {(axes[0], seed): figures for (axes, seed), figures in self.figures(events).items()
                 if axes[1] == ("rho", 0.95)}
        self.assertEqual({(axes[0], seed): figures for (axes, seed), figures in first.items()},
                         {key: figures for key, figures in found.items() if key[1] < 3})
        events = self.events("sweep", *self.halves(), *SMALL, "--grid", "rho=0.9", "--grid", "eps=1e-2,1e-3",
                             "--seeds", 1, "-o", "s.jsonl")
        self.assertEqual(len(self.of(events, "run")), 2)
        self.assertEqual(len(lines_of(self.path("s.jsonl"))), 14)

    def test_an_axis_that_is_fixed_later(self):
        first = self.figures(self.events(*self.words("--grid", "rho=0.9,0.95", "--seeds", 1)))
        events = self.events(*self.words("--rho", 0.95, "--seeds", 1))
        self.assertEqual(self.figures(events), {((axes[0],), seed): figures for (axes, seed), figures in first.items()
                                                if axes[1] == ("rho", 0.95)})
        self.assertEqual(len(lines_of(self.path("s.jsonl"))), 5)

    def test_other_sweep(self):
        self.events(*self.words("--batch", 16))
        before = lines_of(self.path("s.jsonl"))
        for words, says in [(("--batch", 17), ["batch", "16", "17"]), ((), "batch"),
                            (("--batch", 16, "--schedule", "cosine"), ["schedule", "tail", "cosine"]),
                            (("--batch", 16, "--lr", 0.5), "lr"), (("--batch", 16, "--activation", "tanh"), "tanh")]:
            self.fails(2, *self.words(*words), says=["s.jsonl", *([says] if isinstance(says, str) else says)])
        self.fails(2, *self.words("--batch", 16)[:1], data("digits.csv"), *self.words("--batch", 16)[2:], says="DATA")
        swapped = self.words("--batch", 16)
        self.fails(2, "sweep", "train.csv", "--test", "train.csv", *swapped[4:], says="test data")
        self.assertEqual(lines_of(self.path("s.jsonl")), before)
        self.fails(2, *self.words(out=self.write("other.jsonl", "{}\n")), says="holds no runs")
        self.fails(2, *self.words(out="train.csv"), says="holds no runs")
        self.assertEqual(lines_of(self.path("train.csv"))[0], lines_of(data("digits.csv"))[0])
        whole = ("sweep", data("iris.csv"), *SMALL, "--grid", "eps=1e-2", "-o", "t.jsonl", "--seeds", 1)
        self.ok(*whole)
        self.fails(2, *whole, "--first-seed", 2, says="first-seed")
        self.fails(2, *whole, "--test-fraction", 0.3, says="test-fraction")

    def test_settings_of_a_method_that_is_an_axis(self):
        """They may be others than in the first line; what no method has may not."""
        words = ("sweep", *self.halves(), *SMALL, "--seeds", 1, "-o", "s.jsonl", "--grid", "method=momentum,adadelta")
        first = self.figures(self.events(*words))
        changes = [("--state", "bf16"), ("--nesterov",), ("--weight-decay", 0.01),
                   ("--weight-decay", 0.01, "--decoupled"), ("--lr", 0.5), ("--rho", 0.9), ("--eps", 1e-3),
                   ("--momentum", 0.5), ("--beta1", 0.5), ("--beta2", 0.5), ("--schedule", "cosine"), ("--warmup", 1),
                   ("--end", 0.5), ("--schedule", "step", "--every", 2), ("--schedule", "step", "--gamma", 0.5)]
        listed = self.ok("sweep", "--help").split("Settings of the method and its rate")[1].split("\n\n")[0]
        self.assertEqual({word for change in changes for word in change if str(word).startswith("--")},
                         set(re.findall(r"^ +(--[a-z0-9-]+)", listed, re.M)))
        for number, change in enumerate(changes, 1):
            self.assertEqual(len(self.figures(self.events(*words, *change))), 2, change)
            self.assertEqual(len(lines_of(self.path("s.jsonl"))), 3 + 2 * number, change)
        alone = ("sweep", "train.csv", "--test", "test.csv", *SMALL, "--seeds", 1, "-o", "s.jsonl", "--grid",
                 "method=rmsprop", "--state", "f16")
        self.assertEqual(len(self.figures(self.events(*alone))), 1)
        self.assertEqual(self.figures(self.events(*words)), first)
        self.assertEqual(len(lines_of(self.path("s.jsonl"))), 3 + 2 * len(changes) + 1)
        for change in (("--batch", 16), ("--activation", "tanh"), ("--init", "zero"), ("--scale", "none")):
            self.fails(2, *words, *change, says=["s.jsonl", change[0][2:]])

    def test_damaged_file(self):
        self.events(*self.words())
        lines = lines_of(self.path("s.jsonl"))
        for bad in ("x\n", "{}\n", lines[2][:40] + "\n"):
            self.write("s.jsonl", "".join([*lines[:2], bad, *lines[3:]]))
            self.fails(1, *self.words(), says="s.jsonl:3:")
        self.write("s.jsonl", lines[0][:25])  # torn at once
        self.events(*self.words())
        self.assertEqual(lines_of(self.path("s.jsonl"))[0], lines[0])

    def test_two_at_once(self):
        process = self.start_sweep(*self.halves(), "--model", "mlp:8", "--grid", "epochs=100000000", "-o", "s.jsonl",
                                   "--quiet")
        self.wait_for_lines("s.jsonl", 1)
        self.fails(1, "sweep", *self.halves(), "--model", "mlp:8", "--grid", "epochs=2", "-o", "s.jsonl",
                   says="another sweep")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), 0)


if __name__ == "__main__":
    unittest.main()

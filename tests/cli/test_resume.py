# SPDX-License-Identifier: MIT
"""Runs that are stopped, killed and taken up again end with the same bits as one that never stopped."""
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

from common import SOURCE, Case, data, results, tensors, without_seconds

ENDLESS = 10**8  # epochs: no run that is to be stopped may come to its end before the signal, on no machine
MORE = 20  # epochs that a resumed run does
F_SETPIPE_SZ = 1031  # Linux's, which the module names from Python 3.10 on
# A constant rate is the same in runs of whatever number of epochs.
RUN = ("train", data("digits.csv"), "--model", "mlp:64", "--test-fraction", 0.2, "--schedule", "constant")
STOPPED = (*RUN, "--epochs", ENDLESS, "--json", "--quiet")
SCHEDULES = ["constant", "linear", "cosine", "step", "tail"]


def resume(model, epochs):
    return "train", data("digits.csv"), "--resume", model, "--epochs", epochs


class Stopped(Case):
    def stop(self, number, *words, after=3):
        """Sends a signal once so many lines have come; all that came of the run, and the exit code."""
        # Unbuffered: communicate() does not see what readline() has read ahead.
        process = self.start(*STOPPED, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        lines = [process.stdout.readline() for _ in range(after)]
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        self.assertEqual(err, b"")
        return results([json.loads(line) for line in lines + out.splitlines()]), process.returncode

    def check_end(self, events, model):
        """A resumed run's events must be the last ones of a whole run of as many epochs, and its model the same."""
        whole = without_seconds(self.events(*RUN, "--epochs", events[-1]["epochs"], "-o", "whole"))
        events = without_seconds(results(events))
        self.assertEqual(events, whole[-len(events):])
        self.assertEqual(tensors(self.path(model)), tensors(self.path("whole")))

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            events, code = self.stop(number, "-o", "m")
            last = events[-1]
            self.assertEqual((code, last["event"], last["saved"]), (0, "interrupted", "m"))
            self.assertEqual(last["epoch"], events[-2]["epoch"])
            self.assertEqual(os.listdir(self.folder), ["m"])
            resumed = results(self.events(*resume("m", last["epoch"] + MORE), "--threads", 1))
            self.assertEqual([event["epoch"] for event in resumed[:-1]],
                             list(range(last["epoch"] + 1, last["epoch"] + MORE + 1)))
            self.check_end(resumed, "m")
            os.remove(self.path("whole"))
            os.remove(self.path("m"))

    def test_twice_and_elsewhere(self):
        self.stop(signal.SIGINT, "-o", "m")
        process = self.start("train", data("digits.csv"), "--resume", "m", "-o", "n", "--json", "--quiet",
                             stdout=subprocess.PIPE)
        for _ in range(2):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        last = json.loads(process.communicate(timeout=60)[0].splitlines()[-1])
        self.assertEqual((last["event"], last["saved"]), ("interrupted", "n"))
        self.check_end(self.events(*resume("n", last["epoch"] + MORE)), "n")

    def test_no_output_named(self):
        for name in ("adadelta-interrupted.safetensors", "adadelta-interrupted-2.safetensors"):
            events, code = self.stop(signal.SIGINT)
            self.assertEqual((code, events[-1]["saved"]), (0, name))
        self.check_end(self.events(*resume(name, events[-1]["epoch"] + MORE), "-o", "n"), "n")

    def test_what_a_person_reads(self):
        process = self.start(*RUN, "--epochs", ENDLESS, "-o", "m", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
        for line in process.stderr:
            if line.startswith("epoch"):
                break
        process.send_signal(signal.SIGINT)
        out = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, 0)
        self.assertIn("saved to m", out)
        self.assertIn("--resume m", out)

    def test_the_command_it_prints(self):
        name = "-it's my data.csv"
        shutil.copy(data("digits.csv"), self.path(name))
        process = self.start("train", "--epochs", ENDLESS, "--test", name, "-o", "-a model", "--", name, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith("epoch"):
                break
        process.send_signal(signal.SIGINT)
        done, command = re.search(r"interrupted after (\d+) epochs.*to go on:(.*)", process.communicate(timeout=60)[0],
                                  re.S).groups()
        self.assertIn("--test ", command)
        epochs = int(done) + MORE
        result = subprocess.run(["sh", "-c", command.replace(" -- ", f" --epochs {epochs} -- ")], cwd=self.folder, capture_output=True, text=True, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"{epochs} epochs", result.stdout)

    def test_one_signal_sent_twice(self):
        """As by `timeout -s INT`, which signals the process and its group."""
        process = self.start(*STOPPED, "-o", "m", stdout=subprocess.PIPE, bufsize=0)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        self.assertIn(b"interrupted", process.communicate(timeout=60)[0])
        self.assertEqual((process.returncode, os.listdir(self.folder)), (0, ["m"]))

    def test_second_signal_ends_at_once(self):
        ours, theirs = os.pipe()  # full, so that the run stands still at its first line
        os.set_blocking(theirs, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(theirs, bytes(4096))
        os.set_blocking(theirs, True)
        process = self.start(*RUN, "--epochs", ENDLESS, "--json", stdout=theirs, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "batch" in line:
                break
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 60
        while process.poll() is None:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.6)
            process.send_signal(signal.SIGINT)
        process.stderr.close()
        os.close(ours)
        os.close(theirs)
        self.assertEqual(process.returncode, -signal.SIGINT)

    def test_killed(self):
        process = self.start(*STOPPED, "-o", "m", "--save-interval", 0, stdout=subprocess.PIPE, bufsize=0)
        lines = [process.stdout.readline() for _ in range(3)]
        process.kill()
        lines += process.communicate(timeout=60)[0].splitlines()
        done = [event["epoch"] for event in results([json.loads(line) for line in lines])]
        self.ok("eval", "m", data("digits.csv"))
        resumed = self.events(*resume("m", max(done) + MORE))
        self.check_end(resumed, "m")

    def test_every_schedule(self):
        """Stopped on the way to an end that is known from the start, so that the rates are known too."""
        for name in SCHEDULES:
            words = ("train", data("iris.csv"), "--model", "mlp:8", "--epochs", 2000, "--warmup", 100,
                     "--schedule", name)
            # A pipe of one page, 64 KiB at most, holds fewer lines than that: the run cannot get to its end unread.
            ours, theirs = os.pipe()
            fcntl.fcntl(theirs, F_SETPIPE_SZ, 4096)
            process = self.start(*words, "-o", "m", "--json", "--quiet", stdout=theirs)
            os.close(theirs)
            with open(ours, encoding="utf-8") as lines:
                for _ in range(300):
                    lines.readline()
                process.send_signal(signal.SIGINT)
                last = json.loads(lines.readlines()[-1])
            self.assertEqual((process.wait(timeout=120), last["event"]), (0, "interrupted"))
            self.assertIn(last["epoch"], range(299, 2000))
            resumed = without_seconds(results(self.events("train", data("iris.csv"), "--resume", "m")))
            whole = without_seconds(self.events(*words, "-o", "whole"))
            for event, expected in zip(reversed(resumed), reversed(whole)):
                self.assertEqual(event, expected, name)
            self.assertEqual(tensors(self.path("m")), tensors(self.path("whole")), name)

    def test_more_epochs_follow_the_schedule_of_all(self):
        """Behind its end a linear rate would stand at 0; with more epochs it is that of their number."""
        words = ("train", data("iris.csv"), "--schedule", "linear", "--warmup", 3)
        self.ok(*words, "--epochs", 10, "-o", "m")
        self.fails(2, "train", data("iris.csv"), "--resume", "m", says="10 epochs")
        resumed = results(self.events("train", data("iris.csv"), "--resume", "m", "--epochs", 20))
        losses = [event["train_loss"] for event in resumed[:-1]]
        self.assertEqual(len(losses), 10)
        self.assertEqual(losses, sorted(losses, reverse=True))
        self.assertLess(losses[-1], 0.97 * losses[0])

    def test_model_of_an_earlier_release(self):
        """It knew no schedules: the rate stays constant, whatever the default has become."""
        golden = os.path.join(SOURCE, "tests", "golden", "model-1.safetensors")
        self.ok("eval", golden, data("iris.csv"))
        self.assertEqual(self.ok("predict", golden, data("iris.csv")).count("\n"), 151)
        resumed = results(self.events("train", data("iris.csv"), "--resume", golden, "--epochs", 15, "-o", "m"))
        losses = {}
        for name in SCHEDULES:
            whole = results(self.events("train", data("iris.csv"), "--epochs", 15, "--seed", 3, "--test-fraction",
                                        0.2, "--schedule", name))
            losses[name] = [event["train_loss"] for event in whole[5:]]
        for k, event in enumerate(resumed):
            # not to the bit: another processor's BLAS wrote the file
            self.assertAlmostEqual(event["train_loss"], losses["constant"][k], places=4)
        for name in SCHEDULES[1:]:
            self.assertGreater(abs(resumed[-1]["train_loss"] - losses[name][-1]), 1e-3, name)
        self.assertEqual(self.events("train", data("iris.csv"), "--resume", "m", "--epochs", 16)[-1]["epochs"], 16)

    def test_more_epochs(self):
        self.ok(*RUN, "--epochs", 5, "-o", "m")
        self.fails(2, "train", data("digits.csv"), "--resume", "m", says=["5 epochs", "--epochs"])
        self.fails(2, "train", data("digits.csv"), "--resume", "m", "--epochs", 4, says="--epochs")
        self.check_end(self.events(*resume("m", 5 + MORE)), "m")

    def test_settings_stay(self):
        self.ok(*RUN, "--epochs", 2, "-o", "m")
        before = tensors(self.path("m"))
        for words in [("--lr", 1), ("--model", "softmax"), ("--method", "sgd"), ("--seed", 1), ("--batch", 9),
                      ("--target", "digit"), ("--scale", "none"), ("--nesterov",), ("--task", "classification"),
                      ("--schedule", "constant"), ("--warmup", 1), ("--end", 0), ("--every", 1), ("--gamma", 1),
                      ("--state", "f32")]:
            self.fails(2, "train", data("digits.csv"), "--resume", "m", "--epochs", 9, *words, says=words[0])
        self.fails(2, "train", data("digits.csv"), "--resume", "m", "--epochs", 9, "--test-fraction", 0.3, says="0.3")
        self.fails(2, "train", data("digits.csv"), "--resume", "m", "--epochs", 9, "--test", data("digits.csv"),
                   says="--test")
        self.assertEqual(tensors(self.path("m")), before)
        self.ok("train", data("digits.csv"), "--resume", "m", "--epochs", 3, "--test-fraction", 0.2)

    def test_every_init(self):
        for init in "he glorot uniform torch normal zero".split():
            words = ("train", data("iris.csv"), "--model", "mlp:8", "--init", init, "--schedule", "constant")
            whole = without_seconds(results(self.events(*words, "--epochs", 5, "-o", "whole")))
            self.ok(*words, "--epochs", 2, "-o", "m")
            resumed = results(self.events("train", data("iris.csv"), "--resume", "m", "--epochs", 5))
            self.assertEqual(without_seconds(resumed), whole[2:], init)
            self.assertEqual(tensors(self.path("m")), tensors(self.path("whole")), init)

    def test_every_method(self):
        for method in "adadelta sgd momentum adagrad rmsprop adamw".split():
            words = ("train", data("iris.csv"), "--model", "mlp:8", "--method", method, "--test", data("iris.csv"),
                     "--schedule", "constant")
            whole = without_seconds(results(self.events(*words, "--epochs", 9, "-o", "whole")))
            self.ok(*words, "--epochs", 4, "-o", "m")
            shutil.copy(self.path("m"), self.path("n"))
            resumed = results(self.events("train", data("iris.csv"), "--resume", "n", "--epochs", 9, "--test",
                                          data("iris.csv")))
            self.assertEqual(without_seconds(resumed), whole[4:], method)
            self.assertEqual(tensors(self.path("n")), tensors(self.path("whole")), method)


if __name__ == "__main__":
    unittest.main()

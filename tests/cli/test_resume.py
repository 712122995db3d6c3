# SPDX-License-Identifier: MIT
"""Runs that are stopped, killed and taken up again end with the same bits as one that never stopped."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from common import Case, data, tensors, without_seconds

EPOCHS = 1500
RUN = ("train", data("digits.csv"), "--model", "mlp:64", "--epochs", EPOCHS, "--test-fraction", 0.2, "--json", "--quiet")


class Stopped(Case):
    def stop(self, number, *words, after=3):
        """Sends a signal once so many epochs are done; the lines that came, and the exit code."""
        # Unbuffered: communicate() does not see what readline() has read ahead.
        process = self.start(*RUN, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        lines = [process.stdout.readline() for _ in range(after)]
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        self.assertEqual(err, b"")
        return [json.loads(line) for line in lines + out.splitlines()], process.returncode

    def check_end(self, events, model):
        """A resumed run's events must be the last ones of a whole run, and its model the same."""
        whole = without_seconds(self.events(*RUN[:-2], "-o", "whole"))
        self.assertEqual(without_seconds(events), whole[-len(events):])
        self.assertEqual(tensors(self.path(model)), tensors(self.path("whole")))

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            events, code = self.stop(number, "-o", "m")
            last = events[-1]
            self.assertEqual((code, last["event"], last["saved"]), (0, "interrupted", "m"))
            self.assertEqual(last["epoch"], events[-2]["epoch"])
            self.assertLess(last["epoch"], EPOCHS)
            self.assertEqual(os.listdir(self.folder), ["m"])
            resumed = self.events("train", data("digits.csv"), "--resume", "m", "--threads", 1)
            self.assertEqual(resumed[0]["epoch"], last["epoch"] + 1)
            self.check_end(resumed, "m")
            os.remove(self.path("whole"))
            os.remove(self.path("m"))

    def test_twice_and_elsewhere(self):
        self.stop(signal.SIGINT, "-o", "m")
        process = self.start("train", data("digits.csv"), "--resume", "m", "-o", "n", "--json", "--quiet",
                             stdout=subprocess.PIPE)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        self.assertIn(b"interrupted", process.communicate(timeout=60)[0])
        self.check_end(self.events("train", data("digits.csv"), "--resume", "n"), "n")

    def test_no_output_named(self):
        for name in ("adadelta-interrupted.safetensors", "adadelta-interrupted-2.safetensors"):
            events, code = self.stop(signal.SIGINT)
            self.assertEqual((code, events[-1]["saved"]), (0, name))
        self.check_end(self.events("train", data("digits.csv"), "--resume", name, "-o", "n"), "n")

    def test_what_a_person_reads(self):
        process = self.start(*RUN[:-2], "-o", "m", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith("epoch"):
                break
        process.send_signal(signal.SIGINT)
        out = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, 0)
        self.assertIn("saved to m", out)
        self.assertIn("--resume m", out)

    def test_the_command_it_prints(self):
        shutil.copy(data("digits.csv"), self.path("it's my data.csv"))
        process = self.start("train", "it's my data.csv", "--epochs", EPOCHS, "--test", "it's my data.csv", "-o", "a model",
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith("epoch"):
                break
        process.send_signal(signal.SIGINT)
        command = process.communicate(timeout=60)[0].split("to go on:")[1]
        self.assertIn("--test ", command)
        result = subprocess.run(["sh", "-c", command], cwd=self.folder, capture_output=True, text=True, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"{EPOCHS} epochs", result.stdout)

    def test_one_signal_sent_twice(self):
        """As by `timeout -s INT`, which signals the process and its group."""
        process = self.start(*RUN, "-o", "m", stdout=subprocess.PIPE, bufsize=0)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        self.assertIn(b"interrupted", process.communicate(timeout=60)[0])
        self.assertEqual((process.returncode, os.listdir(self.folder)), (0, ["m"]))

    def test_second_signal_ends_at_once(self):
        # One batch of this network takes long enough for both signals to arrive within it, behind the epoch's end.
        process = self.start("train", data("digits.csv"), "--model", "mlp:6000,6000", "--batch", 1797, "--epochs", 1000,
                             "--json", "--quiet", stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        time.sleep(0.6)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGINT)

    def test_killed(self):
        process = self.start(*RUN, "-o", "m", "--save-interval", 0, stdout=subprocess.PIPE)
        for _ in range(2):
            process.stdout.readline()
        process.kill()
        process.communicate(timeout=60)
        self.ok("eval", "m", data("digits.csv"))
        resumed = self.events("train", data("digits.csv"), "--resume", "m")
        self.check_end(resumed, "m")

    def test_more_epochs(self):
        self.events(*RUN[:-2], "--epochs", 5, "-o", "m")
        self.fails(2, "train", data("digits.csv"), "--resume", "m", says=["5 epochs", "--epochs"])
        self.fails(2, "train", data("digits.csv"), "--resume", "m", "--epochs", 4, says="--epochs")
        self.check_end(self.events("train", data("digits.csv"), "--resume", "m", "--epochs", EPOCHS), "m")

    def test_settings_stay(self):
        self.ok(*RUN, "--epochs", 2, "-o", "m")
        before = tensors(self.path("m"))
        for words in [("--lr", 1), ("--model", "softmax"), ("--method", "sgd"), ("--seed", 1), ("--batch", 9),
                      ("--target", "digit"), ("--scale", "none"), ("--nesterov",), ("--task", "classification")]:
            self.fails(2, "train", data("digits.csv"), "--resume", "m", "--epochs", 9, *words, says=words[0])
        self.fails(2, "train", data("digits.csv"), "--resume", "m", "--epochs", 9, "--test-fraction", 0.3, says="0.3")
        self.fails(2, "train", data("digits.csv"), "--resume", "m", "--epochs", 9, "--test", data("digits.csv"),
                   says="--test")
        self.assertEqual(tensors(self.path("m")), before)
        self.ok("train", data("digits.csv"), "--resume", "m", "--epochs", 3, "--test-fraction", 0.2)

    def test_every_method(self):
        for method in "adadelta sgd momentum adagrad rmsprop adamw".split():
            words = ("train", data("iris.csv"), "--model", "mlp:8", "--method", method, "--test", data("iris.csv"))
            whole = without_seconds(self.events(*words, "--epochs", 9, "-o", "whole"))
            self.ok(*words, "--epochs", 4, "-o", "m")
            shutil.copy(self.path("m"), self.path("n"))
            resumed = self.events("train", data("iris.csv"), "--resume", "n", "--epochs", 9, "--test", data("iris.csv"))
            self.assertEqual(without_seconds(resumed), whole[4:], method)
            self.assertEqual(tensors(self.path("n")), tensors(self.path("whole")), method)


if __name__ == "__main__":
    unittest.main()

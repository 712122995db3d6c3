# SPDX-License-Identifier: MIT
"""Words that are read, refused and explained."""
import unittest

from common import Case, data, results

COMMANDS = ["train", "predict", "eval", "compare", "surface", "bench", "plot"]
SHARED = ["--json", "--quiet", "--help"]
CHANCE = ["--seed", "--threads"]  # of all that compute


class Help(Case):
    def test_every_command(self):
        for command in COMMANDS:
            text = self.ok(command, "--help")
            self.assertEqual(text, self.ok("help", command))
            self.assertEqual(text, self.ok(command, "-h"))
            for option in SHARED + CHANCE * (command != "plot"):
                self.assertIn(option, text)
            self.assertIn("Examples:", text)
            self.assertLessEqual(max(map(len, text.splitlines())), 100, command)

    def test_api_options(self):
        text = self.ok("train", "--help")
        for option in ("target test test-fraction labels test-labels model activation init scale method lr rho eps "
                       "weight-decay momentum nesterov beta1 beta2 decoupled state schedule warmup end every gamma "
                       "batch epochs task "
                       "output resume "
                       "save-interval trace trace-every trace-weights").split():
            self.assertIn(f"--{option} " if option not in ("nesterov", "decoupled") else f"--{option}", text)

    def test_plot_options(self):
        text = self.ok("plot", "--help")
        for option in ("-o, --output PICTURE", "--title TEXT", "--x-label TEXT", "--y-label TEXT", "--log-x ",
                       "--log-y "):
            self.assertIn(option, text)

    def test_overview(self):
        code, out, err = self.run_program()
        self.assertEqual((code, out), (2, ""))
        for command in COMMANDS:
            self.assertIn(command, err)
        self.assertEqual(self.ok("--help"), err)
        self.assertEqual(self.ok("help"), err)

    def test_version(self):
        self.assertRegex(self.ok("--version"), r"\Aadadelta \d+\.\d+\.\d+ \(\w+\)\n\Z")


class Refusals(Case):
    def test_unknown_words(self):
        self.fails(2, "trian", data("iris.csv"), says="did you mean train?")
        self.fails(2, "frobnicate", says=["frobnicate", "--help"])
        self.fails(2, "help", "frobnicate", says="frobnicate")
        self.fails(2, "train", data("iris.csv"), "--epoch", 3, says=["--epoch", "did you mean --epochs?"])
        self.fails(2, "train", data("iris.csv"), "--wieght-decay=1", says="did you mean --weight-decay?")
        self.fails(2, "train", data("iris.csv"), "--zzzzzz", says="--zzzzzz")
        self.fails(2, "train", data("iris.csv"), "-x", says="-x")

    def test_values(self):
        for option, value, says in [
                ("rho", "1.5", "--rho 1.5: must be at least 0 and below 1"),
                ("rho", "1", "must be at least 0 and below 1"),
                ("rho", "-0.1", "must be at least 0 and below 1"),
                ("eps", "0", "--eps 0: must be above 0"),
                ("eps", "-1e-6", "must be above 0"),
                ("eps", "nan", "must be a number above 0"),
                ("lr", "inf", "must be a number at least 0"),
                ("lr", "1e999", "must be a number"),
                ("lr", "0x10", "must be a number"),
                ("lr", "1,5", "must be a number"),
                ("lr", "", "must be a number"),
                ("lr", " 1", "must be a number"),
                ("momentum", "1", "below 1"),
                ("beta1", "1", "below 1"),
                ("beta2", "-1", "at least 0"),
                ("schedule", "cos", ["--schedule cos", "constant", "linear", "cosine", "step", "tail"]),
                ("schedule", "callback", "must be one of constant, linear, cosine, step, tail"),
                ("schedule", "", "--schedule: its value is empty"),
                ("warmup", "0.5", "whole number"),
                ("warmup", "-1", "whole number"),
                ("end", "-0.1", "--end -0.1: must be at least 0"),
                ("every", "0", "--every 0: must be a whole number from 1"),
                ("gamma", "1.1", "--gamma 1.1: must be from 0 to 1"),
                ("weight-decay", "-1", "at least 0"),
                ("batch", "0", "--batch 0: must be a whole number from 1"),
                ("epochs", "1.5", "whole number"),
                ("epochs", "-3", "whole number"),
                ("epochs", "3x", "whole number"),
                ("threads", "1025", "from 0 to 1024"),
                ("seed", "18446744073709551616", "whole number"),
                ("test-fraction", "0", "above 0 and below 1"),
                ("test-fraction", "1", "above 0 and below 1"),
                ("save-interval", "-1", "at least 0"),
                ("model", "forest", ["forest", "linear", "softmax", "mlp:"]),
                ("model", "mlp:", "mlp:"),
                ("model", "mlp:0", "mlp:0"),
                ("method", "adam", ["adam", "adadelta", "sgd", "momentum", "adagrad", "rmsprop", "adamw"]),
                ("activation", "gelu", ["relu", "tanh", "logistic"]),
                ("init", "big", "must be one of auto, he, glorot, uniform, torch, normal, zero"),
                ("scale", "max", ["standard", "minmax", "none"]),
                ("task", "guess", ["classification", "regression"])]:
            self.fails(2, "train", data("iris.csv"), f"--{option}={value}", says=says)
            if value:
                self.fails(2, "train", f"--{option}", value, data("iris.csv"), says=says)

    def test_flags_and_operands(self):
        self.fails(2, "train", says="DATA")
        self.fails(2, "eval", "model", says="MODEL DATA")
        self.fails(2, "train", data("iris.csv"), "two", says="two")
        self.fails(2, "train", data("iris.csv"), "--nesterov=1", says="--nesterov takes no value")
        code, _, err = self.run_program("train", data("iris.csv"), "--epochs")
        self.assertEqual((code, err), (2, "adadelta: --epochs needs a value, N\n"))
        code, _, err = self.run_program("train", "--", "--help")  # a file of that name, which is not there
        self.assertEqual(code, 1)
        self.assertIn("--help: ", err)

    def test_conflicts(self):
        self.fails(2, "train", data("iris.csv"), "--test", data("iris.csv"), "--test-fraction", "0.2",
                   says="--test-fraction")
        self.fails(2, "train", data("iris.csv"), "--test-labels", "x", says="--test")
        self.fails(2, "train", data("iris.csv"), "--task", "regression", "--model", "softmax", says="--task regression")
        self.fails(2, "train", data("iris.csv"), "--warmup", 5, "--epochs", 5, says="5 epochs")

    def test_instruction_set(self):
        self.fails(2, "train", data("iris.csv"), env={"ADADELTA_ISA": "mmx"},
                   says=["ADADELTA_ISA", "scalar", "sse2", "avx2", "avx512", "neon"])

    def test_last_of_an_option_counts_and_places_do_not(self):
        for words in [(data("iris.csv"), "--epochs", 2), ("--epochs=9", "--json", "--epochs=2", data("iris.csv"))]:
            events = results(self.events("train", *words))
            self.assertEqual([event["event"] for event in events], ["epoch", "epoch", "done"])

    def test_full_output_device(self):
        with open("/dev/full", "wb") as full:
            process = self.start("train", data("iris.csv"), "--epochs", 1, "--quiet", stdout=full, stderr=-1)
            err = process.communicate(timeout=60)[1].decode()
        self.assertEqual(process.returncode, 1)
        self.assertRegex(err, r"\Aadadelta: [^\n]*standard output[^\n]*\n\Z")


if __name__ == "__main__":
    unittest.main()

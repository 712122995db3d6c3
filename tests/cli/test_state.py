# SPDX-License-Identifier: MIT
"""--state: what the optimizer's state is kept in: told, counted, refused where it cannot be, kept by --resume."""
import unittest

from common import Case, data, results, tensors, without_seconds

NET = ("--model", "mlp:64", "--test-fraction", 0.2)
SHORT = ("train", data("digits.csv"), *NET, "--epochs", 4)
FORMATS = {"f32": ("F32", 4), "f64": ("F64", 8), "bf16": ("BF16", 2), "f16": ("F16", 2), "u16": ("U16", 2),
           "u8": ("U8", 1)}
# 64 inputs, 64 hidden, 10 classes: weights and biases; adadelta keeps two arrays of each, of whole lines of 64 bytes
ELEMENTS = (64 * 64, 64, 64 * 10, 10)
STATELESS = "leave it out"
NUMBERS = "take one of f32, f64, bf16, f16"


def state_bytes(size):
    return sum(2 * -(-n * size // 64) * 64 for n in ELEMENTS)


class Told(Case):
    def first_line(self, *words):
        """The words for the method among the remarks, and the first JSON line, of the same run."""
        words = ("train", data("iris.csv"), "--epochs", 2, "--schedule", "constant", *words)
        return self.run_program(*words)[2].splitlines()[1].split("; ")[1], self.events(*words)[0]

    def test_in_words(self):
        for words, told in [((), "adadelta lr 1, rho 0.95, eps 1e-06"),
                            (("--state", "f32"), "adadelta lr 1, rho 0.95, eps 1e-06"),
                            (("--state", "u16"), "adadelta lr 1, rho 0.95, eps 1e-06, state u16"),
                            (("--state", "u8"), "adadelta lr 1, rho 0.95, eps 1e-06, state u8 (experimental)"),
                            (("--state", "bf16", "--method", "rmsprop"),
                             "rmsprop lr 0.01, rho 0.99, eps 1e-08, state bf16"),
                            (("--state", "f32", "--method", "sgd"), "sgd lr 0.1"),
                            (("--state", "f64", "--method", "momentum", "--nesterov", "--warmup", 1),
                             "momentum lr 0.1, momentum 0.9, nesterov, state f64, warmup 1")]:
            self.assertEqual(self.first_line(*words)[0], told)

    def test_for_programs(self):
        common = {"event": "start", "model": "softmax", "parameters": 15, "schedule": "constant", "warmup": 0,
                  "rows": 150, "batch": 16, "epochs": 2, "epochs_done": 0, "seed": 1}
        adadelta = {**common, "method": "adadelta", "lr": 1, "rho": 0.95, "eps": 1e-6, "weight_decay": 0}
        self.assertEqual(self.first_line()[1], {**adadelta, "state": "f32"})
        self.assertEqual(self.first_line("--state", "u16")[1], {**adadelta, "state": "u16"})
        self.assertEqual(self.first_line("--state", "u8")[1], {**adadelta, "state": "u8", "experimental": True})
        self.assertEqual(self.first_line("--method", "sgd", "--batch", 50)[1],
                         {**common, "method": "sgd", "lr": 0.1, "weight_decay": 0, "batch": 50, "state": None})
        self.assertEqual(self.first_line("--method", "adamw", "--seed", 2**64 - 1)[1],
                         {**common, "method": "adamw", "lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8,
                          "weight_decay": 0.01, "decoupled": True, "state": "f32", "seed": str(2**64 - 1)})
        self.assertEqual(self.first_line("--method", "momentum", "--nesterov", "--schedule", "step",
                                         "--seed", 2**63 - 1)[1],
                         {**common, "method": "momentum", "lr": 0.1, "momentum": 0.9, "weight_decay": 0,
                          "nesterov": True, "schedule": "step", "every": 1, "gamma": 0.1, "state": "f32",
                          "seed": 2**63 - 1})

    def test_where_a_resumed_run_stands(self):
        self.ok("train", data("iris.csv"), "--epochs", 3, "-o", "m", "--state", "u16")
        start = self.events("train", data("iris.csv"), "--epochs", 5, "--resume", "m")[0]
        self.assertEqual([start[key] for key in ("event", "epochs_done", "epochs", "state")], ["start", 3, 5, "u16"])


class Runs(Case):
    def test_bytes_and_arrays(self):
        """What is in the file, and how much of it: u16 a half, u8 a quarter of what f32 takes."""
        weights = {}
        for name, (dtype, size) in FORMATS.items():
            done = self.events(*SHORT, "--state", name, "-o", name)[-1]
            self.assertEqual(done["state_bytes"], state_bytes(size), name)
            arrays = tensors(self.path(name))
            for array in ("layer1.weight.square_avg", "layer2.bias.acc_delta"):
                self.assertEqual(arrays[array][0], dtype, name)
            weights[name] = arrays["layer1.weight"][-1]
        self.assertEqual(len(set(weights.values())), len(FORMATS))

    def test_f32_is_the_default(self):
        plain = self.events(*SHORT, "-o", "m")
        said = self.events(*SHORT, "-o", "n", "--state", "f32")
        self.assertEqual(without_seconds(said), without_seconds(plain))
        with open(self.path("m"), "rb") as plain, open(self.path("n"), "rb") as said:
            self.assertEqual(said.read(), plain.read())

    def test_every_method_that_has_state(self):
        for method, arrays in [("momentum", 1), ("adagrad", 1), ("rmsprop", 1), ("adamw", 2)]:
            words = ("train", data("iris.csv"), "--epochs", 3, "--method", method)
            base = self.events(*words)[-1]
            for name in ("f64", "bf16", "f16"):
                done = self.events(*words, "--state", name)[-1]
                # 12 weights and 3 biases: of 2 and 4 bytes a line of 64 each, of 8 bytes two for the weights
                self.assertEqual(done["state_bytes"], arrays * (192 if name == "f64" else 128), (method, name))
                self.assertNotEqual(done["train_loss"], base["train_loss"], (method, name))
        done = self.events("train", data("iris.csv"), "--epochs", 1, "--method", "sgd")[-1]
        self.assertEqual(done["state_bytes"], 0)

    def test_codes_learn_as_f32_does(self):
        """Means over seeds, which by themselves take f32 from 1.1 to 3.1 %."""
        means = {}
        for name in ("f32", "u16", "u8"):
            words = ("train", data("digits.csv"), *NET, "--epochs", 30, "--state", name)
            errors = [self.events(*words, "--seed", seed)[-1]["test_error"] for seed in range(1, 6)]
            means[name] = sum(errors) / len(errors)
        self.assertLess(abs(means["u16"] - means["f32"]), 0.004, means)
        self.assertLess(abs(means["u8"] - means["f32"]), 0.01, means)

    def test_threads_and_instruction_sets_change_no_bit(self):
        for name in ("u16", "u8", "bf16"):
            runs = []
            for threads, env in [(1, None), (2, None), (7, None), (2, {"ADADELTA_ISA": "scalar"})]:
                events = self.events(*SHORT, "--state", name, "-o", "m", "--threads", threads, env=env)
                runs.append((without_seconds(events), tensors(self.path("m"))))
            self.assertEqual(runs, runs[:1] * 4, name)

    def test_resumed(self):
        """The file of a run that was stopped and taken up again is that of one that never stopped, byte for byte."""
        for name in FORMATS:
            words = ("train", data("iris.csv"), "--model", "mlp:8", "--schedule", "constant", "--every", 3, "--state",
                     name)
            whole = without_seconds(results(self.events(*words, "--epochs", 9, "-o", "whole")))
            self.ok(*words, "--epochs", 4, "-o", "m")
            resumed = results(self.events("train", data("iris.csv"), "--resume", "m", "--epochs", 9))
            self.assertEqual(without_seconds(resumed), whole[4:], name)
            with open(self.path("m"), "rb") as part, open(self.path("whole"), "rb") as all_of_it:
                self.assertEqual(part.read(), all_of_it.read(), name)
            self.assertEqual(self.events("eval", "m", data("iris.csv"))[0]["rows"], 150)


class Refusals(Case):
    def test_before_data_are_read(self):
        for method, name, says in [("sgd", "bf16", STATELESS), ("sgd", "u16", STATELESS), ("adamw", "u16", NUMBERS),
                                   ("momentum", "u8", NUMBERS), ("adagrad", "u16", NUMBERS),
                                   ("rmsprop", "u8", NUMBERS)]:
            self.fails(2, "train", "nowhere.csv", "--method", method, "--state", name, "-o", "m",
                       says=[f"state {name} does not go with {method}", says])
        for name in ("f33", "F32", "i8"):
            self.fails(2, "train", "nowhere.csv", "--state", name,
                       says=f"--state {name}: must be one of f32, f64, bf16, f16, u16, u8")
        self.fails(2, "train", "nowhere.csv", "--state=", says="--state: its value is empty")

    def test_a_gradient_that_is_too_large(self):
        words = ("train", data("diabetes.csv"), "--scale", "none", "--epochs", 1)
        self.ok(*words, "--state", "f32")
        for name in ("f16", "u8"):
            self.fails(1, *words, "--state", name, says=[f"too large for state {name}", "epoch 1", "try state f32"])

    def test_compare_tells_who_has_it(self):
        code, _, err = self.run_program("compare", data("iris.csv"), "--epochs", 1, "--methods", "sgd,adadelta", "--state",
                                        "u16")
        self.assertEqual(code, 0)
        self.assertRegex(err, r"(?m)^adadelta lr 1, .*, state u16$")
        self.assertRegex(err, r"(?m)^sgd lr 0.1$")


if __name__ == "__main__":
    unittest.main()

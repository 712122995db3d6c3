# SPDX-License-Identifier: MIT
"""What training reaches, on real data and against figures from elsewhere; and that it repeats to the last bit."""
import csv
import math
import os
import platform
import struct
import unittest

from common import Case, data, lines_of, results, tensors, without_seconds

DIGITS = ("train", data("digits.csv"), "--target", "digit", "--model", "mlp:64", "--epochs", 30, "--test-fraction", 0.2,
          "--seed", 1)

SCHEDULES = ["constant", "linear", "cosine", "step", "tail"]


def least_squares(path):
    """The smallest mean squared error that a linear function of the columns can have, by the normal equations."""
    with open(path, newline="") as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    n, columns = len(rows), len(rows[0]) - 1
    means = [sum(row[k] for row in rows) / n for k in range(columns + 1)]
    deviations = [sum((row[k] - means[k]) ** 2 for row in rows) ** 0.5 for k in range(columns + 1)]
    z = [[(row[k] - means[k]) / deviations[k] for k in range(columns)] + [row[-1] - means[-1]] for row in rows]
    matrix = [[sum(row[i] * row[j] for row in z) for j in range(columns + 1)] for i in range(columns)]
    for i in range(columns):
        pivot = max(range(i, columns), key=lambda r: abs(matrix[r][i]))
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        for r in range(columns):
            if r != i:
                factor = matrix[r][i] / matrix[i][i]
                matrix[r] = [a - factor * b for a, b in zip(matrix[r], matrix[i])]
    weights = [matrix[i][-1] / matrix[i][i] for i in range(columns)]
    return sum((row[-1] - sum(w * v for w, v in zip(weights, row))) ** 2 for row in z) / n


class Results(Case):
    def test_digits(self):
        events = results(self.events(*DIGITS))
        epochs, done = events[:-1], events[-1]
        self.assertEqual([event["event"] for event in epochs], ["epoch"] * 30)
        self.assertEqual([event["epoch"] for event in epochs], list(range(1, 31)))
        for event in epochs:
            self.assertLessEqual({"train_loss", "test_loss", "test_error", "seconds"}, set(event))
        self.assertEqual((done["event"], done["epochs"]), ("done", 30))
        self.assertLessEqual(done["test_error"], 0.04)
        for key in ("train_loss", "test_loss", "test_error"):
            self.assertEqual(done[key], epochs[-1][key])
        # 64 inputs, 64 hidden, 10 classes, with biases
        self.assertEqual(done["parameters"], 64 * 64 + 64 + 64 * 10 + 10)
        # 1,797 rows: each class gives a fifth of its own, rounded, so an error is a whole number of 359 or so rows
        self.assertAlmostEqual(done["test_error"] * 359, round(done["test_error"] * 359), places=9)

    def test_diabetes_reaches_least_squares(self):
        best = least_squares(data("diabetes.csv"))
        self.assertAlmostEqual(best, 2859.69, places=1)  # as the data's many users report it
        done = self.events("train", data("diabetes.csv"), "-o", "m")[-1]
        self.assertLess(done["train_loss"], 1.02 * best)
        self.assertNotIn("test_error", done)
        score = self.events("eval", "m", data("diabetes.csv"))[0]
        self.assertGreaterEqual(score["loss"], best * (1 - 1e-6))
        self.assertLess(score["loss"], 1.02 * best)
        self.assertNotIn("error", score)
        self.assertEqual(score["rows"], 442)

    def test_iris(self):
        # The most likely multinomial logistic model has deviance 11.8997 (R's nnet::multinom): no loss can be below.
        self.ok("train", data("iris.csv"), "-o", "m", "--quiet")
        score = self.events("eval", "m", data("iris.csv"))[0]
        self.assertGreater(score["loss"], 11.8997 / 2 / 150 * 0.999)
        self.assertLess(score["loss"], 0.06)
        self.assertLessEqual(score["error"], 0.02 + 1e-9)

    def test_breast_cancer(self):
        # W. N. Street et al. (1993) report 97.5 % by cross-validation on these data.
        errors = [self.events("train", data("breast_cancer.csv"), "--test-fraction", 0.2, "--seed", seed)[-1]["test_error"]
                  for seed in range(1, 6)]
        self.assertLess(sum(errors) / len(errors), 0.045)

    def test_every_method_activation_and_scale_learns(self):
        for words in [("--method", name) for name in "sgd momentum adagrad rmsprop adamw".split()] + \
                [("--activation", name) for name in "tanh logistic".split()] + [("--scale", "minmax")] + \
                [("--init", name) for name in "glorot uniform torch normal".split()] + \
                [("--method", "momentum", "--nesterov"), ("--weight-decay", "1e-4")]:
            done = self.events(*DIGITS, *words)[-1]
            self.assertLess(done["test_error"], 0.10, words)

    def test_first_weights(self):
        """At rate 0 they stay as they are drawn: within 1/8 for 64 inputs, but for normal ones, and biases 0, but for
        those of torch."""
        for name in "uniform torch normal zero".split():
            self.ok("train", data("digits.csv"), "--model", "mlp:50", "--lr", 0, "--epochs", 1, "--init", name,
                    "-o", "m", "--quiet")
            weights, biases = ([abs(x) for x in struct.unpack(f"<{len(array) // 4}f", array)] for array in
                               (tensors(self.path("m"))[f"layer1.{kind}"][2] for kind in ("weight", "bias")))
            self.assertEqual((len(weights), len(biases)), (3200, 50))
            least, most = {"zero": (0, 0), "normal": (0.03, 0.06)}.get(name, (0.124, 0.125))
            self.assertTrue(least <= max(weights) <= most, (name, max(weights)))
            self.assertEqual(0.1 < max(biases) <= 0.125, name == "torch")
            self.assertEqual(any(biases), name == "torch")

    def test_every_schedule_learns(self):
        for name in SCHEDULES:
            done = self.events(*DIGITS, "--schedule", name, "--warmup", 2)[-1]
            self.assertLess(done["test_error"], 0.05, name)

    def test_options_change_the_run(self):
        base = self.events(*DIGITS)[-1]["train_loss"]
        for words in [("--lr", 0.5), ("--rho", 0.9), ("--eps", 1e-5), ("--weight-decay", 0.01), ("--batch", 16),
                      ("--seed", 2), ("--activation", "tanh"), ("--scale", "none"), ("--init", "glorot"),
                      ("--weight-decay", 0.01, "--decoupled"), ("--warmup", 3), ("--end", 0.1)]:
            self.assertNotEqual(self.events(*DIGITS, *words)[-1]["train_loss"], base, words)

    def test_settings_of_a_schedule_change_the_run(self):
        """Each of them just where it is used, and no two schedules are the same run."""
        losses = {}
        for name in SCHEDULES:
            words = (*DIGITS, "--schedule", name)
            losses[name] = self.events(*words)[-1]["train_loss"]
            for option, value, users in [("end", 0.4, {"linear", "cosine", "tail"}), ("every", 7, {"step"}),
                                         ("gamma", 0.7, {"step"}), ("warmup", 3, set(SCHEDULES))]:
                loss = self.events(*words, f"--{option}", value)[-1]["train_loss"]
                self.assertEqual(loss != losses[name], name in users, (name, option))
        self.assertEqual(len(set(losses.values())), len(SCHEDULES))
        # a third of the 30 epochs, and a tenth, where nothing is said
        self.assertEqual(self.events(*DIGITS, "--schedule", "step", "--every", 10, "--gamma", 0.1)[-1]["train_loss"],
                         losses["step"])

    def test_the_default_is_tail(self):
        said = self.events(*DIGITS, "--schedule", "tail")
        self.assertEqual(without_seconds(self.events(*DIGITS)), without_seconds(said))

    def test_the_schedule_is_told(self):
        for words, told in [((), "eps 1e-06, schedule tail;"),
                            (("--schedule", "constant"), "eps 1e-06;"),
                            (("--schedule", "constant", "--warmup", 2), "eps 1e-06, warmup 2;"),
                            (("--schedule", "linear"), ", schedule linear;"),
                            (("--schedule", "cosine", "--end", 0.25, "--warmup", 1), "cosine to 0.25, warmup 1;"),
                            (("--schedule", "step"), ", schedule step by 0.1 every 2;"),
                            (("--schedule", "tail", "--end", 0.5), ", schedule tail to 0.5;")]:
            err = self.run_program("train", data("iris.csv"), "--epochs", 4, *words)[2].splitlines()
            self.assertIn(told, err[1])

    def test_schedules_in_numbers(self):
        """One row a class and one batch an epoch: the loss of a softmax of zero weights after steps known by hand."""
        self.write("two.csv", "x,y\n1,a\n-1,b\n")
        words = ("train", "two.csv", "--init", "zero", "--scale", "none", "--method", "sgd", "--lr", 1, "--epochs", 12,
                 "--batch", 2)
        rates = {
            "constant": [1] * 12,
            "linear": [1 - k / 12 for k in range(12)],
            "cosine": [(1 + math.cos(math.pi * k / 12)) / 2 for k in range(12)],
            "step": [0.1 ** (k // 4) for k in range(12)],
            "tail": [min(1, 3 * (12 - k) / 12) for k in range(12)],
            "constant --warmup 3": [1 / 3, 2 / 3] + [1] * 10,
            "linear --warmup 3 --end 0.4": [1 / 3, 2 / 3] + [1 - 0.6 * max(0, k - 3) / 9 for k in range(2, 12)],
            "step --every 5 --gamma 0.5": [0.5 ** (k // 5) for k in range(12)],
        }
        for schedule, rate in rates.items():
            w = 0.0  # the margin is 2*w*x, by symmetry the same for both rows: each class's weight is w or -w
            losses = []
            for k in range(12):
                losses.append(math.log(1 + math.exp(-2 * w)))
                w += rate[k] / (1 + math.exp(2 * w))
            events = results(self.events(*words, "--schedule", *schedule.split()))
            for k in range(12):
                self.assertAlmostEqual(events[k]["train_loss"], losses[k], places=5, msg=(schedule, k))

    def test_settings_that_are_told_are_those_that_count(self):
        """A setting stands in the description, and in help's table, of just the methods whose run it changes."""
        table = {line.split()[0]: line.split()[1:4] for line in self.ok("train", "--help").splitlines() if line.strip()}
        for method in "adadelta sgd momentum adagrad rmsprop adamw".split():
            words = ("train", data("iris.csv"), "--method", method, "--epochs", 3)
            base = self.events(*words)[-1]["train_loss"]
            for name in ("lr", "rho", "momentum", "beta1", "beta2", "eps", "weight-decay"):
                changed = (*words, f"--{name}", 0.25)
                counts = self.events(*changed)[-1]["train_loss"] != base
                told = self.run_program(*changed)[2].splitlines()[1]
                self.assertEqual(f" {name.replace('-', ' ')} 0.25" in told, counts, (method, name))
                if name in ("rho", "eps"):
                    self.assertEqual(table[method][1 + (name == "eps")] != "-", counts, (method, name))

    def test_test_file(self):
        lines = lines_of(data("iris.csv"))
        self.write("a.csv", lines[0] + "".join(lines[1::2]))
        # other order of columns, an extra one, and a class that is missing
        swapped = ["x," + ",".join(reversed(line.strip().split(","))) for line in lines]
        self.write("b.csv", "\n".join([swapped[0]] + swapped[2:100:2]) + "\n")
        done = self.events("train", "a.csv", "--test", "b.csv", "--target", "species", "-o", "m")[-1]
        score = self.events("eval", "m", "b.csv")[0]
        self.assertEqual((score["loss"], score["error"], score["rows"]), (done["test_loss"], done["test_error"], 49))


class Repeats(Case):
    def same(self, *words, env=None):
        events = without_seconds(self.events(*DIGITS, "-o", "m", *words, env=env))
        return events, tensors(self.path("m"))

    def test_same_bits(self):
        expected = self.same("--threads", 1)
        self.assertEqual(self.same("--threads", 1), expected)
        self.assertNotEqual(self.same("--threads", 1, "--seed", 2), expected)
        for threads in (0, 2, 3, 7):
            self.assertEqual(self.same("--threads", threads), expected, threads)
        machine = platform.machine().lower()
        sets = "scalar sse2 avx2 avx512" if machine in ("x86_64", "amd64") else "scalar neon"
        for name in sets.split():
            self.assertEqual(self.same("--threads", 2, env={"ADADELTA_ISA": name}), expected, name)


class Summary(Case):
    def test_human(self):
        code, out, err = self.run_program(*DIGITS, "-o", "m")
        self.assertEqual(code, 0)
        self.assertIn("30 epochs", out)
        self.assertIn("test error", out)
        self.assertIn("saved to m", out)
        for text in ("digit (10 classes)", "64 columns", "mlp:64", "4,810 parameters", "adadelta", "batch 32"):
            self.assertIn(text, err)
        self.assertEqual(err.count("epoch "), 30)

    def test_quiet(self):
        code, out, err = self.run_program(*DIGITS, "--quiet")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(len(out.splitlines()), 1)

    def test_rights_of_the_file(self):
        self.ok("train", data("iris.csv"), "--epochs", 2, "-o", "m")
        self.ok("predict", "m", data("iris.csv"), "-o", "p.csv")
        mask = os.umask(0)
        os.umask(mask)
        self.assertEqual(os.stat(self.path("p.csv")).st_mode & 0o777, 0o666 & ~mask)
        self.assertEqual(sorted(os.listdir(self.folder)), ["m", "p.csv"])


if __name__ == "__main__":
    unittest.main()

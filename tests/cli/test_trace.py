# SPDX-License-Identifier: MIT
"""train --trace: the numbers against formulas and the model file, and that looking changes nothing."""
import csv
import math
import os
import signal
import statistics
import struct
import subprocess
import unittest

from common import Case, data, idx, lines_of, tensors, without_seconds

RHO, EPS = 0.95, 1e-6
COLUMNS = ("step epoch tensor index value update rms_update rms_gradient rate rate_min rate_median "
           "rate_max").split()
# 150 rows in batches of 16: ten batches an epoch, the last of six rows; 4*8 and 8*3 weights.
NET = ("train", data("iris.csv"), "--model", "mlp:8", "--schedule", "constant")
ALL = ("--trace", "t.csv", "--trace-every", 1, "--trace-weights", 1000)
STATE = ("rms_update", "rms_gradient", "rate", "rate_min", "rate_median", "rate_max")


def f32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


class Trace(Case):
    def rows(self, name="t.csv"):
        """The rows of a trace, numbers as numbers, an empty cell as None."""
        with open(self.path(name), newline="") as file:
            reader = csv.DictReader(file)
            self.assertEqual(reader.fieldnames, COLUMNS)
            return [{key: cell if key == "tensor" else float(cell) if cell else None for key, cell in row.items()}
                    for row in reader]

    def series(self, name="t.csv"):
        """The rows of each weight in their order."""
        found = {}
        for row in self.rows(name):
            found.setdefault((row["tensor"], int(row["index"])), []).append(row)
        return found


class Numbers(Trace):
    def test_by_hand(self):
        """Two rows, one a class, are one batch an epoch: softmax of zero weights, whose gradient is known, stepped by
        the paper's Algorithm 1. By symmetry class b's weight is class a's with the other sign."""
        self.write("two.csv", "x,y\n1,a\n-1,b\n")
        self.ok("train", "two.csv", "--init", "zero", "--scale", "none", "--epochs", 40, "--schedule", "constant",
                "--lr", 0.5, *ALL)
        x = v = u = 0.0
        series = self.series()
        self.assertEqual(sorted(series), [("layer1.weight", 0), ("layer1.weight", 1)])
        for t in range(40):
            g = -1 / (1 + math.exp(2 * x))
            v = RHO * v + (1 - RHO) * g * g
            d = -math.sqrt(u + EPS) / math.sqrt(v + EPS) * g
            u = RHO * u + (1 - RHO) * d * d
            x += 0.5 * d
            for sign, index in ((1, 0), (-1, 1)):
                row = series["layer1.weight", index][t]
                self.assertEqual((row["step"], row["epoch"]), (t + 1, t + 1))
                for key, expected in [("value", sign * x), ("update", sign * 0.5 * d), ("rms_update", math.sqrt(u + EPS)),
                                      ("rms_gradient", math.sqrt(v + EPS)),
                                      ("rate", math.sqrt(u + EPS) / math.sqrt(v + EPS))]:
                    self.assertAlmostEqual(row[key] / expected, 1, delta=3e-5, msg=(t, key))

    def test_updates_are_the_changes_and_follow_the_recursions(self):
        """The gradient is what an update says of it; both means of squares then follow from the ones before."""
        lr = 0.5
        self.ok(*NET, "--epochs", 6, "--lr", lr, *ALL)
        series = self.series()
        self.assertEqual(len(series), 4 * 8 + 8 * 3)
        for weight, rows in series.items():
            self.assertEqual([row["step"] for row in rows], list(range(1, 61)))
            v = u = 0.0
            for before, row in zip([None] + rows, rows):
                if before:
                    self.assertEqual(f32(f32(row["value"]) - f32(before["value"])), f32(row["update"]), weight)
                d = row["update"] / lr
                g = -d * row["rms_gradient"] / math.sqrt(u + EPS)
                # the new value was rounded to a float, and so was the step
                inexact_d = (abs(row["value"]) * 2**-24 + abs(row["update"]) * 2**-22) / lr
                inexact_g = inexact_d * row["rms_gradient"] / math.sqrt(u + EPS)
                new_v, new_u = row["rms_gradient"] ** 2 - EPS, row["rms_update"] ** 2 - EPS
                self.assertAlmostEqual(new_v, RHO * v + (1 - RHO) * g * g, msg=(weight, row), delta=(1 - RHO) * (
                    2 * abs(g) * inexact_g + inexact_g ** 2) + 1e-6 * (new_v + EPS))
                self.assertAlmostEqual(new_u, RHO * u + (1 - RHO) * d * d, msg=(weight, row), delta=(1 - RHO) * (
                    2 * abs(d) * inexact_d + inexact_d ** 2) + 1e-6 * (new_u + EPS))
                self.assertAlmostEqual(row["rate"] * row["rms_gradient"] / row["rms_update"], 1, delta=1e-8)
                v, u = new_v, new_u

    def test_the_last_record_is_the_model(self):
        for state, letter in [("f32", "f"), ("f64", "d")]:
            self.ok(*NET, "--epochs", 3, "--state", state, "-o", "m", *ALL)
            model = tensors(self.path("m"))
            last = [row for row in self.rows() if row["step"] == 30]
            self.assertEqual(len(last), 4 * 8 + 8 * 3)
            for row in last:
                k, name = int(row["index"]), row["tensor"]
                self.assertEqual(f32(row["value"]), struct.unpack_from("<f", model[name][2], 4 * k)[0])
                for key, array in [("rms_gradient", "square_avg"), ("rms_update", "acc_delta")]:
                    kept = struct.unpack_from(f"<{letter}", model[f"{name}.{array}"][2], struct.calcsize(letter) * k)[0]
                    self.assertAlmostEqual(row[key] / math.sqrt(kept + EPS), 1, delta=1e-8, msg=(state, row))

    def test_summary_of_all_weights(self):
        self.ok(*NET, "--epochs", 2, *ALL)
        for step in range(1, 21):
            for tensor in ("layer1.weight", "layer2.weight"):
                rows = [row for row in self.rows() if (row["step"], row["tensor"]) == (step, tensor)]
                rates = [row["rate"] for row in rows]
                for row in rows:
                    for key, expected in [("rate_min", min(rates)), ("rate_max", max(rates)),
                                          ("rate_median", statistics.median(rates))]:
                        self.assertAlmostEqual(row[key] / expected, 1, delta=1e-6)

    def test_narrow_state_is_read_as_what_it_means(self):
        self.ok(*NET, "--epochs", 1, *ALL)
        expected = self.series()
        for state in ("bf16", "f16", "u16", "u8"):
            self.ok(*NET, "--epochs", 1, "--state", state, *ALL)
            for weight, rows in self.series().items():
                for key in ("rms_gradient", "rms_update"):
                    self.assertAlmostEqual(rows[0][key] / expected[weight][0][key], 1, delta=0.1, msg=(state, weight))

    def test_other_methods_have_no_rates(self):
        for method in "sgd momentum adagrad rmsprop adamw".split():
            self.ok(*NET, "--epochs", 2, "--method", method, *ALL)
            for weight, rows in self.series().items():
                for before, row in zip(rows, rows[1:]):
                    change = f32(f32(row["value"]) - f32(before["value"]))
                    self.assertEqual(change, f32(row["update"]), (method, weight))
                    self.assertEqual([row[key] for key in STATE], [None] * len(STATE), method)


class Rows(Trace):
    def test_which_batches(self):
        """By default a tenth of an epoch's batches lies between records, 57 batches here; an epoch's last batch is
        shorter, so the epoch goes by rows."""
        self.ok("train", data("digits.csv"), "--epochs", 2, "--trace", "t.csv")
        rows = self.rows()
        steps = sorted({row["step"] for row in rows})
        self.assertEqual(steps, list(range(5, 115, 5)))
        for row in rows:
            epoch, batch = divmod(row["step"] - 1, 57)
            self.assertAlmostEqual(row["epoch"], epoch + min(32 * (batch + 1), 1797) / 1797, delta=1e-8)
        self.ok(*NET, "--epochs", 3, "--trace", "t.csv", "--trace-every", 7)
        self.assertEqual(sorted({row["step"] for row in self.rows()}), [7, 14, 21, 28])
        self.ok(*NET, "--epochs", 2, "--batch", 75, "--trace", "t.csv")
        self.assertEqual(sorted({row["step"] for row in self.rows()}), [1, 2, 3, 4])

    def test_few_batches_from_one_record_to_the_next_tell_the_same(self):
        """An update is that of its batch alone, whatever came since the record before."""
        self.ok(*NET, "--epochs", 3, *ALL)
        every = self.rows()
        self.ok(*NET, "--epochs", 3, "--trace", "t.csv", "--trace-every", 7, "--trace-weights", 1000)
        self.assertEqual(self.rows(), [row for row in every if row["step"] % 7 == 0])

    def test_which_weights(self):
        self.ok(*NET, "--epochs", 2, "--trace", "t.csv")
        rows = self.rows()
        chosen = [(row["tensor"], row["index"]) for row in rows if row["step"] == 1]
        self.assertEqual(len(set(chosen)), 20)
        self.assertEqual(chosen, sorted(chosen))
        for tensor, count in (("layer1.weight", 32), ("layer2.weight", 24)):
            indices = [index for name, index in chosen if name == tensor]
            self.assertEqual(len(indices), 10)
            self.assertTrue(set(indices) <= set(range(count)))
        for step in range(1, 21):
            self.assertEqual([(row["tensor"], row["index"]) for row in rows if row["step"] == step], chosen)
        self.ok("train", data("iris.csv"), "--model", "mlp:4,4", "--epochs", 1, "--trace", "t.csv", "--trace-weights", 5)
        five = [[row["index"] for row in self.rows() if (row["step"], row["tensor"]) == (1, f"layer{k}.weight")]
                for k in (1, 2)]
        self.assertNotEqual(five[0], five[1])  # of 16 weights each, but each draws for itself
        seen = {}
        for seed in range(60):
            self.ok("train", data("iris.csv"), "--epochs", 1, "--seed", seed, "--trace", "t.csv", "--trace-weights", 1)
            index = self.rows()[0]["index"]
            seen[index] = seen.get(index, 0) + 1
        self.assertEqual(sorted(seen), list(range(12)))  # of 60 draws one of 12 is missing once in 15 times; not here
        self.assertLess(max(seen.values()), 15)

    def test_looking_changes_nothing(self):
        for words in [(), ("--method", "momentum"), ("--state", "u16"), ("--threads", 2)]:
            plain = without_seconds(self.events(*NET, "--epochs", 5, "-o", "plain", *words))
            traced = without_seconds(self.events(*NET, "--epochs", 5, "-o", "traced", *words, *ALL))
            self.assertEqual(traced.pop(-2), {"event": "trace", "path": "t.csv", "records": 50})
            self.assertEqual(traced, plain)
            with open(self.path("plain"), "rb") as one, open(self.path("traced"), "rb") as other:
                self.assertEqual(one.read(), other.read(), words)


class Ends(Trace):
    def test_words(self):
        out = self.ok(*NET, "--epochs", 3, "--trace", "t.csv", "--quiet")
        self.assertEqual(out.splitlines()[0], "trace of 30 records in t.csv")
        self.assertEqual(os.listdir(self.folder), ["t.csv"])

    def test_interrupted_and_resumed(self):
        """What was recorded is kept, and the resumed run's rows are those that the whole run would have gone on with."""
        words = ("--trace-every", 3, "--trace-weights", 5)
        process = self.start(*NET, "--epochs", 10**8, "-o", "m", "--trace", "a.csv", *words, "--json", "--quiet",
                             stdout=subprocess.PIPE, bufsize=0)
        for _ in range(4):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        events = process.communicate(timeout=60)[0].splitlines()
        self.assertIn(b'"trace"', events[-2])
        self.assertIn(b'"interrupted"', events[-1])
        self.assertEqual(process.returncode, 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.csv", "m"])
        first = self.rows("a.csv")
        epochs = math.ceil(first[-1]["epoch"]) + 7
        self.ok("train", data("iris.csv"), "--resume", "m", "--epochs", epochs, "--trace", "b.csv", *words)
        self.ok(*NET, "--epochs", epochs, "--trace", "whole.csv", *words)
        self.assertGreaterEqual(len(first), 10 * 9)
        self.assertEqual(first + self.rows("b.csv"), self.rows("whole.csv"))

    def test_ended_at_once(self):
        process = self.start(*NET, "--epochs", 10**8, "--trace", "t.csv", "--trace-every", 1)
        self.wait_for_unfinished()
        process.kill()
        process.wait(timeout=60)
        self.assertFalse(os.path.exists(self.path("t.csv")))

    def test_a_run_that_diverges_keeps_its_trace(self):
        code, out, err = self.run_program("train", data("diabetes.csv"), "--method", "sgd", "--lr", 1e9, "--quiet",
                                          *ALL)
        self.assertEqual(code, 1)
        self.assertIn("not finite", err)
        rows = self.rows()
        self.assertGreater(len(rows), 1)
        self.assertIn(f"trace of {int(rows[-1]['step'])} records in t.csv", out)
        self.assertGreater(abs(rows[-1]["value"]), 1e9)

    def test_labels_are_not_written_over(self):
        """Those that are read by their usual name, too."""
        for part, rows in (("a", 20), ("b", 6)):
            self.write(f"{part}-images-idx3-ubyte", idx([rows, 2, 2], [7 * k % 256 for k in range(4 * rows)]))
            self.write(f"{part}-labels-idx1-ubyte", idx([rows], [k % 2 for k in range(rows)]))
        words = ("train", "a-images-idx3-ubyte", "--test", "b-images-idx3-ubyte", "--epochs", 1)
        for option in ("--trace", "-o"):
            for name in ("a-labels-idx1-ubyte", "b-labels-idx1-ubyte", "./a-images-idx3-ubyte"):
                self.fails(2, *words, option, name, says=f"{name}: is read from or written")
        self.fails(2, *words[:2], "--test-fraction", 0.3, "-o", "a-labels-idx1-ubyte", says="a-labels-idx1-ubyte")

    def test_refused(self):
        self.fails(2, *NET, "--trace-every", 5, says="--trace FILE")
        self.fails(2, *NET, "--trace-weights", 5, says="--trace FILE")
        self.fails(2, *NET, "--trace", "t.csv", "--trace-every", 0, says="--trace-every 0")
        self.fails(2, *NET, "--trace", "t.csv", "--trace-weights", 0, says="--trace-weights 0")
        for trace, model in (("m", "m"), ("./m", "m"), ("m", os.path.join(self.folder, "m"))):
            self.fails(2, *NET, "--trace", trace, "-o", model, says=f"{trace}: is read from or written")
        self.fails(1, *NET, "--trace", "none/t.csv", says="none/t.csv")
        self.write("own.csv", "".join(lines_of(data("iris.csv"))))
        self.fails(2, "train", "own.csv", "--trace", "own.csv", says=["own.csv", "read from"])
        self.ok(*NET, "--epochs", 2, "-o", "m", "--trace", "t.csv")
        before = self.rows()
        self.fails(2, "train", data("iris.csv"), "--resume", "m", "--epochs", 3, "--trace", "t.csv", says="t.csv")
        self.fails(2, "train", data("iris.csv"), "--resume", "m", "--epochs", 3, "--trace", "./m",
                   says="./m")
        self.assertEqual(self.rows(), before)


if __name__ == "__main__":
    unittest.main()

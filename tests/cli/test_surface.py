# SPDX-License-Identifier: MIT
"""Paths of the methods over functions of two variables, against the same rules written a second time."""
import math
import unittest

from common import png_size, svg_texts
from surfaces import (METHODS, NAMES, RULES, Surface, adadelta, bowl, himmelblau, momentum, nesterov, rmsprop,
                      rosenbrock, sgd, styblinski, walk)


class Paths(Surface):
    def test_all_methods(self):
        """With the rate given they are the methods' own defaults else."""
        rates = {"adadelta": 1, "sgd": 0.0015, "momentum": 0.0004, "adagrad": 0.3, "rmsprop": 0.02, "adamw": 0.03}
        methods = ",".join(f"{name}:lr={rates[name]}" for name in METHODS)
        for name, function, start in (("rosenbrock", rosenbrock, (-1.2, 1.0)), ("himmelblau", himmelblau, (0.5, -1.5)),
                                      ("styblinski-tang", styblinski, (-0.2, 0.1)), ("bowl", bowl, (-4.5, 2.5))):
            paths = self.paths(name, "--methods", methods, "--steps", 50, f"--from={start[0]},{start[1]}")
            self.assertEqual(list(paths), METHODS)
            for method in METHODS:
                path = walk(function, start, RULES[method], 50, lr=rates[method],
                            decay=0.01 if method == "adamw" else 0)
                self.near(paths[method], path)
                for k, (x, y) in enumerate(path):
                    value = function(x, y)[0]
                    self.assertLessEqual(abs(paths[method]["f"][k] - value), 1e-7 * (1 + abs(value)))

    def test_settings(self):
        paths = self.paths("himmelblau", "--steps", 50, "--lr", 0.5, "--rho", 0.8, "--from", "0,0", "--methods",
                           "adadelta:eps=1e-3,momentum:lr=0.001:nesterov,adadelta,rmsprop:lr=0.01")
        self.assertEqual(list(paths), ["adadelta eps 0.001", "momentum", "adadelta", "rmsprop"])
        for label, rule, settings in (("adadelta eps 0.001", adadelta, {"lr": 0.5, "rho": 0.8, "eps": 1e-3}),
                                      ("adadelta", adadelta, {"lr": 0.5, "rho": 0.8}),
                                      ("momentum", nesterov, {"lr": 0.001}),
                                      ("rmsprop", rmsprop, {"lr": 0.01, "rho": 0.8})):
            self.near(paths[label], walk(himmelblau, (0.0, 0.0), rule, 50, **settings))

    def test_schedules_count_steps(self):
        paths = self.paths("himmelblau", "--steps", 40, "--methods", "sgd:schedule=linear:warmup=8,adadelta:schedule=step")
        self.near(paths["sgd"], walk(himmelblau, (0.0, 0.0), sgd, 40, lr=0.01,
                                     rates=lambda k: (k + 1) / 8 if k < 8 else 1 - (k - 8) / 32))
        self.near(paths["adadelta"], walk(himmelblau, (0.0, 0.0), adadelta, 40, lr=1,
                                          rates=lambda k: 0.1 ** (k // 14)))
        for words in (("--warmup", 10), ("--methods", "sgd,adadelta:warmup=10")):
            self.fails(2, "surface", "booth", "--steps", 10, *words, says="--warmup 10: must be less than --steps 10")

    def test_every_function(self):
        for name in NAMES:
            events = self.events("surface", name, "--methods", ",".join(METHODS))
            self.assertEqual([event["event"] for event in events], ["path", "done"] * 6)
            for event in events[1::2]:
                self.assertEqual(event["function"], name)
                self.assertIsNone(event["diverged_at"], name)
                if name != "saddle":  # which has no bottom
                    self.assertLess(event["f"], event["start_f"], (name, event["label"]))
            for path, done in zip(events[::2], events[1::2]):
                self.assertEqual(len(path["x"]), done["steps"] + 1)
                self.assertEqual((path["x"][-1], path["y"][-1], path["f"][-1]), (done["x"], done["y"], done["f"]))

    def test_figures(self):
        """sgd halves x each step: to 1 % of f, which is its square, in 4; the distance is what is left."""
        done = self.done("bowl", "--condition", 1, "--from", "4,0", "--methods", "sgd:lr=0.5", "--steps", 10)["sgd"]
        self.assertEqual((done["steps_to_1_percent"], done["distance"], done["start_f"], done["lr"]),
                         (4, 4 / 1024, 8, 0.5))
        done = self.done("booth", "--from", "1,3", "--steps", 3)["sgd"]
        self.assertEqual((done["steps_to_1_percent"], done["distance"]), (0, 0))
        done = self.done("saddle")["sgd"]
        self.assertEqual((done["steps_to_1_percent"], done["distance"]), (None, None))
        for start, nearest in (("3.1,2", (3, 2)), ("-2.8,3", (-2.805118086953, 3.131312518251))):
            done = self.done("himmelblau", "--methods", "sgd:lr=0", "--steps", 1, f"--from={start}")["sgd"]
            x, y = map(float, start.split(","))
            self.assertAlmostEqual(done["distance"], math.hypot(x - nearest[0], y - nearest[1]), 11)

    def test_bowls(self):
        turned = self.paths("bowl", "--angle", 30, "--condition", 20, "--methods", "sgd:lr=0.04", "--steps", 30,
                            "--from=-4,1")["sgd"]
        c, s = math.cos(math.pi / 6), math.sin(math.pi / 6)

        def gradient(x, y):
            u, v = c * x + s * y, 20 * (c * y - s * x)
            return 0, (c * u - s * v, s * u + c * v)
        self.near(turned, walk(gradient, (-4.0, 1.0), sgd, 30, lr=0.04))
        # the rates that are chosen suit the condition
        for condition in (1, 1e4):
            for event in self.done("bowl", "--condition", condition, "--methods", "sgd,momentum").values():
                self.assertLess(event["f"], 0.01 * event["start_f"])

    def test_divergence_is_a_result(self):
        events = self.events("surface", "rosenbrock", "--methods", "sgd:lr=1,adadelta", "-o", "p.svg")
        self.assertEqual([event["event"] for event in events], ["path", "done", "path", "done", "picture"])
        self.assertEqual(events[-1], {"event": "picture", "path": "p.svg"})
        step = events[1]["diverged_at"]
        self.assertEqual(events[1]["steps"], len(events[0]["x"]) - 1)
        self.assertIn(events[1]["steps"], (step, step - 1))
        x, y = -1.2, 1.0  # the same in Python, which raises where a number is too large
        with self.assertRaises(OverflowError):
            for _ in range(step + 1):
                g = rosenbrock(x, y)[1]
                x, y = x - g[0], y - g[1]
                if not all(map(math.isfinite, (x, y, g[0] ** 2.0, g[1] ** 2.0))):
                    raise OverflowError
        text = self.ok("surface", "rosenbrock", "--methods", "sgd:lr=1,adadelta")
        self.assertRegex(text, rf"\n1  sgd .*  diverged +at {step}\n")
        self.assertIn(f"sgd lr 1 (diverged at step {step})", svg_texts(self.path("p.svg")))


class Noise(Surface):
    def test_same_for_all_and_by_seed(self):
        """A rate that is tiny leaves the gradient as it is at the start: what is left is the noise."""
        words = ("bowl", "--condition", 1, "--from", "0,0", "--steps", 4000, "--noise", 3)
        tiny = "sgd:lr=1e-12,momentum:momentum=0:lr=1e-12,adadelta"
        paths = self.paths(*words, "--methods", tiny, "--explain")

        def noise(event):
            return [[(a - b) / 1e-12 for a, b in zip(event[axis], event[axis][1:])] for axis in "xy"]
        one, two = noise(paths["sgd"]), noise(paths["momentum"])
        seen = [(gx - x, gy - y) for gx, gy, x, y in
                zip(*paths["adadelta"]["gradient"], paths["adadelta"]["x"], paths["adadelta"]["y"])]
        for axis in range(2):
            for a, b, c in zip(one[axis], two[axis], (pair[axis] for pair in seen)):
                self.assertAlmostEqual(a, b, 3)
                self.assertAlmostEqual(a, c, 3)
            mean = sum(one[axis]) / 4000
            spread = math.sqrt(sum((value - mean) ** 2 for value in one[axis]) / 3999)
            self.assertLess(abs(mean), 5 * 3 / math.sqrt(4000))
            self.assertLess(abs(spread - 3), 5 * 3 / math.sqrt(2 * 4000))
        self.assertEqual(len(set(seen)), 4000)
        both = sum(a * b for a, b in zip(*one)) / 4000 / 9
        self.assertLess(abs(both), 5 / math.sqrt(4000))  # of x and y: two noises
        path = walk(lambda x, y: (0, (x, y)), (0.0, 0.0), adadelta, 300, lr=1, noise=seen)
        self.near({**paths["adadelta"], **{axis: paths["adadelta"][axis][:301] for axis in "xy"}}, path)

    def test_seed(self):
        words = ("surface", "beale", "--noise", 1, "--steps", 20, "--methods", "sgd,adadelta", "--json")
        first = self.ok(*words, "--seed", 4)
        self.assertEqual(first, self.ok(*words, "--seed", 4, "--threads", 3))
        self.assertNotEqual(first, self.ok(*words, "--seed", 5))
        self.assertEqual(self.ok(*words, "--seed", 1), self.ok(*words))
        # of fewer methods each sees the same
        alone = self.paths(*words[1:-1], "--seed", 4, "--methods", "adadelta")
        self.assertIn(alone["adadelta"], [event for event in self.events(*words, "--seed", 4)])
        plain = self.ok(*words, "--noise", 0)
        self.assertEqual(plain, self.ok(*words, "--noise", 0, "--seed", 9))


class Units(Surface):
    def test_first_steps(self):
        """In a unit c times as small sgd goes 1/c^2 as far and adadelta and adagrad 1/c; the path is told in unit 1."""
        for name, function, start in (("rosenbrock", rosenbrock, (-1.2, 1.0)), ("himmelblau", himmelblau, (0.0, 0.0))):
            paths = self.paths(name, "--steps", 1, "--methods", "sgd:lr=1e-3,adagrad:lr=0.5,adadelta", "--units", "1,100")
            g = function(*start)[1]
            for i, axis in enumerate("xy"):
                step = {label: paths[label][axis][0] - paths[label][axis][1] for label in paths}
                self.assertAlmostEqual(step["sgd, unit 1"] / (1e-3 * g[i]), 1, 9)
                self.assertAlmostEqual(step["sgd, unit 1/100"] / (1e-7 * g[i]), 1, 6)
                self.assertAlmostEqual(step["adagrad, unit 1"] / math.copysign(0.5, g[i]), 1, 9)
                self.assertAlmostEqual(step["adagrad, unit 1/100"] / math.copysign(0.005, g[i]), 1, 7)
                usual = math.copysign(math.sqrt(1e-6 / 0.05), g[i])  # docs/math.md, of a large gradient
                self.assertAlmostEqual(step["adadelta, unit 1"] / usual, 1, 4)
                self.assertAlmostEqual(step["adadelta, unit 1/100"] / (usual / 100), 1, 2)

    def test_unconverted_is_the_rule(self):
        paths = self.paths("himmelblau", "--steps", 50, "--methods", "adadelta,momentum", "--units", "0.5,1,30")
        self.assertEqual(list(paths), [f"{method}, unit {unit}" for method in ("adadelta", "momentum")
                                       for unit in ("2", "1", "1/30")])
        for unit, name in ((0.5, "2"), (1, "1"), (30, "1/30")):
            self.assertEqual(paths[f"adadelta, unit {name}"]["unit"], unit)
            self.near(paths[f"adadelta, unit {name}"], walk(himmelblau, (0.0, 0.0), adadelta, 50, lr=1, unit=unit))
            self.near(paths[f"momentum, unit {name}"], walk(himmelblau, (0.0, 0.0), momentum, 50, lr=0.002, unit=unit))

    def test_converted_eps(self):
        """With two eps, as the paper's two roots have them, the unit does not matter; a power of two rounds nothing."""
        for name in ("rosenbrock", "himmelblau", "beale"):
            words = (name, "--steps", 400, "--methods", "adadelta:rho=0.9,sgd", "--convert-eps", "--noise", 0.5)
            paths = self.paths(*words, "--units", "1,1024,0.015625,1000")
            base = paths["adadelta, unit 1"]
            for unit in ("1/1024", "64"):
                same = paths[f"adadelta, unit {unit}"]
                self.assertEqual((base["x"], base["y"], base["f"]), (same["x"], same["y"], same["f"]), (name, unit))
            self.near(paths["adadelta, unit 1/1000"], list(zip(base["x"], base["y"])))
            self.assertNotEqual(paths["sgd, unit 1"]["x"], paths["sgd, unit 1/1024"]["x"])
        converted = self.paths("himmelblau", "--steps", 50, "--methods", "adadelta", "--convert-eps", "--units", 7)
        path = walk(himmelblau, (0.0, 0.0), adadelta, 50, lr=1, unit=7.0, eps=1e-6 / 49, upper=1e-6 * 49)
        self.near(converted["adadelta, unit 1/7"], path)
        plain = self.paths("himmelblau", "--steps", 50, "--methods", "adadelta", "--units", 7)
        self.assertNotEqual(plain["adadelta, unit 1/7"]["x"], converted["adadelta, unit 1/7"]["x"])


class Explained(Surface):
    def traced(self, *words, **more):
        events = self.paths("himmelblau", "--steps", 60, "--methods", "sgd,adadelta", "--explain", *words)
        return events

    def check(self, event, unit=1.0, eps=1e-6, upper=1e-6, rates=lambda k: 1):
        path = [(unit * x, unit * y) for x, y in zip(event["x"], event["y"])]
        for i in range(2):
            v = u = 0.0
            for k in range(60):
                g = himmelblau(event["x"][k], event["y"][k])[1][i] / unit
                v = 0.95 * v + 0.05 * g * g
                rms_g, rms_d = math.sqrt(v + eps), math.sqrt(u + upper)
                rate = rates(k) * rms_d / rms_g
                u = 0.95 * u + 0.05 * (rms_d / rms_g * g) ** 2
                for key, wanted in (("gradient", g), ("rms_gradient", rms_g), ("rms_update", rms_d), ("rate", rate),
                                    ("step", path[k + 1][i] - path[k][i]), ("step", -rate * g)):
                    got = event[key][i][k]
                    self.assertLessEqual(abs(got - wanted), 1e-9 * abs(wanted) + 1e-12 * unit, (key, i, k))
            self.assertEqual(len(event["gradient"][i]), 60)

    def test_accumulators(self):
        events = self.traced()
        self.check(events["adadelta"])
        self.assertNotIn("rate", events["sgd"])
        self.assertNotIn("rate", self.paths("himmelblau", "--methods", "adadelta")["adadelta"])

    def test_with_a_schedule(self):
        self.check(self.traced("--schedule", "linear")["adadelta"], rates=lambda k: 1 - k / 60)

    def test_in_another_unit(self):
        self.check(self.traced("--units", 50)["adadelta, unit 1/50"], unit=50.0)
        self.check(self.traced("--units", 50, "--convert-eps")["adadelta, unit 1/50"], unit=50.0, eps=1e-6 / 2500,
                   upper=1e-6 * 2500)

    def test_text(self):
        event = self.traced()["adadelta"]
        text = self.ok("surface", "himmelblau", "--steps", 60, "--methods", "sgd,adadelta", "--explain")
        rows = [line.split() for line in text.split("What the steps of adadelta")[1].splitlines()]
        heads = [k for k, row in enumerate(rows) if row[:1] == ["step"]]
        self.assertEqual([rows[k][1] for k in heads], ["x", "y"])
        for i, head in enumerate(heads):
            shown = rows[head + 1:head + 8]
            self.assertEqual([row[0] for row in shown], ["1", "2", "5", "10", "20", "50", "60"])
            for row in shown:
                k = int(row[0]) - 1
                wanted = [event["xy"[i]][k]] + [event[key][i][k] for key in
                                                ("gradient", "rms_gradient", "rms_update", "rate", "step")]
                self.assertEqual(row[1:], [f"{value:.4g}" for value in wanted])

    def test_picture(self):
        self.ok("surface", "bowl", "--explain", "--methods", "sgd,adadelta,adadelta:rho=0.5", "-o", "p.svg")
        texts = svg_texts(self.path("p.svg"))
        for wanted in ("coordinate x", "coordinate y", "|g|, the gradient", "RMS[g] = √(square_avg + eps)", "step",
                       "RMS[Δx] = √(acc_delta + eps)", "lr · RMS[Δy] / RMS[g], the rate", "adadelta rho 0.5"):
            self.assertIn(wanted, texts)
        self.ok("surface", "bowl", "--explain", "-o", "p.png")
        width, height = png_size(self.path("p.png"))
        self.assertGreater(height, width)


if __name__ == "__main__":
    unittest.main()

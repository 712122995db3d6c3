# SPDX-License-Identifier: MIT
"""What the tests of `surface` share: functions and the rules of docs/math.md, written a second time."""
import math

from common import Case

NAMES = ["beale", "rosenbrock", "himmelblau", "booth", "three-hump-camel", "six-hump-camel", "rastrigin", "ackley",
         "branin", "styblinski-tang", "saddle", "bowl"]
METHODS = ["adadelta", "sgd", "momentum", "adagrad", "rmsprop", "adamw"]


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2, (2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x))


def himmelblau(x, y):
    a, b = x * x + y - 11, x + y * y - 7
    return a * a + b * b, (4 * x * a + 2 * b, 2 * a + 4 * y * b)


def styblinski(x, y):
    return (sum(z ** 4 - 16 * z * z + 5 * z for z in (x, y)) / 2, tuple(2 * z ** 3 - 16 * z + 2.5 for z in (x, y)))


def bowl(x, y):
    return (x * x + 100 * y * y) / 2, (x, 100 * y)


# ---- The rules of docs/math.md, one coordinate at a time: a state and a gradient to the next state and the step ----

def adadelta(s, g, t, lr, rho=0.95, eps=1e-6, upper=None):
    """upper: the eps above, where it is not the one below."""
    v, u = s or (0.0, 0.0)
    v = rho * v + (1 - rho) * g * g
    d = math.sqrt(u + (upper or eps)) / math.sqrt(v + eps) * g
    return (v, rho * u + (1 - rho) * d * d), lr * d


def sgd(s, g, t, lr):
    return s, lr * g


def momentum(s, g, t, lr, mu=0.9):
    m = mu * (s or 0.0) + g
    return m, lr * m


def nesterov(s, g, t, lr, mu=0.9):
    m = mu * (s or 0.0) + g
    return m, lr * (g + mu * m)


def adagrad(s, g, t, lr, eps=1e-10):
    total = (s or 0.0) + g * g
    return total, lr * g / (math.sqrt(total) + eps)


def rmsprop(s, g, t, lr, rho=0.99, eps=1e-8):
    v = rho * (s or 0.0) + (1 - rho) * g * g
    return v, lr * g / (math.sqrt(v) + eps)


def adam(s, g, t, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v = s or (0.0, 0.0)
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    return (m, v), lr / (1 - beta1 ** t) * m / (math.sqrt(v) / math.sqrt(1 - beta2 ** t) + eps)


RULES = {"adadelta": adadelta, "sgd": sgd, "momentum": momentum, "adagrad": adagrad, "rmsprop": rmsprop, "adamw": adam}


def walk(function, start, rule, steps, noise=None, decay=0.0, unit=1.0, rates=None, **settings):
    """The path in unit 1: (x, y) after 0, 1, ... steps. decay: AdamW's, apart from the gradient. rates: of a schedule,
    by step."""
    place, states, path = [unit * z for z in start], [None, None], [start]
    lr = settings.pop("lr")
    for t in range(1, steps + 1):
        gradient = function(place[0] / unit, place[1] / unit)[1]
        now = lr * (rates(t - 1) if rates else 1)
        for i in range(2):
            g = (gradient[i] + (noise[t - 1][i] if noise else 0)) / unit
            place[i] -= now * decay * place[i]
            states[i], step = rule(states[i], g, t, now, **settings)
            place[i] -= step
        path.append((place[0] / unit, place[1] / unit))
    return path


class Surface(Case):
    def paths(self, *words):
        return {event["label"]: event for event in self.events("surface", *words) if event["event"] == "path"}

    def done(self, *words):
        return {event["label"]: event for event in self.events("surface", *words) if event["event"] == "done"}

    def near(self, event, path, rtol=1e-9):
        self.assertEqual(len(event["x"]), len(path))
        for k, (x, y) in enumerate(path):
            for got, wanted in ((event["x"][k], x), (event["y"][k], y)):
                self.assertLessEqual(abs(got - wanted), rtol * (1 + abs(wanted)), (event["label"], k))

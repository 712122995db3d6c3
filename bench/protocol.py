# SPDX-License-Identifier: MIT
"""What the peers of `adadelta bench` that are written in Python share: see README.md beside this file."""
import sys
import time
from importlib import import_module

PERIOD = 65536


def need(name):
    """The module of that name, or the end, with one line that says so."""
    try:
        return import_module(name)
    except ImportError:
        print("missing", name, flush=True)
        sys.exit(0)


def start_values():
    """One period of the parameters and of the gradients: exact in any type of 17 bits or more."""
    x = [i * 40503 % PERIOD / 32768 - 1 for i in range(PERIOD)]
    g = [(i * 25173 + 13849) % PERIOD / 32768 - 1 for i in range(PERIOD)]
    return x, g


def sample_places(n, samples):
    return [(n - 1) * k // (samples - 1) if samples > 1 else 0 for k in range(samples)]


def show_values(places, x, square_avg, acc_delta):
    for i in places:
        print(f"value {float(x[i]):.17g} {float(square_avg[i]):.17g} {float(acc_delta[i]):.17g}")


def take_turns(version, run):
    """Says that all is ready; then for each line that holds a count, run(count) and the seconds that it took."""
    print("ready", version, flush=True)
    for line in sys.stdin:
        count = int(line)
        begin = time.perf_counter()
        run(count)
        print(f"{time.perf_counter() - begin:.9f}", flush=True)

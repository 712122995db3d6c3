# SPDX-License-Identifier: MIT
"""Adadelta in NumPy with nothing allocated in a step, a peer of `adadelta bench step`: see README.md beside this file.

whole: each operation over all parameters. blocks: all operations over one block after the other, small enough that the
work arrays stay in the cache. NumPy computes on one thread.
"""
import sys

from protocol import need, sample_places, show_values, start_values, take_turns

BLOCK = 8192

n, steps, samples = (int(sys.argv[i]) for i in (1, 7, 8))
dtype, variant = sys.argv[2], sys.argv[9]

np = need("numpy")
kind = {"f32": np.float32, "f64": np.float64}[dtype]
lr, rho, eps = (kind(word) for word in sys.argv[4:7])
rest = kind(1 - float(sys.argv[5]))

x, g = (np.resize(np.array(period, kind), n) for period in start_values())
v, u = np.zeros(n, kind), np.zeros(n, kind)
length = n if variant == "whole" else min(n, BLOCK)
work = np.empty(length, kind), np.empty(length, kind)
pieces = [[array[at:at + length] for array in (x, g, v, u)] + [array[:min(length, n - at)] for array in work]
          for at in range(0, n, length)]


def step_piece(x, g, v, u, t, d):
    np.multiply(g, g, out=t)
    t *= rest
    v *= rho
    v += t
    np.add(v, eps, out=t)
    np.sqrt(t, out=t)
    np.add(u, eps, out=d)
    np.sqrt(d, out=d)
    d /= t
    d *= g
    np.multiply(d, d, out=t)
    t *= rest
    u *= rho
    u += t
    if lr != 1:
        d *= lr
    x -= d


def run(count):
    for _ in range(count):
        for piece in pieces:
            step_piece(*piece)


run(steps)
show_values(sample_places(n, samples), x, v, u)
take_turns("NumPy " + np.__version__, run)

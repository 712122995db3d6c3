# SPDX-License-Identifier: MIT
"""`python -m adadelta bench`: one step of the same parameters by PyTorch, by NumPy and by this package, in turns."""
from __future__ import annotations

import json
import sys
import time
from typing import Any, Callable

import numpy

import adadelta
from adadelta import _core

try:
    import torch

    import adadelta.torch
except ImportError:
    torch = None

Step = Callable[[], Any]
Shapes = list[tuple[int, ...]]
Way = Callable[[list[Any], list[Any]], tuple[Step, Callable[[], list[Any]]]]

PAPER = [(500, 784), (500,), (300, 500), (300,), (10, 300), (10,)]  # the network of Zeiler 2012, section 4.1


def cases(small: bool) -> dict[str, Shapes]:
    large = 1 << 20 if small else 1 << 24
    return {
        f"one tensor of {large >> 20} Mi": [(large,)],
        "the paper's network, 6 tensors": PAPER,
        "100 tensors of 10": [(10,)] * 100,
    }


# ---- The ways: each makes a step, and a function that reads the parameters ----


def with_torch(make: Callable[[list[Any]], Any]) -> Way:
    def way(values: list[Any], gradients: list[Any]) -> tuple[Step, Callable[[], list[Any]]]:
        params = [torch.nn.Parameter(torch.from_numpy(array.copy())) for array in values]
        for p, gradient in zip(params, gradients):
            p.grad = torch.from_numpy(gradient.copy())
        return make(params).step, lambda: [p.detach().numpy() for p in params]

    return way


def numpy_by_hand(values: list[Any], gradients: list[Any]) -> tuple[Step, Callable[[], list[Any]]]:
    """Algorithm 1 as it is written down, in place, with PyTorch's defaults."""
    rho, eps = numpy.float32(0.9), numpy.float32(1e-6)
    params = [array.copy() for array in values]
    square_avgs = [numpy.zeros_like(array) for array in values]
    acc_deltas = [numpy.zeros_like(array) for array in values]

    def step() -> None:
        for x, g, v, u in zip(params, gradients, square_avgs, acc_deltas):
            v *= rho
            v += (1 - rho) * g * g
            d = numpy.sqrt(u + eps) / numpy.sqrt(v + eps) * g
            u *= rho
            u += (1 - rho) * d * d
            x -= d

    return step, lambda: params


def this_with_numpy(threads: int) -> Way:
    def way(values: list[Any], gradients: list[Any]) -> tuple[Step, Callable[[], list[Any]]]:
        params = [array.copy() for array in values]
        optimizer = adadelta.Adadelta(rho=0.9, threads=threads)
        return lambda: optimizer.step(params, gradients), lambda: params

    return way


def ways(threads: int) -> dict[str, Way]:
    found: dict[str, Way] = {}
    if torch is not None:
        torch.set_num_threads(threads)
        found["PyTorch"] = with_torch(lambda params: torch.optim.Adadelta(params, foreach=False))
        found["PyTorch foreach"] = with_torch(lambda params: torch.optim.Adadelta(params, foreach=True))
        found["this, PyTorch"] = with_torch(adadelta.torch.Adadelta)
    found["NumPy"] = numpy_by_hand
    found["this, NumPy"] = this_with_numpy(threads)
    return found


# ---- Timing ----


def prepare(shapes: Shapes, chosen: dict[str, Way]) -> dict[str, Step]:
    """The steps, each tried: after three, all must have the same parameters to 1e-4 of the step."""
    random = numpy.random.default_rng(1)
    values = [random.standard_normal(shape, numpy.float32) for shape in shapes]
    gradients = [random.standard_normal(shape, numpy.float32) for shape in shapes]
    steps, first = {}, None
    for name, way in chosen.items():
        step, read = way(values, gradients)
        for _ in range(3):
            step()
        moved = numpy.concatenate([(new - old).ravel() for new, old in zip(read(), values)])
        first = moved if first is None else first
        if not numpy.allclose(moved, first, rtol=1e-4, atol=1e-6):
            raise SystemExit(f"{name} steps otherwise than {next(iter(chosen))}: nothing was timed")
        steps[name] = step
    return steps


def time_in_turns(steps: dict[str, Step], seconds: float) -> dict[str, float]:
    """The median time of a step in seconds, by rounds of about 10 ms that take turns, as long as `seconds` for each."""
    calls, times = {}, {name: [] for name in steps}
    for name, step in steps.items():
        start = time.perf_counter()
        step()
        calls[name] = max(1, round(0.01 / max(time.perf_counter() - start, 1e-7)))
    end = time.perf_counter() + seconds * len(steps)
    while time.perf_counter() < end or len(next(iter(times.values()))) < 5:
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(calls[name]):
                step()
            times[name].append((time.perf_counter() - start) / calls[name])
    return {name: float(numpy.median(found)) for name, found in times.items()}


# ---- Telling ----

PEERS = {"this, PyTorch": ("PyTorch", "PyTorch foreach"), "this, NumPy": ("NumPy",)}


def rows(case: str, times: dict[str, float]) -> list[dict[str, Any]]:
    """A row a way; where it is this package's, how many times as long each peer takes."""
    found = []
    for name, taken in times.items():
        ratios = {peer: times[peer] / taken for peer in PEERS.get(name, ())}
        found.append({"case": case, "way": name, "ms_per_step": taken * 1e3, "ratios": ratios})
    return found


def show(row: dict[str, Any]) -> str:
    ratios = ", ".join(f"{peer} takes {ratio:.2f} times as long" for peer, ratio in row["ratios"].items())
    return f"  {row['way']:<16} {row['ms_per_step']:10.4f} ms{'   ' + ratios if ratios else ''}"


def run(threads: int, seconds: float, small: bool, as_json: bool) -> int:
    chosen = ways(threads)
    versions = f"PyTorch {torch.__version__}, " if torch is not None else "no PyTorch, "
    if not as_json:
        print(f"adadelta {adadelta.__version__} ({_core.isa()}), {versions}NumPy {numpy.__version__}")
        print(f"float32, {threads} thread{'s' * (threads > 1)}; medians of rounds in turns")
    for case, shapes in cases(small).items():
        if not as_json:
            print(case)
        for row in rows(case, time_in_turns(prepare(shapes, chosen), seconds)):
            print(json.dumps({**row, "threads": threads}) if as_json else show(row))
        sys.stdout.flush()
    return 0

# SPDX-License-Identifier: MIT
"""adadelta.Adadelta: what a step does to arrays of every form, and what it refuses."""
import array
import csv
import os
import pathlib
import subprocess
import sys

import numpy
import pytest
from oracle import Oracle

import adadelta
from adadelta import Adadelta, NonFiniteError

SOURCE = pathlib.Path(os.environ.get("ADADELTA_SOURCE", pathlib.Path(__file__).parents[2]))


def gradients(count, shape, seed=1, dtype=numpy.float64):
    random = numpy.random.default_rng(seed)
    return [random.normal(size=shape).astype(dtype) for _ in range(count)]


# ---- Trajectories ----


@pytest.mark.parametrize("settings", [{}, {"rho": 0.9, "eps": 1e-3, "lr": 0.5}, {"weight_decay": 0.1}])
@pytest.mark.parametrize("dtype, tolerance", [(numpy.float64, 1e-12), (numpy.float32, 2e-5)])
def test_trajectory_is_algorithm_1s(settings, dtype, tolerance):
    start = numpy.linspace(-2, 2, 37).astype(dtype)
    w, oracle, optimizer = start.copy(), Oracle(start, **settings), Adadelta(**settings)
    for grad in gradients(200, 37, dtype=dtype):
        optimizer.step(w, grad)
        oracle.step(grad)
    numpy.testing.assert_allclose(w, oracle.w.astype(float), rtol=tolerance, atol=tolerance)
    for name in ("square_avg", "acc_delta"):
        expected = getattr(oracle, name).astype(float)
        numpy.testing.assert_allclose(optimizer.read_state("w", name), expected, rtol=tolerance)


@pytest.mark.parametrize("config", range(4))
def test_published_trajectory(config):
    """Torch's and PyTorch's Rosenbrock from (1.5, 1.5); their gradient has a factor x too many."""
    settings = [{"rho": 0.9}, {"rho": 0.95}, {"rho": 0.95, "eps": 1e-3}, {"rho": 0.9, "weight_decay": 0.2}][config]
    with open(SOURCE / "tests/golden/rosenbrock_f64.csv") as file:
        rows = [row for row in csv.reader(line for line in file if line[0].isdigit()) if int(row[0]) == config]
    assert len(rows) == 100
    w, optimizer = numpy.array([1.5, 1.5]), Adadelta(**settings)
    for row in rows:
        bend = w[1] - w[0] ** 2
        optimizer.step(w, numpy.array([-400 * w[0] * bend - 2 * (1 - w[0]), 200 * w[0] * bend]))
        numpy.testing.assert_allclose(w, [float(row[2]), float(row[3])], rtol=0, atol=1e-11)


def test_float16_keeps_small_steps_in_its_master():
    w, oracle, optimizer = numpy.full(5, 2, numpy.float16), Oracle(numpy.full(5, 2.0)), Adadelta()
    for grad in gradients(300, 5, dtype=numpy.float16):
        optimizer.step(w, grad)
        oracle.step(grad)
    assert (w == optimizer.read_state("w", "master").astype(numpy.float16)).all()
    numpy.testing.assert_allclose(optimizer.read_state("w", "master"), oracle.w.astype(float), rtol=1e-5)
    nearest, stuck = Adadelta(weights="nearest", lr=1e-2), numpy.full(5, 2, numpy.float16)
    nearest.step(stuck, numpy.ones(5, numpy.float16))
    assert (stuck == 2).all() and "master" not in nearest.state["w"]


def test_float16_takes_float32_gradients():
    w = numpy.ones(4, numpy.float16)
    Adadelta(grad_dtype="f32").step(w, numpy.ones(4, numpy.float32))
    assert (w < 1).all()
    with pytest.raises(TypeError, match="grad: array 'w' must be of type F32"):
        Adadelta(grad_dtype="f32").step(w, w.copy())


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_bits_do_not_depend_on_threads(threads):
    def run(threads):
        w, optimizer = numpy.linspace(-1, 1, 300_001), Adadelta(threads=threads, clip_norm=1.0)
        for _ in range(3):
            optimizer.step(w, numpy.sin(w))
        return w.tobytes()

    assert run(threads) == run(1)


# ---- Forms ----


def test_lists_tuples_and_dicts_are_arrays_by_name():
    a, b = numpy.ones(3), numpy.ones((2, 2), numpy.float32)
    ga, gb = numpy.full(3, 2.0), numpy.full((2, 2), 3, numpy.float32)
    forms = [
        ([a, b], [ga, gb], ["0", "1"]),
        ((a, b), (ga, gb), ["0", "1"]),
        ({"a": a, "b": b}, {"b": gb, "a": ga}, ["a", "b"]),
    ]
    for w, grad, names in forms:
        optimizer = Adadelta()
        new = optimizer.update(w, grad)
        assert type(new) is type(w) and list(optimizer.arrays) == names
        first, second = new.values() if isinstance(new, dict) else new
        assert (a == 1).all() and (first < 1).all() and (second < 1).all()
        assert second.dtype == numpy.float32 and second.shape == (2, 2)


def test_update_is_step_on_a_copy():
    w, changed, one, other = numpy.linspace(0, 1, 9), numpy.linspace(0, 1, 9), Adadelta(), Adadelta()
    for grad in gradients(20, 9):
        before = w.tobytes()
        new = one.update(w, grad)
        assert w.tobytes() == before and not numpy.shares_memory(w, new)
        w = new
        w.flags.writeable = False  # update only reads it
        other.step(changed, grad)
    assert w.tobytes() == changed.tobytes()


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,) * 8, (2, 1, 3, 1, 2, 1, 1, 2)])
def test_shapes(shape):
    w, optimizer = numpy.ones(shape), Adadelta()
    optimizer.step(w, numpy.ones(shape))
    assert (w < 1).all() and w.shape == shape
    assert optimizer.state["w"]["square_avg"].shape == shape and optimizer.read_state("w", "acc_delta").shape == shape
    assert optimizer.update(w, 2 * w).shape == shape
    Adadelta().load_state_dict(optimizer.state_dict())


def test_views_and_unaligned_arrays():
    whole, optimizer = numpy.ones(10), Adadelta()
    optimizer.step(whole[2:5], numpy.ones(10)[5:8])
    assert (whole[2:5] < 1).all() and (numpy.delete(whole, [2, 3, 4]) == 1).all()
    shifted = numpy.frombuffer(bytearray(8 * 4 + 1), numpy.float64, 4, offset=1)
    optimizer = Adadelta()
    optimizer.step(shifted, numpy.ones(4))
    assert (shifted == Adadelta().update(numpy.zeros(4), numpy.ones(4))).all() and shifted[0] < 0


def test_array_array_and_memoryview():
    w, twin = array.array("d", [1, 2, 3]), numpy.array([1.0, 2, 3])
    optimizer, other = Adadelta(), Adadelta()
    for _ in range(3):
        optimizer.step(memoryview(w), array.array("d", [1, 1, 1]))
        other.step(twin, numpy.ones(3))
    assert w.tobytes() == twin.tobytes()
    new = Adadelta().update(w, w[:])
    assert type(new) is array.array and new != w
    assert isinstance(Adadelta().update(memoryview(w), w[:]), memoryview)


def test_without_numpy(tmp_path):
    code = """
import sys
sys.modules["numpy"] = None
import array, adadelta
o, w = adadelta.Adadelta(averaging="polyak"), array.array("d", [1, 2, 3])
for _ in range(5):
    w = o.update(w, array.array("d", [2 * x for x in w]))
kept = o.state_dict()
twin = adadelta.Adadelta(averaging="polyak")
twin.load_state_dict(kept)
a, b = o.update(w, w[:]), twin.update(w, w[:])
assert a == b and o.state["w"]["square_avg"].tolist() == twin.state["w"]["square_avg"].tolist()
o.save(sys.argv[1])
twin.load(sys.argv[1])
assert twin.arrays["w"] == a and o.steps == twin.steps == 6
m = memoryview(bytearray(48)).cast("d", (2, 3))
n = adadelta.Adadelta()
n.update(m, memoryview(bytearray(48)).cast("d", (2, 3)))
n.state_dict()
assert isinstance(n.state["w"]["square_avg"], memoryview)
"""
    made = subprocess.run([sys.executable, "-c", code, tmp_path / "kept"], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr


# ---- Settings ----


def test_groups_have_settings_of_their_own():
    start = {"weight": numpy.ones(3), "bias": numpy.ones(3)}
    optimizer = Adadelta(lr=0.5, weight_decay=0.1)
    optimizer.add_group(["bias"], weight_decay=0.0, rho=0.5)
    oracles = {
        "weight": Oracle(numpy.ones(3), lr=0.5, weight_decay=0.1),
        "bias": Oracle(numpy.ones(3), lr=0.5, rho=0.5),
    }
    for grad in gradients(10, 3):
        optimizer.step(start, {"weight": grad, "bias": grad})
        for name, oracle in oracles.items():
            numpy.testing.assert_allclose(start[name], oracle.step(grad).astype(float), rtol=1e-12)
    assert [group["names"] for group in optimizer.groups] == [["weight"], ["bias"]]
    assert optimizer.groups[1]["rho"] == 0.5 and optimizer.groups[1]["lr"] == 0.5
    with pytest.raises(ValueError, match="'bias' has been stepped already"):
        optimizer.add_group("bias")
    with pytest.raises(ValueError, match="number: there is no group 2"):
        optimizer.set_group(2, lr=1)
    with pytest.raises(TypeError, match="no setting 'momentum'"):
        optimizer.set_group(1, momentum=1)
    with pytest.raises(TypeError, match="names: must be texts, not int"):
        optimizer.add_group([1])
    assert len(optimizer.groups) == 2


def test_lr_changes_between_steps():
    w, optimizer, oracle = numpy.ones(3), Adadelta(), Oracle(numpy.ones(3))
    for lr, grad in zip([1, 0.5, 0.25, 0, 2], gradients(5, 3)):
        optimizer.lr = oracle.lr = lr
        optimizer.step(w, grad)
        numpy.testing.assert_allclose(w, oracle.step(grad).astype(float), rtol=1e-13)
    for name, bad in (("lr", -1), ("rho", 1), ("eps", 0), ("weight_decay", float("nan")), ("lr", float("inf"))):
        before = getattr(optimizer, name)
        with pytest.raises(ValueError, match=name):
            setattr(optimizer, name, bad)
        assert getattr(optimizer, name) == before


@pytest.mark.parametrize("as_function", [False, True])
def test_schedules(as_function):
    given = {"kind": "linear", "steps": 10}
    optimizer = Adadelta(schedule=(lambda step: 1 - step / 10) if as_function else given)
    w, oracle = numpy.ones(3), Oracle(numpy.ones(3))
    for k, grad in enumerate(gradients(10, 3)):
        oracle.lr = 1 - k / 10
        optimizer.step(w, grad)
        numpy.testing.assert_allclose(w, oracle.step(grad).astype(float), rtol=1e-13)
    optimizer.schedule = None
    assert optimizer.schedule["kind"] == "constant"


def test_an_exception_in_a_schedule_comes_out_and_nothing_changes():
    def rate(step):
        if step == 2:
            raise KeyError("no rate")
        return 1.0

    optimizer, w, grad = Adadelta(schedule=rate), numpy.ones(3), numpy.ones(3)
    optimizer.step(w, grad)
    optimizer.step(w, grad)
    before = w.tobytes(), optimizer.state["w"]["square_avg"].tobytes(), optimizer.steps
    cases = ((rate, KeyError), (lambda s: -1, ValueError), (lambda s: "x", TypeError), (lambda s: None, TypeError))
    for schedule, error in cases:
        optimizer.schedule = schedule
        with pytest.raises(error):
            optimizer.step(w, grad)
        assert before == (w.tobytes(), optimizer.state["w"]["square_avg"].tobytes(), optimizer.steps)
    optimizer.schedule = lambda step: optimizer.step(w, grad)
    with pytest.raises(RuntimeError, match="middle of a step"):
        optimizer.step(w, grad)
    assert before[0] == w.tobytes()


def test_clipping_and_scale():
    grad = numpy.array([3.0, 4.0])
    for settings, effective in (
        ({"clip_value": 3.5}, [3, 3.5]),
        ({"clip_norm": 1}, [0.6, 0.8]),
        ({"clip_global_norm": 2.5}, [1.5, 2]),
        ({"scale": 2}, [1.5, 2]),
        ({"maximize": True}, [-3, -4]),
    ):
        w, oracle = numpy.ones(2), Oracle(numpy.ones(2))
        Adadelta(**settings).step(w, grad)
        numpy.testing.assert_allclose(w, oracle.step(effective).astype(float), rtol=1e-12, err_msg=str(settings))
    assert (grad == [3, 4]).all()


@pytest.mark.parametrize("bad", [numpy.nan, numpy.inf, -numpy.inf, 1e200])
def test_gradients_that_are_not_finite(bad):
    grad = numpy.array([1.0, bad, 1.0])
    w, optimizer = numpy.ones(3), Adadelta()
    with pytest.raises(NonFiniteError, match="w"):
        optimizer.step(w, grad)
    assert (w == 1).all() and optimizer.steps == 0 and optimizer.arrays == {} and optimizer.state == {}
    skipping = Adadelta(nonfinite="skip")
    skipping.step(w, grad)
    assert (w == 1).all() and (skipping.steps, skipping.skipped, skipping.stats()["skipped"]) == (0, 1, 1)
    if not abs(bad) < numpy.inf:
        Adadelta(nonfinite="propagate").step(w, grad)
        assert not numpy.isfinite(w[1]) and w[0] < 1


def test_averages():
    polyak, exponential = Adadelta(averaging="polyak"), Adadelta(averaging="exponential", average_decay=0.5)
    w, twin, seen, mean = numpy.zeros(2), numpy.zeros(2), [], None
    for grad in gradients(6, 2):
        polyak.step(w, grad)
        exponential.step(twin, grad)
        seen.append(w.copy())
        mean = w.copy() if mean is None else 0.5 * mean + 0.5 * w
    last = w.tobytes()
    polyak.swap_averages()
    exponential.swap_averages()
    numpy.testing.assert_allclose(w, numpy.mean(seen, axis=0), rtol=1e-13)
    numpy.testing.assert_allclose(twin, mean, rtol=1e-13)
    for act in (lambda: polyak.step(w, w.copy()), polyak.state_dict, lambda: polyak.step([w.copy()], [w.copy()])):
        with pytest.raises(RuntimeError, match="averages"):
            act()
    polyak.swap_averages()
    assert w.tobytes() == last and list(polyak.arrays) == ["w"]
    with pytest.raises(ValueError, match="average"):
        Adadelta().swap_averages()


# ---- Looking inside ----


def test_state_is_live_and_can_be_written():
    w, optimizer = numpy.ones(3), Adadelta()
    optimizer.step(w, numpy.ones(3))
    view = optimizer.state["w"]["square_avg"]
    before = view.copy()
    optimizer.step(w, numpy.ones(3))
    assert (view > before).all()
    view[:] = 0
    assert (optimizer.read_state("w", "square_avg") == 0).all()


@pytest.mark.parametrize("kind, tolerance", [("u16", 2e-3), ("u8", 0.3), ("bf16", 1e-2), ("f16", 2e-3), ("f64", 1e-6)])
def test_read_state_of_every_type(kind, tolerance):
    w, optimizer, twin = numpy.ones(500, numpy.float32), Adadelta(state_dtype=kind), Adadelta()
    grad = numpy.linspace(0.5, 2, 500).astype(numpy.float32)
    optimizer.step(w, grad)
    twin.step(numpy.ones(500, numpy.float32), grad)
    expected = twin.read_state("w", "square_avg")
    numpy.testing.assert_allclose(optimizer.read_state("w", "square_avg"), expected, rtol=tolerance)


def test_stats_and_names_that_are_none():
    w, optimizer = numpy.ones(3), Adadelta()
    with pytest.raises(KeyError, match="no array 'w'"):
        optimizer.stats()
    optimizer.step(w, numpy.ones(3))
    stats = optimizer.stats()
    oracle = Oracle(numpy.ones(3))
    oracle.step(numpy.ones(3))
    rate = float(numpy.sqrt((oracle.acc_delta + oracle.eps) / (oracle.square_avg + oracle.eps))[0])
    assert stats["steps"] == 1 and stats["rate_min"] == pytest.approx(rate) == stats["rate_max"]
    with pytest.raises(ValueError):
        optimizer.read_state("w", "momentum")
    assert "lr=1.0" in repr(optimizer) and "arrays ['w'], 1 steps" in repr(optimizer)


def test_defaults_are_the_librarys():
    optimizer = Adadelta()
    assert (optimizer.rho, optimizer.eps, optimizer.lr, optimizer.weight_decay) == (0.95, 1e-6, 1.0, 0.0)
    assert adadelta.__version__ and set(adadelta.__all__) <= set(dir(adadelta))

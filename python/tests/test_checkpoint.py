# SPDX-License-Identifier: MIT
"""Keeping an optimizer: state_dict, copies, pickle and checkpoint files go on with the same bits."""
import copy
import os
import pathlib
import pickle
import subprocess

import numpy
import pytest

from adadelta import Adadelta, CheckpointError

SOURCE = pathlib.Path(os.environ.get("ADADELTA_SOURCE", pathlib.Path(__file__).parents[2]))
PROGRAM = os.environ.get("ADADELTA_PROGRAM", "")

KINDS = [{"state_dtype": kind} for kind in (None, "f32", "f64", "bf16", "f16", "u16", "u8")]
KINDS += [{"weights": weights} for weights in ("stochastic", "nearest")]
KINDS += [{"averaging": averaging} for averaging in ("exponential", "polyak")]
KINDS += [
    {"averaging": "polyak", "state_dtype": "u8", "weights": "stochastic"},
    {"schedule": {"kind": "cosine", "steps": 30}, "nonfinite": "skip", "clip_norm": 1.0},
    {"threads": 1, "weight_decay": 0.1, "decoupled": True},
]


def start(dtype):
    return {"w": numpy.linspace(-1, 1, 40, dtype=numpy.float64).astype(dtype).reshape(8, 5), "b": numpy.ones(3, dtype)}


def run(optimizer, arrays, first, count):
    for k in range(first, first + count):
        random = numpy.random.default_rng(k)
        grads = {name: random.normal(size=array.shape).astype(array.dtype) for name, array in arrays.items()}
        if optimizer._core.get_gradients()["nonfinite"] == "skip" and k % 5 == 4:
            grads["w"][0, 0] = numpy.nan
        if k % 3 == 2:  # the bias has counters of its own
            grads, arrays_now = {"w": grads["w"]}, {"w": arrays["w"]}
        else:
            arrays_now = arrays
        optimizer.step(arrays_now, grads)


def everything(optimizer, arrays):
    """All that could differ, as bytes and numbers."""
    kept = optimizer.state_dict()
    state = {
        (name, key): value.tobytes() if hasattr(value, "tobytes") else value
        for name, entry in kept.pop("state").items()
        for key, value in entry.items()
    }
    return kept, state, {name: array.tobytes() for name, array in arrays.items()}


def made(kind):
    optimizer = Adadelta(seed=7, **kind)
    optimizer.add_group("b", lr=0.5)
    return optimizer


@pytest.fixture(params=KINDS, ids=str)
def kind(request):
    return request.param


@pytest.fixture(params=["f8", "f4", "f2"])
def trained(request, kind):
    """(kind, arrays, optimizer after 7 steps, all of it after 13)."""
    if ("weights" in kind and request.param != "f2") or (kind.get("state_dtype") == "f64" and request.param == "f2"):
        pytest.skip("weights are for 16 bits, states of 64 bits not")
    arrays, optimizer = start(request.param), made(kind)
    run(optimizer, arrays, 0, 7)
    longer, goal = start(request.param), made(kind)
    run(goal, longer, 0, 13)
    return kind, arrays, optimizer, everything(goal, longer)


def copied(arrays):
    return {name: array.copy() for name, array in arrays.items()}


def test_state_dict_goes_on(trained):
    kind, arrays, optimizer, goal = trained
    kept, arrays = optimizer.state_dict(), copied(arrays)
    run(optimizer, copied(arrays), 7, 2)  # what becomes of the original does not matter
    for state_dict in (kept, pickle.loads(pickle.dumps(kept)), copy.deepcopy(kept)):
        before, after = made(kind), made(kind)
        mine, theirs = copied(arrays), start(arrays["w"].dtype)
        before.load_state_dict(state_dict)  # its arrays are yet to come
        assert before.state == {} and before.steps == kept["steps"]
        run(before, mine, 7, 6)
        assert everything(before, mine) == goal
        run(after, theirs, 0, 2)
        for name in theirs:
            theirs[name][...] = arrays[name]
        after.load_state_dict(state_dict)
        run(after, theirs, 7, 6)
        assert everything(after, theirs) == goal


def test_files_go_on(trained, tmp_path):
    kind, arrays, optimizer, goal = trained
    optimizer.save(tmp_path / "kept")
    mine, other = {name: numpy.zeros_like(array) for name, array in arrays.items()}, made(kind)
    other.load(tmp_path / "kept", mine)
    other.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "kept").read_bytes()
    run(other, mine, 7, 6)
    assert everything(other, mine) == goal
    run(optimizer, arrays, 7, 1)
    optimizer.load(tmp_path / "kept")  # into the arrays that it has
    run(optimizer, arrays, 7, 6)
    assert everything(optimizer, arrays) == goal


@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_go_on_by_themselves(trained, duplicate):
    kind, arrays, optimizer, goal = trained
    other = duplicate(optimizer)
    mine = copied(arrays)
    run(other, mine, 7, 6)
    assert everything(other, mine) == goal
    run(optimizer, arrays, 7, 6)
    assert everything(optimizer, arrays) == goal


def test_a_schedule_that_is_a_function(tmp_path):
    w, optimizer = numpy.ones(3), Adadelta(schedule=lambda step: 1 / (1 + step))
    optimizer.step(w, numpy.ones(3))
    optimizer.save(tmp_path / "kept")
    with pytest.raises(CheckpointError, match="callback"):
        Adadelta().load(tmp_path / "kept", w)
    optimizer.load(tmp_path / "kept")
    assert callable(optimizer.schedule)
    twin = Adadelta()
    twin.load_state_dict(optimizer.state_dict())
    assert twin.schedule is optimizer.schedule
    cosine = Adadelta(schedule={"kind": "cosine", "steps": 9})
    cosine.step(numpy.ones(3), numpy.ones(3))
    cosine.save(tmp_path / "cosine")
    optimizer.load(tmp_path / "cosine")
    assert optimizer.schedule["kind"] == "cosine"


def test_a_loaded_seed_is_kept_by_copies(tmp_path):
    w = numpy.ones(50, numpy.float16)
    optimizer = Adadelta(weights="stochastic", seed=5)
    optimizer.step(w, w * 2)
    optimizer.save(tmp_path / "kept")
    other = Adadelta(weights="stochastic")
    other.load(tmp_path / "kept", numpy.zeros(50, numpy.float16))
    other.load_state_dict(other.state_dict())
    for one in (optimizer, other, copy.deepcopy(other)):
        one.step(one.arrays["w"], numpy.full(50, 2, numpy.float16))
        assert one.arrays["w"].tobytes() == optimizer.arrays["w"].tobytes()


# ---- What is refused ----


def test_state_dicts_that_do_not_fit():
    w, optimizer = numpy.ones(3), Adadelta()
    optimizer.step(w, numpy.ones(3))
    kept, before = optimizer.state_dict(), everything(optimizer, {"w": w})

    def changed(path, value):
        other = copy.deepcopy(kept)
        inner = other
        for key in path[:-1]:
            inner = inner[key]
        if value is KeyError:
            del inner[path[-1]]
        else:
            inner[path[-1]] = value
        return other

    state = ("state", "w")
    cases = [
        (changed((*state, "square_avg"), numpy.ones(4)), ValueError, "w: array 'w' has shape"),
        (changed((*state, "square_avg"), numpy.ones(3, numpy.float32)), TypeError, "square_avg"),
        (changed((*state, "square_avg"), numpy.ones(3, numpy.int64)), TypeError, "square_avg"),
        (changed((*state, "square_avg"), numpy.ones(3, ">f8")), TypeError, "square_avg"),
        (changed((*state, "square_avg"), KeyError), KeyError, "square_avg"),
        (changed((*state, "dtypes"), {"square_avg": "f64"}), KeyError, "acc_delta"),
        (changed((*state, "dtypes", "square_avg"), "x"), ValueError, "dtype"),
        (changed((*state, "counts"), KeyError), KeyError, "counts"),
        (changed((*state, "counts"), {"steps": -1}), ValueError, "steps"),
        (changed((*state, "counts"), {"paces": 1}), TypeError, "paces"),
        (changed(("groups",), []), ValueError, "group"),
        (changed(("groups", 0, "lr"), -1), ValueError, "lr"),
        (changed(("groups", 0, "lr"), KeyError), KeyError, "lr"),
        (changed(("schedule",), "x"), TypeError, "schedule"),
        (changed(("steps",), -1), (OverflowError, ValueError), ""),
        (changed(("steps",), "x"), TypeError, ""),
        ({}, KeyError, "state"),
    ]
    for case, error, words in cases:
        with pytest.raises(error, match=words):
            optimizer.load_state_dict(case)
        assert everything(optimizer, {"w": w}) == before, case
    later = Adadelta()
    later.load_state_dict(kept)
    with pytest.raises(ValueError, match="w: array 'w' has shape"):
        later.step(numpy.ones(4), numpy.ones(4))
    with pytest.raises(RuntimeError, match="'w'"):
        later.save("never")
    kept["state"]["w"]["square_avg"][:] = 5  # it has been copied
    later.step(w, numpy.ones(3))
    assert (later.read_state("w", "square_avg") < 1).all()


def test_files_that_are_none(tmp_path):
    w, optimizer = numpy.ones(3), Adadelta()
    optimizer.step(w, numpy.ones(3))
    before = everything(optimizer, {"w": w})
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").write_text("")
    for path, error in (
        (tmp_path / "none", FileNotFoundError),
        (tmp_path, OSError),
        (tmp_path / "text", CheckpointError),
        (tmp_path / "empty", CheckpointError),
        (str(tmp_path / "text").encode(), CheckpointError),
        ("a\0b", ValueError),
        (None, TypeError),
        (3.5, TypeError),
    ):
        with pytest.raises(error):
            optimizer.load(path)
        assert everything(optimizer, {"w": w}) == before
    cases = ((tmp_path / "none" / "x", OSError), (tmp_path, OSError), (None, TypeError), ("a\0b", ValueError))
    for path, error in cases:
        with pytest.raises(error):
            optimizer.save(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "text"]


def test_files_of_other_optimizers(tmp_path):
    w, optimizer = numpy.ones(3), Adadelta()
    optimizer.step(w, numpy.ones(3))
    optimizer.save(tmp_path / "kept")
    grouped = Adadelta()
    grouped.add_group("b")
    for other, arrays in (
        (Adadelta(), None),
        (Adadelta(), numpy.ones(4)),
        (Adadelta(), numpy.ones(3, numpy.float32)),
        (Adadelta(), {"v": numpy.ones(3)}),
        (Adadelta(), {"w": numpy.ones(3), "v": numpy.ones(3)}),
        (Adadelta(state_dtype="f32"), numpy.ones(3)),
        (grouped, numpy.ones(3)),
    ):
        with pytest.raises(CheckpointError):
            other.load(tmp_path / "kept", arrays)
        assert other.arrays == {} and other.steps == 0
        for array in (arrays or {}).values() if isinstance(arrays, dict) else [arrays]:
            assert array is None or (array == 1).all()
    with pytest.raises(ValueError, match="w: array 'w' is read-only"):
        frozen = numpy.ones(3)
        frozen.flags.writeable = False
        optimizer.load(tmp_path / "kept", frozen)
    assert optimizer.arrays["w"] is w


def test_damaged_files(tmp_path):
    """Cut at every byte, and every byte changed: an error, and nothing else."""
    w, optimizer = numpy.arange(3.0), Adadelta()
    optimizer.step(w, numpy.ones(3))
    path = tmp_path / "kept"
    optimizer.save(path)
    good, other, arrays = path.read_bytes(), Adadelta(), numpy.zeros(3)
    for k in range(len(good)):
        for bad in (good[:k], good[:k] + bytes([good[k] ^ 1 << k % 8]) + good[k + 1 :]):
            path.write_bytes(bad)
            with pytest.raises(CheckpointError, match="kept"):  # a text that names the file, whatever it quotes
                other.load(path, arrays)
    path.write_bytes(good + b"\0")
    with pytest.raises(CheckpointError):
        other.load(path, arrays)
    assert other.arrays == {} and not arrays.any()
    path.write_bytes(good)
    other.load(path, arrays)
    assert arrays.tobytes() == w.tobytes()


# ---- The C library's files ----


def test_files_of_the_c_library():
    w, b = numpy.zeros((2, 3), numpy.float32), numpy.zeros(3)
    optimizer = Adadelta()
    optimizer.add_group("b")
    optimizer.load(SOURCE / "tests/golden/checkpoint-1.safetensors", {"w": w, "b": b})
    assert optimizer.steps == 3 and optimizer.stats("b")["steps"] == 3 and w.all() and b.all()
    assert optimizer.groups[1]["rho"] == 0.9 and optimizer.groups[1]["weight_decay"] == 0.125
    optimizer.step({"w": w, "b": b}, {"w": numpy.ones((2, 3), numpy.float32), "b": numpy.ones(3)})


@pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="ADADELTA_PROGRAM names no program")
def test_model_files_of_the_program(tmp_path):
    rows = "".join(f"{x},{x * x},{3 * x + 1}\n" for x in range(40))
    (tmp_path / "table.csv").write_text("a,b,y\n" + rows)
    command = [PROGRAM, "train", tmp_path / "table.csv", "-o", tmp_path / "model", "--epochs", "3"]
    subprocess.run(command, check=True, capture_output=True)
    weight, bias = numpy.zeros((1, 2), numpy.float32), numpy.zeros(1, numpy.float32)
    optimizer = Adadelta()
    optimizer.add_group("layer1.bias")
    optimizer.load(tmp_path / "model", {"layer1.weight": weight, "layer1.bias": bias})
    assert weight.any() and optimizer.steps > 0

# SPDX-License-Identifier: MIT
"""Bad input to adadelta.Adadelta: an exception that names the argument, and nothing has changed."""
import ctypes

import numpy
import pytest

from adadelta import Adadelta


def good():
    return numpy.ones((2, 3))


class Broken:
    def __float__(self):
        raise ZeroDivisionError("mine")


BAD_ARRAYS = [
    (None, TypeError, "not NoneType"),
    (3.0, TypeError, "not float"),
    ("text", TypeError, "not str"),
    (object(), TypeError, "not object"),
    (numpy.ones((2, 3), numpy.int64), TypeError, "format 'l'"),
    (numpy.ones((2, 3), bool), TypeError, "format"),
    (numpy.ones((2, 3), complex), TypeError, "format 'Zd'"),
    (numpy.ones((2, 3), numpy.longdouble), TypeError, "format 'g'"),
    (numpy.ones((2, 3), object), TypeError, "format 'O'"),
    (numpy.array([["a", "b", "c"]] * 2), TypeError, "format"),
    (numpy.ones((2, 3), ">f8"), TypeError, "byte order"),
    (numpy.zeros((2, 3), "M8[s]"), ValueError, "cannot be read"),
    (bytearray(48), TypeError, "format 'B'"),
    (numpy.ones((3, 2)).T, ValueError, "row-major"),
    (numpy.ones((2, 6))[:, ::2], ValueError, "row-major"),
    (numpy.ones((2, 3))[::-1], ValueError, "row-major"),
    (numpy.ones((1,) * 9), ValueError, "9 dimensions"),
]


@pytest.mark.parametrize("bad, error, words", BAD_ARRAYS)
def test_arrays_that_are_none(bad, error, words):
    optimizer = Adadelta()
    with pytest.raises(error, match=f"w: array 'w'.*{words}"):
        optimizer.step(bad, good())
    with pytest.raises(error, match=f"w: array 'b'.*{words}"):
        optimizer.step({"a": good(), "b": bad}, {"a": good(), "b": good()})
    assert optimizer.arrays == {} and optimizer.steps == 0
    if "dimensions" not in words:
        with pytest.raises(error, match=f"grad: array 'w'.*{words}"):
            optimizer.step(good(), bad)
        assert optimizer.arrays == {}
    optimizer.step(good(), good())
    with pytest.raises((TypeError, ValueError), match="array 'w'"):
        optimizer.step(bad, good())
    assert optimizer.steps == 1 and optimizer.arrays["w"].shape == (2, 3)


def test_lists_of_numbers():
    for act in (Adadelta().step, Adadelta().update):
        with pytest.raises(TypeError, match="w: array '0' must be an array"):
            act([1.0, 2.0], [1.0, 2.0])


def test_read_only_arrays():
    w, grad = good(), good()
    w.flags.writeable = grad.flags.writeable = False
    with pytest.raises(ValueError, match="w: array 'w' is read-only"):
        Adadelta().step(w, good())
    Adadelta().step(good(), grad)
    for frozen in (b"12345678", memoryview(bytes(8)).cast("d"), numpy.float64(1)):
        with pytest.raises((TypeError, ValueError), match="w: array 'w'"):
            Adadelta().step(frozen, numpy.ones(()))


def test_shapes_and_types_that_do_not_go_together():
    optimizer, w = Adadelta(), good()
    for shape in ((3, 2), (6,), (), (2, 3, 1), (2, 4)):
        with pytest.raises(ValueError, match=r"grad: array 'w' has shape .*; it must have \("):
            optimizer.step(w, numpy.ones(shape))
    with pytest.raises(TypeError, match="grad: array 'w' must be of type F64, not F32"):
        optimizer.step(w, numpy.ones((2, 3), numpy.float32))
    optimizer.step(w, good())
    with pytest.raises(ValueError, match=r"w: array 'w' has shape .*; it must have \("):
        optimizer.step(numpy.ones(6), numpy.ones(6))
    with pytest.raises(TypeError, match="w: array 'w' must be of type F64, not F32"):
        optimizer.step(numpy.ones((2, 3), numpy.float32), numpy.ones((2, 3), numpy.float32))
    assert optimizer.steps == 1 and optimizer.arrays["w"] is w


def test_names_that_do_not_go_together():
    for grad in ({"a": good()}, {}, [good()], {"a": good(), "c": good()}):
        with pytest.raises(ValueError, match="grad: must have the arrays"):
            Adadelta().step({"a": good(), "b": good()}, grad)
    with pytest.raises(TypeError, match="grad: must have the form of w: it is of type ndarray, w dict"):
        Adadelta().step({"a": good(), "b": good()}, good())
    with pytest.raises(TypeError, match="w: names of arrays must be texts, not int"):
        Adadelta().step({1: good()}, {1: good()})
    for name in ("", "a\0b", "\ud800"):
        optimizer = Adadelta()
        with pytest.raises(ValueError):
            optimizer.step({name: good()}, {name: good()})
        assert optimizer.arrays == {}


def test_overlap():
    whole = numpy.ones(10)
    for w, grad in (
        (whole, whole),
        (whole[:5], whole[4:9]),
        ([whole[:6], whole[5:]], [numpy.ones(6), numpy.ones(5)]),
        ([whole, whole], [numpy.ones(10)] * 2),
        ({"a": whole[:5], "b": numpy.ones(5)}, {"a": numpy.ones(5), "b": whole[:5]}),
    ):
        optimizer = Adadelta()
        with pytest.raises(ValueError, match="overlap"):
            optimizer.step(w, grad)
        assert (whole == 1).all() and optimizer.arrays == {}
    shared = numpy.ones(5)
    Adadelta().step([whole[:5], whole[5:]], [shared, shared])  # gradients may


def test_a_step_that_fails_leaves_the_arrays_that_were_held(tmp_path):
    optimizer, first, second = Adadelta(), [numpy.ones(2), numpy.ones(3)], [numpy.zeros(2), numpy.zeros(3)]
    optimizer.step(first, [numpy.ones(2), numpy.ones(3)])
    kept = [array.tobytes() for array in first]
    optimizer.save(tmp_path / "before")
    for last in (numpy.full(3, numpy.nan), numpy.ones(4), second[0][:1]):
        bad = [numpy.ones(2), last]
        with pytest.raises(ValueError):
            optimizer.step(second, bad)
        with pytest.raises(ValueError):
            optimizer.step([*second, numpy.ones(1)], [*bad, numpy.ones(1)])
        assert [array is held for array, held in zip(first, optimizer.arrays.values())] == [True, True]
    whole = numpy.zeros(4)
    with pytest.raises(ValueError, match="overlap"):
        optimizer.step([whole[:2], whole[1:]], [numpy.ones(2), numpy.ones(3)])
    assert optimizer.arrays["0"] is first[0]
    optimizer.save(tmp_path / "after")
    assert kept == [array.tobytes() for array in first]
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()


def test_resizing_an_array_that_is_held(tmp_path):
    w, optimizer = numpy.ones(4), Adadelta(averaging="polyak")
    optimizer.step(w, numpy.ones(4))
    with pytest.raises(ValueError):
        w.resize(400_000)
    values = numpy.array(w)
    w.resize(400_000, refcheck=False)  # moves it all the same
    for act in (lambda: optimizer.save(tmp_path / "x"), optimizer.swap_averages, optimizer.restart_averages):
        with pytest.raises(ValueError, match="w: array 'w' has been resized"):
            act()
    with pytest.raises(ValueError, match="w: array 'w'"):
        optimizer.step({"w": w, "b": numpy.ones(1)}, {"w": w, "b": numpy.ones(1)})
    optimizer.step(values, numpy.ones(4))
    optimizer.save(tmp_path / "x")


def test_buffers_that_resize_are_locked():
    memory = bytearray(16)
    optimizer = Adadelta()
    optimizer.step(memoryview(memory).cast("d"), numpy.ones(2))
    with pytest.raises(BufferError):
        memory.extend(b"12345678")
    view = memoryview(bytearray(16)).cast("d")
    view.release()
    with pytest.raises(ValueError, match="w: array 'w' cannot be read"):
        optimizer.step(view, numpy.ones(2))
    optimizer.step((ctypes.c_double * 2)(1, 2), numpy.ones(2))
    memory.extend(b"12345678")


BAD_SETTINGS = [
    ("rho", 1.0, ValueError),
    ("rho", -0.1, ValueError),
    ("rho", "x", TypeError),
    ("rho", None, TypeError),
    ("rho", numpy.ones(2), TypeError),
    ("eps", 0, ValueError),
    ("eps", float("inf"), ValueError),
    ("eps", 10**400, ValueError),
    ("lr", -1, ValueError),
    ("lr", float("nan"), ValueError),
    ("lr", 1j, TypeError),
    ("lr", Broken(), ZeroDivisionError),
    ("weight_decay", -1, ValueError),
    ("decoupled", numpy.ones(2), TypeError),
    ("maximize", numpy.ones(2), TypeError),
    ("threads", -1, ValueError),
    ("threads", 1025, ValueError),
    ("threads", 10**30, ValueError),
    ("threads", 1.5, TypeError),
    ("threads", True, TypeError),
    ("state_dtype", "f99", ValueError),
    ("state_dtype", 3, TypeError),
    ("weights", "none", ValueError),
    ("weights", None, TypeError),
    ("grad_dtype", "x", ValueError),
    ("grad_dtype", 3, TypeError),
    ("nonfinite", "x", ValueError),
    ("nonfinite", 1, TypeError),
    ("scale", 0, ValueError),
    ("scale", float("nan"), ValueError),
    ("clip_value", -1, ValueError),
    ("clip_norm", -1, ValueError),
    ("clip_global_norm", float("inf"), ValueError),
    ("schedule", 3, TypeError),
    ("schedule", "cosine", TypeError),
    ("averaging", "x", ValueError),
    ("average_decay", 1, ValueError),
    ("seed", -1, ValueError),
    ("seed", 2**64, ValueError),
    ("seed", 1.0, TypeError),
]


@pytest.mark.parametrize("name, value, error", BAD_SETTINGS)
def test_settings_that_cannot_be(name, value, error):
    more = {"averaging": "exponential"} if name == "average_decay" else {}
    with pytest.raises(error, match="mine" if error is ZeroDivisionError else name):
        Adadelta(**{name: value}, **more)


@pytest.mark.parametrize(
    "schedule, words",
    [
        ({"kind": "x"}, "kind"),
        ({"steps": -1}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"speed": 1}, "speed"),
        ({"kind": "cosine"}, "schedule"),
        ({"kind": "callback"}, "schedule"),
        ({1: 2}, "setting 1"),
    ],
)
def test_schedules_that_cannot_be(schedule, words):
    optimizer = Adadelta(schedule={"kind": "step", "every": 3})
    with pytest.raises((TypeError, ValueError), match=words):
        optimizer.schedule = schedule
    assert optimizer.schedule["kind"] == "step"


def test_names_of_settings_that_are_none():
    with pytest.raises(TypeError):
        Adadelta(momentum=0.9)
    with pytest.raises(TypeError, match="no setting 'speed'"):
        Adadelta().add_group("b", speed=1)
    with pytest.raises(ValueError, match="rho"):
        Adadelta().add_group("b", rho=2)
    with pytest.raises(ValueError, match="lr"):  # in float32, at the array's first step
        Adadelta(lr=1e60).step(numpy.ones(2, numpy.float32), numpy.ones(2, numpy.float32))
    with pytest.raises(TypeError, match="'w'"):
        Adadelta(weights="split").step(numpy.ones(2, numpy.float16), numpy.ones(2, numpy.float16))

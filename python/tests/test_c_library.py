# SPDX-License-Identifier: MIT
"""The C library itself beside the module, where $ADADELTA_PROGRAM lies in a build with libadadelta.so: the same bits,
and each reads the other's files."""
import ctypes
import os
import pathlib

import numpy
import pytest

from adadelta import Adadelta

PROGRAM = pathlib.Path(os.environ.get("ADADELTA_PROGRAM") or "none")
LIBRARIES = [*PROGRAM.parent.glob("src/libadadelta.so"), *PROGRAM.parent.glob("../lib*/libadadelta.so")]
pytestmark = pytest.mark.skipif(not LIBRARIES, reason="there is no libadadelta.so near $ADADELTA_PROGRAM")
TYPES = {"f4": 1, "f8": 2, "f2": 4}  # enum adadelta_dtype


class Tensor(ctypes.Structure):
    """struct adadelta_tensor"""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_int),
        ("ndim", ctypes.c_size_t),
        ("shape", ctypes.c_size_t * 8),
        ("values", ctypes.c_void_p),
        ("gradient", ctypes.c_void_p),
        ("gradient_dtype", ctypes.c_int),
        ("state_dtype", ctypes.c_int),
        ("weights", ctypes.c_int),
        ("no_decay", ctypes.c_int),
        ("max_rows", ctypes.c_size_t),
    ]


class Library:
    """An optimizer of the C library's with default settings, over arrays by name."""

    def __init__(self, arrays):
        self.c = ctypes.CDLL(str(LIBRARIES[0]))
        self.arrays, self.pointer = arrays, ctypes.c_void_p()
        self.good("create", None, ctypes.byref(self.pointer))
        self.good("add_group", self.pointer, None, None)
        for name, array in arrays.items():
            tensor = Tensor(name.encode(), TYPES[array.dtype.str[1:]], array.ndim, array.shape, array.ctypes.data)
            self.good("add_tensor", self.pointer, ctypes.c_size_t(0), ctypes.byref(tensor), None)

    def good(self, function, *arguments):
        assert getattr(self.c, "adadelta_" + function)(*arguments) == 0, function

    def step(self, grads):
        for k, (name, array) in enumerate(self.arrays.items()):
            values, gradient = ctypes.c_void_p(array.ctypes.data), ctypes.c_void_p(grads[name].ctypes.data)
            self.good("set_buffers", self.pointer, ctypes.c_size_t(k), values, gradient)
        self.good("step", self.pointer)

    def keep(self, function, path):
        self.good(function, self.pointer, os.fsencode(path), None)


def start():
    return {d: numpy.linspace(-1, 1, 60).astype(d).reshape(6, 10) for d in TYPES}


def test_same_bits_and_files_either_way(tmp_path):
    mine, theirs = start(), start()
    optimizer, library = Adadelta(), Library(theirs)
    random = numpy.random.default_rng(1)

    def step():
        grads = {d: random.normal(size=(6, 10)).astype(d) for d in TYPES}
        optimizer.step(mine, grads)
        library.step(grads)
        assert [a.tobytes() for a in mine.values()] == [a.tobytes() for a in theirs.values()]

    for _ in range(5):
        step()
    optimizer.save(tmp_path / "mine")
    library.keep("save", tmp_path / "theirs")
    for array in (*mine.values(), *theirs.values()):
        array[:] = 0
    optimizer.load(tmp_path / "theirs")
    library.keep("load", tmp_path / "mine")
    for _ in range(5):
        step()
    # What either writes of what the other wrote is what it would have written itself.
    optimizer.save(tmp_path / "mine")
    library.keep("load", tmp_path / "mine")
    library.keep("save", tmp_path / "theirs")
    optimizer.load(tmp_path / "theirs")
    optimizer.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "mine").read_bytes()

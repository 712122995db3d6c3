# SPDX-License-Identifier: MIT
"""The header of checkpoint files through Python's json in jansson's place: what is written, and what is refused."""
import json
import struct
import zlib

import numpy
import pytest

from adadelta import Adadelta, CheckpointError


def header_of(data):
    return data[8 : 8 + struct.unpack("<Q", data[:8])[0]]


def sealed(header, arrays):
    """A file with this header, under a checksum that is right."""
    header += b" " * (-(8 + len(header)) % 64)
    data = bytearray(struct.pack("<Q", len(header)) + header + arrays)
    key = b'"adadelta.crc32":"'
    if key in data:
        at = data.index(key) + len(key)
        data[at : at + 8] = b"00000000"
        data[at : at + 8] = b"%08x" % zlib.crc32(data)
    return bytes(data)


@pytest.fixture
def kept(tmp_path):
    """(header without spaces, arrays, what loads such a file)"""
    w, optimizer = numpy.arange(3.0), Adadelta(seed=2**64 - 1)
    optimizer.add_group("b")
    optimizer.step({"w": w, "ü\"\\\n\x01/": numpy.ones(2)}, {"w": numpy.ones(3), "ü\"\\\n\x01/": numpy.ones(2)})
    optimizer.save(tmp_path / "kept")
    data = (tmp_path / "kept").read_bytes()

    def load(header, arrays):
        (tmp_path / "kept").write_bytes(sealed(header, arrays))
        other = Adadelta(seed=3)
        other.add_group("b")
        into = {"w": numpy.zeros(3), "ü\"\\\n\x01/": numpy.zeros(2)}
        try:
            other.load(tmp_path / "kept", into)
        finally:
            good = other.steps == 1 and (into["w"] == w).all()
            assert good or not (other.steps or into["w"].any() or other.arrays)
        assert good
        return other

    header = header_of(data)
    return header.rstrip(b" "), data[8 + len(header) :], load


def test_header_is_what_the_document_says(kept):
    header, arrays, load = kept
    whole = json.loads(header)
    texts = whole.pop("__metadata__")
    assert b" " not in header.replace(texts["adadelta.version"].encode(), b"") and b"\n" not in header
    assert texts["adadelta.format"] == "2" and set(whole) >= {"w", "w.square_avg", "ü\"\\\n\x01/"}
    optimizer = json.loads(texts["adadelta.optimizer"])
    assert optimizer["step"] == 1 and optimizer["groups"][0]["rho"] == 0.95 and optimizer["groups"][0]["eps"] == 1e-6
    assert optimizer["settings"]["seed"] == str(2**64 - 1) and optimizer["settings"]["swapped"] is False
    assert load(header, arrays)


def test_other_writers_headers_are_read(kept):
    """Escapes, the order of keys and spelled-out numbers do not matter."""
    header, arrays, load = kept
    whole = json.loads(header)
    optimizer = json.loads(whole["__metadata__"]["adadelta.optimizer"])
    optimizer["more"] = {"list": [1, None, True, 1e5, "x"]}
    whole["__metadata__"]["adadelta.optimizer"] = json.dumps(dict(reversed(optimizer.items())))
    whole["__metadata__"]["mine"] = "\U0001f600"
    assert load(json.dumps(whole, separators=(",", ":")).encode(), arrays)


def inner(old, new):
    """A change of the optimizer's JSON, which lies escaped in the header."""
    return old.replace(b'"', b'\\"'), new.replace(b'"', b'\\"')


CHANGES = {
    "duplicate array": (b'"w":{', b'"w":{"dtype":"F64","shape":[3],"data_offsets":[0,24]},"w":{'),
    "duplicate text": (b'"adadelta.format":"2"', b'"adadelta.format":"2","adadelta.format":"2"'),
    "duplicate setting": inner(b'"method":"adadelta"', b'"method":"adadelta","method":"adadelta"'),
    "text that is none": (b'"adadelta.format":"2"', b'"adadelta.format":2'),
    "other text that is none": (b'"adadelta.format":"2"', b'"adadelta.format":"2","mine":1'),
    "text with NUL": (b'"adadelta.format":"2"', b'"adadelta.format":"2","mine":"\\u0000"'),
    "text with half a pair": (b'"adadelta.format":"2"', b'"adadelta.format":"2","mine":"\\ud800"'),
    "name with NUL": (b'"w":{', b'"w\\u0000x":{'),
    "name with half a pair": (b'"w":{', b'"w\\udc00":{'),
    "NaN": inner(b'"rho":0.95', b'"rho":NaN'),
    "NaN where nobody looks": inner(b'"method":"adadelta"', b'"method":"adadelta","x":NaN'),
    "Infinity": inner(b'"lr":1.0', b'"lr":Infinity'),
    "too large a number": inner(b'"lr":1.0', b'"lr":1e999'),
    "huge whole number": inner(b'"lr":1.0', b'"lr":1' + b"0" * 400),
    "whole number past Python's limit": inner(b'"lr":1.0', b'"lr":' + b"1" * 5000),
    "true for a number": inner(b'"lr":1.0', b'"lr":true'),
    "text for a number": inner(b'"lr":1.0', b'"lr":"1"'),
    "number for true": inner(b'"swapped":false', b'"swapped":0'),
    "fraction for a count": inner(b'"step":1', b'"step":1.0'),
    "negative count": inner(b'"step":1', b'"step":-1'),
    "seed too large": (str(2**64 - 1).encode(), str(2**64).encode()),
    "huge shape": (b'"shape":[3]', b'"shape":[' + b"9" * 30 + b"]"),
    "shape in fractions": (b'"shape":[3]', b'"shape":[3.0]'),
    "shape that is none": (b'"shape":[3]', b'"shape":3'),
    "deep nesting": (b'"adadelta.format":"2"', b'"adadelta.format":"2","mine":' + b"[" * 100_000 + b"]" * 100_000),
    "open brackets": (b'"adadelta.format":"2"', b'"adadelta.format":"2","mine":' + b'{"a":' * 100_000),
    "nested settings": inner(b'"method":"adadelta"', b'"method":"adadelta","x":' + b"[" * 100_000 + b"]" * 100_000),
    "not UTF-8": (b'"w":{', b'"w\xff":{'),
    "half a pair in UTF-8": (b'"w":{', b'"w\xed\xa0\x80":{'),
    "control character": (b'"w":{', b'"w\x01":{'),
    "comma at the end": (b'"adadelta.format":"2"', b'"adadelta.format":"2",'),
    "single quotes": (b'"w":{', b"'w':{"),
    "list": (b"{", b"[{"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_malformed_headers(kept, change):
    header, arrays, load = kept
    old, new = CHANGES[change]
    assert old in header
    with pytest.raises(CheckpointError) as caught:
        load(header.replace(old, new, 1), arrays)
    assert "memory" not in str(caught.value) and len(str(caught.value)) > 10


NONE = [b"", b"{}", b"[]", b"3", b"null", b'"x"', b"{", b"\xef\xbb\xbf{}", b"\0" * 64, b"{}{}", b"nul"]


@pytest.mark.parametrize("header", NONE)
def test_headers_that_are_none(kept, header):
    with pytest.raises(CheckpointError):
        kept[2](header, b"")


def test_ctrl_c_is_not_a_damaged_file(kept, monkeypatch, tmp_path):
    def interrupted(*arguments, **keywords):
        raise KeyboardInterrupt

    header, arrays, load = kept
    optimizer = load(header, arrays)
    for name in ("loads", "dumps"):
        with monkeypatch.context() as patch:
            patch.setattr(json, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                optimizer.load(tmp_path / "kept") if name == "loads" else optimizer.save(tmp_path / "kept")
    optimizer.save(tmp_path / "kept")

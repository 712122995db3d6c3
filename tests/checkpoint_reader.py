# SPDX-License-Identifier: MIT
"""Reads an adadelta checkpoint by the safetensors specification and docs/checkpoint.md, with nothing but the standard
library, complains about the first thing that is not as it should be, and prints what the file holds, one line each:

    text  NAME TEXT                 (both as JSON)
    array NAME DTYPE [SHAPE] VALUES (in the order of the file)
    means NAME VALUES               (of state in codes, by docs/lowbit.md: the numbers that they stand for)
"""
import json
import math
import re
import struct
import sys
import zlib

SIZES = {"F64": (8, "d"), "F32": (4, "f"), "BF16": (2, "H"), "F16": (2, "e"), "U16": (2, "H"), "U8": (1, "B")}

HYPER = {"lr", "rho", "eps", "weight_decay", "momentum", "beta1", "beta2", "nesterov", "decoupled", "maximize"}
SETTINGS = {"seed", "averaging", "average_decay", "swapped", "gradients", "schedule"}
GRADIENTS = {"scale", "nonfinite", "clip_value", "clip_norm", "clip_global_norm", "duplicates"}
SCHEDULE = {"kind", "steps", "warmup", "every", "gamma", "end"}
FORMATS = {"U16": "w10e6", "U8": "w3e5 q2e6"}


def check(condition, complaint):
    if not condition:
        sys.exit(f"checkpoint_reader.py: {complaint}")


def unique(pairs):
    check(len(dict(pairs)) == len(pairs), "a key stands twice")
    return dict(pairs)


def check_codes(name, entry, header, optimizer):
    state = entry["state"]
    check(optimizer["method"] == "adadelta", "codes of another method")
    check(set(state) == {"format", "unit", "rewrites"}, "wrong keys in a tensor's state")
    check(isinstance(state["rewrites"], int) and state["rewrites"] >= 0, "no count of rewrites")
    check(state["format"] == FORMATS[header[f"{name}.square_avg"]["dtype"]], "another format than the type's")
    check(header[f"{name}.acc_delta"]["dtype"] == header[f"{name}.square_avg"]["dtype"], "two types of state")
    check(state["unit"] == entry.get("hyper", optimizer["groups"][entry["group"]])["eps"], "codes not in units of eps")


def number(bits):
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def single(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def means(dtype, v_codes, u_codes, unit):
    """What codes stand for: [n] square_avg and [n] acc_delta."""
    one, least = 0x3f800000, 0x2f800000
    if dtype == "U16":
        w = [number(one + (code << 13)) for code in v_codes]
        w_of_u = [number(one + (code << 13)) for code in u_codes]
    else:
        w = [number(one + (code << 20)) for code in v_codes]
        w_of_u = [number(least + ((code ^ 0x80) << 21)) * v for code, v in zip(u_codes, w)]
    return [single(v - 1) * unit for v in w], [max(single(u - 1), 0) * unit for u in w_of_u]


def check_optimizer(text, header):
    optimizer = json.loads(text, object_pairs_hook=unique)
    check(set(optimizer) == {"method", "step", "skipped", "settings", "groups", "tensors"},
          "wrong keys in adadelta.optimizer")
    settings = optimizer["settings"]
    check(set(settings) == SETTINGS, "wrong keys in settings")
    check(set(settings["gradients"]) == GRADIENTS, "wrong keys in gradients")
    check(set(settings["schedule"]) == SCHEDULE, "wrong keys in schedule")
    for group in optimizer["groups"]:
        check(set(group) == HYPER, "wrong keys in a group")
    for name, entry in optimizer["tensors"].items():
        check(name in header, f"{name} has no array")
        narrow = header[name]["dtype"] in ("BF16", "F16")
        codes = header.get(f"{name}.square_avg", {}).get("dtype") in FORMATS
        check(set(entry) - {"hyper"} == {"group", "step", "skipped", "averaged", "no_decay"}
              | ({"weights"} if narrow else set()) | ({"state"} if codes else set()), "wrong keys in a tensor")
        if codes:
            check_codes(name, entry, header, optimizer)
        check(set(entry.get("hyper", HYPER)) == HYPER, "wrong keys in a tensor's settings")
        check(entry["group"] < len(optimizer["groups"]), "no such group")
        check(entry["step"] <= optimizer["step"], "a tensor has taken more steps than there were")


def main():
    data = open(sys.argv[1], "rb").read()
    (length,) = struct.unpack_from("<Q", data)
    start = 8 + length
    text = data[8:start]
    check(len(text) == length and text[:1] == b"{", "the header is not there")
    check(start % 64 == 0, "the arrays do not begin at a multiple of 64")
    check(re.fullmatch(rb"\{.*\} *", text, re.DOTALL), "the padding is not of spaces")
    header = json.loads(text, object_pairs_hook=unique)
    metadata = header.pop("__metadata__")
    check(all(isinstance(value, str) for value in metadata.values()), "metadata is not of strings")
    check(metadata["adadelta.format"] == "2", "wrong format number")
    check(re.fullmatch(r"\d+\.\d+\.\d+", metadata["adadelta.version"]), "no version")

    crc = metadata["adadelta.crc32"]
    key = b'"adadelta.crc32":"'
    check(text.count(key) == 1, "the checksum cannot be found")
    at = data.index(key) + len(key)
    check(data[at:at + 8].decode() == crc, "the checksum is elsewhere")
    check(f"{zlib.crc32(data[:at] + b'00000000' + data[at + 8:]):08x}" == crc, "wrong checksum")
    if "adadelta.optimizer" in metadata:
        check_optimizer(metadata["adadelta.optimizer"], header)

    for name, value in metadata.items():
        print("text", json.dumps(name), json.dumps(value))
    end = 0
    arrays = {}
    for name, entry in header.items():
        check(set(entry) == {"dtype", "shape", "data_offsets"}, "wrong keys in an array")
        size, code = SIZES[entry["dtype"]]
        count = math.prod(entry["shape"])
        begin, stop = entry["data_offsets"]
        check(begin == end and stop == begin + count * size, f"wrong offsets of {name}")
        check((start + begin) % size == 0, f"{name} is not aligned")
        end = stop
        values = struct.unpack_from(f"<{count}{code}", data, start + begin)
        arrays[name] = values
        print("array", json.dumps(name), entry["dtype"], entry["shape"], *("%.17g" % value for value in values))
    check(start + end == len(data), "bytes follow the last array")
    for name, entry in json.loads(metadata.get("adadelta.optimizer", "{}")).get("tensors", {}).items():
        if "state" in entry:
            states = [f"{name}.square_avg", f"{name}.acc_delta"]
            numbers = means(header[states[0]]["dtype"], *(arrays[state] for state in states), entry["state"]["unit"])
            for state, values in zip(states, numbers):
                print("means", json.dumps(state), *("%.17g" % value for value in values))


main()

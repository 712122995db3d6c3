# SPDX-License-Identifier: MIT
"""train --json: how the optimizer stands on each tensor, worked out once more from the arrays of the model file."""
import json
import math
import statistics
import struct
import unittest

from common import Case, data, results


def arrays(path):
    """The arrays of a safetensors file, by name."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + length])
    found = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        found[name] = struct.unpack(f"<{(end - begin) // 4}f", content[begin:end])
    return found


class Rates(Case):
    def test_rates_are_those_of_the_file(self):
        events = self.events("train", data("iris.csv"), "--model", "mlp:5", "--epochs", 3, "--eps", 1e-5, "-o", "model")
        tensors = [event for event in events if event["event"] == "epoch"][-1]["tensors"]
        kept = arrays(self.path("model"))
        self.assertEqual([tensor["name"] for tensor in tensors],
                         [f"layer{layer}.{part}" for layer in (1, 2) for part in ("weight", "bias")])
        for tensor in tensors:
            rates = [math.sqrt((u + 1e-5) / (v + 1e-5))
                     for v, u in zip(kept[tensor["name"] + ".square_avg"], kept[tensor["name"] + ".acc_delta"])]
            for key, expected in ("rate_min", min(rates)), ("rate_median", statistics.median(rates)), \
                    ("rate_max", max(rates)):
                self.assertTrue(math.isclose(tensor[key], expected, rel_tol=1e-12), (tensor, key, expected))

    def test_update_is_the_way_of_the_last_batch(self):
        """One batch an epoch: the update is the difference of two files."""
        options = ("train", data("iris.csv"), "--batch", 150, "--schedule", "constant")
        self.events(*options, "--epochs", 2, "-o", "two")
        events = results(self.events(*options, "--epochs", 3, "-o", "three"))
        before, after = arrays(self.path("two")), arrays(self.path("three"))
        for tensor in events[2]["tensors"]:
            norm = math.dist(before[tensor["name"]], after[tensor["name"]])
            self.assertTrue(math.isclose(tensor["update_norm"], norm, rel_tol=1e-6), (tensor, norm))

    def test_other_methods_have_no_rates(self):
        events = results(self.events("train", data("iris.csv"), "--method", "sgd", "--epochs", 1))
        self.assertEqual([sorted(tensor) for tensor in events[0]["tensors"]], [["name", "skipped", "state_bytes", "steps", "update_norm"]] * 2)


if __name__ == "__main__":
    unittest.main()

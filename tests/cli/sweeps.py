# SPDX-License-Identifier: MIT
"""What the tests of sweep share."""
from common import Case, data, lines_of

SMALL = ("--model", "mlp:8", "--epochs", 3)


def axes_of(event):
    return tuple(event["axes"].items())


class Sweep(Case):
    def halves(self, name="digits.csv"):
        """A table to train on and one to test on."""
        head, *rows = lines_of(data(name))
        self.write("train.csv", head + "".join(rows[0::2]))
        self.write("test.csv", head + "".join(rows[1::2]))
        return "train.csv", "--test", "test.csv"

    def of(self, events, kind):
        return [event for event in events if event["event"] == kind]

# SPDX-License-Identifier: MIT
"""python -m adadelta: what this package is, and `bench`, which times its step beside PyTorch's and NumPy's."""
from __future__ import annotations

import argparse
import sys

import adadelta
from adadelta import _core


def main(arguments: list[str] | None = None) -> int:
    description = "Adadelta for NumPy, PyTorch and scikit-learn."
    parser = argparse.ArgumentParser(prog="python -m adadelta", description=description)
    parser.add_argument("--version", action="version", version=f"adadelta {adadelta.__version__} ({_core.isa()})")
    commands = parser.add_subparsers(dest="command", required=True)
    bench = commands.add_parser("bench", help="time PyTorch's, NumPy's and this step side by side, and print ratios")
    bench.add_argument("--threads", type=int, default=1, help="of PyTorch and of this package; NumPy has one (1)")
    bench.add_argument("--seconds", type=float, default=1.0, help="at least so long for each case and way (1)")
    bench.add_argument("--small", action="store_true", help="1 Mi instead of 16 Mi parameters in the large case")
    bench.add_argument("--json", action="store_true", help="one JSON object a line")
    chosen = parser.parse_args(arguments)
    if chosen.threads < 1 or not 0 < chosen.seconds < float("inf"):
        parser.error("--threads must be at least 1, --seconds above 0")
    try:
        from adadelta._bench import run
    except ImportError as error:
        print(f"adadelta bench needs NumPy: {error}", file=sys.stderr)
        return 1
    return run(chosen.threads, chosen.seconds, chosen.small, chosen.json)


if __name__ == "__main__":
    sys.exit(main())

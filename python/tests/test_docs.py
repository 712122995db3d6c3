# SPDX-License-Identifier: MIT
"""The Python of the pages runs, as it stands there."""
import os
import re

import pytest

SOURCE = os.environ.get("ADADELTA_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
PAGES = ["docs/python.md", "python/README.md"]


def blocks():
    for page in PAGES:
        with open(os.path.join(SOURCE, page), encoding="utf-8") as text:
            for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", text.read(), re.S | re.M)):
                yield pytest.param(block, id=f"{page}-{number}")


def test_there_are_blocks():
    assert len(list(blocks())) >= 5


@pytest.mark.parametrize("block", blocks())
def test_block_runs(block, tmp_path, monkeypatch):
    for module in re.findall(r"^\s*(?:import|from) (torch|sklearn)\b", block, re.M):
        pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "page", "exec"), {"__name__": "page"})

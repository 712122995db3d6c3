# SPDX-License-Identifier: MIT
"""python -m adadelta."""
import json
import subprocess
import sys


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "adadelta", *arguments], capture_output=True, text=True, timeout=300)


def test_bench_gives_a_row_a_way_and_ratios_to_each_peer():
    result = run("bench", "--small", "--seconds", "0.05", "--json")
    assert result.returncode == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len({row["case"] for row in rows}) == 3
    for row in rows:
        assert row["ms_per_step"] > 0 and row["threads"] == 1
        times = {other["way"]: other["ms_per_step"] for other in rows if other["case"] == row["case"]}
        for peer, ratio in row["ratios"].items():
            assert abs(ratio - times[peer] / row["ms_per_step"]) < 1e-9 * ratio
    assert {"NumPy"} == set(next(row["ratios"] for row in rows if row["way"] == "this, NumPy"))


def test_bench_in_words():
    result = run("bench", "--small", "--seconds", "0.01", "--threads", "2")
    assert result.returncode == 0, result.stderr
    assert "2 threads" in result.stdout and "times as long" in result.stdout


def test_wrong_usage():
    for arguments in (["bench", "--threads", "0"], ["bench", "--seconds", "-1"], ["nothing"], []):
        result = run(*arguments)
        assert result.returncode == 2 and "usage" in result.stderr


def test_version():
    result = run("--version")
    assert result.returncode == 0 and result.stdout.startswith("adadelta 0.")

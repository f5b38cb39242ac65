"""The benchmark of polling runs and prints its ratios; how fast is never a test's question."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "polling.py"
RATIOS = (
    "registers only / bare pymodbus",
    "with every value / libmodbus in C",
    "with every value / bare pymodbus",
    "ours / the line",
)


def test_it_runs_with_few_requests_and_prints_its_ratios() -> None:
    few = ["--rounds", "2", "--requests", "5", "--line-rounds", "1", "--polls", "2"]
    done = subprocess.run([sys.executable, PROGRAM, *few], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode in (0, 1), done.stderr
    for name in RATIOS:
        assert re.search(rf"{re.escape(name)}: \d+\.\d\d", done.stdout), done.stdout
    assert "uniaxial-press-generic" in done.stdout

"""What counts as killed: a test that fails, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.mutation.play import ROOT, Result

PROGRAM = """
import sys
import pytest, _pytest.assertion.rewrite, pytest_asyncio.plugin  # once for all that is forked
sys.path.insert(0, {directory!r})
from tests.mutation.play import play
for text in {texts!r}:
    for quick in (True, False):
        print(play("module_to_mutate.py", text, {tests!r}, 20.0, is_quick=quick).result)
"""
TESTS = {
    "test_first_of_two.py": "import module_to_mutate\ndef test_other():\n    assert module_to_mutate.OTHER == 1\n",
    "test_second_of_two.py": "from module_to_mutate import f\ndef test_f():\n    assert f() == 1\n",
}
GOOD = "OTHER = 1\ndef f():\n    return 1\n"


def results(directory: Path, *texts: str, tests: dict[str, str] = TESTS) -> list[str]:
    """What the texts of a module give, each called directly and then by pytest."""
    for name, text in tests.items():
        (directory / name).write_text(text)
    program = PROGRAM.format(directory=str(directory), texts=texts, tests=list(tests))
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, cwd=directory, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_only_a_failing_test_kills(tmp_path: Path) -> None:
    mutants = {
        GOOD: Result.SURVIVED,
        GOOD.replace("return 1", "return 2"): Result.KILLED,
        GOOD.replace("return 1", "raise KeyError"): Result.KILLED,
        "OTHER = 1": Result.UNLOADABLE,  # the second file cannot be loaded any more; the first would pass
        "raise KeyError": Result.UNLOADABLE,
        "import nothing_of_this_name": Result.UNLOADABLE,
        "f(:": Result.UNLOADABLE,
        GOOD + "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n": Result.UNJUDGED,
        GOOD + "import os, signal\nos.kill(os.getpid(), signal.SIGXCPU)\n": Result.TIMEOUT,
    }
    assert results(tmp_path, *mutants) == [result for result in mutants.values() for _ in range(2)]


def test_no_tests_judge_nothing(tmp_path: Path) -> None:
    assert results(tmp_path, GOOD, tests={"test_none.py": ""}) == [Result.UNJUDGED] * 2


def test_a_file_that_cannot_be_loaded_does_not_hide_a_test_that_fails(tmp_path: Path) -> None:
    called, by_pytest = results(tmp_path, "OTHER = 2")
    assert (called, by_pytest) == (Result.KILLED, Result.UNLOADABLE)

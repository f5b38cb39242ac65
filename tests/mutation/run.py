"""Runs the tests of modules against each of their mutants: `python -m tests.mutation.run [MODULE ...] [--jobs N]`.

Ends with 0 if every survivor is in the list of equivalent ones and the list holds nothing else, else with 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.mutation.equivalents import LIST, Judgement, judge, key_of, read, words
from tests.mutation.play import ROOT, Result
from tests.mutation.targets import TARGETS


class Told(NamedTuple):
    """One module: its mutants, what the list says of them, and why they could not be judged ("" if they were)."""

    module: str
    rows: list[dict[str, Any]]
    judgement: Judgement
    fault: str

    @property
    def is_well(self) -> bool:
        unjudged = [row for row in self.rows if row["result"] == Result.UNJUDGED]
        return not (self.fault or unjudged or self.judgement.unlisted or self.judgement.stale)


def played(module: str, only: str, out: Path | None) -> Told:
    """Plays one module in a process of its own: what one module's tests need may need the next module.

    Each row goes to `out` as soon as it is there.
    """
    command = [sys.executable, "-m", "tests.mutation.judge", module, *([only] if only else [])]
    rows: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryFile("w+") as told,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=told, text=True) as process,
    ):
        for line in process.stdout or ():
            rows.append(json.loads(line))
            if out is not None:
                with out.open("a", encoding="utf-8") as file:
                    file.write(line)
        code = process.wait()
        told.seek(0)
        said = told.read().strip().splitlines() or ["it ended without a word"]
    listed = [key for key in read(LIST.read_text("utf-8")) if key.module == module]
    if only:
        listed = [key for key in listed if key in map(key_of, rows)]
    return Told(module, rows, judge(rows, listed), said[-1] if code else "")


def _tell(told: Told) -> None:
    for row in told.judgement.unlisted:
        print(f"\nsurvived: {told.module}:{row['line']} #{row['number']} {row['operator']}\n{words(key_of(row))}")
    for row in told.rows:
        if row["result"] == Result.UNJUDGED:
            print(f"\nnot judged: {told.module}:{row['line']} #{row['number']} {row['operator']}\n{words(key_of(row))}")
    if not told.fault:
        for key in told.judgement.stale:
            what = "a test kills it" if key in map(key_of, told.rows) else "there is no such mutant"
            print(f"\nlisted as equivalent, but {what}: {told.module}\n{words(key)}")
    print(f"{told.module}: {told.fault or _counts([told])}", flush=True)


def _counts(all_told: Sequence[Told]) -> str:
    results = [row["result"] for told in all_told for row in told.rows]
    equivalent = sum(len(told.judgement.equivalent) for told in all_told)
    survived = sum(len(told.judgement.unlisted) for told in all_told)
    counted = {
        "killed": results.count(Result.KILLED),
        "too slow": results.count(Result.TIMEOUT),
        "not loadable": results.count(Result.UNLOADABLE),
        "equivalent": equivalent,
        "survived": survived,
        "not judged": results.count(Result.UNJUDGED),
    }
    return f"{len(results)} mutants: " + ", ".join(f"{count} {kind}" for kind, count in counted.items())


def numbers(text: str) -> str:
    """Numbers separated by commas, as they were given. Raises ValueError."""
    return ",".join(str(int(number)) for number in text.split(","))


def main(arguments: Sequence[str] | None = None) -> int:
    """Judges the modules, prints one line of numbers for each and one for all, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.run", description="mutation testing")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"one of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--jobs", type=int, default=1, help="modules at the same time")
    parser.add_argument("--only", type=numbers, default=None, help="numbers of mutants, separated by commas")
    parser.add_argument("--out", type=Path, default=None, help="a file that gets a line of JSON for each mutant")
    options = parser.parse_args(arguments)
    if unknown := [module for module in options.modules if module not in TARGETS]:
        parser.error(f"no mutants are made of {', '.join(unknown)}; tests/mutation/targets.py names the modules")
    modules = options.modules or list(TARGETS)
    print(f"{len(modules)} modules, {max(options.jobs, 1)} at a time; the largest takes minutes", flush=True)
    begun_s, all_told = time.monotonic(), list[Told]()
    with ThreadPoolExecutor(max(options.jobs, 1)) as pool:
        for told in pool.map(lambda module: played(module, options.only or "", options.out), modules):
            _tell(told)
            all_told.append(told)
    print(f"all: {_counts(all_told)}; {(time.monotonic() - begun_s) / 60:.1f} min")
    return 0 if all(told.is_well for told in all_told) else 1


if __name__ == "__main__":
    sys.exit(main())

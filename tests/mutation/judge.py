"""Plays every mutant of one module and prints each as a line of JSON: `python -m tests.mutation.judge MODULE [N,N]`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.play import ROOT, Outcome, Result, load_others, play
from tests.mutation.targets import TARGETS

CPU_FACTOR, CPU_SPARE_S = 3.0, 2.0
"""Tests that need more processor time than this many times what they need without a mutation, and this, time out."""


def judged(module: str, only: Sequence[int] = ()) -> Iterator[dict[str, Any]]:
    """Each mutant of a module (of only these numbers) with what became of it.

    Raises SystemExit where the tests do not pass without any mutation, or pass with a module that only raises.
    """
    target = TARGETS[module]
    tests = (*target.quick, *target.more)
    load_others(module, tests)
    tiers, limits_s = ((target.quick, True), (tests, False)), list[float]()
    for mutant in mutants(ROOT / module):
        if not only or mutant.number in only:
            begun_s, outcome = time.monotonic(), Outcome(Result.SURVIVED, 0.0)
            for place, (tier, quick) in enumerate(tiers):  # pytest only where the quick ones say nothing
                if place == len(limits_s):
                    limits_s.append(_limit_s(module, tier, is_quick=quick))
                outcome = play(module, mutant.text, tier, limits_s[place], is_quick=quick)
                if outcome.result is not Result.SURVIVED:
                    break
            yield _row(module, mutant, outcome, time.monotonic() - begun_s)


def _limit_s(module: str, tests: Sequence[str], *, is_quick: bool) -> float:
    """How much of a processor the tests of a mutant may take. Raises SystemExit where they can judge none."""
    base = play(module, (ROOT / module).read_text("utf-8"), tests, 600.0, is_quick=is_quick)
    if base.result is not Result.SURVIVED:
        raise SystemExit(f"{module}: its tests fail without any mutation")
    if play(module, "raise RuntimeError", tests, 600.0, is_quick=is_quick).result is not Result.UNLOADABLE:
        raise SystemExit(f"{module}: its tests do not load the module that they judge")
    return CPU_FACTOR * base.cpu_s + CPU_SPARE_S


def _row(module: str, mutant: Mutant, outcome: Outcome, wall_s: float) -> dict[str, Any]:
    return {
        "module": module,
        "number": mutant.number,
        "operator": mutant.operator,
        "line": mutant.line,
        "within": mutant.within,
        "was": mutant.was,
        "now": mutant.now,
        "result": outcome.result.value,
        "cpu_s": round(outcome.cpu_s, 2),
        "wall_s": round(wall_s, 2),
    }


if __name__ == "__main__":
    chosen = sys.argv[2] if len(sys.argv) > 2 else ""
    for row in judged(sys.argv[1], [int(number) for number in chosen.split(",") if number]):
        print(json.dumps(row), flush=True)

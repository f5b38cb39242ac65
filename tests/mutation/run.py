"""Runs the tests of a module against each of its mutants: `python -m tests.mutation.run MODULE ... [--only N,N]`.

Each mutant runs in a process forked from one that has loaded all that does not need the module; nothing is changed on
disk.
A mutant is killed when its tests fail, or take more processor time than CPU_FACTOR times what they need without it.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, settings

from tests.mutation.directly import check
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.targets import TARGETS

ROOT = Path(__file__).parents[2]
PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout", "_hypothesis_pytestplugin")
CPU_FACTOR = 3.0
PYTEST = (
    "-x",
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "--hypothesis-seed=1",
    "--no-header",
    "--timeout=900",
    "--tb=no",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another text."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self._name, self._path, self._text = name, path, text

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return ModuleSpec(fullname, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._path)
        exec(compile(self._text, str(self._path), "exec"), module.__dict__)  # noqa: S102  running it is the purpose


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test run ended: killed (the tests failed), survived or timeout; and the processor seconds."""

    result: str
    cpu_s: float


def play(module: str, text: str, tests: Sequence[str], cpu_limit_s: float, *, is_quick: bool = False) -> Outcome:
    """The tests of a module with another text, in a process of their own; quick: plain functions without pytest."""
    child = os.fork()
    if child == 0:
        _played(module, text, tests, cpu_limit_s, is_quick=is_quick)
    _, status, usage = os.wait4(child, 0)
    cpu_s = usage.ru_utime + usage.ru_stime
    if os.WIFSIGNALED(status):
        return Outcome("timeout" if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else "killed", cpu_s)
    return Outcome("survived" if os.WEXITSTATUS(status) == 0 else "killed", cpu_s)


def _played(module: str, text: str, tests: Sequence[str], cpu_limit_s: float, *, is_quick: bool) -> None:
    try:
        limit = int(cpu_limit_s) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if not os.environ.get("MUTATION_DEBUG"):
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
        name = module.removesuffix(".py").replace("/", ".")
        assert name not in sys.modules, "what is loaded already cannot be changed"
        sys.meta_path.insert(0, _Changed(name, ROOT / module, text))
        if is_quick:
            code = 0 if check([test.removesuffix(".py").replace("/", ".") for test in tests]) else 98
        else:
            import pytest

            code = int(pytest.main([*PYTEST, *tests]))
    except BaseException:  # noqa: BLE001  whatever it is, the mutant did not survive it
        code = 99
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _Missing(importlib.abc.MetaPathFinder):
    """Lets one module be missing, so that what imports it cannot be loaded either."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname == self._name:
            raise ImportError(fullname)
        return None


def load_others(module: str, tests: Sequence[str]) -> None:
    """Loads all that the tests need and that does not itself need the module, so that each fork has it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        for test in tests:
            importlib.import_module(test.removesuffix(".py").replace("/", "."))
        names = list(sys.modules)
        with os.fdopen(writer, "w") as pipe:
            pipe.write("\n".join(names))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        names = pipe.read().split("\n")
    os.waitpid(child, 0)
    missing = _Missing(module.removesuffix(".py").replace("/", "."))
    sys.meta_path.insert(0, missing)
    for name in (*PLUGINS, *names):
        try:
            if not name.startswith("tests."):  # pytest rewrites their asserts when it loads them
                importlib.import_module(name)
        except Exception:  # noqa: BLE001, S112  it needs the module, or another one makes it up while it runs
            continue
    sys.meta_path.remove(missing)
    settings.register_profile("mutation", deadline=None, suppress_health_check=list(HealthCheck), database=None)
    settings.load_profile("mutation")
    gc.collect()
    gc.freeze()


def judge(module: str, only: Sequence[int], out: Path | None, *, quick_only: bool = False) -> list[dict[str, Any]]:
    """Plays every mutant of a module and tells each survivor at once."""
    target = TARGETS[module]
    tests = (*target.quick, *target.more)
    load_others(module, tests)
    text, tiers = (ROOT / module).read_text("utf-8"), [(target.quick, True), (tests, False)][: 1 if quick_only else 2]
    bases = [play(module, text, tier, 600.0, is_quick=quick) for tier, quick in tiers]
    if any(base.result != "survived" for base in bases):
        raise SystemExit(f"{module}: its tests fail without any mutation")
    rows: list[dict[str, Any]] = []
    for mutant in mutants(ROOT / module):
        if only and mutant.number not in only:
            continue
        begun_s, outcome = time.monotonic(), bases[0]
        for (tier, quick), base in zip(tiers, bases, strict=True):  # pytest only where the quick ones say nothing
            outcome = play(module, mutant.text, tier, CPU_FACTOR * base.cpu_s + 2.0, is_quick=quick)
            if outcome.result != "survived":
                break
        row = _row(module, mutant, outcome, time.monotonic() - begun_s)
        rows.append(row)
        if out is not None:
            with out.open("a") as file:
                file.write(json.dumps(row) + "\n")
        if outcome.result == "survived":
            print(
                f"{module}:{mutant.line} #{mutant.number} {mutant.operator}\n  - {mutant.was}\n  + {mutant.now}",
                flush=True,
            )
    return rows


def _row(module: str, mutant: Mutant, outcome: Outcome, wall_s: float) -> dict[str, Any]:
    return {
        "module": module,
        "number": mutant.number,
        "operator": mutant.operator,
        "line": mutant.line,
        "was": mutant.was,
        "now": mutant.now,
        "result": outcome.result,
        "cpu_s": round(outcome.cpu_s, 2),
        "wall_s": round(wall_s, 2),
    }


def main() -> None:
    """Judges the modules and prints one line of numbers for each."""
    parser = argparse.ArgumentParser(description="mutation testing")
    parser.add_argument("modules", nargs="*", default=list(TARGETS))
    parser.add_argument("--only", default="", help="numbers of mutants, separated by commas")
    parser.add_argument("--out", type=Path, default=None, help="a file of JSON lines, one for each mutant")
    parser.add_argument("--quick", action="store_true", help="only the quick tests, to find candidates")
    options = parser.parse_args()
    only = [int(number) for number in options.only.split(",") if number]
    for module in options.modules:
        if (child := os.fork()) == 0:  # what one module's tests need may need the next module
            _told(module, judge(module, only, options.out, quick_only=options.quick))
            return
        os.waitpid(child, 0)


def _told(module: str, rows: Sequence[dict[str, Any]]) -> None:
    results = [row["result"] for row in rows]
    counts = ", ".join(f"{results.count(kind)} {kind}" for kind in ("killed", "timeout", "survived"))
    print(f"{module}: {len(rows)} mutants, {counts}", flush=True)


if __name__ == "__main__":
    main()

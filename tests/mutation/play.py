"""Plays the tests of a module with another text of it, in a process of their own; nothing is changed on disk."""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from hypothesis import HealthCheck, settings

from tests.mutation.directly import check, tests_of

ROOT = Path(__file__).parents[2]
PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout", "_hypothesis_pytestplugin")
WALL_LIMIT_S = 300  # for a test that waits without working; the slowest takes a second of its own
PYTEST = (
    "-x",
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "--no-header",
    f"--timeout={WALL_LIMIT_S}",
    "--tb=no",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)


class Result(StrEnum):
    """How the tests ended. Only KILLED says that a test failed, and only SURVIVED that all of them passed.

    TIMEOUT: they took far longer than without the mutation. UNLOADABLE: the module, or a test file on its top, ends
    with an error while it is loaded, and no test that could be called fails. UNJUDGED: the machinery is at fault.
    """

    SURVIVED = "survived"
    KILLED = "killed"
    TIMEOUT = "timeout"
    UNLOADABLE = "unloadable"
    UNJUDGED = "unjudged"


_CODES = {result: 70 + place for place, result in enumerate(Result)}
_OF_CODE = {code: result for result, code in _CODES.items()}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the tests ended, and the processor seconds that they took."""

    result: Result
    cpu_s: float


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


def play(module: str, text: str, tests: Sequence[str], cpu_limit_s: float, *, is_quick: bool) -> Outcome:
    """The tests of a module with another text; quick: plain functions, called without pytest."""
    child = os.fork()
    if child == 0:
        _end_with(module, text, tests, cpu_limit_s, is_quick=is_quick)
    _, status, usage = os.wait4(child, 0)
    cpu_s = usage.ru_utime + usage.ru_stime
    if os.WIFSIGNALED(status):
        is_limit = os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM)
        return Outcome(Result.TIMEOUT if is_limit else Result.UNJUDGED, cpu_s)
    return Outcome(_OF_CODE.get(os.WEXITSTATUS(status), Result.UNJUDGED), cpu_s)


def _end_with(module: str, text: str, tests: Sequence[str], cpu_limit_s: float, *, is_quick: bool) -> NoReturn:
    result = Result.UNJUDGED
    try:
        limit = int(cpu_limit_s) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        name = _name(module)
        if name not in sys.modules:  # what is loaded already cannot be changed
            sys.meta_path.insert(0, _Changed(name, ROOT / module, text))
            result = _quick(name, tests) if is_quick else _with_pytest(tests)
    finally:
        os._exit(_CODES[result])


def _quick(name: str, tests: Sequence[str]) -> Result:
    signal.alarm(WALL_LIMIT_S)
    functions: list[Callable[..., Any]] = []
    result = Result.SURVIVED
    try:
        importlib.import_module(name)
        for test in tests:
            try:
                functions += tests_of([_name(test)])
            except Exception:  # noqa: BLE001  the tests of the other files may still say what is wrong
                result = Result.UNLOADABLE
    except Exception:  # noqa: BLE001  whatever it is, no test has been called
        return Result.UNLOADABLE
    try:
        return result if check(functions) or result is Result.UNLOADABLE else Result.UNJUDGED
    except BaseException:  # noqa: BLE001  whatever it is, a test has raised it
        return Result.KILLED


class _Failures:
    """A plugin that sees what fails: pytest's code is the same for a test and for a file that cannot be loaded."""

    def __init__(self) -> None:
        self.result = Result.SURVIVED

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.result = Result.UNLOADABLE

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.result = Result.KILLED


def _with_pytest(tests: Sequence[str]) -> Result:
    import pytest

    failures = _Failures()
    code = pytest.main([*PYTEST, *tests], plugins=[failures])
    return (
        failures.result
        if code in (0, 1, 2) and (code == 0) == (failures.result == Result.SURVIVED)
        else Result.UNJUDGED
    )


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
            importlib.import_module(_name(test))
        names = list(sys.modules)
        with os.fdopen(writer, "w") as pipe:
            pipe.write("\n".join(names))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        names = pipe.read().split("\n")
    os.waitpid(child, 0)
    missing = _Missing(_name(module))
    sys.meta_path.insert(0, missing)
    for name in (*PLUGINS, *names):
        try:
            if not name.startswith("tests."):  # pytest rewrites their asserts when it loads them
                importlib.import_module(name)
        except Exception:  # noqa: BLE001, S112  it needs the module, or another one makes it up while it runs
            continue
    sys.meta_path.remove(missing)
    every = list(HealthCheck)
    settings.register_profile("mutation", deadline=None, suppress_health_check=every, database=None, derandomize=True)
    settings.load_profile("mutation")
    gc.collect()
    gc.freeze()


def _name(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")

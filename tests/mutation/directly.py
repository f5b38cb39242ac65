"""Test functions called without pytest: thirty times as fast, for the many mutants that the first test kills.

Of the fixtures `tmp_path` and `monkeypatch` are known; a test that asks for another is left to pytest.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest


def tests_of(modules: Sequence[str]) -> list[Callable[..., Any]]:
    """The test functions of modules. Raises what loading them raises."""
    found = [item for module in modules for item in vars(importlib.import_module(module)).items()]
    return [function for name, function in found if name.startswith("test_") and callable(function)]


def check(functions: Sequence[Callable[..., Any]]) -> int:
    """Calls every test with all its parameters, and returns how many calls there were. Raises what they raise."""
    return sum(_checked(function) for function in functions)


def _checked(function: Callable[..., Any]) -> int:
    count = 0
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as directory:
        known = {"monkeypatch": patch, "tmp_path": Path(directory)}
        for arguments in _arguments(function):
            wanted = set(inspect.signature(function).parameters) - set(arguments)
            if wanted <= set(known):
                result = function(**arguments, **{name: known[name] for name in wanted})
                if inspect.iscoroutine(result):
                    asyncio.run(result)
                patch.undo()
                count += 1
    return count


def _arguments(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """All combinations of what a test is parametrised with."""
    sets: list[list[dict[str, Any]]] = []
    for mark in getattr(function, "pytestmark", []):
        if mark.name == "parametrize":
            names = mark.args[0].replace(" ", "").split(",") if isinstance(mark.args[0], str) else list(mark.args[0])
            sets.append([_named(names, values) for values in mark.args[1]])
    for chosen in product(*sets):
        yield {name: value for values in chosen for name, value in values.items()}


def _named(names: list[str], values: Any) -> dict[str, Any]:
    if isinstance(values, type(pytest.param())):
        return dict(zip(names, values.values, strict=True))
    return dict(zip(names, values, strict=True)) if len(names) > 1 else {names[0]: values}

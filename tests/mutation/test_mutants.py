"""What the mutants of a module are; cosmic-ray's own are not looked at here."""

from __future__ import annotations

import ast

import pytest

from tests.mutation.mutants import _meaning, _tables, difference, within
from tests.mutation.targets import TARGETS

TEXT = """
TABLE = {(S.A, T.X): S.B, **OTHERS}
def f(a: int) -> int:
    if a > 1:
        raise E
    return g(a, key=1)
"""


@pytest.mark.parametrize(
    ("operator", "line"),
    [
        ("DropEntry", "TABLE = { **OTHERS}"),
        ("DropEntry", "TABLE = {(S.A, T.X): S.B}"),
        ("DropEntry", "TABLE = {( T.X): S.B, **OTHERS}"),
        ("SwapMember", "TABLE = {(S.B, T.X): S.B, **OTHERS}"),
        ("SwapMember", "TABLE = {(S.A, T.X): S.A, **OTHERS}"),
        ("IfTrue", "    if True:"),
        ("IfFalse", "    if False:"),
        ("DropStatement", "        pass"),
        ("DropKeyword", "    return g(a)"),
        ("ReturnNone", "    return None"),
    ],
)
def test_a_table_and_a_function_are_changed_everywhere(operator: str, line: str) -> None:
    changed = {(name, text) for name, text in _tables(TEXT)}
    assert any(name == operator and line in text.splitlines() for name, text in changed)


def test_every_change_can_be_read() -> None:
    for _, text in _tables(TEXT):
        compile(text, "changed", "exec")


def test_annotations_are_no_behaviour() -> None:
    assert _meaning("def f(a: int | None) -> int: ...") == _meaning("def f(a: str) -> str: ...")
    assert _meaning("x: int = 1") == _meaning("x: str = 1")
    assert _meaning("x: int = 1") != _meaning("x: int = 2")
    assert _meaning("X: TypeAlias = int") == _meaning("X: TypeAlias = str")


def test_what_only_keeps_values_from_being_changed_is_no_behaviour() -> None:
    text = "@dataclass(frozen={}, slots={}, eq={})\nclass A: ..."
    assert _meaning(text.format(True, True, True)) == _meaning(text.format(False, False, True))
    assert _meaning(text.format(True, True, True)) != _meaning(text.format(True, True, False))


def test_how_arguments_are_given_is_no_behaviour() -> None:
    assert _meaning("def f(a, *, b=1): ...") == _meaning("def f(a, /, b=1): ...")
    assert _meaning("def f(a, *, b=1): ...") != _meaning("def f(a, /, b=2): ...")
    assert _meaning("def f(a, *, b=1): ...") != _meaning("def f(a, *, b): ...")


@pytest.mark.parametrize(
    ("changed", "line", "was", "now"),
    [
        ("a\n  b\n  c\nd", 3, "", "c"),
        ("a\n  x\nd", 2, "b", "x"),
        ("a\nd", 2, "b", ""),
        ("a\n  x\n  y\nz", 2, "b\nd", "x\ny\nz"),
        ("a\n  b", 3, "d", ""),
    ],
)
def test_all_lines_that_differ_are_told(changed: str, line: int, was: str, now: str) -> None:
    assert difference("a\n  b\nd", changed) == (line, was, now)


def test_a_line_is_within_the_innermost_function_or_class() -> None:
    text = "x = 1\nclass A:\n  y = 1\n  async def f(self):\n    def g():\n      return 1\n    return g\n  z = 2\n"
    assert [within(ast.parse(text), line) for line in range(1, 9)] == ["", "A", "A", "f", "g", "g", "f", "A"]


def test_the_modules_and_their_tests_are_there() -> None:
    from tests.mutation.play import ROOT

    named = [*TARGETS, *(test for target in TARGETS.values() for tests in target for test in tests)]
    assert [name for name in named if not (ROOT / name).is_file()] == []

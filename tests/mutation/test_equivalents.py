"""The list of equivalent mutants: what it says, and when it says too much or too little."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from tests.mutation.equivalents import LIST, Key, judge, key_of, read, words
from tests.mutation.mutants import within
from tests.mutation.play import ROOT
from tests.mutation.targets import TARGETS

KEY = Key("a/b.py", "f", "x = 1\ny = 1", "x = 2")


def row(result: str = "survived", **changes: Any) -> dict[str, Any]:
    return {**KEY._asdict(), "result": result, **changes}


def test_a_list_is_read_as_it_is_printed() -> None:
    text = f"## a/b.py\n\nNobody sees it.\n\n{words(KEY)}\n\nNor this.\n\n{words(KEY._replace(within=''))}\n"
    assert read(text) == [KEY, KEY._replace(within="")]
    assert key_of(row()) == KEY


@pytest.mark.parametrize("text", ["Why.\n\n", "## a/b.py\n\n", f"## a/b.py\n\nWhy.\n\n{words(KEY)}\n\n"])
def test_each_entry_has_a_module_and_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"^line \d+: a change needs a module and a reason above it$"):
        read(text + words(KEY))


def test_a_survivor_is_listed_or_not() -> None:
    other = row(within="g")
    found = judge([row(), other, row("killed"), row("timeout")], [KEY])
    assert (found.equivalent, found.unlisted, found.stale) == ([row()], [other], [])


def test_an_entry_stands_for_one_mutant() -> None:
    found = judge([row(), row()], [KEY])
    assert (len(found.equivalent), len(found.unlisted)) == (1, 1)


@pytest.mark.parametrize("rows", [[], [row("killed")], [row("timeout")], [row("unloadable")], [row(was="x = 0")]])
def test_an_entry_without_its_survivor_is_stale(rows: list[dict[str, Any]]) -> None:
    assert judge(rows, [KEY]).stale == [KEY]


def test_every_entry_is_about_lines_that_are_there() -> None:
    for key in read(LIST.read_text("utf-8")):
        assert key.module in TARGETS
        text = (ROOT / key.module).read_text("utf-8")
        tree, lines, was = ast.parse(text), [line.strip() for line in text.splitlines()], key.was.splitlines()
        places = [place + 1 for place in range(len(lines)) if lines[place : place + len(was)] == was]
        assert key.within in [within(tree, place) for place in places], words(key)

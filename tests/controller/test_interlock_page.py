"""`pressline interlocks`: the matrix as text, as JSON, and as the page of the reference, which is made from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.authority import Role
from controller.interlocks import KINDS, MATRIX
from controller.reports.interlock_page import matrix_data, page
from recipes.isostatic import SEQUENCE
from tests.controller.test_cli import pressline

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "interlocks.md"


def test_the_page_of_the_reference_is_what_the_matrix_says() -> None:
    made = "make it anew with: pressline interlocks --page > docs/reference/interlocks.md"
    assert PAGE.read_text(encoding="utf-8") == page(), made


def test_every_row_is_in_the_json_with_every_column() -> None:
    data = json.loads(pressline("interlocks", "--json").output)
    assert data == json.loads(json.dumps(matrix_data()))
    assert [(row["kind"] or "", row["name"]) for row in data["rows"]] == [(row.kind, row.name) for row in MATRIX]
    for row in data["rows"]:
        assert (row["bypass"] == []) == bool(row["why_never"]), row["name"]
        assert (row["effect"] == "refuse") == (row["interlock_in"] == [])
    assert set(data["roles"]) == set(Role)
    assert [part["part"] for part in data["isostatic_sequence"]] == [part.name for part in SEQUENCE]


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_is_shown_with_the_rows_of_every_machine(kind: str) -> None:
    text = pressline("interlocks", "--kind", kind).output
    others = {row.name for row in MATRIX} - {row.name for row in MATRIX if row.kind in (kind, "")}
    for row in MATRIX:
        if row.kind in (kind, ""):
            assert row.name.split()[0] in text
    assert not [name for name in others if f"\n {name} " in text]


def test_a_kind_that_is_none_is_told() -> None:
    ended = pressline("interlocks", "--kind", "oven")
    assert ended.exit_code == 2
    assert "there are no rows of a oven; there are uniaxial_press, isostatic_press, coater, roll_press" in ended.stderr

"""The page of rights is what the table says."""

from __future__ import annotations

import json
from pathlib import Path

from controller.accounts.rights_page import page, rights_data
from controller.authority import AUTHORITY, SIGNED_BY_TWO, Action, Role
from tests.controller.test_cli import pressline

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rights.md"


def test_the_page_of_the_reference_is_what_the_table_says() -> None:
    made = "make it anew with: pressline users rights --page > docs/reference/rights.md"
    assert PAGE.read_text(encoding="utf-8") == page() == pressline("users", "rights", "--page").output, made


def test_every_action_and_every_role_is_in_the_data_and_the_text() -> None:
    data = json.loads(pressline("users", "rights", "--json").output)
    assert data == rights_data()
    told = {(entry["what"], role) for entry in data["actions"] for role in entry["roles"]}
    assert told == {(action.value, role.value) for role in Role for action in AUTHORITY[role]}
    assert {entry["what"] for entry in data["actions"] if entry["signed_by_two"]} == set(SIGNED_BY_TWO)
    text = pressline("users", "rights").output
    assert all(action.value in text for action in Action)

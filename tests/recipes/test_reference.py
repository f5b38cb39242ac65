"""The description of the file format names what the reader knows, neither more units nor fewer keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from recipes.facts import Evidence
from recipes.load import load_recipe
from recipes.reader.mapping import MappingReader
from recipes.reader.steps import ACTIONS, MEASURES, ROLES, UNIT_KINDS
from recipes.rules.description import KEYS
from recipes.rules.files import LARGEST_BYTES
from recipes.rules.pack import COLUMNS, load_pack, shipped_packs
from recipes.rules.rows import LONGEST_CELL
from recipes.rules.rule import Relation, Rule, Severity, Stage
from recipes.units import Dimension
from tests.recipes.library import LIBRARY, refusals_of

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGE = (REFERENCE / "recipes.md").read_text(encoding="utf-8")
CODE = set(re.findall(r"`([^`]+)`", PAGE))


def test_every_unit_is_listed_and_no_other() -> None:
    table = PAGE.split("| Quantity | Units |")[1].split("##")[0]
    listed = set(re.findall(r"`([^`]+)`", table))
    assert listed == {unit for dimension in Dimension for unit in dimension.value.units}


def test_every_key_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    original = MappingReader.finish

    def finish(reader: Any) -> None:
        asked.update(reader._asked)
        original(reader)

    monkeypatch.setattr(MappingReader, "finish", finish)
    foils = load_recipe(LIBRARY / "honda-comparative-1.yaml").laminate.foils
    assert len(asked) > 50
    assert asked - set(foils) <= CODE
    assert {*ACTIONS, *MEASURES, *ROLES, *UNIT_KINDS} <= CODE


def test_the_example_of_a_mistake_is_what_is_told(tmp_path: Path) -> None:
    text = (LIBRARY / "honda-example-1.yaml").read_text(encoding="utf-8")
    file = tmp_path / "honda-example-1.yaml"
    file.write_text(text.replace("pressure: 290 MPa", "pressure: 80 MPa").replace("284.2..295.8", "78.4..81.6"))
    assert refusals_of(file)[0] in PAGE


def test_the_page_on_rule_packs_names_what_the_reader_knows() -> None:
    page = (REFERENCE / "rule-packs.md").read_text(encoding="utf-8")
    code = set(re.findall(r"`([^`]+)`", page))
    assert {*COLUMNS, *KEYS, *Relation, *Severity, *Stage, *Evidence} <= code
    columns = page.split("| Column | Value |")[1].split("\n\n")[0]
    assert tuple(re.findall(r"^\| `(\w+)`", columns, re.MULTILINE)) == COLUMNS
    keys = page.split("| Key | Value |")[1].split("\n\n")[0]
    assert tuple(re.findall(r"^\| `(\w+)`", keys, re.MULTILINE)) == tuple(KEYS)
    assert f"{LARGEST_BYTES:,} bytes and {LONGEST_CELL} characters" in page


def test_the_page_of_all_rules_says_of_each_where_its_facts_come_from() -> None:
    page = (REFERENCE / "rules.md").read_text(encoding="utf-8")
    rules: dict[str, Rule] = {rule.id: rule for name in shipped_packs() for rule in load_pack(name)}
    for rule in rules.values():
        line = next(line for line in page.splitlines() if line.startswith(f"| {rule.id} | {rule.ref} |"))
        cells = line.strip("| ").split(" | ")
        assert (cells[2], cells[5], cells[6]) == (rule.severity, rule.subject, rule.quantity)
        assert len(cells[11]) > 10, line
    assert page.startswith(f"# Rules\n\n{len(rules)} rules in {len(shipped_packs())} packs.")

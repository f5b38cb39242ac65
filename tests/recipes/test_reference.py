"""The description of the file format names what the reader knows, neither more units nor fewer keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from recipes.load import load_recipe
from recipes.reader.mapping import MappingReader
from recipes.reader.steps import ACTIONS, MEASURES, ROLES, UNIT_KINDS
from recipes.units import Dimension
from tests.recipes.library import LIBRARY, refusals_of

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "recipes.md").read_text(encoding="utf-8")
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

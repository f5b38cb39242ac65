"""Stored recipes for tests: Example 1 in a store, added, commented on and approved."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from controller.cli.main import app
from controller.cli.recipes import capabilities
from controller.store.recipes import RecipeStore
from controller.store.shelf import Version
from controller.store.words import Reference
from recipes.plan import UnitCapability
from recipes.rules.pack import COLUMNS
from tests.controller.recipes_for_tests import EXAMPLE, variant

NAME = "honda-example-1"
FIRST = Reference(NAME, 1)
OTHER = EXAMPLE.with_name("honda-example-2.yaml")
SHIPPED = "the shipped machine models"
UNITS = capabilities(None)


def clock() -> Callable[[], str]:
    """A clock of which every reading is another one."""
    readings = itertools.count()
    return lambda: f"2026-01-01T00:00:{next(readings):06.3f}+00:00"


def pressline(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def added(store: Path, file: Path = EXAMPLE, by: str = "A. Author") -> Version:
    return RecipeStore(store, clock()).add(file, by, "", SHIPPED, UNITS).version


def approved(
    store: Path, of: Reference = FIRST, by: str = "B. Reader", units: Sequence[UnitCapability] = UNITS
) -> Version:
    return RecipeStore(store, clock()).approve(of, by, "", SHIPPED, units, four_eyes=False)[0]


def soaked(target: Path, minutes: int) -> Path:
    return variant(target, ("soak: 3 min", f"soak: {minutes} min"))


def pack(folder: Path, limit_mpa: int = 1000) -> str:
    """A rule pack of one rule beside a recipe; its name as the recipe writes it."""
    row = dict.fromkeys(COLUMNS, "")
    row |= {"id": "S1", "ref": "1", "severity": "claim", "stage": "design", "evidence": "commanded"}
    row |= {"relation": "range", "subject": "join1", "quantity": "pressure", "unit": "MPa", "upper": str(limit_mpa)}
    folder.mkdir(exist_ok=True)
    (folder / "site.csv").write_text(f"{','.join(COLUMNS)}\n{','.join(row.values())}\n", encoding="utf-8")
    (folder / "site.yaml").write_text("document: Site rules\ntitle: Rules of this site\n", encoding="utf-8")
    return f"./{folder.name}/site.csv"


def renamed_line(target: Path) -> Path:
    """A line file whose uniaxial press has a name of its own; everything else is as in the shipped models."""
    units = {
        "press-of-hall-2": ("uniaxial_press", "uniaxial-press-generic"),
        "isostatic-press-1": ("isostatic_press", "isostatic-press-generic"),
        "coater-1": ("coater", "coater-generic"),
        "thickness-gauge-1": ("gauge", "thickness-gauge-sics"),
        "balance-1": ("balance", "balance-sics"),
    }
    tables = [
        f'[units.{name}]\nkind = "{kind}"\nprofile = "{profile}"\nurl = "tcp://127.0.0.1:1"\n'
        for name, (kind, profile) in units.items()
    ]
    target.write_text('[line]\nname = "hall 2"\n' + "".join(tables), encoding="utf-8")
    return target


def rows(store: Path) -> list[Any]:
    with closing(sqlite3.connect(store)) as database:
        texts = database.execute("SELECT * FROM recipe_texts ORDER BY sha256").fetchall()
        return texts + database.execute("SELECT * FROM recipe_records ORDER BY sequence").fetchall()


@cache
def _three_records() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "store.sqlite")
        added(store)
        RecipeStore(store, clock()).comment(FIRST, "words", "C. Critic")
        approved(store)
        return store.read_bytes()


def filled(store: Path) -> Path:
    """A store with Example 1 (record 1), a comment on it (record 2) and its approval (record 3)."""
    store.write_bytes(_three_records())
    return store

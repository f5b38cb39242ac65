"""Rule packs: one CSV file a source, one row a rule, read with every mistake located.

`stage` and `evidence` hold lists separated by ";". `resolution` is the step to which the source prints the quantity;
it is empty where rounding would change the source's own verdicts (a porosity of 5.08 % is not "5 % or less").
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

from recipes.facts import Evidence
from recipes.findings import Finding, RecipeErrors
from recipes.model import Location
from recipes.rules.rule import BOUNDED, COMPARISONS, Relation, Rule, Severity, Stage

COLUMNS = (
    "id",
    "ref",
    "severity",
    "stage",
    "evidence",
    "relation",
    "subject",
    "quantity",
    "unit",
    "lower",
    "lower_inclusive",
    "upper",
    "upper_inclusive",
    "relative_to",
    "resolution",
    "note",
)
DOCUMENTS = {"honda": "US 2025/0260067 A1"}
"""Each shipped pack's document, as it is cited."""

_E = TypeVar("_E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Pack:
    """All rules of one source, in the order of its file."""

    name: str
    document: str
    rules: tuple[Rule, ...]

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def at(self, stage: Stage, role: str | None = None) -> tuple[Rule, ...]:
        """The rules that are judged at a stage; with a role, those that speak of that pressing step only."""
        return tuple(rule for rule in self.rules if stage in rule.stages and (role is None or rule.role == role))


@cache
def load_pack(name: str = "honda") -> Pack:
    """A shipped pack.

    Raises:
        RecipeErrors: the pack's file is missing or has mistakes, all of them with file, line and column (of the CSV).
    """
    return read_pack(Path(__file__).with_name(f"{name}.csv"), DOCUMENTS.get(name, name))


def read_pack(path: Path, document: str) -> Pack:
    """The pack in a CSV file; `document` is how its source is cited. Raises RecipeErrors as load_pack does."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeErrors((Finding("error", f"cannot read the rule pack: {error}", Location(path, 1, 1)),)) from error
    reader = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        message = f"the columns of a rule pack are {', '.join(COLUMNS)}"
        raise RecipeErrors((Finding("error", message, Location(path, 1, 1)),))
    errors: list[Finding] = []
    rules: dict[str, Rule] = {}
    for row in reader:
        cells = _Cells(path, reader.line_num, row, errors)
        rule = _rule(cells, document)
        if rule.id in rules:
            cells.wrong("id", f"{rule.id} is there twice")
        rules[rule.id] = rule
    if errors:
        raise RecipeErrors(tuple(errors))
    return Pack(path.stem, document, tuple(rules.values()))


class _Cells:
    """The cells of one row; what is wrong is collected in `errors` and replaced by a harmless value."""

    def __init__(self, path: Path, line: int, row: Mapping[str | None, str | None], errors: list[Finding]) -> None:
        self._path, self._line, self._row, self._errors = path, line, row, errors
        if None in row or None in row.values():
            self.wrong("id", f"a row has {len(COLUMNS)} cells")

    def wrong(self, column: str, message: str) -> None:
        place = Location(self._path, self._line, COLUMNS.index(column) + 1)
        self._errors.append(Finding("error", f"{column}: {message}", place))

    def text(self, column: str, *, needed: bool = False) -> str:
        value = (self._row.get(column) or "").strip()
        if needed and not value:
            self.wrong(column, "is empty")
        return value

    def number(self, column: str) -> float | None:
        text = self.text(column)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.wrong(column, f"{text!r} is no number")
            return None
        return value

    def flag(self, column: str) -> bool:
        text = self.text(column)
        if text not in ("", "0", "1"):
            self.wrong(column, f"expected 0 or 1, not {text!r}")
        return text != "0"

    def one(self, column: str, kind: type[_E], default: _E) -> _E:
        return next(iter(self.several(column, kind)), default)

    def several(self, column: str, kind: type[_E]) -> frozenset[_E]:
        known = {str(member): member for member in kind}
        names = self.text(column, needed=True).split(";")
        for name in names:
            if name and name not in known:
                self.wrong(column, f"{name!r} is none of {', '.join(known)}")
        return frozenset(known[name] for name in names if name in known)


def _rule(cells: _Cells, document: str) -> Rule:
    ref = cells.text("ref", needed=True)
    rule = Rule(
        id=cells.text("id", needed=True),
        ref=ref,
        source=f"{document} {ref}",
        severity=cells.one("severity", Severity, Severity.CLAIM),
        stages=cells.several("stage", Stage),
        evidence=cells.several("evidence", Evidence),
        relation=cells.one("relation", Relation, Relation.EQUALS),
        subject=cells.text("subject", needed=True),
        quantity=cells.text("quantity", needed=True),
        unit=cells.text("unit"),
        lower=cells.number("lower"),
        lower_inclusive=cells.flag("lower_inclusive"),
        upper=cells.number("upper"),
        upper_inclusive=cells.flag("upper_inclusive"),
        relative_to=cells.text("relative_to"),
        resolution=cells.number("resolution"),
        note=cells.text("note"),
    )
    _check(rule, cells)
    return rule


def _check(rule: Rule, cells: _Cells) -> None:
    if rule.relation in BOUNDED:
        if rule.lower is None and rule.upper is None:
            cells.wrong("lower", f"a {rule.relation} needs a lower or an upper bound")
        elif rule.lower is not None and rule.upper is not None and rule.lower > rule.upper:
            cells.wrong("upper", "is below the lower bound")
    if rule.relation in COMPARISONS or rule.relation is Relation.RATIO:
        if not all(rule.other):
            cells.wrong("relative_to", "expected the other fact as subject.quantity, such as join1.pressure")
    elif rule.relation is not Relation.RANGE and not rule.relative_to:
        cells.wrong("relative_to", f"{rule.relation} needs something to compare with")
    if rule.resolution is not None and rule.resolution <= 0.0:
        cells.wrong("resolution", "must be greater than 0")

"""The rows of a pack's CSV file become rules, or every mistake is told with its line and cell.

`stage` and `evidence` hold lists separated by ";". `resolution` is the step to which the source prints the quantity;
it is empty where rounding would change the source's own verdicts (a porosity of 5.08 % is not "5 % or less").
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from recipes.facts import Evidence
from recipes.findings import Finding, RecipeErrors, in_file_order
from recipes.model import Location
from recipes.rules.files import TextFile, fault
from recipes.rules.rule import (
    BOUNDED,
    COMPARISONS,
    LISTED,
    RATIO_UNIT,
    Relation,
    Rule,
    Severity,
    Stage,
    number_in,
)
from recipes.rules.words import PURE
from recipes.units import converted

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
    "when",
    "resolution",
    "note",
)
LONGEST_CELL = 1000
"""Characters; the longest cell of the shipped packs, a note, is below 200 (engineering judgement)."""
ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
"""A rule's id: recipes write it as a key, certificates print it in a column."""
BEFORE_ANYTHING_IS_MADE = frozenset({Evidence.DECLARED, Evidence.COMMANDED, Evidence.ESTIMATED})
"""All that can be known of a design."""

_E = TypeVar("_E", bound=StrEnum)
_BREAK = re.compile(r"\r\n|\r|\n")


def read_rules(file: TextFile, document: str) -> tuple[Rule, ...]:
    """The rules in a CSV file; document is how their source is cited. Raises RecipeErrors with every mistake."""
    errors: list[Finding] = []
    rules: dict[str, Rule] = {}
    rows = _rows(file, errors)
    header = next(rows, None)
    _check_header(file.path, header[1] if header is not None else [])
    for line, row in rows:
        cells = _Cells(file.path, line, row, errors)
        if len(row) != len(COLUMNS):
            cells.wrong("id", f"a row has {len(COLUMNS)} cells, this one has {len(row)}")
            continue
        rule = _rule(cells, document)
        first = rules.setdefault(rule.id, rule)
        if first is not rule and rule.id and first.location is not None:
            cells.wrong("id", f"{rule.id} is there twice, first in line {first.location.line}")
    if not errors and not rules:
        raise fault(file.path, "the pack has no rules")
    errors += unit_conflicts(rules.values())
    if errors:
        raise RecipeErrors(in_file_order(errors))
    return tuple(rules.values())


def unit_conflicts(rules: Iterable[Rule]) -> Iterator[Finding]:
    """Rules that ask for one quantity of one subject in units of two dimensions: no fact could answer both."""
    known: dict[tuple[str, str], Rule] = {}
    for rule in rules:
        if rule.relation is Relation.RATIO:
            continue
        for asked in ((rule.subject, rule.quantity), *([rule.other] if rule.relation in COMPARISONS else [])):
            first = known.setdefault(asked, rule)
            if not same_kind(first, rule):
                message = (
                    f"unit: {asked[1]} of {asked[0]} is {kind_words(first)} in {first.id}, here {kind_words(rule)}"
                )
                yield Finding("error", f"{message}: no fact could be both", rule.location)


def same_kind(first: Rule, second: Rule) -> bool:
    """Whether one fact can answer two rules: both ask for texts, or for numbers whose units can be converted."""
    if first.numeric is not second.numeric:
        return False
    units = {first.unit, second.unit}
    return len(units) == 1 or units <= {"", PURE} or converted(0.0, first.unit, second.unit) is not None


def kind_words(rule: Rule) -> str:
    """What a rule asks for: "a text", "in MPa"."""
    if not rule.numeric:
        return "a text"
    return f"in {rule.unit}" if rule.unit else "a number without a unit"


def _rows(file: TextFile, errors: list[Finding]) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the line that it begins in; cells may span lines."""
    reader = csv.reader(io.StringIO(file.text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message = f"not CSV: {error}, in the row that begins here"
            errors.append(Finding("error", message, Location(file.path, line, 1)))
            return
        if row:
            yield line, row


def _check_header(path: Path, header: Sequence[str]) -> None:
    if tuple(header) == COLUMNS:
        return
    lacking = [name for name in COLUMNS if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    words = [f"the columns of a rule pack are {', '.join(COLUMNS)}"]
    words += [f"{', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} missing"] if lacking else []
    words += (
        [f"{', '.join(map(repr, unknown))[:200]} {'is' if len(unknown) == 1 else 'are'} not known"] if unknown else []
    )
    words += ["they are in another order"] if not lacking and not unknown else []
    raise fault(path, "; ".join(words))


class _Cells:
    """The cells of one row; what is wrong is collected in `errors` and replaced by a harmless value."""

    def __init__(self, path: Path, line: int, row: Sequence[str], errors: list[Finding]) -> None:
        self._path, self._line, self._row, self._errors = path, line, row, errors
        for column, cell in zip(COLUMNS, row, strict=False):
            if len(cell) > LONGEST_CELL:
                self.wrong(column, f"is longer than {LONGEST_CELL} characters")

    def place(self, column: str) -> Location:
        """A cell's line, and its number in the row as the column."""
        index = COLUMNS.index(column)
        breaks = sum(len(_BREAK.findall(cell)) for cell in self._row[:index])
        return Location(self._path, self._line + breaks, index + 1)

    def wrong(self, column: str, message: str) -> None:
        self._errors.append(Finding("error", f"{column}: {message}", self.place(column)))

    def text(self, column: str, *, needed: bool = False) -> str:
        value = " ".join(self._row[COLUMNS.index(column)].split())
        if needed and not value:
            self.wrong(column, "is empty")
        return value

    def number(self, column: str) -> float | None:
        text = self.text(column)
        value = number_in(text)
        if text and value is None:
            self.wrong(column, f"{text!r} is no number")
        return value

    def flag(self, column: str, bound: str) -> bool:
        """Whether a bound belongs to the range; so it does unless the cell says 0."""
        text = self.text(column)
        if text not in ("", "0", "1"):
            self.wrong(column, f"expected 0 or 1, not {text!r}")
        elif text and not self.text(bound):
            self.wrong(column, f"there is no {bound} bound")
        return text != "0"

    def one(self, column: str, kind: type[_E], default: _E) -> _E:
        name = self.text(column, needed=True)
        return self._member(column, kind, name) or default

    def several(self, column: str, kind: type[_E]) -> frozenset[_E]:
        text = self.text(column, needed=True)
        names = [name.strip() for name in text.split(";")] if text else []
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.wrong(column, f"{name!r} is there twice")
        members = [self._member(column, kind, name) for name in names]
        return frozenset(member for member in members if member is not None)

    def _member(self, column: str, kind: type[_E], name: str) -> _E | None:
        known = {str(member): member for member in kind}
        if name not in known and self.text(column):
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"; {near[0]!r} is nearest" if near else ""
            self.wrong(column, f"{name!r} is none of {', '.join(known)}{meant}")
        return known.get(name)


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
        lower_inclusive=cells.flag("lower_inclusive", "lower"),
        upper=cells.number("upper"),
        upper_inclusive=cells.flag("upper_inclusive", "upper"),
        relative_to=cells.text("relative_to"),
        resolution=cells.number("resolution"),
        note=cells.text("note"),
        when=cells.text("when"),
        location=cells.place("id"),
    )
    _check_names(rule, cells)
    _check_when(rule, cells)
    if cells.text("relation") in tuple(Relation):
        _check_bounds(rule, cells)
        _check_other_side(rule, cells)
        _check_unit(rule, cells)
    if rule.stages == {Stage.DESIGN} and rule.evidence and not rule.evidence & BEFORE_ANYTHING_IS_MADE:
        known = ", ".join(kind for kind in Evidence if kind in BEFORE_ANYTHING_IS_MADE)
        cells.wrong("evidence", f"at design only {known} facts exist, so this rule could never be judged")
    return rule


def _check_names(rule: Rule, cells: _Cells) -> None:
    if rule.id and not ID.fullmatch(rule.id):
        cells.wrong("id", f"{rule.id!r} is no id: expected a letter, then letters, digits, '-' and '_', at most 40")
    for column, name in (("subject", rule.subject), ("quantity", rule.quantity)):
        if ":" in name or "=" in name:
            cells.wrong(column, f"{name!r} holds ':' or '=', which separate names in other cells")


def _check_when(rule: Rule, cells: _Cells) -> None:
    if (condition := rule.condition) is None:
        return
    subject, quantity, text = condition
    if not subject or not quantity or ":" in quantity or text == "":
        expected = "subject:quantity or subject:quantity=text, such as product:goes_into=secondary battery"
        cells.wrong("when", f"{rule.when!r} cannot be read: expected {expected}")


def _check_bounds(rule: Rule, cells: _Cells) -> None:
    if rule.relation not in BOUNDED:
        for column in ("lower", "upper"):
            if cells.text(column):
                cells.wrong(column, f"{rule.relation} has no bounds")
    elif not cells.text("lower") and not cells.text("upper"):
        cells.wrong("lower", f"a {rule.relation} needs a lower or an upper bound")
    elif rule.lower is not None and rule.upper is not None:
        if rule.lower > rule.upper:
            cells.wrong("upper", "is below the lower bound")
        elif rule.lower == rule.upper and not (rule.lower_inclusive and rule.upper_inclusive):
            cells.wrong(
                "upper", "is the lower bound too, and one of both does not belong to the range: nothing is left"
            )
    if rule.resolution is not None and rule.resolution <= 0.0:
        cells.wrong("resolution", "must be greater than 0")
    elif rule.resolution is not None and not rule.numeric:
        cells.wrong("resolution", f"{rule.relation} compares texts, they are not rounded")


def _check_other_side(rule: Rule, cells: _Cells) -> None:
    if rule.relation is Relation.RANGE:
        if rule.relative_to:
            cells.wrong("relative_to", "a range has nothing beside its bounds")
    elif rule.relation not in LISTED:
        if not all(rule.other) or ":" in rule.other[1]:
            cells.wrong("relative_to", "expected the other fact as subject:quantity, such as join1:pressure")
        elif rule.other == (rule.subject, rule.quantity):
            cells.wrong("relative_to", "this is the rule's own fact")
    elif not rule.relative_to:
        cells.wrong("relative_to", f"{rule.relation} needs something to compare with")
    elif not all(rule.listed):
        cells.wrong("relative_to", f"nothing is written between two {LISTED[rule.relation]!r}")
    elif rule.relation is Relation.ORDER and (len(rule.listed) < 2 or "@" not in rule.subject):
        cells.wrong("relative_to", "an order is of two layers or more at a place: layers@laminate, se<cathode")


def _check_unit(rule: Rule, cells: _Cells) -> None:
    if (rule.relation is Relation.RATIO) is not (rule.unit == RATIO_UNIT):
        cells.wrong("unit", f"a ratio has the unit {RATIO_UNIT!r}, and nothing else has; a pure number has '-'")
    elif rule.relation is Relation.EQUALS:
        if rule.unit and rule.example_value is None:
            cells.wrong("relative_to", f"{rule.relative_to!r} is no number, but there is a unit")
        elif not rule.unit and number_in(rule.relative_to) is not None:
            cells.wrong("unit", "is empty, but a number is compared: write its unit, '-' for a pure number")
    elif rule.relation in COMPARISONS or rule.relation is Relation.ORDER:
        if not rule.unit:
            cells.wrong("unit", "is empty, but numbers are compared: write their unit, '-' for pure numbers")
    elif rule.relation not in BOUNDED and rule.unit:
        cells.wrong("unit", f"{rule.relation} compares texts, they have no unit")

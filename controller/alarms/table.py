"""The alarm table, table.yaml: every alarm with its reasons, read and checked into definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from controller.alarms.definition import (
    Definition,
    FromBit,
    FromCondition,
    FromEvent,
    FromValue,
    FromWatch,
    Match,
    Priority,
    PriorityRow,
    Source,
    Suppression,
)

TABLE_FILE = Path(__file__).with_name("table.yaml")
ANY_CONDITION = "*"
SUBJECTS = ("unit", "run", "line")
_TEXTS = ("message", "cause", "consequence", "automatic", "action")
_NEEDED = (*_TEXTS, "name", "priority", "class", "severity", "respond_s", "source")
_PLAIN = (
    "deadband",
    "on_delay_s",
    "off_delay_s",
    "latching",
    "shelve_max_s",
    "removable",
    "suppressed_by",
    "first_out",
    "ends_with_process",
)
_MACHINES = ("uniaxial_press", "isostatic_press", "coater", "roll_press")
_SHORT_S, _MIDDLE_S = 180.0, 600.0
"""Borders between the columns of the matrix: what leaves less than 3 minutes, less than 10, more."""


class TableWrong(Exception):
    """The alarm table contradicts itself or lacks something; the message names the row."""


@dataclass(frozen=True)
class AlarmTable:
    """All rows by name, in the table's order, and what they refer to. quiet: event kinds without alarm, and why."""

    definitions: Mapping[str, Definition]
    priorities: Mapping[Priority, PriorityRow]
    matrix: Mapping[str, tuple[Priority, Priority, Priority]]
    classes: Mapping[str, str]
    suppressions: Mapping[str, Suppression]
    quiet: Mapping[str, str]


@cache
def shipped_table() -> AlarmTable:
    """The table of the package."""
    return table_of(TABLE_FILE.read_text(encoding="utf-8"))


def table_of(text: str) -> AlarmTable:
    """The table that a text describes; raises TableWrong."""
    document = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader, the C one
    priorities = {
        Priority(name): PriorityRow(Priority(name), float(row["respond_s"]), float(row["share_pct"]), row["meaning"])
        for name, row in document["priorities"].items()
    }
    matrix = {severity: _matrix_row(severity, row) for severity, row in document["matrix"].items()}
    suppressions = {
        name: Suppression(name, row["kind"], row["signal"], frozenset(row["words"]), row["meaning"])
        for name, row in document["suppressions"].items()
    }
    definitions: dict[str, Definition] = {}
    for row in document["alarms"]:
        definition = _definition(row)
        if definition.name in definitions:
            raise TableWrong(f"{definition.name} has two rows")
        definitions[definition.name] = definition
    table = AlarmTable(definitions, priorities, matrix, document["classes"], suppressions, document["quiet"])
    for definition in definitions.values():
        _check(table, definition)
    return table


def priority_for(
    matrix: Mapping[str, tuple[Priority, Priority, Priority]], severity: str, respond_s: float
) -> Priority:
    """The priority that follows from what happens if nobody acts and the time that is left to act."""
    return matrix[severity][0 if respond_s < _SHORT_S else 1 if respond_s < _MIDDLE_S else 2]


def _matrix_row(severity: str, row: list[str]) -> tuple[Priority, Priority, Priority]:
    if len(row) != 3:
        raise TableWrong(f"matrix.{severity} has {len(row)} cells; expected 3")
    return Priority(row[0]), Priority(row[1]), Priority(row[2])


def _definition(row: Mapping[str, Any]) -> Definition:
    name = row["name"]
    if missing := [key for key in _NEEDED if key not in row]:
        raise TableWrong(f"{name} lacks {', '.join(missing)}")
    if unknown := sorted(set(row) - {*_NEEDED, *_PLAIN, "subject"}):
        raise TableWrong(f"{name} has {', '.join(unknown)}, which is no column")
    columns: dict[str, Any] = {key: " ".join(str(row[key]).split()) for key in _TEXTS}
    columns |= {key: row[key] for key in (*_PLAIN, "severity") if key in row}
    return Definition(
        name=name,
        source=_source(name, row["source"]),
        subject=row.get("subject", "unit"),
        priority=Priority(row["priority"]),
        alarm_class=row["class"],
        respond_s=float(row["respond_s"]),
        **columns,
    )


def _source(name: str, given: Mapping[str, Any]) -> Source:
    row = dict(given)
    kinds = tuple(row.pop("kinds", _MACHINES))
    if "bit" in row:
        return FromBit(kinds, row.get("word", "alarm_bits"), row["bit"], on=row.get("when", "on") == "on")
    if "value" in row:
        return FromValue(kinds, row["value"], row.get("high"), row.get("low"), row.get("against"))
    if "event" in row:
        until = tuple(_match(one) for one in row.get("until", ()))
        words = tuple(row.get("words", ("reason",)))
        return FromEvent(_match(row), until, words, row.get("example", {}))
    if "condition" in row:
        return FromCondition(row["condition"], row.get("momentary", False))
    if "watch" in row:
        return FromWatch(row["watch"], row.get("reason", ""))
    raise TableWrong(f"{name} has no source that is known")


def _match(row: Mapping[str, Any]) -> Match:
    where = row.get("where", {}).items()
    return Match(row["event"], {key: tuple(told) if isinstance(told, list) else str(told) for key, told in where})


def _check(table: AlarmTable, row: Definition) -> None:
    faults = []
    if row.alarm_class not in table.classes:
        faults.append(f"its class {row.alarm_class} is not described")
    if row.severity not in table.matrix:
        faults.append(f"its severity {row.severity} is not in the matrix")
    elif (wanted := priority_for(table.matrix, row.severity, row.respond_s)) is not row.priority:
        faults.append(f"its priority is {row.priority}; from {row.severity} and {row.respond_s:g} s follows {wanted}")
    if row.respond_s < table.priorities[row.priority].respond_s:
        faults.append(f"it leaves {row.respond_s:g} s, less than its priority gives")
    if row.subject not in SUBJECTS:
        faults.append(f"its subject is {row.subject}")
    if row.suppressed_by is not None and row.suppressed_by not in table.suppressions:
        faults.append(f"it is suppressed by {row.suppressed_by}, which is not described")
    if row.is_momentary and (row.on_delay_s or row.off_delay_s):
        faults.append("it is over as it happens and has a delay")
    if min(row.deadband, row.on_delay_s, row.off_delay_s, row.shelve_max_s) < 0:
        faults.append("a time or the deadband is negative")
    if row.deadband and not isinstance(row.source, FromValue):
        faults.append("it has a deadband and no value")
    if faults:
        raise TableWrong(f"{row.name}: {'; '.join(faults)}")

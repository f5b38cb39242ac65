"""The permissive and interlock matrix for people and programs: as data, as a table, as the page of the reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from controller.authority import AUTHORITY, Action, Role
from controller.interlocks import KINDS, MATRIX, Latch, Row, Use
from controller.interlocks.row import NEVER, WORKING
from recipes.isostatic import SEQUENCE

EVERY = "every machine"
_USES = tuple(Use)

PAGE_HEAD = """# Permissives and interlocks

Generated from `controller/interlocks` by `pressline interlocks --page`; a test keeps it equal. Why it is as it is:
[interlocks](../explanation/interlocks.md).

A **permissive** keeps a command from being sent; an **interlock** holds or stops a machine in the phases that are
named. A value that is not good satisfies no condition: a command is refused, a working machine is held. **Latched**
says what outlasts the cause: `run`, the run stays held or stopped until a person decides; `machine`, the machine's own
alarm, which is reset there. **Bypass** names the role that may, or `never`; bypassing changes nothing in the machine.

Sources: the register documents are in [machines](machines/); "report" is the domain report of the project, with its
section; of standards marked "title only" no clause was read.
"""


def matrix_data(kinds: Sequence[str] = KINDS) -> dict[str, Any]:
    """The matrix, the roles and the sequence of an isostatic pressing as plain data."""
    return {
        "rows": [row_data(row) for row in MATRIX if row.kind in kinds or not row.kind],
        "never": {group.value: why for group, why in NEVER.items()},
        "roles": {role.value: [action.value for action in Action if action in AUTHORITY[role]] for role in Role},
        "isostatic_sequence": [{"part": part.name, "by": part.by.value, "proof": part.proof} for part in SEQUENCE],
    }


def row_data(row: Row) -> dict[str, Any]:
    """One row as plain data."""
    return {
        "kind": row.kind or None,
        "name": row.name,
        "group": row.group.value,
        "condition": row.condition.name,
        "permissive_for": [use.value for use in _USES if use in row.permits],
        "interlock_in": sorted(row.phases),
        "effect": row.effect.value,
        "latched": row.latch.value,
        "bypass": sorted(role.value for role in row.bypassed_by),
        "why_never": row.why_never,
        "words": row.words,
        "trip_words": row.trip_words,
        "source": row.source,
    }


def cells(row: Row) -> tuple[str, ...]:
    """The cells of one row, as the tables show them."""
    return (
        row.name,
        row.condition.name,
        ", ".join(use.value for use in _USES if use in row.permits) or "-",
        _phases(row.phases),
        row.effect.value,
        "-" if row.latch is Latch.NONE else row.latch.value,
        ", ".join(sorted(row.bypassed_by)) or "never",
    )


HEADS = ("row", "holds while", "permissive for", "interlock in", "effect", "latched", "bypass")


def _phases(phases: frozenset[str]) -> str:
    if not phases:
        return "-"
    if phases == WORKING:
        return "all phases"
    left = sorted(WORKING - phases)
    return f"all but {', '.join(left)}" if len(left) <= 2 else ", ".join(sorted(phases))


def page() -> str:
    """The page of the reference (docs/reference/interlocks.md)."""
    parts = [PAGE_HEAD]
    for kind in (*KINDS, ""):
        rows = [row for row in MATRIX if row.kind == kind]
        parts.append(f"## {(kind or EVERY).replace('_', ' ').capitalize()}\n")
        parts.append(_table((*HEADS, "told", "source"), [(*cells(row), _told(row), row.source) for row in rows]))
    parts.append("## What can never be bypassed from here\n")
    parts.append(_table(("group", "why"), [(group.value, why) for group, why in NEVER.items()]))
    parts.append("## Roles\n")
    roles = [(role.value, "; ".join(a.value for a in Action if a in AUTHORITY[role])) for role in Role]
    parts.append(_table(("role", "may"), roles))
    parts.append("## The sequence of a warm isostatic pressing\n")
    parts.append(_table(("part", "by", "proof"), [(part.name, part.by.value, part.proof) for part in SEQUENCE]))
    return "\n".join(parts)


def _told(row: Row) -> str:
    return row.words if not row.trip_words else f"{row.words}; {row.trip_words}" if row.permits else row.trip_words


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"

"""The permissive and interlock matrix: one table, read by the guard, by the supervision and by the documentation.

Permissives keep a command that raises risk from being sent; interlocks hold or stop a machine that works. The machine's
own controller has its interlocks too, and the hard-wired ones are below it: these are checked so that the reason is
told in words, that nothing is asked of a machine that is not ready, and that two independent controllers agree.
"""

from __future__ import annotations

from controller.interlocks import rows_presses, rows_webs
from controller.interlocks.row import DOCUMENTS, Row
from controller.interlocks.rows_every import ALARMS, BY_HAND, alarm, common

KINDS = tuple(DOCUMENTS)
"""The kinds of machine that have rows of their own: every kind that a profile can be written for."""

MATRIX: tuple[Row, ...] = (
    *(
        row
        for kind in KINDS
        for row in (
            *common(kind),
            *(row for row in (*rows_presses.ROWS, *rows_webs.ROWS) if row.kind == kind),
            *(alarm(*each) for each in ALARMS if each[0] == kind),
        )
    ),
    *BY_HAND,
)


def rows_of(kind: str) -> tuple[Row, ...]:
    """The rows of one kind of machine, those of every machine last."""
    return tuple(row for row in MATRIX if row.kind in (kind, ""))


def row_named(kind: str, name: str) -> Row | None:
    """A row by its name, if this kind has it."""
    return next((row for row in rows_of(kind) if row.name == name), None)

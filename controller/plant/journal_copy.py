"""Records of a line's journal on their way into the plant's database: in their order, each once, with their chain."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, insert

from controller.journal import GENESIS, chain_hash
from controller.journal.records import COLUMNS, Records, Row
from controller.plant.errors import HistoryDiffers
from controller.plant.model import Position
from controller.plant.position import moved
from controller.plant.tables import records as table

_AT_ONCE = 25  # records hashed before another thread is let go first: some 0.3 ms
_NAMES = COLUMNS.split(", ")


def next_records(held: Records, position: Position, most: int) -> tuple[list[Row], int]:
    """The records behind the copy, at most so many, and the number of the line's newest one.

    Raises HistoryDiffers where they do not continue the copy: the plant's chain stays whole.
    """
    newest, last_hash = held.newest()
    if newest < position.sequence:
        words = f"the line's journal ends with record {newest}, and the plant has {position.sequence} of this line"
        raise HistoryDiffers(f"{words}: it was restored from a backup, or another line has the same name")
    if newest == position.sequence:
        if newest and last_hash != position.hash:
            raise HistoryDiffers(_other(newest))
        return [], newest
    rows = held.between(position.sequence + 1, min(newest, position.sequence + most))
    _check(rows, position)
    return rows, newest


def put_records(connection: Connection, line: str, position: Position, rows: Sequence[Row]) -> Position:
    """Brings them in the caller's transaction; how far the copy is then. Raises CopyMoved."""
    after = replace(position, sequence=rows[-1][0], hash=rows[-1][-1])
    moved(connection, line, position, after)
    connection.execute(insert(table), [{"line": line, **dict(zip(_NAMES, row, strict=True))} for row in rows])
    return after


def _check(rows: Sequence[Row], position: Position) -> None:
    sequence, previous = position.sequence, position.hash if position.sequence else GENESIS
    for row in rows:
        sequence += 1
        number, run, kind, data, time_s, utc, before, own = row
        if number != sequence:
            words = f"record {sequence} is not in the line's journal any more, and the plant does not have it yet"
            raise HistoryDiffers(f"{words}; what was moved away has to be put back")
        if before != previous:
            raise HistoryDiffers(_other(sequence - 1))
        if chain_hash(before, number, run, kind, data, time_s, utc) != own:
            raise HistoryDiffers(f"record {sequence} of the line's journal was changed; `pressline verify` tells more")
        previous = own
        if not sequence % _AT_ONCE:
            time.sleep(0)
    if not rows:
        raise HistoryDiffers(f"record {sequence + 1} is not in the line's journal")


def _other(sequence: int) -> str:
    words = f"record {sequence} of the line is not the one that the plant has of it"
    return f"{words}: it was restored from a backup, or another line has the same name"

"""The coarsest level: a summary of all blocks of one tag that begin in one hour, kept up as blocks come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, case
from sqlalchemy.dialects import postgresql, sqlite

from controller.historian import tables
from controller.historian.blocks import SUMMARY_COLUMNS
from controller.historian.model import HOUR_US

ROW_BYTES = 200
"""About what the columns beside the packed ones take in a database (engineering judgement)."""


def add_to_hours(connection: Connection, rows: Sequence[Mapping[str, Any]], times: Mapping[int, int]) -> None:
    """Adds blocks to their hours; `times` are the bytes of the times that came with them, by the block's number."""
    table = tables.hours
    add = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
    old, new = table.c, add.excluded

    def chosen(name: str, condition: ColumnElement[bool]) -> ColumnElement[Any]:
        return case((condition, new[name]), else_=old[name])

    lower, higher = new["min"] < old["min"], new["max"] > old["max"]
    earlier, later = new["from_us"] < old["from_us"], new["to_us"] >= old["to_us"]
    sums: list[Column[Any]] = [old[name] for name in ("sum", "count", "summed", "bad", "bytes")]
    changed = {
        **{name: chosen(name, earlier) for name in ("from_us", "first")},
        **{name: chosen(name, later) for name in ("to_us", "last")},
        **{name: chosen(name, lower) for name in ("min", "min_us")},
        **{name: chosen(name, higher) for name in ("max", "max_us")},
        "worst": chosen("worst", new["worst"] > old["worst"]),
        **{column.name: column + new[column.name] for column in sums},
    }
    upsert = add.on_conflict_do_update(index_elements=["tag", "hour"], set_=changed)
    connection.execute(upsert, [_hour_row(row, times) for row in rows])


def _hour_row(row: Mapping[str, Any], times: Mapping[int, int]) -> dict[str, Any]:
    size = ROW_BYTES + sum(len(row[name]) for name in ("parts", "vals", "qualities")) + times.get(row["number"], 0)
    summary = {name: row[name] for name in SUMMARY_COLUMNS}
    return {**summary, "tag": row["tag"], "hour": row["from_us"] // HOUR_US, "bytes": size}

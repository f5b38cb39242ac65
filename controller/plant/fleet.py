"""All lines of a plant, as its database knows them: how each said that it is, since when nothing was heard of it.

Nothing is written here. A line that the network is cut from is shown as it was last, with how long ago that is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, inspect, select, text

from controller.plant.position import now_us
from controller.plant.tables import lines, records

SILENT_S = 30.0
"""A line that was not heard of for so long is shown as silent: it tells every second (engineering judgement)."""


@dataclass(frozen=True, slots=True)
class LineAtPlant:
    """One line. heard_s_ago is by the plant's clock; behind is what the line had then and the plant did not have.

    state: silent, refused (its history does not continue the copy), held, running, closed (it accepts no run) or idle.
    lots_today and scrapped_today count what its record tells since midnight UTC.
    said is what the line says of itself: units, runs with their step and why they wait, alarms, prompts, faults.
    """

    line: str
    state: str
    heard_s_ago: float
    records: int
    records_behind: int
    blocks: int
    blocks_behind: int
    lost_blocks: int
    refused: str
    lots_today: int
    scrapped_today: int
    said: Mapping[str, Any] = field(default_factory=dict)


def fleet(connection: Connection) -> list[LineAtPlant]:
    """Every line of the plant, by name; none where no line was ever copied to this database."""
    if connection.dialect.name != "postgresql" or not inspect(connection).has_table(lines.name):
        return []
    connection.execute(text("SET TRANSACTION READ ONLY"))
    at_us = now_us(connection)
    today = f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d}"
    rows = connection.execute(select(lines).order_by(lines.c.line)).all()
    return [_line(connection, row, at_us, today) for row in rows]


def _line(connection: Connection, row: Any, at_us: int, today: str) -> LineAtPlant:
    said = json.loads(row.status)
    copy = said.pop("copy", {})
    heard_s_ago = max(0.0, (at_us - row.heard_us) / 1e6)
    made, scrapped = _lots(connection, row.line, today)
    refused = str(copy.get("refused", ""))
    return LineAtPlant(
        line=row.line,
        state=_state(said, heard_s_ago, refused),
        heard_s_ago=heard_s_ago,
        records=row.sequence,
        records_behind=max(0, int(copy.get("newest", 0)) - row.sequence),
        blocks=row.blocks,
        blocks_behind=int(copy.get("blocks_behind", 0)),
        lost_blocks=row.lost_blocks,
        refused=refused,
        lots_today=made,
        scrapped_today=scrapped,
        said=said,
    )


def _state(said: Mapping[str, Any], heard_s_ago: float, refused: str) -> str:
    states = {str(run["state"]) for run in said.get("runs", ())}
    if heard_s_ago > SILENT_S:
        return "silent"
    if refused:
        return "refused"
    if states & {"held", "holding", "aborting", "stopping"}:
        return "held"
    if states:
        return "running"
    return "idle" if said.get("accepts_runs", True) else "closed"


def _lots(connection: Connection, line: str, today: str) -> tuple[int, int]:
    """Lots that were made, and scrapped, since midnight."""
    kinds = ("step.finished", "lot.status")
    chosen = select(records.c.kind, records.c.run, records.c.data).where(
        records.c.line == line, records.c.kind.in_(kinds), records.c.utc >= today
    )
    made, scrapped = set[tuple[str, str]](), set[tuple[str, str]]()
    for kind, run, raw in connection.execute(chosen):
        data = json.loads(raw)
        if kind == "lot.status":
            if data.get("status") == "scrap":
                scrapped.add((run, str(data.get("lot"))))
        elif data.get("produces"):
            made.add((run, str(data["produces"])))
    return len(made), len(scrapped)

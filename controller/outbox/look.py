"""An outbox's file as somebody sees it who only looks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from controller.database import DatabaseUnusable, open_database
from controller.outbox import work
from controller.outbox.tables import DROPPED, TABLES, WAITING


def looked_at(file: Path) -> list[dict[str, Any]]:
    """What waits in a file, by line; raises DatabaseUnusable if there is none."""
    if not file.is_file():
        raise DatabaseUnusable(f"{file}: is no outbox; the service makes one beside its store")
    database = open_database(f"sqlite:///{file}", TABLES)
    try:
        return database.run_now(_lines)
    finally:
        database.close()


def _lines(connection: Connection) -> list[dict[str, Any]]:
    names = set(connection.execute(select(WAITING.c.line).distinct()).scalars())
    names |= set(connection.execute(select(DROPPED.c.line)).scalars())
    return [_line(connection, name) for name in sorted(names)]


def _line(connection: Connection, name: str) -> dict[str, Any]:
    usage = work.usage_of(connection, name)
    return {
        "line": name,
        "waiting": {f"{kind.name.lower()} ({outlet})": count for (outlet, kind), (count, _) in usage.items()},
        "bytes": sum(size for _, size in usage.values()),
        "oldest_utc": _iso(work.oldest_us(connection, name, usage)),
        "dropped": [
            {
                "outlet": drop.outlet,
                "priority": drop.priority.name.lower(),
                "messages": drop.messages,
                "first_utc": _iso(drop.first_us),
                "last_utc": _iso(drop.last_us),
            }
            for drop in work.drops_of(connection, name)
        ],
    }


def _iso(utc_us: int | None) -> str | None:
    return None if utc_us is None else datetime.fromtimestamp(utc_us / 1e6, UTC).isoformat()

"""Small stores for tests of what is done before a run."""

from __future__ import annotations

import asyncio
from pathlib import Path

from controller.events import EventStream
from controller.journal import (
    SqliteJournal,
)


def utc() -> str:
    return "2026-01-01T00:00:00.000+00:00"


async def opened_and_closed(store: Path, rescued: int) -> None:
    journal = SqliteJournal(EventStream(), utc, store)
    assert journal.rescued == rescued
    await journal.close()


def stored(path: Path, count: int = 3) -> Path:
    async def fill() -> None:
        journal = SqliteJournal(EventStream(), utc, path)
        for number in range(count):
            await journal.append("r", "k", {"n": number, "text": "x" * 3000})
        await journal.close()

    asyncio.run(fill())
    return path

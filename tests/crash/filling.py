"""Fills a small disk with a journal, in a process of its own: prints why it stopped and what became of the rest."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from controller.cli.clock import utc_text
from controller.events import EventStream
from controller.journal import JournalError, SqliteJournal


async def _filled(path: Path) -> None:
    journal = SqliteJournal(EventStream(), utc_text, path)
    await journal.append("run", "run.created", {})
    while True:
        try:
            await journal.append("run", "filler", {"text": "x" * 2000})
        except JournalError as error:
            print(error)
            break
    await journal.close()
    print(journal.broken)


if __name__ == "__main__":
    asyncio.run(_filled(Path(sys.argv[1])))

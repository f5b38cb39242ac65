"""Backups that an administrator asks for while the service works: one at a time, in another process, into a folder."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from controller.api.workers import Workers
from controller.backups import BackupUnusable, make_backup, read_backup
from controller.service.errors import Conflict, Unknown

SHOWN = 50
"""Backups of this process that are told of; the folder has all (engineering judgement)."""


class BackupState(StrEnum):
    """How far a backup is."""

    GOING_ON = "going on"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BackupBody:
    """One backup. folder is its name in the folder of backups, "" until it is done; records are the journal's in it.

    bytes is the size of all its files; why says what failed, "" for nothing. Times are UTC, ISO 8601.
    """

    id: str
    state: BackupState
    by: str
    begun_utc: str
    ended_utc: str | None = None
    folder: str = ""
    records: int | None = None
    bytes: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class BackupPlace:
    """What is backed up and where to: store is a file or a PostgreSQL URL, state the folder of what lies beside it."""

    store: str
    into: Path
    state: Path | None = None


def made(place: BackupPlace, utc: str) -> tuple[str, int, int]:
    """Makes one: its folder's name, how many records, how many bytes. Raises BackupUnusable."""
    folder = make_backup(place.store, place.into, utc, place.state)
    size = sum(file.stat().st_size for file in folder.iterdir())
    return folder.name, read_backup(folder).records, size


class Backups:
    """The backups of one process; `close` gives up the one that goes on, which leaves a folder that ends in .part."""

    def __init__(self, place: BackupPlace, workers: Workers, utc: Callable[[], str]) -> None:
        self._place, self._workers, self._utc = place, workers, utc
        self._known: deque[BackupBody] = deque(maxlen=SHOWN)
        self._task: asyncio.Task[None] | None = None
        self._count = 0

    def all(self) -> list[BackupBody]:
        """The newest first."""
        return list(reversed(self._known))

    def of(self, number: str) -> BackupBody:
        """One of them. Raises Unknown."""
        for known in self._known:
            if known.id == number:
                return known
        raise Unknown(f"there is no backup {number} of this process; the folder of backups has the earlier ones")

    def refuse_second(self) -> None:
        """Raises Conflict while one goes on."""
        if self._task is not None and not self._task.done():
            raise Conflict("a backup goes on; one is made at a time")

    def begin(self, by: str) -> BackupBody:
        """Begins one and returns at once. Raises Conflict while another goes on."""
        self.refuse_second()
        self._count += 1
        begun = BackupBody(str(self._count), BackupState.GOING_ON, by, self._utc())
        self._known.append(begun)
        self._task = asyncio.create_task(self._carried_out(begun), name=f"backup {begun.id}")
        return begun

    async def _carried_out(self, begun: BackupBody) -> None:
        ended = replace(begun, state=BackupState.FAILED, why="the service ended meanwhile")
        try:
            folder, records, size = await self._workers.export(made, self._place, begun.begun_utc)
            ended = replace(begun, state=BackupState.DONE, folder=folder, records=records, bytes=size)
        except BackupUnusable as error:
            ended = replace(begun, state=BackupState.FAILED, why=str(error))
        except Exception as error:  # noqa: BLE001 - whoever looks is told, whatever it was
            ended = replace(begun, state=BackupState.FAILED, why=f"{type(error).__name__}: {error}")
        finally:
            self._known[self._known.index(begun)] = replace(ended, ended_utc=self._utc())

    async def close(self) -> None:
        """Ends the one that goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

"""People of a line in a test: a store, a journal, a clock that can be set, and cheap password hashes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import Parameters
from argon2.profiles import CHEAPEST

from controller.accounts import TABLES, Accounts, Act, Limits, Passwords
from controller.authority import Actor, Role
from controller.database import Database, open_database
from controller.events import EventStream
from controller.journal import Journal, SqliteJournal

TERMINAL = Actor("root at the terminal", Role.ADMINISTRATOR, "terminal")
PASSWORD = "correct horse battery"  # noqa: S105  of a test
OTHER = "staple of another horse"
HOME = "192.0.2.10"
AWAY = "198.51.100.7"
SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
"""For what says nothing of the store: once is enough."""


@dataclass
class Wall:
    """A computer's clock."""

    now: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 6, tzinfo=UTC))

    def __call__(self) -> str:
        return self.now.isoformat(timespec="milliseconds")

    def pass_(self, **passed: float) -> None:
        self.now += timedelta(**passed)


@dataclass
class Office:
    """An opened store of people."""

    url: str
    wall: Wall
    journal: Journal
    database: Database
    accounts: Accounts

    async def person(self, name: str, role: str = "operator", password: str = PASSWORD) -> Actor:
        await self.accounts.users.add(name, role, by=TERMINAL)
        await self.accounts.users.set_password(name, password, by=TERMINAL)
        return Actor(name, Role(role), "password")

    def told(self, *kinds: str) -> list[dict[str, Any]]:
        """What the audit says, of these kinds or all, oldest first."""
        events = [*self.journal.earlier, *self.journal.events()]
        chosen = [event for event in events if event.run == "audit" and (not kinds or event.kind in kinds)]
        return [{**event.data, "kind": event.kind} for event in chosen]


@asynccontextmanager
async def office(
    url: str,
    folder: Path,
    wall: Wall | None = None,
    *,
    limits: Limits | None = None,
    parameters: Parameters = CHEAPEST,
    accept: Act | None = None,
    journal: Journal | None = None,
) -> AsyncIterator[Office]:
    """The people of the database at a URL, with the journal of a folder."""
    clock = wall or Wall()
    kept = journal or SqliteJournal(EventStream(), clock, folder / "journal.sqlite")
    try:
        database = open_database(url, TABLES)
        try:
            accounts = await Accounts.open(
                database, kept, clock, limits=limits, passwords=Passwords(parameters), accept=accept
            )
            try:
                yield Office(url, clock, kept, database, accounts)
            finally:
                await accounts.close()
        finally:
            database.close()
    finally:
        await kept.close()

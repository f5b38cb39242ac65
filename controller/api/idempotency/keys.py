"""Keys of commands in the store: taken before the command is carried out, with the answer afterwards."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, Executable, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from controller.api.problems import Problem
from controller.api.tables import idempotency_keys as keys
from controller.database import Database

KEPT_US = 24 * 3600 * 1_000_000
"""For so long a repetition is known: a program that was down overnight may still ask again."""
LONGEST_KEY = 200
NOBODY = ""
HERE, HERE_US = 256, 60 * 1_000_000
"""Answers to commands that lower risk, kept in memory for a minute, the oldest go first: a stop that comes later is
rather done again than taken for a repetition (engineering judgement)."""
SWEEP_EVERY = 100  # commands; old keys go with every hundredth new one


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it came: whose, under which key, and what it said."""

    owner: str
    key: str
    sha256: str

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.owner, self.key

    @classmethod
    def of(cls, owner: str, key: str, method: str, address: str, body: bytes) -> Asked:
        """Raises Problem for a key that is none."""
        if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise Problem("malformed", f"Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters")
        said = hashlib.sha256()
        for part in (method.encode(), address.encode(), body):
            said.update(len(part).to_bytes(8, "big") + part)
        return cls(owner, key, said.hexdigest())


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command was answered."""

    status: int
    media_type: str
    body: bytes
    location: str | None = None


@dataclass(frozen=True, slots=True)
class _Here:
    sha256: str
    begun_us: int
    answered: Answered | None = None


class Keys:
    """The commands of the last 24 hours that came with a key.

    now_us is the record's clock. Every process has a name of its own: a command that an earlier process got and never
    answered is told as of unknown outcome instead of being done a second time. A clock that is set back keeps keys
    longer, one that is set forward lets them go earlier; neither lets two of one key through at the same time.
    """

    def __init__(self, database: Database, now_us: Callable[[], int]) -> None:
        self._database, self._now_us = database, now_us
        self._process = secrets.token_hex(8)
        self._open: set[tuple[str, str]] = set()
        self._taken = 0
        self._here: OrderedDict[tuple[str, str], _Here] = OrderedDict()

    def begin_here(self, asked: Asked) -> Answered | None:
        """What `take` does, without the store, for a command that lowers risk. Raises Problem."""
        name, now_us = (asked.owner, asked.key), self._now_us()
        known = self._here.get(name)
        if known is None or now_us - known.begun_us > HERE_US:
            self._here[name] = _Here(asked.sha256, now_us)
            self._here.move_to_end(name)
            while len(self._here) > HERE:
                self._here.popitem(last=False)
            return None
        if known.sha256 != asked.sha256:
            raise _reused()
        if known.answered is None:
            raise _in_progress()
        return known.answered

    def end_here(self, asked: Asked, answered: Answered | None) -> None:
        """What the command was answered; None: it may be tried again, as nobody knows what it did."""
        name = (asked.owner, asked.key)
        if answered is None:
            self._here.pop(name, None)
        elif name in self._here:
            self._here[name] = replace(self._here[name], answered=answered)

    async def take(self, asked: Asked) -> Answered | None:
        """None: the command is the caller's to carry out. Otherwise what it was answered before.

        Raises Problem (in-progress, key-reused, outcome-unknown), DatabaseUnusable.
        """
        now_us = self._now_us()
        self._taken += 1
        if self._taken % SWEEP_EVERY == 1:
            await self._database.run(lambda c: c.execute(delete(keys).where(keys.c.begun_us < now_us - KEPT_US)))
        is_open = asked.name in self._open  # before the store is asked: another may come meanwhile
        self._open.add(asked.name)
        is_taken = False
        try:
            answered = await self._database.run(lambda c: self._take(c, asked, now_us, is_open=is_open))
            is_taken = answered is None
        finally:
            if not is_open and not is_taken:
                self._open.discard(asked.name)
        return answered

    def _take(self, connection: Connection, asked: Asked, now_us: int, *, is_open: bool) -> Answered | None:
        connection.execute(delete(keys).where(and_(_is(asked), keys.c.begun_us < now_us - KEPT_US)))
        row = connection.execute(select(keys).where(_is(asked))).one_or_none()
        if row is None:
            values = {"owner": asked.owner, "key": asked.key, "request_sha256": asked.sha256}
            try:
                with connection.begin_nested():
                    connection.execute(insert(keys).values(**values, process=self._process, begun_us=now_us))
            except IntegrityError:  # another connection of a shared database was faster
                raise _in_progress() from None
            return None
        if row.request_sha256 != asked.sha256:
            raise _reused()
        if row.status is None:
            if row.process == self._process and is_open:
                raise _in_progress()
            raise Problem(
                "outcome-unknown",
                "the service got this command and did not come to an answer; look whether it was done, and use a"
                " new key if it was not",
            )
        return Answered(row.status, row.media_type, row.body, row.location)

    async def keep(self, asked: Asked, answered: Answered) -> None:
        """Stores the answer; a caller that is cancelled meanwhile does not lose it."""
        values = {"status": answered.status, "media_type": answered.media_type}
        change = update(keys).where(_is(asked)).values(**values, body=answered.body, location=answered.location)
        await self._over(asked, change)

    async def lose(self, asked: Asked) -> None:
        """Nobody knows whether the command was carried out; a repetition is told so."""
        await self._over(asked, update(keys).where(_is(asked)).values(process=NOBODY))

    async def forget(self, asked: Asked) -> None:
        """Lets a key go whose command was not carried out, so that it may be sent again."""
        await self._over(asked, delete(keys).where(_is(asked)))

    async def _over(self, asked: Asked, change: Executable) -> None:
        try:
            await asyncio.shield(self._database.run(lambda connection: connection.execute(change)))
        finally:
            self._open.discard(asked.name)


def _is(asked: Asked) -> ColumnElement[bool]:
    return and_(keys.c.owner == asked.owner, keys.c.key == asked.key)


def _in_progress() -> Problem:
    return Problem("in-progress", "the command with this idempotency key has not been answered yet")


def _reused() -> Problem:
    return Problem("key-reused", "this idempotency key was used for another request; take a new one")

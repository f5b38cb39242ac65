"""Sessions of browsers: an opaque word whose hash is kept; they end by themselves, by sign-out and with any change."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from controller.accounts.audit import Act
from controller.accounts.clock import text_of
from controller.accounts.desk import Desk
from controller.accounts.errors import SignInRefused, TokenInvalid, TokenUnknown
from controller.accounts.model import Session, SessionInfo
from controller.accounts.remembered import KEPT, Remembered
from controller.accounts.secret import csrf_of, new_secret, sha256
from controller.accounts.tables import sessions, users
from controller.accounts.users import US
from controller.authority import Action, Actor, Role
from controller.database import DatabaseUnusable

WRITTEN_EVERY_US = 60 * US  # a session's last use; the store is not written at every request
SHOWN = 12  # figures of a hash that name a session in lists


@dataclass(frozen=True, slots=True)
class _Live:
    sha256: str
    actor: Actor
    used_us: int
    ends_us: int
    written_us: int
    read_s: float


class Sessions:
    """Begins, checks and ends sessions; those that count are remembered."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._live: Remembered[_Live] = Remembered(desk)
        self._ended: OrderedDict[str, None] = OrderedDict()  # here, and not yet in a store that does not answer

    async def remember(self) -> None:
        """Everybody who is signed in is known from now on, also where the store does not answer later."""
        now_s, changes = self._desk.now_s(), self._live.changes
        newest = _joined().order_by(sessions.c.used_us.desc()).limit(KEPT)
        for row in reversed(await self._desk.database.run(lambda c: c.execute(newest).all())):
            self._live.keep(row.sha256, _live(row, now_s), changes)

    async def begin(self, who: Actor, address: str, password: str | None) -> Session:
        """A new session, recorded before it counts; never one that the browser brought.

        password is the hash that was proved, None where another proof was given: whoever was disabled or had it
        changed meanwhile is refused.
        """
        secret = new_secret()
        limits, now_us = self._desk.limits, self._desk.clock.now_us()
        ends_us = now_us + int(limits.absolute.total_seconds() * US)
        row = {"sha256": sha256(secret), "user": who.name, "means": who.means, "address": address[:64]}
        times = {"begun_us": now_us, "used_us": now_us, "ends_us": ends_us}
        act = Act("session.begun", who, who.name, address)
        await self._desk.audit.record(act, new={"session": row["sha256"][:SHOWN], "until": text_of(ends_us)})

        changes, ended = self._live.changes, list(self._ended)

        def work(connection: Connection) -> None:
            found = connection.execute(select(users).where(users.c.name == who.name)).one_or_none()
            changed = found is None or not found.enabled or found.role != who.role.value
            if changed or (password is not None and found is not None and found.password != password):
                raise SignInRefused("the user was changed meanwhile; sign in again")
            idle_us = int(limits.idle.total_seconds() * US)
            over = (sessions.c.ends_us <= now_us) | (sessions.c.used_us <= now_us - idle_us)
            connection.execute(delete(sessions).where(over | sessions.c.sha256.in_(ended)))
            connection.execute(insert(sessions).values({**row, **times}))

        await self._desk.carry_out(act, work)
        for own in ended:
            self._ended.pop(own, None)
        live = _Live(row["sha256"], who, now_us, ends_us, now_us, self._desk.now_s())
        self._live.keep(live.sha256, live, changes)
        return Session(who, text_of(now_us), text_of(ends_us), secret, csrf_of(secret))

    async def actor(self, token: str, *, touch: bool = True, action: Action | None = None) -> Actor:
        """Who a session belongs to. touch: it counts as a use. action: what it is asked for.

        Raises TokenInvalid; LockedOut where too many made-up words come for one that is not remembered to be looked
        up; DatabaseUnusable, but not for what is done without the store.
        """
        own, now_us, now_s, changes = sha256(token), self._desk.clock.now_us(), self._desk.now_s(), self._live.changes
        before = self._live.get(own)
        live = None if own in self._ended else await self._live.found(own, partial(_read, own=own, now_s=now_s), action)
        if live is None:
            raise TokenInvalid("there is no such session; sign in")
        if before is not None:
            live = replace(live, used_us=max(live.used_us, before.used_us))
        if (why := self._over(live, now_us)) is not None:
            with suppress(DatabaseUnusable):  # over is over; a store that does not answer revives nothing
                await self._end([own], Act("session.ended", live.actor, live.actor.name, why=why))
            raise TokenInvalid(f"the session is over: {why}; sign in again")
        if touch:
            live = await self._used(live, now_us, action)
        if own in self._ended:
            raise TokenInvalid("there is no such session; sign in")
        self._live.keep(own, live, changes)
        return live.actor

    async def end(self, token: str, address: str) -> None:
        """Signs out: ended first, recorded then. One that is over already is no fault.

        Raises DatabaseUnusable: it is ended here, and in the store when that answers again.
        """
        own = sha256(token)
        live = self._live.get(own)
        if live is None:
            live = await self._desk.database.run(lambda connection: _read(connection, own, 0.0))
        if live is not None and own not in self._ended:
            await self._end([own], Act("session.ended", live.actor, live.actor.name, address, "signed out"))

    async def end_one(self, session_id: str, act: Act) -> None:
        """Ends a session by its id in lists. Raises TokenUnknown."""
        wanted = select(sessions.c.sha256).where(sessions.c.sha256.startswith(session_id, autoescape=True))
        found = await self._desk.database.run(lambda connection: list(connection.execute(wanted).scalars()))
        if len(session_id) != SHOWN or len(found) != 1:
            raise TokenUnknown("there is no such session")
        await self._end(found, act)

    async def all(self, user: str | None) -> list[SessionInfo]:
        """The sessions that count, of one user or of all, the newest first."""
        now_us, idle_us = self._desk.clock.now_us(), int(self._desk.limits.idle.total_seconds() * US)
        rows = await self._desk.database.run(
            lambda c: c.execute(select(sessions).order_by(sessions.c.begun_us.desc())).all()
        )
        found = []
        for row in rows:
            live = self._live.get(row.sha256)
            used_us = max(row.used_us, 0 if live is None else live.used_us)
            if user not in (None, row.user) or now_us >= min(used_us + idle_us, row.ends_us):
                continue
            times = (row.begun_us, used_us, min(used_us + idle_us, row.ends_us), row.ends_us)
            texts = [text_of(us) for us in times]
            found.append(SessionInfo(row.sha256[:SHOWN], row.user, row.means, row.address, *texts))
        return found

    def forget(self, user: str) -> None:
        """Everything known of a user's sessions is looked up anew."""
        self._live.forget_user(user)

    async def end_all(self, why: str) -> None:
        """Ends every session of everybody."""
        await self._desk.database.run(lambda connection: connection.execute(delete(sessions)))
        self._live.forget_all()
        self._desk.audit.note(Act("session.ended", None, "all", why=why))

    def _over(self, live: _Live, now_us: int) -> str | None:
        if now_us >= live.ends_us:
            return "it reached its longest time"
        if now_us - live.used_us >= self._desk.limits.idle.total_seconds() * US:
            return "nothing was asked for too long"
        return None

    async def _used(self, live: _Live, now_us: int, action: Action | None) -> _Live:
        """Notes a use; in the store only now and then, but often enough for the idle limit to survive a restart."""
        every_us = min(WRITTEN_EVERY_US, int(self._desk.limits.idle.total_seconds() * US) // 10)
        if now_us - live.written_us < every_us:
            return replace(live, used_us=now_us)
        change = update(sessions).where(sessions.c.sha256 == live.sha256).values(used_us=now_us)

        def work(connection: Connection) -> None:
            connection.execute(change)

        is_written = await self._live.noted(work, action)
        return replace(live, used_us=now_us, written_us=now_us if is_written else live.written_us)

    async def _end(self, owns: list[str], act: Act) -> None:
        self._live.forget(owns)
        self._ended.update(dict.fromkeys(owns))
        while len(self._ended) > KEPT:
            self._ended.popitem(last=False)
        self._desk.audit.note(act, old={"session": owns[0][:SHOWN]})
        await self._desk.database.run(lambda c: c.execute(delete(sessions).where(sessions.c.sha256.in_(owns))))
        for own in owns:
            self._ended.pop(own, None)


def _joined() -> Select[Any]:
    """Sessions whose users are enabled, with the role that each has now."""
    joined = sessions.join(users, users.c.name == sessions.c.user)
    return select(sessions, users.c.role).select_from(joined).where(users.c.enabled)


def _read(connection: Connection, own: str, now_s: float) -> _Live | None:
    row = connection.execute(_joined().where(sessions.c.sha256 == own)).one_or_none()
    return None if row is None else _live(row, now_s)


def _live(row: Row[Any], now_s: float) -> _Live:
    actor = Actor(row.user, Role(row.role), row.means)
    return _Live(row.sha256, actor, row.used_us, row.ends_us, row.used_us, now_s)

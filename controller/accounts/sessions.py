"""Sessions of browsers: an opaque word whose hash is kept; they end by themselves, by sign-out and with any change."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, insert, select, update

from controller.accounts.audit import Act
from controller.accounts.clock import text_of
from controller.accounts.desk import Desk
from controller.accounts.errors import SignInRefused, TokenInvalid, TokenUnknown
from controller.accounts.lockout import MADE_UP, MADE_UP_EVERY_S, Throttle
from controller.accounts.model import Session, SessionInfo
from controller.accounts.secret import csrf_of, new_secret, sha256
from controller.accounts.tables import sessions, users
from controller.accounts.users import US
from controller.authority import Actor, Role

READ_ANEW_S = 10.0  # loop seconds; whatever this process ends is forgotten at once
WRITTEN_EVERY_US = 60 * US  # a session's last use; the store is not written at every request
KEPT = 1_000
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
    """Begins, checks and ends sessions. Checked ones are remembered for some seconds, so that reading costs nothing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._live: OrderedDict[str, _Live] = OrderedDict()
        self._unknown = Throttle(MADE_UP, MADE_UP_EVERY_S)

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

        def work(connection: Connection) -> None:
            found = connection.execute(select(users).where(users.c.name == who.name)).one_or_none()
            changed = found is None or not found.enabled or found.role != who.role.value
            if changed or (password is not None and found is not None and found.password != password):
                raise SignInRefused("the user was changed meanwhile; sign in again")
            idle_us = int(limits.idle.total_seconds() * US)
            over = (sessions.c.ends_us <= now_us) | (sessions.c.used_us <= now_us - idle_us)
            connection.execute(delete(sessions).where(over))
            connection.execute(insert(sessions).values({**row, **times}))

        await self._desk.carry_out(act, work)
        return Session(who, text_of(now_us), text_of(ends_us), secret, csrf_of(secret))

    async def actor(self, token: str, *, touch: bool = True) -> Actor:
        """Who a session belongs to. touch: it counts as a use.

        Raises TokenInvalid; LockedOut where too many made-up words come for one that is not remembered to be looked up.
        """
        own, now_us, now_s = sha256(token), self._desk.clock.now_us(), self._desk.now_s()
        live = self._live.get(own)
        if live is None:
            self._unknown.check("", now_s)
        if live is None or now_s - live.read_s > READ_ANEW_S:
            used_us = 0 if live is None else live.used_us
            live = await self._desk.database.run(lambda connection: _read(connection, own, now_s))
            if live is None:
                self._live.pop(own, None)
                self._unknown.count("", now_s)
                raise TokenInvalid("there is no such session; sign in")
            live = replace(live, used_us=max(live.used_us, used_us))
        if (why := self._over(live, now_us)) is not None:
            await self._end([own], Act("session.ended", live.actor, live.actor.name, why=why))
            raise TokenInvalid(f"the session is over: {why}; sign in again")
        if touch:
            live = await self._used(live, now_us)
        self._live[own] = live
        self._live.move_to_end(own)
        while len(self._live) > KEPT:
            self._live.popitem(last=False)
        return live.actor

    async def end(self, token: str, address: str) -> None:
        """Signs out: ended first, recorded then. One that is over already is no fault."""
        own = sha256(token)
        live = await self._desk.database.run(lambda connection: _read(connection, own, 0.0))
        if live is not None:
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
        for own in [own for own, live in self._live.items() if live.actor.name == user]:
            del self._live[own]

    async def end_all(self, why: str) -> None:
        """Ends every session of everybody."""
        await self._desk.database.run(lambda connection: connection.execute(delete(sessions)))
        self._live.clear()
        self._desk.audit.note(Act("session.ended", None, "all", why=why))

    def _over(self, live: _Live, now_us: int) -> str | None:
        if now_us >= live.ends_us:
            return "it reached its longest time"
        if now_us - live.used_us >= self._desk.limits.idle.total_seconds() * US:
            return "nothing was asked for too long"
        return None

    async def _used(self, live: _Live, now_us: int) -> _Live:
        """Notes a use; in the store only now and then, but often enough for the idle limit to survive a restart."""
        every_us = min(WRITTEN_EVERY_US, int(self._desk.limits.idle.total_seconds() * US) // 10)
        if now_us - live.written_us < every_us:
            return replace(live, used_us=now_us)
        values = {"used_us": now_us}
        await self._desk.database.run(
            lambda c: c.execute(update(sessions).where(sessions.c.sha256 == live.sha256).values(values))
        )
        return replace(live, used_us=now_us, written_us=now_us)

    async def _end(self, owns: list[str], act: Act) -> None:
        for own in owns:
            self._live.pop(own, None)
        await self._desk.database.run(lambda c: c.execute(delete(sessions).where(sessions.c.sha256.in_(owns))))
        for own in owns:
            self._live.pop(own, None)
        self._desk.audit.note(act, old={"session": owns[0][:SHOWN]})


def _read(connection: Connection, own: str, now_s: float) -> _Live | None:
    """A session whose user is enabled; its role is the user's of now."""
    joined = sessions.join(users, users.c.name == sessions.c.user)
    wanted = select(sessions, users.c.role).select_from(joined).where(sessions.c.sha256 == own, users.c.enabled)
    row = connection.execute(wanted).one_or_none()
    if row is None:
        return None
    actor = Actor(row.user, Role(row.role), row.means)
    return _Live(own, actor, row.used_us, row.ends_us, row.used_us, now_s)

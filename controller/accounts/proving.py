"""Who somebody is, proved by a password: for a sign-in, a signature, a new password; always with the same care."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from controller.accounts import lockout
from controller.accounts.audit import Act
from controller.accounts.desk import Changed, Desk
from controller.accounts.errors import LockedOut, NotDone, SignInRefused
from controller.accounts.names import as_name
from controller.accounts.tables import users
from controller.accounts.users import US
from controller.authority import Actor, Role

REFUSED = "name and password do not fit"


@dataclass(frozen=True, slots=True)
class Proven:
    """Somebody with the hash of the password that proved it."""

    actor: Actor
    password: str


class Proving:
    """Compares passwords, counts failures, and tells the audit."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._throttle = lockout.Throttle()

    async def prove(self, name: str, password: str, address: str, kind: str = "sign_in") -> Proven:
        """Raises SignInRefused or LockedOut, in the same way and time for a name that is nobody's.

        kind is what it is for, in the audit: <kind>.refused.
        """
        given, place = as_name(name), address[:64]
        self.throttle(place)
        now_us = self._desk.clock.now_us()

        def begun(connection: Connection) -> tuple[lockout.Try, Row[Any] | None]:
            made = lockout.begin_try(connection, given, place, now_us)
            return made, connection.execute(select(users).where(users.c.name == given)).one_or_none()

        made, row = await self._desk.database.run(begun)
        stored = None if row is None else row.password
        try:
            fits = await self._desk.passwords.verify(stored, password, is_known=made.is_known)
        except LockedOut:
            await self._desk.database.run(lambda c: lockout.undone(c, made, now_us))
            raise
        if row is None or stored is None or not fits or not row.enabled:
            raise await self._refused(row, made, place, kind)
        kept_us = int(self._desk.limits.place.total_seconds() * US)
        await self._desk.database.run(lambda c: lockout.succeeded(c, made, row.name, place, now_us, kept_us))
        actor = Actor(row.name, Role(row.role), "password")
        return Proven(actor, await self._renewed(actor, stored, password, place))

    def throttle(self, address: str) -> None:
        """Counts a request of an address. Raises LockedOut for one of too many."""
        now_s = self._desk.now_s()
        self._throttle.check(address, now_s)
        self._throttle.count(address, now_s)

    async def _refused(self, row: Row[Any] | None, made: lockout.Try, place: str, kind: str) -> SignInRefused:
        who = None if row is None else Actor(row.name, Role(row.role), "password")
        act = Act(f"{kind}.refused", who, "" if row is None else row.name, place)
        audit = self._desk.audit
        if audit.takes(Act(act.kind, None, "", place)):  # by the address alone: a name that is somebody's is no slower
            await audit.record(act, locked=made.locks, **audit.left_out())
        return SignInRefused(REFUSED)

    async def _renewed(self, actor: Actor, stored: str, password: str, place: str) -> str:
        """The hash, made anew where it was made with parameters of before."""
        if not self._desk.passwords.is_outdated(stored):
            return stored
        try:
            hashed = await self._desk.passwords.hash(password)
        except LockedOut:  # another time: what is stored is good enough to come in with
            return stored

        def work(connection: Connection, _: int) -> Changed[str]:
            mine = (users.c.name == actor.name) & (users.c.password == stored)
            if connection.execute(update(users).where(mine).values(password=hashed)).rowcount != 1:
                raise NotDone("the password was changed meanwhile")
            return Changed(hashed)

        return await self._desk.change(Act("user.password_rehashed", actor, actor.name, place), work)

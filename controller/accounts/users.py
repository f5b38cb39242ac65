"""Users: made, changed, disabled, never removed; at least one administrator who can come in always stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from controller.accounts import lockout
from controller.accounts.audit import Act
from controller.accounts.clock import text_of
from controller.accounts.desk import Changed, Desk
from controller.accounts.errors import NotDone, UserUnknown
from controller.accounts.model import User, WayIn
from controller.accounts.names import as_name, role_named, user_name
from controller.accounts.password_rules import check_new_password
from controller.accounts.secret import new_secret, sha256
from controller.accounts.tables import sessions, tokens, users, ways_in
from controller.authority import AUTHORITY, Action, Actor, Role

US = 1_000_000


class Users:
    """What administrators do with users. Every method takes who asks and from where; each change is in the audit.

    All raise NotAuthorised, AuditUnwritable and DatabaseUnusable besides what they name. forget is told of each user
    whose sessions and tokens have to be looked at anew.
    """

    def __init__(self, desk: Desk, forget: Callable[[str], None]) -> None:
        self._desk, self._forget = desk, forget

    async def all(self) -> list[User]:
        """Everybody, by name."""
        rows = await self._desk.database.run(lambda c: c.execute(select(users).order_by(users.c.name)).all())
        return [user_of(row) for row in rows]

    async def get(self, name: str) -> User:
        """Raises UserUnknown."""
        return user_of(await self._desk.database.run(lambda c: row_named(c, as_name(name))))

    async def add(self, name: str, role: str, *, by: Actor, address: str = "", why: str = "") -> User:
        """A user who cannot come in before a way in or a password is given. Raises Unacceptable or NotDone."""
        act = Act("user.added", by, as_name(name), address, why)
        await self._desk.allow(by, Action.USERS, act)

        def work(connection: Connection, now_us: int) -> Changed[User]:
            return Changed(insert_user(connection, user_name(name), role_named(role), now_us), None, {"role": role})

        return await self._desk.change(act, work)

    async def set_enabled(self, name: str, *, enabled: bool, by: Actor, address: str = "", why: str = "") -> User:
        """Disabling ends sessions, tokens and ways in at once. Raises UserUnknown or NotDone."""
        act = Act("user.enabled" if enabled else "user.disabled", by, as_name(name), address, why)
        await self._desk.allow(by, Action.USERS, act)

        def work(connection: Connection, now_us: int) -> Changed[User]:
            row = _others(connection, act)
            connection.execute(update(users).where(users.c.name == row.name).values(enabled=enabled))
            if not enabled:
                end_rights(connection, row.name, now_us, frozenset())
            _refuse_no_administrator(connection, row)
            return Changed(user_of(row_named(connection, row.name)), {"enabled": row.enabled}, {"enabled": enabled})

        return await self._changed(act, work)

    async def set_role(self, name: str, role: str, *, by: Actor, address: str = "", why: str = "") -> User:
        """Ends sessions, and tokens that may do more than the new role. Raises UserUnknown, Unacceptable or NotDone."""
        act = Act("user.role", by, as_name(name), address, why)
        await self._desk.allow(by, Action.USERS, act)

        def work(connection: Connection, now_us: int) -> Changed[User]:
            row, new = _others(connection, act), role_named(role)
            connection.execute(update(users).where(users.c.name == row.name).values(role=new.value))
            end_rights(connection, row.name, now_us, AUTHORITY[new])
            _refuse_no_administrator(connection, row)
            return Changed(user_of(row_named(connection, row.name)), {"role": row.role}, {"role": new.value})

        return await self._changed(act, work)

    async def set_password(self, name: str, password: str, *, by: Actor, address: str = "", why: str = "") -> User:
        """Another's password, by an administrator; ends the sessions. Raises UserUnknown or PasswordUnacceptable."""
        act = Act("user.password", by, as_name(name), address, why)
        await self._desk.allow(by, Action.USERS, act)
        return await self.give_password(act, password)

    async def give_password(self, act: Act, password: str) -> User:
        """Sets the password of the user that an act is about, who may be asking; ends the sessions."""
        check_new_password(password, act.object)
        hashed = await self._desk.passwords.hash(password)

        def work(connection: Connection, now_us: int) -> Changed[User]:
            row = row_named(connection, act.object)
            put_password(connection, row.name, hashed, now_us)
            return Changed(user_of(row_named(connection, row.name)))

        return await self._changed(act, work)

    async def way_in(self, name: str, *, by: Actor, address: str = "", why: str = "") -> WayIn:
        """A new one-time way in, instead of any before; it also unlocks. Raises UserUnknown or NotDone."""
        act = Act("user.way_in", by, as_name(name), address, why)
        await self._desk.allow(by, Action.USERS, act)
        return await self.give_way_in(act)

    async def give_way_in(self, act: Act) -> WayIn:
        """A one-time way in for the user that an act is about."""
        secret = new_secret()

        def work(connection: Connection, now_us: int) -> Changed[WayIn]:
            row = row_named(connection, act.object)
            if not row.enabled:
                raise NotDone(f"{row.name} is disabled; enable them first")
            ends_us = now_us + int(self._desk.limits.way_in.total_seconds() * US)
            connection.execute(delete(ways_in).where((ways_in.c.user == row.name) | (ways_in.c.ends_us <= now_us)))
            connection.execute(insert(ways_in).values(sha256=sha256(secret), user=row.name, ends_us=ends_us))
            lockout.unlock(connection, row.name)
            return Changed(WayIn(row.name, text_of(ends_us), secret), None, {"until": text_of(ends_us)})

        return await self._desk.change(act, work)

    async def unlock(self, name: str, *, by: Actor, address: str = "", why: str = "") -> None:
        """Failed tries for this name count no more. Raises UserUnknown."""
        act = Act("user.unlocked", by, as_name(name), address, why)
        await self._desk.allow(by, Action.USERS, act)

        def work(connection: Connection, _: int) -> Changed[None]:
            lockout.unlock(connection, row_named(connection, act.object).name)
            return Changed(None)

        await self._desk.change(act, work)

    async def _changed(self, act: Act, work: Callable[[Connection, int], Changed[User]]) -> User:
        return await self._desk.change(act, work, lambda: self._forget(act.object))


def user_of(row: Row[Any]) -> User:
    """A row as it is told."""
    has_password = row.password is not None
    set_at = text_of(row.password_us) if has_password else None
    return User(
        row.name, Role(row.role), row.enabled, has_password, row.openid is not None, text_of(row.made_us), set_at
    )


def row_named(connection: Connection, name: str) -> Row[Any]:
    """Raises UserUnknown."""
    row = connection.execute(select(users).where(users.c.name == name)).one_or_none()
    if row is None:
        raise UserUnknown(f"there is no user {name}")
    return row


def insert_user(connection: Connection, name: str, role: Role, now_us: int, openid: str | None = None) -> User:
    """A new user. Raises NotDone for a name that is taken."""
    if connection.execute(select(users.c.name).where(users.c.name == name)).first() is not None:
        raise NotDone(f"there is a user {name} already; a name is never given twice")
    values = {"name": name, "role": role.value, "enabled": True, "made_us": now_us, "openid": openid}
    connection.execute(insert(users).values(values))
    return user_of(row_named(connection, name))


def put_password(connection: Connection, name: str, hashed: str, now_us: int) -> None:
    """A new password: every session and every way in from before it ends."""
    values = {"password": hashed, "password_us": now_us}
    connection.execute(update(users).where(users.c.name == name).values(values))
    connection.execute(delete(sessions).where(sessions.c.user == name))
    connection.execute(delete(ways_in).where(ways_in.c.user == name))


def end_rights(connection: Connection, name: str, now_us: int, may: frozenset[Action]) -> None:
    """Ends a user's sessions, and the tokens with which more may be done than `may`; with nothing the ways in too."""
    connection.execute(delete(sessions).where(sessions.c.user == name))
    if not may:
        connection.execute(delete(ways_in).where(ways_in.c.user == name))
    above = [role.value for role in Role if not AUTHORITY[role] <= may]
    over = (tokens.c.user == name) & tokens.c.revoked_us.is_(None) & tokens.c.role.in_(above)
    connection.execute(update(tokens).where(over).values(revoked_us=now_us))


def _others(connection: Connection, act: Act) -> Row[Any]:
    """The user that an act is about, who is not asking: nobody changes their own rights. Raises NotDone."""
    row = row_named(connection, act.object)
    if act.by is not None and act.by.name == row.name and act.by.means != "terminal":
        raise NotDone("nobody changes their own role or disables themselves; another administrator does")
    return row


def _refuse_no_administrator(connection: Connection, before: Row[Any]) -> None:
    """Somebody who needs no other program to come in has to stay, once there was one. Raises NotDone."""
    if before.role != Role.ADMINISTRATOR.value or not before.enabled or before.password is None:
        return
    able = (users.c.role == Role.ADMINISTRATOR.value) & users.c.enabled & users.c.password.is_not(None)
    if connection.execute(select(func.count()).select_from(users).where(able)).scalar_one() == 0:
        raise NotDone("this would leave no enabled administrator with a password; make another one first")

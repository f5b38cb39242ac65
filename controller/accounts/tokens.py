"""Tokens of programs: made by a person for programs that act in their name, never with more rights than theirs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from controller.accounts.audit import Act
from controller.accounts.clock import text_of, us_of
from controller.accounts.desk import Changed, Desk
from controller.accounts.errors import NotDone, TokenInvalid, TokenUnknown, Unacceptable
from controller.accounts.model import NewToken, TokenInfo
from controller.accounts.names import as_name, lasting, role_named, token_name
from controller.accounts.remembered import KEPT, Remembered
from controller.accounts.secret import new_id, new_secret, parse_program_token, program_token, same, sha256
from controller.accounts.tables import token_uses, tokens, users
from controller.accounts.users import US, row_named
from controller.authority import AUTHORITY, Action, Actor, NotAuthorised, Role

WRITTEN_EVERY_US = 60 * US
INVALID = "the token is none of this line, or it was revoked or is over"


@dataclass(frozen=True, slots=True)
class _Live:
    sha256: str
    actor: Actor
    ends_us: int
    written_us: int
    read_s: float


class Tokens:
    """Makes, checks, lists and revokes tokens."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._live: Remembered[_Live] = Remembered(desk)

    async def remember(self) -> None:
        """Every token that counts is known from now on, also where the store does not answer later."""
        now_us, now_s, changes = self._desk.clock.now_us(), self._desk.now_s(), self._live.changes
        wanted = _joined().where(_counts(now_us)).order_by(token_uses.c.used_us.desc()).limit(KEPT)
        for row in reversed(await self._desk.database.run(lambda c: c.execute(wanted).all())):
            if (live := _live(row, now_s)) is not None:
                self._live.keep(row.id, live, changes)

    async def make(
        self, name: str, role: str, lasts: timedelta, *, by: Actor, address: str = "", of: str | None = None
    ) -> NewToken:
        """A token of whoever asks; at the terminal `of` somebody. It is told this once.

        Raises NotAuthorised, Unacceptable, UserUnknown or NotDone (a name that is taken).
        """
        owner = by.name if of is None else as_name(of)
        act = Act("token.made", by, f"{owner}/{as_name(name)}", address)
        await self._refuse_maker(by, owner, act)
        token_id, secret = new_id(), new_secret()

        def work(connection: Connection, now_us: int) -> Changed[TokenInfo]:
            own, wanted = token_name(name), role_named(role)
            lasting(lasts, self._desk.limits.token_at_most, "a token")
            user = row_named(connection, owner)
            if not user.enabled:
                raise NotDone(f"{owner} is disabled")
            if not AUTHORITY[wanted] <= AUTHORITY[Role(user.role)]:
                raise Unacceptable(f"a token of {owner}, who is {user.role}, cannot be {wanted}")
            mine = (tokens.c.user == owner) & (tokens.c.name == own)
            if connection.execute(select(tokens.c.id).where(mine & _counts(now_us))).first() is not None:
                raise NotDone(f"{owner} has a token {own} already; revoke it or take another name")
            ends_us = now_us + int(lasts.total_seconds() * US)
            values = {"id": token_id, "sha256": sha256(secret), "user": owner, "name": own, "role": wanted.value}
            connection.execute(insert(tokens).values({**values, "made_us": now_us, "ends_us": ends_us}))
            new = {"id": token_id, "role": wanted.value, "until": text_of(ends_us)}
            return Changed(_info(_read(connection, token_id), now_us), None, new)

        changes = self._live.changes
        made = await self._desk.change(act, work)
        actor = Actor(owner, made.role, f"token {made.name}")
        known = _Live(sha256(secret), actor, us_of(made.ends), 0, self._desk.now_s())
        self._live.keep(token_id, known, changes)
        return NewToken(made, program_token(token_id, secret))

    async def revoke(self, token_id: str, *, by: Actor, address: str = "", why: str = "") -> TokenInfo:
        """One's own, or by who manages users anybody's. Raises NotAuthorised, TokenUnknown."""
        found = await self._desk.database.run(lambda connection: _read(connection, token_id))
        act = Act("token.revoked", by, f"{found.user}/{found.name}", address, why)
        if found.user != by.name or by.is_program:
            await self._desk.allow(by, Action.USERS, act)

        def work(connection: Connection, now_us: int) -> Changed[TokenInfo]:
            row = _read(connection, token_id)
            if row.revoked_us is not None:
                raise NotDone(f"the token {token_id} is revoked already")
            connection.execute(update(tokens).where(tokens.c.id == token_id).values(revoked_us=now_us))
            return Changed(_info(_read(connection, token_id), now_us), {"id": token_id})

        return await self._desk.change(act, work, lambda: self._live.forget([token_id]))

    def is_known(self, text: str) -> bool:
        """Whether a token is remembered as one that counts; nothing is looked up for that."""
        parsed = parse_program_token(text)
        live = None if parsed is None else self._live.get(parsed[0])
        return parsed is not None and live is not None and same(live.sha256, sha256(parsed[1]))

    async def actor(self, text: str, address: str, action: Action | None = None) -> Actor:
        """Who a program's token acts for. action: what it is asked for.

        Raises TokenInvalid; LockedOut where too many made-up ones come; DatabaseUnusable, but not for what is done
        without the store.
        """
        if (parsed := parse_program_token(text)) is None:
            raise TokenInvalid(INVALID)
        token_id, secret = parsed
        now_us, now_s, changes = self._desk.clock.now_us(), self._desk.now_s(), self._live.changes
        live = await self._live.found(token_id, lambda connection: _looked_up(connection, token_id, now_s), action)
        if live is None or not same(live.sha256, sha256(secret)) or now_us >= live.ends_us:
            raise TokenInvalid(INVALID)
        if now_us - live.written_us >= WRITTEN_EVERY_US:
            note = partial(_note_use, token_id=token_id, now_us=now_us, address=address[:64])
            if await self._live.noted(note, action):
                live = replace(live, written_us=now_us)
        self._live.keep(token_id, live, changes)
        return live.actor

    async def all(self, user: str | None) -> list[TokenInfo]:
        """The tokens of one user or of all, the newest first, those that count no more too."""
        now_us = self._desk.clock.now_us()
        wanted = _joined().order_by(tokens.c.made_us.desc())
        rows = await self._desk.database.run(lambda connection: connection.execute(wanted).all())
        return [_info(row, now_us) for row in rows if user in (None, row.user)]

    def forget(self, user: str) -> None:
        """Everything known of a user's tokens is looked up anew."""
        self._live.forget_user(user)

    async def _refuse_maker(self, by: Actor, owner: str, act: Act) -> None:
        """A person makes tokens of their own; whoever is at the computer's terminal anybody's."""
        if by.is_program or (owner != by.name and by.means != "terminal"):
            why = "a token makes no tokens" if by.is_program else "everybody makes their own tokens only"
            error = NotAuthorised(why)
            await self._desk.audit.refused(act, error)
            raise error


def _counts(now_us: int) -> Any:
    return tokens.c.revoked_us.is_(None) & (tokens.c.ends_us > now_us)


def _joined() -> Any:
    uses = tokens.join(users, users.c.name == tokens.c.user).outerjoin(token_uses, token_uses.c.id == tokens.c.id)
    columns = (users.c.enabled, users.c.role.label("user_role"), token_uses.c.used_us, token_uses.c.address)
    return select(tokens, *columns).select_from(uses)


def _read(connection: Connection, token_id: str) -> Row[Any]:
    row: Row[Any] | None = connection.execute(_joined().where(tokens.c.id == token_id)).one_or_none()
    if row is None:
        raise TokenUnknown("there is no such token")
    return row


def _looked_up(connection: Connection, token_id: str, now_s: float) -> _Live | None:
    row = connection.execute(_joined().where(tokens.c.id == token_id)).one_or_none()
    return None if row is None else _live(row, now_s)


def _live(row: Row[Any], now_s: float) -> _Live | None:
    """None for a token that does not count any more, or that may do more than its user."""
    if row.revoked_us is not None or not row.enabled:
        return None
    if not AUTHORITY[Role(row.role)] <= AUTHORITY[Role(row.user_role)]:
        return None
    actor = Actor(row.user, Role(row.role), f"token {row.name}")
    return _Live(row.sha256, actor, row.ends_us, row.used_us or 0, now_s)


def _note_use(connection: Connection, token_id: str, now_us: int, address: str) -> None:
    connection.execute(delete(token_uses).where(token_uses.c.id == token_id))
    connection.execute(insert(token_uses).values(id=token_id, used_us=now_us, address=address))


def _info(row: Row[Any], now_us: int) -> TokenInfo:
    return TokenInfo(
        id=row.id,
        name=row.name,
        user=row.user,
        role=Role(row.role),
        made=text_of(row.made_us),
        ends=text_of(row.ends_us),
        revoked=None if row.revoked_us is None else text_of(row.revoked_us),
        used=None if row.used_us is None else text_of(row.used_us),
        used_from=row.address,
        counts=row.revoked_us is None and row.ends_us > now_us and row.enabled,
    )

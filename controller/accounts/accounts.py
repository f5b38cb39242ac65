"""People and rights of a line as the service uses them: sign-in, sessions, tokens, users, signatures, the audit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection, func, select

from controller.accounts.audit import Act, Audit
from controller.accounts.audit_search import AuditEntry, AuditQuery, search
from controller.accounts.clock import AccountClock, us_of
from controller.accounts.desk import Changed, Desk
from controller.accounts.errors import CsrfRefused, TokenInvalid
from controller.accounts.lockout import Throttle
from controller.accounts.model import Limits, NewToken, Session, SessionInfo, SignatureRequest, TokenInfo, WayIn
from controller.accounts.names import as_name
from controller.accounts.openid import OpenId
from controller.accounts.openid_provider import OpenIdSettings
from controller.accounts.password_rules import check_new_password
from controller.accounts.passwords import Passwords
from controller.accounts.proving import Proving
from controller.accounts.secret import csrf_of, same, sha256
from controller.accounts.sessions import Sessions
from controller.accounts.signatures import Signatures
from controller.accounts.state import NOTHING, State, latest_us, state_of, vouched
from controller.accounts.tables import users, ways_in
from controller.accounts.tokens import Tokens
from controller.accounts.users import Users, insert_user, put_password, row_named
from controller.authority import Action, Actor, Role
from controller.database import Database
from controller.journal import Journal

FIRST = "administrator"
THE_PROGRAM = Actor("pressline", Role.ADMINISTRATOR, "first start")


class Accounts:
    """Made by `open`. Everything is asynchronous; passwords and the store are worked on beside the loop.

    users, tokens, signatures and audit are parts of it that others use directly.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.audit = desk.audit
        self._sessions, self.tokens = Sessions(desk), Tokens(desk)
        self.users = Users(desk, self._forget)
        self._proving = Proving(desk)
        self.signatures = Signatures(desk, self._proving)
        self._guessing = Throttle()

    @classmethod
    async def open(
        cls,
        database: Database,
        journal: Journal,
        utc: Callable[[], str],
        *,
        limits: Limits | None = None,
        passwords: Passwords | None = None,
        accept: Act | None = None,
    ) -> Accounts:
        """The accounts of a store that was opened with TABLES, and of the journal that vouches for them.

        utc gives the time of records, ISO 8601. Raises AccountsAltered where users or tokens are not what the audit
        says, unless an act accepts them as they are; AuditUnwritable, DatabaseUnusable.
        """
        audit, clock = Audit(journal), AccountClock(utc)
        found, known_us = await database.run(lambda connection: (state_of(connection), latest_us(connection)))
        clock.not_before(max(known_us, us_of(audit.latest_utc) if audit.latest_utc else 0))
        desk = Desk(database, audit, clock, passwords or Passwords(), limits or Limits())
        accounts = cls(desk)
        try:
            await accounts._look(found, accept)
            await accounts._sessions.remember()
            await accounts.tokens.remember()
        except BaseException:
            desk.passwords.close()
            raise
        return accounts

    async def _look(self, found: State, accept: Act | None) -> None:
        """Whether the audit vouches for what was found; a change that a crash kept out of the tables is told."""
        if accept is not None:
            accounts = {**found.data, "before": NOTHING}
            await self.audit.record(accept, new=found.data, accounts=accounts)
        elif not vouched(found, self.audit.latest_state()):
            act = Act("accounts.not_carried_out", None, "accounts", why="the last change was recorded, and not done")
            await self.audit.record(act, accounts={**found.data, "before": NOTHING})
        else:
            return
        await self._sessions.end_all("users or tokens are not what the last record says")

    async def close(self) -> None:
        """Waits for the password that is being looked at. The store and the journal are their openers'."""
        self._desk.passwords.close()

    # ---------------------------------------------------------------------- coming in

    async def has_users(self) -> bool:
        """Whether anybody can come in, or could by a way in that was given."""
        able = users.c.enabled & (users.c.password.is_not(None) | users.c.openid.is_not(None))
        count = select(func.count()).select_from(users).where(able)
        return bool(await self._desk.database.run(lambda connection: connection.execute(count).scalar_one()))

    async def first_way_in(self) -> WayIn | None:
        """At the first start makes an administrator without a password, and a one-time way in for them.

        A new one at each start until it is used; None once anybody has a password or a session by OpenID Connect.
        """
        if await self.has_users():
            return None
        names = await self._desk.database.run(
            lambda connection: list(connection.execute(select(users.c.name)).scalars())
        )
        if FIRST not in names:
            act = Act("user.added", THE_PROGRAM, FIRST, why="first start")
            made = {"role": Role.ADMINISTRATOR.value}
            await self._desk.change(
                act, lambda c, now: Changed(insert_user(c, FIRST, Role.ADMINISTRATOR, now), None, made)
            )
        return await self.users.give_way_in(Act("user.way_in", THE_PROGRAM, FIRST, why="first start"))

    async def use_way_in(self, token: str, password: str, address: str) -> Session:
        """Sets the password of whom a one-time way in is for, and signs them in. Once.

        Raises TokenInvalid, LockedOut and PasswordUnacceptable (then the way in still counts).
        """
        self._proving.throttle(address)
        own = sha256(token)

        def whose(connection: Connection, now_us: int) -> str:
            row = connection.execute(select(ways_in).where(ways_in.c.sha256 == own)).one_or_none()
            if row is None or row.ends_us <= now_us:
                raise TokenInvalid("this way in was used, is over, or is none; `pressline users way-in` makes another")
            return str(row.user)

        now_us = self._desk.clock.now_us()
        name = await self._desk.database.run(lambda connection: whose(connection, now_us))
        check_new_password(password, name)
        hashed = await self._desk.passwords.hash(password)

        def work(connection: Connection, now_us: int) -> Changed[Actor]:
            whose(connection, now_us)
            put_password(connection, name, hashed, now_us)
            return Changed(Actor(name, Role(row_named(connection, name).role), "password"))

        by = Actor(name, (await self.users.get(name)).role, "way in")
        changed = Act("user.password", by, name, address)
        actor = await self._desk.change(changed, work, lambda: self._forget(name))
        return await self._sessions.begin(actor, address, hashed)

    async def sign_in(self, name: str, password: str, address: str, *, replacing: str | None = None) -> Session:
        """A new session for who proves to be `name`; that of a token in `replacing` ends.

        Raises SignInRefused and LockedOut, in the same way for names that are nobody's.
        """
        proven = await self._proving.prove(name, password, address)
        if replacing is not None:
            await self._sessions.end(replacing, address)
        return await self._sessions.begin(proven.actor, address, proven.password)

    async def sign_out(self, token: str, address: str = "") -> None:
        """Ends the session of a token. One that is over already is no fault."""
        await self._sessions.end(token, address)

    async def change_password(self, by: Actor, old: str, new: str, address: str) -> Session:
        """One's own password, with the one of before; every session ends, and a new one begins.

        Raises SignInRefused, LockedOut, PasswordUnacceptable.
        """
        await self._proving.prove(by.name, old, address, "user.password")
        await self.users.give_password(Act("user.password", by, by.name, address), new)
        return await self.sign_in(by.name, new, address)

    # ---------------------------------------------------------------------- every request

    async def session(self, token: str, *, touch: bool = True, action: Action | None = None) -> Actor:
        """Who a session's token belongs to; without touch it does not count as used. Raises TokenInvalid.

        action is what it is asked for: some is done without the store (`controller.authority.WITHOUT_STORE`).
        """
        return await self._sessions.actor(token, touch=touch, action=action)

    def check_csrf(self, token: str, given: str) -> None:
        """Raises CsrfRefused unless a request carries the word that belongs to its session."""
        if not same(csrf_of(token), given):
            raise CsrfRefused("the request does not carry the word of its session; load the page again")

    async def bearer(self, token: str, address: str = "", action: Action | None = None) -> Actor:
        """Who a program's token acts for. Raises TokenInvalid, or LockedOut where one guesses.

        A token that is known is not kept waiting because another program guesses from the same address.
        """
        now_s = self._desk.now_s()
        if not self.tokens.is_known(token):
            self._guessing.check(address, now_s)
        try:
            return await self.tokens.actor(token, address, action)
        except TokenInvalid:
            self._guessing.count(address, now_s)
            raise

    # ---------------------------------------------------------------------- sessions and tokens

    async def sessions(self, of: str | None = None) -> list[SessionInfo]:
        """The sessions that count, of one user or of all."""
        return await self._sessions.all(None if of is None else as_name(of))

    async def end_session(self, session_id: str, *, by: Actor, address: str = "") -> None:
        """Ends one's own session, or by who manages users anybody's. Raises TokenUnknown, NotAuthorised."""
        act = Act("session.ended", by, session_id, address, "ended from a list")
        mine = {each.id for each in await self._sessions.all(by.name)}
        if session_id not in mine or by.is_program:
            await self._desk.allow(by, Action.USERS, act)
        await self._sessions.end_one(session_id, act)

    async def make_token(
        self, name: str, role: str, lasts: timedelta, *, by: Actor, address: str = "", of: str | None = None
    ) -> NewToken:
        """A token for a program; see Tokens.make."""
        return await self.tokens.make(name, role, lasts, by=by, address=address, of=of)

    async def second_signature(
        self, request_id: str, name: str, password: str, sha256: str, *, address: str
    ) -> SignatureRequest:
        """The second signature under a request; see Signatures.second."""
        return await self.signatures.second(request_id, name, password, sha256, address=address)

    async def revoke(self, token_id: str, *, by: Actor, address: str = "", why: str = "") -> TokenInfo:
        """Ends a token at once; see Tokens.revoke."""
        return await self.tokens.revoke(token_id, by=by, address=address, why=why)

    def by_openid(self, settings: OpenIdSettings) -> OpenId:
        """The sign-in with a plant's provider; made once, since it remembers what the provider says of itself."""
        return OpenId(settings, self._desk, self._sessions, self._proving, self._forget)

    async def search(self, wanted: AuditQuery) -> list[AuditEntry]:
        """What people did, newest first, in all that the journal holds; read beside the loop. Raises JournalError."""
        return await asyncio.to_thread(lambda: search(self.audit.newest_first(), wanted))

    def _forget(self, name: str) -> None:
        self._sessions.forget(name)
        self.tokens.forget(name)

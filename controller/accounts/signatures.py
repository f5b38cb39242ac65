"""Electronic signatures: who, when, meaning what, of exactly what; and what two different people have to sign.

Who signs gives the password anew: a screen that somebody left signs nothing. What is signed is named by its hash, so
that nobody signs one thing and another is done. A request that two signed is used once.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, insert, select, update

from controller.accounts.audit import Act
from controller.accounts.clock import text_of
from controller.accounts.desk import Desk
from controller.accounts.errors import SignatureRefused
from controller.accounts.model import Signature, SignatureRequest, ToBeSigned
from controller.accounts.names import as_name, words
from controller.accounts.proving import Proving
from controller.accounts.secret import new_id
from controller.accounts.tables import signature_requests, users
from controller.accounts.users import US
from controller.authority import AUTHORITY, SIGNED_BY_TWO, Action, Actor, NotAuthorised, Role

T = TypeVar("T")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
LONGEST_REASON = 1000


class Signatures:
    """Gives, asks for and uses signatures. All methods raise AuditUnwritable and DatabaseUnusable besides."""

    def __init__(self, desk: Desk, proving: Proving) -> None:
        self._desk, self._proving = desk, proving
        self._turn = asyncio.Lock()

    async def sign(self, what: ToBeSigned, password: str, *, by: Actor, address: str) -> Signature:
        """One person's signature, for a release. Raises NotAuthorised, SignInRefused, LockedOut, SignatureRefused."""
        what = _checked(what)
        act = Act("signature.given", by, what.object, address)
        await self._allow(by, what.action, act)
        if what.action in SIGNED_BY_TWO:
            raise SignatureRefused(f"to {what.action}, two people sign; ask for the second signature")
        actor = (await self._proving.prove(by.name, password, address, "signature")).actor
        await self._allow(actor, what.action, act)
        event = await self._desk.audit.record(act, new=_data(what))
        return _signature(actor, event.utc, what)

    async def ask(self, what: ToBeSigned, reason: str, *, by: Actor, address: str) -> SignatureRequest:
        """The first person's request for a second signature. Raises NotAuthorised, SignatureRefused, Unacceptable."""
        what, why = _checked(what), words(reason, "the reason", LONGEST_REASON)
        act = Act("signature.asked", by, what.object, address, why)
        await self._allow(by, what.action, act)
        request_id, now_us = new_id(), self._desk.clock.now_us()
        ends_us = now_us + int(self._desk.limits.request.total_seconds() * US)
        values = {"id": request_id, "object": what.object, "sha256": what.sha256, "meaning": what.meaning}
        first = {"first": by.name, "first_role": by.role.value, "first_means": by.means, "reason": why}
        times = {"asked_us": now_us, "ends_us": ends_us, "action": what.action.name}
        await self._desk.audit.record(act, new={**_data(what), "request": request_id})

        def work(connection: Connection) -> SignatureRequest:
            connection.execute(insert(signature_requests).values({**values, **first, **times}))
            return _request(_row(connection, request_id), now_us)

        return await self._desk.carry_out(act, work)

    async def second(self, request_id: str, name: str, password: str, sha256: str, *, address: str) -> SignatureRequest:
        """Another person with the same right signs what was asked for, as they saw it: sha256 is of what they saw.

        Raises SignatureRefused, NotAuthorised, SignInRefused, LockedOut.
        """
        async with self._turn:
            now_us = self._desk.clock.now_us()
            row = await self._desk.database.run(lambda connection: _row(connection, request_id))
            _refuse_unless(_state(row, now_us), "open", row)
            actor = (await self._proving.prove(name, password, address, "signature")).actor
            act = Act("signature.given", actor, row.object, address, row.reason)
            try:
                if actor.name == row.first:
                    raise SignatureRefused(f"{actor.name} has asked for this; somebody else signs it")  # noqa: TRY301
                if sha256 != row.sha256:
                    raise SignatureRefused("what was asked for is not what you saw; look at it again")  # noqa: TRY301
            except SignatureRefused as error:
                await self._desk.audit.refused(act, error)
                raise
            await self._allow(actor, Action[row.action], act)
            await self._desk.audit.record(act, new={**_data(_what(row)), "request": row.id, "first": row.first})
            values = {"second": actor.name, "second_role": actor.role.value, "signed_us": now_us}

            def work(connection: Connection) -> SignatureRequest:
                _refuse_unless(_state(_row(connection, row.id, lock=True), now_us), "open", row)
                connection.execute(update(signature_requests).where(signature_requests.c.id == row.id).values(values))
                return _request(_row(connection, row.id), now_us)

            return await self._desk.carry_out(act, work)

    async def use(
        self, request_id: str, what: ToBeSigned, *, by: Actor, address: str = ""
    ) -> tuple[Signature, Signature]:
        """Both signatures under exactly this, once: whoever is given them does it.

        Both people have to be there still and still have the right. Raises SignatureRefused, NotAuthorised.
        """
        async with self._turn:
            now_us = self._desk.clock.now_us()
            act = Act("signature.used", by, what.object, address)
            await self._desk.allow(by, what.action, act)

            def usable(connection: Connection) -> Row[Any]:
                row = _row(connection, request_id, lock=True)
                _refuse_unless(_state(row, now_us), "signed", row)
                if (row.action, row.sha256, row.object) != (what.action.name, what.sha256, what.object):
                    raise SignatureRefused("this is not what was signed; ask for signatures under it as it is")
                for name in (row.first, row.second):
                    _refuse_without_right(connection, name, what.action)
                return row

            try:
                row = await self._desk.database.run(usable)
            except SignatureRefused as error:
                await self._desk.audit.refused(act, error)
                raise
            await self._desk.audit.record(act, new={**_data(what), "request": row.id})

            def work(connection: Connection) -> None:
                usable(connection)
                wanted = signature_requests.c.id == row.id
                connection.execute(update(signature_requests).where(wanted).values(over="used"))

            await self._desk.carry_out(act, work)
        first = Actor(row.first, Role(row.first_role), row.first_means)
        second = Actor(row.second, Role(row.second_role), "password")
        signed = _what(row)
        return (
            _signature(first, text_of(row.asked_us), signed, row.id),
            _signature(second, text_of(row.signed_us), signed, row.id),
        )

    async def withdraw(self, request_id: str, *, by: Actor, address: str = "") -> None:
        """Takes back a request, by who asked or who could sign. Raises SignatureRefused, NotAuthorised."""
        async with self._turn:
            now_us = self._desk.clock.now_us()
            row = await self._desk.database.run(lambda connection: _row(connection, request_id))
            act = Act("signature.withdrawn", by, row.object, address)
            await self._allow(by, Action[row.action], act)
            if _state(row, now_us) not in ("open", "signed"):
                _refuse_unless(_state(row, now_us), "open", row)
            wanted = (signature_requests.c.id == row.id) & signature_requests.c.over.is_(None)
            values = {"over": "withdrawn"}
            await self._desk.audit.record(act, new={"request": row.id})
            await self._desk.carry_out(
                act, lambda c: c.execute(update(signature_requests).where(wanted).values(values))
            )

    async def open(self) -> list[SignatureRequest]:
        """What waits for a second signature, or was signed and not used yet; the oldest first."""
        now_us = self._desk.clock.now_us()
        wanted = select(signature_requests).where(signature_requests.c.ends_us > now_us)
        ordered = wanted.where(signature_requests.c.over.is_(None)).order_by(signature_requests.c.asked_us)
        rows = await self._desk.database.run(lambda connection: connection.execute(ordered).all())
        return [_request(row, now_us) for row in rows]

    async def _allow(self, by: Actor, action: Action, act: Act) -> None:
        if by.is_program:
            error = NotAuthorised("a token signs nothing; a person does, with a password")
            await self._desk.audit.refused(act, error)
            raise error
        await self._desk.allow(by, action, act)


def _checked(what: ToBeSigned) -> ToBeSigned:
    if _SHA256.fullmatch(what.sha256) is None:
        raise SignatureRefused("what is signed is named by its SHA-256, 64 hexadecimal digits")
    return ToBeSigned(
        what.action, words(what.object, "what is signed"), what.sha256, words(what.meaning, "the meaning")
    )


def _data(what: ToBeSigned) -> dict[str, str]:
    return {"action": what.action.name, "sha256": what.sha256, "meaning": what.meaning}


def _signature(by: Actor, utc: str, what: ToBeSigned, request: str | None = None) -> Signature:
    return Signature(by.name, by.role, by.means, utc, what.action, what.object, what.sha256, what.meaning, request)


def _row(connection: Connection, request_id: str, *, lock: bool = False) -> Row[Any]:
    wanted = select(signature_requests).where(signature_requests.c.id == as_name(request_id)[:16])
    row = connection.execute(wanted.with_for_update() if lock else wanted).one_or_none()
    if row is None:
        raise SignatureRefused("there is no such request for a signature")
    return row


def _state(row: Row[Any], now_us: int) -> str:
    if row.over is not None:
        return str(row.over)
    if now_us >= row.ends_us:
        return "over"
    return "open" if row.second is None else "signed"


def _refuse_unless(state: str, wanted: str, row: Row[Any]) -> None:
    if state == wanted:
        return
    told = {
        "open": "has only one signature",
        "signed": f"was signed by {row.second} already",
        "used": "was used already; each is used once",
        "withdrawn": "was withdrawn",
        "over": f"was over at {text_of(row.ends_us)}",
    }
    raise SignatureRefused(f"the request {row.id} {told[state]}")


def _refuse_without_right(connection: Connection, name: str, action: Action) -> None:
    row = connection.execute(select(users).where(users.c.name == name, users.c.enabled)).one_or_none()
    if row is None or action not in AUTHORITY[Role(row.role)]:
        raise SignatureRefused(f"{name}, who signed, may not {action} any more")


def _what(row: Row[Any]) -> ToBeSigned:
    return ToBeSigned(Action[row.action], row.object, row.sha256, row.meaning)


def _request(row: Row[Any], now_us: int) -> SignatureRequest:
    signed = None if row.signed_us is None else text_of(row.signed_us)
    times = (text_of(row.asked_us), text_of(row.ends_us), _state(row, now_us))
    return SignatureRequest(row.id, _what(row), row.reason, row.first, Role(row.first_role), *times, row.second, signed)

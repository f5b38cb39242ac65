"""How something about people and rights is changed: tried, recorded, done; all or nothing, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from controller.accounts.audit import CHANGES, Act, Audit
from controller.accounts.clock import AccountClock
from controller.accounts.errors import AccountsError, NotDone
from controller.accounts.model import Limits
from controller.accounts.passwords import Passwords
from controller.accounts.state import State, counted_on, state_of
from controller.authority import Action, Actor, NotAuthorised, authorise
from controller.database import Database, DatabaseUnusable

T = TypeVar("T")
SOON_S = 2.0
"""Wall seconds in which a store answers that does; who only looks is not kept longer (engineering judgement)."""


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """What a change gives back, and what the audit says was before and is after."""

    result: T
    old: Any = None
    new: Any = None


class _Rehearsed(Exception):  # never told: it carries a rehearsal out of its transaction, which is undone
    def __init__(self, changed: Changed[Any], before: State, after: State) -> None:
        self.changed, self.before, self.after = changed, before, after


class Desk:
    """What every part of the accounts works with."""

    def __init__(
        self, database: Database, audit: Audit, clock: AccountClock, passwords: Passwords, limits: Limits
    ) -> None:
        self.database, self.audit, self.clock, self.passwords, self.limits = database, audit, clock, passwords, limits
        self._turn = asyncio.Lock()

    def now_s(self) -> float:
        """The loop's time, for what is only remembered."""
        return asyncio.get_running_loop().time()

    async def soon(self, work: Callable[[Connection], T]) -> T:
        """What the store says within a short time. Raises DatabaseUnusable."""
        pace_s = float(getattr(asyncio.get_running_loop(), "speed", 1.0))
        try:
            async with asyncio.timeout(SOON_S * pace_s):
                return await self.database.run(work)
        except TimeoutError:
            raise DatabaseUnusable(f"{self.database.place}: does not answer within {SOON_S:g} s") from None

    async def allow(self, by: Actor, action: Action, act: Act) -> None:
        """Raises NotAuthorised, recorded, unless this person may; no program may where it changes who may what."""
        try:
            _refuse_program(by, action)
            authorise(by.role, action)
        except NotAuthorised as error:
            await self.audit.refused(act, error)
            raise

    async def change(
        self, act: Act, work: Callable[[Connection, int], Changed[T]], forget: Callable[[], None] | None = None
    ) -> T:
        """Carries out a change of users or tokens: rehearsed in a transaction that is undone, recorded, then done.

        `work` gets the connection and the time and may be called twice. `forget` is called once the change may have
        been done: what is remembered of before counts no more. Raises what `work` raises (recorded as refused),
        AuditUnwritable and DatabaseUnusable; then nothing was changed.
        """
        if act.kind not in CHANGES:
            raise AssertionError(f"{act.kind} is no kind of change")
        async with self._turn:
            now_us = self.clock.now_us()
            try:
                rehearsed = await self._rehearse(work, now_us)
            except AccountsError as error:
                await self.audit.refused(act, error)
                raise
            accounts = {**rehearsed.after.data, "before": rehearsed.before.data}
            await self.audit.record(act, rehearsed.changed.old, rehearsed.changed.new, accounts=accounts)
            try:
                return (await self.carry_out(act, lambda c: _carry_out(c, work, now_us, rehearsed.before))).result
            finally:
                if forget is not None:
                    forget()

    async def _rehearse(self, work: Callable[[Connection, int], Changed[Any]], now_us: int) -> _Rehearsed:
        def tried(connection: Connection) -> None:
            before = state_of(connection)
            changed = work(connection, now_us)
            raise _Rehearsed(changed, before, counted_on(connection, before, now_us))

        try:
            await self.database.run(tried)
        except _Rehearsed as rehearsed:
            return rehearsed
        raise AssertionError("a rehearsal is always undone")

    async def carry_out(self, act: Act, work: Callable[[Connection], T]) -> T:
        """What is recorded is done, also where whoever asked goes away meanwhile; if it fails, that is recorded too."""
        task, was_cancelled = asyncio.create_task(self.database.run(work), name=f"accounts: {act.kind}"), False
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                was_cancelled = True
        if (error := task.exception()) is not None:
            self.audit.not_done(act, str(error))
            raise error
        if was_cancelled:
            raise asyncio.CancelledError
        return task.result()


def _refuse_program(by: Actor, action: Action) -> None:
    if by.is_program and action is Action.USERS:
        raise NotAuthorised("a token does not manage users and tokens; sign in with a password")


def _carry_out(
    connection: Connection, work: Callable[[Connection, int], Changed[T]], now_us: int, rehearsed: State
) -> Changed[T]:
    before = state_of(connection)
    if before != rehearsed:
        raise NotDone("somebody else changed users or tokens at the same time; try again")
    changed = work(connection, now_us)
    counted_on(connection, before, now_us)
    return changed

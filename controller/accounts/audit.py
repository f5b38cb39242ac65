"""The audit: who did what, in which role, known how, from where, old and new, and why, in the journal's hash chain.

What changes rights is recorded first and then done; what the journal does not take is not done. What ends a right is
done first and then noted, as with machines. No record holds a password, a token or any other secret, nor a name that
is nobody's: people type passwords into the wrong field.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.accounts.errors import AuditUnwritable
from controller.accounts.sparing import Sparing
from controller.authority import Actor
from controller.events import Event
from controller.journal import Journal, JournalError

AUDIT = "audit"
"""Under which name the journal keeps it."""
CHANGES = (
    "user.added",
    "user.enabled",
    "user.disabled",
    "user.role",
    "user.password",
    "user.password_rehashed",
    "user.way_in",
    "user.unlocked",
    "token.made",
    "token.revoked",
    "accounts.accepted",
    "accounts.not_carried_out",
)
"""Kinds whose records vouch for the state of users and tokens after them."""
HELD = 64  # records that stay in memory until the next look at them
NOBODY = ""
"""Who is not known."""


@dataclass(frozen=True, slots=True)
class Act:
    """What is done to what: kind is <thing>.<what happened>, object its name; why in the words of who does it."""

    kind: str
    by: Actor | None
    object: str
    address: str = ""
    why: str = ""

    def data(self, old: Any = None, new: Any = None) -> dict[str, Any]:
        """As it is recorded."""
        by = self.by
        return {
            "who": NOBODY if by is None else by.name,
            "role": NOBODY if by is None else by.role.value,
            "means": NOBODY if by is None else by.means,
            "address": self.address,
            "object": self.object,
            "old": old,
            "new": new,
            "why": self.why,
        }


class Audit:
    """Writes into the journal's chain; also for other rooms, of what they have no record of their own."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._held = 0
        self._sparing = Sparing()

    async def record(self, act: Act, old: Any = None, new: Any = None, **more: Any) -> Event:
        """Returns when it is durable. Raises AuditUnwritable; then what was to be done must not be."""
        try:
            event = await self._journal.append(AUDIT, act.kind, {**act.data(old, new), **more})
        except JournalError as error:
            self.not_done(act, "the record was late")
            raise AuditUnwritable(f"nothing was done: {error}") from error
        except asyncio.CancelledError:
            self.not_done(act, "whoever asked went away")
            raise
        self._count()
        return event

    def note(self, act: Act, old: Any = None, new: Any = None, **more: Any) -> Event:
        """What was already done, because it ends a right."""
        self._count()
        return self._journal.note(AUDIT, act.kind, {**act.data(old, new), **more})

    async def refused(self, act: Act, why: Exception) -> None:
        """That something was asked for and not done. Raises AuditUnwritable."""
        if self.takes(act):
            await self.record(_refusal(act), new=act.kind, told=str(why), **self.left_out())

    def denied(self, act: Act, why: Exception) -> None:
        """The same where the refusal stands whether the journal takes it or not, and nobody waits for it."""
        if self.takes(act):
            self.note(_refusal(act), new=act.kind, told=str(why), **self.left_out())

    def takes(self, act: Act) -> bool:
        """Whether a refusal of this is recorded: of thousands of one person or address most are only counted."""
        whose = act.address if act.by is None else act.by.name
        return self._sparing.takes(whose, asyncio.get_running_loop().time())

    def left_out(self) -> dict[str, int]:
        """For the next record of a refusal: how many were counted only since the last one."""
        count = self._sparing.left_out()
        return {"left_out": count} if count else {}

    def not_done(self, act: Act, why: str) -> None:
        """That what stands recorded did not come about after all."""
        self._journal.note(AUDIT, "audit.not_done", {**act.data(), "new": act.kind, "told": why})

    def _count(self) -> None:
        """Lets records go from memory now and then; the store has them, and a service of months would grow."""
        self._held += 1
        if self._held >= HELD:
            self._held = 0
            self._journal.forget(AUDIT)

    def latest_state(self) -> Mapping[str, Any] | None:
        """What the latest record of a change says of the state of all accounts; None where there was none."""
        told = self._journal.everything().latest_of(CHANGES, ())
        last = max(told, key=lambda event: event.sequence, default=None)
        return None if last is None else last.data.get("accounts")

    def newest_first(self) -> Iterator[Event]:
        """Every record of the journal."""
        return reversed(self._journal.everything())

    @property
    def latest_utc(self) -> str:
        """The latest time of any record."""
        return self._journal.latest_utc


def _refusal(act: Act) -> Act:
    return Act("audit.refused", act.by, act.object, act.address, act.why)

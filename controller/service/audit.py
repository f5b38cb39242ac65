"""Every command that a person or a program gives is checked against the table of rights, and journalled.

What raises risk, or changes what is known, is journalled before it is done; where the journal takes nothing, nothing is
done. What lowers risk is done first and noted afterwards. What was refused is noted with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from controller.alarms.states import AlarmRefused
from controller.authority import Action, Actor, NotAuthorised, authorise
from controller.executor.allocation import LINE
from controller.executor.commands import OutdatedCommand
from controller.executor.desk import PromptGone, WrongLot
from controller.executor.states import TransitionRefused
from controller.guard import PermissiveMissing
from controller.interlocks import BypassRefused
from controller.journal import Journal, JournalError
from controller.line import UnitTaken, UnitUnknown
from controller.lots.acts import NotAllowed
from controller.lots.model import LotUnknown
from controller.readiness import MachineNotReady
from controller.recovery import NotContinuable
from controller.service.errors import Conflict, Finding, Invalid, ServiceError, Unknown, Unready
from drivers.errors import DriverError

ASKED, REFUSED = "person.asked", "person.refused"
"""Kinds of the line's records that say who asked for what, in which role, and why."""

_CONFLICTS = (
    AlarmRefused,
    BypassRefused,
    MachineNotReady,
    NotAllowed,
    NotContinuable,
    PermissiveMissing,
    PromptGone,
    TransitionRefused,
    UnitTaken,
    DriverError,
)
_TOLD = (*_CONFLICTS, OutdatedCommand, WrongLot, LotUnknown, UnitUnknown, JournalError, ServiceError, NotAuthorised)


def in_service_words(error: Exception) -> Exception:
    """What the service raises where a room below raised this."""
    match error:
        case OutdatedCommand():
            return Conflict(str(error), error.now)
        case WrongLot():
            return Invalid([Finding("lots", str(error))])
        case LotUnknown() | UnitUnknown():
            return Unknown(str(error))
        case JournalError():
            return Unready(f"{error}; nothing was done")
        case _ if isinstance(error, _CONFLICTS):
            return Conflict(str(error))
    return error


class Audit:
    """Who asked for what: the only way from a person to the line."""

    def __init__(self, journal: Journal, refuse: Callable[[Action], str]) -> None:
        self._journal = journal
        self._refuse = refuse  # why something that raises risk is not taken any more, "" while it is

    @asynccontextmanager
    async def raising(
        self, by: Actor, action: Action, what: str, about: str, reason: str, more: Mapping[str, Any] | None = None
    ) -> AsyncIterator[None]:
        """The command is done within the block. Raises NotAuthorised, ServiceError."""
        data = _data(by, what, about, reason, more)
        with self._told(data):
            authorise(by.role, action)
            if why := self._refuse(action):
                raise Unready(why)
            await self._journal.append(LINE, ASKED, data)
            yield

    @contextmanager
    def lowering(self, by: Actor, action: Action, what: str, about: str, reason: str) -> Iterator[None]:
        """The command, which lowers risk, is done within the block. Raises NotAuthorised, ServiceError."""
        data = _data(by, what, about, reason, None)
        with self._told(data):
            authorise(by.role, action)
            try:
                yield
            except asyncio.CancelledError:  # whoever asked is gone; what was asked for is on its way
                self._journal.note(LINE, ASKED, {**data, "waited": False})
                raise
            self._journal.note(LINE, ASKED, data)

    @contextmanager
    def _told(self, data: Mapping[str, Any]) -> Iterator[None]:
        try:
            yield
        except _TOLD as error:
            self._journal.note(LINE, REFUSED, {**data, "refused": str(error)})
            raised = in_service_words(error)
            if raised is error:
                raise
            raise raised from error


def _data(by: Actor, what: str, about: str, reason: str, more: Mapping[str, Any] | None) -> dict[str, Any]:
    who = {"who": by.name, "role": by.role.value, "means": by.means}
    return {"what": what, "about": about, **who, "reason": reason, **(more or {})}


def need_reason(reason: str) -> None:
    """Raises Invalid where nobody says why."""
    if not reason.strip():
        raise Invalid([Finding("reason", "is empty; whoever reads the record later wants to know why")])

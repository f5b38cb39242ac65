"""The only door to a machine's setpoints and commands.

What raises risk is checked against the permissives, journalled, then sent. What lowers risk goes to the wire first and
is journalled afterwards, without waiting for a disk.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.interlocks import missing_for_maintenance, missing_permissives
from controller.journal import Journal
from drivers.errors import DriverError
from drivers.machine import Machine
from drivers.profile import Profile
from drivers.reading import Reading, Snapshot
from drivers.writing import Written

SETTLING_S = 3.0  # a person says "loaded" while the guard still closes; its contact is seen with the next scans
LOOK_AGAIN_S = 0.5  # a few looks within the settling time
_OUT = {"outcome": "unknown", "why": "nobody waited for the answer"}
_NOT_OUT = {"outcome": "not sent", "why": "it was given up before anything went out"}


class PermissiveMissing(Exception):
    """A command that raises risk was not sent because a permissive is missing. Retry when the condition holds."""


@dataclass(frozen=True, slots=True)
class HandWrite:
    """One value that a person wants in a unit.

    `profile` is the unit's, `look` reads what the permissives and `signal` need, `send` writes once and reads back;
    `is_out` says whether a byte of the write may have gone out.
    """

    unit: str
    url: str
    signal: str
    value: float
    who: str
    profile: Profile
    look: Callable[[], Awaitable[Snapshot]]
    send: Callable[[], Awaitable[Written]]
    is_out: Callable[[], bool]


class Guard:
    """The door for one run. Every call names who wants it and why.

    halted says whether a hold, stop or abort was asked for and is not yet carried out; then nothing that raises risk
    passes, even if it was journalled already.
    """

    def __init__(self, journal: Journal, run: str, halted: Callable[[], bool] = lambda: False) -> None:
        self._journal = journal
        self._run = run
        self._halted = halted

    async def load(self, machine: Machine, job: Mapping[str, object], send: Callable[[], Awaitable[None]]) -> None:
        """Downloads a job after journalling it. Raises PermissiveMissing, DriverError or JournalError."""
        await self._permit(machine, "load_job", restart=False)
        await self._raise(machine, "load_job", send, job=dict(job))

    async def start(self, machine: Machine) -> None:
        """Starts the loaded job. Raises PermissiveMissing, DriverError or JournalError."""
        await self._permit(machine, "start", restart=False)
        await self._raise(machine, "start", machine.start)

    async def restart(self, machine: Machine, who: str) -> None:
        """Continues a held job. Raises PermissiveMissing, DriverError or JournalError."""
        await self._permit(machine, "restart", restart=True)
        await self._raise(machine, "restart", machine.restart, who=who)

    async def reset(self, machine: Machine) -> None:
        """Acknowledges a finished job, which lets the machine be opened. Raises DriverError or JournalError."""
        await self._raise(machine, "reset", machine.reset)

    async def lower(self, machine: Machine, command: str, reason: str, who: str) -> bool:
        """Sends hold, stop or abort at once, then notes it. False when the machine could not be told."""
        send = {"hold": machine.hold, "stop": machine.stop, "abort": machine.abort}[command]
        data = {"unit": machine.unit, "command": command, "reason": reason, "who": who}
        try:
            await send()
        except DriverError as error:
            self._journal.note(self._run, "command.undelivered", {**data, "error": str(error)})
            return False
        self._journal.note(self._run, "command.done", data)
        return True

    async def write(self, hand: HandWrite) -> Written:
        """One value written by a person: journalled, written once, and its outcome journalled.

        Raises PermissiveMissing, JournalError or DriverError: nothing was sent. A cancelled one is journalled as "not
        sent" if certainly nothing went out, else as of unknown outcome.
        """
        data = {"unit": hand.unit, "url": hand.url, "signal": hand.signal, "value": hand.value, "who": hand.who}
        snapshot = await hand.look()
        if missing := missing_for_maintenance(hand.profile, snapshot):
            await self._journal.append(self._run, "write.refused", {**data, "missing": missing})
            raise PermissiveMissing(f"{hand.unit} " + "; ".join(missing))
        was = _journalled(snapshot.reading(hand.signal))
        try:
            await self._journal.append(self._run, "write.requested", {**data, "was": was})
            written = await hand.send()
        except DriverError as error:
            self._journal.note(self._run, "write.failed", {**data, "error": str(error)})
            raise
        except asyncio.CancelledError:
            given_up = _OUT if hand.is_out() else _NOT_OUT
            self._journal.note(self._run, "write.done", {**data, "read_back": None, **given_up})
            raise
        read_back = None if written.read_back is None else _journalled(written.read_back)
        outcome = {"outcome": written.outcome.value, "read_back": read_back, "why": written.why}
        self._journal.note(self._run, "write.done", {**data, **outcome})
        return written

    async def _permit(self, machine: Machine, command: str, *, restart: bool) -> None:
        """Reads the machine until nothing is missing; what does not settle is refused, and so is what is not known."""
        deadline = asyncio.get_running_loop().time() + SETTLING_S
        while missing := await _missing(machine, restart=restart):
            if asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            await self._journal.append(
                self._run, "command.refused", {"unit": machine.unit, "command": command, "missing": missing}
            )
            raise PermissiveMissing(f"{machine.unit} " + "; ".join(missing))

    async def _raise(self, machine: Machine, command: str, send: Callable[[], Awaitable[None]], **more: Any) -> None:
        await self._journal.append(self._run, "command.requested", {"unit": machine.unit, "command": command, **more})
        if self._halted():
            raise PermissiveMissing(f"{machine.unit} was not sent {command}: hold, stop or abort was asked for")
        try:
            await send()
        except DriverError as error:
            self._journal.note(
                self._run, "command.failed", {"unit": machine.unit, "command": command, "error": str(error)}
            )
            raise
        self._journal.note(self._run, "command.done", {"unit": machine.unit, "command": command})


async def _missing(machine: Machine, *, restart: bool) -> list[str]:
    try:
        return missing_permissives(machine.profile.kind, await machine.snapshot(), restart=restart)
    except DriverError as error:
        return [f"cannot be read: {error}"]


def _journalled(reading: Reading) -> float | int | str | None:
    """A value as the journal can hold it: what is no number is nothing."""
    value = reading.value
    return None if isinstance(value, float) and not math.isfinite(value) else value

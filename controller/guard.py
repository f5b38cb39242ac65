"""The only door to a machine's setpoints and commands.

What raises risk is checked against the permissives, journalled, then sent. What lowers risk goes to the wire first and
is journalled afterwards, without waiting for a disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from controller.interlocks import missing_permissives
from controller.journal import Journal
from drivers.errors import DriverError
from drivers.machine import Machine

SETTLING_S = 3.0  # a person says "loaded" while the guard still closes; its contact is seen with the next scans
LOOK_AGAIN_S = 0.5  # a few looks within the settling time


class PermissiveMissing(Exception):
    """A command that raises risk was not sent because a permissive is missing. Retry when the condition holds."""


class Guard:
    """The door for one run. Every call names who wants it and why."""

    def __init__(self, journal: Journal, run: str) -> None:
        self._journal = journal
        self._run = run

    async def load(self, machine: Machine, job: Mapping[str, float], send: Callable[[], Awaitable[None]]) -> None:
        """Downloads a job after journalling it. Raises PermissiveMissing, DriverError or JournalError."""
        await self._permit(machine, "load_job")
        await self._journal.append(
            self._run, "command.requested", {"unit": machine.unit, "command": "load_job", "job": dict(job)}
        )
        await self._send(machine, "load_job", send)

    async def start(self, machine: Machine) -> None:
        """Starts the loaded job. Raises PermissiveMissing, DriverError or JournalError."""
        await self._permit(machine, "start")
        await self._journal.append(self._run, "command.requested", {"unit": machine.unit, "command": "start"})
        await self._send(machine, "start", machine.start)

    async def restart(self, machine: Machine, who: str) -> None:
        """Continues a held job. Raises DriverError or JournalError."""
        await self._journal.append(
            self._run, "command.requested", {"unit": machine.unit, "command": "restart", "who": who}
        )
        await self._send(machine, "restart", machine.restart)

    async def reset(self, machine: Machine) -> None:
        """Acknowledges a finished job, which lets the machine be opened. Raises DriverError or JournalError."""
        await self._journal.append(self._run, "command.requested", {"unit": machine.unit, "command": "reset"})
        await self._send(machine, "reset", machine.reset)

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

    async def _permit(self, machine: Machine, command: str) -> None:
        deadline = asyncio.get_running_loop().time() + SETTLING_S
        while missing := missing_permissives(machine.profile.kind, await machine.snapshot()):
            if asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            text = f"{machine.unit} " + "; ".join(missing)
            await self._journal.append(
                self._run, "command.refused", {"unit": machine.unit, "command": command, "missing": missing}
            )
            raise PermissiveMissing(text)

    async def _send(self, machine: Machine, command: str, send: Callable[[], Awaitable[None]]) -> None:
        try:
            await send()
        except DriverError as error:
            self._journal.note(
                self._run, "command.failed", {"unit": machine.unit, "command": command, "error": str(error)}
            )
            raise
        self._journal.note(self._run, "command.done", {"unit": machine.unit, "command": command})

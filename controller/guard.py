"""The only door to a machine's setpoints and commands.

What raises risk is checked against the permissives, journalled, then sent. What lowers risk goes to the wire first and
is journalled afterwards, without waiting for a disk.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from controller.authority import Action, NotAuthorised, Role, authorise
from controller.calibration import CYCLES, SOON, Fitness
from controller.interlocks import (
    Bypass,
    Bypasses,
    Use,
    at_rest_words,
    is_proven_at_rest,
    missing,
    missing_for_maintenance,
)
from controller.interlocks.conditions import AT_REST
from controller.journal import Journal
from controller.setpoints import Work, wrong_setpoints
from drivers.coater import CoatJob
from drivers.encoding import check_setpoint
from drivers.errors import BadQuality, CommandRejected, DriverError, OutOfRange
from drivers.isostatic_press import IsostaticJob
from drivers.machine import Machine
from drivers.profile import Profile
from drivers.reading import Reading, Snapshot
from drivers.roll_press import RollJob
from drivers.uniaxial_press import UniaxialJob
from drivers.writing import Written

SETTLING_S = 3.0  # a person says "loaded" while the guard still closes; its contact is seen with the next scans
LOOK_AGAIN_S = 0.5  # a few looks within the settling time
_OUT = {"outcome": "unknown", "why": "nobody waited for the answer"}
_NOT_OUT = {"outcome": "not sent", "why": "it was given up before anything went out"}


Job: TypeAlias = UniaxialJob | IsostaticJob | CoatJob | RollJob


class PermissiveMissing(Exception):
    """A command that raises risk was not sent because a permissive is missing. Retry when the condition holds."""


class JobRefused(PermissiveMissing):
    """A job says what the plan or the profile does not allow. A retry makes sense with another job only."""


@dataclass(frozen=True, slots=True)
class HandWrite:
    """One value that a person wants in a unit.

    `profile` is the unit's, `look` reads what the permissives and `signal` need, `send` writes once and reads back;
    `is_out` says whether a byte of the write may have gone out; `role` is in which capacity `who` asks. `lease` is our
    own number as a controller where the unit is ours meanwhile; 0 where nobody may have it.
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
    role: Role = Role.ENGINEER
    lease: int = 0


class Guard:
    """The door for one run. Every call names who wants it and why.

    halted says whether a hold, stop or abort was asked for and is not yet carried out; then nothing that raises risk
    passes, even if it was journalled already. fitness gives what the line file says of a unit: beyond its max_cycles
    nothing new is loaded or started, and nobody can bypass that.
    """

    def __init__(
        self,
        journal: Journal,
        run: str,
        halted: Callable[[], bool] = lambda: False,
        bypasses: Bypasses | None = None,
        fitness: Callable[[str], Fitness] = lambda _: Fitness(),
    ) -> None:
        self._journal = journal
        self._run = run
        self._halted = halted
        self._bypasses = bypasses if bypasses is not None else Bypasses()
        self._told: set[tuple[Bypass, bool]] = set()
        self._fitness = fitness
        self._wear: dict[str, bool] = {}

    async def load(self, machine: Machine, job: Job, work: Work, undone: Sequence[str] = ()) -> None:
        """Downloads a job after checking each of its values and journalling it. What was checked is what is sent.

        undone names what has to be done before this job and was not. Raises PermissiveMissing, JobRefused, DriverError
        or JournalError.
        """
        if undone:
            await self._refuse(machine, "load_job", list(undone))
        snapshot = await self._permit(machine, "load_job", Use.LOAD)
        values = job.signals
        if wrong := wrong_setpoints(work, machine.profile, snapshot, values):
            data = {"unit": machine.unit, "command": "load_job", "missing": wrong, "job": _finite(values)}
            await self._journal.append(self._run, "command.refused", data)
            raise JobRefused(f"{machine.unit} was not sent a job that the plan does not allow: " + "; ".join(wrong))
        await self._raise(machine, "load_job", lambda: machine.download(values), job=values)

    async def start(self, machine: Machine) -> None:
        """Starts the loaded job. Raises PermissiveMissing, DriverError or JournalError."""
        await self._permit(machine, "start", Use.START)
        await self._raise(machine, "start", machine.start)

    async def restart(self, machine: Machine, who: str) -> None:
        """Continues a held job. Raises PermissiveMissing, DriverError or JournalError."""
        await self._permit(machine, "restart", Use.RESTART)
        await self._raise(machine, "restart", machine.restart, who=who)

    def bypassed(self, unit: str) -> tuple[str, ...]:
        """The rows of a unit that do not count now; the run's record is told of each bypass that it meets."""
        if self._bypasses.are_none:  # with every poll of a working machine
            return ()
        live = self._bypasses.in_force(self._journal, unit)
        for item in live:
            self._tell_bypass(item, counted=False)
        return tuple(item.row for item in live)

    def bypass_counted(self, unit: str, rows: Sequence[str]) -> None:
        """Tells that these rows did not hold and let something pass because they are bypassed."""
        for item in self._bypasses.in_force(self._journal, unit):
            if item.row in rows:
                self._tell_bypass(item, counted=True)

    def _tell_bypass(self, item: Bypass, *, counted: bool) -> None:
        if (item, counted) not in self._told:
            self._told.add((item, counted))
            self._journal.note(self._run, "bypass.met", {**item.data, "counted": counted, "message": item.words})

    async def reset(self, machine: Machine) -> None:
        """Acknowledges a finished job, which lets the machine be opened.

        Raises PermissiveMissing, DriverError or JournalError.
        """
        await self._permit(machine, "reset", Use.RESET)
        await self._raise(machine, "reset", machine.reset)

    async def lower(self, machine: Machine, command: str, reason: str, who: str) -> bool:
        """Sends hold, stop or abort at once, then notes it. False when the machine could not be told.

        One that refuses because it had ended before, and is proven to be at rest, needs to be told nothing.
        """
        send = {"hold": machine.hold, "stop": machine.stop, "abort": machine.abort}[command]
        data = {"unit": machine.unit, "command": command, "reason": reason, "who": who}
        needless = None
        try:
            await send()
        except DriverError as error:
            data["error"] = str(error)
            try:
                if isinstance(error, CommandRejected) and (needless := await _needless(machine, command)) is not None:
                    data["needless"] = needless
            finally:
                self._journal.note(self._run, "command.undelivered", data)
            return needless is not None
        self._journal.note(self._run, "command.done", data)
        return True

    async def write(self, hand: HandWrite) -> Written:
        """One value written by a person: journalled, written once, and its outcome journalled.

        Raises PermissiveMissing, JournalError or DriverError: nothing was sent. A cancelled one is journalled as "not
        sent" if certainly nothing went out, else as of unknown outcome.
        """
        data: dict[str, Any] = {"unit": hand.unit, "url": hand.url, "signal": hand.signal, "who": hand.who}
        data |= {**_finite({"value": hand.value}), "role": hand.role.value}
        try:
            authorise(hand.role, Action.WRITE)
            check_setpoint(hand.profile.signals[hand.signal], hand.value)
        except (NotAuthorised, OutOfRange) as error:
            await self._journal.append(self._run, "write.refused", {**data, "missing": [str(error)]})
            raise PermissiveMissing(f"{hand.unit} was not written to: {error}") from error
        snapshot = await hand.look()
        if lacking := missing_for_maintenance(hand.profile, snapshot, hand.lease):
            await self._journal.append(self._run, "write.refused", {**data, "missing": lacking})
            raise PermissiveMissing(f"{hand.unit} " + "; ".join(lacking))
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

    async def _permit(self, machine: Machine, command: str, use: Use) -> Snapshot:
        """Reads the machine until nothing is missing; what does not settle is refused, and so is what is not known.

        Returns what it saw last.
        """
        deadline = asyncio.get_running_loop().time() + SETTLING_S
        while True:
            try:
                snapshot = await machine.snapshot()
            except DriverError as error:
                lacking = [f"cannot be read: {error}"]
            else:
                if not (lacking := self._missing(machine, snapshot, use) + self._worn(machine, snapshot, use)):
                    return snapshot
            if asyncio.get_running_loop().time() >= deadline:
                await self._refuse(machine, command, lacking)
            await asyncio.sleep(LOOK_AGAIN_S)

    def _missing(self, machine: Machine, snapshot: Snapshot, use: Use) -> list[str]:
        bypassed, kind = self.bypassed(machine.unit), machine.profile.kind
        lacking = missing(kind, snapshot, use, bypassed)
        if bypassed and not lacking:
            counted = [row for row in bypassed if missing(kind, snapshot, use, {*bypassed} - {row})]
            self.bypass_counted(machine.unit, counted)
        return lacking

    def _worn(self, machine: Machine, snapshot: Snapshot, use: Use) -> list[str]:
        """What keeps a unit at its last cycle from a new job; that the last tenth has begun is told with each load."""
        most = self._fitness(machine.unit).max_cycles
        if most is None or use not in (Use.LOAD, Use.START):
            return []
        try:
            done = int(snapshot.value(CYCLES))
        except (BadQuality, KeyError) as error:
            return [f"does not show its cycles, of which the line file allows {most}: {error}"]
        if use is Use.LOAD:
            self._tell_wear(machine.unit, done, most)
        return [f"has done {done} cycles, all of the {most} that the line file allows"] if done >= most else []

    def _tell_wear(self, unit: str, done: int, most: int) -> None:
        message = f"{unit} has done {done} of the {most} cycles that the line file allows"
        data = {"name": "cycles_near_limit", "unit": unit, "active": done >= SOON * most, "message": message}
        if self._wear.get(unit) != data["active"]:
            self._wear[unit] = bool(data["active"])
            self._journal.note(self._run, "condition", data)

    async def _refuse(self, machine: Machine, command: str, lacking: list[str]) -> NoReturn:
        data = {"unit": machine.unit, "command": command, "missing": lacking}
        await self._journal.append(self._run, "command.refused", data)
        raise PermissiveMissing(f"{machine.unit} " + "; ".join(lacking))

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


async def _needless(machine: Machine, command: str) -> str | None:
    """Why a machine need not obey what it refused: it is seen to have ended already; None where it is not."""
    try:
        snapshot = await machine.snapshot()
        state = snapshot.text("machine_state")
        if state not in AT_REST or not is_proven_at_rest(machine.profile.kind, snapshot):
            return None
    except DriverError:
        return None
    was, rest = "was not working" if state == "IDLE" else "had ended by itself", at_rest_words(machine.profile.kind)
    return f"{machine.unit} {was} before the {command}: it is {state}, proven to be {rest}"


def _finite(values: Mapping[str, float]) -> dict[str, float | str]:
    """Values as the journal can hold them: what is no number is told as a text."""
    return {name: value if math.isfinite(value) else str(value) for name, value in values.items()}


def _journalled(reading: Reading) -> float | int | str | None:
    """A value as the journal can hold it: what is no number is nothing."""
    value = reading.value
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""What people do to units: in and out of service, a command or a value by hand, a bypass.

A unit that a run has is the run's to command; one of a run that takes no command can still be told to hold or stop.
Whoever writes by hand has the unit meanwhile: no run is given it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from controller.authority import Action, Actor, authorise
from controller.devices.target import TargetUnusable
from controller.devices.writing import RUN as MAINTENANCE
from controller.devices.writing import NotWritable, wanted_change
from controller.executor.allocation import put_back_in_service, take_out_of_service
from controller.guard import Guard, HandWrite
from controller.interlocks import MAINTENANCE_SIGNALS, Bypass
from controller.journal import Journal
from controller.line import Line, UnitUnknown
from controller.service.audit import Audit, need_reason
from controller.service.errors import Conflict, Finding, Invalid, Unknown
from controller.service.looks import utc_in
from controller.service.orders import ManualCommand, Write
from drivers.instrument import Instrument
from drivers.machine import Machine
from drivers.reading import Snapshot
from drivers.writing import Written

BY_HAND = "by hand: "
"""Before the name of a person who has a unit."""


@dataclass(frozen=True, slots=True)
class Operated:
    """What became of manual operation: outcome is done, applied, refused or unknown; read_back is in the unit's terms.

    Of an unknown outcome nothing is sent again; the value has to be looked at.
    """

    outcome: str
    read_back: float | int | str | None = None
    why: str = ""


class ByHand:
    """Manual operation of a line's units.

    two_sign: a bypass needs a second person. is_commanded: whether a run takes commands now; the machines of one that
    does not can still be told to hold or stop.
    """

    def __init__(
        self, line: Line, journal: Journal, audit: Audit, is_commanded: Callable[[str], bool], *, two_sign: bool
    ) -> None:
        self._line, self._journal, self._audit, self._is_commanded = line, journal, audit, is_commanded
        self._two_sign = two_sign
        self._guard = Guard(journal, MAINTENANCE, bypasses=line.bypasses, fitness=line.fitness_of)

    # ---------------------------------------------------------------------- service

    async def set_unit(self, unit: str, reason: str, by: Actor, *, in_service: bool) -> None:
        """Takes a unit out of service, or puts it back, also one that was kept."""
        self._known(unit)
        need_reason(reason)
        if not in_service:
            with self._audit.lowering(by, Action.UNIT, "take out of service", unit, reason):
                await take_out_of_service(self._line, self._journal, unit, by.name, reason)
            return
        async with self._audit.raising(by, Action.UNIT, "put back in service", unit, reason):
            await put_back_in_service(self._line, self._journal, unit, by.name, reason)

    # ---------------------------------------------------------------------- commands and values

    async def operate(self, unit: str, what: ManualCommand | Write, reason: str, by: Actor) -> Operated:
        """One command, or one value, by hand."""
        self._known(unit)
        need_reason(reason)
        if isinstance(what, Write):
            return await self._write(unit, what, reason, by)
        if unit not in self._line.machines:
            raise Conflict(f"{unit} is an instrument, which takes no {what}")
        machine = self._line.machine(unit)
        if what is not ManualCommand.RESET:
            with self._audit.lowering(by, Action.LOWER, what.value, unit, reason):
                self._refuse_taken(unit, lowers=True)
                if not await self._guard.lower(machine, what.value, reason, by.name):
                    raise Conflict(f"{unit} could not be told to {what}; look at it")
            return Operated("done")
        async with self._audit.raising(by, Action.UNIT, what.value, unit, reason):
            with self._leased(unit, by):
                await self._guard.reset(machine)
        return Operated("done")

    async def _write(self, unit: str, what: Write, reason: str, by: Actor) -> Operated:
        machine = self._line.machines.get(unit)
        instrument = self._line.instruments.get(unit)
        more = {"signal": what.signal, "value": str(what.value)}
        async with self._audit.raising(by, Action.WRITE, "write by hand", unit, reason, more):
            profile = (machine or self._line.instruments[unit]).profile
            try:
                change = wanted_change(profile, f"{what.signal}={what.value!r}")
            except (TargetUnusable, NotWritable) as error:
                raise Invalid([Finding("signal", str(error))]) from error
            with self._leased(unit, by):
                hand = _OfMachine(machine) if machine is not None else _OfInstrument(instrument)
                lease = 0 if machine is None else machine.lease
                written = await self._guard.write(
                    HandWrite(
                        unit,
                        "",
                        what.signal,
                        change.value,
                        by.name,
                        profile,
                        lambda: hand.look(what.signal),
                        lambda: hand.send(what.signal, change.value),
                        lambda: hand.is_out,
                        by.role,
                        lease,
                    )
                )
        held = None if written.read_back is None else written.read_back.value
        return Operated(written.outcome.value, held, written.why)

    @contextmanager
    def _leased(self, unit: str, by: Actor) -> Iterator[None]:
        """The unit is this person's within the block; one that is kept by what is over stays kept. Raises UnitTaken."""
        if unit in self._line.allocation.kept:
            yield
            return
        self._refuse_taken(unit)
        owner = f"{BY_HAND}{by.name}"
        with self._line.lease(unit, owner):
            yield

    def _refuse_taken(self, unit: str, *, lowers: bool = False) -> None:
        owner = self._line.owners.get(unit)
        if owner is not None and unit not in self._line.allocation.kept:
            if owner.startswith(BY_HAND):
                if lowers:
                    return
                raise Conflict(f"{unit} is operated {owner}")
            if lowers and not self._is_commanded(owner):
                return
            raise Conflict(f"{unit} belongs to run {owner}; command the run instead")

    # ---------------------------------------------------------------------- bypasses

    async def bypass(self, unit: str, row: str, for_s: float, reason: str, by: Actor, second: Actor | None) -> None:
        """Lets a unit work without one row of the matrix, for a time."""
        kind = self._machine(unit).profile.kind
        need_reason(reason)
        more = {"row": row, "for_s": str(for_s), "second": "" if second is None else second.name}
        async with self._audit.raising(by, Action.BYPASS, "bypass", unit, reason, more):
            who = self._signed(by, second)
            now = self._journal.now()
            try:
                until = utc_in(now, for_s)
            except (OverflowError, ValueError):
                raise Invalid([Finding("for_s", "no time of day is that far away")]) from None
            wanted = Bypass(unit, row, by.role, who, reason, now, until)
            await self._line.bypasses.begin(self._journal, kind, wanted)

    def _signed(self, by: Actor, second: Actor | None) -> str:
        """Who answers for a bypass. Raises Invalid, NotAuthorised."""
        if second is None:
            if self._two_sign:
                raise Invalid([Finding("second", "is missing: a bypass needs a second person's signature")])
            return by.name
        if second.name.casefold() == by.name.casefold():
            raise Invalid([Finding("second", f"{second.name} has signed already; another person has to")])
        authorise(second.role, Action.BYPASS)
        return f"{by.name} and {second.name}"

    async def end_bypass(self, unit: str, row: str, reason: str, by: Actor) -> None:
        """Ends a bypass before its time."""
        self._machine(unit)
        with self._audit.lowering(by, Action.END_BYPASS, "end bypass", f"{unit}: {row}", reason):
            if not self._line.bypasses.end(self._journal, unit, row, by.name, reason or "asked for"):
                raise Conflict(f"{unit}: {row} is not bypassed")

    def _machine(self, unit: str) -> Machine:
        try:
            return self._line.machine(unit)
        except UnitUnknown as error:
            raise Unknown(str(error)) from error

    def _known(self, unit: str) -> None:
        if unit not in self._line.machines and unit not in self._line.instruments:
            raise Unknown(f"the line has no unit {unit}")


class _OfMachine:
    """A write to a machine whose link is there and polled."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.is_out = False

    async def look(self, signal: str) -> Snapshot:
        return await self._machine.look((signal, *MAINTENANCE_SIGNALS))

    async def send(self, signal: str, value: float) -> Written:
        self.is_out = True  # from here on nobody can say that nothing went out
        return await self._machine.write(signal, value)


class _OfInstrument:
    """A write to an instrument, which connects when it is asked."""

    def __init__(self, instrument: Instrument | None) -> None:
        if instrument is None:
            raise TypeError("there is neither a machine nor an instrument")
        self._instrument = instrument
        self.is_out = False

    async def look(self, signal: str) -> Snapshot:
        del signal
        return await self._instrument.read()

    async def send(self, signal: str, value: float) -> Written:
        self.is_out = True
        return await self._instrument.write(signal, value)

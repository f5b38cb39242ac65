"""A run that is continued after its controller died: what its machine is found doing, and what a restart means now.

The run waits HELD. A press that still holds our job, with everything in order, goes on with it; whatever else was under
way is ended, proven to be at rest, and done again. What a laminate saw unwatched is not known to anybody.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from controller.executor.holding import end_idle, held_idle, pause_again, raised
from controller.executor.judgement import lose_track
from controller.executor.loading import reset
from controller.executor.machine_states import alarms
from controller.executor.memory import BrokenOff
from controller.executor.patience import Patience
from controller.executor.prompts import Prompt
from controller.executor.run import Inbox, Request, Run
from controller.executor.states import Trigger
from controller.executor.supervision import Supervision
from controller.executor.tasks import ask
from controller.interlocks import at_rest_words, is_proven_at_rest
from drivers.errors import DriverError, JobMismatch
from drivers.machine import Machine
from drivers.reading import Snapshot
from recipes.model import StepKind
from recipes.plan import PlannedStep

WORKING = frozenset({"EXECUTE", "HOLDING", "HELD"})
"""PackML states in which a machine has a job that it may go on with."""
LOOK_AGAIN_S = 600.0  # loop seconds between looks at nothing; a machine that is connected is polled far more often


@dataclass(frozen=True, slots=True)
class Found:
    """What a machine is found doing after a crash, in words; state is "" where it cannot be asked.

    is_ours: it still has the job that this run loaded last. is_zero: it is proven to be at rest, a press
    without pressure.
    """

    unit: str
    words: str
    state: str = ""
    phase: str = ""
    is_ours: bool = False
    is_zero: bool = False
    is_trusted: bool = False


async def look(machine: Machine, broken_off: BrokenOff | None, serial_number: float | None) -> Found:
    """Measures a machine and compares it with what the journal says of it. Never raises for what the machine is."""
    try:
        snapshot = await machine.snapshot()
        state, phase = snapshot.text("machine_state"), snapshot.text("phase")
        is_zero = is_proven_at_rest(machine.profile.kind, snapshot)
        told = alarms(snapshot) if snapshot.value("alarm_bits") else ""
        is_trusted = set(snapshot.bits("alarm_bits")) <= {"link_lost"} and snapshot.text("mode") == "REMOTE"
    except DriverError as error:
        return Found(machine.unit, f"{machine.unit} cannot be asked: {str(error).removeprefix(f'{machine.unit}: ')}")
    words = [f"{machine.unit} is {state}" + (f" in phase {phase}" if state == "EXECUTE" else "")]
    words.append(f"{'' if is_zero else 'not '}proven to be {at_rest_words(machine.profile.kind)}")
    words += [f"its alarms: {told}"] if told else []
    is_same = serial_number is None or machine.serial_number in (None, serial_number)
    if not is_same:
        words.append(f"serial number {machine.serial_number:.0f} answers, {serial_number:.0f} was there before")
    is_ours = False
    if broken_off is not None and broken_off.job is not None and broken_off.unit == machine.unit:
        is_ours, said = await _compared(machine, broken_off, state)
        words += [said]
    return Found(machine.unit, ", ".join(words), state, phase, is_ours and is_same, is_zero, is_trusted and is_same)


async def _compared(machine: Machine, broken_off: BrokenOff, state: str) -> tuple[bool, str]:
    """Whether the machine still has our job, and that in words beside what the journal expects."""
    job = broken_off.job or {}
    number = f"job {job['job_id']:.0f} of {broken_off.step}"
    try:
        await machine.compare_job(job)
    except JobMismatch as error:
        expected = "was working on" if broken_off.is_started else "was loaded with"
        return False, f"the journal says that it {expected} {number}, and that is not in it any more ({error})"
    except DriverError as error:
        return False, f"its job cannot be read ({error})"
    if broken_off.is_started and state not in WORKING:
        return True, f"it has ended {number} by itself"
    return True, f"it has {number}"


# ---------------------------------------------------------------------- what can be done about it


def can_rejoin(planned: PlannedStep, broken_off: BrokenOff, found: Found) -> bool:
    """Whether a pressing may go on where it is: held on our job, under pressure, with nothing in doubt."""
    press = planned.step.press
    is_whole = press is not None and press.on_hold == "keep" and broken_off.reached is None and not broken_off.lost
    is_whole &= broken_off.starts == 1 and not broken_off.was_held and broken_off.sent_back == 0
    holds = found.state in WORKING and found.phase != "release" and found.is_ours and broken_off.is_started
    return is_whole and holds and found.is_trusted and not found.is_zero


async def is_unpressed(machine: Machine, found: Found, broken_off: BrokenOff) -> bool:
    """Whether a press was found before it built any pressure, and is still without: its laminate is what it was.

    Found before its pressure rose, and asked again after it was told to stop: it cannot have risen and fallen between.
    """
    if not (found.is_ours and found.is_zero and broken_off.starts == 1):
        return False
    if found.state != "HELD" and (found.state, found.phase) != ("EXECUTE", "prepare"):
        return False
    again = await look(machine, broken_off, None)
    return again.is_zero and again.is_ours and again.state not in ("", "EXECUTE")


def choices(broken_off: BrokenOff | None, planned: PlannedStep | None, pause: Request | None) -> dict[str, str]:
    """What restart, stop and abort mean now, for whoever decides; a pause that was asked for still is."""
    paused = "" if pause is None else f"; it pauses when no machine works, as {pause.who} asked ({pause.reason})"
    ends = "ends the run for good; what is under pressure is released at the step's rate and watched until proven zero"
    return {
        "restart": ("closes the record; all steps are done" if planned is None else _restart(broken_off, planned))
        + paused,
        "stop": ends,
        "abort": ends + ", no faster",
    }


def _restart(broken_off: BrokenOff | None, planned: PlannedStep) -> str:
    name = planned.step.name
    if broken_off is None:
        return f"goes on with {name}"
    if broken_off.supplier:
        return f"goes on with {name}: its sheet is cut off the web that {broken_off.supplier} has coated"
    if broken_off.rejoins:
        return (
            f"{broken_off.unit} goes on with the job that it holds for {name}; its own record counts for pressure and"
            " dwell, and temperatures before now are not claimed"
        )
    if broken_off.sent_back:
        return _restart_at_gate(broken_off, planned)
    if planned.step.kind is StepKind.COAT and broken_off.reached is None:
        return f"does {name} again; what is on the web is scrap"
    if planned.step.kind is not StepKind.COAT and broken_off.is_unknown:
        return (
            f"does {name} again once {broken_off.unit} is proven to be without pressure; nobody knows what the laminate"
            f" saw: nothing is claimed of {', '.join(planned.layers)} before the laboratory has measured it"
        )
    if broken_off.reached is not None:
        return f"finishes {name}, whose work had come to its end; tasks are asked for in words that they may be done"
    return f"does {name} again; what was entered already is not asked for again"


def _restart_at_gate(broken_off: BrokenOff, planned: PlannedStep) -> str:
    goes_on = f"goes on at the gate of {planned.step.name}"
    if broken_off.starts == 0:
        return f"{goes_on}; re-pressing {broken_off.sent_back} had not begun"
    if broken_off.is_unknown:
        return (
            f"{goes_on} once {broken_off.unit} is proven to be without pressure; nobody knows what re-pressing"
            f" {broken_off.sent_back} did: nothing is claimed of {', '.join(planned.layers)} before the laboratory has"
            " measured it"
        )
    return f"{goes_on}; re-pressing {broken_off.sent_back} had come to its end and counts"


async def take_up(run: Run) -> None:
    """Waits for the decision on a run that was found held, and makes its broken-off step ready to be done again.

    Returns with the state HELD where a held job is to be rejoined, else RUNNING. Raises RunEnded, DriverError.
    """
    broken_off = run.memory.broken_off
    if broken_off is not None and broken_off.rejoins:
        return
    machine = None if broken_off is None else run.line.machines.get(broken_off.unit or "")
    if machine is None:
        await held_idle(run)
    else:
        await Recovering(run, machine, _sees_nothing, float("inf"), bleed=True).decide()
    if broken_off is not None:
        await _renew(run, broken_off, machine)


def _sees_nothing(snapshot: Snapshot) -> None:
    """A machine that is only brought to rest is not judged by a step's windows."""
    del snapshot


async def _renew(run: Run, broken_off: BrokenOff, machine: Machine | None) -> None:
    """Everything that has to be so before a broken-off step can be done again."""
    planned = next(planned for planned in run.plan.steps if planned.step.name == broken_off.step)
    lost = list(broken_off.lost)
    if planned.step.kind is not StepKind.COAT and broken_off.is_unknown:
        lost += [layer for layer in planned.layers if layer not in lost]
    if lost:
        lose_track(run, lost)
    if machine is not None:
        with run.line.lease(machine.unit, run.name):
            await reset(run, machine)
            if planned.step.coat is not None and broken_off.reached is None and broken_off.asked:
                text = f"Take what is left of {planned.step.name} off {machine.unit}: it is scrap"
                await ask(run, Prompt("scrap", text, unit=machine.unit))


# ---------------------------------------------------------------------- the watch over a machine that was found


@dataclass(slots=True)
class Recovering(Supervision):
    """The watch over a machine that an earlier controller left: it is brought to rest, or its job is taken up again."""

    async def decide(self) -> None:
        """Brings the machine to rest and waits for a restart. Raises RunEnded after a stop or an abort."""
        with self.machine.subscribe() as subscription:
            inbox: Inbox = subscription  # type: ignore[assignment]  # requests travel in the same queue, in order
            self._patience = Patience(inbox)
            with self.run.listening(inbox, self.machine, lambda: "stop"):
                try:
                    while not await self._decided():
                        pass
                finally:
                    self._patience.end()

    async def _decided(self) -> bool:
        """One thing that happens; true once the run goes on."""
        try:
            item = await self._next(asyncio.get_running_loop().time() + LOOK_AGAIN_S)
        except TimeoutError:
            return False
        await self._insist(item, "stop")
        if not isinstance(item, Request):
            self._look(item)
            return False
        match item.trigger:
            case Trigger.STOP | Trigger.ABORT if self._rests():
                self.run.carried_out(item)
                end_idle(self.run, item)
            case Trigger.STOP | Trigger.ABORT:
                await self._wind_down(item)
            case Trigger.RESTART if self.run.takes(item):
                return await self._goes_on(item)
            case _:
                self.run.carried_out(item)
        return False

    async def _goes_on(self, request: Request) -> bool:
        if not await raised(self.run, request):
            return False
        if not self._rests():
            rest = at_rest_words(self.machine.profile.kind)
            and_so = "" if rest == "at rest" else f" and {rest}"
            reason = f"cannot restart yet: {self.machine.unit} is not proven to be at rest{and_so}"
            self.run.lower_state(Trigger.HOLD, reason)
            self.run.lower_state(Trigger.HOLD_DONE)
            return False
        self.run.lower_state(Trigger.RESTART_DONE)
        pause_again(self.run)
        return True

    def _rests(self) -> bool:
        return self.last is not None and self.machine.link_up and self._is_safe(self.last)

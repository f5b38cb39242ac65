"""The end of the service: nothing new is taken, runs are stopped or left held, machines are made safe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

from controller.authority import Action
from controller.executor.allocation import LINE
from controller.executor.machine_states import AT_REST, ENDED_ITSELF
from controller.executor.run import Run
from controller.executor.states import ENDED, RunState, TransitionRefused
from controller.journal import Journal
from controller.line import Line
from controller.service.machines import Machines
from controller.service.orders import Leave
from controller.service.runs import Hosted, Runs
from drivers.errors import BadQuality
from drivers.machine import Machine

HELD_WITHIN_S = 60.0
"""Loop seconds that machines may take to obey a hold (engineering judgement)."""
NOT_OURS = frozenset({"LOCAL", "MAINTENANCE"})
"""Modes in which a machine is a person's who stands at it."""
ON_THE_RECORD = frozenset({Action.START, Action.RELEASE})
"""What rests on everything that was recorded before."""
LOOK_S = 0.5
"""Loop seconds between looks at what is waited for (engineering judgement)."""


class Ending:
    """Whether and how the service ends."""

    def __init__(self, line: Line, journal: Journal, machines: Machines, settle_s: float) -> None:
        self._line, self._journal, self._machines, self._settle_s = line, journal, machines, settle_s
        self._reason = ""

    @property
    def has_begun(self) -> bool:
        """Whether it ends."""
        return bool(self._reason)

    def refusal(self, action: Action) -> str:
        """Why something that raises risk is not taken now; "" while it is.

        On a damaged journal runs that are on are finished, with all that they need of people; none is begun, and
        nothing is released on what it holds.
        """
        if self._reason:
            return f"the service is ending ({self._reason})"
        if self._journal.broken is not None:
            return self._journal.broken
        if self._journal.damaged is not None and action in ON_THE_RECORD:
            return f"{self._journal.damaged}; runs that are on are finished, and none is begun"
        return ""

    async def shut_down(self, runs: Runs, leave: Leave, reason: str, who: str) -> None:
        """Stops or holds the runs. Returns once they have ended or are held, or have had their time."""
        if not self._reason:
            self._reason = reason
            data = {"leave": leave.value, "reason": reason, "who": who, "runs": sorted(runs.hosted)}
            self._journal.note(LINE, "service.ending", data)
        hosted = list(runs.hosted.values())
        if leave is Leave.STOP:
            await asyncio.gather(*(_stopped(item.run, reason, who) for item in hosted if item.run is not None))
            await _until(lambda: all(_has_stopped(item) for item in hosted), self._settle_s)
        else:
            await asyncio.gather(*(_held(item.run, reason, who) for item in hosted if item.run is not None))
            await _until(lambda: all(_is_left(item) for item in hosted), HELD_WITHIN_S)

    async def made_safe(self) -> None:
        """Stops every machine that still works, and waits until it rests, or has had its time."""
        working = [machine for machine in self._line.machines.values() if _works(machine)]
        reason = f"the service ends: {self._reason}"
        told = [machine for machine in working if not _shows(machine, "machine_state", ENDED_ITSELF)]
        await asyncio.gather(*(self._machines.stop(machine.unit, reason) for machine in told))
        await _until(lambda: not any(_works(machine) for machine in working), self._settle_s)
        self._tell_unproven(machine for machine in working if not _rests(machine))

    def _tell_unproven(self, machines: Iterable[Machine]) -> None:
        for machine in machines:
            message = f"{machine.unit} was not seen at rest when the service ended; look at the machine"
            self._journal.note(LINE, "machine.unproven", {"unit": machine.unit, "message": message})


async def _until(is_so: Callable[[], bool], limit_s: float) -> None:
    """Returns once it is so, or has had its time; a look costs nothing, and each is one more chance to be cancelled."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + limit_s
    while not is_so() and loop.time() < until_s:  # noqa: ASYNC110 - several machines and runs, told of in several ways
        await asyncio.sleep(LOOK_S)


async def _stopped(run: Run, reason: str, who: str) -> None:
    with suppress(TransitionRefused):  # it is ending already
        await run.stop(reason, who)


async def _held(run: Run, reason: str, who: str) -> None:
    with suppress(TransitionRefused):  # it is held already, or ends
        await run.hold(reason, who)


def _has_stopped(hosted: Hosted) -> bool:
    """A run that nobody can command, or whose machine could not be proven to rest, waits for a person in any case."""
    return hosted.ended.is_set() or hosted.run is None or hosted.run.state in (*ENDED, RunState.HELD)


def _is_left(hosted: Hosted) -> bool:
    return _has_stopped(hosted) or (hosted.run is not None and hosted.run.state is RunState.IDLE)


def _works(machine: Machine) -> bool:
    """Whether a machine that obeys us is not seen at rest."""
    return machine.link_up and not _rests(machine) and not _shows(machine, "mode", NOT_OURS)


def _rests(machine: Machine) -> bool:
    return _shows(machine, "machine_state", AT_REST)


def _shows(machine: Machine, signal: str, words: frozenset[str]) -> bool:
    try:
        return machine.latest is not None and machine.latest.text(signal) in words
    except (BadQuality, KeyError):
        return False

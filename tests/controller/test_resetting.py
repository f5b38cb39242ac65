"""A finished machine that may not be reset: the run waits in HELD and says why, and a start with --rearm is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import EventStream
from controller.executor import loading
from controller.executor.run import Run
from controller.executor.states import RunState, Trigger
from controller.journal import Journal
from controller.readiness import _not_idle
from controller.session import Surroundings, carry_out, unattended
from drivers.profile import Profile
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.controller.interlock_snapshots import PROFILES, well, with_bit
from tests.controller.recipes_for_tests import EXAMPLE, planned
from tests.controller.scene import a_run
from tests.controller.test_interlocks import FakeMachine

PRESS = PROFILES["isostatic_press"]


def finished(profile: Profile, **bits: bool) -> dict[str, float]:
    """The values of a machine whose job is over, with some bits as given."""
    values = well(profile, "COMPLETE", "done")
    for bit, on in bits.items():
        values = with_bit(profile, values, bit, on=on)
    return values


def test_a_press_that_is_not_proven_to_be_without_pressure_is_not_reset_until_it_is() -> None:
    async def main() -> Any:
        run = a_run()
        await run.raise_state(Trigger.START)
        machine: Any = FakeMachine("isostatic_press", finished(PRESS, zero_pressure_switch=False))
        work = asyncio.create_task(loading.reset(run, machine))
        await asyncio.sleep(60.0)
        assert (run.state, machine.sent) == (RunState.HELD, [])
        machine.values = finished(PRESS)
        run.restart("it has let off", "A. Person")
        await work
        assert machine.sent == ["reset"]
        return run.journal.events()

    events = run_virtual(main())
    refused = [event.data for event in events if event.kind == "command.refused"]
    assert [(data["command"], data["missing"]) for data in refused] == [
        ("reset", ["is not proven to be without pressure"])
    ]
    held = [event.data["reason"] for event in events if event.data.get("state") == "holding"]
    assert held == ["press is not proven to be without pressure; restart tries again"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (finished(PRESS, vent_open=False), "press is not proven to be without pressure; press is not re-armed"),
        (well(PRESS, "EXECUTE", "ramp"), "press has no job that is over; "),
    ],
)
def test_a_machine_that_may_not_be_reset_is_not_rearmed(values: dict[str, float], words: str) -> None:
    async def main() -> None:
        machine: Any = FakeMachine("isostatic_press", values)
        told = await _not_idle(a_run(), machine, rearm=True)
        assert told is not None
        assert told.startswith(words)
        assert machine.sent == []

    run_virtual(main())


def test_a_machine_that_has_let_off_is_rearmed_as_soon_as_it_is_connected() -> None:
    """Its controller hears the first heartbeat by then."""

    async def main() -> tuple[list[Any], float]:
        loop = asyncio.get_running_loop()
        simulated = SimulatedLine(seed=1, clock=loop.time)
        press: Any = simulated.machines["isostatic-press-1"]
        press.plc.state = "ABORTED"
        journal, stops, ready_s = Journal(EventStream(), lambda: virtual_utc(loop.time())), set[Any](), []

        def announced(run: Run) -> None:
            ready_s.append(loop.time())
            stops.add(loop.create_task(run.stop("seen enough", "A. Person")))

        person = SimulatedPerson(simulated)
        around = Surroundings(memory_line(simulated), journal, person, unattended, announce=announced, rearm=True)
        await carry_out(planned(EXAMPLE, None), around, "run")
        return journal.events("run"), ready_s[0]

    events, ready_s = run_virtual(main())
    commands = [event.kind for event in events if event.data.get("command") == "reset"]
    assert commands == ["command.requested", "command.done"]
    assert ready_s < 2.0

"""A value outside its range is refused three times: by the guard, by the driver, and by the machine, each alone."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from controller.dryrun import memory_line
from controller.events import EventStream
from controller.guard import Guard, JobRefused
from controller.journal import Journal
from controller.setpoints import Work
from drivers.errors import DeviceRefused, LinkDown, OutOfRange
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.controller.interlock_snapshots import well
from tests.controller.test_interlocks import FakeMachine
from tests.controller.test_setpoints import AREA, job_of, plan_of_example

STEPS = {
    "uniaxial-press-1": "first joining",
    "isostatic-press-1": "densifying",
    "coater-1": "coat cathode",
}
ILLEGAL_VALUE = 3


def outside(profile: Any, right: dict[str, float]) -> list[tuple[str, dict[str, float]]]:
    """A right job with one value just below or just above its range, for each value."""
    wrong = []
    for signal in profile.job:
        assert signal.limits is not None, f"{signal.name} has no range"
        low, high = signal.limits
        step = 1.0 if signal.integer else 1e-3 * (high - low)
        wrong += [(signal.name, {**right, signal.name: value}) for value in (low - step, high + step)]
    return wrong


@pytest.mark.parametrize("unit", list(STEPS))
def test_the_guard_refuses_what_no_machine_would(unit: str) -> None:
    """The machine behind it takes anything."""

    async def main() -> None:
        right, kind = job_of(STEPS[unit])
        machine: Any = FakeMachine(kind, {})
        machine.values = well(machine.profile) | ({"force_pv_kn": 0.8} if kind == "uniaxial_press" else {})
        guard = Guard(Journal(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00"), "run")
        work = Work(plan_of_example(), STEPS[unit], AREA)
        for name, values in outside(machine.profile, right.signals):
            job: Any = SimpleNamespace(signals=values)
            with pytest.raises(JobRefused, match=f"{name} = .* is outside "):
                await guard.load(machine, job, work)
        assert machine.sent == []
        await guard.load(machine, right, work)
        assert machine.sent == ["load_job"]

    run_virtual(main())


@pytest.mark.parametrize("unit", list(STEPS))
def test_the_driver_sends_nothing_that_its_profile_does_not_allow(unit: str) -> None:
    """Without the guard."""

    async def main() -> None:
        machine = memory_line(SimulatedLine(seed=1, clock=asyncio.get_running_loop().time)).machines[unit]
        right = job_of(STEPS[unit])[0].signals
        for name, values in outside(machine.profile, right):
            with pytest.raises(OutOfRange, match=f"{name} = "):
                await machine.download(values)
        with pytest.raises(LinkDown):  # the right one gets as far as the wire, which is not there
            await machine.download(right)

    run_virtual(main())


@pytest.mark.parametrize("unit", list(STEPS))
def test_the_machine_takes_nothing_outside_its_ranges(unit: str) -> None:
    """Without guard and driver."""
    machine: Any = SimulatedLine(seed=1, clock=lambda: 0.0).machines[unit]
    plc = machine.plc
    right = job_of(STEPS[unit])[0].signals
    for name, values in outside(plc.profile, right):
        with pytest.raises(DeviceRefused) as refused:
            plc.write(values)
        assert refused.value.code == ILLEGAL_VALUE, name
        assert all(plc.tags[each] == 0 for each in right), "all or nothing"
    plc.write(right)
    assert all(plc.tags[each] == pytest.approx(value) for each, value in right.items())

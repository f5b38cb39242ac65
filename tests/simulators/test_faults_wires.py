"""Faults of wires in virtual time, through the drivers' own lines: a value is bad, never another's, and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from controller.dryrun import wired_line
from drivers.errors import DeviceRefused, DriverError, OutcomeUnknown
from drivers.machine import Machine
from drivers.reading import LinkChange, Snapshot
from drivers.transport.wire import WireEvent
from simulators.clock import run_virtual
from simulators.faults import FAULTS, Injection, NotApplicableError, Trigger
from simulators.line import AsciiMachine, RegisterMachine, SimulatedLine
from simulators.plc import Plc

TCP, RTU, TEXT = "isostatic-press-1", "uniaxial-press-1", "coater-1"
UNITS = (TCP, RTU, TEXT)
READING = [name for name, fault in FAULTS.items() if fault.group == "wire" and "write_" not in name]
WRITING = [name for name, fault in FAULTS.items() if fault.group == "wire" and "write_" in name]


@dataclass(frozen=True, slots=True)
class Wired:
    """A simulated line, the drivers on its bytes, and all that went over the wires."""

    simulated: SimulatedLine
    machines: dict[str, Machine]
    events: list[WireEvent]

    def plc(self, unit: str) -> Plc:
        machine = self.simulated.machines[unit]
        assert isinstance(machine, RegisterMachine | AsciiMachine)
        return machine.plc

    async def observe(self, unit: str, seconds: float) -> tuple[list[Snapshot], list[LinkChange]]:
        with self.machines[unit].subscribe() as queue:
            await asyncio.sleep(seconds)
            items = [queue.get_nowait() for _ in range(queue.qsize())]
        return [i for i in items if isinstance(i, Snapshot)], [i for i in items if isinstance(i, LinkChange)]


@asynccontextmanager
async def wired(together: Sequence[Sequence[str]] = (), seed: int = 1) -> AsyncIterator[Wired]:
    clock = asyncio.get_running_loop().time
    simulated = SimulatedLine("realistic", seed, clock)
    events: list[WireEvent] = []
    line = wired_line(simulated, clock, together, events.append)
    machines = dict(line.machines)
    tasks = [asyncio.create_task(machine.run()) for machine in machines.values()]
    try:
        await asyncio.gather(*(machine.wait_link() for machine in machines.values()))
        yield Wired(simulated, machines, events)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def play(main: Callable[[], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        await main()

    run_virtual(all_of_it())


def told_truly(line: Wired, unit: str, snapshots: list[Snapshot]) -> None:
    """What never changes on a machine at rest is what every snapshot says."""
    plc = line.plc(unit)
    for snapshot in snapshots:
        assert snapshot.value("machine_state") == plc.profile.number("packml_state", "IDLE")
        assert snapshot.value("mode") == plc.profile.number("mode", "REMOTE")
        assert abs(snapshot.value("heartbeat_machine") - 2.0 * snapshot.time_s) <= 3.0


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("fault", READING)
def test_reading_goes_on_after_every_fault_and_says_nothing_wrong(fault: str, unit: str) -> None:
    async def main() -> None:
        async with wired() as line:
            injection = Injection(fault, unit, Trigger(after_s=1.0), 3.0, {"share": 0.7}, seed=11)
            try:
                line.simulated.faults.inject(injection)
            except NotApplicableError:
                assert fault in ("wire.half_open", "wire.no_transaction")
                assert unit != TCP
                return
            before = len(line.events)
            snapshots, _ = await line.observe(unit, 25.0)
            told_truly(line, unit, snapshots)
            assert len(line.simulated.faults.switched) == 2
            late = [s.time_s for s in snapshots if s.time_s > 20.0]
            assert len(late) >= 4, "the rate of a machine at rest is back"
            assert line.machines[unit].link_up
            others = [name for name in UNITS if name != unit]
            assert all(line.machines[name].link_up for name in others)
            assert len(line.events) > before

    play(main)


def test_one_dead_machine_on_a_shared_line_costs_the_others_little() -> None:
    async def main() -> None:
        async with wired(together=[[RTU, TCP]]) as line:
            line.simulated.faults.inject(Injection("wire.dead_unit", TCP))
            await asyncio.sleep(5.0)
            snapshots, changes = await line.observe(RTU, 30.0)
            assert len(snapshots) >= 25
            assert changes == []
            assert not line.machines[TCP].link_up

    play(main)


def test_a_half_open_connection_is_left_for_a_new_one() -> None:
    async def main() -> None:
        async with wired() as line:
            line.simulated.faults.inject(Injection("wire.half_open", TCP))
            began_s = asyncio.get_running_loop().time()
            seen, changes = await line.observe(TCP, 10.0)
            assert [change.up for change in changes] in ([], [False, True])
            times_s = [began_s, *(snapshot.time_s for snapshot in seen), began_s + 10.0]
            longest_s = max(late - soon for soon, late in pairwise(times_s))
            assert 0.5 <= longest_s < 3.0, "the old connection stays dead, and two heartbeats without answer end it"

    play(main)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("fault", [name for name in WRITING if name != "wire.write_partly_done"])
def test_a_command_under_a_writing_fault_is_sent_once_and_read_back(fault: str, unit: str) -> None:
    """The machine has obeyed; our side may know it or not, but has not sent the command twice."""

    async def main() -> None:
        async with wired() as line:
            line.simulated.faults.inject(Injection(fault, unit, parameters={"of": "commands", "times": 1.0}))
            plc = line.plc(unit)
            obeyed: list[str | None] = []
            obey = plc._obey

            def counted(name: str | None) -> tuple[str, str]:
                obeyed.append(name)
                return obey(name)

            plc._obey = counted  # type: ignore[method-assign]
            told: type[DriverError] = DriverError if fault == "wire.write_refused_but_done" else OutcomeUnknown
            with suppress(told):
                await line.machines[unit].abort()
            assert obeyed == ["abort"]
            assert plc.state == "ABORTED"

    play(main)


@pytest.mark.parametrize("unit", UNITS)
def test_a_job_that_was_taken_in_part_is_not_started(unit: str) -> None:
    async def main() -> None:
        async with wired() as line:
            plc = line.plc(unit)
            job = {s.name: max((s.limits or (0.0, 1.0))[0], 1.0) for s in plc.profile.job}
            line.simulated.faults.inject(Injection("wire.write_partly_done", unit, parameters={"of": "jobs"}))
            with pytest.raises(DriverError):
                await line.machines[unit].download(job)
            assert plc.state == "IDLE"
            written = [plc.tags[name] for name in job]
            assert 0 < sum(value != 0 for value in written) < len(written), "some were taken, some were not"

    play(main)


@pytest.mark.parametrize("unit", UNITS)
def test_a_busy_machine_refuses_commands_and_keeps_its_lease(unit: str) -> None:
    async def main() -> None:
        async with wired() as line:
            line.simulated.faults.inject(Injection("machine.busy", unit, Trigger(), 5.0))
            with pytest.raises(DeviceRefused, match="busy") as caught:
                await line.machines[unit].command("reset")
            assert caught.value.code == 6
            await asyncio.sleep(6.0)
            await line.machines[unit].abort()
            await line.machines[unit].reset()
            assert line.machines[unit].link_up

    play(main)


def test_the_same_seed_damages_the_same_bytes() -> None:
    def heard(seed: int) -> list[Any]:
        recorded: list[Any] = []

        async def main() -> None:
            async with wired() as line:
                for fault in ("wire.noise", "wire.corrupt", "wire.split", "wire.late"):
                    line.simulated.faults.inject(Injection(fault, RTU, parameters={"share": 0.2}, seed=seed))
                await asyncio.sleep(20.0)
                recorded.extend((event.time_s, event.what, event.data) for event in line.events)

        play(main)
        return recorded

    assert heard(4) == heard(4)
    assert heard(4) != heard(5)


def test_a_line_that_is_asked_by_calls_says_that_it_has_no_bytes() -> None:
    from controller.dryrun import memory_line

    simulated = SimulatedLine()
    memory_line(simulated)
    with pytest.raises(NotApplicableError, match="no bytes"):
        simulated.faults.inject(Injection("wire.corrupt", RTU))

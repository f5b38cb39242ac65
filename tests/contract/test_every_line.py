"""What every line must do, whatever carries it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from drivers.errors import CommandRejected, DriverError, JobMismatch, LinkDown, OutcomeUnknown, OutOfRange
from drivers.machine import Machine
from drivers.reading import Quality
from tests.contract.rig import LEASE, LINES, Rig, next_change, next_snapshot, owned, rig, running
from tests.contract.toy_plc import some_job


@pytest.fixture(params=LINES, ids=" ".join)
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with rig(*request.param) as made:
        yield made


async def test_connects_identifies_and_polls(line: Rig) -> None:
    line.plc.tags["status_bits"] = 0b1
    async with running(line) as queue:
        assert (await next_change(queue, up=True)).unit == "unit-1"
        snapshot = await next_snapshot(queue)
        assert snapshot.text("machine_state") == "IDLE"
        assert snapshot.bit("estop_ok")
        assert not snapshot.bit("link_ok")
        assert snapshot.reading("machine_state").quality is Quality.GOOD
        assert line.machine.link_up
    assert not line.machine.link_up


async def test_polls_a_decimal_value(line: Rig) -> None:
    name = "web_speed_m_min" if line.machine.profile.kind in ("coater", "roll_press") else "dwell_elapsed_s"
    line.plc.tags[name] = 1.2345
    async with running(line):
        assert (await line.machine.snapshot()).value(name) == pytest.approx(1.2345, rel=1e-6)


async def test_downloads_a_job_and_reads_it_back(line: Rig) -> None:
    job = some_job(line.machine.profile)
    async with running(line):
        await line.machine.download(job)
    assert line.plc.executed == ["load_job"]
    for signal in line.machine.profile.job:
        assert line.plc.tags[signal.echo or ""] == pytest.approx(job[signal.name], rel=1e-6)


async def test_an_echo_that_differs_is_a_mismatch(line: Rig) -> None:
    line.plc.echo_error = 1.0
    async with running(line):
        with pytest.raises(JobMismatch):
            await line.machine.download(some_job(line.machine.profile))


async def test_a_job_out_of_range_is_never_sent(line: Rig) -> None:
    job = some_job(line.machine.profile)
    last = line.machine.profile.job[-1]
    async with running(line):
        for wrong in ({last.name: 1e6}, {last.name: float("nan")}, {"job_id": 1.5}, {"nonsense": 1.0}):
            with pytest.raises(OutOfRange):
                await line.machine.download(job | wrong)
    assert line.plc.executed == []
    assert line.plc.tags["job_id"] == 0


async def test_start_is_acknowledged_and_executed_once(line: Rig) -> None:
    async with running(line) as queue:
        await line.machine.start()
        assert line.plc.executed == ["start"]
        async with asyncio.timeout(2):
            while (await next_snapshot(queue)).text("phase") != line.plc.working_phase:
                pass


async def test_the_sequence_goes_on_from_the_machines_and_wraps(line: Rig) -> None:
    line.plc.tags["acknowledged_sequence"] = 65534
    async with running(line):
        await line.machine.reset()
        assert line.plc.tags["acknowledged_sequence"] == 65535
        await line.machine.reset()
        assert line.plc.tags["acknowledged_sequence"] == 1
    assert line.plc.executed == ["reset", "reset"]


async def test_a_rejected_command_says_why(line: Rig) -> None:
    line.plc.rejects["start"] = "guard_open"
    async with running(line):
        with pytest.raises(CommandRejected) as caught:
            await line.machine.start()
        assert caught.value.reason == "guard_open"
        assert not caught.value.retryable


async def test_no_acknowledge_is_an_unknown_outcome(line: Rig) -> None:
    line.plc.deaf = True
    async with running(line):
        with pytest.raises(OutcomeUnknown):
            await line.machine.start()


async def test_hold_does_not_wait_for_another_command(line: Rig) -> None:
    line.plc.deaf = True
    async with running(line):
        start = asyncio.create_task(line.machine.start())
        await asyncio.sleep(0.05)
        line.plc.deaf = False
        await line.machine.hold()
        assert not line.plc.executed or line.plc.executed[-1] == "hold"
        with pytest.raises(OutcomeUnknown, match="overtaken"):
            await start
    assert line.plc.executed == ["hold"]


async def test_beats_while_it_runs(line: Rig) -> None:
    async with running(line):
        await asyncio.sleep(0.45)
    assert 3 <= len(line.plc.beats) <= 7
    assert line.plc.beats == sorted(set(line.plc.beats))


async def test_a_pulled_plug_is_told_once_and_comes_back_without_resending(line: Rig) -> None:
    async with running(line) as queue:
        await next_change(queue, up=True)
        await line.machine.start()
        writes = line.plc.writes
        await line.unplug()
        down = await next_change(queue, up=False)
        assert down.reason
        assert not line.machine.link_up
        with pytest.raises(LinkDown):
            await line.machine.start()
        await line.plug()
        await next_change(queue, up=True)
        assert (await next_snapshot(queue)).text("phase") == line.plc.working_phase
    assert line.plc.executed == ["start"]
    assert line.plc.writes == writes


async def test_another_machine_on_the_same_plug_is_refused(line: Rig) -> None:
    async with running(line) as queue:
        await next_change(queue, up=True)
        await line.unplug()
        await next_change(queue, up=False)
        line.plc.tags["serial_number"] = 70002
        await line.plug()
        again = await next_change(queue, up=False)
        assert "serial number" in again.reason
        assert not line.machine.link_up


async def test_a_heartbeat_that_stands_still_takes_the_link_down(line: Rig) -> None:
    async with running(line) as queue:
        await next_change(queue, up=True)
        line.plc.heart = False
        change = await next_change(queue, up=False)
        assert change.reason == "heartbeat of the machine stands still"
        snapshot = await next_snapshot(queue)
        assert snapshot.reading("phase").quality is Quality.BAD
        line.plc.heart = True
        await next_change(queue, up=True)


async def test_cancelled_callers_leave_the_line_usable(line: Rig) -> None:
    async with running(line):
        for delay in (0.0, 0.0005, 0.001, 0.002, 0.005):
            task = asyncio.create_task(line.machine.snapshot())
            await asyncio.sleep(delay)
            task.cancel()
            outcome = (await asyncio.gather(task, return_exceptions=True))[0]
            assert not isinstance(outcome, Exception), outcome
        assert (await line.machine.snapshot()).text("machine_state") == "IDLE"
        assert line.machine.link_up


async def test_a_second_controller_is_kept_out_until_the_first_is_done(line: Rig) -> None:
    profile = line.machine.profile
    second = Machine("second", profile, line.another(), lease=LEASE + 1)
    async with running(line):
        await asyncio.sleep(0.05)
        assert line.plc.tags["lease_owner"] == LEASE
        if line.exclusive:
            return  # a serial port has one user at a time anyway
        async with owned(second) as queue:
            change = await next_change(queue, up=False)
            assert str(LEASE) in change.reason
            with pytest.raises(DriverError):
                await second.hold()
            assert line.plc.executed == []
            assert line.machine.link_up
    async with owned(second):
        async with asyncio.timeout(1):
            await second.wait_link()


async def test_a_controller_that_was_killed_takes_its_own_lease_back_at_once(line: Rig) -> None:
    line.plc.write({"heartbeat_controller": 9, "lease_request": LEASE})
    async with owned(line.machine):
        async with asyncio.timeout(1):
            await line.machine.wait_link()
        await asyncio.sleep(0.1)
    line.plc.write({"heartbeat_controller": 9, "lease_request": LEASE + 1})  # it was given back, so it is anybody's

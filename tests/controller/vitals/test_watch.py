"""The controller's watch over itself: what it tells, and when the service manager is fed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from controller.events import EventStream
from controller.journal import Journal
from controller.vitals.background import Background, Health
from controller.vitals.clocks import Clocks, ClockWatch
from controller.vitals.lateness import PERIOD_S, WINDOW, Standstill
from controller.vitals.service_manager import ServiceManager
from controller.vitals.watch import FED_AGAIN_S, UNFED_S, SelfWatch, self_watched
from simulators.clock import run_virtual
from tests.controller.vitals.test_clocks import Hands


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """A service manager's socket: its address, and what has come there."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.setblocking(False)

        def come() -> list[str]:
            lines: list[str] = []
            while True:
                try:
                    lines += listener.recv(10_000).decode().split("\n")
                except BlockingIOError:
                    return lines

        yield address, come


class Stage:
    """A watch whose clock the test moves."""

    def __init__(
        self,
        address: str | None = None,
        journal: Journal | None = None,
        clocks: Clocks | None = None,
        watchdog_s: float = 2.0,
    ) -> None:
        self.now_s = 0.0
        self.journal = journal or Journal(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00")
        self.health = Health()
        self.watch = SelfWatch(
            self.journal,
            self.health,
            ServiceManager(address, watchdog_s),
            clock=lambda: self.now_s,
            clocks=ClockWatch(clocks or Hands().clocks()),
        )

    def pass_by(self, ticks: int, late_s: float = 0.0, standstill: Standstill | None = None) -> None:
        for _ in range(ticks):
            self.now_s += 0.05
            self.watch.tick(late_s, standstill)

    def told(self) -> list[tuple[str, bool]]:
        events = [event for event in self.journal.events() if event.kind == "condition"]
        assert {event.run for event in events} <= {"line"}
        return [(event.data["name"], event.data["active"]) for event in events]


async def test_a_late_loop_is_told_once_and_when_it_is_over() -> None:
    stage = Stage()
    stage.pass_by(WINDOW, 0.004)
    assert stage.told() == []
    stage.pass_by(3 * WINDOW, 0.02)
    assert stage.told() == [("loop_late", True)]
    stage.pass_by(WINDOW, 0.008)  # neither late nor well in time
    assert stage.told() == [("loop_late", True)]
    stage.pass_by(WINDOW, 0.004)
    assert stage.told() == [("loop_late", True), ("loop_late", False)]
    [late, _] = stage.journal.events()
    words = "the event loop is late: in 10 s 99 % of its timers within 20.0 ms, the latest 20.0 ms late; its own work"
    assert late.data["message"].startswith(words)


async def test_a_late_loop_that_stood_still_says_where() -> None:
    stage = Stage()
    stage.pass_by(5, 0.5, Standstill(0.5, "sleep (time.py:1)"))
    stage.pass_by(WINDOW, 0.0)
    message = next(event.data["message"] for event in stage.journal.events() if event.data["name"] == "loop_late")
    assert message.endswith("it stood still for 0.50 s in sleep (time.py:1)")


async def test_a_loop_that_stood_still_is_told_with_its_place_and_when_it_is_over() -> None:
    stage = Stage()
    stage.pass_by(10)
    stage.pass_by(1, 0.0, Standstill(0.512, "sleep (time.py:1), called by beat (controller/x.py:3)"))
    [event] = stage.journal.events()
    words = "the event loop stood still for 0.51 s in sleep (time.py:1), called by beat (controller/x.py:3)"
    assert (event.data["message"], event.data["active"]) == (words, True)
    stage.pass_by(WINDOW - 11)
    assert stage.told() == [("loop_blocked", True)]
    stage.pass_by(WINDOW)
    assert stage.told() == [("loop_blocked", True), ("loop_blocked", False)]


async def test_a_process_that_was_stopped_is_told_without_a_call() -> None:
    stage = Stage()
    stage.pass_by(1, 5.0)
    [event] = stage.journal.events()
    words = (
        "the event loop stood still for 5.00 s in no call: the process was stopped, or the computer had no time for it"
    )
    assert (event.data["name"], event.data["message"]) == ("loop_blocked", words)


async def test_clocks_are_looked_at_every_second() -> None:
    hands = Hands()
    stage = Stage(clocks=hands.clocks())
    hands.pass_by(1.0)
    hands.day_s += 3599.0
    stage.pass_by(19)
    assert stage.journal.events() == []
    stage.pass_by(2)
    told, condition = stage.journal.events()
    assert (told.run, told.kind, told.data["by_s"]) == ("line", "clock.jumped", 3599.0)
    words = "the clock was set ahead by 3599 s, from 2026-09-21T14:13:21.000+00:00 to 2026-09-21T15:13:20.000+00:00"
    assert condition.data["message"] == words
    hands.pass_by(1.0)
    stage.pass_by(20)
    assert stage.told() == [("clock_jump", True), ("clock_jump", False)]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("2026-01-01T01:00:00.000+00:00", []),
        ("2026-01-01T00:59:59.600+00:00", []),
        ("2026-01-01T00:00:00.000+00:00", [("clock.jumped", -3600.0)]),
    ],
)
async def test_a_clock_that_was_set_back_while_nobody_watched_is_told(now: str, told: list[tuple[str, float]]) -> None:
    before = Journal(EventStream(), lambda: "2026-01-01T01:00:00.000+00:00")
    before.note("line", "run.problem", {"reason": "the last that was recorded"})
    stage = Stage(journal=Journal(EventStream(), lambda: now, before.events()))
    stage.watch.begin()
    events = stage.journal.events()
    assert [(event.kind, event.data["by_s"]) for event in events if event.kind != "condition"] == told
    stage.pass_by(21)
    assert stage.told() == ([("clock_jump", True), ("clock_jump", False)] if told else [])


async def test_a_computer_that_slept_is_told() -> None:
    hands = Hands()
    stage = Stage(clocks=hands.clocks())
    hands.sleep(600.0)
    stage.pass_by(21)
    told, condition = stage.journal.events()
    assert told.kind == "computer.slept"
    words = "the computer slept for 600 s from 2026-09-21T14:13:20.000+00:00 on; machines heard nothing meanwhile"
    assert condition.data["message"] == words


async def test_the_service_manager_is_fed_twice_in_its_time(heard: Any) -> None:
    address, come = heard
    stage = Stage(address)
    stage.pass_by(110)  # 5.5 s; it wants to be fed within 2 s
    assert come() == ["WATCHDOG=1"] * 6


async def test_a_loop_that_was_late_is_not_fed_for_until_it_is_in_time_for_a_while(heard: Any) -> None:
    address, come = heard
    stage = Stage(address)
    stage.pass_by(20)
    assert come() == ["WATCHDOG=1"]
    stage.pass_by(1, UNFED_S + 0.1)
    assert come() == ["STATUS=unfit: the event loop was late by 1.1 s"]
    assert ("watchdog_unfed", True) in stage.told()
    stage.pass_by(round(FED_AGAIN_S / PERIOD_S) - 1)
    assert come() == []
    stage.pass_by(1)
    assert come() == ["WATCHDOG=1", "STATUS=the service manager's watchdog is fed"]
    assert stage.told()[-1] == ("watchdog_unfed", False)


@pytest.mark.parametrize("fed_before", range(1, 40))
async def test_a_loop_that_stood_still_once_and_turns_again_is_not_ended_for_it(heard: Any, fed_before: int) -> None:
    """Wherever between two feeds it was: the service manager hears again within its time."""
    address, come = heard
    stage = Stage(address, watchdog_s=4.0)
    fed_s: list[float] = []
    for tick in range(200):
        late_s = UNFED_S + 0.1 if tick == fed_before else 0.0
        stage.now_s += late_s
        stage.pass_by(1, late_s)
        fed_s += [stage.now_s] if "WATCHDOG=1" in come() else []
    assert max(later - earlier for earlier, later in pairwise(fed_s)) < 4.0


async def test_a_loop_that_is_late_again_and_again_is_never_fed_for(heard: Any) -> None:
    address, come = heard
    stage = Stage(address)
    for _ in range(20):
        stage.pass_by(1, UNFED_S + 0.1)
        stage.pass_by(5)
    assert "WATCHDOG=1" not in come()


async def test_a_loop_that_was_a_little_late_is_fed_for(heard: Any) -> None:
    address, come = heard
    stage = Stage(address)
    stage.pass_by(40, UNFED_S)
    assert set(come()) == {"WATCHDOG=1"}


async def test_a_dead_task_is_not_fed_for(heard: Any) -> None:
    address, come = heard
    stage = Stage(address)
    block = Background(lambda data: None)
    stage.health.blocks.append(block)
    stage.pass_by(2)
    assert come() == ["WATCHDOG=1"]
    block.__class__ = type("Dead", (Background,), {"faults": ["the task of press-1 hangs"]})
    stage.pass_by(60)
    assert come() == ["STATUS=unfit: the task of press-1 hangs"]


class Silent(Journal):
    """A journal whose thread neither writes nor says why."""

    @property
    def is_silent(self) -> bool:
        return True


class Unwritable(Journal):
    """A journal that says why it cannot write."""

    def __init__(self) -> None:
        super().__init__(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00")
        self.broken = "the journal cannot be written: the disk is full"


async def test_a_silent_journal_is_not_fed_for(heard: Any) -> None:
    address, come = heard
    stage = Stage(address, Silent(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00"))
    stage.pass_by(60)
    assert come() == ["STATUS=unfit: the journal neither writes nor says why"]


async def test_a_full_disk_is_fed_for_because_a_kill_would_lose_the_evidence(heard: Any) -> None:
    address, come = heard
    stage = Stage(address, Unwritable())
    stage.pass_by(60)
    assert set(come()) == {"WATCHDOG=1"}


async def test_a_call_that_blocks_for_half_a_second_is_told_with_its_place(heard: Any) -> None:
    address, come = heard
    journal = Journal(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00")
    async with self_watched(journal, Health(), ServiceManager(address, 0.2)) as watch:
        watch.ready()
        await asyncio.sleep(0.2)
        lines = come()
        time.sleep(0.5)  # noqa: ASYNC251  the fault that is to be found
        assert come() == [], "nothing feeds while the loop hangs"
        await asyncio.sleep(0.2)
    [event] = [event for event in journal.events() if event.data["name"] == "loop_blocked"]
    assert "test_a_call_that_blocks_for_half_a_second_is_told_with_its_place (tests/controller/vitals/" in str(
        event.data["message"]
    )
    assert (lines[0], come()[-1]) == ("READY=1", "STOPPING=1")
    assert "WATCHDOG=1" in lines


def test_a_watch_that_dies_again_and_again_ends_no_run_and_is_not_fed_for(
    heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever needs it to work has a service manager, which is not fed then."""
    address, come = heard

    def bad(self: SelfWatch, late_s: float, standstill: Standstill | None) -> None:
        raise OSError("no such clock")

    async def main() -> list[str]:
        journal = Journal(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00")
        async with self_watched(journal, Health(), ServiceManager(address, 1.0)):
            await asyncio.sleep(100.0)
        return [str(event.data["message"]) for event in journal.events()]

    monkeypatch.setattr(SelfWatch, "tick", bad)
    told = run_virtual(main())
    assert len(told) > 4
    words = "the controller's watch over itself died of a fault of the program: OSError: no such clock"
    assert set(told) == {f"{words}; it is started again"}
    assert come() == ["STOPPING=1"]


def test_a_run_as_a_service_is_ready_fed_and_tells_its_states(heard: Any, tmp_path: Path) -> None:
    """The whole command: from its start to the SIGTERM with which a service manager stops it."""
    address, come = heard
    recipe = Path(__file__).parents[3] / "recipes/library/honda-example-1.yaml"
    command = [sys.executable, "-m", "controller.cli.main", "run", str(recipe), "--simulate", "--speed", "20"]
    environment = os.environ | {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "4000000"}
    process = subprocess.Popen(
        [*command, "--store", str(tmp_path / "store.sqlite")],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        lines: list[str] = []
        until_s = time.monotonic() + 60.0
        while not ("READY=1" in lines and "WATCHDOG=1" in lines and any("is running" in line for line in lines)):
            assert time.monotonic() < until_s, lines
            assert process.poll() is None
            time.sleep(0.1)
            lines += come()
        process.send_signal(signal.SIGTERM)
        process.wait(60.0)
        lines += come()
    finally:
        process.kill()
        process.wait()
    assert any(line.startswith("STATUS=run ") and "interrupted by SIGTERM" in line for line in lines)
    assert lines[-1] == "STOPPING=1"

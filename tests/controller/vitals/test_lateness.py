"""Lateness of the loop and standstills, on a clock that the test moves and once on the wall's."""

from __future__ import annotations

import asyncio
import linecache
import selectors
import socket
import sys
import threading
import time

import pytest
import uvloop

from controller.vitals.lateness import (
    LATE_S,
    STANDSTILL_S,
    WINDOW,
    Lateness,
    LatenessWindow,
    StandstillWatch,
    is_idle,
    place_of,
)


def judged(values: list[float]) -> Lateness | None:
    window = LatenessWindow()
    found = None
    for value in values:
        found = window.add(value)
    return found


def test_nothing_is_judged_before_the_window_is_full() -> None:
    assert judged([1.0] * (WINDOW - 1)) is None
    assert judged([1.0] * WINDOW) == Lateness(1.0, 1.0)


@pytest.mark.parametrize(("late", "is_late"), [(2, False), (3, True)])
def test_one_timer_in_a_hundred_may_be_late(late: int, is_late: bool) -> None:
    found = judged([0.001] * (WINDOW - late) + [LATE_S + 0.001] * late)
    assert found is not None
    assert (found.is_late, found.max_s) == (is_late, LATE_S + 0.001)


def test_lateness_at_the_limit_is_in_time() -> None:
    assert not Lateness(LATE_S, 1.0).is_late


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def waited_for(truth: object, limit_s: float = 5.0) -> None:
    """Waits on the wall's clock until a callable is true."""
    until_s = time.monotonic() + limit_s
    while not truth():  # type: ignore[operator]
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_a_standstill_is_told_with_its_length_and_its_place() -> None:
    clock = Hand()
    watch = StandstillWatch(clock, say=lambda _: None)
    with watch.watching():
        assert watch.turned() is None
        clock.now_s += STANDSTILL_S + 0.05
        waited_for(lambda: watch._where is not None)
        found = watch.turned()
        assert watch.turned() is None
    assert found is not None
    assert found.lasted_s == pytest.approx(STANDSTILL_S + 0.05)
    assert "waited_for (tests/controller/vitals/test_lateness.py:" in found.where


def test_a_loop_that_turns_in_time_is_never_looked_at() -> None:
    clock = Hand()
    watch = StandstillWatch(clock, say=lambda _: None)
    with watch.watching():
        for _ in range(4):
            clock.now_s += STANDSTILL_S
            time.sleep(0.12)  # the thread looks at least once
            assert watch.turned() is None


def test_a_loop_that_waits_for_its_next_event_is_blocked_by_no_call() -> None:
    ready, release = threading.Event(), socket.socketpair()
    numbers: list[int] = []

    def idle() -> None:
        selector = selectors.DefaultSelector()
        selector.register(release[0], selectors.EVENT_READ)
        numbers.append(threading.get_ident())
        ready.set()
        selector.select(10.0)
        selector.close()

    thread = threading.Thread(target=idle)
    thread.start()
    ready.wait()
    waited_for(lambda: is_idle(numbers[0]))
    assert not is_idle(threading.get_ident())
    release[1].send(b".")
    thread.join()
    assert not is_idle(numbers[0])
    for end in release:
        end.close()


def test_a_long_standstill_is_said_once_at_once() -> None:
    said: list[str] = []
    clock = Hand()
    watch = StandstillWatch(clock, said.append)
    with watch.watching():
        clock.now_s += 6.0
        waited_for(lambda: said)
        clock.now_s += 6.0
        time.sleep(0.15)
    assert len(said) == 1
    assert said[0].startswith("pressline: the event loop stands still since 6 s in ")


def test_looking_at_a_place_reads_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop waits meanwhile, and the standstill may be the disk's."""

    read: list[object] = []

    def reads(*args: object) -> list[str]:
        read.append(args)
        return []

    for name in ("checkcache", "getlines", "updatecache"):
        monkeypatch.setattr(linecache, name, reads)
    place = place_of(threading.get_ident())
    assert "test_looking_at_a_place_reads_no_file (tests/" in place
    assert read == []


def test_a_standard_error_that_is_gone_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stderr", Gone())
    clock = Hand()
    watch = StandstillWatch(clock)
    with watch.watching():
        clock.now_s += 6.0
        waited_for(lambda: watch._is_said)
        watch.turned()
        clock.now_s += STANDSTILL_S + 0.05
        waited_for(lambda: watch._where is not None)


def test_the_place_names_the_call_that_blocks_and_who_called_it() -> None:
    release, there = threading.Event(), threading.Event()

    def waits() -> None:
        there.set()
        release.wait()

    thread = threading.Thread(target=waits)
    thread.start()
    there.wait()
    time.sleep(0.02)
    place = place_of(thread.ident or 0)
    release.set()
    thread.join()
    assert place.startswith("wait (threading.py:")
    assert ", called by waits (tests/controller/vitals/test_lateness.py:" in place
    assert place_of(thread.ident or 0) == "a thread that has ended"


def test_the_service_s_own_loop_that_waits_is_blocked_by_no_call_either() -> None:
    """uvloop, which waits where no Python is."""
    numbers: list[int] = []

    async def waits() -> None:
        numbers.append(threading.get_ident())
        await asyncio.sleep(0.5)
        time.sleep(0.5)  # noqa: ASYNC251  a call that blocks the loop is what is looked for

    def work() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(waits())

    thread = threading.Thread(target=work)
    thread.start()
    waited_for(lambda: bool(numbers) and is_idle(numbers[0]))
    waited_for(lambda: not is_idle(numbers[0]))
    assert "waits" in place_of(numbers[0])
    thread.join()

"""Waiting for the next thing with one timer."""

from __future__ import annotations

import asyncio

import pytest

from controller.executor.patience import Patience
from controller.executor.run import Inbox, Late, Request
from controller.executor.states import Trigger
from simulators.clock import VirtualLoop, run_virtual

ONE = Request(Trigger.HOLD, "one", "a person")


def test_what_comes_is_taken_and_what_does_not_come_is_missed_at_its_time() -> None:
    async def main() -> list[float]:
        loop, inbox = asyncio.get_running_loop(), Inbox()
        patience, missed = Patience(inbox), []
        for i in range(5):
            loop.call_at(0.4 * (i + 1), inbox.put_nowait, ONE)
        for _ in range(5):
            assert await patience.next(loop.time() + 0.5) is ONE
        for wait_s in (0.5, 2.0):
            with pytest.raises(TimeoutError):
                await patience.next(loop.time() + wait_s)
            missed.append(loop.time())
        patience.end()
        return missed

    assert run_virtual(main()) == pytest.approx([2.5, 4.5])


def test_an_earlier_time_than_the_one_before_is_kept() -> None:
    async def main() -> float:
        loop, inbox = asyncio.get_running_loop(), Inbox()
        patience = Patience(inbox)
        inbox.put_nowait(ONE)
        await patience.next(100.0)
        with pytest.raises(TimeoutError):
            await patience.next(3.0)
        patience.end()
        return loop.time()

    assert run_virtual(main()) == pytest.approx(3.0)


def test_what_is_there_is_taken_even_if_it_is_late() -> None:
    async def main() -> None:
        inbox = Inbox()
        patience = Patience(inbox)
        await asyncio.sleep(10.0)
        inbox.put_nowait(ONE)
        assert await patience.next(5.0) is ONE
        with pytest.raises(TimeoutError):
            await patience.next(5.0)
        patience.end()

    run_virtual(main())


def test_many_waits_need_one_timer_and_the_end_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[asyncio.TimerHandle] = []
    call_at = VirtualLoop.call_at

    def counted(loop: VirtualLoop, when: float, callback: object, *args: object, **more: object) -> asyncio.TimerHandle:
        timer = call_at(loop, when, callback, *args, **more)  # type: ignore[arg-type]
        if getattr(callback, "__self__", None).__class__ is Patience:
            timers.append(timer)
        return timer

    monkeypatch.setattr(VirtualLoop, "call_at", counted)

    async def main() -> None:
        loop, inbox = asyncio.get_running_loop(), Inbox()
        patience = Patience(inbox)
        for _ in range(100):
            loop.call_later(0.1, inbox.put_nowait, ONE)
            await patience.next(loop.time() + 1.5)
        patience.end()
        await asyncio.sleep(10.0)
        assert inbox.empty(), "a timer that is left would tell that it is late"

    run_virtual(main())
    assert len(timers) <= 8


def test_late_is_nothing_to_be_carried_out() -> None:
    assert not isinstance(Late(), Request)

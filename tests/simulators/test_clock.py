"""Virtual and scaled time."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable

import pytest

from simulators.clock import ScaledLoop, VirtualLoop, run_scaled, run_virtual


def test_virtual_time_jumps_to_the_next_timer() -> None:
    async def main() -> tuple[list[float], float]:
        loop = asyncio.get_running_loop()
        seen: list[float] = []

        async def tick(period: float, count: int) -> None:
            for _ in range(count):
                await asyncio.sleep(period)
                seen.append(loop.time())

        await asyncio.gather(tick(10.0, 3), tick(25.0, 1))
        return seen, loop.time()

    seen, end = run_virtual(main(), start=100.0)
    assert seen == pytest.approx([110.0, 120.0, 125.0, 130.0])
    assert end == pytest.approx(130.0)


def test_a_thousand_seconds_at_twenty_hertz() -> None:
    async def main() -> int:
        ticks = 0
        while asyncio.get_running_loop().time() < 1000.0:
            await asyncio.sleep(0.05)
            ticks += 1
        return ticks

    wall = time.monotonic()
    assert run_virtual(main()) == pytest.approx(20000, abs=1)
    assert time.monotonic() - wall < 100.0  # a tenth of what a clock that really waits would take


def test_virtual_timeouts_expire_in_virtual_time() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600.0):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    before = time.monotonic()
    assert run_virtual(main()) == pytest.approx(3600.0)
    assert time.monotonic() - before < 5.0


def test_virtual_time_waits_for_a_thread() -> None:
    async def main() -> tuple[str, float]:
        loop = asyncio.get_running_loop()
        sleeper = asyncio.create_task(asyncio.sleep(1e6))

        def work() -> str:
            time.sleep(0.05)
            return "done"

        answer = await loop.run_in_executor(None, work)
        now = loop.time()
        sleeper.cancel()
        return answer, now

    assert run_virtual(main()) == ("done", 0.0)


def test_loopback_tcp_works_on_virtual_time() -> None:
    async def main() -> bytes:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
            writer.write(b"hello\n")
            answer = await asyncio.wait_for(reader.readline(), 10.0)
            writer.close()
            await writer.wait_closed()
        return answer

    assert run_virtual(main(), io_guard_s=0.01) == b"hello\n"


async def _many_things() -> list[tuple[str, float]]:
    """Timers at one instant and next to it, cancelled ones, callbacks that make others ready, futures, a queue."""
    loop = asyncio.get_running_loop()
    seen: list[tuple[str, float]] = []

    def note(what: str) -> None:
        seen.append((what, round(loop.time(), 6)))

    def late() -> None:
        note("late")
        loop.call_soon(note, "made ready")
        loop.call_at(loop.time(), note, "due at once")
        loop.call_soon(note, "made ready next")

    for i in range(5):
        loop.call_at(1.0, note, f"timer {i}")
        loop.call_at(0.5 + i, note, f"cancelled {i}").cancel()
    loop.call_at(1.0, late)
    queue: asyncio.Queue[int] = asyncio.Queue()

    async def taker() -> None:
        while (item := await queue.get()) < 300:
            note(f"took {item}")

    async def giver() -> None:
        for i in range(301):
            await asyncio.sleep(0.25)
            queue.put_nowait(i)
            await asyncio.sleep(0)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2.0):
            await asyncio.Event().wait()
    await asyncio.gather(taker(), giver(), taker_of_none(note))
    return seen


async def taker_of_none(note: Callable[[str], None]) -> None:
    for i in range(400):
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.2)
        except TimeoutError:
            note(f"gave up {i}")


def test_its_short_turns_call_the_same_in_the_same_order_as_asyncios_own(monkeypatch: pytest.MonkeyPatch) -> None:
    short = run_virtual(_many_things())
    monkeypatch.setattr(VirtualLoop, "_has_only_timers", lambda self: False)
    assert run_virtual(_many_things()) == short
    assert len(short) > 700


@pytest.mark.parametrize("gap_s", [5e-10, 1e-12, 2e-9])
def test_who_is_called_never_finds_that_it_is_not_yet_time(gap_s: float) -> None:
    """Else who looks at the clock and sleeps until then would be called again and again, and time stand still."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        early: list[float] = []

        def called(when: float) -> None:
            early.append(when - loop.time())

        for i in range(20):
            loop.call_at(100.0 + i * gap_s, called, 100.0 + i * gap_s)
        await asyncio.sleep(200.0)
        return early

    assert max(run_virtual(main())) <= 0.0


def test_a_signal_is_heard_while_only_timers_run() -> None:
    async def main() -> bool:
        heard = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, heard.set)
        signal.raise_signal(signal.SIGUSR1)
        for _ in range(1000):
            await asyncio.sleep(1.0)
        return heard.is_set()

    assert run_virtual(main())


def test_a_callback_from_another_thread_is_heard_while_nothing_else_is_to_do() -> None:
    async def main() -> str:
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        threading.Timer(0.05, lambda: loop.call_soon_threadsafe(told.set)).start()
        await told.wait()
        return "told"

    assert run_virtual(main()) == "told"


def test_scaled_time_runs_faster() -> None:
    async def main() -> float:
        before = asyncio.get_running_loop().time()
        await asyncio.sleep(2.0)
        return asyncio.get_running_loop().time() - before

    wall = time.monotonic()
    elapsed = run_scaled(main(), 20.0)
    wall = time.monotonic() - wall
    assert elapsed >= 2.0
    assert wall == pytest.approx(elapsed / 20.0, rel=0.2, abs=0.02)


def test_speed_must_be_positive() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        ScaledLoop.checked_speed(0.0)

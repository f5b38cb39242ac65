"""Virtual and scaled time."""

from __future__ import annotations

import asyncio
import time

import pytest

from simulators.clock import ScaledLoop, run_scaled, run_virtual


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

"""What telling a broker costs, beside aiomqtt alone: `python benchmarks/telemetry.py`.

Messages a second with QoS 1 to one mosquitto, in rounds that alternate: aiomqtt with a window of publishes at once, our
way for what is now, and our way for events, which are on the disk first. Then the time from a value that a machine
shows to a subscriber that has it, alone and beside a replay of the past; and what a poll pays in its own call.
Every ratio is the median of the ratios of its rounds. The exit code is 1 if a goal is missed, 2 without mosquitto.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import aiomqtt

sys.path.insert(0, str(Path(__file__).parents[1]))

from controller.outbox import Entry, Priority
from controller.telemetry.broker import WINDOW
from controller.telemetry.courier import JSON
from controller.telemetry.watch import UnitWatch
from drivers.profile_file import load_profile
from drivers.reading import Decoder, Snapshot
from tests.telemetry.hosted import Clock, Hosted, Plant
from tests.telemetry.mosquitto import Mosquitto, mosquitto

GOAL = 0.8  # of aiomqtt, pipelined
LATENCY_GOAL_S = 0.003
PAYLOAD = b'{"utc":"2026-01-01T00:00:00.000000Z","value":' + b"1" * 150 + b"}"


SHORT_S = 0.001
"""Between two looks: a loop that turns all the time would take the processor from the broker that it waits for."""
NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
PAST = Entry(JSON, Priority.VALUE, "bench/past", PAYLOAD, 0)


class Wall(Clock):
    """The wall's time of day."""

    def utc_us(self) -> int:
        return time.time_ns() // 1000


async def aiomqtt_alone(port: int, messages: int) -> float:
    """Messages a second."""
    gate = asyncio.Semaphore(WINDOW)
    async with aiomqtt.Client(
        "127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, max_inflight_messages=WINDOW
    ) as client:
        client.pending_calls_threshold = 10 * WINDOW

        async def publish() -> None:
            async with gate:
                await client.publish("bench/aiomqtt", PAYLOAD, qos=1)

        begun_s = time.perf_counter()
        await asyncio.gather(*(publish() for _ in range(messages)))
        return messages / (time.perf_counter() - begun_s)


async def ours(line: Hosted, messages: int, *, as_events: bool) -> float:
    """Messages a second."""
    courier, outbox = line.telemetry.courier, line.telemetry.outbox
    begun_s = time.perf_counter()
    for number in range(messages):
        if as_events:
            courier.event("bench/ours", PAYLOAD, line.clock.utc_us())
        else:
            courier.value("bench/ours", PAYLOAD, 0)
        if number % WINDOW == 0:
            await asyncio.sleep(0)
        while not as_events and courier.on_its_way > 5 * WINDOW:  # noqa: ASYNC110  it has no event for that
            await asyncio.sleep(SHORT_S)
    await outbox.flushed()
    while courier.on_its_way or outbox.waits(JSON, (Priority.EVENT,)):  # noqa: ASYNC110  as above
        await asyncio.sleep(SHORT_S)
    return messages / (time.perf_counter() - begun_s)


@asynccontextmanager
async def subscribed(port: int, topic: str, is_meant: Callable[[bytes], bool]) -> AsyncIterator[asyncio.Queue[float]]:
    """When each message that is meant was heard (time.perf_counter), by a subscriber in this process."""
    heard: asyncio.Queue[float] = asyncio.Queue()
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(topic, qos=1)

        async def listen() -> None:
            async for message in client.messages:
                if is_meant(bytes(message.payload)):
                    heard.put_nowait(time.perf_counter())

        listening = asyncio.create_task(listen())
        try:
            yield heard
        finally:
            listening.cancel()
            await asyncio.wait([listening])


async def latencies(line: Hosted, port: int, values: int, *, replay: bool) -> list[float]:
    """Seconds from a snapshot to the subscriber."""
    taken = []
    async with subscribed(port, "+/+/+/press-1/values", lambda payload: b'"historical":false' in payload[:30]) as heard:
        for number in range(values):
            if replay:
                for _ in range(20):
                    line.telemetry.outbox.put(PAST)
            await asyncio.sleep(0.01)
            begun_s = time.perf_counter()
            line.press.show(asyncio.get_running_loop().time(), machine_state=6, force_pv_kn=float(number))
            taken.append(await heard.get() - begun_s)
    return taken


async def floor(port: int, values: int) -> list[float]:
    """The same way for a message that is made already, by aiomqtt alone."""
    taken = []
    async with (
        subscribed(port, "bench/floor", lambda _: True) as heard,
        aiomqtt.Client("127.0.0.1", port, socket_options=NO_DELAY) as client,
    ):
        for _ in range(values):
            await asyncio.sleep(0.01)
            begun_s = time.perf_counter()
            await client.publish("bench/floor", PAYLOAD, qos=1)
            taken.append(await heard.get() - begun_s)
    return taken


def a_poll_pays(polls: int) -> float:
    """Seconds of one poll's call that says nothing new, as nearly all do."""
    profile = load_profile("uniaxial-press-generic")
    watch = UnitWatch("press-1", profile, 1.0, lambda _: None)
    registers = {block.name: [0] * block.count for block in profile.polled}
    snapshot = Snapshot("press-1", 1.0, Decoder(profile), registers)
    for _ in range(2):
        watch.put_nowait(snapshot)
        watch.looked()
    begun_s = time.perf_counter()
    for _ in range(polls):
        watch.put_nowait(snapshot)
    return (time.perf_counter() - begun_s) / polls


def told(name: str, seconds: list[float]) -> float:
    """Prints percentiles; the 99th."""
    ordered = sorted(seconds)
    p99 = ordered[int(0.99 * (len(ordered) - 1))]
    print(f"{name}: p50 {1e3 * median(ordered):.2f} ms, p99 {1e3 * p99:.2f} ms, longest {1e3 * ordered[-1]:.2f} ms")
    return p99


async def costs(work: Awaitable[float], messages: int) -> tuple[float, float]:
    """Its rate, and microseconds of this process's processor time for each message, all threads."""
    begun_s = time.process_time()
    rate = await work
    return rate, 1e6 * (time.process_time() - begun_s) / messages


async def measured(server: Mosquitto, folder: Path, rounds: int, messages: int) -> bool:
    plant = Plant(folder, server.port, clock=Wall(), changes={"replay_per_s": 1000.0})
    rates: dict[str, list[float]] = {"aiomqtt": [], "what is now": [], "events": []}
    async with plant.hosted() as line:
        await line.connected()
        line.press.link(up=True)
        cpu_us: dict[str, list[float]] = {name: [] for name in rates}
        for number in range(rounds + 1):
            for name, work in (
                ("aiomqtt", aiomqtt_alone(server.port, messages)),
                ("what is now", ours(line, messages, as_events=False)),
                ("events", ours(line, messages, as_events=True)),
            ):
                rate, took_us = await costs(work, messages)
                if number:  # the first round is to get warm
                    rates[name].append(rate)
                    cpu_us[name].append(took_us)
        good = True
        for name, all_rates in rates.items():
            ratio = median(own / peer for own, peer in zip(all_rates, rates["aiomqtt"], strict=True))
            print(
                f"{name}: {median(all_rates):,.0f} messages a second, {ratio:.2f} of aiomqtt;"
                f" {median(cpu_us[name]):.0f} us of processor time a message"
            )
            good = good and (name == "events" or ratio >= GOAL)
        told("the floor, a message that is made already", await floor(server.port, 500))
        alone = told("a value to its subscriber", await latencies(line, server.port, 500, replay=False))
        told(
            "the same beside 1,000 messages of the past a second", await latencies(line, server.port, 500, replay=True)
        )
        print(f"a poll pays {1e6 * a_poll_pays(100_000):.2f} us in its own call")
    return good and alone <= LATENCY_GOAL_S


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--messages", type=int, default=5_000)
    given = parser.parse_args()
    if shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None:
        print("mosquitto is not installed; `make system` installs it", file=sys.stderr)
        return 2
    import uvloop

    with (
        tempfile.TemporaryDirectory() as name,
        mosquitto(Path(name), "allow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0") as server,
    ):
        good = uvloop.run(measured(server, Path(name), given.rounds, given.messages))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

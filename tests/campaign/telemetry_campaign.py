"""A broker that is killed for hours of a running line: `make campaign-telemetry HOURS=13`.

The line lives on virtual time, mosquitto and mosquitto_sub are real. While the broker is away nothing of the network is
there to be waited for, and hours pass in minutes; while it is there each step of the virtual clock leaves the kernel a
little wall time (`io_guard_s`), far more than loopback needs, so that to the line the broker answers at once. Nothing
of the broker's own clock is used.

What is played: a while with the broker; it is killed with messages on their way; the hours; it comes back, and is
killed again in the middle of catching up; it comes back and everything arrives. Then everything that mosquitto_sub was
given is held against what the line told (telemetry_judges.py). Ends with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from controller.outbox import Priority
from controller.telemetry.settings import Broker, MqttSettings, SparkplugSettings
from drivers.reading import Snapshot
from simulators.clock import run_virtual
from tests.campaign.hosted_line import Hosted, hosted_line
from tests.campaign.telemetry_judges import Judge, Told, change_of, judged
from tests.campaign.telemetry_plant import Plant, plant

GUARD_S = 0.002
WITH_BROKER_S, BETWEEN_S = 120.0, 300.0
REPLAY_PER_S = 5_000.0
"""Five times the usual pace: each step of the virtual clock costs wall time while the broker is there."""
CATCH_UP = 0.4
"""So much of what waits has been sent when the broker is killed again."""
SAME_S = 1e-6
BEGUN_S = 30.0
"""Loop seconds from which on polls are compared: everything has begun by then."""
LIMIT_S = 7_200.0
"""Loop seconds in which everything has to have arrived."""


class Ears:
    """Notes what the line tells its outlets, in order, before any of them could lose it."""

    def __init__(self, line: Hosted, told: Told) -> None:
        self.told = told
        assert line.telemetry is not None
        assert line.telemetry.node is not None
        known = line.telemetry.node.node._current._latest
        self._last: dict[tuple[str | None, str], Any] = {key: (one.value, one.quality) for key, one in known.items()}
        self._hear_courier(line.telemetry.courier)
        self._hear_node(line.telemetry.node.node)

    def _hear_courier(self, courier: Any) -> None:
        value, state, clear = courier.value, courier.state, courier.clear

        def told_value(topic: str, payload: bytes, utc_us: int) -> None:
            self.told.payloads.append(digest(topic, payload))
            value(topic, payload, utc_us)

        def told_state(topic: str, payload: bytes, utc_us: int, priority: Priority | None = None) -> None:
            if priority is not None:
                self.told.payloads.append(digest(topic, payload))
            state(topic, payload, utc_us, priority)

        def told_clear(topic: str, last: bytes, utc_us: int, priority: Priority | None = None) -> None:
            if priority is not None:
                self.told.payloads.append(digest(topic, last))
            clear(topic, last, utc_us, priority)

        courier.value, courier.state, courier.clear = told_value, told_state, told_clear

    def _hear_node(self, node: Any) -> None:
        update = node.update

        def told_node(samples: Any) -> Any:
            listed = tuple(samples)
            for one in listed:
                key, now = (one.device, one.name), (one.value, one.quality)
                if self._last.get(key) != now:
                    self._last[key] = now
                    number = change_of(one.device, one.name, one.time_ms, one.value)
                    self.told.changes[number] = f"{one.device} {one.name}"
            return update(listed)

        node.update = told_node


def digest(topic: str, payload: bytes) -> bytes:
    """Of a message without `historical`."""
    return hashlib.blake2b(topic.encode() + b"\0" + payload, digest_size=10).digest()


class Polls(asyncio.Queue[Any]):
    """When one machine was polled, on the loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.times_s = array("d")

    def put_nowait(self, item: Any) -> None:
        if isinstance(item, Snapshot):
            self.times_s.append(item.time_s)


@contextmanager
def polls_of(line: Hosted) -> Iterator[dict[str, Polls]]:
    """The polls of every machine, as long as the block."""
    found = {unit: Polls() for unit in line.service.line.machines}
    with ExitStack() as stack:
        for unit, machine in line.service.line.machines.items():
            stack.enter_context(machine.subscribe(found[unit]))
        yield found


async def polled_without(seconds: float, seed: int, folder: Path) -> dict[str, Polls]:
    """The same line for so many loop seconds, without any telemetry."""
    async with hosted_line(folder, seed, has_trends=False) as line:
        with polls_of(line) as polls:
            shift = asyncio.create_task(line.shift.works())
            await asyncio.sleep(seconds - asyncio.get_running_loop().time())
            shift.cancel()
            await asyncio.wait([shift])
            return polls


def slowed(polls: dict[str, Polls], without: dict[str, Polls], until_s: float) -> list[str]:
    """Polls that were not made when they are without telemetry; one at the very end may be on either side of it."""
    wrong = []
    for unit, seen in polls.items():
        both = (seen, without[unit])
        own, other = ([time_s for time_s in one.times_s if BEGUN_S < time_s < until_s - SAME_S] for one in both)
        late_s = max((abs(one - two) for one, two in zip(own, other, strict=False)), default=0.0)
        print(f"{unit}: {len(own)} polls, {len(other)} without telemetry, none later than by {late_s:g} s")
        if len(own) != len(other) or late_s > SAME_S:
            wrong.append(f"{unit} was not polled as it is without telemetry")
    return wrong


def settings(port: int, values_hz: float) -> MqttSettings:
    broker = Broker("127.0.0.1", port, "campaign", keep_alive_s=60.0, acknowledge_s=30.0, connect_s=30.0)
    plug = SparkplugSettings("plant", "line")
    return MqttSettings(broker, "s", "a", "l", sparkplug=plug, values_hz=values_hz, replay_per_s=REPLAY_PER_S)


async def until(happened: Any, what: str) -> None:
    """Waits on the line's clock."""
    async with asyncio.timeout(LIMIT_S):
        while not await happened():  # noqa: ASYNC110  it is of several objects, and has no event
            await asyncio.sleep(1.0)
    print(f"{asyncio.get_running_loop().time():9.0f} s: {what}", flush=True)


class Play:
    """One line with its plant through the whole story. walls: of its parts, seconds of loop, wall and processor."""

    def __init__(self, line: Hosted, plant: Plant) -> None:
        self.line, self.plant, self.told = line, plant, Told()
        assert line.telemetry is not None
        assert line.telemetry.node is not None
        self._telemetry, self._node = line.telemetry, line.telemetry.node
        self.walls: dict[str, tuple[float, float, float]] = {}
        Ears(line, self.told)

    async def lasts(self, name: str, seconds: float) -> None:
        begun_s, cpu_s = time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        self.walls[name] = (seconds, time.monotonic() - begun_s, time.process_time() - cpu_s)

    async def waiting(self) -> int:
        return (await self._telemetry.outbox.status()).waiting

    async def _are_there(self) -> bool:
        return self._telemetry.is_connected and self._node.is_online

    async def comes(self) -> None:
        """The broker comes; what is told until the line has found it may be of now or of the past."""
        begun = len(self.told.payloads)
        self.plant.start()
        await until(self._are_there, "the broker takes messages")
        self.told.between.append((begun, len(self.told.payloads)))

    async def away(self, name: str, seconds: float) -> None:
        """The broker is killed."""
        self.told.flying += self._telemetry.courier.on_its_way
        self.plant.kill()
        begun = len(self.told.payloads)
        await self.lasts(name, seconds)
        self.told.away.append((begun, len(self.told.payloads)))

    async def sent(self, share: float) -> None:
        """So much of what waits has been sent."""
        least = (1 - share) * await self.waiting()

        async def are_sent() -> bool:
            return await self.waiting() <= least and (share < 1 or self._telemetry.courier.on_its_way == 0)

        await until(are_sent, f"{share:.0%} of what waited has been sent")

    async def through(self, hours: float) -> None:
        """The story."""
        shift = asyncio.create_task(self.line.shift.works())
        await self.comes()
        await self.lasts("with the broker", WITH_BROKER_S)
        await self.away("without it", hours * 3600)
        print(f"{await self.waiting()} messages wait, {self.line.size('outbox')} bytes", flush=True)
        await self.comes()
        await self.sent(CATCH_UP)
        await self.away("without it again", BETWEEN_S)
        await self.comes()
        await self.sent(1.0)
        await self.lasts("with the broker again", WITH_BROKER_S)
        shift.cancel()
        await asyncio.wait([shift])
        await self.sent(1.0)
        self.told.events = {event.sequence: event.hash for event in self.line.journal.everything()}
        await asyncio.sleep(5.0)


async def played(hours: float, values_hz: float, seed: int, folder: Path) -> tuple[list[str], dict[str, Polls], float]:
    """Plays it; what was wrong, when machines were polled, and until when people were there."""
    judge = Judge("s/a/l", digest)
    with plant(folder) as found:
        async with hosted_line(folder, seed, settings(found.broker.port, values_hz), has_trends=False) as line:
            play = Play(line, found)
            with polls_of(line) as polls:
                await play.through(hours)
                ended_s = asyncio.get_running_loop().time() - WITH_BROKER_S
        found.hushed()
        wrong = [*judged(found.heard(), play.told, judge), *line.shift.broken]
    print(json.dumps({"messages": dict(judge.count), "changes of metrics": len(play.told.changes)}))
    for name, (seconds, wall_s, cpu_s) in play.walls.items():
        print(f"{name}: {seconds:.0f} s took {wall_s:.1f} s of the wall's time, {cpu_s:.1f} s of a processor")
    return wrong, polls, ended_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=13.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hz", type=float, default=0.2, help="messages of values a second and unit")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        wrong, polls, ended_s = run_virtual(played(given.hours, given.hz, given.seed, Path(folder)), io_guard_s=GUARD_S)
        begun_s = time.process_time()
        without = run_virtual(polled_without(ended_s, given.seed, Path(other)))
        print(f"the same without telemetry took {time.process_time() - begun_s:.1f} s of a processor")
    wrong += slowed(polls, without, ended_s - 1.0)
    print("\n".join(wrong[:50]) or "nothing was wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""A line whose telemetry runs against a broker: a journal, machines that are told what to show, a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from controller.events import EventStream
from controller.journal import Journal
from controller.outbox import Limits
from controller.telemetry.server import Sources, Telemetry, telemetry
from controller.telemetry.settings import Broker, MqttSettings
from controller.telemetry.times import iso
from drivers.machine import Machine
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.reading import LinkChange, Snapshot

PRESS = "press-1"
BEGUN_US = 1_790_000_000_000_000


class Shown:
    """A machine of which a test says what it shows."""

    def __init__(self, unit: str, profile: Profile) -> None:
        self.unit, self.profile, self.link_up = unit, profile, False
        self.latest: Snapshot | None = None
        self._queues: list[asyncio.Queue[Any]] = []

    @contextmanager
    def subscribe(self, into: asyncio.Queue[Any]) -> Iterator[asyncio.Queue[Any]]:
        self._queues.append(into)
        try:
            yield into
        finally:
            self._queues.remove(into)

    def show(self, time_s: float, **values: float) -> None:
        self.latest = Snapshot.of(self.unit, self.profile, time_s, values)
        self._publish(self.latest)

    def link(self, *, up: bool, reason: str = "connected and identified") -> None:
        self.link_up = up
        self._publish(LinkChange(self.unit, up, reason, 0.0))

    def _publish(self, item: Snapshot | LinkChange) -> None:
        for queue in self._queues:
            queue.put_nowait(item)


@dataclass
class Clock:
    """The time of day of a test; it goes as the test says."""

    now_us: int = BEGUN_US

    def utc_us(self) -> int:
        return self.now_us

    def utc(self) -> str:
        return iso(self.now_us)

    def passes(self, seconds: float) -> None:
        self.now_us += round(seconds * 1e6)


@dataclass
class Hosted:
    journal: Journal
    press: Shown
    clock: Clock
    telemetry: Telemetry

    def conditions(self) -> list[tuple[str, bool]]:
        told = [event.data for event in self.journal.events() if event.kind == "condition"]
        return [(data["name"], data["active"]) for data in told]

    async def connected(self) -> None:
        async with asyncio.timeout(20):
            while not self.telemetry.is_connected:  # noqa: ASYNC110  it has no event for that
                await asyncio.sleep(0.01)

    async def lost(self) -> None:
        async with asyncio.timeout(20):
            while self.telemetry.is_connected:  # noqa: ASYNC110  as above
                await asyncio.sleep(0.01)


@dataclass
class Plant:
    """What outlives a telemetry: the journal, the outbox's file, the clock."""

    folder: Path
    port: int
    clock: Clock = field(default_factory=Clock)
    limits: Limits = field(default_factory=Limits)
    changes: Mapping[str, Any] = field(default_factory=dict)
    version: Literal["3.1.1", "5"] = "5"
    units: tuple[str, ...] = (PRESS,)

    def __post_init__(self) -> None:
        self.journal = Journal(EventStream(), self.clock.utc)

    @property
    def settings(self) -> MqttSettings:
        broker = Broker("127.0.0.1", self.port, "line", self.version, acknowledge_s=1.0, retry_s=0.05, retry_most_s=0.1)
        own = MqttSettings(broker, "Site 1", "hall+2", "line", values_hz=1000.0, replay_per_s=1e5, limits=self.limits)
        return replace(own, **self.changes)

    @asynccontextmanager
    async def hosted(self) -> AsyncIterator[Hosted]:
        press = Shown(PRESS, load_profile("uniaxial-press-generic"))
        machines = cast("Mapping[str, Machine]", dict.fromkeys(self.units, press))
        sources = Sources(machines, self.journal, lambda: (), self.clock.utc_us)
        url = f"sqlite:///{self.folder / 'outbox.sqlite'}"
        async with telemetry(self.settings, url, sources) as running:
            yield Hosted(self.journal, press, self.clock, running)

"""The telemetry of a line as it is hosted: connections that come and go, feed, outbox, and what is told of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from controller.alarms.alarm import LINE, Alarm
from controller.database import DatabaseUnusable
from controller.journal import Journal
from controller.outbox import Drop, Outbox, Priority, outbox_opened
from controller.telemetry.broker import LEAVES_WITHIN_S, BrokerGone, Will, linked
from controller.telemetry.conditions import DROPPED, OFFLINE, REFUSED, TAKEN_OVER, UNKEPT, Conditions
from controller.telemetry.courier import JSON, Courier
from controller.telemetry.feed import Feed
from controller.telemetry.following import told_before
from controller.telemetry.messages import GapMessage, HealthMessage, StatusMessage, encoded, told
from controller.telemetry.node_courier import SPARKPLUG, NodeCourier
from controller.telemetry.retry import Retry
from controller.telemetry.settings import MqttSettings
from controller.telemetry.times import iso
from controller.telemetry.topics import Topics
from controller.vitals.background import Health, background
from controller.vitals.deaths import Restart, conditions_in
from drivers.machine import Machine

HEALTH_S = 1.0
NOTICE_S, NOTICES = 60.0, 20
"""A host that asks for something else again and again fills no journal (engineering judgement)."""
_PRIORITIES: Mapping[Priority, Literal["value", "state", "event"]] = {
    Priority.VALUE: "value",
    Priority.STATE: "state",
    Priority.EVENT: "event",
}


@dataclass(frozen=True, slots=True)
class Sources:
    """What the telemetry tells of. alarms are those that stand or are hidden when it begins; utc_us is the time now."""

    machines: Mapping[str, Machine]
    journal: Journal
    alarms: Callable[[], Iterable[Alarm]]
    utc_us: Callable[[], int]
    health: Health | None = None


class Telemetry:
    """Made by `telemetry`. is_connected says whether the broker takes messages; offline_because why it does not."""

    def __init__(self, settings: MqttSettings, outbox: Outbox, sources: Sources) -> None:
        self._settings, self.outbox, self._sources = settings, outbox, sources
        self.topics = Topics(settings.site, settings.area, settings.line)
        self.conditions = Conditions(conditions_in(sources.journal))
        self._noticed: dict[str, float] = {}
        self.courier = Courier(
            outbox, sources.utc_us, settings.replay_per_s, self._refused, is_silent=not settings.json
        )
        self.node = self._node_courier() if settings.sparkplug is not None else None
        self.feed = Feed(
            sources.machines,
            sources.journal,
            self.topics,
            self.courier,
            utc_us=sources.utc_us,
            values_hz=settings.values_hz,
            node=self.node,
        )
        self._retry = Retry(settings.broker, random.random)
        self._leaving = asyncio.Event()
        self._ended = asyncio.Event()
        self._health: HealthMessage | None = None
        self._plugged_told = self._plugged()
        self.offline_because: str | None = "not connected yet"

    @property
    def is_connected(self) -> bool:
        return self.courier.is_connected

    async def begin(self) -> None:
        """Takes up where an earlier process ended. Raises DatabaseUnusable, JournalError."""
        before = await told_before(self.outbox, self._sources.journal, is_told=self._settings.json)
        self.feed.begin(before, self._sources.alarms())

    async def connect(self) -> None:
        """Connects again and again until it shall leave."""
        self._ended.clear()
        try:
            while not self._leaving.is_set():
                await self._connect_once()
        finally:
            self._ended.set()

    async def _connect_once(self) -> None:
        begun_s = asyncio.get_running_loop().time()
        lasted_s = None
        try:
            async with linked(self._settings.broker, self._will()) as link:
                begun_s = asyncio.get_running_loop().time()
                lasted_s = 0.0
                self._came()
                serving = asyncio.create_task(self.courier.serve(link))
                leaving = asyncio.create_task(self._leaving.wait())
                try:
                    await asyncio.wait([serving, leaving], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    serving.cancel()
                    leaving.cancel()
                    await asyncio.wait([serving, leaving])
                if not serving.cancelled():
                    serving.result()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LEAVES_WITHIN_S):
                        await self.courier.farewell(link, self.topics.of("status"), self._status(online=False))
        except BrokerGone as error:
            if lasted_s is not None:
                lasted_s = asyncio.get_running_loop().time() - begun_s
            await self._went(error, lasted_s)

    async def look_at_itself(self) -> None:
        """Tells the health, drops and a failing disk, once a second."""
        while True:
            self._look()
            await asyncio.sleep(HEALTH_S)

    async def leave(self) -> None:
        """Lets `connect` end with a last word to the broker, if it listens."""
        self._leaving.set()
        if self.is_connected:
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * LEAVES_WITHIN_S):
                    await self._ended.wait()

    def _look(self) -> None:
        waiting = sum(self.outbox.waits(outlet, tuple(_PRIORITIES)) for outlet in (JSON, SPARKPLUG))
        sources = self._sources
        message: HealthMessage = {
            "utc": "",
            "faults": [] if sources.health is None else sources.health.faults,
            "journal": "; ".join(sources.journal.faults) or None,
            "waiting": waiting,
            "forgotten": 0 if self.node is None else self.node.node.forgotten,
            "outbox": self.outbox.fault,
        }
        if message != self._health:
            self._health = message
            now_us = sources.utc_us()
            payload = encoded({**message, "utc": iso(now_us)})
            self.courier.state(self.topics.of("health"), payload, now_us)
        self._noticed = {words: at_s for words, at_s in self._noticed.items() if _now() - at_s < NOTICE_S}
        if self.node is not None:
            self.node.say("Health/State", "; ".join(message["faults"]) or "good")
            self.node.say("Outbox/Waiting", waiting)
        if self.outbox.fault is None:
            self._condition(UNKEPT, "messages for the broker are kept again", active=False)
        else:
            self._condition(UNKEPT, f"messages for the broker cannot be kept: {self.outbox.fault}", active=True)
        self._look_at_drops()

    def _look_at_drops(self) -> None:
        """The JSON topics' are told and forgotten; Sparkplug's stay counted, because a metric tells their number."""
        drops = [drop for drop in self.outbox.drops if drop.outlet == JSON]
        plugged = self._plugged()
        if count := sum(drop.messages for drop in drops) + plugged - self._plugged_told:
            words = f"{count} messages for the broker were not kept, the least important first"
            self._condition(DROPPED, words, active=True)
        if drops and self.is_connected:
            self._tell_gaps(drops)
            drops = []
        if self.node is not None:
            self.node.say("Outbox/Dropped", plugged)
            self._plugged_told = plugged if self.node.is_online else self._plugged_told
        if not drops and plugged == self._plugged_told:
            self._condition(DROPPED, "the subscribers have been told what is missing", active=False)

    def _plugged(self) -> int:
        return sum(drop.messages for drop in self.outbox.drops if drop.outlet == SPARKPLUG)

    def _tell_gaps(self, drops: list[Drop]) -> None:
        now_us = self._sources.utc_us()
        for drop in drops:
            message: GapMessage = {
                "utc": iso(now_us),
                "priority": _PRIORITIES[drop.priority],
                "messages": drop.messages,
                "first_utc": iso(drop.first_us),
                "last_utc": iso(drop.last_us),
            }
            self.courier.event(self.topics.of("gap"), encoded(message), now_us)
        self.outbox.told(drops, ())

    def _came(self) -> None:
        self.offline_because = None
        place = self._settings.broker.place
        self._condition(OFFLINE, f"connected with {place}", active=False)
        self._condition(REFUSED, f"connected with {place} anew", active=False)
        if not self._retry.looks_stolen:
            self._condition(TAKEN_OVER, f"connected with {place}", active=False)
        self.feed.refresh()
        now_us = self._sources.utc_us()
        self.courier.state(self.topics.of("status"), self._status(online=True), now_us)

    async def _went(self, error: BrokerGone, lasted_s: float | None) -> None:
        self.offline_because = str(error)
        wait_s = self._retry.next_s(lasted_s)
        if error.taken_over or self._retry.looks_stolen:
            client = self._settings.broker.client_id
            sure = "another client has" if error.taken_over else "perhaps another client has"
            words = f"{sure} connected with the id {client}; every line needs its own ({error})"
            self._condition(TAKEN_OVER, words, active=True)
        self._condition(OFFLINE, f"no telemetry: {error}; what is promised is kept until it is back", active=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._leaving.wait()

    def _node_courier(self) -> NodeCourier | None:
        if self._settings.sparkplug is None:
            return None
        return NodeCourier(
            self._settings.broker,
            self._settings.sparkplug,
            self.outbox,
            {unit: machine.profile for unit, machine in self._sources.machines.items()},
            utc_us=self._sources.utc_us,
            replay_per_s=self._settings.replay_per_s,
            chance=random.random,
            notice=self._notice,
        )

    def _notice(self, words: str) -> None:
        """A sentence for people; the same one at most once a minute, however often a host asks for it."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._noticed.get(words, -NOTICE_S) >= NOTICE_S and len(self._noticed) < NOTICES:
            self._noticed[words] = now_s
            self._sources.journal.note(LINE, "telemetry.notice", {"message": words})

    def _condition(self, name: str, message: str, *, active: bool) -> None:
        self.conditions.say(name, message, active=active)

    def _refused(self, topic: str, reason: str) -> None:
        self._condition(REFUSED, f"the broker refuses {topic}: {reason}; such messages are lost", active=True)

    def _will(self) -> Will:
        return Will(self.topics.of("status"), told(self._status(online=False), historical=False))

    def _status(self, *, online: bool) -> bytes:
        message: StatusMessage = {
            "utc": iso(self._sources.utc_us()),
            "online": online,
            "version": version("pressline"),
        }
        return encoded(message)


@asynccontextmanager
async def telemetry(settings: MqttSettings, outbox_url: str, sources: Sources) -> AsyncIterator[Telemetry]:
    """The line tells what happens as long as the block; when it is left, what was told is kept or delivered.

    Nothing outside depends on it: its tasks are started again when they die. Raises DatabaseUnusable if the outbox
    cannot be opened, JournalError if what it has not told yet cannot be read.
    """
    name = Topics(settings.site, settings.area, settings.line).root
    async with outbox_opened(outbox_url, name, settings.limits) as outbox:
        running = Telemetry(settings, outbox, sources)
        always = Restart(times=None)
        async with background(conditions_in(sources.journal), sources.health) as tasks:
            with running.feed.fed():
                await running.begin()
                tasks.start("the outbox", outbox.run, always, condition="telemetry")
                tasks.start("the telemetry's feed", running.feed.run, always, condition="telemetry")
                tasks.start("the telemetry's watch over itself", running.look_at_itself, always, condition="telemetry")
                if settings.json:
                    may_return = running._leaving.is_set  # noqa: SLF001  its other half
                    work = running.connect
                    tasks.start("the broker's connection", work, always, condition="telemetry", may_return=may_return)
                if running.node is not None:
                    tasks.start("the Sparkplug connection", running.node.run, always, condition="telemetry")
                try:
                    yield running
                finally:
                    await _leave(running)


async def _leave(running: Telemetry) -> None:
    """What waits is put into the outbox, what the broker takes at once is delivered, and the last word is said."""
    running.feed.drain()
    with suppress(TimeoutError, DatabaseUnusable):
        async with asyncio.timeout(LEAVES_WITHIN_S):
            await running.outbox.flushed()
    await running.leave()


def _now() -> float:
    return asyncio.get_running_loop().time()

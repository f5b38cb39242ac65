"""Sparkplug's way to the broker: drives the edge node over a connection of its own, and keeps what it wants kept."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from controller.database import DatabaseUnusable
from controller.outbox import Entry, Outbox, Priority
from controller.telemetry.broker import BrokerGone, Link, Will, linked
from controller.telemetry.retry import Retry
from controller.telemetry.settings import Broker, SparkplugSettings
from controller.telemetry.sparkplug.catalogue import line_catalogue
from controller.telemetry.sparkplug.errors import PayloadDamaged, SparkplugError
from controller.telemetry.sparkplug.feed import BatchContext, context_samples, snapshot_samples
from controller.telemetry.sparkplug.messages import Opening
from controller.telemetry.sparkplug.node import EdgeNode, NodeState, Reaction
from controller.telemetry.sparkplug.numbers import next_death_number
from controller.telemetry.sparkplug.samples import Sample, pack, unpack
from controller.telemetry.sparkplug.topics import NodeName
from drivers.profile import Profile
from drivers.reading import Snapshot

SPARKPLUG = "sparkplug"
KEPT = (Priority.VALUE,)
PROVED_S = 1.0
"""Seconds after which the broker is asked whether it has everything: what is in doubt then is kept in memory."""
AT_ONCE = 50
CLOCK_SET_US = 100_000
"""A clock that is behind by more within one poll was set, and not slewed (engineering judgement)."""


class DeathNumber:
    """The bdSeq of the last connection, kept beside the outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def load(self) -> int | None:
        return self._outbox.mark("bdseq")

    async def save(self, number: int) -> None:
        """Raises DatabaseUnusable."""
        await self._outbox.set_mark("bdseq", number)


class NodeCourier:
    """Takes what is seen at any time; `run` connects. `notice` is told sentences for people.

    Raises SparkplugError (NameRefused) for names that Sparkplug does not take.
    """

    def __init__(
        self,
        broker: Broker,
        names: SparkplugSettings,
        outbox: Outbox,
        profiles: Mapping[str, Profile],
        *,
        utc_us: Callable[[], int],
        replay_per_s: float,
        chance: Callable[[], float],
        notice: Callable[[str], None],
    ) -> None:
        self._broker = replace(broker, client_id=f"{broker.client_id}-sparkplug")
        self._outbox, self._utc_us, self._replay_per_s, self._notice = outbox, utc_us, replay_per_s, notice
        self._catalogue = line_catalogue(profiles)
        self.node = EdgeNode(
            NodeName(names.group, names.node),
            self._catalogue,
            utc_ms=lambda: utc_us() // 1000,
            now_s=asyncio.get_running_loop().time,
            primary_host=names.primary_host or None,
            host_doubt_s=1.5 * names.host_keep_alive_s if names.primary_host else 0.0,
        )
        self._retry = Retry(self._broker, chance)
        self._link: Link | None = None
        self._leaves: asyncio.Future[None] | None = None
        self._replay = asyncio.Event()
        self._unproved: deque[tuple[int, int]] = deque()
        self._offline_because = ""
        self._ahead_us: int | None = None
        self.sent = 0

    @property
    def is_online(self) -> bool:
        """Whether hosts see the line now."""
        return self.node.state in (NodeState.ONLINE, NodeState.HOLDING)

    # ------------------------------------------------------------------ what is seen

    def link(self, unit: str, *, up: bool) -> None:
        """A unit's link came or went."""
        self._do(self.node.device_came(unit) if up else self.node.device_went(unit))
        if up:
            self._replay.set()

    def snapshot(self, snapshot: Snapshot, ago_us: Callable[[float], int]) -> None:
        """What a machine shows; ago_us turns the loop's time into microseconds of UTC."""
        self._look_at_clock()
        self._update(snapshot_samples(self._catalogue, snapshot, lambda time_s: ago_us(time_s) // 1000))

    def context(self, unit: str, context: BatchContext, utc_us: int) -> None:
        """What a unit works for."""
        self._update(context_samples(unit, context, utc_us // 1000))

    def say(self, name: str, value: str | int) -> None:
        """Something about the line itself: Health/State, Outbox/Waiting, Outbox/Dropped, Properties/Version."""
        self._update((Sample(None, name, value, self._utc_us() // 1000),))

    def _update(self, samples: tuple[Sample, ...]) -> None:
        try:
            self._do(self.node.update(samples))
        except SparkplugError as error:
            self._notice(f"a value is not told by Sparkplug: {error}")

    def _look_at_clock(self) -> None:
        """A clock that was set back: what comes now is older than what was told, and is the present nevertheless."""
        ahead_us = self._utc_us() - round(asyncio.get_running_loop().time() * 1e6)
        if self._ahead_us is not None and (back_us := self._ahead_us - ahead_us) > CLOCK_SET_US:
            self.node.clock_was_set_back(-(-back_us // 1000))
        self._ahead_us = ahead_us

    # ------------------------------------------------------------------ the connection

    async def run(self) -> None:
        """Connects again and again until it is cancelled; then says its death."""
        while True:
            begun_s, lasted_s = asyncio.get_running_loop().time(), None
            why = ""
            try:
                opening = self.node.connecting(await next_death_number(DeathNumber(self._outbox)))
                will = Will(opening.will.topic, opening.will.payload, opening.will.qos, opening.will.retain)
                async with linked(self._broker, will) as link:
                    begun_s, lasted_s = asyncio.get_running_loop().time(), 0.0
                    await self._serve(link, opening)
            except (BrokerGone, DatabaseUnusable) as error:
                why = str(error)
                if lasted_s is not None:
                    lasted_s = asyncio.get_running_loop().time() - begun_s
            finally:
                self._link = None
                self._lost()
            if why != self._offline_because:
                self._offline_because = why
                self._notice(f"Sparkplug: not connected: {why}")
            await asyncio.sleep(self._retry.next_s(lasted_s))

    async def _serve(self, link: Link, opening: Opening) -> None:
        self._leaves = asyncio.get_running_loop().create_future()
        for refused in await link.subscribe(*(topic for topic, _ in opening.subscriptions)):
            self._notice(f"Sparkplug: {refused}")
        link.on_acknowledged = self._refused
        self._link, self._offline_because = link, ""
        tasks = [
            asyncio.create_task(work)
            for work in (self._receive(link), self._prove(link, opening.subscriptions[0][0]), self._send_kept())
        ]
        try:
            self._do(self.node.connected())
            self._replay.set()
            done, _ = await asyncio.wait([*tasks, self._leaves], return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        except asyncio.CancelledError:
            self._do(self.node.leaving())
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.exception()  # the first one's has been raised
            self._leaves.cancel()

    async def _receive(self, link: Link) -> None:
        async for message in link.received():
            if isinstance(message.payload, bytes):
                before = self.node.state
                self._do(self.node.received(str(message.topic), message.payload))
                if before is not NodeState.ONLINE and self.node.state is NodeState.ONLINE:
                    self._replay.set()

    async def _prove(self, link: Link, topic: str) -> None:
        """A subscription that is acknowledged proves that all before it has arrived: data have QoS 0."""
        while True:
            due_s = self.node.due_s()
            wait_s = PROVED_S if due_s is None else due_s - asyncio.get_running_loop().time()
            await asyncio.sleep(min(PROVED_S, max(0.0, wait_s)))
            if due_s is not None:
                self._do(self.node.elapsed())
                self._replay.set()
            number = self.node.last_number
            try:
                async with asyncio.timeout(self._broker.acknowledge_s * self._broker.speed):
                    await link.subscribe(topic)
            except TimeoutError:
                silent = f"has acknowledged nothing for {self._broker.acknowledge_s:g} s"
                raise BrokerGone(f"{self._broker.place}: {silent}") from None
            self.node.proved(number)
            proved = []
            while self._unproved and self._unproved[0][1] <= number:
                proved.append(self._unproved.popleft()[0])
            if proved:
                self._outbox.remove(proved)

    async def _send_kept(self) -> None:
        """Sends what was kept, oldest first, whenever there may be somebody to take it."""
        while True:
            await self._replay.wait()
            self._replay.clear()
            after, gone = 0, {number for number, _ in self._unproved}
            while self.node.state is NodeState.ONLINE:
                try:
                    rows = await self._outbox.take(SPARKPLUG, KEPT, after, AT_ONCE)
                except DatabaseUnusable:
                    break
                if not rows:
                    break
                after = rows[-1].number
                for row in rows:
                    if row.number not in gone:
                        self._send_again(row.number, row.entry.payload)
                await asyncio.sleep(len(rows) / self._replay_per_s)

    def _send_again(self, number: int, payload: bytes) -> None:
        """What nothing of can be sent yet stays where it is, until a unit comes back."""
        try:
            reaction = self.node.replay(unpack(payload))
        except PayloadDamaged as error:
            self._notice(f"Sparkplug: {error}")
            self._outbox.remove([number])
            return
        if reaction.kept and not reaction.messages:
            return
        self._do(reaction)
        self._unproved.append((number, self.node.last_number))

    def _do(self, reaction: Reaction) -> None:
        self._keep(reaction.kept)
        for words in reaction.notices:
            self._notice(f"Sparkplug: {words}")
        try:
            for message in reaction.messages:
                if self._link is not None:
                    self._link.send(message.topic, message.payload, None, qos=message.qos, retain=message.retain)
                    self.sent += 1
        except BrokerGone as error:
            self._end(error)
        if reaction.disconnect:
            self._end(BrokerGone("the primary host is offline"))

    def _refused(self, _: object, why: str | None) -> None:
        if why is not None:
            self._notice(f"Sparkplug: a message is lost: {why}")

    def _end(self, error: BrokerGone) -> None:
        if self._leaves is not None and not self._leaves.done():
            self._leaves.set_exception(error)

    def _keep(self, samples: tuple[Sample, ...]) -> None:
        if samples:
            utc_us = samples[0].time_ms * 1000
            self._outbox.put(Entry(SPARKPLUG, Priority.VALUE, "samples", pack(samples), utc_us))

    def _lost(self) -> None:
        """What was sent from the outbox and not proved comes back from the node, so its rows may go."""
        self._keep(self.node.lost())
        self._outbox.remove([number for number, _ in self._unproved])
        self._unproved.clear()

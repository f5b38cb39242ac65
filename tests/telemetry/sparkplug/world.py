"""A plant's network on virtual time: a line that publishes, a broker, a host, and everything between them that breaks.

The client here does what the page `docs/reference/sparkplug.md` asks of whoever owns the connection, and no more.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from dataclasses import dataclass

from controller.telemetry.sparkplug.messages import Opening, Outgoing
from controller.telemetry.sparkplug.node import EdgeNode, NodeState, Reaction
from controller.telemetry.sparkplug.payload import QualityCode
from controller.telemetry.sparkplug.samples import Sample
from controller.telemetry.sparkplug.topics import NodeName
from tests.telemetry.sparkplug.host import Host
from tests.telemetry.sparkplug.scene import CATALOGUE, COUNT, EPOCH_MS, FORCE, HOST, NCMD, STATE, rebirth, state

LATENCY_S = 0.05
SPEED = "Process/speed"


@dataclass(frozen=True)
class Flying:
    """A message between node and broker; whether it arrives depends on whether the wire still stands."""

    message: Outgoing
    arrives_s: float


class World:
    """One line, one broker, one host; `step` does one random thing."""

    def __init__(self, seed: int, *, with_host: bool) -> None:
        loop = asyncio.get_running_loop()
        self.now_s = loop.time
        self.random = random.Random(seed)
        self.node = EdgeNode(
            NodeName("plant", "line 1"),
            CATALOGUE,
            utc_ms=self.utc_ms,
            now_s=loop.time,
            primary_host=HOST if with_host else None,
            host_doubt_s=90 if with_host else 0,
        )
        self.host = Host()
        self.host_online = self.host_known = True
        self.announce_s = math.inf
        self.fresh_after = -1
        self.host_since_ms = EPOCH_MS
        self.told: dict[tuple[str | None, str], Sample] = {}
        self.seen: list[Sample] = []
        self.outbox: deque[Sample] = deque()
        self.wire = False
        self.flying: deque[Flying] = deque()
        self.will: Outgoing | None = None
        self.late_wills: list[tuple[float, Outgoing]] = []
        self.present: set[str] = set()
        self.bd_seq = -1
        self.count = 0

    def utc_ms(self) -> int:
        """The wall's clock."""
        return EPOCH_MS + round(self.now_s() * 1000)

    # ------------------------------------------------------------ the owner of the connection

    def publish(self, reaction: Reaction) -> None:
        """What the node said is to follow."""
        self.flying.extend(Flying(message, self.now_s() + LATENCY_S) for message in reaction.messages)
        self.outbox.extend(reaction.kept)
        if reaction.disconnect:
            self.arrive(everything=True)
            self.wire, self.will = False, None
            self.outbox.extend(self.node.lost())

    def connect(self) -> None:
        """A new connection; what was sent into the last one since it broke is gone."""
        if self.node.state is not NodeState.OFFLINE:
            self.outbox.extend(self.node.lost())
        self.bd_seq = (self.bd_seq + 1) % 256
        opening: Opening = self.node.connecting(self.bd_seq)
        if self.will is not None:
            self.late_wills.append((self.now_s() + self.random.choice((0.0, 0.2, 3.0)), self.will))
        self.will, self.wire = opening.will, True
        self.flying.clear()
        if STATE in dict(opening.subscriptions):
            self.publish(self.node.received(STATE, state(self.host_known, self.host_since_ms)))
        self.publish(self.node.connected())

    def replay(self) -> None:
        """Some of what was kept, oldest first."""
        some = [self.outbox.popleft() for _ in range(min(20, len(self.outbox)))]
        reaction = self.node.replay(some)
        self.outbox.extendleft(reversed(reaction.kept))
        self.publish(Reaction(reaction.messages))

    def prove(self) -> None:
        """A subscription is confirmed: all before it has arrived."""
        if self.wire and self.node.state is NodeState.ONLINE and not self.flying:
            self.node.proved(self.arrived)

    # ------------------------------------------------------------ the broker and the host

    arrived = 0

    def arrive(self, *, everything: bool = False) -> None:
        """Messages reach the broker and, if it is there, the host."""
        for due_s, will in list(self.late_wills):
            if due_s <= self.now_s():
                self.late_wills.remove((due_s, will))
                self.hand(will)
        while self.wire and self.flying and (everything or self.flying[0].arrives_s <= self.now_s()):
            message = self.flying.popleft().message
            self.arrived = message.number
            self.hand(message)

    def hand(self, message: Outgoing) -> None:
        if not self.host_online:
            return
        kind = message.topic.split("/")[2]
        if not self.host.online and (message.number <= self.fresh_after or kind == "DDEATH"):
            return  # it was on its way when the host came, and the host asks for the births that are coming
        self.host.take(message.topic, message.payload, message.qos, retain=message.retain)

    def host_goes(self) -> None:
        """The host is gone; the broker notices at once or within the host's keep-alive."""
        self.host_online = False
        self.announce_s = self.now_s() + self.random.choice((0.0, 5.0, 60.0))

    def announce(self) -> None:
        """The host's will, if it is time."""
        if self.now_s() < self.announce_s:
            return
        self.announce_s, self.host_known = math.inf, False
        if self.wire:
            self.publish(self.node.received(STATE, state(False, self.host_since_ms)))

    def host_comes(self) -> None:
        """Another session of the host: it remembers its history, and no birth."""
        if self.random.random() < 0.5 and self.announce_s < math.inf:
            self.announce_s = 0.0
            self.announce()
        self.announce_s = math.inf
        self.host_online, self.host_known, self.host_since_ms = True, True, self.utc_ms()
        self.host.online, self.fresh_after = False, self.node.last_number
        if self.wire:
            self.publish(self.node.received(STATE, state(True, self.host_since_ms)))

    # ------------------------------------------------------------ what happens

    def observe(self) -> None:
        """The line sees new values of a few metrics, now and then an old one again."""
        self.count += 1
        device, name, value = self.random.choice(
            (("press", FORCE, float(self.count)), ("press", COUNT, self.count), ("coater", SPEED, self.count / 2))
        )
        quality = self.random.choice((QualityCode.GOOD, QualityCode.GOOD, QualityCode.BAD, QualityCode.STALE))
        sample = Sample(device, name, value, self.utc_ms() - self.random.choice((0, 0, 0, 500)), quality)
        self.seen.append(sample)
        before = self.told.get((device, name))
        if before is None or before.time_ms <= sample.time_ms:
            self.told[device, name] = sample
        self.publish(self.node.update([sample]))

    def step(self) -> None:
        """One random thing."""
        what = self.random.random()
        if what < 0.60:
            self.observe()
        elif what < 0.70:
            self.replay()
        elif what < 0.76:
            self.prove()
        elif what < 0.82:
            device = self.random.choice(("press", "coater"))
            self.publish((self.node.device_went if device in self.present else self.node.device_came)(device))
            self.present ^= {device}
        elif what < 0.86:
            if self.wire:
                self.publish(self.node.received(NCMD, rebirth()))
        elif what < 0.90:
            self.wire = False
        elif what < 0.96:
            self.connect()
        elif self.node._host is not None:
            (self.host_goes if self.host_online else self.host_comes)()
        self.announce()
        self.publish(self.node.elapsed())
        self.arrive()

    async def settle(self) -> None:
        """Everything is mended, and everything that was kept is sent."""
        if not self.host_online:
            self.host_comes()
        for device in ("press", "coater"):
            self.publish(self.node.device_came(device))
        self.connect()
        while self.outbox or self.flying or self.late_wills or self.node.state is not NodeState.ONLINE:
            await asyncio.sleep(0.1)
            self.publish(self.node.elapsed())
            self.replay()
            self.arrive()

"""The JSON messages' way to the broker: what is now goes at once, what is promised through the outbox.

Values and states go straight into the connection and are kept until the broker has acknowledged them; without a
connection they go into the outbox, and later out of it as historical. Events go through the outbox always, so that no
death of this process loses one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple

from controller.database import DatabaseUnusable
from controller.outbox import Entry, Outbox, Priority
from controller.telemetry.broker import BrokerGone, Link, reason_is_transient
from controller.telemetry.lanes import Kept, Lane, Lent
from controller.telemetry.messages import told

JSON = "json"
LIVE_MOST = 1_000
"""Messages that wait for a slow broker in memory; more are kept in the outbox (engineering judgement)."""
EVENTS, HISTORY = (Priority.EVENT,), (Priority.VALUE, Priority.STATE)
READ_AGAIN_S = 1.0


class Live(NamedTuple):
    """What is now. priority None: it is not kept, because it says nothing later."""

    topic: str
    payload: bytes
    utc_us: int
    retain: bool
    priority: Priority | None


class Courier:
    """Takes messages at any time and never makes anybody wait. `serve` works for one connection.

    A silent one has no broker at all: it tells and keeps nothing.
    """

    def __init__(
        self,
        outbox: Outbox,
        utc_us: Callable[[], int],
        replay_per_s: float,
        refused: Callable[[str, str], None],
        *,
        is_silent: bool = False,
    ) -> None:
        self._is_silent = is_silent
        self._outbox, self._utc_us, self._replay_per_s, self._refused = outbox, utc_us, replay_per_s, refused
        self._current: dict[str, Live] = {}
        self._live: deque[Live] = deque()
        self._link: Link | None = None
        self._lanes: tuple[Lane, ...] = ()
        self._connected_us = 0
        self._hungry = asyncio.Event()
        self._broken: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.sent = self.historical = 0
        outbox.on_change.append(self._more)

    # ------------------------------------------------------------------ for who tells

    @property
    def is_connected(self) -> bool:
        """Whether a broker takes messages now."""
        return self._link is not None

    @property
    def on_its_way(self) -> int:
        """Messages that the broker has not acknowledged yet, apart from those in the outbox."""
        return len(self._live) + (0 if self._link is None else self._link.in_flight)

    def state(self, topic: str, payload: bytes, utc_us: int, priority: Priority | None = None) -> None:
        """What is now under a topic that the broker retains; `priority` says how it is kept without a connection."""
        if self._is_silent:
            return
        live = Live(topic, payload, utc_us, retain=True, priority=priority)
        self._current[topic] = live
        self._outbox.retain(topic)
        self._send(live)

    def clear(self, topic: str, last: bytes, utc_us: int, priority: Priority | None = None) -> None:
        """Nothing is under a retained topic any more; `last` says how it ended, and is not retained."""
        self._current.pop(topic, None)
        self._send(Live(topic, last, utc_us, retain=False, priority=priority))
        if self._link is not None and topic in self._outbox.retained:
            self._send(Live(topic, b"", 0, retain=True, priority=None))

    def value(self, topic: str, payload: bytes, utc_us: int) -> None:
        """A value that is now."""
        self._send(Live(topic, payload, utc_us, retain=False, priority=Priority.VALUE))

    def event(self, topic: str, payload: bytes, utc_us: int, marks: tuple[tuple[str, int], ...] = ()) -> None:
        """Something that happened and is promised; `marks` say up to which record the journal is followed with it."""
        if self._is_silent:
            return
        if self._link is not None:
            self._connected_us = min(self._connected_us, utc_us)  # a clock that was set back makes nothing historical
        self._outbox.put(Entry(JSON, Priority.EVENT, topic, payload, utc_us, marks))

    # ------------------------------------------------------------------ for one connection

    async def serve(self, link: Link) -> None:
        """Sends over a connection until it is lost (BrokerGone) or somebody cancels this."""
        clock = asyncio.get_running_loop().time
        lane = partial(Lane, self._outbox, JSON, clock=clock)
        half, quarter = max(1, link.window // 2), max(1, link.window // 4)
        self._lanes = (lane(EVENTS, half, None), lane(HISTORY, quarter, self._replay_per_s))
        for one in self._lanes:
            one.begin()
        self._connected_us = self._utc_us()
        self._broken = asyncio.get_running_loop().create_future()
        link.on_acknowledged = self._acknowledged
        self._link = link
        try:
            self._birth()
            self._hungry.set()
            await _first_of(self._broken, link.watch(), self._receive(link), self._read())
        finally:
            self._link = None
            link.on_acknowledged = lambda *_: None
            self._lost(link)

    async def farewell(self, link: Link, topic: str, payload: bytes) -> None:
        """The last word of a connection that is left on purpose; returns when the broker has it."""
        heard = asyncio.get_running_loop().create_future()
        link.on_acknowledged = lambda item, _: heard.set_result(None) if item == "farewell" else None
        link.send(topic, told(payload, historical=False), "farewell", retain=True)
        await heard

    def _more(self) -> None:
        for lane in self._lanes:
            lane.has_more = True
        self._hungry.set()

    def _birth(self) -> None:
        """Everything that is now; what an earlier connection left retained and is no more is taken away."""
        for topic in sorted(self._outbox.retained - self._current.keys()):
            self._send(Live(topic, b"", 0, retain=True, priority=None))
        for live in list(self._current.values()):
            self._send(live._replace(priority=None))  # it was kept when it came, if it is to be kept

    async def _receive(self, link: Link) -> None:
        async for _ in link.received():
            pass  # nothing is asked for, and nothing that came would be obeyed

    async def _read(self) -> None:
        """Reads ahead for the lanes."""
        while True:
            await self._hungry.wait()
            self._hungry.clear()
            for lane in self._lanes:
                if not lane.is_hungry:
                    continue
                try:
                    await lane.read()
                except DatabaseUnusable:
                    lane.borrow()
                    asyncio.get_running_loop().call_later(READ_AGAIN_S, self._hungry.set)
            self._pump()

    def _send(self, live: Live) -> None:
        if self._link is None:
            self._keep(live)
            return
        if len(self._live) >= LIVE_MOST:
            self._keep(self._live.popleft())
        self._live.append(live)
        self._pump()

    def _keep(self, live: Live) -> None:
        if live.priority is not None and not self._is_silent:
            self._outbox.put(Entry(JSON, live.priority, live.topic, live.payload, live.utc_us))

    def _pump(self) -> None:
        """Sends what may be sent now: first what is now, then events, then what was."""
        link = self._link
        if link is None or self._broken is None or self._broken.done():
            return
        try:
            while self._live and link.in_flight < link.window:
                live = self._live.popleft()
                payload = told(live.payload, historical=False) if live.payload else b""
                link.send(live.topic, payload, live, retain=live.retain)
                self.sent += 1
            for lane in self._lanes:
                self._pump_lane(link, lane)
        except BrokerGone as error:
            self._broken.set_exception(error)

    def _pump_lane(self, link: Link, lane: Lane) -> None:
        while link.in_flight < link.window and (kept := lane.next()) is not None:
            entry = kept.entry
            is_old = entry.utc_us < self._connected_us or entry.priority is not Priority.EVENT
            link.send(entry.topic, told(entry.payload, historical=is_old), kept)
            self.sent += 1
            self.historical += is_old
        if lane.is_hungry:
            self._hungry.set()
        if (wait_s := lane.wait_s) > 0 and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._rang)

    def _rang(self) -> None:
        self._timer = None
        self._pump()

    def _acknowledged(self, item: Live | Kept, refused: str | None) -> None:
        topic = item.topic if isinstance(item, Live) else item.entry.topic
        if refused is not None:
            if reason_is_transient(refused) and self._broken is not None and not self._broken.done():
                self._broken.set_exception(BrokerGone(f"the broker does not take {topic} now: {refused}"))
                return  # all that is not acknowledged is sent again, in its order
            self._refused(topic, refused)
        match item:
            case Live(payload=b""):
                self._outbox.retain(topic, kept=topic in self._current)
            case Live():
                pass
            case _:
                self._lane_of(item).in_flight -= 1
                if not isinstance(item, Lent):
                    self._outbox.remove([item.number])
        self._pump()

    def _lane_of(self, kept: Kept) -> Lane:
        return self._lanes[0 if kept.entry.priority is Priority.EVENT else 1]

    def _lost(self, link: Link) -> None:
        """What the broker may not have is kept."""
        unknown = [*link.unacknowledged(), *self._live]
        self._live.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for lane in self._lanes:
            lane.end([one.entry for one in unknown if isinstance(one, Lent) and self._lane_of(one) is lane])
        for one in unknown:
            if isinstance(one, Live):
                self._keep(one)


async def _first_of(broken: asyncio.Future[None], *works: Coroutine[Any, Any, None]) -> None:
    """Until the first of them ends; raises what it raised. The others are ended."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait([broken, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.exception()  # the first one's has been raised
        broken.cancel()

"""Who listens to the stream, and what each still has to be sent. Nobody is ever waited for."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from controller.api.stream.messages import Message, Position, Topics, change, differences, heartbeat, snapshot

SPEED = "speed"


@dataclass(frozen=True, slots=True)
class HubLimits:
    """period_s: at most so often (10 Hz) changes are told, and what changed twice meanwhile is told once.

    buffered messages wait for one client at most: 5 s at 10 Hz, beside what its socket holds. replay changes, and not
    more than replay_chars of them, are kept for whoever comes back: a minute at 10 Hz. Engineering judgement.
    """

    period_s: float = 0.1
    heartbeat_s: float = 5.0
    buffered: int = 50
    replay: int = 600
    replay_chars: int = 20_000_000
    clients: int = 200


class Why(StrEnum):
    """Why a client gets nothing more."""

    SLOW = "it did not keep up"
    ENDING = "the service ends"


class Full(Exception):
    """As many listen as may; a retry makes sense when one has gone."""


class Client:
    """One listener: what waits for it, and whether its stream is over."""

    def __init__(self, buffered: int) -> None:
        self._queue: asyncio.Queue[Message] = asyncio.Queue(buffered)
        self.over: asyncio.Future[Why] = asyncio.get_running_loop().create_future()

    async def next(self) -> Message:
        """The next message; waits for one."""
        return await self._queue.get()

    def give(self, message: Message) -> None:
        """Never waits: whoever has not taken what came before is dropped, and may come back by number."""
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.end(Why.SLOW)

    def end(self, why: Why) -> None:
        """Nothing more comes."""
        if not self.over.done():
            self.over.set_result(why)


class Hub:
    """The stream of one process. `run` works as long as the service; `listening` is one client's stay.

    topics gives the line as it is now; it is asked only while somebody listens. utc is the clock of records.
    """

    def __init__(self, topics: Callable[[], Topics], utc: Callable[[], str], limits: HubLimits | None = None) -> None:
        self.limits = limits or HubLimits()
        self.position = Position(secrets.token_hex(8), 0)
        self.dropped = 0
        self.sent = 0
        self._topics, self._utc = topics, utc
        self._now: Topics = {}
        self._replay: deque[Message] = deque()
        self._replay_chars = 0
        self._snapshot: Message | None = None
        self._clients: set[Client] = set()
        self._wanted = asyncio.Event()
        self._told_s = 0.0
        self._ended = False

    @property
    def clients(self) -> int:
        return len(self._clients)

    async def run(self) -> None:
        """Tells what changes, until it is cancelled."""
        loop = asyncio.get_running_loop()
        pace_s = float(getattr(loop, SPEED, 1.0))  # people read by the wall's clock, also where the loop's is faster
        while True:
            await self._wanted.wait()
            began_s = loop.time()
            self.tick()
            if loop.time() - self._told_s >= self.limits.heartbeat_s * pace_s:
                self._tell(heartbeat(self.position, self._utc()))
            await asyncio.sleep(max(0.0, began_s + self.limits.period_s * pace_s - loop.time()))

    def tick(self) -> None:
        """Looks at the line once, and tells what is different."""
        now = self._topics()
        changed, removed = differences(self._now, now)
        if not changed and not removed:
            return
        position = Position(self.position.stream, self.position.sequence + 1)
        message = change(position, self._utc(), changed, removed)  # one that cannot be made leaves all as it was
        self._now, self.position, self._snapshot = now, position, None
        self._keep(message)
        self._tell(message)

    def _keep(self, message: Message) -> None:
        self._replay.append(message)
        self._replay_chars += len(message.text)
        while len(self._replay) > self.limits.replay or self._replay_chars > self.limits.replay_chars:
            self._replay_chars -= len(self._replay.popleft().text)

    def _tell(self, message: Message) -> None:
        self._told_s = asyncio.get_running_loop().time()
        self.sent += len(self._clients)
        for client in list(self._clients):
            client.give(message)
            if client.over.done():
                self.dropped += 1
                self._leave(client)

    # ------------------------------------------------------------------ clients

    @contextmanager
    def listening(self, after: Position | None = None) -> Iterator[Client]:
        """A client from now on: what it missed since `after`, or a snapshot where that is not known any more.

        Raises Full.
        """
        if len(self._clients) >= self.limits.clients or self._ended:
            raise Full("as many listen to the stream as may" if not self._ended else "the service ends")
        if not self._clients:  # nobody looked meanwhile
            self.tick()
        first = self._first(after)
        client = Client(self.limits.buffered + len(first))
        for message in first:
            client.give(message)
        self._clients.add(client)
        self._wanted.set()
        try:
            yield client
        finally:
            self._leave(client)

    def _leave(self, client: Client) -> None:
        self._clients.discard(client)
        if not self._clients:
            self._wanted.clear()

    def _first(self, after: Position | None) -> list[Message]:
        """What somebody gets first: the changes since, or all that there is."""
        if after is not None and after.stream == self.position.stream:
            missed = self.position.sequence - after.sequence
            if missed == 0:
                return [heartbeat(self.position, self._utc())]
            if 0 < missed <= len(self._replay):
                return list(self._replay)[-missed:]
        if self._snapshot is None:
            self._snapshot = snapshot(self.position, self._utc(), self._now)
        return [self._snapshot]

    def end(self) -> None:
        """The service ends: everybody is told."""
        self._ended = True
        for client in list(self._clients):
            client.end(Why.ENDING)
            self._leave(client)

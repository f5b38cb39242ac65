"""One machine: connect, identify, poll, beat, command, make safe. The same for every machine and every transport."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from drivers.errors import (
    DriverError,
    IdentityMismatch,
    LineReset,
    LinkDown,
    OutcomeUnknown,
    OwnedByAnother,
    ResponseTimeout,
    TakenBack,
)
from drivers.handshake import Handshake
from drivers.link import Link, Retry
from drivers.profile import Profile
from drivers.reading import LinkChange, Quality, Snapshot
from drivers.writing import Written, write_and_read_back

Published = Snapshot | LinkChange

_AFTER_FAULT_S = 0.1  # lets a corrupt answer's tail pass, and keeps a fault that costs no time from spinning
_QUEUE = 1000  # snapshots; more than a minute at the fastest rate, then the oldest go
_DWELLING = frozenset({"prepare", "dwell", "held"})  # heating, dwelling and holding change slowly
_IDLE = frozenset({"idle", "done"})
_SAME_S = 1e-6  # a loop may call a timer before its time by the resolution of its clock


class Machine:
    """Speaks with one machine through one transport; `run()` owns the connection and must be running.

    `lease` is our number as a controller, for machines that obey one controller at a time; 0 takes no lease.
    turns counts what `run()` tries: every poll or look at its rhythm, every connecting; a count that stands is a hang.
    """

    def __init__(self, unit: str, profile: Profile, transport: Any, *, lease: int = 0) -> None:
        self.unit = unit
        self.profile = profile
        self.latest: Snapshot | None = None
        self.turns = 0
        self._link = Link(unit, profile, transport, lease)
        self._retry = Retry(unit)
        self._not_before = 0.0
        self._handshake = Handshake(self._link)
        self._watch = _HeartbeatWatch(profile)
        timing = profile.timing
        self._slow = dict.fromkeys(_DWELLING, timing.poll_dwelling_s) | dict.fromkeys(_IDLE, timing.poll_idle_s)
        self._queues: list[asyncio.Queue[Published]] = []
        self._change: LinkChange | None = None
        self._came_up = asyncio.Event()
        self._wake: asyncio.Future[None] | None = None
        self._look = self._released = False
        self._beats = 0
        self._beat_due_at = self._beaten_at = 0.0
        self._phase = "idle"

    @property
    def link_up(self) -> bool:
        """Connected, identified, answering, and the machine's own heartbeat counts."""
        return self._came_up.is_set()

    @property
    def patience_s(self) -> float:
        """Loop seconds without a new value after which the old ones are stale; on a fast clock the wire's own time."""
        return self._link.patience_s

    @property
    def lease(self) -> int:
        """Our number as a controller; 0 takes no lease."""
        return self._link.lease

    @property
    def serial_number(self) -> float | None:
        """The serial number that answered when it was identified; None before that, and of one that tells none."""
        return self._link.serial_number

    async def run(self) -> None:
        """Connects, polls at the phase's rate and beats, again and again until released or cancelled.

        Then gives the machine's lease back and disconnects. It may be called again after that.
        """
        self._released = False
        try:
            while not self._released:
                await self._connect()
                await self._supervise()
                if not self._released:
                    await self._link.close()
        finally:
            self._came_up.clear()
            try:
                await self._link.give_back()
            finally:
                await self._link.close()

    def release(self) -> None:
        """Lets `run()` return: the machine is nobody's then, and watched no more. Only for one that is at rest."""
        self._released = True
        self._poll_soon()

    @contextmanager
    def subscribe(self, into: asyncio.Queue[Any] | None = None) -> Iterator[asyncio.Queue[Published]]:
        """A queue that gets every Snapshot and LinkChange from now on; a reader that is too slow loses the oldest.

        `into` is a queue of the caller's own, which may take only what it wants.
        """
        queue: asyncio.Queue[Published] = asyncio.Queue(_QUEUE) if into is None else into
        self._queues.append(queue)
        try:
            yield queue
        finally:
            self._queues.remove(queue)

    async def wait_link(self) -> None:
        """Returns once the link is up."""
        await self._came_up.wait()

    async def snapshot(self) -> Snapshot:
        """Reads now and publishes what was read; raises what a read raises."""
        return await self._poll()

    async def look(self, names: Iterable[str]) -> Snapshot:
        """Reads the blocks of these signals now, and publishes nothing; raises what a read raises."""
        blocks = {block.name: block for name in names if (block := self.profile.block_of.get(name)) is not None}
        data = {name: await self._link.read(block) for name, block in blocks.items()}
        return Snapshot(self.unit, asyncio.get_running_loop().time(), self._link.decoder, data)

    async def write(self, name: str, value: float) -> Written:
        """Writes one value once and reads it back. Raises OutOfRange, ProfileError, LinkDown: nothing was sent."""
        link = self._link
        link.need_ready(name)
        return await write_and_read_back(link.layer, link.decoder, self.profile.signals[name], value, ready=link.ready)

    async def command(self, name: str) -> None:
        """Sends one command and waits until the machine has accepted it.

        What lowers risk (hold, stop and abort, by the shipped profiles) goes ahead of polls and of other commands, and
        tries to connect where the link is down. Raises CommandRejected, CommandFailed, OutcomeUnknown (then hold),
        LinkDown or OwnedByAnother (nothing was sent).
        """
        await self._handshake.command(name)
        self._poll_soon()

    async def download(self, job: Mapping[str, float]) -> None:
        """Brings a complete job into the machine and proves by its echo that it is there.

        Raises OutOfRange (nothing was sent), JobMismatch (do not start), or what command() raises.
        """
        await self._handshake.download(job)
        self._poll_soon()

    async def compare_job(self, job: Mapping[str, float]) -> None:
        """Proves that the machine still has this job, by its echo. Raises JobMismatch, or what a read raises."""
        await self._handshake.compare(job)

    async def start(self) -> None:
        """Starts the downloaded job."""
        await self.command("start")

    async def hold(self) -> None:
        """Stops progress in the machine's own safe way."""
        await self.command("hold")

    async def restart(self) -> None:
        """Goes on after a hold."""
        await self.command("restart")

    async def stop(self) -> None:
        """Ends the job with a controlled release."""
        await self.command("stop")

    async def abort(self) -> None:
        """Ends the job for good; never releases faster than a stop."""
        await self.command("abort")

    async def reset(self) -> None:
        """Back to idle after an end; the machine allows it at proven zero only."""
        await self.command("reset")

    async def tare(self) -> None:
        """Takes the present reading as zero."""
        await self.command("tare")

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.turns += 1
            await asyncio.sleep(self._not_before - loop.time())
            begun = loop.time()
            try:
                await self._link.ready()
            except DriverError as error:
                self._tell(up=False, reason=_plain(error), again=isinstance(error, IdentityMismatch | OwnedByAnother))
                await self._link.close()
                wait_s = self._retry.next_s(soon=error.retryable)
                self._not_before = max(begun + wait_s, loop.time() + _AFTER_FAULT_S)
            else:
                self._watch.forget()
                self._tell(up=True, reason="connected and identified")
                return

    async def _supervise(self) -> None:
        """Polls and beats until the machine is released, or the link is lost, which it has told when it returns."""
        clock, beat_s = asyncio.get_running_loop().time, self.profile.timing.heartbeat_period_s
        connected_at = good_at = next_poll = self._beat_due_at = self._beaten_at = clock()
        while not self._released:
            self.turns += 1
            poll_s = self._period_s()
            try:
                await self._beat_if_due(min(poll_s, beat_s) / 2)  # it goes with the poll before, never later than due
                if self._look or clock() >= next_poll - _SAME_S:
                    due = min(next_poll, clock())  # a look ahead of time starts the rhythm anew
                    self._look = False
                    next_poll = max(due + poll_s, clock())
                    good_at = (await self._poll(self._beat_if_due)).time_s
                    if self._beaten_at > connected_at:  # it hears us as well
                        self._retry.forget()
                    next_poll = min(next_poll, max(due + self._period_s(), good_at))  # of the phase seen just now
            except DriverError as error:
                if await self._lost(error, good_at):
                    return
            await self._sleep_until(min(next_poll, self._beat_due_at))

    async def _lost(self, error: DriverError, polled_at: float) -> bool:
        """Whether the link is lost, which it has told then; waits a little where it may not be.

        A unit that keeps silent on a line with others waits longer and longer, as each of its timeouts is theirs too.
        """
        loop = asyncio.get_running_loop()
        silent = isinstance(error, ResponseTimeout | OutcomeUnknown)
        wait_s = self._retry.next_s() if silent and self._link.shared else _AFTER_FAULT_S
        self._not_before = loop.time() + wait_s
        ended = isinstance(error, IdentityMismatch | OwnedByAnother | LinkDown)
        if ended and not isinstance(error, LineReset | TakenBack):
            self._tell(up=False, reason=_plain(error))
            return True
        good_at = min(polled_at, self._beaten_at)
        given_up_at = good_at + self._link.patience_s
        await asyncio.sleep(min(self._not_before, given_up_at) - loop.time())
        if self._not_before <= given_up_at:
            return False
        silent_s = loop.time() - good_at
        is_deaf = polled_at - self._beaten_at > 0.5 * self._link.patience_s
        if is_deaf:  # it answers and takes no beats: connecting at once mends nothing
            self._not_before = loop.time() + self._retry.next_s()
        self._tell(up=False, reason=f"no good answer since {silent_s:.1f} s: {_plain(error)}")
        return True

    def _next_beat(self) -> int:
        self._beats = (self._beats + 1) % 0x10000
        return self._beats

    async def _beat_if_due(self, early_s: float = 0.0) -> None:
        clock = asyncio.get_running_loop().time
        if clock() < self._beat_due_at - early_s:
            return
        if self._beaten_at < self._beat_due_at:  # the first one takes the lease before anybody commands
            await asyncio.sleep(0)  # who judges what was just read goes first: a hold does not wait for a beat's answer
        self._beat_due_at = clock() + self.profile.timing.heartbeat_period_s
        await self._link.beat(self._next_beat())
        self._beaten_at = clock()

    async def _poll(self, between: Callable[[], Awaitable[None]] | None = None) -> Snapshot:
        """One read of every polled block; `between` them our heartbeat goes out, however long some take."""
        link, clock = self._link, asyncio.get_running_loop().time
        now = clock()
        data: dict[str, Any] = {}
        times: dict[str, float] = {}
        for block in self.profile.polled:
            if data and between is not None:
                await between()
            data[block.name] = await link.read(block)
            times[block.name] = now = clock()
        decoder = link.decoder
        link.acknowledged_sequence = decoder.whole("acknowledged_sequence", data)
        self._phase = self.profile.word("phase", decoder.whole("phase", data)) or ""
        quality = self._watch.see(decoder.whole("heartbeat_machine", data), now)
        if quality is Quality.BAD and self.link_up:
            self._tell(up=False, reason="heartbeat of the machine stands still")
        elif quality is Quality.GOOD and not self.link_up:
            self._tell(up=True, reason="the machine's heartbeat counts again")
        self.latest = Snapshot(self.unit, now, decoder, data, quality, times)
        self._publish(self.latest)
        return self.latest

    def _period_s(self) -> float:
        """Seconds between polls in the phase that was seen last."""
        return self._slow.get(self._phase, self.profile.timing.poll_moving_s)

    async def _sleep_until(self, when: float) -> None:
        """Sleeps on the loop's clock, or until a command wants the machine looked at."""
        loop = asyncio.get_running_loop()
        if self._look or when - _SAME_S <= loop.time():
            return
        self._wake = wake = loop.create_future()
        timer = loop.call_at(when, _resolve, wake)
        try:
            await wake
        finally:
            if loop.time() < when:
                timer.cancel()

    def _poll_soon(self) -> None:
        """A command may have changed the phase, and with it the rate."""
        self._look = True
        if self._wake is not None:
            _resolve(self._wake)

    def _tell(self, *, up: bool, reason: str, again: bool = False) -> None:
        known = self._change
        if up:
            self._came_up.set()
        else:
            self._came_up.clear()
        if known is None or known.up != up or (again and known.reason != reason):
            self._change = LinkChange(self.unit, up, reason, asyncio.get_running_loop().time())
            self._publish(self._change)

    def _publish(self, item: Published) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(item)


class _HeartbeatWatch:
    """Whether the machine's own counter moves."""

    def __init__(self, profile: Profile) -> None:
        self._late_s = profile.timing.stale_after_s
        self._dead_s = profile.timing.watchdog_s
        self._count: int | None = None
        self._changed_at = 0.0

    def forget(self) -> None:
        self._count = None

    def see(self, count: int, now: float) -> Quality:
        """The best quality that values with this counter may have."""
        if count != self._count:
            self._count, self._changed_at = count, now
        still_s = now - self._changed_at
        if still_s > self._dead_s:
            return Quality.BAD
        return Quality.UNCERTAIN if still_s > self._late_s else Quality.GOOD


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _plain(error: DriverError) -> str:
    return str(error) or "the reason is not known"

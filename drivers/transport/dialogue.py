"""Question and answer on an open wire: one at a time, and silence where there is doubt.

There is no task here. What is heard, and one timer, move a dialogue from idle to waiting for an answer, perhaps on to
waiting for silence, and back. Whoever stops waiting for an answer takes his request out of the queue, or leaves the
exchange to be finished for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum, auto

from drivers.errors import CorruptAnswer, LineReset, LinkDown, ResponseTimeout, TakenBack, WrongAnswer
from drivers.transport.doubles import Doubles
from drivers.transport.request import Member, Request, Waiting
from drivers.transport.transactions import Transactions
from drivers.transport.wire import Wire

_LONGEST = 4096  # bytes; ten times the longest answer of any profile
_QUIET_TRIES = 20  # times quiet_s of ceaseless chatter after which the line is given up and opened anew
_SHARED_GAP_S = 0.00175  # wall; who listens to others' frames needs it (Modbus over serial line V1.02, 2.5.1.1)
_ANSWERS = 2  # times the slowest of the last answers, in which one that was asked for before must come
_FORGETTING = 0.98  # at every answer: a pause is not as long for ever as one slow answer once was
_CLOCK_S = 1e-9  # a timer may fire that much early, as asyncio takes its clock's resolution to be
_TIMER_STEP_S = 0.001  # wall; the event loop's timers wake that late, a shorter pause is waited for turn by turn


class _State(Enum):
    ENDED = auto()
    IDLE = auto()
    WAITING = auto()
    QUIET = auto()


class Dialogue:
    """The exchanges of one connection.

    `write` sends, `members` is the line's list of units, `drop` ends the connection, `doubted` is told why
    a read is asked once more.

    `numbered`: an answer names its transaction (Modbus TCP). On all other lines a late answer can only be told by its
    coming late: after any doubt nothing is sent until nothing was heard for the longest `quiet_s` of the members. A
    read that may have got another request's answer for the second time is asked once more.
    """

    def __init__(
        self,
        wire: Wire,
        write: Callable[[bytes], None],
        members: Sequence[Member],
        drop: Callable[[LinkDown], None],
        doubted: Callable[[str], None],
        *,
        numbered: bool,
        gap_s: float,
        speed: float,
    ) -> None:
        self.proven = False
        """Whether an answer came that was no echo of its request."""
        self.transactions = Transactions() if numbered else None
        self._doubles = None if numbered else Doubles()
        self._wire = wire
        self._write = write
        self._members = members
        self._drop = drop
        self._doubted = doubted
        self._gap_s = gap_s
        self._shared_gap_s = max(gap_s, _SHARED_GAP_S * speed)
        self._byte_s = wire.byte_s * speed
        self._step_s = _TIMER_STEP_S * speed
        self._loop = asyncio.get_running_loop()
        self._state = _State.IDLE
        self._waiting = Waiting()
        self._current: Request | None = None
        self._buffer = b""
        self._silent = 0
        self._heard_at = self._sent_at = self._slowest_s = 0.0
        self._deadline = self._quiet_began = self._doubt_at = self._turned_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._turn: asyncio.Handle | None = None
        if not numbered:  # a late answer to whoever had the line before us may come
            self._be_quiet()

    def ask(self, request: Request, *, priority: bool) -> None:
        """Sends now, or when it is this request's turn."""
        if self._state is _State.IDLE and self.transactions is not None:  # then nobody is waiting
            self._send(request)
            return
        self._waiting.put(request, priority=priority)
        if self._state is _State.IDLE:
            self._go_on()
        elif priority and self._state is _State.QUIET:  # it does not wait for what may come to others, only for quiet
            self._deadline = min(self._deadline, max(self._heard_at, self._doubt_at) + self._quiet_s)
            self._arm()

    def heard(self, data: bytes) -> None:
        """Bytes from the wire: any bytes, in any pieces."""
        if not data:
            return
        state = self._state
        self._heard_at = self._loop.time()
        if state is _State.WAITING:
            self._buffer = self._buffer + data if self._buffer else data
            self._look()
        elif state is _State.QUIET:
            self._deadline = max(self._deadline, self._heard_at + self._quiet_s)
        elif state is _State.IDLE and self.transactions is None:
            self._be_quiet()
        elif state is _State.IDLE:
            self._unasked(data)

    def take_back(self, member: Member) -> None:
        """Ends the waiting of one unit's usual requests that are no reads; what went out is not touched."""
        for request in self._waiting.usual:
            if request.member is member and request.alike is None:
                request.fail(
                    TakenBack(f"{self._wire.place}: taken back before it was sent, something safer came first")
                )

    def leave(self, member: Member) -> None:
        """Ends the waiting of one unit; its exchange that is going on is finished for nobody."""
        for request in self._waiting:
            if request.member is member:
                request.fail(LinkDown(f"{self._wire.place}: closed before the request was sent"))
        if self._current is not None and self._current.member is member:
            self._current.fail(self._current.lost(f"{self._wire.place}: closed during an exchange"))

    def end(self, why: LinkDown) -> None:
        """Ends everything that waits: what was sent with its own `lost`, the rest with `why`."""
        self._state = _State.ENDED
        for handle in (self._timer, self._turn):
            if handle is not None:
                handle.cancel()
        self._buffer = b""
        current, self._current = self._current, None
        if current is not None:
            current.fail(current.lost(str(why)))
        for request in self._waiting:
            request.fail(type(why)(str(why)))
        self._waiting.clear()

    # ---- sending

    def _go_on(self) -> None:
        """Sends the next request, once the line has been silent for the gap between frames."""
        self._turn = None
        while self._state is _State.IDLE:
            request = self._waiting.first()
            if request is None:
                return
            now = self._loop.time()
            may_send_at = self._heard_at + self._pause_s(request, now)
            if now + _CLOCK_S < may_send_at:
                self._go_on_at(may_send_at, now)
                return
            self._waiting.take()
            self._send(request)

    def _pause_s(self, request: Request, now: float) -> float:
        """The silence before the next request: the gap, or long enough for answers to show that are one too many.

        An urgent write waits for the gap only: no answer of a read passes for its own, and its acknowledge is read.
        """
        gap_s = self._gap_s if len(self._members) < 2 else self._shared_gap_s
        doubles = self._doubles
        if doubles is None or (request.alike is None and self._waiting.urgent):
            return gap_s
        for_long = doubles.adrift_s(now) >= request.member.timeout_s + self._quiet_s
        if not for_long and not doubles.turns(request.data, request.alike):
            return gap_s
        pause_s = max(gap_s, _ANSWERS * self._slowest_s)
        if now >= self._heard_at + pause_s:
            doubles.in_step()
        return pause_s

    def _go_on_at(self, when: float, now: float) -> None:
        if self._turn is not None:
            self._turn.cancel()
        if when - now > 1.5 * self._step_s:
            self._turn = self._loop.call_at(when - self._step_s, self._go_on)
        elif now > self._turned_at:
            self._turn = self._loop.call_soon(self._go_on)
        else:  # a clock that stands still until all sleep must jump
            self._turn = self._loop.call_at(when, self._go_on)
        self._turned_at = now

    def _send(self, request: Request) -> None:
        self._state = _State.WAITING
        self._current = request
        self._sent_at = self._loop.time()
        self._deadline = self._sent_at + request.member.timeout_s + request.line_bytes * self._byte_s
        self._arm()
        try:
            self._write(request.data)
        except LinkDown as error:
            request.fail(error)
            self._drop(error)

    # ---- hearing

    def _look(self) -> None:
        """Whether what was heard since the request is its answer."""
        request = self._current
        if request is None:
            return
        try:
            if self.transactions is not None and self.transactions.any_late:
                self._buffer, coming = self.transactions.without_late(self._buffer)
                if coming:
                    return
            answer = request.judge(self._buffer)
        except Exception as error:  # noqa: BLE001  what a judge raises belongs to its caller, not to the event loop
            self._refuse(request, error)
            return
        if answer is None:
            if len(self._buffer) > _LONGEST:
                self._refuse(request, CorruptAnswer(f"{len(self._buffer)} bytes and no answer among them"))
            return
        if self._is_doubtful(request, answer):
            self._current = None
            self._waiting.put_back(request)
            self._doubt(why := WrongAnswer("it may be the second copy of another request's answer"))
            self._doubted(str(why))
            return
        if not self.proven:
            self.proven = self._buffer != request.data
        self._current = None
        self._buffer = b""
        self._silent = 0
        self._state = _State.IDLE
        if not request.answer.done():
            request.answer.set_result(answer)
        if self._waiting:
            self._go_on()

    def _is_doubtful(self, request: Request, answer: bytes) -> bool:
        doubles, member, quiet_s = self._doubles, request.member, self._quiet_s
        if doubles is None or request.alike is None:
            return False
        took_s = self._heard_at - self._sent_at
        known_s = self._slowest_s if doubles.adrift_s(self._heard_at) else _FORGETTING * self._slowest_s
        self._slowest_s = max(took_s, known_s)
        said, late_s = (member.unit, answer), member.timeout_s + quiet_s
        return doubles.suspects(request.data, request.alike, said, self._heard_at, late_s=late_s, quiet_s=quiet_s)

    def _refuse(self, request: Request, error: Exception) -> None:
        self._current = None
        request.fail(error)
        self._doubt(error)

    def _unasked(self, data: bytes) -> None:
        """On a numbered line only late answers, whole ones, may come while nobody waits."""
        assert self.transactions is not None  # noqa: S101  the caller has looked
        try:
            rest, _ = self.transactions.without_late(data)
        except CorruptAnswer as error:
            self._doubt(error)
            return
        if rest:
            self._doubt(CorruptAnswer(f"unasked: {rest[:16].hex()}"))

    # ---- doubts and time

    @property
    def _quiet_s(self) -> float:
        return max((member.quiet_s for member in self._members), default=0.0)

    def _doubt(self, why: Exception) -> None:
        """Whatever comes now is nobody's answer: a numbered line starts anew, another waits until it is quiet."""
        self._silent = 0
        if self.transactions is not None:
            self._drop(LineReset(f"{self._wire.place}: dropped after: {why}"))
        else:  # noise may have come first: the true answer can take all the time that it had
            self._be_quiet(max(0.0, self._deadline - self._loop.time()) if self._state is _State.WAITING else 0.0)

    def _be_quiet(self, due_s: float = 0.0) -> None:
        self._state = _State.QUIET
        self._buffer = b""
        self._doubt_at = self._loop.time()
        if self._doubles is not None:
            self._doubles.clear()
        self._quiet_began = self._doubt_at + (0.0 if self._waiting.urgent else due_s)
        self._deadline = self._quiet_began + self._quiet_s
        self._arm()

    def _arm(self) -> None:
        """One timer serves all deadlines: if it wakes too early it sleeps on, so an exchange seldom needs a new one."""
        if self._timer is not None:
            if self._timer.when() <= self._deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._state is not _State.WAITING and self._state is not _State.QUIET:
            return
        now = self._loop.time()
        if now >= self._deadline:
            if self._state is _State.WAITING:
                self._timed_out()
                return
            self._state = _State.IDLE
            self._go_on()
        elif self._state is _State.QUIET and now - self._quiet_began > _QUIET_TRIES * self._quiet_s:
            self._drop(LineReset(f"{self._wire.place}: the line does not get quiet"))
        else:
            self._arm()

    def _timed_out(self) -> None:
        request, self._current = self._current, None
        if request is None:
            return
        member, what = request.member, "half an answer" if self._buffer else "no answer"
        fault = ResponseTimeout(f"{self._wire.place}: {what} of unit {member.unit} within {member.timeout_s:g} s")
        request.fail(fault)
        self._silent = 0 if self._buffer else self._silent + 1
        dead = self._wire.drops and self._silent >= len(self._members)
        lost_count = self.transactions is not None and (bool(self._buffer) or len(self._members) < 2)
        if not self._wire.forget_unsent() or dead or lost_count:
            self._drop(LineReset(f"{self._wire.place}: dropped after: {fault}"))
        elif self.transactions is None:
            self._be_quiet()
        else:
            self.transactions.give_up(request.transaction)
            self._state = _State.IDLE
            self._go_on()

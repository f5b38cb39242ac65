"""What waits on a line: frames, each for one of the line's units."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drivers.errors import CorruptAnswer, DriverError, ResponseTimeout

Judge = Callable[[bytes], bytes | None]
"""Is given all that was heard since the request: returns the answer if this is exactly one sound answer to it, None
if more has to come, and raises CorruptAnswer or WrongAnswer otherwise."""


@dataclass(eq=False, slots=True)
class Member:
    """A unit on a line, and its patience in loop seconds."""

    unit: int
    timeout_s: float
    quiet_s: float
    attached: bool = False


class Request:
    """A frame and who waits for its answer.

    `lost` is raised if the connection ends after the frame went out. `line_bytes` have to pass the line before the
    answer is complete: on a slow line that takes its time, which is given on top of the unit's timeout. A read may go
    out again: it has an `alike`, the same for all whose answers have the same form.
    """

    __slots__ = ("alike", "answer", "data", "judge", "line_bytes", "lost", "member", "transaction")

    def __init__(
        self,
        member: Member,
        data: bytes,
        judge: Judge,
        *,
        line_bytes: int,
        lost: type[DriverError] = ResponseTimeout,
        transaction: int = 0,
        alike: bytes | None = None,
    ) -> None:
        self.alike = alike
        self.member = member
        self.data = data
        self.judge = judge
        self.lost = lost
        self.transaction = transaction
        self.line_bytes = line_bytes
        self.answer: asyncio.Future[bytes]

    def fail(self, error: Exception) -> None:
        """Tells whoever still waits."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Waiting:
    """The requests that have not gone out: urgent ones first; within each kind first come, first served."""

    def __init__(self) -> None:
        self._urgent: deque[Request] = deque()
        self._usual: deque[Request] = deque()

    def __bool__(self) -> bool:
        return bool(self._urgent or self._usual)

    def __iter__(self) -> Iterator[Request]:
        yield from self._urgent
        yield from self._usual

    @property
    def usual(self) -> tuple[Request, ...]:
        """Those that do not go before others, in their order."""
        return tuple(self._usual)

    @property
    def urgent(self) -> bool:
        """Whether a request waits that goes before others."""
        return any(not request.answer.done() for request in self._urgent)

    def put(self, request: Request, *, priority: bool) -> None:
        """At the end of its kind."""
        (self._urgent if priority else self._usual).append(request)

    def put_back(self, request: Request) -> None:
        """Before all others that are not urgent: it has been waited for already."""
        self._usual.appendleft(request)

    def first(self) -> Request | None:
        """The request that is due, left where it is; those that nobody waits for any more are taken out."""
        for queue in (self._urgent, self._usual):
            while queue:
                if not queue[0].answer.done():
                    return queue[0]
                queue.popleft()
        return None

    def take(self) -> None:
        """Takes out what first() has shown."""
        (self._urgent or self._usual).popleft()

    def clear(self) -> None:
        """Takes out all."""
        self._urgent.clear()
        self._usual.clear()


def after_echo(request: bytes, judge: Judge) -> Judge:
    """The judge of an answer on a line where our own bytes come back first."""
    size = len(request)

    def judged(heard: bytes) -> bytes | None:
        if heard[:size] != request[: len(heard)]:
            raise CorruptAnswer(f"the echo of the request differs: {heard[:size].hex()}")
        return judge(heard[size:]) if len(heard) > size else None

    return judged

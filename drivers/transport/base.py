"""What every transport is: an exchange of one request for one answer with one unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from drivers.profile import Table

Check = Callable[[bytes], None]


class Transport(Protocol):
    """Opening, closing and the state of a line.

    `session` grows with every successful open(), so that an owner can see that the connection is not the one it knew.
    After a fault a line either gets quiet before it is used again, or its connection is dropped; a closed transport
    raises LinkDown until open() is called again.
    """

    response_timeout_s: float
    """Seconds of loop time that an answer may take."""

    unit: int
    """The unit's number on the line."""

    @property
    def place(self) -> str:
        """Where the line is: a port's name, or host and port."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other units use the line too: then a unit that is silent costs them its timeout."""
        ...

    @property
    def is_open(self) -> bool: ...

    @property
    def session(self) -> int: ...

    async def open(self) -> None:
        """Connects; does nothing if connected.

        Raises LinkDown.
        """
        ...

    def take_back(self) -> None:
        """Ends the waiting of every write of this unit that was not sent, unless it goes before others: TakenBack."""
        ...

    async def close(self) -> None:
        """Ends every exchange of this unit with an error; the last unit disconnects. May be called twice."""
        ...


class RegisterTransport(Transport, Protocol):
    """Reads and writes the registers and bits of one unit."""

    async def read(self, table: Table, address: int, count: int, *, priority: bool = False) -> list[int]:
        """`count` registers, or bits as 0 and 1.

        Raises LinkDown, ResponseTimeout, CorruptAnswer, WrongAnswer (all retryable), DeviceRefused, or OutOfRange for
        what cannot be asked.
        """
        ...

    async def write(
        self,
        address: int,
        values: Sequence[int],
        *,
        table: Table = "holding",
        single: bool = False,
        priority: bool = False,
    ) -> None:
        """Writes holding registers or coils with one request that goes out once.

        `single` uses the functions that write one value only. Raises LinkDown if nothing was sent, OutOfRange for what
        cannot be written (nothing was sent), DeviceRefused if the machine said no, OutcomeUnknown if it was sent and no
        proper answer came.
        """
        ...

    async def identification(self) -> Mapping[str, str]:
        """What the unit says of itself: vendor_name, product_code, revision and more.

        Raises DeviceRefused where the unit does not know the question, and what a read raises.
        """
        ...


class LineTransport(Transport, Protocol):
    """Exchanges one line for one line."""

    terminator: bytes
    """How a line ends."""

    async def exchange(
        self, request: bytes, *, check: Check | None = None, priority: bool = False, again: bool = False
    ) -> bytes:
        """Sends `request` (with its line end) and returns the answer with its line end.

        It goes out once; with `again`, which only a read may have, once more where the answer may be the second copy
        of another's.

        `check` is called with the answer while the line is still ours and raises CorruptAnswer or WrongAnswer if it is
        not ours. Raises LinkDown if nothing was sent, otherwise ResponseTimeout, CorruptAnswer or WrongAnswer.
        """
        ...


def wire_seconds(seconds: float, speed: float, floor_wall_s: float = 0.1) -> float:
    """A wire's time in loop seconds when the loop runs `speed` times faster than the wall.

    The wire and the operating system keep wall time: 0.1 s of wall is the least that lets a busy machine answer.
    """
    return max(seconds, floor_wall_s * speed) if speed > 1 else seconds

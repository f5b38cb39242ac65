"""What carries bytes: a port or a connection that can be opened, written to, and lost; and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

OnData = Callable[[bytes], None]
OnLost = Callable[[str], None]
What = Literal["open", "sent", "heard", "doubted", "lost", "closed"]


class Wire(Protocol):
    """Bytes to and from one place. Nothing is called any more after drop() or on_lost, until it is opened again."""

    place: str
    """Where it leads to, for people: a port's name, or host and port."""

    byte_s: float
    """Wall seconds that a byte takes on the line; 0 where that is not worth counting."""

    drops: bool
    """Whether a new connection is a new start: what the old one still carries cannot come back."""

    @property
    def is_open(self) -> bool: ...

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        """Connects; `on_data` gets what arrives, `on_lost` is called once, with the reason, if the connection ends.

        Raises LinkDown.
        """
        ...

    def write(self, data: bytes) -> None:
        """Sends, now or as soon as the line takes it; raises LinkDown if it is closed."""
        ...

    def forget_unsent(self) -> bool:
        """Drops what the line has not taken yet; False if that is impossible without dropping the connection."""
        ...

    def drop(self) -> None:
        """Disconnects at once; does nothing if closed."""
        ...

    async def close(self) -> None:
        """Disconnects, and returns when the operating system has its port back."""
        ...


@dataclass(frozen=True, slots=True)
class WireEvent:
    """What happened on a wire: `time_s` is the event loop's, `data` the bytes that were sent or heard.

    "doubted": what was heard last was not believed, and the same will be asked again; `note` says why.
    """

    time_s: float
    place: str
    what: What
    data: bytes = b""
    note: str = ""


Tap = Callable[[WireEvent], None]
"""Is told everything that happens on a wire, in order; must not block and must not raise."""

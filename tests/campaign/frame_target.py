"""What the frame campaign needs of a protocol: questions, sound and unsound answers, the oracle's word."""

from __future__ import annotations

from random import Random
from typing import Any, Protocol

from drivers.transport.base import Transport
from tests.campaign.frame_damages import Scene
from tests.campaign.frame_oracle import Answered

Result = tuple[int | str, ...] | None
"""What a call of our side gives: a read's values, or None for a write that succeeded."""


class Target(Protocol):
    """One unit of our side."""

    timeout_s: float
    quiet_s: float

    @property
    def transport(self) -> Transport: ...

    def question(self, rng: Random) -> Any:
        """Something to ask."""
        ...

    def like(self, rng: Random, question: Any) -> Any:
        """A read whose answer looks as much as possible like that question's, with other values."""
        ...

    async def ask(self, question: Any) -> Result:
        """Asks it; raises DriverError."""
        ...

    def is_write(self, question: Any) -> bool: ...

    def scene(self, question: Any, frame: bytes) -> Scene:
        """What could be said to the request that went out; RequestFault if it is not the question's."""
        ...

    def truth(self) -> Result:
        """What the last request's sound answer says."""
        ...

    def allowed(self, heard: bytes) -> Answered | None:
        """What the specification says of these bytes as an answer to the last request."""
        ...

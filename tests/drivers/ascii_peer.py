"""The far end of a line of text, as a function from request to answer; None is silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drivers.errors import ResponseTimeout
from drivers.profile import Profile
from drivers.transport.base import Check


class AsciiPeer:
    """A LineTransport whose answers a test makes; remembers what it was asked."""

    response_timeout_s = 0.1
    is_open = True
    shared = False
    session = 1
    place = "here"
    terminator = b"\r\n"

    def __init__(self, answer: Callable[[bytes], bytes | None], unit: int = 1) -> None:
        self.unit = unit
        self.asked: list[bytes] = []
        self._answer = answer

    @classmethod
    def script(cls, *pairs: tuple[bytes, bytes]) -> AsciiPeer:
        """Knows typed lines only."""
        return cls(dict(pairs).get)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def take_back(self) -> None:
        """Nothing waits."""

    async def exchange(
        self, request: bytes, *, check: Check | None = None, priority: bool = False, again: bool = False
    ) -> bytes:
        self.asked.append(request)
        answer = self._answer(request)
        if answer is None:
            raise ResponseTimeout("silence")
        if check is not None:
            check(answer)
        return answer


class Values:
    """A controller that only keeps values; remembers what was written."""

    def __init__(self, profile: Profile, tags: Mapping[str, Any]) -> None:
        self.profile = profile
        self.tags: dict[str, Any] = dict(tags)
        self.written: list[dict[str, float]] = []
        self.refusal: Exception | None = None

    def advance(self, now_s: float) -> None: ...

    def write(self, values: Mapping[str, float]) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.written.append(dict(values))
        self.tags.update(values)

"""What the API asks of the journal and the historian, each by the few calls that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from controller.events import Event


class Records(Protocol):
    """What the journal holds."""

    async def events(self, run: str | None = None) -> Sequence[Event]: ...


class Trends(Protocol):
    """What the historian holds (controller/historian), as dataclasses of plain values."""

    async def tags(self) -> Sequence[Any]:
        """Every tag with its unit and what is stored of it."""
        ...

    async def trend(self, tag: str, from_us: int, to_us: int, points: int) -> Any:
        """One tag between two times of UTC, in at most so many stretches."""
        ...

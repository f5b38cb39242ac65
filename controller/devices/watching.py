"""Watching a unit: every change of its values, and every change of its link, until the watcher has enough."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from controller.devices.look import ANSWERED_WRONGLY, Look, Seen, readable_signals
from drivers.errors import DriverError, IdentityMismatch
from drivers.link import Retry
from drivers.profile import Profile
from drivers.reading import Reading

_COUNTERS = ("heartbeat_machine", "heartbeat_controller")  # they change at every look, which is their only meaning


@dataclass(frozen=True, slots=True)
class Changed:
    """A value that is new or another one than before."""

    signal: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class LinkNews:
    """The unit answers again, or does not any more and why; `answers` also where it does, and wrongly."""

    up: bool
    reason: str
    answers: bool


def watched_signals(profile: Profile) -> tuple[str, ...]:
    """What is watched if nothing is named: everything that is polled but for the counters."""
    polled = {name for block in profile.polled for name in block.signals}
    return tuple(name for name in readable_signals(profile) if name in polled and name not in _COUNTERS)


def period_s(profile: Profile) -> float:
    """How often a unit is looked at if nothing else is asked for: as the profile does while something moves."""
    timing = profile.timing
    return timing.poll_moving_s or timing.poll_dwelling_s or timing.poll_idle_s or 1.0


async def changes(look: Look, names: Sequence[str], every_s: float) -> AsyncIterator[Changed | LinkNews]:
    """Every change, for ever; a lost link is told once, and once more where it then answers wrongly, and tried again
    with growing pauses. Raises IdentityMismatch."""
    loop = asyncio.get_running_loop()
    retry = Retry(look.target.unit)
    known: dict[str, tuple[object, str]] = {}
    up: bool | None = None
    answers = False
    while True:
        began = loop.time()
        try:
            seen = await look.read(names)
        except IdentityMismatch:
            raise
        except DriverError as error:
            wrongly = isinstance(error, ANSWERED_WRONGLY)
            if up is not False or (wrongly and not answers):
                yield LinkNews(False, str(error), wrongly)
                answers = wrongly
            up, known = False, {}
            await asyncio.sleep(retry.next_s(soon=error.retryable))
            continue
        if up is not True:
            yield LinkNews(True, "connected and identified", True)
        up = True
        retry.forget()
        for name, reading in _changed(seen, names, known):
            yield Changed(name, reading)
        await asyncio.sleep(max(0.0, began + every_s - loop.time()))


def _changed(seen: Seen, names: Sequence[str], known: dict[str, tuple[object, str]]) -> list[tuple[str, Reading]]:
    """What is not as it was; takes note of it. A value that is no number is the same as itself here."""
    found = []
    for name in names:
        reading = seen.reading(name)
        state = (str(reading.value), reading.quality.value)
        if known.get(name) != state:
            known[name] = state
            found.append((name, reading))
    return found

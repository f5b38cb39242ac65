"""One value written once and read back: applied, refused or unknown, never assumed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from drivers.encoding import check_setpoint
from drivers.errors import DeviceRefused, DriverError, OutcomeUnknown, OutOfRange, ProfileError
from drivers.profile import Signal
from drivers.reading import Decoder, Reading, Snapshot
from drivers.signals import SignalLayer

_FLOAT32 = 1e-6  # a float32 keeps 6e-8 of a value, and nine printed digits do as well
_FLOAT64 = 1e-12
_HALF_STEP = 0.500001  # what was wanted is rounded to the nearest step of scale
_READS, _BETWEEN_S = 3, 0.1  # a read may be lost too, and may be repeated


class Outcome(StrEnum):
    """What became of a write."""

    APPLIED = "applied"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of one write. read_back is what the unit held afterwards, None if that could not be seen.

    Applied means that the value was read back; refused that it is not there and that the unit answered; all else is
    unknown, and `why` says it in a sentence.
    """

    signal: Signal
    wanted: float
    read_back: Reading | None
    outcome: Outcome
    why: str = ""


def tolerance(signal: Signal, value: float) -> float:
    """How far a value that was written may be from the one read back: what its type rounds, in the signal's unit."""
    if signal.integer:
        return 0.0
    if signal.type in ("float32", "decimal", "scientific"):
        return _FLOAT32 * max(abs(signal.scale), abs(value - signal.offset))
    if signal.type == "float64":
        return _FLOAT64 * max(abs(signal.scale), abs(value - signal.offset))
    return _HALF_STEP * abs(signal.scale)


async def write_and_read_back(
    layer: SignalLayer,
    decoder: Decoder,
    signal: Signal,
    value: float,
    *,
    ready: Callable[[], Awaitable[None]] | None = None,
) -> Written:
    """Writes one value once, whatever happens, and says what became of it.

    `ready` connects again, and identifies, before the read-back if the answer was lost with the connection. Raises
    OutOfRange or ProfileError (not sent: outside the limits, not writable) and LinkDown (not sent).
    """
    if "w" not in signal.access or signal.type == "text":
        raise ProfileError(f"{signal.name} cannot be written")
    check_setpoint(signal, value)
    if signal.enum is not None and decoder.profile.word(signal.enum, int(value)) is None:
        words = ", ".join(f"{number} {word}" for word, number in decoder.profile.enums[signal.enum].items())
        raise OutOfRange(f"{signal.name} = {value:g} is none of {words}")
    trouble: DriverError | None = None
    try:
        await layer.write_signal(signal, value)
    except (DeviceRefused, OutcomeUnknown) as error:
        trouble = error
    try:
        reading, number = await _read_back(layer, decoder, signal, ready or layer.transport.open)
    except DriverError as error:
        return _unseen(signal, value, trouble, error)
    if abs(number - value) <= tolerance(signal, value):
        return Written(signal, value, reading, Outcome.APPLIED, "" if trouble is None else f"there, but: {trouble}")
    holds = f"it holds {reading.value} {reading.unit}".rstrip()
    if trouble is None:
        return Written(signal, value, reading, Outcome.REFUSED, f"the write was answered, and {holds}")
    outcome = Outcome.REFUSED if isinstance(trouble, DeviceRefused) else Outcome.UNKNOWN
    return Written(signal, value, reading, outcome, f"{trouble}; {holds}")


def _unseen(signal: Signal, value: float, trouble: DriverError | None, lost: DriverError) -> Written:
    """What is known of a write whose value could not be looked at."""
    if isinstance(trouble, DeviceRefused):
        return Written(signal, value, None, Outcome.REFUSED, str(trouble))
    told = "the write was answered" if trouble is None else str(trouble)
    return Written(signal, value, None, Outcome.UNKNOWN, f"{told}; what it holds could not be read: {lost}")


async def _read_back(
    layer: SignalLayer, decoder: Decoder, signal: Signal, ready: Callable[[], Awaitable[None]]
) -> tuple[Reading, float]:
    """What the unit holds now, asked for again where an answer was lost; raises what the last read raised."""
    block = decoder.profile.block_of.get(signal.name)
    if block is None or "r" not in signal.access:
        raise ProfileError(f"{signal.name} cannot be read")
    tries = 0
    data: dict[str, Sequence[Any]] = {}
    while not data:
        try:
            await ready()
            data = {block.name: await layer.read(block)}
        except DriverError as error:
            tries += 1
            if tries == _READS or not error.retryable:
                raise
            await asyncio.sleep(_BETWEEN_S)
    try:
        number = float(decoder.raw(signal.name, data))
    except ValueError:
        number = math.nan
    return Snapshot("", asyncio.get_running_loop().time(), decoder, data).reading(signal.name), number

"""One instrument: a gauge, a balance, a temperature controller. Read and set when asked; without job or heartbeat."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from drivers.errors import (
    BadQuality,
    CorruptAnswer,
    InstrumentBusy,
    OutOfRange,
    ProfileError,
)
from drivers.link import Link
from drivers.profile import Profile, Signal
from drivers.reading import Quality, Reading, Snapshot
from drivers.wording import apart
from drivers.writing import Written, write_and_read_back

_TRIES, _BETWEEN_S = 5, 1.0  # a sample settles within a few seconds of being placed, or somebody leans on the table
_ZERO_ERRORS = 3  # standard uncertainties by which an empty instrument may read below zero


class Instrument:
    """Speaks with one instrument through one transport; connects and identifies by itself at the first question."""

    def __init__(self, unit: str, profile: Profile, transport: Any) -> None:
        self.unit = unit
        self.profile = profile
        self._link = Link(unit, profile, transport)

    @property
    def signal(self) -> Signal:
        """The value that it is there for: the first one of its profile that is polled."""
        polled = {name for block in self.profile.polled for name in block.signals}
        return next(signal for name, signal in self.profile.signals.items() if name in polled)

    async def identify(self) -> str:
        """Connects and checks the identity; returns how the instrument describes itself, "" if it does not.

        Raises LinkDown, IdentityMismatch, or what an exchange raises.
        """
        await self._link.ready()
        return self._link.description

    async def read(self) -> Snapshot:
        """Everything that the profile polls, read now; raises what an exchange raises, InstrumentBusy, OutOfRange."""
        data, times = {}, {}
        now = asyncio.get_running_loop().time()
        for block in self.profile.polled:
            data[block.name] = await self._link.read(block)
            times[block.name] = now = asyncio.get_running_loop().time()
        return Snapshot(self.unit, now, self._link.decoder, data, times=times)

    async def stable(self, signal: str | None = None) -> Reading:
        """A stable value; asks again, a limited number of times, while the instrument is restless.

        Raises InstrumentBusy when it stays so, OutOfRange when over- or underloaded or outside the profile's range.
        """
        wanted = self.signal if signal is None else self._known(signal)
        block = self.profile.block_of[wanted.name]
        for last in (*[False] * (_TRIES - 1), True):
            try:
                data = {block.name: await self._link.read(block)}
            except InstrumentBusy:
                if last:
                    raise
                await asyncio.sleep(_BETWEEN_S)
            else:
                now = asyncio.get_running_loop().time()
                return self._sound(wanted, Snapshot(self.unit, now, self._link.decoder, data).reading(wanted.name))
        raise InstrumentBusy(f"{self.unit}: no stable value")

    async def write(self, name: str, value: float) -> Written:
        """Writes one value once and reads it back.

        Raises OutOfRange, ProfileError, LinkDown, IdentityMismatch: nothing was sent.
        """
        signal = self._known(name)
        await self._link.ready()
        return await write_and_read_back(self._link.layer, self._link.decoder, signal, value, ready=self._link.ready)

    async def zero(self) -> None:
        """Sets zero; raises InstrumentBusy, OutOfRange, OutcomeUnknown, ProfileError if it cannot."""
        await self._act("zero")

    async def tare(self) -> None:
        """Takes the present value as tare; raises InstrumentBusy, OutOfRange, OutcomeUnknown, ProfileError."""
        await self._act("tare")

    async def close(self) -> None:
        """Disconnects; the next question connects again."""
        await self._link.close()

    async def _act(self, name: str) -> None:
        await self._link.ready()
        await self._link.layer.act(name)

    def _known(self, name: str) -> Signal:
        try:
            return self.profile.signals[name]
        except KeyError:
            raise ProfileError(f"{self.unit}: {self.profile.name} has no signal {name!r}") from None

    def _sound(self, signal: Signal, reading: Reading) -> Reading:
        """A reading that may be used; an empty instrument may read a little outside its range."""
        if isinstance(reading.value, str) or signal.range is None:
            if reading.quality is not Quality.GOOD:
                raise BadQuality(f"{self.unit}: {signal.name} is {reading.quality}")
            return reading
        low, high = signal.range
        margin = _ZERO_ERRORS * (signal.accuracy or 0.0)
        if math.isnan(reading.value):
            raise CorruptAnswer(f"{self.unit}: {signal.name} is no number")
        if not low - margin <= reading.value <= high + margin:
            raise OutOfRange(
                f"{self.unit}: {apart(reading.value, low, high)} {signal.unit} is outside"
                f" {low:g} to {high:g} {signal.unit}"
            )
        return Reading(reading.value, reading.unit, reading.time_s, Quality.GOOD)

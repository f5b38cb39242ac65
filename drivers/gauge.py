"""Instruments that speak MT-SICS level 0: a thickness gauge, a balance. One line asked, one line answered."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from drivers.errors import (
    CorruptAnswer,
    DeviceRefused,
    IdentityMismatch,
    InstrumentBusy,
    OutcomeUnknown,
    OutOfRange,
    ResponseTimeout,
    WrongAnswer,
)
from drivers.profile import Profile
from drivers.reading import Quality, Reading
from drivers.transport.base import LineTransport

_TRIES, _BETWEEN_S = 5, 1.0  # a sample settles within a few seconds of being placed, or somebody leans on the table
_ZERO_ERRORS = 3  # standard uncertainties by which an empty instrument may read below zero
_SYNTAX_CODE, _TRANSMISSION_CODE, _LOGICAL_CODE = 1, 2, 3
_ERRORS = {
    "ES": (_SYNTAX_CODE, "it does not know the command"),
    "ET": (_TRANSMISSION_CODE, "it received a faulty line"),
    "EL": (_LOGICAL_CODE, "it cannot do that now"),
}
_VALUE = re.compile(r"^([+-]?\d+(?:\.\d+)?) +(\S+)$")


class SicsInstrument:
    """One instrument with one value. Level 0 has no request tags: the transport's quiet time keeps answers apart."""

    def __init__(self, unit: str, profile: Profile, transport: LineTransport) -> None:
        self.unit = unit
        self.profile = profile
        self._transport: Any = transport
        self._known_session = 0
        (self._signal,) = profile.signals.values()

    async def identify(self) -> str:
        """Connects and checks the model; returns the instrument's own description.

        Raises LinkDown, IdentityMismatch, or what an exchange raises.
        """
        await self._transport.open()
        session = self._transport.session
        answer = await self._asked("I2")
        text = answer.removeprefix("I2 A ").strip('"')
        if text == answer:
            raise WrongAnswer(f"{self.unit}: {answer!r} is no identification")
        wanted = str(self.profile.identity["model"])
        if wanted not in text.split():
            raise IdentityMismatch(f"{self.unit}: {text!r} answers, {wanted} was expected")
        self._known_session = session
        return text

    async def zero(self) -> None:
        """Sets zero; raises InstrumentBusy, OutOfRange, OutcomeUnknown."""
        await self._ready()
        self._settled(await self._told("Z"), "Z A")

    async def tare(self) -> None:
        """Takes the present value as tare; raises InstrumentBusy, OutOfRange, OutcomeUnknown."""
        await self._ready()
        self._settled(await self._told("T"), "T S ")

    async def stable(self) -> Reading:
        """A stable value; asks again, a limited number of times, while the instrument is restless.

        Raises InstrumentBusy when it stays so, OutOfRange when over- or underloaded or outside the profile's range.
        """
        await self._ready()
        for last in (*[False] * (_TRIES - 1), True):
            try:
                return self._reading(await self._asked("S"))
            except InstrumentBusy:
                if last:
                    raise
                await asyncio.sleep(_BETWEEN_S)
        raise InstrumentBusy(f"{self.unit}: no stable value")

    async def close(self) -> None:
        await self._transport.close()

    async def _ready(self) -> None:
        if not self._transport.is_open or self._transport.session != self._known_session:
            await self.identify()

    def _reading(self, answer: str) -> Reading:
        self._settled(answer, "S S ")
        match = _VALUE.match(answer.removeprefix("S S ").strip())
        if match is None:
            raise CorruptAnswer(f"{self.unit}: {answer!r} has no value")
        value, unit = float(match[1]), match[2]
        if unit != self._signal.unit:
            raise WrongAnswer(f"{self.unit}: the value comes in {unit}, {self._signal.unit} was expected")
        low, high = self._signal.range or (value, value)
        margin = _ZERO_ERRORS * (self._signal.accuracy or 0.0)
        if not low - margin <= value <= high + margin:
            raise OutOfRange(f"{self.unit}: {value:g} {unit} is outside {low:g} to {high:g} {unit}")
        return Reading(value, unit, asyncio.get_running_loop().time(), Quality.GOOD)

    def _settled(self, answer: str, wanted: str) -> None:
        """Raises for the refusals that MT-SICS has: I busy, + overload, - underload."""
        if answer.startswith(wanted):
            return
        command = wanted.split(maxsplit=1)[0]
        if answer == f"{command} I":
            raise InstrumentBusy(f"{self.unit}: no stable value")
        if answer in (f"{command} +", f"{command} -"):
            raise OutOfRange(f"{self.unit}: {'over' if answer.endswith('+') else 'under'}load")
        raise WrongAnswer(f"{self.unit}: asked {command}, answered {answer!r}")

    async def _told(self, command: str) -> str:
        """A command that changes the instrument: a lost answer leaves the outcome unknown."""
        try:
            return await self._asked(command)
        except (ResponseTimeout, CorruptAnswer, WrongAnswer) as error:
            raise OutcomeUnknown(f"{self.unit}: {command} was sent, its answer was lost: {error}") from error

    async def _asked(self, command: str) -> str:
        def check(answer: bytes) -> None:
            _decoded(answer, command)

        text = _decoded(await self._transport.exchange(f"{command}\r\n".encode("ascii"), check=check), command)
        if text in _ERRORS:
            code, meaning = _ERRORS[text]
            raise DeviceRefused(code, f"{self.unit} refused {command}: {meaning}")
        return text


def _decoded(answer: bytes, command: str) -> str:
    """The line without its end; raises CorruptAnswer, or WrongAnswer if it answers another command."""
    try:
        text = answer.decode("ascii")
    except UnicodeDecodeError as error:
        raise CorruptAnswer(f"not ASCII: {answer!r}") from error
    if not text.endswith("\r\n") or not text.strip():
        raise CorruptAnswer(f"no line: {answer!r}")
    text = text[:-2]
    if text not in _ERRORS and text.split(maxsplit=1)[0] != command:
        raise WrongAnswer(f"asked {command}, answered {text!r}")
    return text

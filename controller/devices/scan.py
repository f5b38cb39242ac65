"""Who answers on a line, and what a single place speaks. Only reads are sent, one at a time, with pauses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from controller.devices.look import ANSWERED_WRONGLY, Look, identification
from controller.devices.target import Target
from drivers.errors import DeviceRefused, DriverError, InstrumentBusy, LinkDown, OutOfRange, ProfileError
from drivers.profile import ModbusMap, Profile, Table, Timing
from drivers.transport.urls import Lines

FIRST_UNIT, LAST_UNIT = 1, 247
"""Unit numbers of Modbus over serial line V1.02, section 2.2; 0 is a broadcast and is never sent."""
_NO_PATH, _NO_ANSWER = 10, 11  # with these exceptions a gateway says that the unit is not there
_QUIET_S = 0.05  # longer than the tail of any frame at 9600 baud; what comes later is nobody's
_TABLES: Mapping[int, Table] = {3: "holding", 4: "input", 1: "coil", 2: "discrete"}


@dataclass(frozen=True, slots=True)
class Answered:
    """A unit that answered: how, what it says of itself, and which profiles it fits."""

    unit: int
    how: str
    identification: Mapping[str, str] = field(default_factory=dict)
    fits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried at a place: what, whether it worked (None: no answer at all), and what was learnt.

    `wrong`: something came, and was no answer to this.
    """

    what: str
    worked: bool | None
    text: str
    wrong: bool = False

    @property
    def answered(self) -> bool:
        """Whether a sound answer came, be it a refusal."""
        return self.worked is not None and not self.wrong


def bare_profile(timeout_s: float) -> Profile:
    """A Modbus device of which nothing is known yet."""
    timing = Timing(response_timeout_s=timeout_s, quiet_s=_QUIET_S)
    return Profile("unknown device", "", "modbus", {}, timing, {}, modbus=ModbusMap())


def with_unit(url: str, unit: int) -> str:
    """The URL of another unit at the same place."""
    place = without_unit(url)
    return f"{place}{'&' if '?' in place else '?'}unit={unit}"


def without_unit(url: str) -> str:
    """The URL of the place alone."""
    place, _, query = url.partition("?")
    kept = [setting for setting in query.split("&") if setting and not setting.startswith("unit=")]
    return f"{place}?{'&'.join(kept)}" if kept else place


def unit_of_url(url: str, usual: int = 1) -> int:
    """The unit number that a URL names, the usual one if it names none. Raises ProfileError."""
    text = dict(parse_qsl(urlsplit(url).query)).get("unit", str(usual))
    if not text.isdecimal():
        raise ProfileError(f"{url}: unit={text} is no number")
    return int(text)


@dataclass(frozen=True, slots=True)
class Scan:
    """How a line is searched: how long each unit may take, the pause between questions, which profiles are compared.

    `usual_unit` is probed where the URL names none.
    """

    url: str
    timeout_s: float
    pause_s: float
    profiles: Sequence[Profile]
    usual_unit: int = 1

    async def units(self, units: Iterable[int], lines: Lines) -> AsyncGenerator[Answered | None, None]:
        """For each unit number in turn who answered, None for silence. Raises LinkDown, ProfileError."""
        bare = bare_profile(self.timeout_s)
        async with AsyncExitStack() as attached:
            for unit in units:
                transport: Any = lines.transport(with_unit(self.url, unit), bare)
                attached.push_async_callback(transport.close)
                how = await _asked(transport)
                if how is not None:
                    told = await identification(transport) if how.startswith("answers") else {}
                    yield Answered(unit, how, told, tuple([p.name async for p in self.fitting(unit, lines)]))
                else:
                    yield None
                await asyncio.sleep(self.pause_s)

    async def fitting(self, unit: int, lines: Lines) -> AsyncIterator[Profile]:
        """The profiles whose identity a unit has."""
        for profile in self.profiles:
            if profile.protocol == "modbus" and await self._fits(unit, profile, lines):
                yield profile

    async def _fits(self, unit: int, profile: Profile, lines: Lines) -> bool:
        """Whether the identity that a profile wants is there; a profile that asks for nothing fits nothing."""
        if not profile.identity:
            return False
        transport: Any = lines.transport(with_unit(self.url, unit), _patient(profile, self.timeout_s))
        await asyncio.sleep(self.pause_s)
        try:
            return (await Look(Target(f"unit {unit}", profile, self.url), transport).identify()).fits
        except DriverError:
            return False
        finally:
            await transport.close()


async def _asked(transport: Any) -> str | None:
    """How a unit answers the plainest of all questions; None if it does not."""
    await transport.open()
    try:
        await transport.read("holding", 0, 1)
    except DeviceRefused as error:
        return None if error.code in (_NO_PATH, _NO_ANSWER) else "answers (it has no holding register 0)"
    except ANSWERED_WRONGLY as error:
        return f"garbled: {error}; two units with this number, or another baud rate or parity?"
    except DriverError:
        return None
    return "answers"


async def probe(scan: Scan, new_lines: Callable[[], Lines]) -> AsyncGenerator[Step, None]:
    """What there is at one URL, step by step; ends after the first step that makes the others pointless."""
    unit, lines = unit_of_url(scan.url, scan.usual_unit), new_lines()
    transport: Any = lines.transport(with_unit(scan.url, unit), bare_profile(scan.timeout_s))
    try:
        await transport.open()
    except LinkDown as error:
        yield Step("connect", False, str(error))
        return
    yield Step("connect", True, transport.place)
    answers = False
    try:
        for function, table in _TABLES.items():
            step = await _function(transport, function, table)
            answers = answers or step.answered
            yield step
            await asyncio.sleep(scan.pause_s)
        if answers:
            told = await identification(transport)
            words = ", ".join(f"{key} {value}" for key, value in told.items())
            yield Step("function 43/14, device identification", bool(told), words or "not known to it")
            fitting = [profile.name async for profile in scan.fitting(unit, lines)]
            yield Step("profile", bool(fitting), ", ".join(fitting) or "none of the profiles that were tried fits")
    finally:
        await transport.close()
    if not answers:
        async for step in _lines_of_text(scan, new_lines()):
            yield step


async def _function(transport: Any, function: int, table: Table) -> Step:
    what = f"function {function}, read {table}"
    try:
        await transport.open()
        values = await transport.read(table, 0, 1)
    except DeviceRefused as error:
        known = error.code not in (1, _NO_PATH, _NO_ANSWER)
        return Step(what, known, f"{'known, but ' if known else ''}{error}")
    except ANSWERED_WRONGLY as error:
        return Step(what, False, str(error), wrong=True)
    except DriverError as error:
        return Step(what, None, str(error))
    return Step(what, True, f"{table} 0 is {values[0]}")


async def _lines_of_text(scan: Scan, lines: Lines) -> AsyncIterator[Step]:
    """Tries the questions of the ASCII profiles, where Modbus got no answer."""
    for profile in scan.profiles:
        if profile.protocol != "ascii":
            continue
        try:
            transport: Any = lines.transport(scan.url, _patient(profile, scan.timeout_s))
        except ProfileError:  # a URL that Modbus can have and text not: rtu+tcp, or tcp without a port
            return
        try:
            yield await _line_of_text(Look(Target(scan.url, profile, scan.url), transport))
        finally:
            await transport.close()
        await asyncio.sleep(scan.pause_s)


async def _line_of_text(look: Look) -> Step:
    what = f"line of text, {look.profile.name}"
    try:
        identity = await look.identify()
    except ANSWERED_WRONGLY as error:
        return Step(what, False, str(error), wrong=True)
    except (DeviceRefused, InstrumentBusy, OutOfRange) as error:
        return Step(what, False, str(error))
    except DriverError as error:
        return Step(what, None, str(error))
    told = ", ".join(f"{key} {value}" for key, value in identity.told.items())
    return Step(what, identity.fits, "; ".join(identity.differences) or told)


def _patient(profile: Profile, timeout_s: float) -> Profile:
    """The profile with the timeout that was asked for, where that is longer than nothing."""
    return replace(profile, timing=replace(profile.timing, response_timeout_s=timeout_s))

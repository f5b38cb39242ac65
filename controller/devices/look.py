"""Looking at one unit: connect, say what answers, read. Nothing here ever writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from controller.devices.target import Target
from drivers.errors import (
    CorruptAnswer,
    DeviceRefused,
    DriverError,
    IdentityMismatch,
    InstrumentBusy,
    OutOfRange,
    WrongAnswer,
)
from drivers.identity import names_model
from drivers.profile import Block, Profile
from drivers.reading import Decoder, Quality, Reading, Snapshot
from drivers.signals import layer_of
from drivers.transport.urls import Lines
from drivers.transport.wire import Tap

T = TypeVar("T")
ANSWERED_WRONGLY = (CorruptAnswer, WrongAnswer)
"""Something is there and says something: power and wiring are not what is to be looked at."""
_FIRMWARE_MIN = "firmware_min"
_SHOWN = ("model_code", "firmware", "serial_number")


@dataclass(frozen=True, slots=True)
class Identity:
    """What answered: its own words and values, and what of it is not as the profile wants."""

    told: Mapping[str, str]
    differences: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.differences


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: the values that came, and why a block of others did not (the unit refused it)."""

    snapshot: Snapshot
    refused: Mapping[str, str]

    def reading(self, name: str) -> Reading:
        """One value; bad where its block was refused."""
        return self.snapshot.reading(name)


class Look:
    """One unit that is connected. Every read raises the driver errors of a read."""

    def __init__(self, target: Target, transport: Any) -> None:
        self.target = target
        self.profile = target.profile
        self.layer = layer_of(target.profile, transport)
        self.decoder = Decoder(target.profile)
        self._session = 0
        self._serial_number: str | None = None

    @property
    def session(self) -> int:
        """Which connection the machine was identified on; 0 if that one has ended."""
        transport = self.layer.transport
        return self._session if transport.is_open and transport.session == self._session else 0

    async def ready(self) -> None:
        """Connected, and the profile's machine answers, always the same one.

        Raises LinkDown, IdentityMismatch, or what a read raises.
        """
        if self.session:
            return
        identity = await self.identify()
        if not identity.fits:
            raise IdentityMismatch(f"{self.target.unit}: {'; '.join(identity.differences)}")
        number = identity.told.get("serial_number")
        if self._serial_number not in (None, number):
            raise IdentityMismatch(
                f"{self.target.unit}: serial number {number} answers, {self._serial_number} was connected before"
            )
        self._serial_number = number
        self._session = self.layer.transport.session

    async def identify(self, *, thoroughly: bool = False) -> Identity:
        """What answers, whether or not it is the profile's machine; thoroughly asks for its own words (43/14) too."""
        await self.layer.transport.open()
        told: dict[str, str] = {}
        if words := await self._asked("its description", self.layer.identify()):
            told["description"] = words
        differences = await self._compare(told, words)
        if thoroughly and self.profile.protocol == "modbus":
            told.update(await identification(self.layer.transport))
        return Identity(told, tuple(differences))

    async def read(self, names: Iterable[str] | None = None) -> Seen:
        """The named signals, or all that are polled; connects and identifies first where that is still to do."""
        await self.ready()
        return await self._read(self._blocks(names))

    async def _read(self, blocks: Sequence[Block]) -> Seen:
        data: dict[str, Any] = {}
        refused: dict[str, str] = {}
        times: dict[str, float] = {}
        for block in blocks:
            try:
                data[block.name] = await self._asked(place_of(block), self.layer.read(block))
            except (DeviceRefused, InstrumentBusy, OutOfRange) as error:
                refused[block.name] = f"{place_of(block)}: {error}"
            times[block.name] = asyncio.get_running_loop().time()
        now = asyncio.get_running_loop().time()
        snapshot = Snapshot(self.target.unit, now, self.decoder, data, Quality.GOOD, times)
        return Seen(snapshot, refused)

    async def _asked(self, what: str, question: Awaitable[T]) -> T:
        """The answer to a question; of one that is wrong it is told where it came from, and what was asked."""
        try:
            return await question
        except ANSWERED_WRONGLY as error:
            raise type(error)(f"{self.layer.transport.place}: {what}: {error}") from error

    def _blocks(self, names: Iterable[str] | None) -> Sequence[Block]:
        if names is None:
            return self.profile.polled
        return list({self.profile.block_of[name].name: self.profile.block_of[name] for name in names}.values())

    async def _compare(self, told: dict[str, str], words: str) -> list[str]:
        """Reads what the identity names (and what people want to see of it), and says what differs."""
        wanted = self.profile.identity
        names = [n for n in dict.fromkeys((*_SHOWN, *wanted)) if n in readable_signals(self.profile)]
        seen = await self._read(self._blocks(names))
        if seen.refused:
            raise DeviceRefused(2, f"{self.target.unit}: {'; '.join(seen.refused.values())}")
        found = {name: seen.reading(name).value for name in names}
        told.update({name: shown(value) for name, value in found.items()})
        differences = []
        for name, value in wanted.items():
            if name == _FIRMWARE_MIN:
                if float(found["firmware"]) < float(value):
                    differences.append(f"firmware {shown(found['firmware'])} is older than {value}")
            elif name not in found:
                if not names_model(words, str(value)):
                    differences.append(f"{words!r} answers, {value} was expected")
            elif str(found[name]) != str(value) and found[name] != value:
                differences.append(f"{name} is {shown(found[name])}, {value} was expected")
        return differences


async def identification(transport: Any) -> Mapping[str, str]:
    """What a Modbus device says of itself (function 43/14); nothing where it does not know that or is silent."""
    try:
        found: Mapping[str, str] = await transport.identification()
    except DriverError:
        return {}
    return found


def readable_signals(profile: Profile) -> tuple[str, ...]:
    """The names that can be read with the profile's blocks."""
    return tuple(name for name, signal in profile.signals.items() if name in profile.block_of and signal.access != "w")


def place_of(block: Block) -> str:
    """Where a block is, for people."""
    if block.table is None:
        return block.name
    last = f"..{block.address + block.count - 1}" if block.count > 1 else ""
    return f"{block.table} {block.address}{last}"


def shown(value: float | int | str) -> str:
    """A value for people: seven digits, which is what a float32 carries."""
    return f"{value:.7g}" if isinstance(value, float) else str(value)


@asynccontextmanager
async def looking(target: Target, tap: Tap | None = None) -> AsyncIterator[Look]:
    """A unit to look at within the block; nothing is connected before the first look. Raises ProfileError."""
    look = Look(target, Lines(target.speed, tap).transport(target.url, target.profile))
    try:
        yield look
    finally:
        await look.layer.transport.close()

"""The same five questions for every protocol: read a block, write a job, a command, a heartbeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from drivers import ascii_frame
from drivers.errors import CorruptAnswer, OutcomeUnknown, ProfileError, ResponseTimeout, WrongAnswer
from drivers.profile import Block, Profile, encode_value
from drivers.transport.base import LineTransport, RegisterTransport, Transport


class SignalLayer(Protocol):
    """A machine's signals over some transport.

    Reads raise LinkDown, ResponseTimeout, CorruptAnswer, WrongAnswer or DeviceRefused; writes go out once and raise
    LinkDown (nothing was sent), DeviceRefused or OutcomeUnknown.
    """

    @property
    def transport(self) -> Transport: ...

    async def read(self, block: Block, *, priority: bool = False) -> Sequence[Any]:
        """The raw values of one block, as the profile's Decoder takes them."""
        ...

    async def write_job(self, job: Mapping[str, float]) -> None:
        """All job values with one request."""
        ...

    async def write_command(self, code: int, sequence: int, *, priority: bool = False) -> None:
        """Code and sequence with one request."""
        ...

    async def write_heartbeat(self, count: int) -> None:
        """Our counter."""
        ...


class RegisterSignals:
    """Signals in Modbus registers."""

    def __init__(self, profile: Profile, transport: RegisterTransport) -> None:
        self.transport: RegisterTransport = transport
        self._profile = profile
        self._command = profile.signals["command_code"].address or 0
        self._heartbeat = profile.signals["heartbeat_controller"].address or 0

    async def read(self, block: Block, *, priority: bool = False) -> Sequence[int]:
        return await self.transport.read(block.table or "input", block.address, block.count, priority=priority)

    async def write_job(self, job: Mapping[str, float]) -> None:
        registers = [
            word
            for signal in self._profile.job
            for word in encode_value(signal, job[signal.name], self._profile.word_order)
        ]
        await self.transport.write(self._profile.job[0].address or 0, registers)

    async def write_command(self, code: int, sequence: int, *, priority: bool = False) -> None:
        await self.transport.write(self._command, [code, sequence], priority=priority)

    async def write_heartbeat(self, count: int) -> None:
        await self.transport.write(self._heartbeat, [count])


class AsciiSignals:
    """Signals of the coater's line protocol."""

    def __init__(self, profile: Profile, transport: LineTransport) -> None:
        self.transport: LineTransport = transport
        self._profile = profile
        self._tag = 0

    async def read(self, block: Block, *, priority: bool = False) -> Sequence[str]:
        values = (await self._ask(f"RD {block.name}", priority=priority)).split(",")
        if len(values) != len(block.signals):
            raise WrongAnswer(f"{block.name} has {len(block.signals)} values, {len(values)} came")
        return values

    async def write_job(self, job: Mapping[str, float]) -> None:
        await self._tell("WR " + ",".join(f"{s.name}={_number(job[s.name], s.integer)}" for s in self._profile.job))

    async def write_command(self, code: int, sequence: int, *, priority: bool = False) -> None:
        await self._tell(f"CM {code},{sequence}", priority=priority)

    async def write_heartbeat(self, count: int) -> None:
        await self._tell(f"HB {count}")

    async def _ask(self, body: str, *, priority: bool) -> str:
        self._tag = tag = (self._tag + 1) % 256
        address = self._profile.address

        def check(answer: bytes) -> None:
            ascii_frame.parse(answer, address, tag)

        request = ascii_frame.build(address, tag, body)
        answer = await self.transport.exchange(request, check=check, priority=priority)
        return ascii_frame.accepted(ascii_frame.parse(answer, address, tag))

    async def _tell(self, body: str, *, priority: bool = False) -> None:
        try:
            await self._ask(body, priority=priority)
        except (ResponseTimeout, CorruptAnswer, WrongAnswer) as error:
            raise OutcomeUnknown(f"{body[:2]} was sent, its answer was lost: {error}") from error


def _number(value: float, integer: bool) -> str:
    """Nine significant digits carry every value that a float32 controller can hold."""
    return str(int(value)) if integer else f"{value:.9g}"


def layer_of(profile: Profile, transport: Any) -> SignalLayer:
    """The signal layer for a profile's protocol; raises ProfileError for one that is no machine."""
    if profile.protocol == "modbus":
        return RegisterSignals(profile, transport)
    if profile.protocol == "ascii":
        return AsciiSignals(profile, transport)
    raise ProfileError(f"{profile.name} is an instrument, not a machine with commands")

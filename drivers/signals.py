"""The same few questions for every protocol: read a block, write a job, a command, a heartbeat, one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from drivers.ascii_signals import AsciiSignals
from drivers.encoding import encode_value
from drivers.errors import ProfileError
from drivers.profile import Block, Profile, Signal
from drivers.transport.base import RegisterTransport, Transport

_ONE_REGISTER = 6  # Modbus function code that writes exactly one; some controllers know no other


class SignalLayer(Protocol):
    """A unit's signals over some transport.

    Reads raise LinkDown, ResponseTimeout, CorruptAnswer, WrongAnswer, InstrumentBusy, OutOfRange or DeviceRefused;
    writes go out once and raise LinkDown (nothing was sent), DeviceRefused or OutcomeUnknown, and ProfileError where
    the profile knows no such request.
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

    async def write_heartbeat(self, count: int, lease: int) -> None:
        """Our counter; with it our lease number, where the profile has a signal for it."""
        ...

    async def write_signal(self, signal: Signal, value: float, *, priority: bool = False) -> None:
        """One value, in the signal's unit; OutOfRange where its type cannot hold it."""
        ...

    async def act(self, name: str) -> str:
        """Has an instrument do what the profile's line calls `name`; returns its answer. Not for registers."""
        ...

    async def identify(self) -> str:
        """How the unit describes itself; "" where the protocol has no words for it."""
        ...


class RegisterSignals:
    """Signals in Modbus registers and coils."""

    def __init__(self, profile: Profile, transport: RegisterTransport) -> None:
        self.transport: RegisterTransport = transport
        self._profile = profile
        self._single = profile.modbus is not None and profile.modbus.write_with == _ONE_REGISTER
        self._has_lease = "lease_request" in profile.signals

    async def read(self, block: Block, *, priority: bool = False) -> Sequence[int]:
        return await self.transport.read(block.table or "input", block.address, block.count, priority=priority)

    async def write_job(self, job: Mapping[str, float]) -> None:
        signals = self._profile.job
        registers = [word for signal in signals for word in encode_value(signal, job[signal.name])]
        await self.transport.write(signals[0].address or 0, registers)

    async def write_command(self, code: int, sequence: int, *, priority: bool = False) -> None:
        await self.transport.write(self._address("command_code"), [code, sequence], priority=priority)

    async def write_heartbeat(self, count: int, lease: int) -> None:
        address = self._address("heartbeat_controller")
        if self._has_lease:
            await self.transport.write(address, [count, lease])
        else:
            await self.transport.write(address, [count], single=self._single)

    async def write_signal(self, signal: Signal, value: float, *, priority: bool = False) -> None:
        words = encode_value(signal, value)
        table, single = signal.table or "holding", self._single and len(words) == 1
        await self.transport.write(signal.address or 0, words, table=table, single=single, priority=priority)

    async def act(self, name: str) -> str:
        raise ProfileError(f"{self._profile.name} speaks Modbus and knows no {name!r}; write a signal instead")

    async def identify(self) -> str:
        return ""

    def _address(self, name: str) -> int:
        signal = self._profile.signals.get(name)
        if signal is None:
            raise ProfileError(f"{self._profile.name} has no signal {name}")
        return signal.address or 0


def layer_of(profile: Profile, transport: Any) -> SignalLayer:
    """The signal layer for a profile's protocol."""
    if profile.protocol == "modbus":
        return RegisterSignals(profile, transport)
    return AsciiSignals(profile, transport)

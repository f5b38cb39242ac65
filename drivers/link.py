"""One unit's connection: opened, identified, and read; never used before the identity and the owner are known."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from drivers.errors import CorruptAnswer, DeviceRefused, DriverError, IdentityMismatch, LinkDown, OwnedByAnother
from drivers.identity import names_model
from drivers.profile import Block, Profile
from drivers.reading import Decoder
from drivers.signals import layer_of

_ANSWERS_PER_PATIENCE = 3  # a single lost answer is no lost link; the shipped profiles call three missed polls stale
_OWNED_CODES = {"modbus": 6, "ascii": 5}  # how a controller refuses the heartbeat of one that does not own it
_FIRST_RETRY_S = 0.5  # a plug is put back within seconds; more often only fills the network
_LAST_RETRY_S = 4.0  # with connecting and identifying, a unit that returns is polled again within 5 s


class Retry:
    """When a unit that does not answer is asked again: after 0.5 s, doubling to 4 s, and up to a quarter sooner.

    The quarter is the unit's own, the same in every run, so that units that were lost together do not knock in step.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._tries = 0

    def forget(self) -> None:
        """It has answered."""
        self._tries = 0

    def next_s(self, *, soon: bool = True) -> float:
        """Seconds from the start of the last try to the next; at once the longest if trying soon makes no sense."""
        jitter = zlib.crc32(f"{self._unit}{self._tries}".encode()) / 0xFFFFFFFF
        wait = min(_LAST_RETRY_S, _FIRST_RETRY_S * 2.0 ** min(self._tries, 8)) if soon else _LAST_RETRY_S
        self._tries += 1
        return wait * (1.0 - 0.25 * jitter)


class Link:
    """A transport with a profile: the signals of the one unit that was identified, and owned where it has a lease.

    The first unit seen fixes the serial number; another one that answers later is a mismatch, not a reconnect. `lease`
    is our number as a controller; 0 takes no lease.
    """

    def __init__(self, unit: str, profile: Profile, transport: Any, lease: int = 0) -> None:
        self.unit = unit
        self.profile = profile
        self.decoder = Decoder(profile)
        self.layer = layer_of(profile, transport)
        self.description = ""
        self.acknowledged_sequence = 0
        self._lease = lease
        self._has_lease = profile.is_machine and "lease_owner" in profile.signals
        self._known_session = 0
        self._holds_lease = False
        self._beat = self._heard_beat = 0
        self._serial_number: float | None = None
        self._recovering = asyncio.Lock()

    @property
    def lease(self) -> int:
        """Our number as a controller; 0 takes no lease."""
        return self._lease

    @property
    def serial_number(self) -> float | None:
        """The serial number of the unit that was identified; None where it has or told none."""
        return self._serial_number

    @property
    def patience_s(self) -> float:
        """Loop seconds without a good answer after which the link counts as down."""
        return max(self.profile.timing.stale_after_s, _ANSWERS_PER_PATIENCE * self.layer.transport.response_timeout_s)

    @property
    def acknowledge_timeout_s(self) -> float:
        """Loop seconds for an acknowledge; on a slow wire, long enough for a few answers."""
        answers = _ANSWERS_PER_PATIENCE * self.layer.transport.response_timeout_s
        return max(self.profile.timing.acknowledge_timeout_s, answers)

    @property
    def shared(self) -> bool:
        """Whether others wait for the line while this unit is asked and does not answer."""
        return self.layer.transport.shared

    async def ready(self) -> None:
        """Connected, and identified since.

        Raises LinkDown, IdentityMismatch, OwnedByAnother, or what a read raises; nothing was written.
        """
        if self._is_ready():
            return
        async with self._recovering:
            if not self._is_ready():
                await self.layer.transport.open()
                session = self.layer.transport.session
                await self._identify()
                self._known_session = session

    def need_ready(self, what: str) -> None:
        """Raises LinkDown unless the link is ready now; for what must not be sent into a new connection."""
        if not self._is_ready():
            raise LinkDown(f"{self.unit}: not connected, {what} was not sent")

    async def read(self, block: Block, *, priority: bool = False) -> Sequence[Any]:
        """The raw values of a block; connects and identifies first if need be."""
        if not self._is_ready():
            await self.ready()
        return await self.layer.read(block, priority=priority)

    async def beat(self, count: int) -> None:
        """Our heartbeat with our lease; connects and identifies first if need be.

        Raises OwnedByAnother if another controller has taken the machine meanwhile, or what a write raises.
        """
        if not self._is_ready():
            await self.ready()
        self._beat = count
        try:
            await self.layer.write_heartbeat(count, self._lease)
        except DeviceRefused as error:
            if self._has_lease and error.code == _OWNED_CODES[self.profile.protocol]:
                self._holds_lease = False
                self._known_session = 0  # nothing more is sent before we have seen who owns it
                raise OwnedByAnother(f"{self.unit}: another controller has taken its lease") from error
            raise
        self._heard_beat, self._holds_lease = count, True

    async def give_back(self) -> None:
        """Ends our lease, if we have one, with a last heartbeat; unheard, the lease ends with the watchdog time.

        The machine takes it with its next count only, and nobody knows whether it has seen a beat that was cut off.
        """
        transport = self.layer.transport
        if not (self._has_lease and self._lease and self._is_ready() and self._holds_lease):
            return
        with suppress(DriverError, TimeoutError):
            async with asyncio.timeout(_ANSWERS_PER_PATIENCE * transport.response_timeout_s):
                for last in dict.fromkeys((self._heard_beat, self._beat)):
                    with suppress(DeviceRefused):
                        await self.layer.write_heartbeat((last + 1) % 0x10000, 0)
                        return

    async def close(self) -> None:
        """Disconnects; whatever answers next is identified anew, also on a line that others keep open."""
        self._known_session = 0
        await self.layer.transport.close()

    def _is_ready(self) -> bool:
        transport = self.layer.transport
        return transport.is_open and transport.session == self._known_session

    async def _identify(self) -> None:
        profile = self.profile
        self.description = await self.layer.identify()
        names = {"firmware" if name == "firmware_min" else name for name in profile.identity}
        names |= {"serial_number", "acknowledged_sequence", "lease_owner"}
        blocks = {block.name: block for name, block in profile.block_of.items() if name in names}
        data = {name: await self.layer.read(block) for name, block in blocks.items()}
        for name, wanted in profile.identity.items():
            self._check_identity(name, wanted, data)
        self._check_serial_number(data)
        if self._has_lease and (owner := self.decoder.whole("lease_owner", data)) not in (0, self._lease):
            raise OwnedByAnother(f"{self.unit}: controller {owner} holds its lease")
        if "acknowledged_sequence" in profile.block_of:
            self.acknowledged_sequence = self.decoder.whole("acknowledged_sequence", data)

    def _check_identity(self, name: str, wanted: int | str, data: Mapping[str, Sequence[Any]]) -> None:
        if name == "firmware_min":
            found = self._number("firmware", data)
            if found < float(wanted):
                raise IdentityMismatch(f"{self.unit}: firmware {found:g} is older than {wanted}")
        elif name not in self.profile.signals:
            if not names_model(self.description, str(wanted)):
                raise IdentityMismatch(f"{self.unit}: {self.description!r} answers, {wanted} was expected")
        elif self.profile.signals[name].type == "text":
            text = self.decoder.words(name, data)
            if text != str(wanted):
                raise IdentityMismatch(f"{self.unit}: {name} {text!r} answers, {wanted} was expected")
        elif (found := self._number(name, data)) != wanted:
            what = "model" if name == "model_code" else name
            raise IdentityMismatch(f"{self.unit}: {what} {found:g} answers, {wanted} was expected")

    def _check_serial_number(self, data: Mapping[str, Sequence[Any]]) -> None:
        signal = self.profile.signals.get("serial_number")
        if signal is None or signal.type == "text":
            return
        serial = self._number("serial_number", data)
        if self._serial_number not in (None, serial):
            raise IdentityMismatch(
                f"{self.unit}: serial number {serial:.0f} answers, {self._serial_number:.0f} was connected before"
            )
        self._serial_number = serial

    def _number(self, name: str, data: Mapping[str, Sequence[Any]]) -> float | int:
        try:
            return self.decoder.raw(name, data)
        except (ValueError, IndexError) as error:
            raise CorruptAnswer(f"{self.unit}: {name} is no number") from error

"""One machine's connection: opened, identified, and read; never used before the identity is known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drivers.errors import IdentityMismatch, LinkDown
from drivers.profile import Block, Profile
from drivers.reading import Decoder
from drivers.signals import layer_of

_ANSWERS_PER_PATIENCE = 3  # a single lost answer is no lost link; the shipped profiles call three missed polls stale


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """What the machine says of the last command it saw, in the profile's words ("" for a number it does not know)."""

    sequence: int
    result: str
    reason: str


class Link:
    """A transport with a profile: the signals of the one machine that was identified.

    The first machine seen fixes the serial number; another one that answers later is a mismatch, not a reconnect.
    """

    def __init__(self, unit: str, profile: Profile, transport: Any) -> None:
        self.unit = unit
        self.profile = profile
        self.decoder = Decoder(profile)
        self.layer = layer_of(profile, transport)
        self.acknowledged_sequence = 0
        self._known_session = 0
        self._serial_number: float | None = None
        self._recovering = asyncio.Lock()
        self._status = profile.block_of["acknowledged_sequence"]

    @property
    def patience_s(self) -> float:
        """Loop seconds without a good answer after which the link counts as down."""
        return max(self.profile.timing.stale_after_s, _ANSWERS_PER_PATIENCE * self.layer.transport.response_timeout_s)

    @property
    def acknowledge_timeout_s(self) -> float:
        """Loop seconds for an acknowledge; on a slow wire, long enough for a few answers."""
        answers = _ANSWERS_PER_PATIENCE * self.layer.transport.response_timeout_s
        return max(self.profile.timing.acknowledge_timeout_s, answers)

    async def ready(self) -> None:
        """Connected, and identified since.

        Raises LinkDown, IdentityMismatch, or what a read raises.
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

    async def acknowledge(self, *, priority: bool = False) -> Acknowledge:
        """The acknowledge signals, read now."""
        data = {self._status.name: await self.read(self._status, priority=priority)}
        number = {name: self.decoder.whole(f"acknowledge_{name}", data) for name in ("result", "reason")}
        self.acknowledged_sequence = self.decoder.whole("acknowledged_sequence", data)
        return Acknowledge(
            sequence=self.acknowledged_sequence,
            result=self.profile.word("result", number["result"]) or "",
            reason=self.profile.word("reason", number["reason"]) or f"reason {number['reason']}",
        )

    async def close(self) -> None:
        await self.layer.transport.close()

    def _is_ready(self) -> bool:
        transport = self.layer.transport
        return transport.is_open and transport.session == self._known_session

    async def _identify(self) -> None:
        names = ("model_code", "firmware", "serial_number")
        blocks = {
            self.profile.block_of[name].name: self.profile.block_of[name] for name in (*names, "acknowledged_sequence")
        }
        data = {name: await self.layer.read(block) for name, block in blocks.items()}
        model, firmware, serial = (self.decoder.raw(name, data) for name in names)
        wanted = self.profile.identity
        if model != wanted["model_code"]:
            raise IdentityMismatch(f"{self.unit}: model {model} answers, {wanted['model_code']} was expected")
        if firmware < float(wanted.get("firmware_min", 0)):
            raise IdentityMismatch(f"{self.unit}: firmware {firmware} is older than {wanted['firmware_min']}")
        if self._serial_number not in (None, serial):
            raise IdentityMismatch(
                f"{self.unit}: serial number {serial} answers, {self._serial_number:.0f} was connected before"
            )
        self._serial_number = serial
        self.acknowledged_sequence = self.decoder.whole("acknowledged_sequence", data)

"""Commands that are absolute, numbered and acknowledged; and a job that is written, loaded and read back.

Arguments first, then code and sequence in one request, once. What comes back is an acknowledge with our number, or the
outcome is unknown.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.encoding import check_setpoint
from drivers.errors import (
    CommandFailed,
    CommandRejected,
    CorruptAnswer,
    DeviceRefused,
    DriverError,
    JobMismatch,
    LinkDown,
    OutcomeUnknown,
    OutOfRange,
    ProfileError,
    ResponseTimeout,
    TakenBack,
    WrongAnswer,
)
from drivers.link import Link, Retry
from drivers.writing import tolerance

_LAST_SEQUENCE = 0xFFFF  # a 16-bit register; 0 means that no command was given yet, so the count goes on with 1
_TRIES = 3  # to connect for what lowers risk: the old connection, a new one, and one more if that was mute too
_LOOK_AGAIN_S = 0.05  # the fastest machine's scan: looking more often shows nothing new


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """What the machine says of the last command it saw, in the profile's words ("" for a number it does not know)."""

    sequence: int
    result: str
    reason: str


class Handshake:
    """Sends commands and jobs over one link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._sent = 0
        self._calmed = 0
        self._one_at_a_time = asyncio.Lock()

    async def command(self, name: str) -> None:
        """Sends a command once and waits until the machine has accepted it.

        What lowers risk waits for no other command, takes back those that were not sent yet, and connects again if it
        must; the others are only sent on the connection that was there. Raises CommandRejected, CommandFailed,
        OutcomeUnknown, LinkDown (not sent).
        """
        if name in self._link.profile.safe_commands:
            self._calmed += 1
            self._link.layer.transport.take_back()
            await self._given(name, until_done=False)
            return
        calmed = self._calmed
        async with self._one_at_a_time:
            if calmed != self._calmed:
                raise TakenBack(f"{self._link.unit}: {name} was not sent, something safer came first")
            self._link.need_ready(name)
            await self._given(name, until_done=False)

    async def download(self, job: Mapping[str, float]) -> None:
        """Writes the whole job with one request, has it loaded, and compares the machine's echo.

        Raises OutOfRange (nothing was sent), JobMismatch, or what command() raises.
        """
        self._check(job)
        async with self._one_at_a_time:
            self._link.need_ready("the job")
            await self._link.layer.write_job(job)
            await self._given("load_job", until_done=True)
            await self.compare(job)

    def _check(self, job: Mapping[str, float]) -> None:
        signals = {signal.name: signal for signal in self._link.profile.job}
        if set(job) != set(signals):
            missing, unknown = sorted(set(signals) - set(job)), sorted(set(job) - set(signals))
            raise OutOfRange(f"{self._link.unit}: the job lacks {missing} and has the unknown {unknown}")
        for name, value in job.items():
            check_setpoint(signals[name], value)

    async def compare(self, job: Mapping[str, float]) -> None:
        """Compares the job that the machine echoes with this one. Raises JobMismatch, or what a read raises."""
        profile = self._link.profile
        blocks = {profile.block_of[s.echo or ""].name: profile.block_of[s.echo or ""] for s in profile.job}
        data = {name: await self._link.read(block) for name, block in blocks.items()}
        for signal in profile.job:
            wanted = job[signal.name]
            try:
                echo = self._link.decoder.raw(signal.echo or "", data)
            except ValueError:
                echo = math.nan
            allowed = max(tolerance(signal, wanted), tolerance(profile.signals[signal.echo or ""], wanted))
            if not abs(echo - wanted) <= allowed:
                raise JobMismatch(f"{self._link.unit}: {signal.name} is {echo:g} in the machine, {wanted:g} was sent")

    def _next(self) -> int:
        """A number that neither we nor the machine used last; an unanswered one is not used again either."""
        acknowledged = self._link.acknowledged_sequence
        number = (self._sent or acknowledged) % _LAST_SEQUENCE + 1
        return number % _LAST_SEQUENCE + 1 if number == acknowledged else number

    async def _given(self, name: str, *, until_done: bool) -> None:
        codes = self._link.profile.enums["command"]
        if name not in codes:
            raise ProfileError(f"{self._link.unit} knows no command {name!r}, only {', '.join(codes)}")
        urgent = name in self._link.profile.safe_commands
        self._sent = sequence = self._next()
        trouble: DriverError | None = None
        try:
            if urgent:
                await self._send_urgent(codes[name], sequence)
            else:
                await self._link.layer.write_command(codes[name], sequence)
        except (OutcomeUnknown, DeviceRefused) as error:  # a refusal may be another write's: the acknowledge decides
            trouble = error
        await self._acknowledged(name, sequence, until_done=until_done, urgent=urgent, trouble=trouble)

    async def _send_urgent(self, code: int, sequence: int) -> None:
        """Writes the command once; where the line was gone or mute, so that nothing was sent, on a new connection."""
        for left in reversed(range(_TRIES)):
            try:
                await self._link.ready()
                await self._link.layer.write_command(code, sequence, priority=True)
            except (LinkDown, ResponseTimeout, CorruptAnswer, WrongAnswer):
                if not left:
                    raise
            else:
                return

    async def _acknowledge(self, *, priority: bool) -> Acknowledge:
        """The acknowledge signals, read now."""
        link = self._link
        block = link.profile.block_of["acknowledged_sequence"]
        data = {block.name: await link.read(block, priority=priority)}
        number = {name: link.decoder.whole(f"acknowledge_{name}", data) for name in ("result", "reason")}
        link.acknowledged_sequence = link.decoder.whole("acknowledged_sequence", data)
        return Acknowledge(
            sequence=link.acknowledged_sequence,
            result=link.profile.word("result", number["result"]) or "",
            reason=link.profile.word("reason", number["reason"]) or f"reason {number['reason']}",
        )

    async def _acknowledged(
        self, name: str, sequence: int, *, until_done: bool, urgent: bool, trouble: DriverError | None
    ) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._link.acknowledge_timeout_s
        retry = Retry(self._link.unit)
        while True:
            look_s = _LOOK_AGAIN_S
            try:
                seen = await self._acknowledge(priority=urgent)
            except DriverError as error:
                if not error.retryable:
                    raise OutcomeUnknown(f"{self._link.unit}: {name} was sent, then: {error}") from error
                trouble = error
                if self._link.shared and isinstance(error, ResponseTimeout):
                    look_s = retry.next_s()  # each timeout of a silent unit is also its neighbours'
            else:
                if seen.sequence == sequence and self._judged(name, seen.result, seen.reason, until_done=until_done):
                    return
                if seen.sequence == self._sent != sequence:
                    raise OutcomeUnknown(f"{self._link.unit}: {name} was overtaken by a later command")
                if isinstance(trouble, DeviceRefused) and loop.time() >= deadline:
                    raise trouble
            if loop.time() >= deadline:
                why = f" ({trouble})" if trouble else ""
                raise OutcomeUnknown(
                    f"{self._link.unit}: no acknowledge of {name}, number {sequence}{why}"
                ) from trouble
            await asyncio.sleep(min(look_s, deadline - loop.time()))

    def _judged(self, name: str, result: str, reason: str, *, until_done: bool) -> bool:
        if result == "REJECTED":
            raise CommandRejected(name, reason)
        if result == "FAILED":
            raise CommandFailed(name, reason)
        return result == "DONE" or (result == "ACCEPTED" and not until_done)

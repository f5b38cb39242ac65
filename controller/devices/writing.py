"""One value written by a person: what may be written, what keeps it from being written, and what became of it."""

from __future__ import annotations

import difflib
import math
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.authority import Role
from controller.devices.look import Look, looking, readable_signals, shown
from controller.devices.target import Target, TargetUnusable
from controller.events import EventStream
from controller.guard import Guard, HandWrite
from controller.interlocks import MAINTENANCE_SIGNALS, has_handshake, missing_for_maintenance
from controller.journal import SqliteJournal
from controller.line_lock import LineLock
from drivers.encoding import check_setpoint
from drivers.errors import LinkDown, OutOfRange
from drivers.profile import Profile, Signal
from drivers.reading import Reading, Snapshot
from drivers.transport.wire import Tap, WireEvent
from drivers.writing import Written, write_and_read_back

RUN = "maintenance"
"""Under which name the journal keeps what was written by hand."""
_HANDSHAKE = ("command_", "heartbeat_", "lease_", "acknowledge")
_SWITCH = {"on": 1.0, "off": 0.0, "true": 1.0, "false": 0.0}


class NotWritable(Exception):
    """The profile does not let this value be written by hand; nothing was sent. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """One signal and the value that it shall have, in the signal's unit."""

    signal: Signal
    value: float

    @property
    def text(self) -> str:
        return f"{self.signal.name} = {shown(self.value)} {self.signal.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Present:
    """What a unit holds before a write, and what keeps the write from being made."""

    reading: Reading
    missing: tuple[str, ...]


def wanted_change(profile: Profile, text: str) -> Change:
    """The change that "SIGNAL=VALUE" means.

    Raises TargetUnusable for what cannot be read, NotWritable for what is not allowed.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not name or not value:
        raise TargetUnusable(f"{text[:80]!r}: expected SIGNAL=VALUE, for example setpoint_c=80")
    signal = known_signal(profile, name)
    _check_writable(profile, signal)
    number = number_of(profile, signal, value)
    try:
        check_setpoint(signal, number)
    except OutOfRange as error:
        raise NotWritable(f"{error}; nothing was written") from error
    return Change(signal, number)


def known_signal(profile: Profile, name: str) -> Signal:
    """A signal by its name; raises TargetUnusable with the nearest one."""
    signal = profile.signals.get(name)
    if signal is None:
        near = difflib.get_close_matches(name[:80], profile.signals, n=1)
        hint = f"; is {near[0]} meant?" if near else f"; `pressline devices profile show {profile.name}` lists them"
        raise TargetUnusable(f"{profile.name} has no signal {name[:80]!r}{hint}")
    return signal


def _check_writable(profile: Profile, signal: Signal) -> None:
    name = signal.name
    if _is_handshake(profile, name):
        raise NotWritable(f"{name} belongs to the handshake of controller and machine; it is never written by hand")
    if signal.access == "r":
        writable = [s.name for s in profile.signals.values() if s.access == "rw" and not _is_handshake(profile, s.name)]
        hint = f"can be written: {', '.join(writable)}" if writable else "nothing of it can be written"
        raise NotWritable(f"{name} is only read; of {profile.name} {hint}")
    if signal.access == "w" or name not in readable_signals(profile):
        raise NotWritable(f"{name} cannot be read back, so nobody would know what became of a write")
    if signal.type == "text":
        raise NotWritable(f"{name} is a text; only numbers are written")
    if signal.limits is None and signal.enum is None and signal.type != "bool":
        raise NotWritable(f"{name} has no limits in {profile.name}; give it a write_range in the profile first")


def _is_handshake(profile: Profile, name: str) -> bool:
    """Whether the driver itself writes a signal; an instrument's may be called as it likes."""
    return has_handshake(profile) and name.startswith(_HANDSHAKE)


def number_of(profile: Profile, signal: Signal, text: str) -> float:
    """A number, or a word of the signal's enumeration, or on and off. Raises TargetUnusable."""
    words = {} if signal.enum is None else profile.enums[signal.enum]
    if text in words:
        return float(words[text])
    if signal.type == "bool" and text.lower() in _SWITCH:
        return _SWITCH[text.lower()]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if words and number not in words.values():
        raise TargetUnusable(f"{signal.name} = {text[:40]}: expected one of {', '.join(words)}")
    if signal.type == "bool" and number not in (0.0, 1.0):
        raise TargetUnusable(f"{signal.name} = {text[:40]}: expected on or off")
    if not math.isfinite(number) or "_" in text:
        unit = f", in {signal.unit} and without the unit" if signal.unit else ""
        raise TargetUnusable(f"{signal.name} = {text[:40]}: expected a number{unit}")
    return number


async def present(target: Target, change: Change, tap: Tap | None = None) -> Present:
    """Looks at a unit before a write. Raises the driver errors of a read, LineTaken while a service has the line."""
    with _line(target):
        async with looking(target, tap) as look:
            snapshot = await _snapshot(look, change)
            missing = missing_for_maintenance(target.profile, snapshot)
            return Present(snapshot.reading(change.signal.name), tuple(missing))


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, in which role, and where it is journalled."""

    who: str
    store: Path
    utc: Callable[[], str]
    role: Role = Role.ENGINEER


async def write(
    target: Target, change: Change, writer: Writer, sending: Callable[[], None], tap: Tap | None = None
) -> Written:
    """Writes once, through the guard; `sending` is called when the first byte goes out, not while the line is awaited.

    Raises LineTaken, JournalError, PermissiveMissing or DriverError: then nothing was sent.
    """
    departure = _Departure(sending, tap)
    with _line(target):
        async with _guarded(writer) as guard, looking(target, departure) as look:
            looked_at = 0

            async def send() -> Written:
                if look.session == 0 or look.session != looked_at:
                    raise LinkDown(f"{target.unit}: the connection was lost after the look at it, nothing was written")
                departure.is_awaited = True
                return await write_and_read_back(
                    look.layer, look.decoder, change.signal, change.value, ready=look.ready
                )

            async def seen() -> Snapshot:
                nonlocal looked_at
                snapshot = await _snapshot(look, change)
                looked_at = look.session
                return snapshot

            hand = HandWrite(
                target.unit,
                target.url,
                change.signal.name,
                change.value,
                writer.who,
                target.profile,
                seen,
                send,
                lambda: departure.is_out,
                writer.role,
            )
            return await guard.write(hand)


@dataclass(slots=True)
class _Departure:
    """A Tap that sees the first bytes go out once a write is to be sent; `sending` is then called, `tap` told all."""

    sending: Callable[[], None]
    tap: Tap | None
    is_awaited: bool = False
    is_out: bool = False

    def __call__(self, event: WireEvent) -> None:
        if self.is_awaited and not self.is_out and event.what == "sent":
            self.is_out = True
            self.sending()
        if self.tap is not None:
            self.tap(event)


def _line(target: Target) -> ExitStack:
    """Holds the line file's lock, so that no service starts meanwhile; nothing for a plain URL."""
    stack = ExitStack()
    if target.line is not None:
        stack.enter_context(LineLock(target.line))
    return stack


@asynccontextmanager
async def _guarded(writer: Writer) -> AsyncIterator[Guard]:
    journal = SqliteJournal(EventStream(), writer.utc, writer.store)
    try:
        yield Guard(journal, RUN)
    finally:
        await journal.close()


async def _snapshot(look: Look, change: Change) -> Snapshot:
    """The value that is there, and everything that the permissives of a machine look at."""
    profile = look.profile
    names = [name for name in MAINTENANCE_SIGNALS if has_handshake(profile) and name in profile.block_of]
    return (await look.read([change.signal.name, *names])).snapshot

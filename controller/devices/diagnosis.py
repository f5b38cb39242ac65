"""Which part of the path to a unit is broken: file, profile, port, connection, machine, heartbeat, mode, owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from controller.config import LineConfig, UnitConfig
from controller.devices.checks import Check, broken, ok, unchecked
from controller.devices.look import ANSWERED_WRONGLY, Look, Seen
from controller.devices.ports import connection_mend, holder, port_check
from controller.devices.scan import without_unit
from controller.devices.target import Target
from controller.interlocks import unwatched
from controller.line import unit_profile
from drivers.errors import BadQuality, DeviceRefused, DriverError, IdentityMismatch, LinkDown, ProfileError
from drivers.profile import Profile, Protocol
from drivers.signals import layer_of
from drivers.transport.urls import Lines

PATH = ("profile", "port", "connection", "answer", "identity", "values", "heartbeat", "mode", "owner", "alarms")
"""What is looked at, in this order; what stands behind something broken cannot be looked at."""
_BEATS = 4  # heartbeats of the slowest machine, two a second: a counter that stands still this long is no delay
_BEAT_S = 0.5


class _Broken(Exception):
    """The path ends here; nothing behind it can be looked at."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.text)
        self.check = check


async def unit_checks(unit: UnitConfig, config: LineConfig, lines: Lines, service: str | None) -> AsyncIterator[Check]:
    """Every check of one unit, in the order of the path. `service` says which program works with the line now."""
    seen: list[str] = []
    try:
        async for check in _checks(unit, config, lines, service):
            seen.append(check.what)
            yield check
    except _Broken as end:
        seen.append(end.check.what)
        yield end.check
    for what in PATH:
        if what not in seen:
            yield unchecked(what, f"first see to: {seen[-1]}")


async def _checks(unit: UnitConfig, config: LineConfig, lines: Lines, service: str | None) -> AsyncIterator[Check]:
    profile = _profile(unit)
    yield ok("profile", f"{profile.name}, {len(profile.signals)} signals")
    if profile.is_machine and (gaps := unwatched(profile)):
        yield unchecked("interlocks", "; ".join(map(str, gaps)))
    try:
        transport: Any = lines.transport(unit.url, profile)
    except (DriverError, ValueError) as error:
        raise _Broken(
            broken("port", str(error), "correct the URL; docs/reference/urls.md has examples", "file")
        ) from error
    look = Look(Target(unit.name, profile, unit.url, config.speed), transport)
    try:
        port = port_check(unit.url)
        if port.mend:
            raise _Broken(port)
        yield port
        yield await _connected(look, unit, service)
        async for check in _answering(look, unit):
            yield check
    finally:
        await transport.close()


def _profile(unit: UnitConfig) -> Profile:
    """The unit's profile, tried: what only its use shows, such as a block that no request can read, is told too."""
    mend = f"see `pressline devices profile check {unit.profile}`, or correct profile and kind in the line file"
    try:
        profile = unit_profile(unit)
        mend = f"correct {unit.profile}: with this no unit can be asked"
        layer_of(profile, None)
    except ProfileError as error:
        raise _Broken(broken("profile", str(error), mend, "file")) from error
    return profile


async def _connected(look: Look, unit: UnitConfig, service: str | None) -> Check:
    transport: Any = look.layer.transport
    try:
        await transport.open()
    except LinkDown as error:
        if look.target.serial and service is not None:
            why = f"the port is another program's, as it should be now: {service}"
            raise _Broken(unchecked("connection", why)) from error
        user = holder(transport.place) if look.target.serial else ""
        mend = connection_mend(error, unit.url, look.profile.protocol)
        raise _Broken(broken("connection", f"{error}{f' ({user})' if user else ''}", mend, "link")) from error
    return ok("connection", f"{transport.place} connects")


async def _answering(look: Look, unit: UnitConfig) -> AsyncIterator[Check]:
    """The checks for which the unit has to answer."""
    with _asking("answer", look, unit):
        identity = await look.identify()
    yield ok("answer", f"unit {getattr(look.layer.transport, 'unit', 1)} answers")
    yield _identity(look.profile, identity.told, identity.differences)
    with _asking("values", look, unit):
        seen = await look.read()
    yield _values(seen)
    with _asking("heartbeat", look, unit):
        heartbeat = await _heartbeat(look, seen)
    yield heartbeat
    for check in _state(look.profile, seen):
        yield check


@contextmanager
def _asking(what: str, look: Look, unit: UnitConfig) -> Iterator[None]:
    """Within the block the unit is asked for `what`; an error is where the path ends, with what mends it."""
    profile = look.profile
    try:
        yield
    except ANSWERED_WRONGLY as error:
        mend = (
            f"something answers; compare the profile with what came: `pressline devices read '{unit.url}'"
            f" --profile {unit.profile} --frames`"
        )
        raise _Broken(broken(what, str(error), mend)) from error
    except DeviceRefused as error:
        mend = f"compare the addresses of {profile.name} with the machine's document"
        raise _Broken(broken(what, str(error), mend, "file")) from error
    except ProfileError as error:
        mend = f"correct the profile {unit.profile}, or the URL in the line file: they do not go together"
        raise _Broken(broken(what, str(error), mend, "file")) from error
    except IdentityMismatch as error:
        raise _Broken(broken(what, str(error), _WRONG_MACHINE)) from error
    except DriverError as error:
        raise _Broken(broken(what, str(error), _silence_mend(unit.url, profile.protocol), "link")) from error


def _silence_mend(url: str, protocol: Protocol) -> str:
    """Where to look when a place that can be connected to does not answer."""
    if protocol == "ascii":
        return (
            "look at the machine's power and wiring, then at baud rate, parity and the profile's terminator;"
            f" `pressline devices probe '{url}'` tries other questions"
        )
    return (
        "look at the machine's power and wiring, then at unit number, baud rate and parity;"
        f" `pressline devices scan '{without_unit(url)}'` shows who answers there"
    )


_WRONG_MACHINE = "connect the machine that the profile describes, or name the right profile in the line file"


def _identity(profile: Profile, told: Any, differences: tuple[str, ...]) -> Check:
    if differences:
        raise _Broken(broken("identity", "; ".join(differences), _WRONG_MACHINE))
    if not profile.identity:
        return unchecked("identity", f"{profile.name} knows nothing by which to tell it")
    return ok("identity", ", ".join(f"{key} {value}" for key, value in told.items()))


def _values(seen: Seen) -> Check:
    if seen.refused:
        text = "; ".join(seen.refused.values())
        return broken("values", text, "compare the profile's addresses with the machine's document", "file")
    names = seen.snapshot.names
    bad = [name for name in names if seen.reading(name).quality == "bad"]
    if bad:
        text = ", ".join(f"{name} is {seen.reading(name).value}" for name in bad)
        return broken("values", text, "look at these sensors, or at their range and type in the profile")
    return ok("values", f"{len(names)} values are good")


async def _heartbeat(look: Look, seen: Seen) -> Check:
    if not look.profile.is_machine or "heartbeat_machine" not in look.profile.signals:
        return unchecked("heartbeat", "the unit has none")
    first = seen.reading("heartbeat_machine").value
    loop = asyncio.get_running_loop()
    end = loop.time() + _BEATS * _BEAT_S
    while loop.time() < end:
        await asyncio.sleep(_BEAT_S)
        if (await look.read(["heartbeat_machine"])).reading("heartbeat_machine").value != first:
            return ok("heartbeat", "the machine's counter counts")
    text = f"the machine's counter stands at {first} since {_BEATS * _BEAT_S:g} s"
    return broken("heartbeat", text, "the machine's program does not run: bring its controller into RUN")


def _state(profile: Profile, seen: Seen) -> Iterator[Check]:
    """What keeps a machine from taking part in a run, as far as it can be seen; of an instrument only its alarms."""
    for what, signal, judge in (
        ("mode", "mode", _mode),
        ("owner", "lease_owner", _owner),
        ("alarms", "alarm_bits", _alarms),
    ):
        known = profile.is_machine or (what == "alarms" and signal in profile.signals and profile.signals[signal].bits)
        if not known or signal not in seen.snapshot.names:
            yield unchecked(what, "the unit does not tell it")
            continue
        try:
            yield judge(seen)
        except BadQuality as error:
            yield broken(
                what, str(error), "compare this signal's address and words with the machine's document", "file"
            )


def _mode(seen: Seen) -> Check:
    mode = seen.snapshot.text("mode")
    if mode == "REMOTE":
        return ok("mode", mode)
    return broken(
        "mode", f"{mode}: it obeys no commands of a run", "switch the machine to REMOTE when it is ready for it"
    )


def _owner(seen: Seen) -> Check:
    owner = int(seen.snapshot.value("lease_owner"))
    if owner == 0:
        return ok("owner", "nobody controls it")
    return ok("owner", f"controller {owner} controls it; others may look and not write")


def _alarms(seen: Seen) -> Check:
    alarms = seen.snapshot.bits("alarm_bits")
    if not alarms:
        return ok("alarms", "none")
    return broken("alarms", ", ".join(alarms), "look at the machine, then reset it there")

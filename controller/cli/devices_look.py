"""`pressline devices list`, `identify`, `read` and `watch`: what is there, what it is, and what it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.cli.clock import utc, utc_text
from controller.cli.devices_output import (
    frames_tap,
    print_json,
    reading_data,
    reported,
    run,
    run_until_enough,
    value_text,
)
from controller.cli.exit_codes import ExitCode
from controller.config import load_line
from controller.devices.look import Identity, Seen, looking, readable_signals
from controller.devices.target import Target, TargetUnusable, find_target
from controller.devices.watching import Changed, LinkNews, changes, period_s, watched_signals
from controller.devices.writing import known_signal
from controller.line_lock import LineLock
from controller.reports.run_table import print_text, table
from drivers.profile import Profile
from drivers.profile_file import load_profile, shipped_profiles
from drivers.reading import Quality

SHORTEST_PERIOD_S = 0.02  # shorter than the scan of any controller: looking more often shows nothing new


@dataclass(frozen=True, slots=True)
class LookOptions:
    """Which unit is looked at, and how it is shown."""

    target: str
    profile: str | None
    line: Path | None
    frames: bool
    as_json: bool

    def found(self) -> Target:
        """The unit that is meant. Raises TargetUnusable, ConfigError, ProfileError."""
        return find_target(self.target, self.profile, self.line)


def list_devices(line: Path | None, *, as_json: bool) -> ExitCode:
    """Lists the units of a line file; without one the serial ports and the shipped profiles."""
    return reported(
        lambda: _list_ports(as_json=as_json) if line is None else _list_line(line, as_json=as_json), as_json=as_json
    )


def _list_line(line: Path, *, as_json: bool) -> ExitCode:
    config, holder = load_line(line), LineLock(line).holder()
    units = [{"unit": u.name, "kind": u.kind, "profile": u.profile, "url": u.url} for u in config.units.values()]
    if as_json:
        print_json({"line": str(line), "name": config.name, "in_use": holder, "units": units})
        return ExitCode.PASSED
    rows = table(f"{line}: {config.name}", "unit", "kind", "profile", "url")
    for unit in units:
        rows.add_row(*unit.values())
    print_text(rows, holder or "no program of this computer works with this line now")
    return ExitCode.PASSED


def _list_ports(*, as_json: bool) -> ExitCode:
    from controller.devices.ports import serial_ports

    ports = list(serial_ports())
    profiles = [load_profile(name) for name in shipped_profiles()]
    if as_json:
        shown = [{"device": p.device, "description": p.description, "url": p.url} for p in ports]
        print_json({"ports": shown, "profiles": [_profile_data(profile) for profile in profiles]})
        return ExitCode.PASSED
    rows = table("SERIAL PORTS", "port", "description", "url (baud rate and unit as the machine has them)")
    for port in ports:
        rows.add_row(port.device, port.description, port.url)
    known = table("SHIPPED PROFILES", "profile", "kind", "protocol", "meaning")
    for profile in profiles:
        known.add_row(profile.name, profile.kind, profile.protocol, profile.meaning)
    print_text(rows if ports else "no serial port is there\n", known)
    return ExitCode.PASSED


def _profile_data(profile: Profile) -> dict[str, str]:
    return {
        "profile": profile.name,
        "kind": profile.kind,
        "protocol": profile.protocol,
        "meaning": profile.meaning,
        "document": profile.document,
    }


def identify_device(options: LookOptions) -> ExitCode:
    """Says what answers, and whether it is what the profile describes."""

    async def main(target: Target) -> Identity:
        async with looking(target, _tap(options, target)) as look:
            return await look.identify(thoroughly=True)

    def work() -> ExitCode:
        target = options.found()
        identity = run(main(target), target.speed)
        if options.as_json:
            found = {"told": dict(identity.told), "fits": identity.fits, "differences": list(identity.differences)}
            print_json({"unit": target.unit, "profile": target.profile.name, "url": target.url, **found})
        else:
            print(f"{target.unit} at {target.url}")
            for key, value in identity.told.items():
                print(f"  {key:18} {value}")
            for difference in identity.differences:
                print(f"  NOT {target.profile.name}: {difference}")
            if identity.fits:
                asked = target.profile.identity
                print(
                    f"  it fits {target.profile.name}"
                    if asked
                    else f"  {target.profile.name} has no identity to compare"
                )
        return ExitCode.PASSED if identity.fits else ExitCode.REFUSED

    return reported(work, as_json=options.as_json)


def read_device(options: LookOptions, names: Sequence[str], *, everything: bool) -> ExitCode:
    """Reads signals once; the code is 0 if all of them are good."""

    async def main(target: Target, wanted: Sequence[str]) -> Seen:
        async with looking(target, _tap(options, target)) as look:
            return await look.read(wanted)

    def work() -> ExitCode:
        target = options.found()
        wanted = _named(target.profile, names, everything=everything)
        seen = run(main(target, wanted), target.speed)
        if options.as_json:
            values = [reading_data(target.profile, name, seen.reading(name)) for name in wanted]
            about = {"unit": target.unit, "profile": target.profile.name, "url": target.url}
            print_json(
                {
                    **about,
                    "utc": utc_text(),
                    "values": values,
                    "refused": list(seen.refused.values()),
                }
            )
        else:
            _print_values(target, wanted, seen)
        good = all(seen.reading(name).quality is Quality.GOOD for name in wanted)
        return ExitCode.PASSED if good else ExitCode.REFUSED

    return reported(work, as_json=options.as_json)


def _named(profile: Profile, names: Sequence[str], *, everything: bool) -> Sequence[str]:
    """The signals that are asked for; without names those that are polled. Raises TargetUnusable."""
    readable = readable_signals(profile)
    if everything:
        return readable
    if not names:
        polled = {name for block in profile.polled for name in block.signals}
        return [name for name in readable if name in polled]
    for name in names:
        known_signal(profile, name)
        if name not in readable:
            raise TargetUnusable(f"{name} of {profile.name} cannot be read")
    return list(dict.fromkeys(names))


def _print_values(target: Target, names: Sequence[str], seen: Seen) -> None:
    rows = table("", "signal", ">value", "unit", "quality", "meaning")
    for name in names:
        reading = seen.reading(name)
        value = value_text(target.profile, name, reading)
        rows.add_row(name, value, reading.unit, reading.quality.value, target.profile.signals[name].meaning)
    heading = f"{target.unit}: {target.profile.name} at {target.url}"  # outside of the table, which would break the URL
    print_text(heading, rows, *(f"not read: {reason}" for reason in seen.refused.values()))


@dataclass(frozen=True, slots=True)
class Watching:
    """What is watched, how often, and for how long (None: until Ctrl-C)."""

    names: Sequence[str]
    every_s: float | None
    seconds: float | None


def watch_device(options: LookOptions, watching: Watching) -> ExitCode:
    """Prints every change until Ctrl-C, or for some seconds; the code is 3 if nothing answered, 1 if wrongly only."""
    best = [ExitCode.UNREACHABLE]

    async def main(target: Target, names: Sequence[str]) -> None:
        every = max(watching.every_s or period_s(target.profile), SHORTEST_PERIOD_S)
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(_loop_seconds(watching.seconds, target.speed)),
                looking(target, _tap(options, target)) as look,
            ):
                async for news in changes(look, names, every):
                    best[0] = min(best[0], code_of_news(news))
                    _print_news(target, news, as_json=options.as_json)

    def work() -> ExitCode:
        target = options.found()
        names = (
            _named(target.profile, watching.names, everything=False)
            if watching.names
            else watched_signals(target.profile)
        )
        run_until_enough(main(target, names), target.speed)
        return best[0]

    return reported(work, as_json=options.as_json)


def code_of_news(news: Changed | LinkNews) -> ExitCode:
    """The code of a watch, or of a recording, that has seen nothing better than this."""
    if isinstance(news, Changed) or news.up:
        return ExitCode.PASSED
    return ExitCode.REFUSED if news.answers else ExitCode.UNREACHABLE


def _loop_seconds(seconds: float | None, speed: float) -> float | None:
    """Seconds of the user's clock on the loop's."""
    return None if seconds is None else seconds * speed


def _print_news(target: Target, news: Changed | LinkNews, *, as_json: bool) -> None:
    now = utc()
    if isinstance(news, Changed):
        data = reading_data(target.profile, news.signal, news.reading)
        value = value_text(target.profile, news.signal, news.reading)
        text = f"{news.signal:28} {value} {news.reading.unit}".rstrip()
        line = f"{text:60} {news.reading.quality}"
    else:
        link = "up" if news.up else "down"
        data = {"link": link, "reason": news.reason}
        line = f"{'link ' + link:28} {news.reason}"
    if as_json:
        print(json.dumps({"utc": utc_text(now), "machine": target.unit, **data}), flush=True)
    else:
        print(f"{now:%H:%M:%S}.{now.microsecond // 1000:03} {line}", flush=True)


def _tap(options: LookOptions, target: Target) -> Any:
    return frames_tap(target.url, target.profile.protocol, target.profile, wanted=options.frames)

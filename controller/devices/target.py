"""Which unit is meant: one of a line file by its name, or any URL with a profile."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from controller.config import ConfigError, load_line
from controller.line import unit_profile
from drivers.errors import ProfileError
from drivers.profile import Profile
from drivers.profile_file import load_profile


class TargetUnusable(Exception):
    """What was named is no unit that can be reached; the message is for the user. Not retryable as it is."""


@dataclass(frozen=True, slots=True)
class Target:
    """One unit: how it is called, what it is, and where.

    `line` is the line file that names it, None for a plain URL; `speed` is above 1 only on a simulated line.
    """

    unit: str
    profile: Profile
    url: str
    speed: float = 1.0
    line: Path | None = None

    @property
    def serial(self) -> bool:
        """Whether it hangs on a serial port, which can have one master only."""
        return is_serial(self.url)


def is_serial(url: str) -> bool:
    """Whether a URL names a serial port."""
    return urlsplit(url).scheme == "serial"


def is_url(text: str) -> bool:
    """Whether a target is written as a URL."""
    return "://" in text


def find_target(name: str, profile: str | None, line: Path | None) -> Target:
    """The target that somebody named.

    Raises TargetUnusable, ConfigError for the line file, ProfileError for the profile.
    """
    if is_url(name):
        if line is not None:
            raise TargetUnusable(f"{name}: --line goes with the name of a unit of that line; give --profile with a URL")
        if profile is None:
            raise TargetUnusable(
                f"{name}: --profile NAME|FILE is missing; `pressline devices list` shows the shipped profiles,"
                " `pressline devices probe` finds out which of them fits"
            )
        return Target(_place(name), load_profile(profile), name)
    if line is None:
        raise TargetUnusable(f"{name!r}: give --line FILE with the name of a unit, or a URL with --profile NAME|FILE")
    if profile is not None:
        raise TargetUnusable(f"{name}: the line file names its profile; --profile goes with a URL")
    return unit_of(name, line)


def unit_of(name: str, line: Path) -> Target:
    """A unit of a line file. Raises TargetUnusable, ConfigError, ProfileError."""
    config = load_line(line)
    unit = config.units.get(name)
    if unit is None:
        near = difflib.get_close_matches(name[:80], config.units, n=1)
        hint = f"; is {near[0]} meant?" if near else f"; there are {', '.join(config.units)}"
        raise TargetUnusable(f"{line}: has no unit {name[:80]!r}{hint}")
    try:
        return Target(name, unit_profile(unit), unit.url, config.speed, line)
    except ProfileError as error:
        raise ConfigError(f"{line}: units.{name}.profile: {error}") from error


def _place(url: str) -> str:
    """A URL's short name for tables and messages: the host with port, or the port's file name."""
    parts = urlsplit(url)
    return parts.netloc or parts.path or url

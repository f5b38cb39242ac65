"""What the commands of `pressline devices` have in common: errors and their codes, frames, values, Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from controller.app import on_clock
from controller.bench import PlaceTaken
from controller.cli.exit_codes import ExitCode
from controller.config import ConfigError
from controller.devices.frames import FrameWords, framing_of
from controller.devices.look import ANSWERED_WRONGLY, shown
from controller.devices.target import TargetUnusable
from controller.devices.writing import NotWritable
from controller.guard import PermissiveMissing
from controller.journal import JournalError
from controller.line_lock import LineTaken
from drivers.errors import CaptureError, DriverError, LinkDown, ProfileError, ResponseTimeout
from drivers.profile import Profile, Signal
from drivers.reading import Reading
from drivers.transport.wire import Tap, WireEvent

T = TypeVar("T")
_STATES = {ExitCode.REFUSED: "refused", ExitCode.UNUSABLE: "unusable", ExitCode.UNREACHABLE: "unreachable"}
_UNUSABLE = (TargetUnusable, PlaceTaken, ConfigError, ProfileError, CaptureError, JournalError)
_REFUSED = (NotWritable, PermissiveMissing, LineTaken)
_UNREACHABLE = (LinkDown, ResponseTimeout)
_WRONGLY = "answers wrongly"


def reported(work: Callable[[], ExitCode], *, as_json: bool) -> ExitCode:
    """Does the work; whatever is in its way is told to the user, and becomes the code that it deserves."""
    try:
        return work()
    except _UNUSABLE as error:
        return told(ExitCode.UNUSABLE, str(error), as_json=as_json)
    except _REFUSED as error:
        return told(ExitCode.REFUSED, str(error), as_json=as_json)
    except ANSWERED_WRONGLY as error:
        message = f"{error}; something answers there, but not as the profile says: --frames shows what came"
        return told(ExitCode.REFUSED, message, as_json=as_json, state=_WRONGLY)
    except DriverError as error:
        code = ExitCode.UNREACHABLE if isinstance(error, _UNREACHABLE) else ExitCode.REFUSED
        return told(code, str(error) or "the reason is not known", as_json=as_json)
    except BrokenPipeError:  # the reader of what is printed went away, which is no fault of a unit
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        return told(ExitCode.UNUSABLE, f"{where}{error.strerror or error}", as_json=as_json)


def told(code: ExitCode, message: str, *, as_json: bool, state: str | None = None) -> ExitCode:
    """Tells why a command ends with this code: on standard error, or as one JSON document, with the code's `state`."""
    if as_json:
        print(json.dumps({"state": state or _STATES[code], "message": message}, indent=2), flush=True)
    else:
        print(message, file=sys.stderr, flush=True)
    return code


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document."""
    print(json.dumps(document, indent=2), flush=True)


def run(main: Coroutine[Any, Any, T], speed: float = 1.0) -> T:
    """Runs a command's coroutine to its end, on the clock of its line. Raises KeyboardInterrupt at Ctrl-C."""
    return on_clock(main, speed)


def run_until_enough(main: Coroutine[Any, Any, None], speed: float = 1.0) -> None:
    """Runs what its user ends with Ctrl-C when he has seen enough, which is no fault."""
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        run(main, speed)


def frames_tap(url: str, protocol: str, profile: Profile | None, *, wanted: bool) -> Tap | None:
    """A tap that shows each frame on standard error, so that what is printed can still be piped; None if not wanted."""
    if not wanted:
        return None
    words = FrameWords(framing_of(url, protocol), profile)

    def show(event: WireEvent) -> None:
        print(words.line(event), file=sys.stderr, flush=True)

    return show


def both(first: Tap | None, second: Tap | None) -> Tap | None:
    """One tap of two."""
    if first is None or second is None:
        return first or second
    one, other = first, second

    def tap(event: WireEvent) -> None:
        one(event)
        other(event)

    return tap


def value_text(profile: Profile, name: str, reading: Reading) -> str:
    """A value for people: the names of the bits that are set, a word, or a number."""
    signal = profile.signals[name]
    if signal.bits and isinstance(reading.value, int | float) and reading.value == reading.value:
        return ", ".join(bits_set(signal, int(reading.value))) or "none"
    return shown(reading.value)


def bits_set(signal: Signal, number: int) -> list[str]:
    """The names of the bits that are set; a bit without a name by its place."""
    names = [*signal.bits, *(f"bit {place}" for place in range(len(signal.bits), number.bit_length()))]
    return [name for place, name in enumerate(names) if number >> place & 1]


def reading_data(profile: Profile, name: str, reading: Reading) -> dict[str, Any]:
    """A value as plain data; what is no number is null."""
    signal, value = profile.signals[name], reading.value
    finite = not isinstance(value, float) or abs(value) < float("inf")
    data: dict[str, Any] = {
        "signal": name,
        "value": value if finite else None,
        "unit": reading.unit,
        "quality": reading.quality.value,
    }
    if signal.bits:
        data["bits"] = bits_set(signal, int(value)) if finite and not isinstance(value, str) else None
    return data

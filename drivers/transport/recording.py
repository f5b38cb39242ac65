"""What happened on a wire, kept in a file: one JSON object a line, so that a fault seen once can be served again.

The first line is `{"pressline_wire": 1, "utc": ...}`, each other one an event: `t` in seconds of the event loop's
clock, `place`, `what` (open, sent, heard, doubted, lost, closed), `hex` with the bytes, `note`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args

from drivers.errors import CaptureError
from drivers.transport.pcap import to_pcap
from drivers.transport.wire import What, WireEvent

__all__ = ["Recorder", "read_capture", "to_pcap"]

_VERSION = 1
_BUFFER = 64 * 1024  # characters until they are handed to the operating system: a few seconds of a busy line
_MISTAKES = 20  # told of one file; who has more has another file
_WHATS: Mapping[str, What] = {word: word for word in get_args(What)}


class Recorder:
    """A Tap that writes what it is told to a new file; close() it, or use it as a context.

    `events` counts what it was told; what is told is kept until _BUFFER characters are together, and not longer. Raises
    OSError if the file cannot be made or is there already. If it cannot be written later, recording ends and `fault`
    says why: a full disk must not stop a line.
    """

    def __init__(self, path: str | Path, *, utc: str = "") -> None:
        """`utc` is when the recording began, for people; the events' times are the event loop's."""
        self.path = Path(path)
        self.fault = ""
        self.events = 0
        self._file = self.path.open("x", encoding="utf-8")
        self._buffer: list[str] = []
        self._size = 0
        self._add({"pressline_wire": _VERSION, "utc": utc})
        self._flush()

    def __call__(self, event: WireEvent) -> None:
        self.events += 1
        line: dict[str, Any] = {"t": round(event.time_s, 6), "place": event.place, "what": event.what}
        if event.data:
            line["hex"] = event.data.hex()
        if event.note:
            line["note"] = event.note
        self._add(line)
        if self._size > _BUFFER:
            self._flush()

    def close(self) -> None:
        """Writes what is left; may be called twice."""
        self._flush()
        with suppress(OSError):  # what could not be written is told already
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _add(self, line: dict[str, Any]) -> None:
        if self.fault or self._file.closed:
            return
        text = json.dumps(line, separators=(",", ":")) + "\n"
        self._buffer.append(text)
        self._size += len(text)

    def _flush(self) -> None:
        texts, self._buffer, self._size = self._buffer, [], 0
        if self.fault or self._file.closed:
            return
        try:
            self._file.write("".join(texts))
            self._file.flush()
        except OSError as error:
            self.fault = f"{self.path}: recording has ended ({error.strerror})"


def read_capture(path: str | Path) -> list[WireEvent]:
    """The events of a recording, in order; a last line that was cut off is left out.

    Raises CaptureError with file:line for each mistake.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CaptureError(f"{path}: cannot be read ({error})") from error
    lines = text.split("\n")[:-1]  # what follows the last line end is empty, or was cut off
    if not lines or _header(lines[0]) != _VERSION:
        raise CaptureError(f"{path}:1: no recording of pressline, version {_VERSION}")
    events: list[WireEvent] = []
    mistakes: list[str] = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            events.append(_event(line))
        except ValueError as error:
            mistakes.append(f"{path}:{number}: {error}")
    if mistakes:
        raise CaptureError("\n".join(mistakes[:_MISTAKES]))
    return events


def _loaded(line: str) -> dict[str, Any]:
    """One line's object; raises ValueError."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON ({error})") from error
    return value if isinstance(value, dict) else {}


def _header(line: str) -> Any:
    try:
        return _loaded(line).get("pressline_wire")
    except ValueError:
        return None


def _event(line: str) -> WireEvent:
    """One event; raises ValueError."""
    value = _loaded(line)
    time_s, what, place = value.get("t"), _WHATS.get(str(value.get("what"))), str(value.get("place", ""))
    if isinstance(time_s, bool) or not isinstance(time_s, int | float) or not math.isfinite(time_s):
        raise ValueError("t is no number of seconds")
    if what is None:
        raise ValueError(f"what is {value.get('what')!r}, none of {', '.join(_WHATS)}")
    if not place:
        raise ValueError("there is no place")
    try:
        data = bytes.fromhex(str(value.get("hex", "")))
    except ValueError as error:
        raise ValueError("hex is no row of hexadecimal digits") from error
    return WireEvent(float(time_s), place, what, data, str(value.get("note", "")))

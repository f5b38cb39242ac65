"""Lines of text on a stream: each complete line is answered by the machine that it is for, or met with silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

_LONGEST = 1024  # bytes; a line that long was never meant for us


class Answering(Protocol):
    """An AsciiImage or an MT-SICS instrument."""

    def answer(self, request: bytes) -> bytes | None: ...


class LineAnswers:
    """Collects bytes into lines and answers them; made to be a PtyPort's `on_data`.

    With several machines on the line each line is shown to all of them: they know by its address whose it is. `end` is
    how a line ends, or its last character.
    """

    def __init__(self, *devices: Answering, units: Mapping[int, Answering] | None = None, end: bytes = b"\n") -> None:
        self._end = end
        self._units: Mapping[int, Answering] = dict(enumerate(devices)) if units is None else units
        self._buffer = b""

    def __call__(self, data: bytes) -> bytes | None:
        self._buffer += data
        answers = b""
        while self._end in self._buffer:
            line, _, self._buffer = self._buffer.partition(self._end)
            for device in self._units.values():
                answers += device.answer(line + self._end) or b""
        if len(self._buffer) > _LONGEST:
            self._buffer = b""
        return answers or None

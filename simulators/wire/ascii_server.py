"""Lines on a serial stream: each complete line is answered by the machine, or met with silence."""

from __future__ import annotations

from typing import Protocol

_END = b"\n"
_LONGEST = 1024  # bytes; a line that long was never meant for us


class Answering(Protocol):
    """An AsciiImage or an MT-SICS instrument."""

    def answer(self, request: bytes) -> bytes | None: ...


class LineAnswers:
    """Collects bytes into lines and answers them; made to be a PtyPort's `on_data`."""

    def __init__(self, device: Answering) -> None:
        self._device = device
        self._buffer = b""

    def __call__(self, data: bytes) -> bytes | None:
        self._buffer += data
        answers = b""
        while _END in self._buffer:
            line, _, self._buffer = self._buffer.partition(_END)
            answers += self._device.answer(line + _END) or b""
        if len(self._buffer) > _LONGEST:
            self._buffer = b""
        return answers or None

"""Printing beside the loop: a terminal that takes nothing (Ctrl-S, a full pipe) keeps no machine from its heartbeat."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread

LINES = 10_000  # a run of Example 1 has some hundreds; a terminal that is so far behind is not read
LAST_LINES_S = 2.0  # wall seconds that the last lines may take at the end (engineering judgement)
LOST = "the output is lost, the run goes on; see `pressline show`"


class Printer:
    """Prints line by line in a thread of its own, until nobody can read it any more.

    printed counts the lines that were taken; dropped those that came while too many waited.
    """

    def __init__(self, write: Callable[[str], None] | None = None) -> None:
        self.printed = self.dropped = 0
        self._write = write or (lambda text: print(text, flush=True))
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._is_lost, self._given = False, 0
        self._thread = Thread(target=self._work, name="printer", daemon=True)
        self._thread.start()

    @property
    def waits(self) -> bool:
        """Whether a line was given that is not printed yet."""
        return self._thread.is_alive() and self._given > self.printed

    def print(self, text: str) -> None:
        """Gives a line to be printed; returns at once."""
        if self._is_lost:
            return
        if self._given - self.printed >= LINES:
            self.dropped += 1
            return
        self._given += 1
        self._lines.put(text)

    def close(self) -> None:
        """Waits for what is still to be printed, LAST_LINES_S at most."""
        self._lines.put(None)
        self._thread.join(LAST_LINES_S)

    def _work(self) -> None:
        while (text := self._lines.get()) is not None:
            try:
                self._write(text)
            except (OSError, ValueError):
                self._is_lost = True
                with suppress(OSError, ValueError):
                    print(LOST, file=sys.stderr, flush=True)
                return
            self.printed += 1

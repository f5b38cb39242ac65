"""How late an event loop calls its timers, on the wall's clock, and where it stood when it stood still."""

from __future__ import annotations

import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread, get_ident
from types import FrameType

PERIOD_S = 0.05
"""Wall seconds between the timers whose lateness is measured: the fastest polling, 20 Hz."""
WINDOW = 200
"""Timers in one window: 10 s, so that the 99th percentile is the third latest."""
LATE_S = 0.010
"""Wall seconds: at 20 Hz a fifth of the poll interval; a loop whose 99th percentile is above shifts polls and beats."""
STANDSTILL_S = 0.25
"""Wall seconds without a turn of the loop that one call must explain: five polls at 20 Hz (engineering judgement)."""
STDERR_S = 5.0
"""Wall seconds after which a standstill is told on standard error too: the journal may never hear of it."""
_FRAMES = 4
_WAITING = ("selectors.py", "runners.py")
_HERE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Lateness:
    """The lateness of a window of timers, in wall seconds."""

    p99_s: float
    max_s: float

    @property
    def is_late(self) -> bool:
        """Whether polls and heartbeats are shifted by more than they may be."""
        return self.p99_s > LATE_S


class LatenessWindow:
    """The last WINDOW latenesses."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=WINDOW)

    def add(self, late_s: float) -> Lateness | None:
        """Takes one in; the lateness of the window, once it is full."""
        self._values.append(late_s)
        if len(self._values) < WINDOW:
            return None
        ordered = sorted(self._values)
        return Lateness(ordered[-1 - WINDOW // 100], ordered[-1])

    def clear(self) -> None:
        """Begins a new window."""
        self._values.clear()


@dataclass(frozen=True, slots=True)
class Standstill:
    """A time in which the loop made no turn, in wall seconds, and the call that it stood in."""

    lasted_s: float
    where: str


class StandstillWatch:
    """A thread that looks whether the loop of the thread that made it still turns, and where it stands if not."""

    def __init__(self, clock: Callable[[], float], say: Callable[[str], None] | None = None) -> None:
        self._clock, self._say = clock, say or _to_stderr
        self._loop_thread = get_ident()
        self._turned_s = clock()
        self._where: str | None = None
        self._is_said = False
        self._lock, self._stop = Lock(), Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """The thread works within the block."""
        thread = Thread(target=self._work, name="standstill watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(1.0)

    def turned(self) -> Standstill | None:
        """The loop says that it turns; what it stood in before, if it stood still for long enough to be looked at."""
        with self._lock:
            now_s, where = self._clock(), self._where
            lasted_s, self._turned_s = now_s - self._turned_s, now_s
            self._where, self._is_said = None, False
        return None if where is None else Standstill(lasted_s, where)

    def _work(self) -> None:
        while not self._stop.wait(PERIOD_S):
            with self._lock:  # the loop waits for it with every turn: nothing in here may read a disk
                still_s = self._clock() - self._turned_s
                if still_s > STANDSTILL_S and self._where is None and not is_idle(self._loop_thread):
                    self._where = place_of(self._loop_thread)
                is_long = still_s > STDERR_S and not self._is_said
                self._is_said = self._is_said or is_long
                where = self._where
            if is_long and where is not None:
                self._say(f"pressline: the event loop stands still since {still_s:.0f} s in {where}")


def is_idle(thread: int) -> bool:
    """Whether a thread waits in its loop: then no call blocks it, and the computer has no time for it.

    asyncio's own loop waits in its selector; uvloop's is no Python, so that the innermost call is the runner's.
    """
    frame: FrameType | None = sys._current_frames().get(thread)  # noqa: SLF001  as below
    return frame is not None and Path(frame.f_code.co_filename).name in _WAITING


def place_of(thread: int) -> str:
    """Where a thread is now: its innermost call, and the calls of this program that led there, innermost first."""
    frame: FrameType | None = sys._current_frames().get(thread)  # noqa: SLF001  the documented way, as faulthandler's
    if frame is None:
        return "a thread that has ended"
    stack = [(at.f_code.co_name, at.f_code.co_filename, line) for at, line in traceback.walk_stack(frame)]
    own = [at for at in stack[1:] if Path(at[1]).is_relative_to(_HERE) and ".venv" not in at[1]]
    return ", called by ".join(f"{name} ({_short(file)}:{line})" for name, file, line in (stack[0], *own[:_FRAMES]))


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(_HERE)) if path.is_relative_to(_HERE) else path.name


def _to_stderr(text: str) -> None:
    with suppress(OSError, ValueError):  # a closed terminal must not end the watch
        print(text, file=sys.stderr, flush=True)

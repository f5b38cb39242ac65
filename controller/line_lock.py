"""One program of this computer at a time works with the units of a line file: a lock beside the file."""

from __future__ import annotations

import fcntl
import os
import shlex
import sys
from pathlib import Path
from types import TracebackType

_TEXT_LIMIT = 300  # bytes of "pid command" that a person is told


class LineTaken(Exception):
    """Another program holds the line file. A retry makes sense when that program has ended."""


class LineLock:
    """Held within a `with`; the kernel gives it back however the program ends.

    The lock is `<line file>.lock`, with the holder's process number and command in it; it is removed at the end.
    """

    def __init__(self, line_file: Path) -> None:
        self._line_file = line_file
        real = line_file.resolve()
        self.path = real.with_name(real.name + ".lock")
        self._held: int | None = None

    def __enter__(self) -> LineLock:
        """Takes the lock; raises LineTaken, with the holder, or OSError where the folder cannot be written."""
        while self._held is None:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                self._take(handle)
            except BaseException:
                os.close(handle)
                raise
            if self._is_there(handle):
                self._held = handle
            else:
                os.close(handle)  # its holder removed it between our opening and our locking it
        command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
        os.truncate(self._held, 0)
        os.write(self._held, f"{os.getpid()} {command}\n".encode(errors="replace"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._held)
            self._held = None

    def holder(self) -> str | None:
        """Who holds the lock now, in words; None if nobody does. Takes nothing, and changes no file."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            self._take(handle, shared=True)
        except LineTaken as taken:
            return str(taken)
        finally:
            os.close(handle)
        return None

    def holder_command(self) -> tuple[int, str] | None:
        """Process number and command of who holds the lock now; None if nobody does."""
        if self.holder() is None:
            return None
        try:
            pid, _, command = self.path.read_text(encoding="utf-8", errors="replace").strip().partition(" ")
        except OSError:
            return None
        return (int(pid), command) if pid.isdecimal() else None

    def _take(self, handle: int, *, shared: bool = False) -> None:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.pread(handle, _TEXT_LIMIT, 0).decode(errors="replace").strip()
            pid, _, command = text.partition(" ")
            who = f"process {pid} ({command})" if command else "another program"
            raise LineTaken(f"{self._line_file}: {who} works with this line") from None

    def _is_there(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), self.path.stat())
        except FileNotFoundError:
            return False

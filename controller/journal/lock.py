"""The lock beside a store that keeps a second writer away; the kernel drops it at kill -9."""

from __future__ import annotations

import fcntl
import os
import pwd
from pathlib import Path
from typing import TextIO

from controller.journal.errors import StoreBusy, StoreUnusable


def locked(path: Path) -> TextIO:
    """An advisory lock beside the store, held until the file is closed. Raises StoreBusy or StoreUnusable."""
    if path.is_dir() or not path.name:
        raise StoreUnusable(f"{path}: is a directory; expected a file for the journal, for example pressline.sqlite")
    lock = path.with_name(path.name + ".lock")
    whom = _owner(lock) or _owner(path)
    if os.geteuid() == 0 and whom not in (None, "root"):
        words = f"work as that user: sudo -u {whom} pressline ..., since what root writes beside it could not be used"
        raise StoreUnusable(f"{path}: belongs to {whom}; {words}")
    try:
        handle = lock.open("a+")
    except OSError as error:
        whose = "" if whom is None else f"; it belongs to {whom}"
        raise StoreUnusable(f"{path}: cannot be opened ({error.strerror}{whose})") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        owner = handle.read().strip() or "unknown"
        handle.close()
        raise StoreBusy(f"{path}: process {owner} is using this store") from None
    try:
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
    except OSError:  # a full disk: only the number of the owner is missing in the other's message
        pass
    return handle


def _owner(file: Path) -> str | None:
    """The name of a file's user, or its number; None where there is no file."""
    try:
        number = file.stat().st_uid
    except OSError:
        return None
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"#{number}"


def is_in_use(path: Path) -> bool:
    """Whether a living process holds the store open for writing."""
    try:
        handle = path.with_name(path.name + ".lock").open()
    except OSError:  # no lock: no writer was ever there, or none that we may know of
        return False
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False

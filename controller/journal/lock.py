"""The lock beside a store that keeps a second writer away; the kernel drops it at kill -9."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from controller.journal.errors import StoreBusy, StoreUnusable


def locked(path: Path) -> TextIO:
    """An advisory lock beside the store, held until the file is closed. Raises StoreBusy or StoreUnusable."""
    if path.is_dir() or not path.name:
        raise StoreUnusable(f"{path}: is a directory; expected a file for the journal, for example pressline.sqlite")
    try:
        handle = path.with_name(path.name + ".lock").open("a+")
    except OSError as error:
        raise StoreUnusable(f"{path}: cannot be opened ({error.strerror})") from error
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


def is_in_use(path: Path) -> bool:
    """Whether a living process holds the store open for writing."""
    try:
        locked(path).close()
    except StoreBusy:
        return True
    return False

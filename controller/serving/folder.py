"""Who else may get at what a service keeps: told, mended where it is ours, refused where anybody could replace it.

FolderOpen     somebody else may change what is kept; retryable when the message's command has been run
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path


class FolderOpen(Exception):
    """What the service keeps could be replaced by anybody. Retryable when the message's command has been run."""


def made_own(folder: Path) -> None:
    """A folder for this user alone, made where there is none. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def look_at_folder(folder: Path, warn: Callable[[str], object]) -> None:
    """Raises FolderOpen for a folder in which anybody may replace files; warns of one in which a group may.

    Whoever may write a folder may put another store in the place of the one that is there, whatever its own bits say.
    A sticky folder, such as /tmp, protects what is in it.
    """
    mode = folder.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        words = f"{folder}: anybody on this computer may replace what is kept there (mode {stat.S_IMODE(mode):04o})"
        raise FolderOpen(f"{words}; `chmod o-w {folder}`")
    if mode & stat.S_IWGRP and not mode & stat.S_ISVTX and folder.stat().st_gid not in (0, os.getegid()):
        warn(f"{folder}: its group may replace what is kept there (mode {stat.S_IMODE(mode):04o})")


def close_files(store: Path, warn: Callable[[str], object]) -> None:
    """Takes others' rights off the files of a SQLite store, which hold passwords' hashes; those of a group are left.

    Raises FolderOpen where they are another user's, and cannot be closed by us.
    """
    for file in (store, *sorted(store.parent.glob(f"{store.stem}-*{store.suffix}"))):
        for one in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm", ".anchor", ".rescue"))):
            _close(one, warn)


def _close(file: Path, warn: Callable[[str], object]) -> None:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except FileNotFoundError:
        return
    if not mode & stat.S_IRWXO:
        return
    try:
        file.chmod(mode & ~stat.S_IRWXO)
    except OSError as error:
        words = f"{file}: anybody on this computer may get at it (mode {mode:04o}), and it is not ours to close"
        raise FolderOpen(f"{words} ({error.strerror}); `chmod o-rwx {file}`") from error
    warn(f"{file}: anybody on this computer could get at it (mode {mode:04o}); that is ended")

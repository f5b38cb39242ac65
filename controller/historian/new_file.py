"""A file that is written whole or not at all, and never over something else."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.historian.errors import ExportRefused


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """A draft to be written in the block; when that is left, it is durable and has its name.

    The same content again is fine. Raises ExportRefused; then nothing is left behind.
    """
    draft = begun(file)
    try:
        with refused(file):
            yield draft
        finished(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def begun(file: Path) -> Path:
    """The name of a file's draft. Raises ExportRefused where there can be no such file."""
    if not file.name or file.is_dir():
        raise ExportRefused(f"{file}: is a directory; expected the name of a file")
    if file.exists() and not file.is_file():
        raise ExportRefused(f"{file}: is no regular file; nothing was written")
    return file.with_name(f"{file.name}.part")


def finished(draft: Path, file: Path) -> None:
    """Gives a draft its name, durably: its content and its place in the folder. Raises ExportRefused."""
    with refused(file):
        _synced(draft)
        if file.exists() and sha256_of(file) != sha256_of(draft):
            raise ExportRefused(f"{file}: is there already with another content; nothing was written")
        draft.replace(file)
        _synced(file.parent)


@contextmanager
def refused(file: Path) -> Iterator[None]:
    """What a disk says within the block, as ExportRefused."""
    try:
        yield
    except OSError as error:
        raise ExportRefused(f"{file}: cannot be written: {error.strerror or error}") from error


def _synced(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def sha256_of(file: Path) -> str:
    """The hash of a file's content, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

"""Files that commands write for people: in one move, and never over something else."""

from __future__ import annotations

from pathlib import Path


class OutputRefused(Exception):
    """The file cannot be written, or holds something else; the message is for the user."""


def write_new(file: Path, content: bytes) -> None:
    """Writes a file that is not there yet; the same content again is fine. Raises OutputRefused."""
    if not file.name or file.is_dir():
        raise OutputRefused(f"{file}: is a directory; expected the name of a file")
    if file.exists() and not file.is_file():
        raise OutputRefused(f"{file}: is no regular file; nothing was written")
    try:
        if file.exists() and file.read_bytes() != content:
            raise OutputRefused(f"{file}: is there already with another content; nothing was written")
        draft = file.with_name(f"{file.name}.part")
        draft.write_bytes(content)
        draft.replace(file)
    except OSError as error:
        raise OutputRefused(f"{file}: cannot be written: {error.strerror or error}") from error

"""The bytes and the text of a pack's files: what is refused before anyone looks at a cell or a key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from recipes.findings import Finding, RecipeErrors
from recipes.model import Location

LARGEST_BYTES = 1_000_000
"""The shipped packs are below 20 kB; a file fifty times that is no pack (engineering judgement)."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Characters that no text needs; in a terminal some of them give orders."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file as it was read."""

    path: Path
    data: bytes
    text: str


def read_text(path: Path, what: str) -> TextFile:
    """A file in UTF-8 (a byte order mark is left out); `what` says in messages what it should be.

    Raises:
        RecipeErrors: it is missing, no file, too large, not UTF-8, or holds control characters.
    """
    data = _bytes(path, what)
    if len(data) > LARGEST_BYTES:
        raise fault(path, f"the {what} is larger than {LARGEST_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", errors="replace")
        raise fault(path, f"cannot read the {what}: byte 0x{data[error.start]:02x} is not UTF-8", before) from error
    if (found := _CONTROL.search(text)) is not None:
        code = ord(found.group())
        raise fault(path, f"the {what} holds the control character U+{code:04X}", text[: found.start()])
    return TextFile(path, data, text)


def is_there(path: Path) -> bool:
    """Whether there is something at a path; nothing can be at one that the file system does not take."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def fault(path: Path, message: str, before: str = "") -> RecipeErrors:
    """One mistake, behind the text `before` of a file."""
    lines = re.split(r"\r\n|\r|\n", before)
    return RecipeErrors((Finding("error", message, Location(path, len(lines), len(lines[-1]) + 1)),))


def _bytes(path: Path, what: str) -> bytes:
    try:
        if is_there(path) and not path.is_file():  # a pipe would be waited for without end
            raise fault(path, f"cannot read the {what}: this is no file")
        with path.open("rb") as stream:
            return stream.read(LARGEST_BYTES + 1)  # one byte more than allowed tells without reading it all
    except OSError as error:
        raise fault(path, f"cannot read the {what}: {error.strerror or error}") from error
    except ValueError as error:  # a path with a NUL
        raise fault(Path(str(path).replace("\0", "?")), f"cannot read the {what}: {error}") from error

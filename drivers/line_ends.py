"""What came on a line of text, and how it ended, in the words of a message."""

from __future__ import annotations

import re

_SHOWN = 80  # bytes; a person recognises a line by its beginning
_CONTROLS = bytes((*range(32), 127))
_FIRST = re.compile(rb"[\x00-\x1f\x7f]*")


def quoted(data: bytes) -> str:
    """Bytes as a profile would write them, in quotes; the end of many is left out."""
    return repr(data[:_SHOWN])[1:] + ("..." if len(data) > _SHOWN else "")


def other_end(answer: bytes, terminator: bytes) -> str:
    """A clause for a message: how an answer ends otherwise than with its profile's terminator.

    "" for an answer that ends as it should, whatever else may be wrong with it.
    """
    known = f"; the profile's terminator is {quoted(terminator)}, the answer"
    ends = answer[len(answer.rstrip(_CONTROLS)) :]
    if ends != terminator[len(terminator.rstrip(_CONTROLS)) :]:
        return f"{known} ends in {quoted(ends)}" if ends else f"{known} has no end"
    if not answer.endswith(terminator):
        return f"{known} has no end"
    first = _FIRST.match(answer)
    if first and 0 < len(first[0]) < len(answer):
        return f"{known} begins with {quoted(first[0])}, as if the one before had ended with it"
    return ""

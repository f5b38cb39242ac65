"""Frames of the coater's ASCII line protocol: `@<address><tag><body>*<checksum>` and CR LF.

address is two digits, tag two upper-case hexadecimal digits that the answer repeats, checksum the exclusive or of all
bytes between "@" and "*", as two upper-case hexadecimal digits.
"""

from __future__ import annotations

import functools
import operator

from drivers.errors import CorruptAnswer, DeviceRefused, WrongAnswer

_SHORTEST = len("@0100*00\r\n")


def checksum(data: bytes) -> int:
    """Exclusive or of all bytes."""
    return functools.reduce(operator.xor, data, 0)


def build(address: str, tag: int, body: str) -> bytes:
    """The request's bytes; `tag` is 0 to 255."""
    inner = f"{address}{tag:02X}{body}".encode("ascii")
    return b"@%b*%02X\r\n" % (inner, checksum(inner))


def parse(answer: bytes, address: str, tag: int) -> str:
    """The answer's body, without address, tag and checksum.

    Raises CorruptAnswer for a broken frame, WrongAnswer for a sound one that answers somebody else's question.
    """
    if len(answer) < _SHORTEST or not answer.startswith(b"@") or not answer.endswith(b"\r\n") or answer[-5:-4] != b"*":
        raise CorruptAnswer(f"not a frame: {answer!r}")
    inner = answer[1:-5]
    if answer[-4:-2] != b"%02X" % checksum(inner):
        raise CorruptAnswer(f"wrong checksum: {answer!r}")
    try:
        text = inner.decode("ascii")
    except UnicodeDecodeError as error:
        raise CorruptAnswer(f"not ASCII: {answer!r}") from error
    if text[:2] != address or text[2:4] != f"{tag:02X}":
        raise WrongAnswer(f"asked {address} with tag {tag:02X}, answered {text[:4]}")
    return text[4:]


def accepted(body: str) -> str:
    """What follows "OK"; raises DeviceRefused for "ER n", WrongAnswer for anything else."""
    head, _, rest = body.partition(" ")
    if head == "OK":
        return rest
    if head == "ER" and rest.isdigit():
        meaning = {1: "unknown verb", 2: "unknown name", 3: "out of range", 4: "read only"}
        raise DeviceRefused(int(rest), f"the machine refused: {meaning.get(int(rest), 'error')} ({rest})")
    raise WrongAnswer(f"neither OK nor ER: {body!r}")

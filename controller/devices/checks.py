"""What a check found: whether something is in order, what was seen, and how it is mended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Layer = Literal["file", "link", "machine"]


class State(StrEnum):
    """How a check ended; what was not checked is never counted as ok."""

    OK = "ok"
    BROKEN = "broken"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One link of the chain from the line file to the machine's state.

    `layer` says what is to be mended: a file, the way to the machine, or something at the machine.
    """

    what: str
    state: State
    text: str
    mend: str = ""
    layer: Layer = "machine"


def ok(what: str, text: str) -> Check:
    """It is in order."""
    return Check(what, State.OK, text)


def unchecked(what: str, why: str) -> Check:
    """Nobody looked, and why not."""
    return Check(what, State.UNCHECKED, why)


def broken(what: str, text: str, mend: str, layer: Layer = "machine") -> Check:
    """It is not in order."""
    return Check(what, State.BROKEN, text, mend, layer)

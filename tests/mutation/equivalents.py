"""The list of the mutants that survive and change nothing, and what the played mutants say of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

LIST = Path(__file__).with_name("equivalent.md")


class Key(NamedTuple):
    """What a mutant is known by although lines move: its module, the function or class, and the lines that differ."""

    module: str
    within: str
    was: str
    now: str


def key_of(row: dict[str, Any]) -> Key:
    """The key of a mutant that was played."""
    return Key(row["module"], row["within"], row["was"], row["now"])


def read(text: str) -> list[Key]:
    """The mutants of a list: a heading that names the module, a reason, and the change as a `diff` block.

    Raises ValueError with the line for a change without a module or without a reason of its own.
    """
    found: list[Key] = []
    module, reason, block = "", "", list[str]()
    is_block = False
    for number, line in enumerate(text.splitlines(), start=1):
        if is_block and line.startswith("```"):
            found.append(_key(module, block))
            is_block, reason = False, ""
        elif is_block:
            block.append(line)
        elif line.startswith("```diff"):
            if not module or not reason:
                raise ValueError(f"line {number}: a change needs a module and a reason above it")
            is_block, block = True, []
        elif line.startswith("## "):
            module, reason = line.removeprefix("## ").strip(), ""
        elif line.strip():
            reason = line
    return found


def _key(module: str, block: Sequence[str]) -> Key:
    sides = {sign: "\n".join(line[1:].strip() for line in block if line.startswith(sign)) for sign in "-+"}
    [place] = [line.strip("@ ") for line in block if line.startswith("@@")] or [""]
    return Key(module, place, sides["-"], sides["+"])


@dataclass(frozen=True, slots=True)
class Judgement:
    """Survivors that are listed, survivors that are not, and entries of the list that name no survivor (any more)."""

    equivalent: list[dict[str, Any]]
    unlisted: list[dict[str, Any]]
    stale: list[Key]


def judge(rows: Iterable[dict[str, Any]], listed: Iterable[Key]) -> Judgement:
    """Compares what was played with the list; each entry stands for one mutant. listed names only modules of rows."""
    left, equivalent, unlisted = list(listed), list[dict[str, Any]](), list[dict[str, Any]]()
    for row in rows:
        if row["result"] == "survived":
            if (key := key_of(row)) in left:
                left.remove(key)
                equivalent.append(row)
            else:
                unlisted.append(row)
    return Judgement(equivalent, unlisted, left)


def words(key: Key) -> str:
    """A mutant as the list says it, ready to be put into it."""
    place = [f"@@ {key.within} @@"] if key.within else []
    sides = [f"{sign} {line}" for sign, side in (("-", key.was), ("+", key.now)) for line in side.splitlines()]
    return "\n".join(["```diff", *place, *sides, "```"])

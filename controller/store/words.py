"""Names, comments and references as people type them: what is accepted, and who counts as the same person."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from controller.store.errors import WordsUnusable

LONGEST_NAME = 200  # characters; the longest names of people are well below (engineering judgement)
LONGEST_WORDS = 10_000  # characters of a comment, a meaning or a reason: some pages of text (engineering judgement)

_REFERENCE = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)(?:@(?P<version>[1-9][0-9]{0,8}))?")
_JOINERS = "\u200c\u200d"  # spelling in some scripts needs them; all other invisible characters can hide something


@dataclass(frozen=True, slots=True)
class Reference:
    """A stored recipe, or with a version one of its texts."""

    name: str
    version: int | None = None

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}@{self.version}"


def reference(text: str, *, versioned: bool = False) -> Reference:
    """`NAME` or `NAME@VERSION`; with versioned only the latter. Raises WordsUnusable."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise WordsUnusable(f"{text!r} names no stored recipe; expected NAME@VERSION such as honda-example-1@2")
    version = found["version"]
    if versioned and version is None:
        raise WordsUnusable(f"{text!r} names no version; expected one such as {found['name']}@2")
    return Reference(found["name"], None if version is None else int(version))


def person(text: str) -> str:
    """The name of a person as it is recorded, without blanks around it. Raises WordsUnusable."""
    name = _clean(text, "--by", LONGEST_NAME)
    if not name:
        raise WordsUnusable("--by is empty; expected the name of the person who does this")
    if not any(character.isalnum() for character in name):
        raise WordsUnusable(f"--by {name!r} is no name; expected the name of the person who does this")
    return name


def words(text: str, what: str, *, needed: bool = False) -> str:
    """One line of words as it is recorded; what names it in messages. Raises WordsUnusable."""
    cleaned = _clean(text, what, LONGEST_WORDS)
    if needed and not cleaned:
        raise WordsUnusable(f"{what} is empty; expected some words")
    return cleaned


def same_person(one: str, other: str) -> bool:
    """Whether two names are the same to a reader: case, blanks and invisible characters make no other person."""
    return _identity(one) == _identity(other)


def _identity(name: str) -> str:
    visible = "".join(character for character in name if character not in _JOINERS)
    return " ".join(unicodedata.normalize("NFKC", visible).casefold().split())


def _clean(text: str, what: str, longest: int) -> str:
    hidden = next((character for character in text if _is_hidden(character)), None)
    if hidden is not None:
        raise WordsUnusable(f"{what} has the control character U+{ord(hidden):04X}; expected one line of plain text")
    if len(text) > longest:
        raise WordsUnusable(f"{what} has {len(text)} characters; expected at most {longest}")
    return text.strip()


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and character not in _JOINERS

"""What users, tokens and texts of people may be called."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

from controller.accounts.errors import Unacceptable
from controller.authority import Role

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?", re.ASCII)
LONGEST_TEXT = 300


def as_name(text: str) -> str:
    """What somebody typed as a name, as it is compared: small letters, no space around, nothing that no store takes."""
    plain = "".join("?" if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text[:200])
    return unicodedata.normalize("NFKC", plain).strip().casefold()[:64]


def user_name(text: str) -> str:
    """A name for a new user. Raises Unacceptable."""
    name = as_name(text)
    if _NAME.fullmatch(name) is None:
        raise Unacceptable(
            "a name has 1 to 64 of a to z, 0 to 9 and . _ @ - and begins and ends with a letter or figure"
        )
    return name


def token_name(text: str) -> str:
    """A name for a new token. Raises Unacceptable."""
    return user_name(text)


def role_named(text: str) -> Role:
    """A role by its word. Raises Unacceptable."""
    try:
        return Role(text)
    except ValueError:
        raise Unacceptable(f"there is no role {text[:40]!r}; there are {', '.join(Role)}") from None


def words(text: str, what: str, longest: int = LONGEST_TEXT) -> str:
    """A text that somebody answers for, one line. Raises Unacceptable."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if not text:
        raise Unacceptable(f"{what} is missing")
    if len(text) > longest or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise Unacceptable(f"{what} is longer than {longest} characters or holds something that is no character")
    return text


def lasting(asked: timedelta, at_most: timedelta, what: str) -> timedelta:
    """How long something counts. Raises Unacceptable for no time and for more than is allowed."""
    if not timedelta(0) < asked <= at_most:
        raise Unacceptable(f"{what} counts for more than no time and at most {at_most.days} days")
    return asked

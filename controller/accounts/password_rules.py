"""What a new password may be, after NIST SP 800-63B: long enough, not common, not the name; no rules of composition.

12 characters at least: revision 3 asks for 8, revision 4 for 15 where a password is all that is asked (engineering
judgement between them: guessing through us is limited anyway, and people type it in gloves). Nothing else is demanded,
no password expires by itself, and every character counts, a space too.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from controller.accounts.errors import PasswordUnacceptable

SHORTEST = 12
LONGEST = 256  # SP 800-63B asks for 64 at least; a limit keeps a request from being work
LONGEST_COMMON = 40  # the longest word of the list with a date and signs; what is longer is not tried first
ALIKE = 3  # letters of a name that are so few say nothing of a password
_STANDS_FOR = str.maketrans("@4310$5!7", "aaeiossit")
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_COMMON = Path(__file__).with_name("common_passwords.txt")


def normal(password: str) -> str:
    """The form in which a password is compared: the same on every keyboard (NFKC, SP 800-63B 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def is_text(password: str) -> bool:
    """Whether it is text that can be kept: no half of a pair of surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in password)


def check_new_password(password: str, name: str) -> None:
    """Raises PasswordUnacceptable with what is wrong, for the password that somebody called `name` wants to have."""
    if not is_text(password):
        raise PasswordUnacceptable("the password holds something that is no character")
    password = normal(password)
    if len(password) < SHORTEST:
        raise PasswordUnacceptable(f"the password has {len(password)} characters; at least {SHORTEST} are needed")
    if len(password) > LONGEST:
        raise PasswordUnacceptable(f"the password is longer than {LONGEST} characters")
    if is_common(password):
        raise PasswordUnacceptable("the password is one of those that are tried first; take another")
    core = _EDGES.sub("", password.casefold())
    if len(name) > ALIKE and name.casefold() in _shortest_period(core):
        rest = core.replace(name.casefold(), "")
        if len(rest) < SHORTEST - ALIKE:
            raise PasswordUnacceptable("the password is mostly the name of its user; take another")


def is_common(password: str) -> bool:
    """Whether it is a common word or walk, whatever figures and signs are around it, or a single step repeated."""
    folded = password.casefold()
    core = _EDGES.sub("", folded)
    texts = {folded, folded.translate(_STANDS_FOR), core, core.translate(_STANDS_FOR)}
    if _is_monotonous(folded) or any(_shortest_period(text) in _words() for text in texts):
        return True
    return len(folded) <= LONGEST_COMMON and any(_holds_only_a_word(text) for text in texts)


def _holds_only_a_word(text: str) -> bool:
    """Whether a part is a common word, and there are no letters besides."""
    letters = [place for place, letter in enumerate(text) if letter.isalpha()]
    if not letters:
        return False
    return any(
        text[first:after] in _words()
        for first in range(letters[0] + 1)
        for after in range(letters[-1] + 1, len(text) + 1)
    )


def _is_monotonous(text: str) -> bool:
    """One character throughout, or a run such as 1234567890123 or hgfedcba."""
    steps = {(ord(after) - ord(before)) % 10 if (before + after).isdigit() else ord(after) - ord(before)
             for before, after in pairwise(_shortest_period(text))}  # fmt: skip
    return len(_shortest_period(text)) <= 2 or steps in ({1}, {-1}, {9})


def _shortest_period(text: str) -> str:
    """What a text repeats, itself where it repeats nothing."""
    for length in range(1, len(text) // 2 + 1):
        if len(text) % length == 0 and text == text[:length] * (len(text) // length):
            return text[:length]
    return text


@lru_cache(1)
def _words() -> frozenset[str]:
    lines = _COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())

"""Words that only one program or browser knows: made at random, kept as hashes, compared in constant time.

256 random bits need no slow hash: nobody guesses them, so a fast one is as good and costs a request nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

BYTES = 32
TOKEN_PREFIX = "plt_"  # noqa: S105  by which people and scanners of secrets know a token of ours
_CSRF = b"pressline csrf 1"
_TOKEN = re.compile(rf"{TOKEN_PREFIX}([0-9a-f]{{8}})_([A-Za-z0-9_-]{{43}})", re.ASCII)
_LONGEST = 200


def new_secret() -> str:
    """43 letters that may stand in a cookie."""
    return secrets.token_urlsafe(BYTES)


def sha256(secret: str) -> str:
    """What is kept of a secret. Anything may be asked about; what is none of ours fits to nothing."""
    return hashlib.sha256(secret[:_LONGEST].encode("utf-8", "surrogatepass")).hexdigest()


def new_id() -> str:
    """Eight hexadecimal digits: a name for something that may be shown."""
    return secrets.token_hex(4)


def program_token(token_id: str, secret: str) -> str:
    """A token as a program sends it."""
    return f"{TOKEN_PREFIX}{token_id}_{secret}"


def parse_program_token(text: str) -> tuple[str, str] | None:
    """The id and the secret of a token, or None for what is none."""
    found = _TOKEN.fullmatch(text[:_LONGEST])
    return None if found is None else (found[1], found[2])


def csrf_of(session_token: str) -> str:
    """The word that requests of a session carry beside its cookie; whoever reads the store cannot make it."""
    return hmac.new(session_token[:_LONGEST].encode("utf-8", "surrogatepass"), _CSRF, "sha256").hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two words are the same, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def redacted(text: str) -> str:
    """A text without the secret part of any token of ours in it; for logs."""
    return re.sub(rf"({TOKEN_PREFIX}[0-9a-f]{{8}}_)[A-Za-z0-9_-]+", r"\1...", text)

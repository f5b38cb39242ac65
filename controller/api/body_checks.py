"""What a JSON body may be before anybody makes something of it: plain, flat enough, each name once."""

from __future__ import annotations

import json
from typing import Any, Never

from controller.api.problems import Problem

PARTS = 50_000
"""Commas, quotes and brackets of a body: reading so many takes the loop some milliseconds, which polls wait for. The
largest recipe of the library has some hundreds (engineering judgement)."""
MEMBERS = 1000
"""Names of one object; the largest form has 200 (engineering judgement)."""
PUNCTUATION = (b",", b'"', b"[", b"{")


def check_json(body: bytes) -> None:
    """Raises Problem for what is made to cost time, or says one thing twice; what is no JSON is told by who reads it.

    Of two members of one name every program takes another one: a value that a person read in a log, and another that
    was done.
    """
    if sum(body.count(sign) for sign in PUNCTUATION) > PARTS:
        raise Problem("too-large", f"the body has more than {PARTS} commas, quotes and brackets")
    try:
        json.loads(body, object_pairs_hook=_members, parse_constant=_no_number)
    except RecursionError:
        raise Problem("malformed", "the body is nested too deeply") from None
    except ValueError:
        return


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MEMBERS:
        raise Problem("malformed", f"an object of the body has more than {MEMBERS} members")
    members = dict(pairs)
    if len(members) < len(pairs):
        raise Problem("malformed", "an object of the body has two members of one name")
    return members


def _no_number(name: str) -> Never:
    raise Problem("malformed", f"{name} is no number of JSON")

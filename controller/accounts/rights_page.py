"""The table of rights for people and programs: as data and as the page of the reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from controller.authority import AUTHORITY, SIGNED_BY_TWO, Action, Role

PAGE_HEAD = """# Rights

Generated from `controller/authority.py` by `pressline users rights --page`; a test keeps it equal. How people are known
and what that protects from: [people and rights](../explanation/people-and-rights.md). How to manage them:
[manage people](../how-to/manage-people.md).

One table says what each role may do; the service asks it before every command, whoever gives it and however. At the
command line a role is what the command says, because whoever may write the store's file may do everything with it.
"""

TOKENS = """## What programs may not do

A token acts in the name of the user who made it, in a role that may do no more than theirs. Whatever its role, it
manages no users and makes no tokens, and it signs nothing: releases and everything that two people sign need passwords.
"""


def rights_data() -> dict[str, Any]:
    """The table as JSON."""
    actions = [
        {
            "action": action.name.lower(),
            "what": action.value,
            "roles": [role.value for role in Role if action in AUTHORITY[role]],
            "signed_by_two": action in SIGNED_BY_TWO,
        }
        for action in Action
    ]
    return {"roles": [role.value for role in Role], "actions": actions}


def rows() -> list[tuple[str, ...]]:
    """A row for each action: what it is, a mark for each role that may, who signs."""
    return [
        (action.value, *("yes" if action in AUTHORITY[role] else "-" for role in Role), _signed(action))
        for action in Action
    ]


def heads() -> tuple[str, ...]:
    """The columns of `rows`."""
    return ("action", *(role.value for role in Role), "signed by")


def page() -> str:
    """The page of the reference (docs/reference/rights.md)."""
    able = [f"- **{role.value}**: {'; '.join(a.value for a in Action if a in AUTHORITY[role])}" for role in Role]
    return "\n".join([PAGE_HEAD, _table(heads(), rows()), "## By role\n", *able, "", TOKENS]).rstrip() + "\n"


def _signed(action: Action) -> str:
    if action in SIGNED_BY_TWO:
        return "two people with the right"
    return "who does it" if action is Action.RELEASE else "-"


def _table(names: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in cells)]) + "\n"

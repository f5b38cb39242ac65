"""Who may do what: one table of roles and actions.

A role is what the command line says; people with passwords stand behind it later. What lowers risk asks nobody for a
role, and what a run does by its approved plan is the plan's.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """In which capacity somebody acts."""

    OPERATOR = "operator"
    ENGINEER = "engineer"


class Action(StrEnum):
    """What is asked for."""

    LOWER = "hold, stop, abort"
    END_BYPASS = "end a bypass"
    BYPASS = "bypass a row"
    WRITE = "write a value by hand"


AUTHORITY: Mapping[Role, frozenset[Action]] = {
    Role.OPERATOR: frozenset({Action.LOWER, Action.END_BYPASS}),
    Role.ENGINEER: frozenset(Action),
}
"""A bypass and a write by hand change what a machine is checked against or works with: an engineer answers for them."""


class NotAuthorised(Exception):
    """A role may not do this. Not retryable in that role; nothing was sent."""


def authorise(role: Role, action: Action) -> None:
    """Raises NotAuthorised unless the table lets this role do it."""
    if action not in AUTHORITY[role]:
        able = ", ".join(other for other in Role if action in AUTHORITY[other])
        raise NotAuthorised(f"the role {role} may not {action}; {able} may")

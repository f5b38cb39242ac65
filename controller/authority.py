"""Who may do what: one table of roles and actions, which commands, the service, tests and documentation share.

At the command line a role is what the command says; in the service it is that of the person or program who signed in.
What lowers risk needs a role only over the network, where nobody at the machine is asked; what a run does by its
approved plan is the plan's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """In which capacity somebody acts."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    ADMINISTRATOR = "administrator"


class Action(StrEnum):
    """What is asked for."""

    VIEW = "look at the line, its runs, lots, alarms and trends"
    LOWER = "hold, stop, abort"
    PAUSE = "pause, and go on after a pause"
    START = "start a run of an approved plan"
    RESTART = "restart a held run"
    CLOSE = "close the record of a run that was left"
    ANSWER = "answer a prompt, decide at a gate, enter a measurement"
    ACKNOWLEDGE = "acknowledge, reset or shelve an alarm"
    LOT = "quarantine or scrap a lot, carry it out of the dry room or back"
    UNIT = "take a unit out of service or put it back"
    END_BYPASS = "end a bypass"
    BYPASS = "bypass a row"
    WRITE = "write a value by hand"
    SILENCE = "take an alarm out of service"
    RECIPE = "add a recipe version or comment on one"
    APPROVE = "approve a recipe or withdraw an approval"
    RELEASE = "release a lot or a run by signature"
    CONFIGURATION = "read the configuration"
    AUDIT = "search the audit"
    USERS = "manage users, roles and tokens"
    STORE = "back up the store"


VIEWER = frozenset({Action.VIEW})
OPERATOR = VIEWER | {
    Action.LOWER,
    Action.PAUSE,
    Action.START,
    Action.RESTART,
    Action.CLOSE,
    Action.ANSWER,
    Action.ACKNOWLEDGE,
    Action.LOT,
    Action.UNIT,
    Action.END_BYPASS,
}
ENGINEER = OPERATOR | {
    Action.BYPASS,
    Action.WRITE,
    Action.SILENCE,
    Action.RECIPE,
    Action.APPROVE,
    Action.RELEASE,
    Action.CONFIGURATION,
    Action.AUDIT,
}

AUTHORITY: Mapping[Role, frozenset[Action]] = {
    Role.VIEWER: VIEWER,
    Role.OPERATOR: OPERATOR,
    Role.ENGINEER: ENGINEER,
    Role.ADMINISTRATOR: VIEWER | {Action.LOWER, Action.CONFIGURATION, Action.AUDIT, Action.USERS, Action.STORE},
}
"""A bypass and a write by hand change what a machine is checked against or works with: an engineer answers for them.

Whoever gives out rights neither presses nor approves; who approves gives out none.
"""

SIGNED_BY_TWO = frozenset({Action.APPROVE, Action.BYPASS})
"""Where the service asks a second person who may do the same to sign as well, with a password given anew."""

AT_ONCE = frozenset({Action.LOWER})
"""What waits for no store: whoever is known to be signed in does it by what is remembered of them."""
WITHOUT_STORE = AT_ONCE | {Action.VIEW}
"""What is not refused where the store of people does not answer: who lowers risk has to see what it does."""


class NotAuthorised(Exception):
    """A role may not do this. Not retryable in that role; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks for something. means is how they are known: password, openid, terminal, or token and its name.

    A program's token acts under the name of the person who answers for it.
    """

    name: str
    role: Role
    means: str = "terminal"

    @property
    def is_program(self) -> bool:
        """Whether a token asks, not a person."""
        return self.means.split(" ")[0] == "token"


def authorise(role: Role, action: Action) -> None:
    """Raises NotAuthorised unless the table lets this role do it."""
    if action not in AUTHORITY[role]:
        able = ", ".join(other for other in Role if action in AUTHORITY[other])
        raise NotAuthorised(f"the role {role} may not {action}; {able} may")

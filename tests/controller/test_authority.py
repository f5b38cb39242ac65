"""The table of roles and actions: what it says is what is done, and no role has what another must keep to itself."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError

import pytest

from controller.authority import (
    AT_ONCE,
    AUTHORITY,
    SIGNED_BY_TWO,
    WITHOUT_STORE,
    Action,
    Actor,
    NotAuthorised,
    Role,
    authorise,
)

RAISES = {Action.START, Action.RESTART, Action.WRITE, Action.BYPASS}

# A right is given or taken in two places: there, where it counts, and here, where somebody has to mean it.
#                   viewer operator engineer administrator
RIGHTS = {
    Action.VIEW: "        yes yes yes yes",
    Action.LOWER: "       no  yes yes yes",
    Action.PAUSE: "       no  yes yes no",
    Action.START: "       no  yes yes no",
    Action.RESTART: "     no  yes yes no",
    Action.CLOSE: "       no  yes yes no",
    Action.ANSWER: "      no  yes yes no",
    Action.ACKNOWLEDGE: " no  yes yes no",
    Action.LOT: "         no  yes yes no",
    Action.UNIT: "        no  yes yes no",
    Action.END_BYPASS: "  no  yes yes no",
    Action.BYPASS: "      no  no  yes no",
    Action.WRITE: "       no  no  yes no",
    Action.SILENCE: "     no  no  yes no",
    Action.RECIPE: "      no  no  yes no",
    Action.APPROVE: "     no  no  yes no",
    Action.RELEASE: "     no  no  yes no",
    Action.CONFIGURATION: "no no  yes yes",
    Action.AUDIT: "       no  no  yes yes",
    Action.USERS: "       no  no  no  yes",
    Action.STORE: "       no  no  no  yes",
}


def test_each_right_is_meant() -> None:
    said = {action: ["yes" if action in AUTHORITY[role] else "no" for role in Role] for action in Action}
    assert said == {action: words.split() for action, words in RIGHTS.items()}
    assert set(AUTHORITY) == set(Role)


def test_approvals_and_bypasses_are_signed_by_two() -> None:
    assert {action.name for action in SIGNED_BY_TWO} == {"APPROVE", "BYPASS"}


def test_what_waits_for_no_store() -> None:
    assert {action.name for action in AT_ONCE} == {"LOWER"}
    assert {action.name for action in WITHOUT_STORE} == {"LOWER", "VIEW"}


@pytest.mark.parametrize(
    ("means", "is_program"),
    [("token press-7", True), ("token", True), ("terminal", False), ("password", False), ("tokens are nice", False)],
)
def test_a_token_is_a_program(means: str, is_program: bool) -> None:
    assert Actor("A. Person", Role.OPERATOR, means).is_program is is_program


def test_who_acts_does_not_change_and_is_at_the_terminal_unless_said() -> None:
    actor = Actor("A. Person", Role.OPERATOR)
    assert actor.means == "terminal"
    assert actor == Actor("A. Person", Role.OPERATOR)
    with pytest.raises(FrozenInstanceError):
        actor.role = Role.ENGINEER  # type: ignore[misc]  # that it cannot be set is the test


@pytest.mark.parametrize("role", Role)
def test_every_role_may_do_exactly_what_the_table_says(role: Role) -> None:
    for action in Action:
        if action in AUTHORITY[role]:
            authorise(role, action)
            continue
        able = ", ".join(other for other in Role if action in AUTHORITY[other])
        with pytest.raises(NotAuthorised, match=re.escape(f"the role {role} may not {action}; {able} may")):
            authorise(role, action)


def test_every_action_is_somebodys_and_whoever_acts_may_look() -> None:
    assert {action for may in AUTHORITY.values() for action in may} == set(Action)
    assert all(Action.VIEW in AUTHORITY[role] for role in Role)


def test_a_viewer_only_looks_and_everybody_else_may_lower_risk() -> None:
    assert AUTHORITY[Role.VIEWER] == {Action.VIEW}
    assert all(Action.LOWER in AUTHORITY[role] for role in Role if role is not Role.VIEWER)


def test_an_engineer_may_do_what_an_operator_may() -> None:
    assert AUTHORITY[Role.OPERATOR] < AUTHORITY[Role.ENGINEER]


def test_whoever_gives_out_rights_neither_presses_nor_approves() -> None:
    for role in Role:
        if Action.USERS in AUTHORITY[role]:
            assert not AUTHORITY[role] & (RAISES | SIGNED_BY_TWO | {Action.RECIPE, Action.RELEASE})


def test_a_bypass_and_a_write_by_hand_are_an_engineers() -> None:
    for action in (Action.BYPASS, Action.WRITE, Action.APPROVE):
        assert [role for role in Role if action in AUTHORITY[role]] == [Role.ENGINEER]

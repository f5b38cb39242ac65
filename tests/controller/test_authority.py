"""The table of roles and actions: what it says is what is done, and no role has what another must keep to itself."""

from __future__ import annotations

import re

import pytest

from controller.authority import AUTHORITY, SIGNED_BY_TWO, Action, NotAuthorised, Role, authorise

RAISES = {Action.START, Action.RESTART, Action.WRITE, Action.BYPASS}


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

"""Tokens of programs: told once, in somebody's name, never with more rights, ended at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from controller.accounts import LockedOut, NotDone, TokenInvalid, TokenUnknown, Unacceptable, UserUnknown, redacted
from controller.accounts.lockout import Throttle
from controller.authority import AUTHORITY, Actor, NotAuthorised, Role
from tests.accounts.office import AWAY, HOME, PASSWORD, TERMINAL, Office, Wall, office

WEEK = timedelta(days=7)


async def test_a_program_acts_in_the_name_of_who_made_its_token(people: Office) -> None:
    ann = await people.person("ann", "engineer")
    made = await people.accounts.make_token("mes", "operator", WEEK, by=ann, address=HOME)
    actor = await people.accounts.bearer(made.token, AWAY)
    assert actor == Actor("ann", Role.OPERATOR, "token mes")
    assert actor.is_program
    assert not ann.is_program
    (listed,) = await people.accounts.tokens.all("ann")
    assert (listed.counts, listed.used_from, listed.ends[:16]) == (True, AWAY, "2026-03-08T06:00")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("of", Role)
async def test_a_token_may_never_do_more_than_its_maker(tmp_path: Path, of: Role, role: Role) -> None:
    async with office(f"sqlite:///{tmp_path / 'people.sqlite'}", tmp_path) as people:
        ann = await people.person("ann", of)
        if AUTHORITY[role] <= AUTHORITY[of]:
            made = await people.accounts.make_token("mes", role, WEEK, by=ann)
            assert (await people.accounts.bearer(made.token)).role is role
        else:
            with pytest.raises(Unacceptable, match=f"who is {of}, cannot be {role}"):
                await people.accounts.make_token("mes", role, WEEK, by=ann)


async def test_its_secret_is_told_once_and_kept_as_a_hash(people: Office) -> None:
    ann = await people.person("ann")
    made = await people.accounts.make_token("mes", "viewer", WEEK, by=ann)
    secret = made.token[13:]
    assert made.token.startswith(f"plt_{made.info.id}_")
    assert secret not in repr(made)
    rows = await people.database.run(lambda c: str(c.execute(text("SELECT * FROM tokens")).all()))
    written = rows.encode() + str(people.journal.events()).encode()
    assert made.info.id.encode() in written
    assert secret.encode() not in written
    assert (
        redacted(f"GET /x?t={made.token} by {made.token}")
        == f"GET /x?t=plt_{made.info.id}_... by plt_{made.info.id}_..."
    )


async def test_forged_altered_and_ended_tokens_are_none(people: Office) -> None:
    ann = await people.person("ann")
    made = await people.accounts.make_token("mes", "viewer", WEEK, by=ann)
    other = await people.accounts.make_token("erp", "viewer", WEEK, by=ann)
    mine, secret = made.token[:13], made.token[13:]
    forged = [
        mine + other.token[13:],
        mine + ("A" if secret[0] != "A" else "B") + secret[1:],
        "plt_00000000_" + secret,
        secret,
        made.token + " ",
        "",
        "plt_",
        "x" * 10_000,
    ]
    for token in forged:
        with pytest.raises(TokenInvalid, match="none of this line, or it was revoked or is over"):
            await people.accounts.bearer(token, AWAY)
    people.wall.pass_(days=7, seconds=9)
    with pytest.raises(TokenInvalid):
        await people.accounts.bearer(made.token, AWAY)
    people.wall.pass_(days=-7)
    with pytest.raises(TokenInvalid):  # the clock is set back
        await people.accounts.bearer(made.token, AWAY)


async def test_who_guesses_tokens_has_to_wait_and_others_need_not(people: Office) -> None:
    ann = await people.person("ann")
    made = await people.accounts.make_token("mes", "viewer", WEEK, by=ann)
    for _ in range(30):
        with pytest.raises(TokenInvalid):
            await people.accounts.bearer("plt_00000000_" + "x" * 43, AWAY)
    with pytest.raises(LockedOut):
        await people.accounts.bearer("plt_00000000_" + "x" * 43, AWAY)
    assert (await people.accounts.bearer(made.token, HOME)).name == "ann"


async def test_a_flood_of_made_up_tokens_from_everywhere_does_not_reach_the_store(people: Office) -> None:
    ann = await people.person("ann")
    made = await people.accounts.make_token("mes", "viewer", WEEK, by=ann)
    await people.accounts.bearer(made.token)
    people.accounts.tokens._live._unknown = Throttle(20, 1000.0)
    told = []
    for number in range(30):
        with pytest.raises((TokenInvalid, LockedOut)) as refused:
            await people.accounts.bearer(f"plt_{number:08x}_" + "x" * 43, f"203.0.113.{number}")
        told.append(refused.type)
    assert told == [TokenInvalid] * 20 + [LockedOut] * 10
    assert (await people.accounts.bearer(made.token)).name == "ann"


async def test_a_token_ends_when_it_is_revoked_or_its_owner_loses_the_right(people: Office) -> None:
    ann = await people.person("ann", "engineer")
    await people.person("eve", "administrator")
    accounts = people.accounts
    made = {role: await accounts.make_token(role, role, WEEK, by=ann) for role in ("viewer", "operator", "engineer")}
    for each in made.values():
        await accounts.bearer(each.token)
    await accounts.users.set_role("ann", "operator", by=TERMINAL)
    with pytest.raises(TokenInvalid):
        await accounts.bearer(made["engineer"].token)
    await accounts.bearer(made["operator"].token)
    await accounts.revoke(made["operator"].info.id, by=ann)
    with pytest.raises(TokenInvalid):
        await accounts.bearer(made["operator"].token)
    await accounts.bearer(made["viewer"].token)
    await accounts.users.set_enabled("ann", enabled=False, by=TERMINAL)
    with pytest.raises(TokenInvalid):
        await accounts.bearer(made["viewer"].token)
    await accounts.users.set_enabled("ann", enabled=True, by=TERMINAL)
    await accounts.users.set_role("ann", "engineer", by=TERMINAL)
    for each in made.values():  # what was ended stays so
        with pytest.raises(TokenInvalid):
            await accounts.bearer(each.token)


async def test_a_token_that_ended_with_a_role_does_not_come_back_with_it(people: Office) -> None:
    ann = await people.person("ann", "engineer")
    made = await people.accounts.make_token("mes", "engineer", WEEK, by=ann)
    await people.accounts.users.set_role("ann", "operator", by=TERMINAL)
    await people.accounts.users.set_role("ann", "engineer", by=TERMINAL)
    with pytest.raises(TokenInvalid):
        await people.accounts.bearer(made.token)


async def test_who_may_make_and_revoke_tokens(people: Office) -> None:
    ann, bob = await people.person("ann"), await people.person("bob", "engineer")
    eve = await people.person("eve", "administrator")
    made = await people.accounts.make_token("mes", "viewer", WEEK, by=ann)
    program = await people.accounts.bearer(made.token)
    for by, of in ((bob, "ann"), (eve, "ann"), (program, None), (program, "ann")):
        with pytest.raises(NotAuthorised):
            await people.accounts.make_token("other", "viewer", WEEK, by=by, of=of)
    for by in (bob, program):
        with pytest.raises(NotAuthorised):
            await people.accounts.revoke(made.info.id, by=by)
    await people.accounts.revoke(made.info.id, by=eve)
    with pytest.raises(NotDone):
        await people.accounts.revoke(made.info.id, by=eve)
    again = await people.accounts.make_token("mes", "viewer", WEEK, by=TERMINAL, of="ann")  # the name is free again
    assert again.info.user == "ann"
    assert [told["who"] for told in people.told("token.made")] == ["ann", TERMINAL.name]


async def test_what_cannot_be_a_token_is_refused_with_the_reason(people: Office) -> None:
    ann = await people.person("ann")
    await people.accounts.make_token("mes", "viewer", WEEK, by=ann)
    with pytest.raises(NotDone, match="ann has a token mes already"):
        await people.accounts.make_token("MES", "viewer", WEEK, by=ann)
    for name, role, lasts, words in [
        ("a b", "viewer", WEEK, "a name has"),
        ("x", "root", WEEK, "there is no role 'root'; there are viewer"),
        ("x", "viewer", timedelta(0), "at most 400 days"),
        ("x", "viewer", timedelta(days=401), "at most 400 days"),
    ]:
        with pytest.raises(Unacceptable, match=words):
            await people.accounts.make_token(name, role, lasts, by=ann)
    with pytest.raises(TokenUnknown):
        await people.accounts.revoke("00000000", by=ann)
    with pytest.raises(UserUnknown):
        await people.accounts.make_token("x", "viewer", WEEK, by=TERMINAL, of="nobody")


async def test_a_token_manages_no_users_even_an_administrators(people: Office) -> None:
    eve = await people.person("eve", "administrator")
    made = await people.accounts.make_token("script", "administrator", WEEK, by=eve)
    program = await people.accounts.bearer(made.token)
    for act in (
        people.accounts.users.add("mallory", "engineer", by=program),
        people.accounts.users.set_password("eve", PASSWORD + "!", by=program),
        people.accounts.users.way_in("eve", by=program),
    ):
        with pytest.raises(NotAuthorised, match="a token does not manage users"):
            await act
    assert len(people.told("audit.refused")) == 3


async def test_a_token_lasts_over_a_restart(url: str, tmp_path: Path) -> None:
    wall = Wall()
    async with office(url, tmp_path, wall) as people:
        ann = await people.person("ann")
        made = await people.accounts.make_token("mes", "viewer", WEEK, by=ann)
    async with office(url, tmp_path, wall) as people:
        assert (await people.accounts.bearer(made.token)).means == "token mes"

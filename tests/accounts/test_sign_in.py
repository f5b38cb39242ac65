"""Coming in: the first start, passwords, sessions; whatever somebody tries, the audit says it and tells no secret."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import Parameters
from argon2.low_level import Type
from sqlalchemy import text

from controller.accounts import CsrfRefused, Limits, LockedOut, NotDone, SignInRefused, TokenInvalid
from controller.accounts.lockout import Throttle
from controller.accounts.secret import csrf_of
from controller.authority import Actor, NotAuthorised, Role
from tests.accounts.office import AWAY, HOME, OTHER, PASSWORD, SQLITE, TERMINAL, Office, Wall, office


async def test_the_first_start_makes_an_administrator_and_one_way_in_that_works_once(people: Office) -> None:
    assert not await people.accounts.has_users()
    first = await people.accounts.first_way_in()
    again = await people.accounts.first_way_in()
    assert first is not None
    assert again is not None
    assert again.user == "administrator"
    with pytest.raises(TokenInvalid, match="was used, is over, or is none"):
        await people.accounts.use_way_in(first.token, PASSWORD, HOME)  # a later one takes its place
    session = await people.accounts.use_way_in(again.token, PASSWORD, HOME)
    assert session.actor == Actor("administrator", Role.ADMINISTRATOR, "password")
    assert await people.accounts.session(session.token) == session.actor
    with pytest.raises(TokenInvalid):
        await people.accounts.use_way_in(again.token, OTHER, HOME)
    assert await people.accounts.first_way_in() is None
    assert await people.accounts.has_users()


async def test_a_way_in_is_over_after_its_time_and_a_bad_password_does_not_use_it_up(people: Office) -> None:
    way = await people.accounts.first_way_in()
    assert way is not None
    with pytest.raises(Exception, match="at least 12"):
        await people.accounts.use_way_in(way.token, "short", HOME)
    people.wall.pass_(minutes=61)
    with pytest.raises(TokenInvalid):
        await people.accounts.use_way_in(way.token, PASSWORD, HOME)


async def test_two_who_use_one_way_in_at_once_do_not_both_come_in(people: Office) -> None:
    way = await people.accounts.first_way_in()
    assert way is not None
    tried = [people.accounts.use_way_in(way.token, f"{PASSWORD} {number}", HOME) for number in range(5)]
    done = await asyncio.gather(*tried, return_exceptions=True)
    assert sum(not isinstance(each, BaseException) for each in done) == 1


async def test_a_right_password_opens_a_new_session_each_time(people: Office) -> None:
    await people.person("ann")
    one = await people.accounts.sign_in("ann", PASSWORD, HOME)
    two = await people.accounts.sign_in(" ANN ", PASSWORD, HOME)
    assert one.token != two.token
    assert await people.accounts.session(one.token) == Actor("ann", Role.OPERATOR, "password")
    assert [info.address for info in await people.accounts.sessions("ann")] == [HOME, HOME]
    third = await people.accounts.sign_in("ann", PASSWORD, HOME, replacing=two.token)
    with pytest.raises(TokenInvalid):
        await people.accounts.session(two.token)
    assert (await people.accounts.session(third.token)).name == "ann"


@SQLITE
@pytest.mark.parametrize(
    ("name", "password"),
    [("ann", "wrong horse battery"), ("nobody", PASSWORD), ("", ""), ("gone", PASSWORD), ("new", PASSWORD),
     ("ann", "\ud800" * 12), ("\ud800", PASSWORD), ("ann", "x" * 100_000), ("ann\0", PASSWORD)],
)  # fmt: skip
async def test_who_does_not_prove_who_they_are_hears_the_same(people: Office, name: str, password: str) -> None:
    await people.person("ann")
    await people.person("gone")
    await people.accounts.users.set_enabled("gone", enabled=False, by=TERMINAL)
    await people.accounts.users.add("new", "operator", by=TERMINAL)
    with pytest.raises(SignInRefused, match=r"^name and password do not fit$"):
        await people.accounts.sign_in(name, password, AWAY)
    (told,) = people.told("sign_in.refused")
    assert told["who"] == (name if name in ("ann", "gone", "new") else "")
    assert told["address"] == AWAY


async def test_no_secret_is_written_anywhere(people: Office) -> None:
    await people.person("ann")
    session = await people.accounts.sign_in("ann", PASSWORD, HOME)
    for name, password in (("ann", "wrong " + PASSWORD), (PASSWORD, "ann")):  # also typed into the wrong field
        with pytest.raises(SignInRefused):
            await people.accounts.sign_in(name, password, AWAY)
    way = await people.accounts.users.way_in("ann", by=TERMINAL)
    await people.accounts.sign_out(session.token)
    secrets = (PASSWORD, session.token, session.csrf, way.token)
    assert not [word for word in secrets if word in repr((session, way))]
    rows = await people.database.run(
        lambda c: str([c.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608  our own names
                       for table in ("users", "sessions", "ways_in", "sign_in_tries")])
    )  # fmt: skip
    written = rows.encode() + str(people.journal.events()).encode()
    assert b"session.begun" in written
    assert not [word for word in secrets if word.encode() in written]


async def test_a_session_ends_when_nothing_is_asked_and_at_the_latest_after_its_time(people: Office) -> None:
    await people.person("ann")
    session = await people.accounts.sign_in("ann", PASSWORD, HOME)
    for _ in range(24):
        people.wall.pass_(minutes=29)
        await people.accounts.session(session.token)
    people.wall.pass_(minutes=25)
    with pytest.raises(TokenInvalid, match="longest time"):
        await people.accounts.session(session.token)
    session = await people.accounts.sign_in("ann", PASSWORD, HOME)
    people.wall.pass_(minutes=20)
    await people.accounts.session(session.token, touch=False)
    people.wall.pass_(minutes=11)
    with pytest.raises(TokenInvalid, match="nothing was asked"):
        await people.accounts.session(session.token)
    people.wall.pass_(minutes=-60)
    with pytest.raises(TokenInvalid):
        await people.accounts.session(session.token)
    assert [told["why"] for told in people.told("session.ended")] == [
        "it reached its longest time",
        "nothing was asked for too long",
    ]


async def test_a_clock_that_is_set_back_prolongs_nothing_not_even_over_a_restart(url: str, tmp_path: Path) -> None:
    wall = Wall()
    async with office(url, tmp_path, wall) as people:
        await people.person("ann")
        session = await people.accounts.sign_in("ann", PASSWORD, HOME)
        wall.pass_(hours=13)
        await people.person("bob")  # the latest that the store knows
    wall.pass_(hours=-13)
    async with office(url, tmp_path, wall) as people:
        with pytest.raises(TokenInvalid, match="longest time"):
            await people.accounts.session(session.token)


async def test_a_session_lasts_over_a_restart_and_its_idle_time_goes_on(url: str, tmp_path: Path) -> None:
    wall = Wall()
    async with office(url, tmp_path, wall) as people:
        await people.person("ann")
        session = await people.accounts.sign_in("ann", PASSWORD, HOME)
        wall.pass_(minutes=20)
        await people.accounts.session(session.token)
    wall.pass_(minutes=20)
    async with office(url, tmp_path, wall) as people:
        assert (await people.accounts.session(session.token)).name == "ann"
    wall.pass_(minutes=31)
    async with office(url, tmp_path, wall) as people:
        with pytest.raises(TokenInvalid):
            await people.accounts.session(session.token)


async def test_sign_out_a_new_password_a_new_role_and_disabling_end_sessions_at_once(people: Office) -> None:
    await people.person("ann")
    accounts = people.accounts

    async def signed_in() -> str:
        session = await accounts.sign_in("ann", OTHER if changed else PASSWORD, HOME)
        await accounts.session(session.token)  # it is remembered now
        return session.token

    changed = False
    token = await signed_in()
    await accounts.sign_out(token)
    await accounts.sign_out(token)
    ended = [token]
    ended.append(await signed_in())
    await accounts.users.set_password("ann", OTHER, by=TERMINAL)
    changed = True
    ended.append(await signed_in())
    await accounts.users.set_role("ann", "engineer", by=TERMINAL)
    ended.append(token := await signed_in())
    (info,) = await accounts.sessions("ann")
    await accounts.end_session(info.id, by=Actor("ann", Role.ENGINEER, "password"))
    ended.append(await signed_in())
    await accounts.users.set_enabled("ann", enabled=False, by=TERMINAL)
    await accounts.users.set_enabled("ann", enabled=True, by=TERMINAL)
    for token in ended:
        with pytest.raises(TokenInvalid):
            await accounts.session(token)


async def test_nobody_ends_a_session_of_another_but_who_manages_users(people: Office) -> None:
    ann, bob = await people.person("ann"), await people.person("bob", "administrator")
    await people.accounts.sign_in("bob", PASSWORD, HOME)
    (info,) = await people.accounts.sessions("bob")
    with pytest.raises(NotAuthorised):
        await people.accounts.end_session(info.id, by=ann)
    await people.accounts.end_session(info.id, by=bob)
    assert await people.accounts.sessions() == []


async def test_a_session_that_an_attacker_made_up_is_none(people: Office) -> None:
    """Fixation: a token that a browser brings is never taken over."""
    await people.person("ann")
    brought = "A" * 43
    session = await people.accounts.sign_in("ann", PASSWORD, HOME, replacing=brought)
    assert session.token != brought
    for token in (brought, "", "x" * 10_000, "\ud800", session.token + "=", session.token[:-1]):
        with pytest.raises(TokenInvalid):
            await people.accounts.session(token)


@SQLITE
async def test_a_flood_of_made_up_sessions_does_not_reach_the_store_and_real_ones_go_on(people: Office) -> None:
    await people.person("ann")
    session = await people.accounts.sign_in("ann", PASSWORD, HOME)
    await people.accounts.session(session.token)
    people.accounts._sessions._live._unknown = Throttle(20, 1000.0)
    told = []
    for number in range(30):
        with pytest.raises((TokenInvalid, LockedOut)) as refused:
            await people.accounts.session(f"{number:043}")
        told.append(refused.type)
    assert told == [TokenInvalid] * 20 + [LockedOut] * 10
    assert (await people.accounts.session(session.token)).name == "ann"


@SQLITE
async def test_a_request_carries_the_word_of_its_own_session(people: Office) -> None:
    await people.person("ann")
    one = await people.accounts.sign_in("ann", PASSWORD, HOME)
    two = await people.accounts.sign_in("ann", PASSWORD, HOME)
    people.accounts.check_csrf(one.token, one.csrf)
    assert one.csrf == csrf_of(one.token)
    for given in (two.csrf, "", one.token, "\ud800"):
        with pytest.raises(CsrfRefused):
            people.accounts.check_csrf(one.token, given)


async def test_who_is_disabled_while_the_password_is_looked_at_does_not_come_in(people: Office) -> None:
    await people.person("ann")
    begin = people.accounts._sessions.begin

    async def later(*args: object) -> object:
        await people.accounts.users.set_enabled("ann", enabled=False, by=TERMINAL)
        return await begin(*args)  # type: ignore[arg-type]  # handed through

    people.accounts._sessions.begin = later  # type: ignore[method-assign,assignment]  # a moment that cannot be hit
    with pytest.raises(SignInRefused):
        await people.accounts.sign_in("ann", PASSWORD, HOME)
    assert people.told("audit.not_done")[-1]["new"] == "session.begun"


async def test_one_changes_ones_own_password_with_the_one_of_before(people: Office) -> None:
    ann = await people.person("ann")
    old = await people.accounts.sign_in("ann", PASSWORD, HOME)
    with pytest.raises(SignInRefused):
        await people.accounts.change_password(ann, OTHER, OTHER, HOME)
    new = await people.accounts.change_password(ann, PASSWORD, OTHER, HOME)
    with pytest.raises(TokenInvalid):
        await people.accounts.session(old.token)
    assert await people.accounts.session(new.token) == ann
    with pytest.raises(SignInRefused):
        await people.accounts.sign_in("ann", PASSWORD, HOME)


async def test_a_hash_of_other_parameters_is_made_anew_at_the_next_sign_in(url: str, tmp_path: Path) -> None:
    stronger = Parameters(Type.ID, 19, 16, 32, 2, 64, 1)
    async with office(url, tmp_path) as people:
        await people.person("ann")
    async with office(url, tmp_path, parameters=stronger) as people:
        session = await people.accounts.sign_in("ann", PASSWORD, HOME)
        assert (await people.accounts.session(session.token)).name == "ann"
        (stored,) = await people.database.run(lambda c: c.execute(text("SELECT password FROM users")).scalars().all())
        assert "m=64,t=2,p=1" in stored
        assert len(people.told("user.password_rehashed")) == 1
        await people.accounts.sign_in("ann", PASSWORD, HOME)
        assert len(people.told("user.password_rehashed")) == 1


async def test_limits_are_the_lines_own(url: str, tmp_path: Path) -> None:
    async with office(url, tmp_path, limits=Limits(idle=timedelta(minutes=2))) as people:
        await people.person("ann")
        session = await people.accounts.sign_in("ann", PASSWORD, HOME)
        people.wall.pass_(minutes=3)
        with pytest.raises(TokenInvalid):
            await people.accounts.session(session.token)


@SQLITE
async def test_too_many_who_wait_for_their_password_are_sent_away(people: Office) -> None:
    tried = [people.accounts._desk.passwords.verify(None, "x") for _ in range(40)]
    done = await asyncio.gather(*tried, return_exceptions=True)
    away = [each for each in done if isinstance(each, LockedOut)]
    assert len(away) == 24
    assert away[0].retry_after_s == 1
    assert await people.accounts._desk.passwords.verify(None, "x") is False


async def test_an_administrator_always_stays(people: Office) -> None:
    await people.person("ann", "administrator")
    bob = await people.person("bob", "administrator")
    await people.accounts.users.add("eve", "administrator", by=TERMINAL)  # without a password: nobody who could help
    with pytest.raises(NotDone, match="nobody changes their own role"):
        await people.accounts.users.set_role("bob", "engineer", by=bob)
    await people.accounts.users.set_enabled("ann", enabled=False, by=bob)
    for act in (
        people.accounts.users.set_enabled("bob", enabled=False, by=TERMINAL),
        people.accounts.users.set_role("bob", "viewer", by=TERMINAL),
    ):
        with pytest.raises(NotDone, match="no enabled administrator"):
            await act
    assert (await people.accounts.users.get("bob")).enabled
    assert [told["new"] for told in people.told("audit.refused")] == ["user.role", "user.disabled", "user.role"]

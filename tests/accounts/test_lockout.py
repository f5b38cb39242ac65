"""Against guessing: each try makes the next one later, but not where somebody always signs in; never for good."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest
from argon2.profiles import CHEAPEST
from sqlalchemy import func, select

from controller.accounts import LockedOut, Passwords, SignInRefused
from controller.accounts.lockout import RULES, Throttle, place_of
from controller.accounts.tables import tries
from tests.accounts.office import AWAY, HOME, PASSWORD, SQLITE, TERMINAL, Office, Wall, office

ELSEWHERE = [f"203.0.113.{number}" for number in range(1, 200)]


async def fail(people: Office, name: str, address: str, times: int = 1) -> list[int]:
    """Tries so often, as soon as it is let; how many seconds each had to wait."""
    waited = []
    for _ in range(times):
        try:
            await people.accounts.sign_in(name, "wrong horse battery", address)
        except LockedOut as error:
            waited.append(round(error.retry_after_s))
            people.wall.pass_(seconds=error.retry_after_s + 5)
            with pytest.raises(SignInRefused):
                await people.accounts.sign_in(name, "wrong horse battery", address)
        except SignInRefused:
            waited.append(0)
    return waited


async def test_each_failure_after_five_doubles_the_time_until_the_next_try(people: Office) -> None:
    await people.person("ann")
    waits = [(await fail(people, "ann", address))[0] for address in ELSEWHERE[:18]]
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert RULES["name"].longest_s == 900


async def test_the_right_password_does_not_help_while_it_is_locked_and_such_tries_count_nothing(people: Office) -> None:
    await people.person("ann")
    await fail(people, "ann", AWAY, 10)  # the last locks for 32 s
    for _ in range(5):
        with pytest.raises(LockedOut):
            await people.accounts.sign_in("ann", PASSWORD, ELSEWHERE[0])
    people.wall.pass_(seconds=40)
    assert (await people.accounts.sign_in("ann", PASSWORD, AWAY)).actor.name == "ann"
    await fail(people, "ann", AWAY)  # counted from nothing again


async def test_who_guesses_elsewhere_keeps_nobody_from_the_panel_that_they_always_use(people: Office) -> None:
    await people.person("ann")
    await people.accounts.sign_in("ann", PASSWORD, HOME)
    await fail(people, "ann", AWAY, 8)
    with pytest.raises(LockedOut):
        await people.accounts.sign_in("ann", PASSWORD, ELSEWHERE[0])
    assert (await people.accounts.sign_in("ann", PASSWORD, HOME)).actor.name == "ann"


async def test_at_that_panel_guessing_is_late_as_well(people: Office) -> None:
    await people.person("ann")
    await people.accounts.sign_in("ann", PASSWORD, HOME)
    await fail(people, "ann", HOME, 7)
    with pytest.raises(LockedOut):
        await people.accounts.sign_in("ann", PASSWORD, HOME)
    await people.person("bob")
    await people.accounts.sign_in("bob", PASSWORD, HOME)  # a colleague at the same panel


async def test_a_way_in_and_unlocking_open_at_once(people: Office) -> None:
    await people.person("ann")
    await people.accounts.sign_in("ann", PASSWORD, HOME)
    for open_again in ("way in", "unlock"):
        await fail(people, "ann", HOME, 8)
        with pytest.raises(LockedOut):
            await people.accounts.sign_in("ann", PASSWORD, HOME)
        if open_again == "way in":
            way = await people.accounts.users.way_in("ann", by=TERMINAL)
            await people.accounts.use_way_in(way.token, PASSWORD, HOME)
        else:
            await people.accounts.users.unlock("ann", by=TERMINAL)
            await people.accounts.sign_in("ann", PASSWORD, HOME)


async def test_names_that_are_nobodys_are_locked_in_the_same_way(people: Office) -> None:
    await people.person("ann")
    told: dict[str, list[str]] = {"ann": [], "nobody": []}
    for name, where in (("ann", ELSEWHERE[:30]), ("nobody", ELSEWHERE[30:60])):
        for address in where:
            try:
                await people.accounts.sign_in(name, "wrong horse battery", address)
            except (SignInRefused, LockedOut) as error:
                told[name].append(str(error))
    assert told["ann"] == told["nobody"]
    assert any("too many" in words for words in told["ann"])


@SQLITE
async def test_unknown_names_cost_the_same_work(people: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """By count and not by the clock, which a busy computer would bend: one comparison with a hash of the same kind."""
    await people.person("ann")
    passwords = people.accounts._desk.passwords
    seen: list[str] = []
    fits = passwords._fits

    def noted(stored: str, password: str) -> bool:
        seen.append(stored)
        return fits(stored, password)

    monkeypatch.setattr(passwords, "_fits", noted)
    for name in ("ann", "nobody"):
        await fail(people, name, AWAY)
    assert [stored.rsplit("$", 2)[0] for stored in seen] == [seen[0].rsplit("$", 2)[0]] * 2


async def test_an_address_that_tries_many_names_is_locked_too(people: Office) -> None:
    people.accounts._proving._throttle = Throttle(1000)
    for number in range(20):
        await fail(people, f"name{number}", AWAY)
    with pytest.raises(LockedOut):
        await people.accounts.sign_in("and.another", PASSWORD, AWAY)
    with pytest.raises(SignInRefused):
        await people.accounts.sign_in("and.another", PASSWORD, HOME)


async def test_one_good_password_is_no_excuse_for_an_address(people: Office) -> None:
    await people.person("mallory")
    people.accounts._proving._throttle = Throttle(1000)
    for number in range(20):
        assert await fail(people, f"name{number}", AWAY) == [0]
        if number < 19:
            await people.accounts.sign_in("mallory", PASSWORD, AWAY)
    with pytest.raises(LockedOut):
        await people.accounts.sign_in("another", PASSWORD, AWAY)


async def test_many_tries_at_once_are_no_way_round(people: Office) -> None:
    await people.person("ann")
    tried = [people.accounts.sign_in("ann", f"wrong {number}", ELSEWHERE[number]) for number in range(40)]
    done = await asyncio.gather(*tried, return_exceptions=True)
    assert sum(isinstance(each, SignInRefused) for each in done) == 5
    assert sum(isinstance(each, LockedOut) for each in done) == 35


async def test_a_restart_forgets_no_failure(url: str, tmp_path: Path) -> None:
    wall = Wall()
    async with office(url, tmp_path, wall) as people:
        await people.person("ann")
        await fail(people, "ann", AWAY, 8)
    async with office(url, tmp_path, wall) as people:
        with pytest.raises(LockedOut):
            await people.accounts.sign_in("ann", PASSWORD, AWAY)
        people.wall.pass_(days=1, seconds=10)  # nothing of it counts any more
        await fail(people, "ann", AWAY)
        await people.accounts.sign_in("ann", PASSWORD, AWAY)


async def test_what_is_counted_does_not_grow_without_end(people: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.accounts.lockout.KEPT", 10)
    for number in range(12):
        await fail(people, f"name{number}", ELSEWHERE[number])
    count = select(func.count()).select_from(tries)
    assert await people.database.run(lambda c: c.execute(count).scalar_one()) == 10


@SQLITE
async def test_a_flood_from_one_address_is_cut_off_before_the_store(people: Office) -> None:
    refused = locked = 0
    for number in range(60):
        try:
            await people.accounts.sign_in(f"name{number}", PASSWORD, AWAY)
        except SignInRefused:
            refused += 1
        except LockedOut:
            locked += 1
    assert locked >= 30
    assert len(people.told()) == refused  # a flood does not fill the journal either


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.10", "192.0.2.10"),
        ("::ffff:192.0.2.10", "192.0.2.10"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:9::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_network_of_one_customer_is_one_place(address: str, place: str) -> None:
    assert place_of(address) == place


def test_a_throttle_lets_a_burst_through_and_then_one_every_so_often() -> None:
    throttle = Throttle(3, 2.0, kept=2)

    def asks(address: str, now_s: float) -> bool:
        try:
            throttle.check(address, now_s)
        except LockedOut:
            return False
        throttle.count(address, now_s)
        return True

    assert [asks("a", 10.0) for _ in range(5)] == [True, True, True, False, False]
    assert not asks("a", 11.9)
    assert asks("a", 12.0)
    assert not asks("a", 12.0)
    assert asks("b", 12.0)
    assert asks("c", 12.0)  # the third place: the oldest is forgotten
    assert asks("a", 12.0)


def test_the_cheapest_parameters_are_only_for_tests() -> None:
    kept = inspect.signature(Passwords).parameters["parameters"].default
    assert (kept.memory_cost, kept.time_cost, kept.parallelism, kept.salt_len, kept.hash_len) == (65536, 3, 1, 16, 32)
    assert CHEAPEST.memory_cost < kept.memory_cost

"""The store of people does not answer: who is signed in sees the line and lowers risk; nothing else is done."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

from controller.accounts import TokenInvalid, desk, remembered
from controller.authority import AT_ONCE, WITHOUT_STORE, Action, Role
from controller.database import Database, DatabaseUnusable
from tests.accounts.office import HOME, PASSWORD, TERMINAL, Wall, office
from tests.api.site import PASSWORD as PASSWORD_OF_SITE
from tests.api.site import Site, events_of

DAY = timedelta(days=1)


def key(text: str) -> dict[str, str]:
    return {"Idempotency-Key": text}


async def refuses(*_: Any) -> NoReturn:
    raise DatabaseUnusable("postgresql://plant/people: the connection is closed")


async def hangs(*_: Any) -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError


def away(database: Database, monkeypatch: pytest.MonkeyPatch, how: Any = refuses) -> None:
    """From now on the store does not answer, and what is remembered is too old to count without it."""
    monkeypatch.setattr(database, "run", how)
    monkeypatch.setattr(remembered, "READ_ANEW_S", -1.0)
    monkeypatch.setattr(desk, "SOON_S", 0.02)


def test_only_looking_and_lowering_need_no_store() -> None:
    assert {Action.LOWER} == AT_ONCE
    assert {Action.LOWER, Action.VIEW} == WITHOUT_STORE


@pytest.mark.parametrize("how", [refuses, hangs])
@pytest.mark.parametrize("by", ["session", "token"])
async def test_an_operator_sees_holds_stops_and_aborts(
    site: Site, monkeypatch: pytest.MonkeyPatch, how: Any, by: str
) -> None:
    run = await site.run()
    while site.service.run(run).state != "running":  # noqa: ASYNC110  as a page would
        await asyncio.sleep(0.01)
    operator = site.client(Role.OPERATOR) if by == "token" else await site.page(Role.OPERATOR)
    async with operator as client:
        away(site.database, monkeypatch, how)
        for command in ("hold", "abort"):
            answer = await client.post(f"/api/v1/runs/{run}/{command}", json={"reason": "smoke"}, headers=key(command))
            assert answer.status_code == 200, answer.text
        while (await client.get(f"/api/v1/runs/{run}")).json()["state"] not in ("aborting", "aborted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        lowered = await client.post("/api/v1/units/coater-1/commands", json={"command": "stop", "reason": "smoke"})
        assert lowered.status_code in (200, 409)
        if how is refuses:
            started = await client.post("/api/v1/runs", json={"recipe": "small"}, headers=key("one"))
            assert (started.status_code, started.json()["type"]) == (503, "urn:pressline:problem:unready")
    asked = [event.data for event in events_of(site, "person.asked") if event.data["what"] in ("hold", "abort")]
    assert {(data["who"], data["role"]) for data in asked} == {("operator-1", "operator")}


async def test_what_was_ended_or_taken_away_before_lowers_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await site.run()
    admin = await site.accounts.sign_in("administrator-1", PASSWORD_OF_SITE, HOME)
    stop = f"/api/v1/runs/{run}/stop"
    async with await site.page(Role.OPERATOR) as out, site.client(Role.OPERATOR) as token:
        await site.accounts.users.set_role("operator-1", "viewer", by=admin.actor)
        away(site.database, monkeypatch)
        for client in (out, token):
            answer = await client.post(stop, json={"reason": "smoke"})
            assert answer.status_code in (401, 503), answer.text
    assert [event.data["what"] for event in events_of(site, "person.asked")] == ["start a run"]


async def test_who_signs_out_meanwhile_is_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await site.run()
    async with await site.page(Role.OPERATOR) as client:
        with monkeypatch.context() as gone:
            away(site.database, gone)
            assert (await client.delete("/api/v1/session")).status_code == 503
            assert (await stopped(client, run)).status_code == 401
        assert (await stopped(client, run)).status_code == 401, "the store has it still"
        await site.accounts.sign_in("viewer-1", PASSWORD_OF_SITE, HOME)
        left = [session.address for session in await site.accounts.sessions("operator-1")]
        assert left == ["10.0.0.1"], "the next sign-in carries it out"


async def stopped(client: httpx.AsyncClient, run: str) -> httpx.Response:
    return await client.post(f"/api/v1/runs/{run}/stop", json={"reason": "smoke"})


async def test_a_token_that_is_known_does_not_wait_for_who_guesses_beside_it(site: Site) -> None:
    run = await site.run()
    async with site.client(Role.OPERATOR) as client, site.client() as stranger:
        forged = {"Authorization": f"Bearer plt_00000000_{'A' * 43}"}
        guessed = [(await stranger.get("/api/v1/line", headers=forged)).status_code for _ in range(40)]
        assert guessed[-1] == 429
        assert (await stopped(client, run)).status_code == 200


async def test_after_a_restart_everybody_is_known_and_limits_of_time_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, wall = f"sqlite:///{tmp_path / 'people.sqlite'}", Wall()
    async with office(url, tmp_path, wall) as before:
        await before.person("olga")
        session = await before.accounts.sign_in("olga", PASSWORD, HOME)
        made = await before.accounts.make_token("mes", "operator", DAY, by=TERMINAL, of="olga")
    async with office(url, tmp_path, wall) as people:
        with monkeypatch.context() as gone:
            away(people.database, gone)
            for action in (Action.LOWER, Action.VIEW):
                assert (await people.accounts.session(session.token, action=action)).name == "olga"
                assert (await people.accounts.bearer(made.token, HOME, action)).name == "olga"
            for asked in (people.accounts.session(session.token), people.accounts.bearer(made.token, HOME)):
                with pytest.raises(DatabaseUnusable):
                    await asked
            wall.pass_(minutes=31)
            with pytest.raises(TokenInvalid, match="nothing was asked for too long"):
                await people.accounts.session(session.token, action=Action.LOWER)
            wall.pass_(days=2)
            with pytest.raises(TokenInvalid):
                await people.accounts.bearer(made.token, HOME, Action.LOWER)

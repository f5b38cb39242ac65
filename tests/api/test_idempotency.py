"""A command that is sent again is answered again and not done again."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from controller.api import Keys
from controller.api.idempotency import TABLES, Answered, Asked
from controller.api.problems import Problem
from controller.authority import Role
from controller.database import Database, DatabaseUnusable, open_database
from tests.api.site import Site
from tests.postgres import PostgresServer

ADDRESS = "/api/v1/units/coater-1/service"
OUT = {"in_service": False, "reason": "a seal is worn"}
KEY = {"Idempotency-Key": "0001"}


async def test_the_same_command_is_done_once(site: Site) -> None:
    async with site.client(Role.OPERATOR, **KEY) as client:
        first = await client.post(ADDRESS, json=OUT)
        told = len(site.service.journal.events())
        again = await client.post(ADDRESS, json=OUT)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(site.service.journal.events()) == told


async def test_another_body_under_the_key_is_refused(site: Site) -> None:
    async with site.client(Role.OPERATOR, **KEY) as client:
        await client.post(ADDRESS, json=OUT)
        other = await client.post(ADDRESS, json=OUT | {"in_service": True})
    assert (other.status_code, other.json()["type"]) == (422, "urn:pressline:problem:key-reused")
    assert site.service.unit("coater-1").out_of_service


async def test_a_key_is_its_senders_own(site: Site) -> None:
    async with site.client(Role.OPERATOR, **KEY) as one, site.client(Role.ENGINEER, **KEY) as other:
        await one.post(ADDRESS, json=OUT)
        answer = await other.post(ADDRESS, json={"in_service": True, "reason": "mended"})
    assert answer.status_code == 200
    assert not site.service.unit("coater-1").out_of_service


async def test_what_raises_risk_needs_a_key_and_a_stop_does_not(site: Site) -> None:
    async with site.client(Role.OPERATOR) as client:
        answer = await client.post(ADDRESS, json=OUT)
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:pressline:problem:key-missing")
        run = await site.run()
        assert (await client.post(f"/api/v1/runs/{run}/stop", json={"reason": "enough"})).status_code == 200


async def test_a_refused_command_leaves_its_key_free(site: Site) -> None:
    async with site.client(Role.OPERATOR, **KEY) as client:
        assert (await client.post(ADDRESS, json={"in_service": False})).status_code == 422
        assert (await client.post(ADDRESS, json=OUT)).status_code == 200


async def test_a_fault_leaves_an_outcome_that_nobody_knows(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk fell out of the window")

    monkeypatch.setattr(site.service, "set_unit", broken)
    async with site.client(Role.OPERATOR, **KEY) as client:
        first = await client.post(ADDRESS, json=OUT)
        again = await client.post(ADDRESS, json=OUT)
    assert (first.status_code, again.status_code) == (500, 409)
    assert "window" not in first.text
    assert again.json()["type"] == "urn:pressline:problem:outcome-unknown"
    assert [str(fault) for fault in site.faults] == ["the disk fell out of the window"]
    site.faults.clear()


async def test_a_stop_goes_through_where_the_keys_cannot_be_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*_: Any) -> None:
        raise DatabaseUnusable("the store does not answer")

    run = await site.run()
    monkeypatch.setattr(site.parts.keys, "take", gone)
    async with site.client(Role.OPERATOR, **KEY) as client:
        assert (await client.post(f"/api/v1/runs/{run}/abort", json={"reason": "smoke"})).status_code == 200
        assert (await client.post(ADDRESS, json=OUT)).status_code == 503


# ---------------------------------------------------------------------- the table by itself, on both databases


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path / 'keys.sqlite'}"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()
    opened = open_database(url, TABLES)
    with contextlib.closing(opened):
        yield opened


def asked(body: bytes = b"{}", key: str = "0001") -> Asked:
    return Asked.of("Ada", key, "POST", "/api/v1/runs", body)


ANSWERED = Answered(201, "application/json", b'{"name":"run-1"}', "/api/v1/runs/run-1")


async def test_an_answer_survives_a_restart(database: Database) -> None:
    before = Keys(database, lambda: 0)
    assert await before.take(asked()) is None
    await before.keep(asked(), ANSWERED)
    assert await Keys(database, lambda: 1).take(asked()) == ANSWERED


async def test_a_command_that_a_dead_process_got_is_not_done_again(database: Database) -> None:
    assert await Keys(database, lambda: 0).take(asked()) is None
    with pytest.raises(Problem) as refused:
        await Keys(database, lambda: 1).take(asked())
    assert refused.value.kind == "outcome-unknown"


async def test_one_of_many_at_once_is_carried_out(database: Database) -> None:
    keys = Keys(database, lambda: 0)
    found = await asyncio.gather(*(keys.take(asked()) for _ in range(10)), return_exceptions=True)
    assert found.count(None) == 1
    assert {item.kind for item in found if isinstance(item, Problem)} == {"in-progress"}


async def test_a_key_is_kept_for_a_day(database: Database) -> None:
    clock = [0]
    keys = Keys(database, lambda: clock[0])
    await keys.take(asked())
    await keys.keep(asked(), ANSWERED)
    clock[0] = 86_399_000_000
    assert await keys.take(asked()) == ANSWERED
    clock[0] = 86_401_000_000
    assert await keys.take(asked()) is None


@pytest.mark.parametrize("key", ["", "x" * 201, "caf\u00e9", "a\tb"])
def test_a_key_that_is_none(key: str) -> None:
    with pytest.raises(Problem, match="printable"):
        asked(key=key)


async def test_a_stop_that_is_sent_again_is_answered_again_for_a_minute_by_no_store(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any) -> None:
        raise AssertionError("the store of keys was asked")

    monkeypatch.setattr(site.parts.keys, "take", gone)
    now_us = 0
    monkeypatch.setattr(site.parts.keys, "_now_us", lambda: now_us)
    run = await site.run()
    stop = f"/api/v1/runs/{run}/abort"
    async with site.client(Role.OPERATOR, **KEY) as client:
        first, again = [await client.post(stop, json={"reason": "smoke"}) for _ in range(2)]
        assert (first.status_code, again.status_code) == (200, 200)
        assert (again.headers.get("idempotency-replayed"), again.content) == ("true", first.content)
        other = await client.post(stop, json={"reason": "fire"})
        assert other.json()["type"] == "urn:pressline:problem:key-reused"
        now_us = 61_000_000
        late = await client.post(stop, json={"reason": "smoke"})
        assert "idempotency-replayed" not in late.headers, "rather done once more than taken for a repetition"

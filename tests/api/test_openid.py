"""Coming in by the plant's provider over HTTP: in the browser that began, once, and never instead of a password."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest

from controller.accounts import OpenIdSettings
from controller.accounts.clock import us_of
from controller.authority import Role
from tests.accounts.provider import CLIENT, LoopbackProvider, provider
from tests.api.site import ORIGIN, PASSWORD, Site

OPENID = "/api/v1/session/openid"


@pytest.fixture
async def plant(site: Site) -> AsyncIterator[LoopbackProvider]:
    """The site with a provider that its people come in by."""
    with provider() as found:
        roles = {"line-1-engineers": Role.ENGINEER, "line-1-operators": Role.OPERATOR}
        settings = OpenIdSettings(found.issuer, CLIENT, f"{ORIGIN}{OPENID}", roles)
        site.app.state.parts = site.parts = replace(site.parts, openid=site.accounts.by_openid(settings))
        found.now = us_of(site.parts.utc()) // 1_000_000
        yield found


async def begun(client: httpx.AsyncClient, plant: LoopbackProvider) -> dict[str, str]:
    """What the provider sends the browser back with."""
    answer = await client.post(OPENID)
    assert answer.status_code == 200, answer.text
    assert "httponly" in answer.headers["set-cookie"].lower()
    code, state = plant.agrees(answer.json()["url"])
    return {"code": code, "state": state, "iss": plant.issuer}


async def test_a_browser_comes_in_and_its_answer_counts_once(site: Site, plant: LoopbackProvider) -> None:
    async with site.client() as client, site.client() as other:
        back = await begun(client, plant)
        assert (await other.get(OPENID, params=back)).status_code == 401, "not the browser that began"
        answer = await client.get(OPENID, params=back)
        assert answer.status_code == 200, answer.text
        assert 'http-equiv="refresh"' in answer.text
        cookie = next(text for text in answer.headers.get_list("set-cookie") if "pressline_session" in text).lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        shown = (await client.get("/api/v1/session")).json()
        assert (shown["name"], shown["role"], shown["means"]) == ("ann", "engineer", "openid")
        again = await client.get(OPENID, params=back)
        assert again.status_code == 401
        assert again.json()["type"] == "urn:pressline:problem:not-signed-in"


async def test_the_session_of_before_ends_and_is_not_taken_over(site: Site, plant: LoopbackProvider) -> None:
    async with site.client() as client:
        await client.post("/api/v1/session", json={"name": "operator-1", "password": PASSWORD})
        before = client.cookies["pressline_session"]
        assert (await client.get(OPENID, params=await begun(client, plant))).status_code == 200
        assert client.cookies["pressline_session"] != before
        async with site.client(None, Cookie=f"pressline_session={before}") as old:
            assert (await old.get("/api/v1/line")).status_code == 401


LIES: Sequence[dict[str, Any]] = (
    {"status": 503},  # first: its keys are remembered later
    {"changes": {"groups": ["visitors"]}},
    {"changes": {"nonce": "of another"}},
    {"changes": {"aud": "another"}},
    {"changes": {"iss": "https://evil.example"}},
    {"changes": {"exp": 1}},
    {"raw": jwt.encode({"sub": "s-1"}, "", "none", {"kid": "one"})},
    {"raw": jwt.encode({"sub": "s-1"}, "c" * 32, "HS256", {"kid": "one"})},
)


async def test_who_is_not_vouched_for_stays_out_and_passwords_still_count(site: Site, plant: LoopbackProvider) -> None:
    truth: dict[str, Any] = {"changes": {}, "raw": None, "status": 200}
    for lie in LIES:
        async with site.client() as client:
            back = await begun(client, plant)
            for name, value in lie.items():
                setattr(plant, name, value)
            answer = await client.get(OPENID, params=back)
            assert answer.status_code == 401, (lie, answer.text)
            assert "pressline_session" not in client.cookies
            for name, value in truth.items():
                setattr(plant, name, value)
    assert await site.accounts.sessions("ann") == []
    plant.status = 503
    async with site.client() as client:
        local = await client.post("/api/v1/session", json={"name": "operator-1", "password": PASSWORD})
        assert local.status_code == 200


async def test_what_the_provider_refuses_and_what_another_page_begins(site: Site, plant: LoopbackProvider) -> None:
    async with site.client() as client:
        back = await begun(client, plant)
        refused = await client.get(OPENID, params={"state": back["state"], "error": "access_denied"})
        assert refused.status_code == 401
        elsewhere = {**back, "iss": "https://evil.example"}
        assert (await client.get(OPENID, params=elsewhere)).status_code == 401
        foreign = await client.post(OPENID, headers={"Origin": "https://evil.example"})
        assert foreign.json()["type"] == "urn:pressline:problem:other-origin"


async def test_without_a_provider_there_is_no_such_way(site: Site) -> None:
    async with site.client() as client:
        for answer in (await client.post(OPENID), await client.get(OPENID, params={"code": "x", "state": "y"})):
            assert (answer.status_code, answer.json()["type"]) == (404, "urn:pressline:problem:unknown")

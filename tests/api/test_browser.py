"""What a browser brings, and what another site's page could make it send."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from controller.api.origins import normal
from tests.api.site import ORIGIN, PASSWORD, Site
from tests.api.site import site as opened

SIGN_IN = {"name": "operator-1", "password": PASSWORD}


async def signed_in(client: httpx.AsyncClient) -> str:
    """The session's own word; the cookie is the client's."""
    answer = await client.post("/api/v1/session", json=SIGN_IN)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["csrf"])


async def test_a_session_is_a_cookie_that_no_script_reads(site: Site) -> None:
    async with site.client() as client:
        answer = await client.post("/api/v1/session", json=SIGN_IN)
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/" in cookie
        assert (await client.get("/api/v1/session")).json()["name"] == "operator-1"


async def test_under_tls_the_cookie_is_this_hosts_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, tls=True) as site, site.client() as client:
        answer = await client.post("/api/v1/session", json=SIGN_IN)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-pressline_session=")
        assert "Secure" in cookie
        assert answer.headers["strict-transport-security"].startswith("max-age=")


async def test_a_change_needs_the_sessions_word(site: Site) -> None:
    address, body = "/api/v1/alarms/acknowledge", {"alarms": ["x@line"]}
    async with site.client() as client, site.client() as stranger:
        own = await signed_in(client)
        assert (await client.post(address, json=body)).json()["type"] == "urn:pressline:problem:csrf"
        others = await signed_in(stranger)
        wrong = await client.post(address, json=body, headers={"X-CSRF-Token": others})
        assert wrong.json()["type"] == "urn:pressline:problem:csrf"
        right = await client.post(address, json=body, headers={"X-CSRF-Token": own})
        assert right.status_code in (404, 409)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://line.example.evil.example"}, 403),
        ({"Origin": "https://line.example"}, 403),  # another scheme is another origin
        ({"Origin": "http://line.example:8080"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": ORIGIN}, 200),
        ({"Origin": "http://LINE.example:80"}, 200),
        ({}, 200),
    ],
)
async def test_whose_page_may_ask(site: Site, headers: dict[str, str], status: int) -> None:
    async with site.client() as client:
        assert (await client.post("/api/v1/session", json=SIGN_IN, headers=headers)).status_code == status


async def test_further_origins_and_names_are_configured(tmp_path: Path) -> None:
    names = {"allowed_origins": ("https://plant.example",), "hosts": ("line.example",)}
    async with opened(tmp_path, **names) as site, site.client() as client:
        plant = await client.post("/api/v1/session", json=SIGN_IN, headers={"Origin": "https://plant.example"})
        assert plant.status_code == 200
        rebound = await client.get("/api/v1/line", headers={"Host": "evil.example"})
        assert rebound.json()["type"] == "urn:pressline:problem:other-origin"


async def test_after_signing_out_the_cookie_opens_nothing(site: Site) -> None:
    async with site.client() as client:
        own = await signed_in(client)
        token = client.cookies["pressline_session"]
        assert (await client.delete("/api/v1/session", headers={"X-CSRF-Token": own})).status_code == 204
        assert "pressline_session" not in client.cookies
        replayed = await client.get("/api/v1/line", headers={"Cookie": f"pressline_session={token}"})
        assert replayed.status_code == 401


async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(site: Site) -> None:
    async with site.client() as client:
        answers = [
            await client.post("/api/v1/session", json={"name": name, "password": "wrong password"})
            for name in ("operator-1", "nobody")
        ]
    told = [{**answer.json(), "instance": ""} for answer in answers]
    assert told[0] == told[1]
    assert answers[0].status_code == 401


async def test_guessing_is_slowed_down(site: Site) -> None:
    wrong = {"name": "operator-1", "password": "wrong password"}
    async with site.client() as client:
        answer = await client.post("/api/v1/session", json=wrong)
        for _ in range(30):
            if answer.status_code == 429:
                break
            answer = await client.post("/api/v1/session", json=wrong)
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("given", ["Bearer", "Basic dXNlcjpwYXNz", "Bearer plt_00000000_" + "A" * 43, "Bearer x y"])
async def test_a_forged_token_is_none(site: Site, given: str) -> None:
    async with site.client() as client:
        answer = await client.get("/api/v1/line", headers={"Authorization": given})
    assert answer.status_code == 401


async def test_every_answer_has_the_headers_of_the_policy(site: Site) -> None:
    async with site.client() as client:
        for address in ("/health/live", "/api/v1/line", "/nothing"):
            headers = (await client.get(address)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-request-id"]
        kept = await client.get("/health/live", headers={"X-Request-Id": "plant-7"})
        assert kept.headers["x-request-id"] == "plant-7"
        made = await client.get("/health/live", headers={"X-Request-Id": "a b\x7f"})
        assert made.headers["x-request-id"] != "a b\x7f"


@pytest.mark.parametrize("origin", ["", "null", "file:///x", "http://", "http://a/b", "http://a:x", "http://u@a"])
def test_what_is_no_origin(origin: str) -> None:
    assert normal(origin) is None

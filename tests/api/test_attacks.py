"""What somebody with bad intent sends, before and after they signed in: each is refused, cheaply, and told nobody."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from controller.accounts.tls import load_tls
from controller.api import Limits
from controller.api.body_checks import MEMBERS, PARTS
from controller.authority import Role
from controller.serving.logs import Log
from controller.serving.plans import StoredPlans
from controller.store.errors import NotApproved
from controller.store.words import Reference
from tests.accounts.office import TERMINAL
from tests.accounts.test_listening import NOW
from tests.accounts.test_listening import made as certificate_made
from tests.api.site import PASSWORD, Site, events_of, served
from tests.api.site import site as opened

JSON = {"Content-Type": "application/json"}
SMALL = Path(__file__).parents[1] / "controller" / "small.yaml"
DRAFT = "/api/v1/drafts/validate"


SIGN_IN = {"name": "operator-1", "password": PASSWORD}


# ---------------------------------------------------------------------- bodies


BODIES: Sequence[tuple[bytes, int]] = (
    (b"[" * 8_000, 400),
    (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, 400),
    (b'{"name": "operator-1", "name": "viewer-1", "password": "x"}', 400),
    (b'{"name": NaN, "password": "x"}', 400),
    (b'{"name": "a", "password": -Infinity}', 400),
    (b'{"name": "a", "password": ' + b"9" * 5_000 + b"}", 400),
    (b'{"name": "\\ud800", "password": "x"}', 422),
    (b'{"name": "a\\u0000", "password": "\\udfff"}', 422),
    ('{"name": "a", "password": "x"}'.encode("utf-16"), 401),
    (b"{" + b",".join(b'"%d":1' % number for number in range(MEMBERS + 1)) + b"}", 400),
    (b"{" + b",".join(b'"%d":1' % number for number in range(500)) + b"}", 422),
    (b'"' + b"a" * 16_500 + b'"', 401),  # more than a name and a password can be: only of who is signed in
)


async def test_a_body_that_is_made_to_harm(site: Site) -> None:
    async with site.client() as client:
        for body, status in BODIES:
            answer = await client.post("/api/v1/session", content=body, headers=JSON)
            assert answer.status_code == status, (body[:80], answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert len(answer.content) < 30_000


async def test_what_costs_time_to_read_is_not_read(site: Site) -> None:
    async with site.client(Role.VIEWER) as client:
        many = await client.post(DRAFT, content=b"[" + b"1," * PARTS + b"1]", headers=JSON)
        assert (many.status_code, many.json()["type"]) == (413, "urn:pressline:problem:too-large")
        large = {"file": "a.yaml", "text": 7, "more": "x" * 900_000}
        assert (await client.post(DRAFT, json=large)).status_code == 422
    async with site.client() as nobody:
        assert (await nobody.post(DRAFT, json=large)).status_code == 401


async def test_a_form_of_another_page_signs_nobody_in_and_commands_nothing(site: Site) -> None:
    """What a page can send without asking the browser for leave: no JSON, and the cookie alone is not enough."""
    body = json.dumps(SIGN_IN).encode()
    kinds = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "")
    async with site.client() as client:
        for kind in kinds:
            answer = await client.post("/api/v1/session", content=body, headers={"Content-Type": kind} if kind else {})
            assert answer.status_code in (400, 415, 422), answer.text
        assert (await client.post("/api/v1/session", json=SIGN_IN)).status_code == 200
        for kind in kinds:
            stop = await client.post("/api/v1/runs/run-1/stop", content=b"{}", headers={"Content-Type": kind})
            assert stop.json()["type"] == "urn:pressline:problem:csrf"


# ---------------------------------------------------------------------- recipes as text


def draft(text: str, **packs: str) -> dict[str, Any]:
    return {"file": "draft.yaml", "text": text, "packs": packs}


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
BOMBS = (
    BOMB,
    "[" * 50_000,
    "{a: " * 20_000,
    "- " * 20_000,
    "? " * 5_000,
    "recipe: !!python/object/apply:os.system ['touch was-here']",
    "recipe: " + "9" * 100_000,
    "title: " + "a" * 400_000 + "!",
    "laminate: {area: 1e999999999 cm2}",
    "laminate: {area: " + "1" * 5_000 + " cm2}",
)


async def test_a_recipe_has_the_service_read_none_of_its_files_and_costs_it_nothing(site: Site) -> None:
    """A rule pack is named by a path: one that leaves the recipe's folder is never opened, nor told of."""
    text = SMALL.read_text(encoding="utf-8")
    async with site.client(Role.ENGINEER) as client:
        for outside in ("/etc/passwd", "../../../../etc/passwd", "./../secret.csv", "/dev/zero", "/"):
            body = draft(re.sub(r"^basis: .*$", f"basis: [honda, {outside}]", text, flags=re.MULTILINE))
            key = {"Idempotency-Key": outside}
            for path, asked in (
                (DRAFT, body),
                ("/api/v1/drafts/plan", body),
                ("/api/v1/drafts/diff", {"first": body, "second": body}),
                ("/api/v1/recipes", body),
            ):
                answer = await client.post(path, json=asked, headers=key)
                assert answer.status_code in (200, 422), answer.text
                assert "not beside the recipe" in answer.text
                assert "root:" not in answer.text
        for bomb in BOMBS:
            answer = await asyncio.wait_for(client.post(DRAFT, json=draft(bomb)), 60)
            assert answer.status_code in (200, 413), answer.text
            assert answer.status_code == 413 or (not answer.json()["is_recipe"] and answer.json()["findings"])
        for name in ("../a.csv", "/tmp/a.csv", "a/../../b.csv", "..", "a\x00.csv", "x" * 300):  # noqa: S108
            answer = await client.post(DRAFT, json=draft("recipe: x", **{name: "id"}))
            assert answer.status_code == 422, answer.text


# ---------------------------------------------------------------------- addresses and headers


PATHS = (
    "/api/v1/../../etc/passwd",
    "/api/v1/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2fetc/passwd",
    "/api/v1/recipes/..%2f..%2fsecret",
    "/api/v1/recipes/%00",
    "/api/v1/runs/%0d%0aSet-Cookie:%20a=b/record",
    "/api/v1/trends/..%5c..%5cx",
    "//evil.example/api/v1/line",
    "/api/v1/line/",
    "/api/v1//line",
)


async def test_no_path_leads_out(site: Site) -> None:
    async with site.client(Role.ENGINEER) as client:
        for path in PATHS:
            answer = await client.get(httpx.URL(f"http://line.example{path}"))
            assert answer.status_code in (404, 422), (path, answer.text)
            assert "set-cookie" not in answer.headers
            assert answer.headers["content-type"] == "application/problem+json"


async def test_an_address_that_is_only_claimed_is_not_believed(site: Site) -> None:
    """Who guesses is known by the socket, whatever the headers of a proxy say."""
    async with site.client() as client:
        told = []
        for number in range(40):
            claimed = f"203.0.113.{number}"
            headers = {"X-Forwarded-For": claimed, "Forwarded": f"for={claimed}", "X-Real-IP": claimed}
            body = {"name": "x", "password": "y"}
            told.append((await client.post("/api/v1/session", json=body, headers=headers)).status_code)
    assert told[-1] == 429
    assert {event.data["address"] for event in events_of(site, "sign_in.refused")} == {"127.0.0.1"}


async def test_a_host_or_a_request_id_that_breaks_lines_breaks_none(site: Site) -> None:
    async with served(site) as address:
        host, port = address.split(":")
        for head in (b"X-Request-Id: a\rb: c", b"X-Request-Id: a\x00b", b"X: a\nSet-Cookie: b=c\n\nHTTP/1.1 200 OK"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: " + address.encode() + b"\r\n" + head + b"\r\n\r\n")
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert b"b: c" not in answer.lower()
            assert b"b=c" not in answer.lower()
            writer.close()


# ---------------------------------------------------------------------- refusals and the log


async def test_refusals_of_a_role_are_recorded_and_do_not_fill_the_disk(site: Site) -> None:
    async with site.client(Role.VIEWER) as viewer, site.client(Role.OPERATOR) as operator:
        for number in range(60):
            asked = await viewer.post(f"/api/v1/runs/{number}%0aforged/stop", json={"reason": "x"})
            assert asked.status_code == 403
        told = [event.data for event in events_of(site, "audit.refused")]
        assert 1 <= len(told) <= 20
        first = told[0]
        assert (first["who"], first["new"], first["object"]) == ("viewer-1", "api.lower", "/api/v1/runs/0?forged/stop")
        assert (await operator.get("/api/v1/audit")).status_code == 403
        last = events_of(site, "audit.refused")[-1].data
        assert (last["who"], last["left_out"]) == ("operator-1", 60 - len(told))


async def test_who_is_nobody_is_told_no_reason(site: Site) -> None:
    site.app.state.parts = site.parts = replace(site.parts, ready=lambda: ["the disk is full"])
    async with site.client() as nobody, site.client(Role.VIEWER) as viewer:
        answer = await nobody.get("/health/ready")
        assert (answer.status_code, answer.json()) == (503, {"ready": False})
        forged = await nobody.get("/health/ready", headers={"Authorization": f"Bearer plt_00000000_{'A' * 43}"})
        assert (forged.status_code, forged.json()) == (503, {"ready": False})
        assert (await viewer.get("/health/ready")).json() == {"ready": False, "reasons": ["the disk is full"]}


def test_no_text_makes_a_second_line_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log("journald", "info", lambda: "now")
    log.about("api").warning("refused\n<2>api: a machine was started", who="a\r\x1b[2J\u2028b")
    assert capsys.readouterr().err.splitlines() == ["<4>api: refused | <2>api: a machine was started who=a  [2J b"]


# ---------------------------------------------------------------------- connections


async def test_one_address_does_not_take_all_connections(tmp_path: Path) -> None:
    limits = Limits(connections_of_one=3)
    async with opened(tmp_path, limits=limits) as site, served(site) as address:
        host, port = address.split(":")
        streams = [await asyncio.open_connection(host, int(port)) for _ in range(4)]
        with suppress(ConnectionError):
            assert await asyncio.wait_for(streams[-1][0].read(), 5) == b"", "cut off"
        assert not any(reader.at_eof() for reader, _ in streams[:-1])
        for _, writer in streams:
            writer.close()
        async with asyncio.timeout(5), httpx.AsyncClient(trust_env=False) as client:
            while True:
                try:
                    assert (await client.get(f"http://{address}/health/live")).status_code == 200
                    break
                except httpx.HTTPError:
                    await asyncio.sleep(0.01)


def test_only_new_tls_with_good_ciphers(tmp_path: Path) -> None:
    certificate, key = certificate_made(tmp_path)
    tls = load_tls(certificate, key, NOW).context()
    assert tls.minimum_version is ssl.TLSVersion.TLSv1_2
    names = [cipher["name"] for cipher in tls.get_ciphers()]
    assert names
    assert all("GCM" in name or "CHACHA20" in name for name in names), names
    assert all(name.startswith(("ECDHE-", "TLS_")) for name in names), names
    assert tls.options & ssl.OP_NO_RENEGOTIATION
    assert tls.options & ssl.OP_NO_COMPRESSION


# ---------------------------------------------------------------------- one person alone


async def test_what_loosens_a_rule_is_told_to_both_and_run_with_two_approvals_only(site: Site) -> None:
    """The recipe is comparative: it stands in what is signed, and one name at the terminal is not enough for it."""
    desk = site.parts.recipes
    desk.store.add(SMALL, "Ada", "", desk.line, desk.capabilities)
    plans, of = StoredPlans(desk.place, desk.capabilities), Reference("small", 1)
    desk.store.approve(of, "Ben", "for trials", desk.line, desk.capabilities, four_eyes=False)
    with pytest.raises(NotApproved, match="small@1 loosens its rules, and only Ben has approved it") as told:
        await plans.approved("small", None)
    assert "comparative" in str(told.value)
    desk.store.withdraw(of, "Ben", "one alone")
    meaning = {"meaning": "for trials"}
    await site.accounts.users.add("eva", "engineer", by=TERMINAL)
    await site.accounts.users.set_password("eva", PASSWORD, by=TERMINAL)
    address = "/api/v1/recipes/small/versions/1"
    async with await site.page(Role.ENGINEER) as page:
        asked = (await page.post(f"{address}/approval-requests", json=meaning, headers={"Idempotency-Key": "1"})).json()
        assert "which loosens its rules: comparative" in asked["what"]["object"]
        signs = {"password": PASSWORD, "sha256": asked["what"]["sha256"]}
        second = f"/api/v1/signatures/{asked['id']}/second"
        own = await page.post(second, json={**signs, "name": "engineer-1"})
        assert own.status_code == 409, "who signs first may not sign second"
        assert (await page.post(second, json={**signs, "name": "eva"})).status_code == 200
        done = {**meaning, "signature": asked["id"]}
        approved = await page.post(f"{address}/approve", json=done, headers={"Idempotency-Key": "2"})
        assert approved.status_code == 200, approved.text
    assert (await plans.approved("small", None))[1]["recipe"] == "small"

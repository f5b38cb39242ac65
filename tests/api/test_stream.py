"""The stream on real sockets: who may listen, what comes, who is cut off."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import httpx
import jsonschema
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from controller.accounts import Session, remembered
from controller.api import HubLimits
from controller.api.asyncapi import asyncapi
from controller.api.stream import serving
from controller.authority import Role
from controller.database import DatabaseUnusable
from tests.api.site import PASSWORD, Site, served
from tests.api.site import site as opened


def bearer(site: Site, role: Role = Role.VIEWER) -> dict[str, str]:
    return {"Authorization": f"Bearer {site.tokens[role]}"}


async def message(websocket: Any, kind: str = "") -> dict[str, Any]:
    """The next message, or the next of a kind."""
    while True:
        found: dict[str, Any] = json.loads(await asyncio.wait_for(websocket.recv(), 5))
        if kind in ("", found["type"]):
            return found


async def denied(where: str, headers: dict[str, str], origin: Any = None) -> Any:
    """What the service answers instead of a WebSocket."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(where, additional_headers=headers, origin=origin)
    return refused.value.response


async def closed(websocket: Any) -> int | None:
    """Reads to the end; with which code the service closed."""
    try:
        while True:
            await message(websocket)
    except ConnectionClosed as ended:
        return None if ended.rcvd is None else ended.rcvd.code


def conforms(found: dict[str, Any]) -> None:
    """To the AsyncAPI document."""
    whole = {**asyncapi(), "$ref": f"#/components/schemas/{found['type']}"}
    jsonschema.Draft202012Validator(whole).validate(found)


async def test_the_line_is_followed_as_the_document_says(site: Site) -> None:
    async with served(site) as address, connect(f"ws://{address}/api/v1/stream", additional_headers=bearer(site)) as ws:
        first = await message(ws)
        conforms(first)
        assert first["type"] == "snapshot"
        assert {"line", "units/coater-1", "values/coater-1"} <= first["topics"].keys()
        run = await site.run()
        topics = set()
        while f"runs/{run}" not in topics:
            found = await message(ws, "change")
            conforms(found)
            topics |= found["set"].keys()


async def test_server_sent_events_are_the_same_and_go_on_behind_an_id(site: Site) -> None:
    async with served(site) as address, httpx.AsyncClient(base_url=f"http://{address}", headers=bearer(site)) as client:

        async def events(number: int, **headers: str) -> list[dict[str, str]]:
            found: list[dict[str, str]] = [{}]
            async with client.stream("GET", "/api/v1/stream", headers=headers) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                async for line in answer.aiter_lines():
                    if line:
                        name, _, value = line.partition(": ")
                        found[-1][name] = value
                    elif len(found) == number:
                        break
                    else:
                        found.append({})
            return found

        with site.parts.hub.listening():
            (first,) = await events(1)
            assert first["event"] == "snapshot"
            conforms(json.loads(first["data"]))
            await site.run()
            (behind,) = await events(1, **{"Last-Event-ID": first["id"]})
        assert behind["event"] in ("change", "heartbeat")


async def test_a_page_listens_with_its_cookie_and_no_other_page_does(site: Site) -> None:
    session = await site.accounts.sign_in("viewer-1", PASSWORD, "127.0.0.1")
    cookie = {"Cookie": f"pressline_session={session.token}"}
    async with served(site) as address:
        where = f"ws://{address}/api/v1/stream"
        async with connect(where, additional_headers=cookie, origin=f"http://{address}") as ws:  # type: ignore[arg-type]
            assert (await message(ws))["type"] == "snapshot"
        for origin in ("http://evil.example", "null", None):
            refused = await denied(where, cookie, origin)
            assert refused.status_code == 403


async def test_no_token_a_forged_one_and_one_that_was_signed_out(site: Site) -> None:
    session = await site.accounts.sign_in("viewer-1", PASSWORD, "127.0.0.1")
    await site.accounts.sign_out(session.token)
    forged = site.tokens[Role.VIEWER][:-1] + ("A" if site.tokens[Role.VIEWER][-1] != "A" else "B")
    async with served(site) as address:
        own = {"Origin": f"http://{address}"}
        for headers in (
            {},
            {"Authorization": f"Bearer {forged}"},
            {"Cookie": f"pressline_session={session.token}"} | own,
            {"Cookie": f"pressline_session={'A' * 43}"} | own,
        ):
            refused = await denied(f"ws://{address}/api/v1/stream", headers)
            assert refused.status_code == 401
            assert json.loads(refused.body)["type"] == "urn:pressline:problem:not-signed-in"


async def test_whoever_may_not_any_more_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "LOOK_AGAIN_S", 0.05)
    admin = await site.accounts.sign_in("administrator-1", PASSWORD, "127.0.0.1")
    async with served(site) as address, connect(f"ws://{address}/api/v1/stream", additional_headers=bearer(site)) as ws:
        await message(ws)
        await site.accounts.users.set_enabled("viewer-1", enabled=False, by=admin.actor)
        assert await closed(ws) == serving.SESSION_OVER


async def test_a_client_that_talks_is_not_listened_to(site: Site) -> None:
    async with served(site) as address, connect(f"ws://{address}/api/v1/stream", additional_headers=bearer(site)) as ws:
        await ws.send("hold everything")
        assert await closed(ws) == serving.NOTHING_TAKEN


async def test_who_reads_nothing_is_dropped_while_others_go_on(tmp_path: Path) -> None:
    """The frozen client's socket is full; the other one misses no number."""
    filler = "x" * 200_000
    async with opened(tmp_path, hub_limits=HubLimits(buffered=5, period_s=0.01)) as site, served(site) as address:
        hub = site.parts.hub
        numbers = iter(range(10**9))
        hub._topics = lambda: {"line": {"filler": f"{next(numbers)}{filler}"}}
        host, port = address.split(":")
        frozen = socket.create_connection((host, int(port)))
        frozen.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lines = ["GET /api/v1/stream HTTP/1.1", f"Host: {address}", "Connection: Upgrade", "Upgrade: websocket"]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        lines += [f"Authorization: Bearer {site.tokens[Role.VIEWER]}", "", ""]
        frozen.sendall("\r\n".join(lines).encode())
        async with connect(f"ws://{address}/api/v1/stream", additional_headers=bearer(site), max_size=None) as ws:
            last = (await message(ws))["sequence"]
            while hub.dropped == 0:
                found = await message(ws, "change")
                assert found["sequence"] == last + 1
                last = found["sequence"]
            assert (await message(ws, "change"))["sequence"] == last + 1
            assert hub.clients == 1
        frozen.close()


async def test_an_open_stream_ends_with_its_session_or_token_and_not_with_the_store(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed out, over by its time, revoked: whichever way somebody listens. A store that is away ends nothing."""
    monkeypatch.setattr(serving, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr(remembered, "READ_ANEW_S", -1.0)
    accounts, desk = site.accounts, site.accounts._desk

    async def refuses(*_: Any) -> NoReturn:
        raise DatabaseUnusable("away")

    async def over(how: str, session: Session) -> None:
        match how:
            case "signed out":
                await accounts.sign_out(session.token)
            case "token revoked":
                (token,) = [each for each in await accounts.tokens.all("viewer-1") if each.counts]
                await accounts.revoke(token.id, by=session.actor)
            case "over, the store being away":
                monkeypatch.setattr(desk, "limits", replace(desk.limits, idle=timedelta(0)))
                monkeypatch.setattr(site.database, "run", refuses)

    async with served(site) as address:
        for how in ("signed out", "token revoked", "over, the store being away"):
            session = await accounts.sign_in("viewer-1", PASSWORD, "127.0.0.1")
            cookie = {"Cookie": f"pressline_session={session.token}", "Origin": f"http://{address}"}
            shown = bearer(site) if how == "token revoked" else cookie
            where = f"{address}/api/v1/stream"
            async with (
                httpx.AsyncClient(timeout=5, headers=shown, trust_env=False) as client,
                client.stream("GET", f"http://{where}") as events,
                connect(f"ws://{where}", additional_headers=shown) as ws,
            ):
                assert events.status_code == 200
                await message(ws)
                if how.startswith("over"):
                    with monkeypatch.context() as away:
                        away.setattr(site.database, "run", refuses)
                        await asyncio.sleep(0.2)
                        await message(ws)
                await over(how, session)
                assert await closed(ws) == serving.SESSION_OVER, how
                async for _ in events.aiter_raw():
                    pass


async def test_a_page_of_another_origin_reads_no_events(site: Site) -> None:
    session = await site.accounts.sign_in("viewer-1", PASSWORD, "127.0.0.1")
    async with site.client(None, Cookie=f"pressline_session={session.token}") as client:
        for origin in ("http://evil.example", "null", "http://line.example:3000"):
            answer = await client.get("/api/v1/stream", headers={"Origin": origin})
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:pressline:problem:other-origin")

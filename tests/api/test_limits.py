"""What a request may bring, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.api import Limits, Workers
from controller.api.problems import Problem
from controller.authority import Role
from tests.api.site import Site, served
from tests.api.site import site as opened

LIMITS = Limits(body_bytes=1000, header_bytes=2000, header_s=0.2, body_s=0.2)
JSON = {"Content-Type": "application/json"}


async def test_too_much_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=LIMITS) as site, site.client(Role.VIEWER) as client:
        large = await client.post("/api/v1/drafts/validate", content=b"x" * 1001, headers=JSON)
        assert (large.status_code, large.json()["type"]) == (413, "urn:pressline:problem:too-large")

        async def parts() -> AsyncIterator[bytes]:  # a body without a stated length
            for _ in range(11):
                yield b"x" * 100

        streamed = await client.post("/api/v1/drafts/validate", content=parts(), headers=JSON)
        assert streamed.status_code == 413
        heads = await client.get("/api/v1/line", headers={"X-Filler": "y" * 2000})
        assert heads.status_code == 431


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=LIMITS) as site, served(site) as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST /api/v1/session HTTP/1.1\r\nHost: {address}\r\nContent-Length: 10\r\n\r\n{{".encode())
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
        assert b"408" in answer
        writer.close()


async def test_a_connection_that_does_not_say_what_it_wants_is_closed(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=LIMITS) as site, served(site) as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: li")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


@pytest.mark.parametrize(
    ("body", "kind"), [(b"{", "malformed"), (b"\xff", "malformed"), (b"[]", "invalid"), (b'{"name": 1}', "invalid")]
)
async def test_a_body_that_is_none(site: Site, body: bytes, kind: str) -> None:
    async with site.client() as client:
        answer = await client.post("/api/v1/session", content=body, headers=JSON)
    assert answer.json()["type"] == f"urn:pressline:problem:{kind}", answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_password_is_never_told_back(site: Site) -> None:
    async with site.client() as client:
        answer = await client.post("/api/v1/session", json={"name": "a", "password": ["hunter2-hunter2"]})
    assert answer.json()["findings"][0]["place"]["pointer"] == "/password"
    assert "hunter2" not in answer.text


async def test_head_is_answered_wherever_get_is(site: Site) -> None:
    async with site.client(Role.VIEWER) as client:
        for address, status in (("/health/live", 200), ("/api/v1/line", 200), ("/api/v1/units/none", 404)):
            answer = await client.head(address)
            assert (answer.status_code, answer.content) == (status, b"")
            assert int(answer.headers["content-length"]) > 0
        assert (await client.head("/api/v1/stream")).status_code == 405
        assert (await client.put("/api/v1/line")).headers["allow"] == "GET, HEAD"


async def test_work_beside_the_loop_does_not_queue_without_end() -> None:
    workers = Workers(1, 1)
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def waits() -> None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()

    first, second = (asyncio.ensure_future(workers.wait_for(waits)) for _ in range(2))
    await asyncio.sleep(0)
    with pytest.raises(Problem, match="wait already"):
        await workers.wait_for(waits)
    gate.set()
    await asyncio.gather(first, second)
    await workers.wait_for(int)
    workers.close()

"""The web server as a task: it listens where it may, says why it cannot, ends in order, comes back on its socket."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
import uvicorn

from controller.serving.web import CannotListen, Web, listen, origin_of


async def app(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server() -> uvicorn.Server:
    return Server(uvicorn.Config(app, loop="none", log_config=None, lifespan="off", timeout_graceful_shutdown=2))


async def asked(url: str) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(url, timeout=5)).text


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_it_serves_on_a_free_port_ends_and_comes_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    listening = listen("127.0.0.1", 0)
    web = Web(server, listening)
    url = origin_of(listening, tls=False)
    for _ in range(2):
        task = asyncio.create_task(web.serve())
        assert await asked(url) == "here"
        assert signal.getsignal(signal.SIGTERM) is before  # the service's own stays
        await ended(task)
        assert not web.is_serving
    web.close()
    with pytest.raises(httpx.ConnectError):
        await asked(url)


async def test_an_answer_under_way_is_finished() -> None:
    listening = listen("127.0.0.1", 0)
    web = Web(server, listening)
    task = asyncio.create_task(web.serve())
    answer = asyncio.create_task(asked(origin_of(listening, tls=False) + "/slow"))
    await asyncio.sleep(0.1)
    await ended(task)
    assert await answer == "here"
    web.close()


async def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match=f"port {port} of 127.0.0.1 is taken by another program"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
async def test_an_address_that_is_not_ours_is_told(host: str) -> None:
    with pytest.raises(CannotListen, match=r"service\.host"):
        listen(host, 0)

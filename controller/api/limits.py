"""How much a request may bring and how long it may take to bring it, before anything looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.api.body_checks import check_json
from controller.api.problems import Problem
from controller.api.telling import send_problem


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take. All are engineering judgement.

    body_bytes is 64 times the largest recipe of the library, strangers_bytes what is taken of who is not signed in: a
    name, a password, a way in; body_s is how long a body may take to arrive, header_s the request's first lines;
    answer_s is how long a reading answer may take until it begins, download_s one that is a file which is made first (a
    command is never cut off: what is on its way to a machine is awaited); blocking is how many plans, documents and
    reductions are worked on at once, waiting how many more may queue up before one is refused. connections are those of
    everybody, connections_of_one those of one address: what comes beyond is cut off at once, so that nobody takes the
    files that machines and the store need.
    """

    body_bytes: int = 2_000_000
    strangers_bytes: int = 16_384
    header_bytes: int = 16_384
    header_s: float = 10.0
    body_s: float = 20.0
    answer_s: float = 30.0
    download_s: float = 300.0
    blocking: int = 2
    waiting: int = 16
    stream_clients: int = 200
    connections: int = 500
    connections_of_one: int = 100


class RequestLimits:
    """Refuses a request that is too large, made to cost time, or arrives too slowly.

    prove raises Problem unless whoever sent the request is signed in: large bodies are taken of nobody else.
    """

    def __init__(self, app: ASGIApp, limits: Limits, prove: Callable[[Scope], Awaitable[None]]) -> None:
        self._app, self._limits, self._prove = app, limits, prove

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._body(scope, receive)
            if body and b"json" in dict(scope["headers"]).get(b"content-type", b"").lower():
                check_json(body)
        except Problem as problem:
            await send_problem(scope, send, problem)
            return
        if body is None:  # gone before it had said everything
            return
        await self._app(scope, _Replayed(body, receive), send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """All of it: no endpoint needs a part, and a slow one then holds nothing but its own connection."""
        limit = self._limits.body_bytes
        headers = dict(scope["headers"])
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._limits.header_bytes:
            raise Problem("headers-too-large", f"the headers have more than {self._limits.header_bytes} bytes")
        stated = headers.get(b"content-length", b"0")
        if not stated.isdigit():
            raise Problem("malformed", "Content-Length is no number")
        if int(stated) > limit:
            raise Problem("too-large", f"the body has {int(stated)} bytes; at most {limit} are taken")
        if is_known := int(stated) > self._limits.strangers_bytes:
            await self._prove(scope)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.body_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    size += len(part := message.get("body", b""))
                    if size > self._limits.strangers_bytes and not is_known:
                        await self._prove(scope)
                        is_known = True
                    if size > limit:
                        raise Problem("too-large", f"the body has more than {limit} bytes")
                    parts.append(part)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise Problem("late-request", f"the body did not arrive within {self._limits.body_s:g} s") from None


class _Replayed:
    """Gives a body that was read already, then what comes."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

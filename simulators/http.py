"""The fault console over HTTP, for this computer only: one request a connection, JSON in and out, one page.

GET / is the page, GET /faults the catalogue, GET /scenarios and GET /status what they say; POST /inject and POST /clear
take a JSON document. A page of another origin gets nothing done: it may not name another host, nor send JSON.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from simulators.faults.console import Console, catalogue, scenarios
from simulators.faults.fault import FaultError

METHODS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ")
"""How a request begins that is HTTP."""
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_MOST_HEADERS, _LARGEST_BODY, _PATIENCE_S = 100, 65_536, 5.0
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}
_REASONS |= {413: "Content Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Content"}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


class _Refused(Exception):
    """A request that is not answered as it asks."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


async def serve_request(console: Console, first: bytes, reader: asyncio.StreamReader) -> bytes:
    """The whole answer to the request that begins with the line `first`."""
    try:
        request = await _read(first, reader)
        _check_origin(request)
        answer = _answered(console, request)
    except _Refused as refused:
        return _response(refused.status, _json({"error": str(refused)}))
    except FaultError as error:
        return _response(422, _json({"error": str(error)}))
    if request.path == "/":
        return _response(200, answer, "text/html; charset=utf-8")
    return _response(200, answer)


async def _read(first: bytes, reader: asyncio.StreamReader) -> Request:
    try:
        # wall seconds: a sender that stops in the middle must not hold the connection, however fast the line runs
        async with asyncio.timeout(_PATIENCE_S * float(getattr(asyncio.get_running_loop(), "speed", 1.0))):
            return await _read_all(first, reader)
    except TimeoutError:
        raise _Refused(400, "the request did not end") from None
    except (asyncio.IncompleteReadError, ValueError):
        raise _Refused(400, "this is no HTTP request") from None


async def _read_all(first: bytes, reader: asyncio.StreamReader) -> Request:
    method, path, _ = first.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while line := (await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
        if len(headers) > _MOST_HEADERS:
            raise _Refused(400, "too many headers")
    size = headers.get("content-length", "0")
    if not size.isdecimal() or "transfer-encoding" in headers:
        raise _Refused(400, "a body needs a content-length")
    if int(size) > _LARGEST_BODY:
        raise _Refused(413, f"a body has at most {_LARGEST_BODY} bytes")
    return Request(method, path.partition("?")[0], headers, await reader.readexactly(int(size)))


def _check_origin(request: Request) -> None:
    host = request.headers.get("host", "")
    if host.rpartition(":")[0] not in _HOSTS and host not in _HOSTS:
        raise _Refused(403, "only this computer may ask, by the name 127.0.0.1 or localhost")
    origin = request.headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        raise _Refused(403, "pages of other origins may not ask")


def _answered(console: Console, request: Request) -> bytes:
    asks: Mapping[str, Callable[[], bytes]] = {
        "/": _page,
        "/faults": lambda: _json(catalogue()),
        "/scenarios": lambda: _json(scenarios()),
        "/status": lambda: _json(console.status()),
    }
    does: Mapping[str, Callable[[object], dict[str, Any]]] = {"/inject": console.inject, "/clear": console.clear}
    if request.path not in asks and request.path not in does:
        raise _Refused(404, f"there is no {request.path}; there are {', '.join((*asks, *does))}")
    if request.method != ("GET" if request.path in asks else "POST"):
        raise _Refused(405, f"{request.path} is asked with {'GET' if request.path in asks else 'POST'}")
    if request.path in asks:
        return asks[request.path]()
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise _Refused(415, "expected application/json")
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        raise _Refused(400, "the body is no JSON document") from None
    return _json(does[request.path](document))


@cache
def _page() -> bytes:
    return files("simulators.faults").joinpath("page.html").read_bytes()


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode()


def _response(status: int, body: bytes, kind: str = "application/json") -> bytes:
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        f"connection: close\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
        f"content-security-policy: {_POLICY}\r\nx-frame-options: DENY\r\n\r\n"
    )
    return head.encode("ascii") + body

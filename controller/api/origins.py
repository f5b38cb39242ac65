"""Which pages of a browser may ask: the service's own and those that the configuration names."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from controller.api.problems import Problem
from controller.api.telling import send_problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def normal(origin: str) -> tuple[str, str, int] | None:
    """(scheme, host, port) of an origin such as https://line.example:8443; None for anything else."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query or parts.username:
        return None
    return parts.scheme, parts.hostname.lower(), port or PORTS[parts.scheme]


class Origins:
    """Judges the Origin header of whatever a browser could be made to send by another site's page.

    Browsers put it on every WebSocket, on every request that changes something, and on what a page of another origin
    wants to read, such as server-sent events; a page cannot forge it. Programs
    send none and prove themselves by a token instead. Where a browser says `Sec-Fetch-Site: cross-site` without an
    origin, the request is refused too. The service's own origin is that of the Host header and of TLS; a rebound name
    would be its "own" too, therefore hosts are names that the configuration gives where it gives any.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str], hosts: Sequence[str], *, tls: bool) -> None:
        self._app = app
        self._allowed = frozenset(found for origin in allowed if (found := normal(origin)) is not None)
        self._hosts = frozenset(host.lower() for host in hosts)
        self._scheme = "https" if tls else "http"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if (problem := self._against(scope, headers)) is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await send_problem(scope, send, problem)
        else:
            await send({"type": "websocket.close", "code": 4403, "reason": problem.detail})

    def _against(self, scope: Scope, headers: dict[str, str]) -> Problem | None:
        host = normal(f"{self._scheme}://{headers.get('host', '')}")
        if self._hosts and (host is None or host[1] not in self._hosts):
            return Problem("other-origin", "the Host header names no host of this service")
        if (origin := headers.get("origin")) is not None:
            found = normal(origin)
            if found is None or (found != host and found not in self._allowed):
                return Problem("other-origin", "the page that asks is neither the service's own nor an allowed origin")
            return None
        if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
            return None  # a link that somebody followed
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return Problem("other-origin", "the page that asks belongs to another site")
        return None

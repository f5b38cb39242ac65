"""Which request it is, what headers every answer has, and how a problem is sent."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.api.problems import MEDIA_TYPE, Problem

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SECURITY_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
"""Pages load only what the service itself serves; 'unsafe-inline' for styles alone, which charts set on elements."""
HSTS = "max-age=31536000"


def instance_of(scope: Scope) -> str:
    """The request's name in logs and problems."""
    return f"urn:pressline:request:{scope.get('state', {}).get('request_id', 'unknown')}"


async def send_problem(scope: Scope, send: Send, problem: Problem) -> None:
    """Answers with a problem, below any framework."""
    body = json.dumps(problem.body(instance_of(scope))).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Telling:
    """Names every request and puts the security headers on every answer.

    A caller's own X-Request-Id is kept where it is a plain word, so that two systems' logs can be laid side by side.
    """

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self._app, self._tls = app, tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        name = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = name
        extra = self._headers(scope, name)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {key.lower() for key, _ in message["headers"]}
                message = {**message, "headers": [*message["headers"], *(h for h in extra if h[0] not in present)]}
            await send(message)

        await self._app(scope, receive, with_headers)

    def _headers(self, scope: Scope, name: str) -> list[tuple[bytes, bytes]]:
        is_api = scope["path"].startswith(("/api/", "/health/", "/metrics"))
        headers: dict[str, Any] = {**SECURITY_HEADERS, "x-request-id": name}
        headers["content-security-policy"] = API_POLICY if is_api else PAGE_POLICY
        if is_api:
            headers["cache-control"] = "no-store"
        if self._tls:
            headers["strict-transport-security"] = HSTS
        return [(key.encode(), value.encode()) for key, value in headers.items()]

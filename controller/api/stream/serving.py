"""The two ways to listen: a WebSocket, and server-sent events for whoever has only HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import APIRouter, Query, Request, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.types import Send
from starlette.websockets import WebSocketDisconnect

from controller.accounts.errors import AccountsError, TokenInvalid
from controller.api.answers import answers
from controller.api.errors import problem_of
from controller.api.forms import API, Viewer
from controller.api.identity import May, proof_of
from controller.api.parts import Parts, parts_of
from controller.api.problems import MEDIA_TYPE, Problem
from controller.api.stream.hub import Client, Full, Why
from controller.api.stream.messages import Position
from controller.api.telling import instance_of
from controller.authority import Action, NotAuthorised, authorise
from controller.database import DatabaseUnusable

CLOSE = {Why.SLOW: 4408, Why.ENDING: 1012}
SESSION_OVER, NOTHING_TAKEN = 4401, 4400
LOOK_AGAIN_S = 5.0
"""Wall-clock seconds between two looks whether who listens still may; also how long an ended session is still told."""
CLOSES_WITHIN_S = 2.0
looks = May(Action.VIEW)
router = APIRouter(prefix=API)


@router.get(
    "/stream",
    operation_id="stream_events",
    tags=["stream"],
    response_class=StreamingResponse,
    responses=answers(401, 403, 422)
    | {
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "until either side ends"}
    },
)
async def stream_events(
    request: Request,
    _: Viewer,
    after: str = Query("", max_length=64, description="a `position`: go on behind it, if it is still known"),
) -> StreamingResponse:
    """The line's snapshot and then its changes, as server-sent events. `Last-Event-ID` goes on behind an event.

    The same messages come over a WebSocket at the same address; docs/reference/asyncapi.json describes them.
    """
    parts = parts_of(request)
    position = Position.of(request.headers.get("last-event-id", "") or after)
    if parts.hub.clients >= parts.hub.limits.clients:
        raise Problem("unready", "as many listen to the stream as may", headers={"Retry-After": "5"})
    return _Events(request, parts, position)


class _Events(StreamingResponse):
    """Server-sent events of one client, until it goes, is too slow, or may not listen any more."""

    def __init__(self, request: Request, parts: Parts, position: Position | None) -> None:
        super().__init__(_nothing(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._request, self._parts, self._position = request, parts, position

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with self._parts.hub.listening(self._position) as client:

            async def sender() -> None:
                while True:
                    body = (await client.next()).sse
                    await send({"type": "http.response.body", "body": body, "more_body": True})

            await first_of(sender, lambda: _over(client), lambda: _not_allowed(self._request, self._parts))
        await asyncio.wait_for(send({"type": "http.response.body", "body": b""}), CLOSES_WITHIN_S)


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for part in nothing:
        yield part


@router.websocket("/stream")
async def stream_socket(websocket: WebSocket, after: str = "") -> None:
    """The same over a WebSocket, one JSON text a message. Nothing is taken from the client."""
    parts = parts_of(websocket)
    try:
        await looks(websocket)
        with parts.hub.listening(Position.of(after)) as client:
            await websocket.accept()
            code, reason = await _served(websocket, parts, client)
    except Full as error:
        await _deny(websocket, Problem("unready", str(error), headers={"Retry-After": "5"}))
        return
    except (Problem, AccountsError, NotAuthorised, DatabaseUnusable) as error:
        await _deny(websocket, problem_of(error) or Problem("internal", "a fault of the service"))
        return
    if code:
        try:
            await asyncio.wait_for(websocket.close(code, reason), CLOSES_WITHIN_S)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            return  # it reads nothing, or is gone: the server lets the connection go


async def _served(websocket: WebSocket, parts: Parts, client: Client) -> tuple[int, str]:
    """Sends until something ends it: (0, "") where the client went away by itself."""

    async def sender() -> None:
        while True:
            await websocket.send_text((await client.next()).text)

    async def gone() -> bool:
        """True: it said something, which nobody wants to hear; False: it went away."""
        try:
            message = await websocket.receive()
        except (RuntimeError, WebSocketDisconnect):
            return False
        return bool(message["type"] != "websocket.disconnect")

    ended = await first_of(sender, gone, lambda: _over(client), lambda: _not_allowed(websocket, parts))
    match ended:
        case Why():
            return CLOSE[ended], str(ended)
        case str():
            return SESSION_OVER, ended
        case True:
            return NOTHING_TAKEN, "the stream takes nothing"
    return 0, ""


async def _over(client: Client) -> Why:
    return await asyncio.shield(client.over)


async def _not_allowed(connection: Request | WebSocket, parts: Parts) -> str:
    """Returns, with the reason, when who listens may not any more."""
    proof = proof_of(connection)
    while True:
        await asyncio.sleep(LOOK_AGAIN_S * float(getattr(asyncio.get_running_loop(), "speed", 1.0)))
        try:
            actor = await proof.actor(parts.people, touch=False, action=Action.VIEW)
            authorise(actor.role, Action.VIEW)
        except (TokenInvalid, NotAuthorised) as error:
            return str(error)[:100]  # what a close frame holds
        except (AccountsError, DatabaseUnusable):
            continue  # nobody can say that the session is over


async def first_of(*works: Callable[[], Awaitable[object]]) -> object:
    """What the first of these returns; the others are cancelled and waited for. Raises what the first raises."""
    tasks = [asyncio.ensure_future(work()) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    first = next(task for task in tasks if task in done)
    if isinstance(error := first.exception(), WebSocketDisconnect | OSError):
        return False  # it went away while something was sent
    if error is not None:
        raise error
    return first.result()


async def _deny(websocket: WebSocket, problem: Problem) -> None:
    """Refuses before the WebSocket is one, with the problem where the server can send it."""
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        body = problem.body(instance_of(websocket.scope))
        await websocket.send_denial_response(JSONResponse(body, problem.status, dict(problem.headers), MEDIA_TYPE))
    else:
        await websocket.close(SESSION_OVER, problem.detail[:100])

"""Whether the service lives and is ready, for whoever supervises it; and its metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from controller.accounts import AccountsError
from controller.api.answers import answers
from controller.api.forms import Viewer
from controller.api.identity import asker
from controller.api.metrics import CONTENT_TYPE, text_of
from controller.api.parts import parts_of
from controller.api.problems import Problem
from controller.authority import Action, NotAuthorised, authorise
from controller.database import DatabaseUnusable

router = APIRouter(tags=["health"])


class Live(BaseModel):
    """The process answers."""

    status: str = "live"


class Ready(BaseModel):
    """Whether the service can do its work; why not is told to who is signed in, or sends a token, only."""

    ready: bool
    reasons: list[str] | None = Field(
        default=None,
        description="what keeps the service from its work, empty where it is ready; left out where nobody is known",
    )


@router.get("/health/live", operation_id="health_live", responses=answers())
async def live() -> Live:
    """The process answers. It is no reason for a restart that a machine does not."""
    return Live()


@router.get("/health/ready", operation_id="health_ready", responses=answers() | {503: {"model": Ready}})
async def ready(request: Request) -> Response:
    """200 where the service can do its work, 503 where it cannot; the reasons are for who may look at the line."""
    reasons = list(parts_of(request).ready())
    body = Ready(ready=not reasons, reasons=reasons if await _may_look(request) else None)
    return JSONResponse(body.model_dump(exclude_none=True), 503 if reasons else 200)


async def _may_look(request: Request) -> bool:
    """Whoever watches over the service needs no name, and a token that is over keeps nobody from the answer."""
    try:
        authorise((await asker(request, Action.VIEW)).role, Action.VIEW)
    except (Problem, AccountsError, NotAuthorised, DatabaseUnusable):
        return False
    return True


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses=answers(401, 403)
    | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus text format"}},
)
async def metrics(request: Request, _: Viewer) -> Response:
    """What Prometheus reads; docs/reference/api.md names every metric. It sends a token of a viewer."""
    return Response(text_of(request.app.state.registry), headers={"Content-Type": CONTENT_TYPE})

"""Whether the service lives and is ready, for whoever supervises it; and its metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from controller.api.answers import answers
from controller.api.forms import Viewer
from controller.api.metrics import CONTENT_TYPE, text_of
from controller.api.parts import parts_of

router = APIRouter(tags=["health"])


class Live(BaseModel):
    """The process answers."""

    status: str = "live"


class Ready(BaseModel):
    """Whether the service can do its work, and why not. It names no machine, as nobody is asked who they are."""

    ready: bool
    reasons: list[str] = Field(description="what keeps the service from its work; empty where it is ready")


@router.get("/health/live", operation_id="health_live", responses=answers())
async def live() -> Live:
    """The process answers. It is no reason for a restart that a machine does not."""
    return Live()


@router.get("/health/ready", operation_id="health_ready", responses=answers() | {503: {"model": Ready}})
async def ready(request: Request) -> Response:
    """200 where the service can do its work, 503 with the reasons where it cannot."""
    reasons = list(parts_of(request).ready())
    body = Ready(ready=not reasons, reasons=reasons)
    return JSONResponse(body.model_dump(), 503 if reasons else 200)


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

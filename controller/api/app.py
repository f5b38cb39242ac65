"""The API put together: what is given becomes an ASGI application; nothing is global."""

from __future__ import annotations

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Scope

from controller.api import health
from controller.api.errors import problem_of, tell_errors
from controller.api.forms import API
from controller.api.heads import Heads
from controller.api.identity import May
from controller.api.limits import RequestLimits
from controller.api.metrics import HttpMetrics, LineMetrics
from controller.api.openapi import describe
from controller.api.origins import Origins
from controller.api.parts import Parts
from controller.api.routers import (
    alarms,
    audit,
    backups,
    exports,
    line,
    lots,
    openid,
    people,
    prompts,
    recipes,
    records,
    runs,
    signatures,
    trends,
    users,
)
from controller.api.stream import serving
from controller.api.telling import Telling
from controller.authority import Action

ROUTERS = (
    line.router,
    line.commands,
    line.lowering,
    runs.router,
    runs.commands,
    runs.lowering,
    records.router,
    records.documents,
    records.past,
    prompts.router,
    prompts.commands,
    recipes.examining,
    recipes.router,
    recipes.commands,
    recipes.lowering,
    lots.router,
    lots.commands,
    alarms.router,
    alarms.commands,
    alarms.seeing,
    trends.router,
    exports.router,
    people.router,
    openid.router,
    signatures.router,
    users.router,
    audit.router,
    backups.router,
    backups.commands,
)


def create_app(parts: Parts) -> FastAPI:
    """The application. Whoever gives the parts starts the hub and ends hub and workers."""
    app = described()
    app.state.parts, app.state.registry = parts, CollectorRegistry()
    app.state.registry.register(LineMetrics(parts))
    tell_errors(app, parts.unexpected)
    http = HttpMetrics(app.state.registry)
    app.add_middleware(RequestLimits, limits=parts.limits, prove=_signed_in)
    app.add_middleware(Origins, allowed=parts.allowed_origins, hosts=parts.hosts, tls=parts.tls)
    app.add_middleware(_Watched, http=http)
    app.add_middleware(Telling, tls=parts.tls)
    app.add_middleware(Heads, endless=frozenset({f"{API}/stream"}))
    return app


def described() -> FastAPI:
    """The endpoints without anything behind them, for the documents that are made of them."""
    app = FastAPI(
        title="pressline",
        version="1",  # of the API, which is that of its addresses
        summary="Equipment control for a line that presses solid-state battery laminates",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in (*ROUTERS, serving.router, health.router):
        app.router.routes.extend(
            router.routes
        )  # as they are: an included router would hide what they say of themselves
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # FastAPI's own way to change the document
    return app


async def _signed_in(scope: Scope) -> None:
    """Raises Problem unless who sent the request may look at the line."""
    try:
        await May(Action.VIEW)(HTTPConnection(scope))
    except Exception as error:
        if (problem := problem_of(error)) is None:
            raise
        raise problem from error


def _Watched(app: ASGIApp, http: HttpMetrics) -> ASGIApp:  # noqa: N802  stands where a middleware's class does
    return http.wrapped(app)

"""Which problem an error of the rooms below is, and what is answered to one that nobody expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from controller.accounts import errors as people
from controller.api.problems import MEDIA_TYPE, FindingBody, Place, Problem, kind_of_status, located
from controller.api.telling import instance_of
from controller.authority import NotAuthorised
from controller.database import DatabaseUnusable
from controller.executor.commands import OutdatedCommand
from controller.historian import HistorianError, RangeRefused, TagUnknown
from controller.journal import JournalError
from controller.lots.acts import NotAllowed
from controller.lots.model import LotUnknown
from controller.reports.certificate import NoCertificate
from controller.service.errors import Conflict, Invalid, Unknown, Unready
from controller.store import errors as stored
from recipes.findings import RecipeErrors
from recipes.plan import Refused

HTTP_405 = 405
FINDINGS = 100  # faults of one request that are told; whoever mends them asks again
AGAIN_S = "2"  # Retry-After of what is busy (engineering judgement)
BUSY = {"Retry-After": AGAIN_S}
KINDS: Mapping[type[Exception], str] = {
    NotAuthorised: "not-authorised",
    Unknown: "unknown",
    LotUnknown: "unknown",
    NoCertificate: "unknown",
    stored.VersionUnknown: "unknown",
    people.UserUnknown: "unknown",
    people.TokenUnknown: "unknown",
    NotAllowed: "conflict",
    stored.NotApproved: "conflict",
    stored.ApprovalRefused: "conflict",
    people.NotDone: "conflict",
    people.SignatureRefused: "conflict",
    stored.WordsUnusable: "invalid",
    people.Unacceptable: "invalid",
    people.CsrfRefused: "csrf",
    people.TokenInvalid: "not-signed-in",
    people.SignInRefused: "not-signed-in",
    people.OpenIdRefused: "not-signed-in",
    people.AccountsError: "unready",
    TagUnknown: "unknown",
    RangeRefused: "invalid",
    HistorianError: "unready",
    Unready: "unready",
    DatabaseUnusable: "unready",
    JournalError: "unready",
}
"""Looked up by the error's class and then by its parents, so that what a room adds is told as what it is a kind of."""


def problem_of(error: BaseException) -> Problem | None:
    """The problem that an error is told as; None for one that is a fault of the service."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _validation(error)
        case HTTPException():
            return Problem(kind_of_status(error.status_code), str(error.detail), headers=dict(error.headers or {}))
        case Conflict(now=now) if now is not None:
            return Problem("outdated", str(error), present=now)
        case Conflict():
            return Problem("conflict", str(error))
        case OutdatedCommand():
            return Problem("outdated", str(error), present=error.now)
        case Invalid():
            found = tuple(
                FindingBody(level="error", message=item.message, place=Place(pointer=f"/{item.where}"))
                for item in error.findings
            )
            return Problem("invalid", str(error), found)
        case RecipeErrors() | Refused():
            return Problem("invalid", "the recipe cannot be used as it is", located(error.findings))
        case stored.RecipeStoreError() if type(error) is stored.RecipeStoreError:  # its words name a copy's folder
            return Problem("invalid", "a rule pack cannot lie where its path says, beside or below the recipe")
        case people.LockedOut():
            return Problem("too-many", str(error), headers={"Retry-After": f"{error.retry_after_s:.0f}"})
    kind = next((KINDS[kind] for kind in type(error).__mro__ if kind in KINDS), None)
    return None if kind is None else Problem(kind, str(error), headers=BUSY if kind == "unready" else {})


def _validation(error: RequestValidationError) -> Problem:
    """What FastAPI found, located; what was given is not repeated, as it may hold a password."""
    first = [fault for fault in error.errors() if fault["type"] in ("json_invalid", "missing_content_type")]
    if first:
        return Problem("malformed", f"the body is no JSON: {first[0].get('ctx', {}).get('error', 'unreadable')}")
    found = tuple(
        FindingBody(level="error", message=str(fault["msg"]), place=Place(pointer=_pointer(fault["loc"])))
        for fault in error.errors()[:FINDINGS]
    )
    return Problem("invalid", "the request says something that cannot be; see findings", found)


def _pointer(location: tuple[Any, ...]) -> str:
    where, *rest = location
    path = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in rest)
    return path if where == "body" else f"{where}{path}"


def problem_response(request: Request, problem: Problem) -> Response:
    """As it is sent."""
    body = problem.body(instance_of(request.scope))
    return JSONResponse(body, problem.status, dict(problem.headers), MEDIA_TYPE)


def _methods(request: Request) -> set[str]:
    """Every method of an address: routes stand in several places, and the first one knows its own only."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE and isinstance(route, Route):
            found |= route.methods or set()
    return found | {"HEAD"} if "GET" in found else found


def tell_errors(app: FastAPI, unexpected: Callable[[str, BaseException], None]) -> None:
    """Errors become problems; `unexpected` is told, with the request's name, of those that are a fault of ours."""

    async def told(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if problem is not None and problem.status == HTTP_405:
            problem = replace(problem, headers={"Allow": ", ".join(sorted(_methods(request)))})
        if problem is None:
            unexpected(instance_of(request.scope), error)
            problem = Problem("internal", "a fault of the service; its log has it under this instance")
        return problem_response(request, problem)

    own: tuple[type[Exception], ...] = (
        stored.RecipeStoreError,
        Problem,
        Conflict,
        OutdatedCommand,
        Invalid,
        RecipeErrors,
        Refused,
    )
    for kind in (Exception, HTTPException, RequestValidationError, people.LockedOut, *KINDS, *own):
        app.add_exception_handler(kind, told)

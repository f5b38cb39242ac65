"""The audit, and the configuration as it is in force."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from controller.accounts.audit_search import AuditEntry, AuditQuery
from controller.api.answers import read
from controller.api.bodies.configuration import ConfigurationBody
from controller.api.forms import API, Utc, utc_time
from controller.api.identity import May
from controller.api.parts import parts_of
from controller.api.route import Route
from controller.authority import Action, Actor

router = APIRouter(tags=["audit"], prefix=API, route_class=Route)


@router.get("/audit", operation_id="search_audit", responses=read())
async def search_audit(
    request: Request,
    _: Annotated[Actor, Depends(May(Action.AUDIT))],
    who: Annotated[str | None, Query(max_length=200, description="of this person only")] = None,
    kind: Annotated[str | None, Query(max_length=200, description="kinds that begin so")] = None,
    about: Annotated[str | None, Query(max_length=200, description="things whose names begin so")] = None,
    begin: Annotated[Utc | None, Query(alias="from")] = None,
    end: Annotated[Utc | None, Query(alias="to")] = None,
    before: Annotated[int | None, Query(ge=0, le=2**53, description="only records before this one, for pages")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[AuditEntry]:
    """Who did what, newest first: sign-ins, refusals, changes of rights, commands."""
    parts = parts_of(request)
    since, until = (None if when is None else utc_time(when).isoformat() for when in (begin, end))
    wanted = AuditQuery(who, kind, about, since, until, before, limit)
    return await parts.people.search(wanted)


@router.get("/configuration", operation_id="show_configuration", responses=read())
async def show_configuration(
    request: Request, _: Annotated[Actor, Depends(May(Action.CONFIGURATION))]
) -> ConfigurationBody:
    """What the service works with; of a secret is shown that there is one."""
    return ConfigurationBody.model_validate(parts_of(request).configuration)

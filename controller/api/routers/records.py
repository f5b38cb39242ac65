"""What is recorded: a run's record with its measurements, its certificate, and its events one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from controller.api.answers import read
from controller.api.bodies.records import (
    CERTIFICATE,
    EventBody,
    MeasurementBody,
    PastRunBody,
    RecordBody,
    event_body,
)
from controller.api.documents import MEDIA_TYPES, Form, certificate, record
from controller.api.errors import BUSY
from controller.api.forms import API, NamePath, Utc, Viewer
from controller.api.identity import May
from controller.api.paging import Before, next_page, paged, since_text
from controller.api.parts import parts_of
from controller.api.problems import Problem
from controller.api.route import Download, Route
from controller.authority import Action, Actor
from controller.events import Event

router = APIRouter(tags=["records"], prefix=f"{API}/runs", route_class=Route)
documents = APIRouter(tags=["records"], prefix=f"{API}/runs", route_class=Download)
past = APIRouter(tags=["records"], prefix=API, route_class=Route)


CERTIFICATES = {
    MEDIA_TYPES[Form.JSON]: {"schema": CERTIFICATE},
    "text/html": {"schema": {"type": "string"}},
    MEDIA_TYPES[Form.PDF]: {"schema": {"type": "string", "contentMediaType": "application/pdf"}},
}


@past.get("/history", operation_id="list_past_runs", responses=paged(read()))
async def list_past_runs(
    request: Request,
    response: Response,
    _: Viewer,
    since: Annotated[Utc | None, Query(description="only runs that were begun at this time or later")] = None,
    before: Before = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[PastRunBody]:
    """Every run that is recorded, the newest first, also those that ended long ago."""
    found = await parts_of(request).records.runs(before, since_text(since), limit)
    if len(found) == limit:
        response.headers["Link"] = next_page(request, found[-1].sequence)
    return list(found)


async def _events(request: Request, run: str) -> Sequence[Event]:
    """The records of a run. Raises Problem where there are none."""
    found = await parts_of(request).records.of_run(run)
    if not any(event.kind == "run.created" for event in found):
        raise Problem("unknown", f"no run {run} is recorded")
    return found


@router.get("/{run}/record", operation_id="show_record", responses=read(404))
async def show_record(request: Request, run: NamePath, _: Viewer) -> RecordBody:
    """The batch record: steps with what was set and reached, layers, rules with their evidence."""
    parts = parts_of(request)
    events = await _events(request, run)
    alive = any(known.name == run and known.is_open for known in parts.line.runs())
    return await parts.workers.compute(record, list(events), alive=alive)


@router.get("/{run}/measurements", operation_id="list_measurements", responses=read(404))
async def list_measurements(request: Request, run: NamePath, _: Viewer) -> list[MeasurementBody]:
    """What was measured and entered in a run, in order."""
    kinds = {"measurement", "lab.entered", "porosity.estimated"}
    return [
        MeasurementBody(sequence=event.sequence, utc=event.utc, kind=event.kind, data=dict(event.data))
        for event in await _events(request, run)
        if event.kind in kinds or (event.kind == "prompt.answered" and event.data.get("values"))
    ]


@router.get("/{run}/events", operation_id="list_events", responses=read(404))
async def list_events(
    request: Request,
    run: NamePath,
    _: Viewer,
    after: Annotated[int, Query(ge=0, le=2**53, description="only records behind this sequence number")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[EventBody]:
    """A run's records, oldest first."""
    wanted = [event for event in await _events(request, run) if event.sequence > after][:limit]
    return [event_body(event) for event in wanted]


@documents.get(
    "/{run}/certificate",
    operation_id="show_certificate",
    response_class=Response,
    responses=read(404, 409) | {200: {"content": CERTIFICATES, "description": "the document"}},
)
async def show_certificate(
    request: Request,
    run: NamePath,
    _: Annotated[Actor, Depends(May(Action.VIEW))],
    form: Annotated[Form, Query(description="json, html or pdf; all three hold the same certificate")] = Form.JSON,
) -> Response:
    """A run's certificate, for a run that has ended."""
    parts = parts_of(request)
    if any(known.name == run and known.is_open for known in parts.line.runs()):
        raise Problem("conflict", f"the run {run} goes on; a certificate is of a run that has ended")
    events = await _events(request, run)
    if doubt := parts.records.doubt():
        raise Problem("unready", f"nothing can be certified now: {doubt}", headers=BUSY)
    content = await parts.workers.compute(certificate, list(events), run, form)
    return Response(content, media_type=MEDIA_TYPES[form])

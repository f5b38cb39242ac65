"""Every sample of trends, as a file that any tool opens: of tags, of units, of a run."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from controller.api.answers import read
from controller.api.exports import MEDIA_TYPES, TrendForm, Wanted, download
from controller.api.forms import API, Name, Utc, Viewer
from controller.api.parts import parts_of
from controller.api.problems import Problem
from controller.api.route import Download
from controller.api.routers.trends import microseconds, trends_of

router = APIRouter(tags=["trends"], prefix=API, route_class=Download)
FILES = {
    media.split(";")[0]: {"schema": {"type": "string", "contentMediaType": media}} for media in MEDIA_TYPES.values()
}


@router.get(
    "/trend-file",
    operation_id="export_trends",
    response_class=StreamingResponse,
    responses=read(404) | {200: {"content": FILES, "description": "the file"}},
)
async def export_trends(
    request: Request,
    _: Viewer,
    form: Annotated[TrendForm, Query(description="csv (RFC 4180) or parquet")] = TrendForm.CSV,
    tag: Annotated[list[Name], Query(max_length=200, description="these tags, UNIT.SIGNAL")] = [],  # noqa: B006  FastAPI's way
    unit: Annotated[list[Name], Query(max_length=100, description="all tags of these units")] = [],  # noqa: B006
    run: Annotated[Name | None, Query(description="of its units, from its first to its last record")] = None,
    begin: Annotated[Utc | None, Query(alias="from", description="needed where no run is named")] = None,
    end: Annotated[Utc | None, Query(alias="to", description="needed where no run is named")] = None,
) -> StreamingResponse:
    """Trends with every sample and its quality. docs/reference/historian.md says what the columns mean."""
    parts = parts_of(request)
    source = trends_of(request)
    if tag and unit:
        raise Problem("invalid", "`tag` and `unit` are both given; only one of them can be meant")
    units = {name: parts.line.unit(name).kind for name in unit}
    since, until, plan_hash = begin, end, ""
    if run is not None:
        events = await parts.records.of_run(run)
        created = next((event for event in events if event.kind == "run.created"), None)
        if created is None:
            raise Problem("unknown", f"no run {run} is recorded")
        plan_hash = created.data["plan_hash"]
        since, until = begin or _utc(created.utc), end or _utc(events[-1].utc)
        known = {one.name: one.kind for one in parts.line.units()}
        of_run = {step["unit"] for step in created.data["steps"] if step["unit"] in known}
        units = units or ({} if tag else {name: known[name] for name in sorted(of_run)})
    if since is None or until is None:
        raise Problem("invalid", "`from` and `to` are needed where no run is named")
    wanted = Wanted(microseconds(since), microseconds(until), form, tuple(tag) or None, units, run or "", plan_hash)
    if wanted.to_us <= wanted.from_us:
        raise Problem("invalid", "`to` is not behind `from`")
    url, line = await source.stored()
    about = re.sub(r"[^A-Za-z0-9._-]+", "-", run or "-".join(unit or tag) or "trends")[:80].strip("-.") or "trends"
    return await download(parts.workers, url, line, wanted, f"{about}.{form}")


def _utc(text: str) -> str:
    """A record's time; one of another form is none that can be asked for."""
    return datetime.fromisoformat(text).isoformat()

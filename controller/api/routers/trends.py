"""Trends, reduced to the points that a screen has; extremes are kept."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from controller.api.answers import read
from controller.api.forms import API, NamePath, Utc, Viewer, utc_time
from controller.api.parts import TrendSource, parts_of
from controller.api.problems import Problem
from controller.api.route import Route
from controller.historian import StoredTag, Trend

router = APIRouter(tags=["trends"], prefix=f"{API}/trends", route_class=Route)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AT_ONCE = 100
"""Buckets that become text in one go: some tenths of a millisecond (engineering judgement)."""


def trends_of(request: Request) -> TrendSource:
    if (trends := parts_of(request).trends) is None:
        raise Problem("unknown", "this service keeps no trends")
    return trends


def microseconds(when: str) -> int:
    """UTC microseconds."""
    return (utc_time(when) - EPOCH) // timedelta(microseconds=1)


@router.get("", operation_id="list_tags", responses=read(404))
async def list_tags(request: Request, _: Viewer) -> list[StoredTag]:
    """Every tag with its unit, meaning, and the times between which it was recorded."""
    return await trends_of(request).tags()


@router.get("/{tag}", operation_id="show_trend", response_model=Trend, responses=read(404))
async def show_trend(
    request: Request,
    tag: NamePath,
    _: Viewer,
    begin: Annotated[Utc, Query(alias="from")],
    end: Annotated[Utc, Query(alias="to")],
    points: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> Response:
    """One tag between two times, in at most so many stretches, each with first, last, least, greatest and worst."""
    if microseconds(end) <= microseconds(begin):
        raise Problem("invalid", "`to` is not behind `from`")
    found = await trends_of(request).trend(tag, microseconds(begin), microseconds(end), points)
    text = await parts_of(request).workers.wait_for(_text, found)
    return Response(text, media_type="application/json")


def _text(trend: Trend) -> str:
    """As JSON, for a thread: a trend has ten thousand buckets, and the loop that polls goes first after every few."""
    buckets = []
    for start in range(0, len(trend.buckets), AT_ONCE):
        some = [bucket._asdict() for bucket in trend.buckets[start : start + AT_ONCE]]
        buckets.append(json.dumps(some, allow_nan=False)[1:-1])
        time.sleep(0)
    rest = asdict(replace(trend, buckets=()))
    del rest["buckets"]
    return f'{json.dumps(rest, allow_nan=False)[:-1]}, "buckets": [{", ".join(buckets)}]}}'

"""Pages of what is recorded: the newest first, each behind a record's number, so that nothing new moves them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request

from controller.api.answers import Answers
from controller.api.forms import utc_time

Before = Annotated[
    int | None,
    Query(ge=1, le=2**53, description="only what began before the record of this number, as `Link` says it"),
]


def since_text(since: str | None) -> str:
    """A time as records have it, to be compared with theirs; "" for none. Raises Problem."""
    return "" if since is None else utc_time(since).isoformat(timespec="milliseconds")


def next_page(request: Request, before: int) -> str:
    """The Link header (RFC 8288) of a page that another one may follow."""
    url = request.url.include_query_params(before=before)
    return f'<{url.path}?{url.query}>; rel="next"'


def paged(answers: Answers) -> Answers:
    """The answers of an endpoint that gives pages."""
    words = 'the next page (RFC 8288), `rel="next"`; not there on the last one'
    link: dict[str, Any] = {"Link": {"description": words, "schema": {"type": "string"}}}
    return answers | {200: {"headers": link}}

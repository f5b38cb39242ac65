"""What each endpoint may answer beside its success, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from controller.api.problems import KINDS, MEDIA_TYPE

Answers = dict[int | str, dict[str, Any]]
ALWAYS = (400, 408, 413, 431, 500, 503)
SCHEMA = {"$ref": "#/components/schemas/ProblemBody"}


def answers(*statuses: int) -> Answers:
    """Problems with these statuses, and those that every endpoint may answer."""
    return {status: _answer(status) for status in sorted({*ALWAYS, *statuses})}


def read(*more: int) -> Answers:
    """Those of an endpoint that only shows something to who may look."""
    return answers(401, 403, 422, *more)


def command(*more: int) -> Answers:
    """Those of a command."""
    return answers(401, 403, 409, 415, 422, *more)


def _answer(status: int) -> dict[str, Any]:
    names = [f"`{kind.name}`" for kind in KINDS.values() if kind.status == status]
    return {"description": f"problem: {' or '.join(names)}", "content": {MEDIA_TYPE: {"schema": SCHEMA}}}

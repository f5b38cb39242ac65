"""The OpenAPI document: FastAPI's, with who may ask, keys, and every problem said once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from controller.api import identity
from controller.api.idempotency.route import HEADER, CommandRoute
from controller.api.identity import COOKIE, CSRF_HEADER
from controller.api.problems import MEDIA_TYPE, ProblemBody
from controller.api.units import tell_units

DESCRIPTION = (
    "Every answer that is no success is a problem (RFC 9457, docs/reference/problems.md). Commands that raise risk or"
    f" make something carry `{HEADER}`; a repetition with the same key and body is answered the same and does nothing."
    f" Requests with a session's cookie that change something carry `{CSRF_HEADER}`."
)
SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "a program's token"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "a browser's session; under TLS `__Host-` stands before the name",
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of what runs."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION,
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = document.setdefault("components", {})
    components["securitySchemes"] = SECURITY
    schemas = components.setdefault("schemas", {})
    problem = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {})
    schemas["ProblemBody"] = problem
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own form of a fault, which is never sent
        schemas.pop(name, None)
    for route in routes_of(app):
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            _describe(operation, route)
            _referred(operation, components.setdefault("responses", {}))
    tell_units(schemas)
    app.openapi_schema = document
    return document


def _describe(operation: dict[str, Any], route: APIRoute) -> None:
    if (action := action_of(route)) is not None:
        operation["security"] = [{"token": []}, {"session": []}]
        operation["x-action"] = action
    if isinstance(route, CommandRoute):
        operation.setdefault("parameters", []).append(_key_parameter(needed=route.needs_key))
        headers = {"Idempotency-Replayed": {"schema": {"type": "string"}, "description": "true: answered before"}}
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                answer.setdefault("headers", {}).update(headers)


def _referred(operation: dict[str, Any], known: dict[str, Any]) -> None:
    """Problems with a status are the same everywhere, and are said once."""
    for status, answer in operation["responses"].items():
        if list(answer.get("content", ())) == [MEDIA_TYPE]:
            known.setdefault(f"problem_{status}", answer)
            operation["responses"][status] = {"$ref": f"#/components/responses/problem_{status}"}


def _key_parameter(*, needed: bool) -> Mapping[str, Any]:
    return {
        "name": HEADER,
        "in": "header",
        "required": needed,
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
        "description": "any text of your own, a new one for each command; kept for 24 hours",
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    }


def routes_of(app: FastAPI) -> Iterator[APIRoute]:
    """The endpoints that the document shows."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            yield route


def action_of(route: APIRoute) -> str | None:
    """Which right an endpoint asks for, by its name in the table; None where nobody has to be known."""
    found = identity.action_of(route.dependant)
    return None if found is None else found.name

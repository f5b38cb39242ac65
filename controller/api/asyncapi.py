"""The AsyncAPI document of the stream, made from the views that are sent."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter

from controller.api.forms import API
from controller.api.stream.serving import LOOK_AGAIN_S, NOTHING_TAKEN, SESSION_OVER
from controller.api.stream.topics import PASSING
from controller.api.units import tell_units
from controller.service.views import AlarmView, LineView, PromptView, RunView, UnitView

TEMPLATE = "#/components/schemas/{model}"
VALUE = {
    "type": "array",
    "description": "value, unit, quality (good, uncertain or bad)",
    "prefixItems": [{"type": ["number", "string", "null"]}, {"type": "string"}, {"type": "string"}],
    "minItems": 3,
    "maxItems": 3,
}
TOPICS: dict[str, tuple[str, type | None, frozenset[str]]] = {
    "^line$": ("Line", LineView, frozenset({"units", "runs"})),
    "^units/": ("Unit", UnitView, frozenset({"values"})),
    "^values/": ("Values", None, frozenset()),
    "^runs/": ("Run", RunView, frozenset()),
    "^prompts/": ("Prompt", PromptView, frozenset()),
    "^alarms/": ("Alarm", AlarmView, frozenset()),
}
"""Topics by how their names begin: what their fields are, and which of the view's are not streamed."""


def asyncapi() -> dict[str, Any]:
    """The whole document."""
    schemas = _schemas()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "pressline stream",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": f"{API}/stream",
                "description": "A WebSocket; GET at the same address gives the same messages as server-sent events.",
                "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in MESSAGES},
                "bindings": {"ws": {"query": {"type": "object", "properties": {"after": {"type": "string"}}}}},
            }
        },
        "operations": {
            "follow_line": {
                "action": "send",
                "channel": {"$ref": "#/channels/stream"},
                "summary": "A snapshot, then what changes, and a heartbeat where nothing does.",
                "messages": [{"$ref": f"#/channels/stream/messages/{kind}"} for kind in MESSAGES],
            }
        },
        "components": {
            "messages": {
                kind: {"summary": words, "payload": {"$ref": f"#/components/schemas/{kind}"}}
                for kind, words in MESSAGES.items()
            },
            "schemas": schemas,
        },
    }


DESCRIPTION = (
    "The line as topics, each an object of fields. A change carries the fields that are different and the topics that"
    " are gone; one that is removed and set is as new. `position` is where to go on from:"
    " `?after=POSITION`, or `Last-Event-ID`; what is not known any more is answered with a snapshot."
    f" Times that pass by themselves ({', '.join(sorted(PASSING))}) are not streamed."
    f" At most 10 messages a second. The service closes with {SESSION_OVER}"
    f" (the session is over, looked at every {LOOK_AGAIN_S:g} s), {NOTHING_TAKEN} (the client said"
    " something), 4408 (the client did not keep up) and 1012 (the service ends)."
)
MESSAGES = {
    "snapshot": "everything as it is",
    "change": "what is different since the message of the number before",
    "heartbeat": "nothing was different for 5 s",
}


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    partial: dict[str, Any] = {}
    for pattern, (name, view, left_out) in TOPICS.items():
        schemas[name] = {"type": "object", "additionalProperties": VALUE} if view is None else None
        if view is not None:
            schemas[name] = _of_view(view, left_out, schemas)
        schemas[f"{name}Changed"] = {key: item for key, item in schemas[name].items() if key != "required"}
        whole[pattern] = {"$ref": f"#/components/schemas/{name}"}
        partial[pattern] = {"$ref": f"#/components/schemas/{name}Changed"}
    schemas["snapshot"] = _message("snapshot", {"topics": _topics(whole)})
    removed = {"type": "array", "items": {"type": "string"}}
    schemas["change"] = _message("change", {"set": _topics(partial), "removed": removed})
    schemas["heartbeat"] = _message("heartbeat", {})
    tell_units(schemas)
    return schemas


def _topics(patterns: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "patternProperties": patterns, "additionalProperties": False}


def _of_view(view: type, left_out: frozenset[str], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of a view's streamed fields; what it refers to goes into `schemas`."""
    made = TypeAdapter(view).json_schema(ref_template=TEMPLATE, mode="serialization")
    for name, inner in made.pop("$defs", {}).items():
        schemas.setdefault(name, _without(inner, PASSING))
    kept = _without(made, PASSING | left_out)
    names = {item.name for item in fields(view)} - PASSING - left_out
    return kept | {"required": sorted(names), "additionalProperties": False}


def _without(schema: dict[str, Any], left_out: frozenset[str]) -> dict[str, Any]:
    if "properties" not in schema:
        return schema
    properties = {name: item for name, item in schema["properties"].items() if name not in left_out}
    required = [name for name in schema.get("required", []) if name not in left_out]
    return schema | {"properties": properties, "required": required}


def _message(kind: str, more: dict[str, Any]) -> dict[str, Any]:
    properties = {
        "type": {"const": kind},
        "position": {"type": "string", "pattern": "^[0-9a-f]{16}-[0-9]+$"},
        "sequence": {"type": "integer", "minimum": 0},
        "utc": {"type": "string", "description": "when it was told: UTC, ISO 8601"},
        **more,
    }
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}

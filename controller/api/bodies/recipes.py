"""Stored recipes, plans and differences as they are sent."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, JsonValue, TypeAdapter, WithJsonSchema

from controller.api.bodies.published import whole
from controller.api.problems import FindingBody
from controller.store.shelf import Version
from recipes.canonical import EMPTY_LEFT_OUT, LEFT_OUT
from recipes.model import Recipe
from recipes.plan import PlannedStep

UTC = "UTC, ISO 8601"
SHA = "SHA-256, hexadecimal"


class CommentBody(BaseModel):
    """What somebody said of a version."""

    by: str
    utc: str = Field(description=UTC)
    text: str


class WithdrawalBody(BaseModel):
    """The end of all approvals that a version had until then."""

    by: str
    utc: str = Field(description=UTC)
    reason: str
    hash: str = Field(description=f"of its record; {SHA}")


class ApprovalBody(BaseModel):
    """One person's approval of one version's plan on one line."""

    recipe: str
    version: int = Field(ge=1)
    by: str
    utc: str = Field(description=UTC)
    meaning: str
    line: str
    plan_hash: str = Field(description=f"of what was approved; {SHA}")
    text_sha256: str
    four_eyes: bool = Field(description="who added the version was asked not to approve it")
    sequence: int = Field(description="its record in the store of recipes", ge=1)
    hash: str = Field(description=f"of its record, which stands for everything before it; {SHA}")
    withdrawn: WithdrawalBody | None
    valid: bool


class VersionBody(BaseModel):
    """One version of a recipe and what was said of it."""

    recipe: str
    number: int = Field(description="counted from 1", ge=1)
    version: int = Field(description="the same as `number`", ge=1)
    state: Literal["draft", "approved", "withdrawn"]
    by: str
    utc: str = Field(description=UTC)
    comment: str
    title: str
    purpose: str = Field(description="production or comparative")
    text_sha256: str = Field(description=f"of the exact text; {SHA}")
    bytes: int = Field(ge=0)
    content_sha256: str = Field(description=f"of what the text means, without places and remarks; {SHA}")
    packs: dict[str, str] = Field(description=f"rule packs that it brings: path -> {SHA}")
    plan_hash: str | None = Field(description=f"of its plan on `line` when it was added, none where it had none; {SHA}")
    line: str
    sequence: int = Field(description="its record in the store of recipes", ge=1)
    hash: str = Field(description=f"of its record; {SHA}")
    comments: list[CommentBody]
    approvals: list[ApprovalBody]


class AddedBody(VersionBody):
    """What became of a text that was to be stored."""

    added: bool = Field(description="false: the newest version has the same bytes already")
    refusal: list[FindingBody] = Field(description="why it has no plan on this line; empty where it has one")


class VersionTextBody(VersionBody):
    """A version with its text."""

    content: str = Field(description="the recipe file, as it was stored")
    pack_contents: dict[str, str] = Field(description="rule packs: path beside the recipe -> text")


class SpotBody(BaseModel):
    """A place in a recipe file."""

    file: str
    line: int = Field(description="counted from 1", ge=1)
    column: int = Field(description="counted from 1", ge=1)


class DifferenceBody(BaseModel):
    """What differs between two recipes in what is made."""

    section: str = Field(description="what it is about: the laminate, a step, rules ...")
    path: str
    message: str = Field(description="in words, with units")
    before: JsonValue
    after: JsonValue
    unit: str | None = Field(description="of `before` and `after`, where they are quantities")
    first: SpotBody
    second: SpotBody


def _schema_of(kind: type, *left_out: str) -> dict[str, Any]:
    """The schema of a part of a plan as its canonical text has it."""
    made = whole(TypeAdapter(kind).json_schema(mode="serialization"))
    found: dict[str, Any] = _as_canonical(made, LEFT_OUT | set(left_out))
    return found


def _as_canonical(schema: Any, left_out: Set[str]) -> Any:
    if isinstance(schema, list):
        return [_as_canonical(item, left_out) for item in schema]
    if not isinstance(schema, dict):
        return schema
    told = {
        key: _as_canonical(item, left_out)
        for key, item in schema.items()
        if key not in ("title", "default", "properties", "required")
    }
    if (properties := schema.get("properties")) is not None:
        told["properties"] = {
            name: _as_canonical(item, LEFT_OUT) for name, item in properties.items() if name not in left_out
        }
        told["required"] = [name for name in told["properties"] if name not in EMPTY_LEFT_OUT]
        told["additionalProperties"] = False
    return told


def _plan_schema() -> dict[str, Any]:
    properties = {
        "format": {"type": "string", "description": "changes with the meaning of the plan's text"},
        "packs": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": f"rule packs: name -> {SHA}",
        },
        "recipe": _schema_of(Recipe, "steps"),
        "steps": {"type": "array", "items": _schema_of(PlannedStep)},
    }
    words = "The control recipe: every setpoint and window exact. Its canonical text is what the hash is of."
    required = sorted(properties)
    return {"type": "object", "description": words, "properties": properties, "required": required}


class ExaminedBody(BaseModel):
    """What is wrong with a recipe, or nothing; its plan on this line where there is one."""

    is_recipe: bool
    findings: list[FindingBody]
    hash: str | None = Field(description=f"of the plan, none where it is refused; {SHA}")
    plan: Annotated[dict[str, Any], WithJsonSchema(_plan_schema())] | None


def version_data(version: Version) -> dict[str, Any]:
    """A version as plain data."""
    data = asdict(version) | {"version": version.number, "state": version.state}
    data["approvals"] = [asdict(approval) | {"valid": approval.withdrawn is None} for approval in version.approvals]
    return data


def version_body(version: Version) -> VersionBody:
    """As it is sent."""
    return VersionBody.model_validate(version_data(version))

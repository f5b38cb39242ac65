"""Records, measurements and runs of the past as they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from controller.api.bodies.published import published
from controller.events import Event

UTC = "UTC, ISO 8601"
SHA = "SHA-256, hexadecimal"
RecordBody = Annotated[dict[str, Any], WithJsonSchema(published("run.schema.json"))]
"""The batch record, in the form that `pressline show --json` prints."""
CERTIFICATE = published("certificate.schema.json")


class EventBody(BaseModel):
    """One record of the journal. hash is over its predecessor's hash and everything here."""

    sequence: int = Field(description="counts all records of the store from 1", ge=1)
    run: str = Field(description="`line` for what belongs to no run")
    kind: str = Field(description="docs/reference/events.md lists them")
    data: dict[str, JsonValue] = Field(description="what the kind says; names carry their units")
    utc: str = Field(description=UTC)
    hash: str = Field(description=SHA)


class MeasurementBody(BaseModel):
    """One value that an instrument showed or that a person entered."""

    sequence: int = Field(description="its record in the journal", ge=1)
    utc: str = Field(description=UTC)
    kind: str = Field(description="measurement, lab.entered, prompt.answered or porosity.estimated")
    data: dict[str, JsonValue] = Field(description="docs/reference/events.md says what each kind holds")


class PastRunBody(BaseModel):
    """A run of the record, whether it goes on or ended long ago."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "20261121-214916-93cb",
                    "recipe": "honda-example-1",
                    "title": "Example 1, densified at 980 MPa and 120 degC",
                    "purpose": "production",
                    "plan_hash": "2947d32025a11a85f3c59de2d05a504777348f8a2125426adec5b71edcd0d0c6",
                    "sequence": 12,
                    "created_utc": "2026-11-21T21:49:16.000+00:00",
                    "by": "Ada",
                    "state": "complete",
                    "reason": "",
                    "ended_utc": "2026-11-21T22:40:53.000+00:00",
                    "is_simulated": True,
                }
            ]
        }
    )

    name: str
    recipe: str
    title: str
    purpose: str = Field(description="production or comparative")
    plan_hash: str = Field(description=SHA)
    sequence: int = Field(description="the record of its beginning: the cursor of pages", ge=1)
    created_utc: str = Field(description=UTC)
    by: str = Field(description="who ordered it; empty where nobody is recorded")
    state: str = Field(description="as it was recorded last")
    reason: str = Field(description="why it is in that state")
    ended_utc: str | None = Field(description=f"{UTC}; none while its record is open")
    is_simulated: bool


def event_body(event: Event) -> EventBody:
    """A record as it is sent."""
    return EventBody(
        sequence=event.sequence,
        run=event.run,
        kind=event.kind,
        data=dict(event.data),
        utc=event.utc,
        hash=event.hash,
    )


def past_run(created: Event, told: Sequence[Event]) -> PastRunBody:
    """A run from the record of its beginning and those of its states, its ends and its continuations, in order."""
    data = created.data
    states = [event for event in told if event.kind == "run.state"]
    ends = [event for event in told if event.kind in ("run.closed", "run.resumed")]
    is_closed = bool(ends) and ends[-1].kind == "run.closed"
    return PastRunBody(
        name=created.run,
        recipe=data["recipe"],
        title=data.get("title") or "",
        purpose=data["purpose"],
        plan_hash=data["plan_hash"],
        sequence=created.sequence,
        created_utc=created.utc,
        by=(data.get("order") or {}).get("by", ""),
        state=str(states[-1].data["state"]) if states else "idle",
        reason=str(states[-1].data.get("reason") or "") if states else "",
        ended_utc=ends[-1].utc if is_closed else None,
        is_simulated=data.get("simulation") is not None,
    )

"""What the JSON messages hold. Their schemas (controller/telemetry/schemas/) are made from here.

Every message has besides `historical`: whether it was kept while there was no connection, and is sent afterwards.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

Utc = Annotated[str, Field(description="when it was so, UTC in ISO 8601", json_schema_extra={"format": "date-time"})]
Name = Annotated[str, Field(description="as in the line file or the recipe")]
Run = Annotated[str | None, Field(description="the run that has the unit, null without one")]
Step = Annotated[str | None, Field(description="the step of that run, null between steps")]
Lots = Annotated[list[str], Field(description="the lots of that step")]


class StatusMessage(TypedDict):
    """Whether the line publishes. The broker itself says so when it loses the line (last will)."""

    utc: Utc
    online: bool
    version: Annotated[str, Field(description="of pressline")]


class HealthMessage(TypedDict):
    """How the controller itself is."""

    utc: Utc
    faults: Annotated[list[str], Field(description="a sentence for each task that does not run or hangs")]
    journal: Annotated[
        str | None, Field(description="why the journal cannot be written, or not be trusted; null if all is well")
    ]
    waiting: Annotated[int, Field(description="messages that are kept and not sent yet", ge=0)]
    forgotten: Annotated[
        int,
        Field(description="Sparkplug samples of this process that were sent, never proved to arrive, and let go", ge=0),
    ]
    outbox: Annotated[str | None, Field(description="why messages cannot be kept, null if they can")]


class UnitStateMessage(TypedDict):
    """The state of one machine."""

    utc: Utc
    unit: Name
    kind: Annotated[str, Field(description="uniaxial_press, isostatic_press, coater or roll_press")]
    connected: bool
    link: Annotated[str, Field(description="why it is connected or not")]
    state: Annotated[str | None, Field(description="PackML state (ISA-TR88.00.02); null if it is not known")]
    phase: Annotated[str | None, Field(description="what it does in its job; null if it is not known")]
    mode: Annotated[str | None, Field(description="who may command it; null if it is not known")]
    run: Run
    step: Step
    lots: Lots


class Value(TypedDict):
    """One value with its unit and how far it may be trusted; null is no number."""

    value: float | int | str | None
    unit: Annotated[str, Field(description='"" for pure numbers and words')]
    quality: Literal["good", "uncertain", "bad"]


class ValuesMessage(TypedDict):
    """Values of one machine, all of one poll, by signal."""

    utc: Utc
    unit: Name
    run: Run
    step: Step
    lots: Lots
    values: dict[str, Value]


class AlarmMessage(TypedDict):
    """One alarm as it is (ISA-18.2)."""

    utc: Utc
    sequence: Annotated[int | None, Field(description="of the journal's record; null if it is from before this start")]
    name: str
    subject: Annotated[str, Field(description="the unit (and part of it), the run, or line")]
    state: Annotated[str, Field(description="the standard's states and two of alarms that latch")]
    priority: Literal["critical", "high", "medium", "low"]
    text: str
    condition: Annotated[bool, Field(description="whether its cause is there")]
    count: Annotated[int, Field(description="how often it was raised since it was last normal", ge=0)]
    first_out: bool
    who: Annotated[str, Field(description="the last person that did something with it")]
    why: str


class RunMessage(TypedDict):
    """One run that has not ended."""

    utc: Utc
    sequence: Annotated[int | None, Field(description="of the journal's record; null if it is from before this start")]
    run: str
    state: Annotated[str, Field(description="ISA-88 state of the run")]
    reason: str
    recipe: Annotated[str | None, Field(description="null if it was begun before this program remembers")]
    plan_hash: str | None
    step: Step
    lots: Lots


class EventMessage(TypedDict):
    """One record of the journal: everything that is decided, done and made, with run, step, unit and lots."""

    utc: Utc
    sequence: Annotated[int, Field(description="of the journal's record: always rising", ge=1)]
    hash: Annotated[str, Field(description="of the journal's record: no two messages have the same but repeated ones")]
    kind: Annotated[str, Field(description="as in the reference of events")]
    run: Annotated[str, Field(description="the run, or line, maintenance, interlocks")]
    step: Step
    unit: Annotated[str | None, Field(description="the unit that it is about, null if about none")]
    lots: Lots
    data: Annotated[dict[str, Any], Field(description="by kind, as in the reference of events")]


class GapMessage(TypedDict):
    """Messages that could not be kept while there was no connection."""

    utc: Utc
    priority: Literal["value", "state", "event"]
    messages: Annotated[int, Field(description="how many are missing", ge=1)]
    first_utc: Annotated[str, Field(description="the earliest of them", json_schema_extra={"format": "date-time"})]
    last_utc: Annotated[str, Field(description="the latest of them", json_schema_extra={"format": "date-time"})]


Message = (
    StatusMessage
    | HealthMessage
    | UnitStateMessage
    | ValuesMessage
    | AlarmMessage
    | RunMessage
    | EventMessage
    | GapMessage
)


def encoded(message: Message | Mapping[str, Any]) -> bytes:
    """A message as JSON, without `historical`; what is no number becomes null, half a character a question mark."""
    try:
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str)
    except ValueError:
        text = json.dumps(_finite(message), ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", "replace")


def told(payload: bytes, *, historical: bool) -> bytes:
    """An encoded message with its `historical`."""
    return (b'{"historical":true,' if historical else b'{"historical":false,') + payload[1:]


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value

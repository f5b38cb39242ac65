"""Lots and genealogies as they are sent."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from controller.lots.genealogy import Kind
from controller.lots.model import Lot, LotStatus, lot_data

UTC = "UTC, ISO 8601"


class StayBody(BaseModel):
    """A lot in one step."""

    step: str
    kind: str = Field(description="of the step: coat, press, inspect, task ...")
    unit: str | None = Field(description="none where people did it")
    begun: str = Field(description=UTC)
    ended: str | None = Field(description=f"{UTC}; none while it goes on, or where it was broken off")


class MachineBody(BaseModel):
    """A unit that pressed a lot again after it was made."""

    unit: str
    serial_number: str | None


class CalibrationBody(BaseModel):
    """The calibration that a unit had when it was used, and what it said then."""

    unit: str
    state: str = Field(description="as it was judged when the unit was used")
    certificate: str | None = Field(description="none where none is stated")
    due: str | None = Field(description="a day, ISO 8601")
    doubt: str = Field(description="what stands against it; empty for nothing")


class LotMeasuredBody(BaseModel):
    """One value that an instrument showed of a lot, or that a laboratory told."""

    model_config = ConfigDict(populate_by_name=True)

    unit: str | None = Field(description="the instrument; none for a laboratory")
    quantity: str
    value: float = Field(description="in the unit that `in` names")
    in_: str = Field(alias="in", description="the value's unit, empty for a pure number")
    utc: str = Field(description=UTC)
    calibration: CalibrationBody | None
    quality: Literal["good", "uncertain"]
    doubt: str = Field(description="why it is uncertain; empty where it is good")


EXAMPLE: dict[str, JsonValue] = {
    "lot": "20261121-214916-93cb/electrode laminate",
    "run": "20261121-214916-93cb",
    "name": "electrode laminate",
    "recipe": "honda-example-1",
    "status": "released",
    "reasons": [],
    "decided_by": "the certificate",
    "used_in": None,
    "made_by": {
        "step": "third joining",
        "kind": "press",
        "unit": "uniaxial-press-1",
        "begun": "2026-11-21T22:34:12.000+00:00",
        "ended": "2026-11-21T22:37:10.000+00:00",
    },
    "serial_number": "4711",
    "also_on": [],
    "jobs": [17],
    "made_from": ["20261121-214916-93cb/third stack"],
    "slurry": None,
    "foils": ["lithium batch L-2026-08"],
    "people": ["Ada"],
    "calibrations": [],
    "measured": [],
    "stays": [],
    "out_s": 0.0,
    "out_unsure": False,
    "out_since": None,
    "max_out_s": 3600.0,
    "simulated": True,
}


class LotBody(BaseModel):
    """A lot with everything that the journal says of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    lot: str = Field(description="RUN/NAME, which no other lot has")
    run: str
    name: str = Field(description="in its run's recipe")
    recipe: str
    status: LotStatus
    reasons: list[str] = Field(description="why it is kept back, or why it is scrap")
    decided_by: str = Field(description="who or what released or scrapped it; empty for nobody")
    used_in: str | None = Field(description="the lot that it went into, whose status it shares")
    made_by: StayBody = Field(description="the step that made it")
    serial_number: str | None = Field(description="of the machine that made it")
    also_on: list[MachineBody]
    jobs: list[int] = Field(description="numbers of the machine's jobs that made it")
    made_from: list[str] = Field(description="lots, RUN/NAME")
    slurry: str | None = Field(description="what was filled where no lot of it is known")
    foils: list[str] = Field(description="that came in with the making step, with their batches where these are known")
    people: list[str]
    calibrations: list[CalibrationBody]
    measured: list[LotMeasuredBody]
    stays: list[StayBody]
    out_s: float = Field(description="seconds outside the dry room, its parts' longest included", ge=0)
    out_unsure: bool = Field(description="it may be more: the clock was set back meanwhile")
    out_since: str | None = Field(description=f"{UTC}; when it, or a part of it, left; none while it is inside")
    max_out_s: float | None = Field(description="seconds outside that its run's line file allows; none for no limit")
    simulated: bool = Field(description="made on simulated machines: there is no such material")


def lot_body(lot: Lot) -> LotBody:
    """As it is sent."""
    return LotBody.model_validate(lot_data(lot))


class NodeBody(BaseModel):
    """Something that a lot rests on."""

    kind: Kind
    name: str = Field(description="unique among its kind; of a lot RUN/NAME")


class BranchBody(NodeBody):
    """The same in the tree."""

    above: bool | None = Field(default=None, description="true: its branches are told further up in the tree")
    branches: list[BranchBody] | None = Field(default=None, description="what it rests on, or what came of it")


class GenealogyBody(BaseModel):
    """Where a lot comes from, or what came of it."""

    direction: Literal["back", "forward"]
    tree: BranchBody
    nodes: list[NodeBody] = Field(description="everything in the tree, once, without the lot itself")

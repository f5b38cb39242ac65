"""The line and its units: what they are, do and show; in and out of service; moved by hand."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from controller.accounts import SignatureRequest, ToBeSigned
from controller.api.answers import command, read
from controller.api.forms import API, Name, NamePath, NeededReasonForm, Viewer
from controller.api.idempotency.route import CommandRoute, LoweringRoute
from controller.api.identity import May, address_of
from controller.api.parts import parts_of
from controller.api.route import Route
from controller.authority import Action, Actor
from controller.journal import canonical
from controller.service.by_hand import Operated
from controller.service.orders import ManualCommand, Write
from controller.service.views import BypassView, LineView, UnitView

router = APIRouter(tags=["line"], prefix=API, route_class=Route)
commands = APIRouter(tags=["line"], prefix=API, route_class=CommandRoute)
lowering = APIRouter(tags=["line"], prefix=API, route_class=LoweringRoute)


class InServiceForm(NeededReasonForm):
    """Whether runs may be given a unit."""

    in_service: bool


class ManualForm(NeededReasonForm):
    """What lowers risk at a machine by hand."""

    command: Literal["hold", "stop", "abort"]


class WriteForm(NeededReasonForm):
    """One value, in its signal's unit."""

    signal: Name
    value: Annotated[float, Field(allow_inf_nan=False)]


class BypassForm(NeededReasonForm):
    """A row of the interlock matrix that is not looked at for a while."""

    row: Name
    minutes: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]

    def to_be_signed(self, unit: str) -> ToBeSigned:
        """What two people sign: exactly this row of this unit for this long."""
        exact = canonical({"unit": unit, "row": self.row, "minutes": self.minutes})
        words = f"{unit}: {self.row} for {self.minutes:g} min"
        return ToBeSigned(Action.BYPASS, words, sha256(exact.encode()).hexdigest(), "bypass of an interlock")


class SignedBypassForm(BypassForm):
    """The bypass itself: exactly as it was asked for, with the request that a second person has signed."""

    signature: Annotated[str, Field(min_length=1, max_length=64, description="the id of the signed request")]


class OperatedBody(BaseModel):
    """What became of it. Of an unknown outcome nothing is sent again; the machine has to be looked at."""

    operated: Operated
    unit: UnitView


@router.get("/line", operation_id="show_line", responses=read())
async def show_line(request: Request, _: Viewer) -> LineView:
    """The line at a glance."""
    return parts_of(request).line.overview()


@router.get("/units", operation_id="list_units", responses=read())
async def list_units(request: Request, _: Viewer) -> list[UnitView]:
    """All units with their live values, and what keeps each from being used."""
    return list(parts_of(request).line.units())


@router.get("/units/{unit}", operation_id="show_unit", responses=read(404))
async def show_unit(request: Request, unit: NamePath, _: Viewer) -> UnitView:
    """One unit."""
    return parts_of(request).line.unit(unit)


@commands.post("/units/{unit}/service", operation_id="set_unit", responses=command(404))
async def set_unit(
    request: Request, unit: NamePath, form: InServiceForm, by: Annotated[Actor, Depends(May(Action.UNIT))]
) -> UnitView:
    """Takes a unit out of service or puts it back."""
    line = parts_of(request).line
    await line.set_unit(unit, in_service=form.in_service, reason=form.reason, by=by)
    return line.unit(unit)


@lowering.post("/units/{unit}/commands", operation_id="lower_unit", responses=command(404))
async def lower_unit(
    request: Request, unit: NamePath, form: ManualForm, by: Annotated[Actor, Depends(May(Action.LOWER))]
) -> OperatedBody:
    """Holds, stops or aborts what a machine does, where no run has it; a run's own commands do it otherwise."""
    line = parts_of(request).line
    operated = await line.operate(unit, ManualCommand(form.command), form.reason, by=by)
    return OperatedBody(operated=operated, unit=line.unit(unit))


@commands.post("/units/{unit}/reset", operation_id="reset_unit", responses=command(404))
async def reset_unit(
    request: Request, unit: NamePath, form: NeededReasonForm, by: Annotated[Actor, Depends(May(Action.WRITE))]
) -> OperatedBody:
    """Resets a machine that no run has, after somebody looked at it."""
    line = parts_of(request).line
    operated = await line.operate(unit, ManualCommand.RESET, form.reason, by=by)
    return OperatedBody(operated=operated, unit=line.unit(unit))


@commands.post("/units/{unit}/values", operation_id="write_value", responses=command(404))
async def write_value(
    request: Request, unit: NamePath, form: WriteForm, by: Annotated[Actor, Depends(May(Action.WRITE))]
) -> OperatedBody:
    """Writes one value by hand, through the guard, to a machine that no run has."""
    line = parts_of(request).line
    operated = await line.operate(unit, Write(form.signal, form.value), form.reason, by=by)
    return OperatedBody(operated=operated, unit=line.unit(unit))


@router.get("/bypasses", operation_id="list_bypasses", responses=read())
async def list_bypasses(request: Request, _: Viewer) -> list[BypassView]:
    """The bypasses in force."""
    return list(parts_of(request).line.overview().bypasses)


@commands.post("/units/{unit}/bypass-requests", operation_id="ask_for_bypass", status_code=201, responses=command(404))
async def ask_for_bypass(
    request: Request, unit: NamePath, form: BypassForm, by: Annotated[Actor, Depends(May(Action.BYPASS))]
) -> SignatureRequest:
    """Asks for the second signature under a bypass; another engineer gives it (`second_signature`)."""
    parts = parts_of(request)
    parts.line.unit(unit)  # there is one
    what = form.to_be_signed(unit)
    return await parts.people.signatures.ask(what, form.reason, by=by, address=address_of(request))


@commands.post("/units/{unit}/bypasses", operation_id="bypass", responses=command(404))
async def bypass(
    request: Request, unit: NamePath, form: SignedBypassForm, by: Annotated[Actor, Depends(May(Action.BYPASS))]
) -> list[BypassView]:
    """Lets one row of the interlock matrix be for a while, as two people have signed."""
    parts = parts_of(request)
    parts.line.unit(unit)
    what = form.to_be_signed(unit)
    signed = await parts.people.signatures.use(form.signature, what, by=by, address=address_of(request))
    first, second = (Actor(each.who, each.role, each.means) for each in signed)
    await parts.line.bypass(unit, form.row, form.minutes * 60, form.reason, by=first, second=second)
    return list(parts.line.overview().bypasses)


@lowering.post("/units/{unit}/bypasses/{row}/end", operation_id="end_bypass", responses=command(404))
async def end_bypass(
    request: Request,
    unit: NamePath,
    row: NamePath,
    form: NeededReasonForm,
    by: Annotated[Actor, Depends(May(Action.END_BYPASS))],
) -> list[BypassView]:
    """Ends a bypass before its time."""
    line = parts_of(request).line
    await line.end_bypass(unit, row, form.reason, by=by)
    return list(line.overview().bypasses)

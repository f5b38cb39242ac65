"""Alarms: what stands and what is hidden, and what people do about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from controller.api.answers import command, read
from controller.api.forms import API, Form, Name, NamePath, NeededReasonForm, Reason, ReasonForm, Viewer
from controller.api.idempotency.route import CommandRoute, LoweringRoute
from controller.api.identity import May
from controller.api.parts import parts_of
from controller.api.route import Route
from controller.authority import Action, Actor
from controller.service.service import LineService
from controller.service.views import AlarmView

router = APIRouter(tags=["alarms"], prefix=f"{API}/alarms", route_class=Route)
commands = APIRouter(tags=["alarms"], prefix=f"{API}/alarms", route_class=CommandRoute)
seeing = APIRouter(tags=["alarms"], prefix=f"{API}/alarms", route_class=LoweringRoute)
Acknowledges = Annotated[Actor, Depends(May(Action.ACKNOWLEDGE))]
Silences = Annotated[Actor, Depends(May(Action.SILENCE))]


class SeenForm(Form):
    """Alarms that somebody has seen; all of them or none."""

    alarms: Annotated[list[Name], Field(min_length=1, max_length=500, description="keys, NAME@SUBJECT")]
    reason: Reason = ""


class ShelveForm(NeededReasonForm):
    """For how long an alarm is off the list; each alarm has its own limit."""

    minutes: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]


def _shown(line: LineService) -> list[AlarmView]:
    return [*line.alarm_list(), *line.alarm_list(hidden=True)]


@router.get("", operation_id="list_alarms", responses=read())
async def list_alarms(request: Request, _: Viewer) -> list[AlarmView]:
    """What an operator has to see, what nobody has seen first; then what is hidden."""
    return _shown(parts_of(request).line)


@seeing.post("/acknowledge", operation_id="acknowledge_alarms", responses=command(404))
async def acknowledge_alarms(request: Request, form: SeenForm, by: Acknowledges) -> list[AlarmView]:
    """Says that somebody has seen these."""
    line = parts_of(request).line
    await line.acknowledge(form.alarms, form.reason, by=by)
    return _shown(line)


@seeing.post("/{alarm}/reset", operation_id="reset_alarm", responses=command(404))
async def reset_alarm(request: Request, alarm: NamePath, form: ReasonForm, by: Acknowledges) -> list[AlarmView]:
    """Lets a latched alarm go."""
    line = parts_of(request).line
    await line.reset(alarm, form.reason, by=by)
    return _shown(line)


@commands.post("/{alarm}/shelve", operation_id="shelve_alarm", responses=command(404))
async def shelve_alarm(request: Request, alarm: NamePath, form: ShelveForm, by: Acknowledges) -> list[AlarmView]:
    """Takes an alarm off the list for a while."""
    line = parts_of(request).line
    await line.shelve(alarm, form.minutes * 60, form.reason, by=by)
    return _shown(line)


@seeing.post("/{alarm}/unshelve", operation_id="unshelve_alarm", responses=command(404))
async def unshelve_alarm(request: Request, alarm: NamePath, form: ReasonForm, by: Acknowledges) -> list[AlarmView]:
    """Ends a shelving before its time."""
    line = parts_of(request).line
    await line.unshelve(alarm, form.reason, by=by)
    return _shown(line)


@commands.post("/{alarm}/silence", operation_id="silence_alarm", responses=command(404))
async def silence_alarm(request: Request, alarm: NamePath, form: NeededReasonForm, by: Silences) -> list[AlarmView]:
    """Takes an alarm out of service."""
    line = parts_of(request).line
    await line.silence(alarm, form.reason, by=by)
    return _shown(line)


@seeing.post("/{alarm}/restore", operation_id="restore_alarm", responses=command(404))
async def restore_alarm(request: Request, alarm: NamePath, form: ReasonForm, by: Silences) -> list[AlarmView]:
    """Returns an alarm to service."""
    line = parts_of(request).line
    await line.restore(alarm, form.reason, by=by)
    return _shown(line)

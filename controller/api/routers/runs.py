"""Runs: started from an approved plan, commanded with the state in view, and everything that is recorded of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from controller.api.answers import command, read
from controller.api.forms import API, ExpectedForm, Name, NamePath, NeededReasonForm, ReasonForm, Viewer
from controller.api.idempotency.route import CommandRoute, LoweringRoute
from controller.api.identity import May
from controller.api.parts import parts_of
from controller.api.route import Route
from controller.authority import Action, Actor
from controller.executor.commands import Expected
from controller.service.orders import RunOrder
from controller.service.views import RunView

router = APIRouter(tags=["runs"], prefix=f"{API}/runs", route_class=Route)
commands = APIRouter(tags=["runs"], prefix=f"{API}/runs", route_class=CommandRoute)
lowering = APIRouter(tags=["runs"], prefix=f"{API}/runs", route_class=LoweringRoute)


class OrderForm(ReasonForm):
    """One laminate to make of an approved recipe."""

    recipe: Name
    version: Annotated[int, Field(ge=1, le=2**31)] | None = Field(
        default=None, description="the newest approved one if none"
    )
    priority: Annotated[int, Field(ge=-9, le=9)] = Field(
        default=0, description="a higher one is given units and people first"
    )
    rearm: bool = Field(default=False, description="reset machines that are not idle; somebody has looked at them")


class LoweringForm(ReasonForm):
    """A command that lowers risk. It need not say which state it was meant for: a stop must not fail because of it."""

    expected: ExpectedForm | None = None

    @property
    def seen(self) -> Expected | None:
        return None if self.expected is None else self.expected.expected()


class GoOnForm(ReasonForm):
    """Meant for the run as it was seen."""

    expected: ExpectedForm


class RaisingForm(NeededReasonForm):
    """A command that lets a run go on or closes it, meant for it as it was seen, with the reason."""

    expected: ExpectedForm


Lowers = Annotated[Actor, Depends(May(Action.LOWER))]
Pauses = Annotated[Actor, Depends(May(Action.PAUSE))]


@router.get("", operation_id="list_runs", responses=read())
async def list_runs(request: Request, _: Viewer) -> list[RunView]:
    """The runs that are open, and those that ended last."""
    return list(parts_of(request).line.runs())


@commands.post("", operation_id="start_run", status_code=201, responses=command(404))
async def start_run(
    request: Request, response: Response, form: OrderForm, by: Annotated[Actor, Depends(May(Action.START))]
) -> RunView:
    """Starts a run of an approved plan; it waits for its units where others have them."""
    line = parts_of(request).line
    order = RunOrder(
        recipe=form.recipe, version=form.version, priority=form.priority, rearm=form.rearm, reason=form.reason
    )
    name = await line.start_run(order, by=by)
    response.headers["Location"] = f"/api/v1/runs/{name}"
    return line.run(name)


@router.get("/{run}", operation_id="show_run", responses=read(404))
async def show_run(request: Request, run: NamePath, _: Viewer) -> RunView:
    """One run: its state and version, what it does, why it waits, and what may be commanded."""
    return parts_of(request).line.run(run)


@lowering.post("/{run}/hold", operation_id="hold_run", responses=command(404))
async def hold_run(request: Request, run: NamePath, form: LoweringForm, by: Lowers) -> RunView:
    """Holds a run: its machines are brought to where they may wait."""
    line = parts_of(request).line
    await line.hold(run, form.reason, by=by, expected=form.seen)
    return line.run(run)


@lowering.post("/{run}/stop", operation_id="stop_run", responses=command(404))
async def stop_run(request: Request, run: NamePath, form: LoweringForm, by: Lowers) -> RunView:
    """Stops a run in order."""
    line = parts_of(request).line
    await line.stop(run, form.reason, by=by, expected=form.seen)
    return line.run(run)


@lowering.post("/{run}/abort", operation_id="abort_run", responses=command(404))
async def abort_run(request: Request, run: NamePath, form: LoweringForm, by: Lowers) -> RunView:
    """Aborts a run: its machines are made safe, never by a faster decompression."""
    line = parts_of(request).line
    await line.abort(run, form.reason, by=by, expected=form.seen)
    return line.run(run)


@lowering.post("/{run}/pause", operation_id="pause_run", responses=command(404))
async def pause_run(request: Request, run: NamePath, form: LoweringForm, by: Pauses) -> RunView:
    """Pauses a run at the next point where it may."""
    line = parts_of(request).line
    await line.pause(run, form.reason, by=by, expected=form.seen)
    return line.run(run)


@commands.post("/{run}/restart", operation_id="restart_run", responses=command(404))
async def restart_run(
    request: Request, run: NamePath, form: RaisingForm, by: Annotated[Actor, Depends(May(Action.RESTART))]
) -> RunView:
    """Restarts a held run."""
    line = parts_of(request).line
    await line.restart(run, form.reason, by=by, expected=form.expected.expected())
    return line.run(run)


@commands.post("/{run}/go-on", operation_id="go_on_run", responses=command(404))
async def go_on_run(request: Request, run: NamePath, form: GoOnForm, by: Pauses) -> RunView:
    """Lets a paused run go on."""
    line = parts_of(request).line
    await line.go_on(run, form.reason, by=by, expected=form.expected.expected())
    return line.run(run)


@commands.post("/{run}/close", operation_id="close_run", responses=command(404))
async def close_run(
    request: Request, run: NamePath, form: RaisingForm, by: Annotated[Actor, Depends(May(Action.CLOSE))]
) -> RunView:
    """Closes the record of a run that was left."""
    line = parts_of(request).line
    await line.close(run, form.reason, by=by, expected=form.expected.expected())
    return line.run(run)

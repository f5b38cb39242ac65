"""Backups of the store, made beside everything else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from controller.api.answers import command, read
from controller.api.backups import BackupBody, Backups
from controller.api.forms import API, NamePath, NeededReasonForm
from controller.api.idempotency.route import CommandRoute
from controller.api.identity import May
from controller.api.parts import parts_of
from controller.api.problems import Problem
from controller.api.route import Route
from controller.authority import Action, Actor

router = APIRouter(tags=["store"], prefix=f"{API}/backups", route_class=Route)
commands = APIRouter(tags=["store"], prefix=f"{API}/backups", route_class=CommandRoute)
Keeper = Annotated[Actor, Depends(May(Action.STORE))]


def _backups(request: Request) -> Backups:
    if (found := parts_of(request).backups) is None:
        raise Problem("unready", "this service makes no backups")
    return found


@router.get("", operation_id="list_backups", responses=read())
async def list_backups(request: Request, _: Keeper) -> list[BackupBody]:
    """The backups that were asked for since the service's start, the newest first."""
    return _backups(request).all()


@router.get("/{backup}", operation_id="show_backup", responses=read(404))
async def show_backup(request: Request, backup: NamePath, _: Keeper) -> BackupBody:
    """One of them: whether it goes on, is done and checked, or failed."""
    return _backups(request).of(backup)


@commands.post("", operation_id="make_backup", status_code=202, responses=command())
async def make_backup(request: Request, response: Response, form: NeededReasonForm, by: Keeper) -> BackupBody:
    """Begins a backup of journal, recipes, people and everything else in the store; it is checked before it counts.

    It becomes a folder in `backups` of the store's folder on the service's computer; nothing of it goes over the wire.
    """
    parts, backups = parts_of(request), _backups(request)
    backups.refuse_second()
    await parts.line.asked_for_backup(form.reason, by=by)
    begun = backups.begin(by.name)
    response.headers["Location"] = f"{API}/backups/{begun.id}"
    return begun

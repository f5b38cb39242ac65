"""Lots: what there is, where it comes from, and what people say of it."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from controller.accounts import ToBeSigned
from controller.api.answers import answers, command, read
from controller.api.forms import API, NamePath, NeededReason, NeededReasonForm, Viewer
from controller.api.idempotency.route import CommandRoute
from controller.api.identity import May, address_of
from controller.api.parts import parts_of
from controller.authority import Action, Actor
from controller.journal import canonical
from controller.lots.fold import lots_of
from controller.lots.genealogy import genealogy, lot_node, tree
from controller.lots.model import Lots, LotStatus, lot_data, named
from controller.service.orders import LotAct

router = APIRouter(tags=["lots"], prefix=f"{API}/lots")
commands = APIRouter(tags=["lots"], prefix=f"{API}/lots", route_class=CommandRoute)


class LotForm(NeededReasonForm):
    """What is said of a lot."""

    act: Literal["quarantine", "scrap", "out", "back"]


class ReleaseForm(NeededReasonForm):
    """An electronic signature: its meaning, with one's own password given anew."""

    meaning: NeededReason
    password: Annotated[str, Field(min_length=1, max_length=1024)]


ACTS = {
    "quarantine": LotAct.QUARANTINE,
    "scrap": LotAct.SCRAP,
    "out": LotAct.OUT,
    "back": LotAct.BACK,
}


async def _lots(request: Request) -> Lots:
    parts = parts_of(request)
    events = await parts.records.all()
    return await parts.workers.wait_for(lots_of, events, parts.utc())


@router.get("", operation_id="list_lots", responses=read())
async def list_lots(
    request: Request,
    _: Viewer,
    status: LotStatus | None = None,
    every: Annotated[bool, Query(description="also lots that went into another one")] = False,
) -> list[dict[str, Any]]:
    """The lots that there are."""
    found = (await _lots(request)).values()
    return [lot_data(x) for x in found if (every or x.used_in is None) and (status is None or x.status is status)]


@router.get("/{run}/{lot}", operation_id="show_lot", responses=read(404))
async def show_lot(request: Request, run: NamePath, lot: NamePath, _: Viewer) -> dict[str, Any]:
    """One lot: what made it, of what, who, measured with what, and its status with the reasons."""
    return lot_data(named(await _lots(request), f"{run}/{lot}"))


@router.get("/{run}/{lot}/genealogy", operation_id="show_genealogy", responses=read(404))
async def show_genealogy(
    request: Request,
    run: NamePath,
    lot: NamePath,
    _: Viewer,
    forward: Annotated[bool, Query(description="what came of it, instead of where it comes from")] = False,
) -> dict[str, Any]:
    """Where a lot comes from, or what came of it, as a tree and as the set of all that is in it."""
    found = await _lots(request)
    graph, start = genealogy(found), lot_node(named(found, f"{run}/{lot}"))
    reached = sorted(graph.reached(start, forward=forward))
    return {
        "direction": "forward" if forward else "back",
        "tree": tree(graph, start, forward=forward),
        "nodes": [{"kind": node.kind.value, "name": node.name} for node in reached],
    }


@commands.post("/{run}/{lot}/acts", operation_id="act_on_lot", responses=command(404))
async def act_on_lot(
    request: Request, run: NamePath, lot: NamePath, form: LotForm, by: Annotated[Actor, Depends(May(Action.LOT))]
) -> dict[str, Any]:
    """Keeps a lot back or scraps it, or says that it left the dry room or came back."""
    line = parts_of(request).line
    await line.lot(ACTS[form.act], f"{run}/{lot}", form.reason, by=by)
    return lot_data(named(await _lots(request), f"{run}/{lot}"))


@router.post("/{run}/{lot}/release", operation_id="release_lot", responses=answers(401, 403, 404, 409, 415, 422, 429))
async def release_lot(
    request: Request,
    run: NamePath,
    lot: NamePath,
    form: ReleaseForm,
    by: Annotated[Actor, Depends(May(Action.RELEASE))],
) -> dict[str, Any]:
    """Releases a lot by signature of exactly what is known of it, where nothing stands against it.

    It takes no key: what is kept of a keyed command must not help to guess a password, and a second release is refused.
    """
    parts = parts_of(request)
    found = named(await _lots(request), f"{run}/{lot}")
    exact = sha256(canonical(lot_data(found)).encode()).hexdigest()
    what = ToBeSigned(Action.RELEASE, str(found.id), exact, form.meaning)
    await parts.people.signatures.sign(what, form.password, by=by, address=address_of(request))
    await parts.line.lot(LotAct.RELEASE, str(found.id), form.reason, by=by)
    return lot_data(named(await _lots(request), str(found.id)))

"""Lots: what there is, where it comes from, and what people say of it."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from controller.accounts import ToBeSigned
from controller.api.answers import answers, command, read
from controller.api.bodies.lots import BranchBody, GenealogyBody, LotBody, NodeBody, lot_body
from controller.api.forms import API, NamePath, NeededReason, NeededReasonForm, Utc, Viewer
from controller.api.idempotency.route import CommandRoute
from controller.api.identity import May, address_of
from controller.api.paging import Before, next_page, paged, since_text
from controller.api.parts import parts_of
from controller.api.route import Route
from controller.authority import Action, Actor
from controller.journal import canonical
from controller.lots.genealogy import genealogy, lot_node, tree
from controller.lots.model import Lot, LotStatus, lot_data, named
from controller.service.orders import LotAct

router = APIRouter(tags=["lots"], prefix=f"{API}/lots", route_class=Route)
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


async def _lot(request: Request, run: str, lot: str) -> Lot:
    """One lot. Raises LotUnknown."""
    parts = parts_of(request)
    return named(await parts.records.lots_around(run, parts.utc()), f"{run}/{lot}")


@router.get("", operation_id="list_lots", responses=paged(read()))
async def list_lots(
    request: Request,
    response: Response,
    _: Viewer,
    status: Annotated[LotStatus | None, Query(description="only lots with this status")] = None,
    every: Annotated[bool, Query(description="also lots that went into another one")] = False,
    since: Annotated[Utc | None, Query(description="only of runs that were begun at this time or later")] = None,
    before: Before = None,
    runs: Annotated[int, Query(ge=1, le=50, description="of so many runs at most")] = 10,
) -> list[LotBody]:
    """Lots, those of the newest run first. `Link` with `rel="next"` leads to those of the runs before."""
    parts = parts_of(request)
    utc = parts.utc()
    page = await parts.records.began(before, since_text(since), runs)
    found: list[Lot] = []
    for _number, run in page:
        found += await parts.records.lots_of_run(run, utc)
    if len(page) == runs:
        response.headers["Link"] = next_page(request, page[-1][0])
    wanted = [x for x in found if (every or x.used_in is None) and (status is None or x.status is status)]
    return [lot_body(lot) for lot in wanted]


@router.get("/{run}/{lot}", operation_id="show_lot", responses=read(404))
async def show_lot(request: Request, run: NamePath, lot: NamePath, _: Viewer) -> LotBody:
    """One lot: what made it, of what, who, measured with what, and its status with the reasons."""
    return lot_body(await _lot(request, run, lot))


@router.get(
    "/{run}/{lot}/genealogy", operation_id="show_genealogy", responses=read(404), response_model_exclude_none=True
)
async def show_genealogy(
    request: Request,
    run: NamePath,
    lot: NamePath,
    _: Viewer,
    forward: Annotated[bool, Query(description="what came of it, instead of where it comes from")] = False,
) -> GenealogyBody:
    """Where a lot comes from, or what came of it, as a tree and as the set of all that is in it."""
    parts = parts_of(request)
    found = await parts.records.lots_around(run, parts.utc(), forward=forward)
    graph, start = genealogy(found), lot_node(named(found, f"{run}/{lot}"))
    reached = sorted(graph.reached(start, forward=forward))
    return GenealogyBody(
        direction="forward" if forward else "back",
        tree=BranchBody.model_validate(tree(graph, start, forward=forward)),
        nodes=[NodeBody(kind=node.kind, name=node.name) for node in reached],
    )


@commands.post("/{run}/{lot}/acts", operation_id="act_on_lot", responses=command(404))
async def act_on_lot(
    request: Request, run: NamePath, lot: NamePath, form: LotForm, by: Annotated[Actor, Depends(May(Action.LOT))]
) -> LotBody:
    """Keeps a lot back or scraps it, or says that it left the dry room or came back."""
    line = parts_of(request).line
    await line.lot(ACTS[form.act], f"{run}/{lot}", form.reason, by=by)
    return lot_body(await _lot(request, run, lot))


@router.post("/{run}/{lot}/release", operation_id="release_lot", responses=answers(401, 403, 404, 409, 415, 422, 429))
async def release_lot(
    request: Request,
    run: NamePath,
    lot: NamePath,
    form: ReleaseForm,
    by: Annotated[Actor, Depends(May(Action.RELEASE))],
) -> LotBody:
    """Releases a lot by signature of exactly what is known of it, where nothing stands against it.

    It takes no key: what is kept of a keyed command must not help to guess a password, and a second release is refused.
    """
    parts = parts_of(request)
    found = await _lot(request, run, lot)
    exact = sha256(canonical(lot_data(found)).encode()).hexdigest()
    what = ToBeSigned(Action.RELEASE, str(found.id), exact, form.meaning)
    await parts.people.signatures.sign(what, form.password, by=by, address=address_of(request))
    await parts.line.lot(LotAct.RELEASE, str(found.id), form.reason, by=by)
    return lot_body(await _lot(request, run, lot))

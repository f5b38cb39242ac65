"""`pressline lots` and `pressline genealogy`: what became of every lot, where it comes from, what people say of it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.store_place import STORE, Store
from controller.place import Place

if TYPE_CHECKING:
    from controller.journal import Journal
    from controller.lots.model import Lot

lots = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
LotName = Annotated[str, typer.Argument(help="RUN/LOT, or LOT where only one run has it: 'electrode laminate'.")]
Who = Annotated[str, typer.Option(help="Who says so.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the record of the lot's run.")]


@lots.command(name="list")
def list_lots(
    status: Annotated[str | None, typer.Option(help="Only lots with this status, for example quarantine.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also lots that went into another one.")] = False,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """List the lots that there are."""
    raise typer.Exit(listed(store, status, every=every, as_json=as_json))


@lots.command()
def show(lot: LotName, store: Store = STORE, as_json: AsJson = False) -> None:
    """Show one lot: what made it, of what, who, measured with what, and its status with the reasons."""
    raise typer.Exit(shown(lot, store, as_json=as_json))


@lots.command()
def status(
    lot: LotName,
    to: Annotated[str, typer.Argument(help="scrap or quarantine.")],
    who: Who,
    reason: Why,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Scrap a lot for good, or keep it back until a person releases it."""
    from controller.lots import acts

    known = {"scrap": acts.scrap, "quarantine": acts.quarantine}
    if to not in known:
        other = "; `pressline lots release` releases a lot" if to.startswith("release") else ""
        print(f"pressline: there is no status {to!r} to give; there are {', '.join(known)}{other}", file=sys.stderr)
        raise typer.Exit(ExitCode.UNUSABLE)
    raise typer.Exit(_acted(store, lambda journal: known[to](journal, lot, who, reason), as_json=as_json))


@lots.command()
def release(lot: LotName, who: Who, reason: Why, store: Store = STORE, as_json: AsJson = False) -> None:
    """Release a lot that was kept back, where no claim or required rule stands against it."""
    from controller.lots import acts

    raise typer.Exit(_acted(store, lambda journal: acts.release(journal, lot, who, reason), as_json=as_json))


@lots.command()
def out(lot: LotName, who: Who, store: Store = STORE, as_json: AsJson = False) -> None:
    """Say that a lot left the dry room; its time outside counts from now."""
    from controller.lots import acts

    raise typer.Exit(_acted(store, lambda journal: acts.say_out(journal, lot, who), as_json=as_json))


@lots.command()
def back(lot: LotName, who: Who, store: Store = STORE, as_json: AsJson = False) -> None:
    """Say that a lot came back into the dry room."""
    from controller.lots import acts

    raise typer.Exit(_acted(store, lambda journal: acts.say_back(journal, lot, who), as_json=as_json))


def listed(store: Place, status: str | None, *, every: bool, as_json: bool) -> ExitCode:
    """Prints the lots of a store, also of one that a service is writing to."""
    from controller.lots.model import LotStatus, lot_data
    from controller.lots.page import list_lines

    if status is not None and status not in set(LotStatus):
        print(f"pressline: there is no status {status!r}; there are {', '.join(LotStatus)}", file=sys.stderr)
        return ExitCode.UNUSABLE
    if (found := _read(store)) is None:
        return ExitCode.UNUSABLE
    chosen = [
        lot for lot in found.values() if (every or lot.used_in is None) and (status is None or lot.status == status)
    ]
    if as_json:
        print(json.dumps({"lots": [lot_data(lot) for lot in chosen]}, indent=2))
    else:
        print("\n".join(list_lines(chosen)) or "no lot")
    return ExitCode.PASSED


def shown(text: str, store: Place, *, as_json: bool) -> ExitCode:
    """Prints one lot."""
    from controller.lots.model import LotUnknown, named

    if (found := _read(store)) is None:
        return ExitCode.UNUSABLE
    try:
        _print(named(found, text), as_json=as_json)
    except LotUnknown as error:
        print(f"{store}: {error}", file=sys.stderr)
        return ExitCode.UNUSABLE
    return ExitCode.PASSED


def show_genealogy(text: str, store: Place, *, forward: bool, as_json: bool) -> ExitCode:
    """Prints where something comes from, or what came of it."""
    from controller.lots.genealogy import genealogy, node_named, tree
    from controller.lots.model import LotUnknown
    from controller.lots.page import tree_lines

    if (found := _read(store)) is None:
        return ExitCode.UNUSABLE
    graph = genealogy(found)
    try:
        start = node_named(graph, text)
    except LotUnknown as error:
        print(f"{store}: {error}", file=sys.stderr)
        return ExitCode.UNUSABLE
    grown = tree(graph, start, forward=forward)
    if as_json:
        nodes = [{"kind": node.kind.value, "name": node.name} for node in sorted(graph.reached(start, forward=forward))]
        direction = "forward" if forward else "back"
        print(json.dumps({"direction": direction, "tree": grown, "nodes": nodes}, indent=2))
    else:
        print("\n".join(tree_lines(grown)))
    return ExitCode.PASSED


def _read(store: Place) -> Any:
    """The lots of a store; None after telling why it cannot be read."""
    from controller.cli.clock import utc_text
    from controller.journal import JournalError, read_events
    from controller.lots.fold import lots_of

    try:
        return lots_of(read_events(store), utc_text())
    except JournalError as error:
        print(error, file=sys.stderr)
        return None


def _print(lot: Lot, *, as_json: bool) -> None:
    from controller.lots.model import lot_data
    from controller.lots.page import lot_lines

    print(json.dumps(lot_data(lot), indent=2) if as_json else "\n".join(lot_lines(lot)))


def _acted(store: Place, act: Callable[[Journal], Awaitable[Lot]], *, as_json: bool) -> ExitCode:
    """Does something with the store's journal; a store that a service writes to is that service's."""
    from controller.cli.store_place import journal_of
    from controller.journal import JournalError, StoreBusy
    from controller.journal.places import refuse_no_store
    from controller.lots.acts import NotAllowed
    from controller.lots.model import LotUnknown

    async def done() -> Lot:
        refuse_no_store(store)
        journal = journal_of(store, "POST /api/v1/lots/{run}/{lot}/... of its API does it")
        try:
            return await act(journal)
        finally:
            await journal.close()

    try:
        _print(asyncio.run(done()), as_json=as_json)
    except NotAllowed as error:
        print(f"not done: {error}", file=sys.stderr)
        return ExitCode.REFUSED
    except StoreBusy as error:
        print(f"not done: {error}; nothing was recorded", file=sys.stderr)
        return ExitCode.UNUSABLE
    except (JournalError, LotUnknown) as error:
        print(f"not done: {error}", file=sys.stderr)
        return ExitCode.UNUSABLE
    return ExitCode.PASSED

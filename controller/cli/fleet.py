"""`pressline fleet`: all lines of a plant, from the database into which they are copied; nothing is changed there."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.cli.options import AsJson

fleet = typer.Typer(
    rich_markup_mode=None,
    help="All lines of a plant, as its database knows them. The lines' own stores stay the ones that count.",
)
PlantStore = Annotated[str, typer.Option("--store", help="The plant's database: postgresql://USER@HOST/NAME.")]


@fleet.callback(invoke_without_command=True)
def all_lines(
    context: typer.Context,
    store: Annotated[
        str | None, typer.Option("--store", help="The plant's database: postgresql://USER@HOST/NAME.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every line: its state, when it was last heard, what is behind, runs, alarms, lots of today."""
    if context.invoked_subcommand is not None:
        return
    if store is None:
        typer.echo("pressline fleet: --store is missing; expected postgresql://USER@HOST/NAME", err=True)
        raise typer.Exit(2)
    from controller.cli.fleet_work import show_fleet

    raise typer.Exit(show_fleet(store, None, as_json=as_json))


@fleet.command()
def show(
    line: Annotated[str, typer.Argument(help="The line's name at the plant, as `pressline fleet` prints it.")],
    store: PlantStore,
    as_json: AsJson = False,
) -> None:
    """Show one line: its units, runs with their step and why they wait, and the alarms that stand."""
    from controller.cli.fleet_work import show_fleet

    raise typer.Exit(show_fleet(store, line, as_json=as_json))


@fleet.command(name="drop-trends")
def drop_trends(
    store: PlantStore,
    days: Annotated[int, typer.Option("--older-than", min=1, max=36500, help="Days; whole months before then go.")],
    as_json: AsJson = False,
) -> None:
    """Drop the copied trends of all lines that are older: whole months, with their partitions. Records stay."""
    from controller.cli.fleet_work import drop_old

    raise typer.Exit(drop_old(store, days, as_json=as_json))

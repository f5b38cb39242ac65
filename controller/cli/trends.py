"""`pressline trends`: what the historian recorded, also while a service is writing to it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.exit_codes import ExitCode

trends = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
)
Store = Annotated[
    str, typer.Option(help="The store's file, whose trends are beside it, or postgresql://USER@HOST/NAME.")
]
LineName = Annotated[str | None, typer.Option("--line", help="Whose trends, where the store holds several lines'.")]
Since = Annotated[
    str | None, typer.Option("--from", help="From then on, for example 2026-11-22T06:00. All, if left out.")
]
Until = Annotated[str | None, typer.Option("--to", help="Up to, and without, then. Up to the newest, if left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
STORE = "pressline.sqlite"


@trends.command(name="list")
def list_tags(store: Store = STORE, line: LineName = None, as_json: AsJson = False) -> None:
    """List every tag: its unit, what there is of it, and how large that is."""
    from controller.cli.trends_work import listed

    raise typer.Exit(_done(lambda: listed(store, line, as_json=as_json)))


@trends.command()
def show(
    tag: Annotated[str, typer.Argument(help="UNIT.SIGNAL, as `pressline trends list` prints it.")],
    since: Since = None,
    until: Until = None,
    points: Annotated[int, typer.Option(min=1, max=100_000, help="Rows at most; minimum and maximum are kept.")] = 20,
    store: Store = STORE,
    line: LineName = None,
    as_json: AsJson = False,
) -> None:
    """Show one tag: its extremes with their times, mean and worst quality, and what was not recorded."""
    from controller.cli.trends_work import shown

    raise typer.Exit(_done(lambda: shown(store, line, tag, (since, until), points, as_json=as_json)))


@trends.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="A new file; its name ends in .csv or .parquet.")],
    tags: Annotated[list[str] | None, typer.Argument(help="Tags; every tag, if none is given.")] = None,
    since: Since = None,
    until: Until = None,
    store: Store = STORE,
    line: LineName = None,
    as_json: AsJson = False,
) -> None:
    """Write every sample to a file: CSV for a spreadsheet, Parquet for everything else."""
    from controller.cli.trends_work import exported

    raise typer.Exit(_done(lambda: exported(store, line, tags or None, (since, until), output, as_json=as_json)))


def _done(work: Callable[[], dict[str, object] | None]) -> ExitCode:
    """Does something with a store; what is wrong is said in a sentence."""
    from controller.cli.trends_work import UnusableTrends
    from controller.database import DatabaseUnusable
    from controller.historian import HistorianError

    try:
        document = work()
    except (DatabaseUnusable, HistorianError, UnusableTrends) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    if document is not None:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    return ExitCode.PASSED

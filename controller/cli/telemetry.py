"""`pressline telemetry`: the topics, and what waits for a broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.exit_codes import ExitCode

telemetry = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
)


@telemetry.command()
def topics(
    name: Annotated[str | None, typer.Argument(help="A topic's name: print its JSON Schema.")] = None,
    page: Annotated[bool, typer.Option("--page", help="Print the reference page, as Markdown.")] = False,
) -> None:
    """Print every topic with its message, or the JSON Schema of one."""
    from controller.telemetry.page import reference_page, schema_text
    from controller.telemetry.topics import TOPICS

    if page:
        typer.echo(reference_page(), nl=False)
    elif name is None:
        width = max(len(one.path) for one in TOPICS.values())
        for one in TOPICS.values():
            typer.echo(f"{one.name:<11} {one.path:<{width}}  {'retained' if one.retained else '':<8}  {one.when}")
    elif name in TOPICS:
        typer.echo(schema_text(TOPICS[name]), nl=False)
    else:
        typer.echo(f"there is no topic {name!r}; there are {', '.join(TOPICS)}", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)


@telemetry.command()
def status(
    outbox: Annotated[Path, typer.Argument(help="The outbox's file, beside the store: STORE-outbox.sqlite.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say what waits for the broker, from when, and what could not be kept. The service may be running."""
    from controller.database import DatabaseUnusable
    from controller.outbox.look import looked_at

    try:
        found = looked_at(outbox)
    except DatabaseUnusable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(ExitCode.UNUSABLE) from None
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for line in found:
        waiting = ", ".join(f"{count} {kind}" for kind, count in line["waiting"].items())
        typer.echo(f"{line['line']}: {waiting or 'nothing waits'}; {line['bytes']} bytes; oldest {line['oldest_utc']}")
        for drop in line["dropped"]:
            times = f"{drop['first_utc']} to {drop['last_utc']}"
            typer.echo(f"  not kept: {drop['messages']} {drop['priority']} ({drop['outlet']}) of {times}")
    if not found:
        typer.echo("nothing waits")

"""Commands on a whole store: copied while it is used, put back, brought to this program's schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.options import AsJson
from controller.cli.store_place import STATE

store_commands = typer.Typer()
AnyStore = Annotated[str, typer.Option("--store", help="The store: its file, or its URL (postgresql://HOST/NAME).")]
STORE = "pressline.sqlite"
State = Annotated[
    Path | None,
    typer.Option("--state", envvar=STATE, help="For PostgreSQL: the service's folder, with the anchor of the journal."),
]


@store_commands.command()
def backup(
    into: Annotated[Path, typer.Argument(help="The folder in which a new one is made for the backup.")],
    store: AnyStore = STORE,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Copy a store with its anchor, also while a service writes to it, and check the copy."""
    from controller.cli.backups import back_up

    raise typer.Exit(back_up(store, into, state, as_json=as_json))


@store_commands.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A backup, as `pressline backup` made it.")],
    store: AnyStore = STORE,
    state: State = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of a store that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back, after it was checked; a store that it replaces is kept beside it."""
    from controller.cli.backups import put_back

    raise typer.Exit(put_back(folder, store, state, replace=replace, as_json=as_json))


@store_commands.command()
def migrate(
    store: Annotated[str, typer.Argument(help="The store: its file, or its URL.")],
    into: Annotated[
        Path | None, typer.Option("--backup", help="For PostgreSQL: the folder for a dump before anything changes.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a store to this program's schema, after a backup; a service does it by itself where it can make one."""
    from controller.cli.backups import bring_forward

    raise typer.Exit(bring_forward(store, into, as_json=as_json))

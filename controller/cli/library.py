"""`pressline recipes`: the commands for stored recipes. What they do is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.store_place import STORE, Store

recipes = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Nothing that is stored is ever changed or removed; withdrawn approvals stay in the history.",
)

Name = Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="A stored recipe; the newest version if none.")]
Version = Annotated[str, typer.Argument(metavar="NAME@VERSION", help="A version, for example honda-example-1@2.")]
By = Annotated[str, typer.Option(help="The name of the person who does this.")]
LineFile = Annotated[
    Path | None, typer.Option("--line", help="The line file; without it the shipped machine models are used.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


@recipes.command()
def add(
    file: Annotated[Path, typer.Argument(help="A recipe file.")],
    by: By,
    comment: Annotated[str, typer.Option(help="What this version is for.")] = "",
    line: LineFile = None,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Store a recipe file, byte for byte, as the next version of its recipe."""
    from controller.cli.versions import add_version

    raise typer.Exit(add_version(file, by, comment, line, store, as_json=as_json))


@recipes.command(name="list")
def list_(
    name: Annotated[str | None, typer.Argument(help="One recipe, in all its versions.")] = None,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """List stored recipes, or all versions of one."""
    from controller.cli.versions import list_versions

    raise typer.Exit(list_versions(name, store, as_json=as_json))


@recipes.command()
def show(
    version: Name,
    text: Annotated[bool, typer.Option("--text", help="Print the exact text and nothing else.")] = False,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Show what is known of a version, or its exact text."""
    from controller.cli.versions import show_version

    raise typer.Exit(show_version(version, store, text=text, as_json=as_json))


@recipes.command()
def comment(
    version: Version,
    text: Annotated[str, typer.Argument(help="One line of words.")],
    by: By,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Add a comment to a version."""
    from controller.cli.versions import comment_version

    raise typer.Exit(comment_version(version, text, by, store, as_json=as_json))


@recipes.command()
def approve(
    version: Version,
    by: By,
    meaning: Annotated[str, typer.Option(help="What the approval stands for.")] = "approved for use",
    line: LineFile = None,
    four_eyes: Annotated[bool, typer.Option("--four-eyes", help="Refuse the person who added the version.")] = False,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Approve a version by name: its plan on a line may then be run."""
    from controller.cli.versions import approve_version

    raise typer.Exit(approve_version(version, by, meaning, line, store, four_eyes=four_eyes, as_json=as_json))


@recipes.command()
def withdraw(
    version: Version,
    by: By,
    reason: Annotated[str, typer.Option(help="Why the version must not be used any more.")],
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """End the validity of all approvals of a version."""
    from controller.cli.versions import withdraw_version

    raise typer.Exit(withdraw_version(version, by, reason, store, as_json=as_json))


@recipes.command()
def export(
    version: Name,
    output: Annotated[Path, typer.Option(help="Where to write the recipe; its own rule packs go beside it.")],
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Write a version back to a file, byte for byte."""
    from controller.cli.versions import export_version

    raise typer.Exit(export_version(version, output, store, as_json=as_json))


@recipes.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="FIRST", help="NAME@VERSION, NAME for the newest, or a file.")],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="What to compare it with.")],
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Show what differs between two versions, as `pressline diff` does for files."""
    from controller.cli.versions import diff_versions

    raise typer.Exit(diff_versions(first, second, store, as_json=as_json))

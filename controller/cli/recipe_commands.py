"""Commands on recipe files, which move nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.options import AsJson, LineFile, RecipeFile

recipe_commands = typer.Typer()


@recipe_commands.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Recipe files.")], line: LineFile = None, as_json: AsJson = False
) -> None:
    """Check recipes against their sources and the line, without moving anything."""
    from controller.cli.recipes import validate_files

    raise typer.Exit(validate_files(files, line, as_json=as_json))


@recipe_commands.command()
def plan(
    file: RecipeFile,
    line: LineFile = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the control recipe there, the text that the hash is of.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what would be done: setpoints, windows, times, predictions, margins, materials, and the hash that is run."""
    from controller.cli.recipes import plan_file

    raise typer.Exit(plan_file(file, line, output, as_json=as_json))


@recipe_commands.command()
def diff(
    first: Annotated[Path, typer.Argument(help="A recipe file.")],
    second: Annotated[Path, typer.Argument(help="The recipe file to compare it with.")],
    as_json: AsJson = False,
) -> None:
    """Show what differs in what two recipes make: 0 nothing, 1 something, 2 a file cannot be used."""
    from controller.cli.recipe_tools import diff_files

    raise typer.Exit(diff_files(first, second, as_json=as_json))


@recipe_commands.command()
def fmt(
    files: Annotated[list[Path], typer.Argument(help="Recipe files.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; show what would change, and exit with 1 if anything would.")
    ] = False,
) -> None:
    """Lay recipes out alike: order of keys, indents, spelling of units; never changes what is made."""
    from controller.cli.recipe_tools import format_files

    raise typer.Exit(format_files(files, check=check))


@recipe_commands.command()
def schema(
    output: Annotated[
        Path | None, typer.Option("--output", help="Write it there instead of to standard output.")
    ] = None,
    line: Annotated[bool, typer.Option("--line", help="Of line files instead.")] = False,
    page: Annotated[bool, typer.Option("--page", help="The tables of the line file's reference instead.")] = False,
) -> None:
    """Print the JSON Schema of recipe files, or of line files, for the completion and checks of an editor."""
    from controller.cli.recipe_tools import line_schema_text, print_schema
    from controller.reports.line_file_page import service_page
    from recipes.schema import schema_text

    raise typer.Exit(print_schema(output, service_page() if page else line_schema_text() if line else schema_text()))

"""`pressline rules`: the group of commands on rule packs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.options import AsJson

rules = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
PackName = Annotated[
    str | None, typer.Option("--pack", help="A shipped pack by its name, or the path of a CSV file such as ./site.csv.")
]


@rules.command(name="list")
def rules_list(pack: PackName = None, as_json: AsJson = False) -> None:
    """List what the rules of a pack ask; without --pack those of all shipped packs."""
    from controller.cli.rules import list_rules

    raise typer.Exit(list_rules(pack, as_json=as_json))


@rules.command(name="show")
def rules_show(
    rule: Annotated[str, typer.Argument(help="The rule's id, for example H009.")],
    pack: PackName = None,
    as_json: AsJson = False,
) -> None:
    """Say one rule in words: what it asks, who says so, what follows, and where its facts come from."""
    from controller.cli.rules import show_rule

    raise typer.Exit(show_rule(rule, pack, as_json=as_json))


@rules.command(name="check")
def rules_check(
    file: Annotated[Path, typer.Argument(help="The CSV file of a pack; its description is beside it.")],
    as_json: AsJson = False,
) -> None:
    """Check the files of a pack; every mistake is told with its line and cell."""
    from controller.cli.rules import check_pack

    raise typer.Exit(check_pack(file, as_json=as_json))

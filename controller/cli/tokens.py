"""`pressline tokens`: what programs come in with; on the store of a line, as long as no service holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.people_store import (
    AsJson,
    Why,
    days,
    here,
    in_columns,
    show,
    with_accounts,
)
from controller.cli.store_place import STORE, Store

if TYPE_CHECKING:
    from controller.accounts import Accounts, TokenInfo

tokens = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
)


@tokens.command()
def add(
    name: Annotated[str, typer.Argument(help="What the token is for, for example mes.")],
    of: Annotated[str, typer.Option("--for", help="The user who answers for what the program does.")],
    role: Annotated[str, typer.Option(help="As what it may act; no more than its user may.")],
    lasts_days: Annotated[float, typer.Option("--days", help="For how many days it counts; at most 400.")] = 90,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once."""

    async def work(accounts: Accounts) -> ExitCode:
        made = await accounts.make_token(name, role, days(lasts_days), by=here(), of=of)
        info = made.info
        words = f"the token {info.name} of {info.user} as {info.role}, until {info.ends} (UTC); it is told this once:"
        return show({"token": made.token, "info": info}, f"{words}\n  {made.token}", as_json=as_json)

    raise typer.Exit(with_accounts(store, work))


@tokens.command(name="list")
def list_tokens(
    of: Annotated[str | None, typer.Option("--for", help="Only those of this user.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that were revoked or are over.")] = False,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """List tokens: whose, for what, until when, last used when and from where."""

    async def work(accounts: Accounts) -> ExitCode:
        found = [info for info in await accounts.tokens.all(of) if every or info.counts]
        heads = ("id", "name", "user", "role", "until", "last used", "state")
        return show({"tokens": found}, in_columns(heads, [_cells(each) for each in found], "no token"), as_json=as_json)

    raise typer.Exit(with_accounts(store, work))


@tokens.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id, as `pressline tokens list` has it.")],
    reason: Why = "",
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """End a token at once."""

    async def work(accounts: Accounts) -> ExitCode:
        info = await accounts.revoke(token_id, by=here(), why=reason)
        return show(info, f"the token {info.name} of {info.user} is revoked", as_json=as_json)

    raise typer.Exit(with_accounts(store, work))


def _cells(info: TokenInfo) -> tuple[str, ...]:
    used = "never" if info.used is None else f"{info.used[:16]} {info.used_from}".rstrip()
    state = "counts" if info.counts else "revoked" if info.revoked else "over"
    return (info.id, info.name, info.user, info.role.value, info.ends[:16], used, state)

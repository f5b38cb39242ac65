"""`pressline users`: who may come in, in which role; on the store of a line, as long as no service holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.people_store import (
    AsJson,
    PasswordFile,
    UserName,
    Why,
    here,
    in_columns,
    password_from,
    read_beside,
    show,
    with_accounts,
)
from controller.cli.store_place import STORE, Store

if TYPE_CHECKING:
    from controller.accounts import Accounts, User, WayIn

users = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
)
RoleName = Annotated[str, typer.Argument(help="viewer, operator, engineer or administrator.")]


@users.command()
def add(
    name: UserName,
    role: Annotated[str, typer.Option(help="viewer, operator, engineer or administrator.")],
    password_file: PasswordFile = None,
    reason: Why = "",
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Add a user, and print a one-time way in for them; with --password-file the password is set instead."""

    async def work(accounts: Accounts) -> ExitCode:
        password = None if password_file is None else password_from(password_file)
        if password is not None:
            from controller.accounts.password_rules import check_new_password

            check_new_password(password, name)
        user = await accounts.users.add(name, role, by=here(), why=reason)
        words = f"{user.name} was added as {user.role}"
        if password is not None:
            user = await accounts.users.set_password(name, password, by=here(), why=reason)
            return show({"user": user}, words, as_json=as_json)
        way = await accounts.users.way_in(name, by=here(), why=reason)
        return show({"user": user, "way_in": _way_data(way)}, f"{words}\n{_way_words(way)}", as_json=as_json)

    raise typer.Exit(with_accounts(store, work, make=True))


@users.command(name="list")
def list_users(store: Store = STORE, as_json: AsJson = False) -> None:
    """List the users, also of a store that a service holds."""
    from sqlalchemy import select

    from controller.accounts.tables import users as table
    from controller.accounts.users import user_of

    rows = read_beside(store, lambda connection: connection.execute(select(table).order_by(table.c.name)).all())
    if rows is None:
        raise typer.Exit(ExitCode.UNUSABLE)
    found = [user_of(row) for row in rows]
    cells = [(user.name, user.role.value, _state(user), user.made[:10]) for user in found]
    text = in_columns(("name", "role", "state", "since"), cells, "there are no users")
    raise typer.Exit(show({"users": found}, text, as_json=as_json))


@users.command()
def rights(
    page: Annotated[bool, typer.Option("--page", help="Print the page of the reference.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what each role may do."""
    from controller.accounts import rights_page

    if page:
        print(rights_page.page(), end="")
        raise typer.Exit(ExitCode.PASSED)
    text = in_columns(rights_page.heads(), rights_page.rows(), "")
    raise typer.Exit(show(rights_page.rights_data(), text, as_json=as_json))


@users.command()
def disable(name: UserName, reason: Why = "", store: Store = STORE, as_json: AsJson = False) -> None:
    """Keep a user out from now on: sessions and tokens end at once. The name stays theirs."""

    async def work(accounts: Accounts) -> ExitCode:
        user = await accounts.users.set_enabled(name, enabled=False, by=here(), why=reason)
        return show(user, f"{user.name} is disabled; sessions and tokens have ended", as_json=as_json)

    raise typer.Exit(with_accounts(store, work))


@users.command()
def enable(name: UserName, reason: Why = "", store: Store = STORE, as_json: AsJson = False) -> None:
    """Let a user in again who was disabled; tokens that ended stay so."""

    async def work(accounts: Accounts) -> ExitCode:
        user = await accounts.users.set_enabled(name, enabled=True, by=here(), why=reason)
        return show(user, f"{user.name} may come in again", as_json=as_json)

    raise typer.Exit(with_accounts(store, work))


@users.command()
def role(name: UserName, role: RoleName, reason: Why = "", store: Store = STORE, as_json: AsJson = False) -> None:
    """Give a user another role; sessions end, and tokens that may do more than it."""

    async def work(accounts: Accounts) -> ExitCode:
        user = await accounts.users.set_role(name, role, by=here(), why=reason)
        return show(user, f"{user.name} is {user.role} now", as_json=as_json)

    raise typer.Exit(with_accounts(store, work))


@users.command()
def password(
    name: UserName,
    password_file: PasswordFile = None,
    reason: Why = "",
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Set a user's password, typed at the terminal or from a file; sessions end."""

    async def work(accounts: Accounts) -> ExitCode:
        await accounts.users.get(name)
        user = await accounts.users.set_password(name, password_from(password_file), by=here(), why=reason)
        return show(user, f"{user.name} has a new password; sessions have ended", as_json=as_json)

    raise typer.Exit(with_accounts(store, work))


@users.command(name="way-in")
def way_in(name: UserName, reason: Why = "", store: Store = STORE, as_json: AsJson = False) -> None:
    """Print a one-time way in, with which a user sets a password; it also unlocks them."""

    async def work(accounts: Accounts) -> ExitCode:
        way = await accounts.users.way_in(name, by=here(), why=reason)
        return show({"way_in": _way_data(way)}, _way_words(way), as_json=as_json)

    raise typer.Exit(with_accounts(store, work))


@users.command()
def unlock(name: UserName, reason: Why = "", store: Store = STORE, as_json: AsJson = False) -> None:
    """Forget failed tries for a user, who need not wait any longer."""

    async def work(accounts: Accounts) -> ExitCode:
        await accounts.users.unlock(name, by=here(), why=reason)
        return show({"unlocked": name}, f"{name} may try again at once", as_json=as_json)

    raise typer.Exit(with_accounts(store, work))


@users.command()
def accept(
    reason: Annotated[str, typer.Option("--reason", help="Why they are as they are; it stands in the audit.")],
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Accept users and tokens that are not what the audit says, for example after a restore; all sessions end."""
    from controller.accounts import Act

    async def work(accounts: Accounts) -> ExitCode:
        found = await accounts.users.all()
        return show({"users": found}, f"{len(found)} users are accepted as they are", as_json=as_json)

    act = Act("accounts.accepted", here(), "accounts", why=reason)
    raise typer.Exit(with_accounts(store, work, accept=act))


def _state(user: User) -> str:
    if not user.enabled:
        return "disabled"
    means = [word for word, has in (("password", user.has_password), ("OpenID Connect", user.openid)) if has]
    return " and ".join(means) or "waits for a way in"


def _way_data(way: WayIn) -> dict[str, str]:
    return {"user": way.user, "ends": way.ends, "token": way.token}


def _way_words(way: WayIn) -> str:
    return f"the way in for {way.user}, once, until {way.ends} (UTC):\n  {way.token}"

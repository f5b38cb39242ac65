"""The people of a store at the command line, as long as no service holds it; every error in words."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.login import at_terminal
from controller.place import Place, url_of

if TYPE_CHECKING:
    from controller.accounts import Accounts, Act
    from controller.authority import Actor

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
UserName = Annotated[str, typer.Argument(help="The user, for example ann.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help="A file that only you may read, with the password in its first line; else you are asked for it."),
]


OWN_ONLY = 0o077
"""What a store holds is for nobody else's eyes: passwords' hashes are among it."""


class PasswordUnreadable(Exception):
    """A password is neither at the terminal nor in a file that is fit for one. Retryable with another."""


HOLDER = (
    "its API does this too: /api/v1/users and /api/v1/tokens (docs/how-to/use-the-api.md); where nobody can sign in as"
    " administrator, end the service first"
)


def here() -> Actor:
    """Who works at the computer with the store: whoever may write its file may do everything with it anyway."""
    from controller.authority import Actor, Role

    return Actor(at_terminal(), Role.ADMINISTRATOR, "terminal")


def with_accounts(
    store: Place, work: Callable[[Accounts], Awaitable[ExitCode]], *, accept: Act | None = None, make: bool = False
) -> ExitCode:
    """Does the work with the people of a store, which no service may hold meanwhile."""

    async def done() -> ExitCode:
        from controller.accounts import TABLES, Accounts
        from controller.cli.clock import utc_text
        from controller.cli.store_place import journal_of
        from controller.database import open_database

        journal = journal_of(store, HOLDER)
        try:
            database = open_database(url_of(store), TABLES)
            try:
                accounts = await Accounts.open(database, journal, utc_text, accept=accept)
                try:
                    return await work(accounts)
                finally:
                    await accounts.close()
            finally:
                database.close()
        finally:
            await journal.close()

    if not make and isinstance(store, Path) and not store.exists():
        print(f"{store}: there is no such store; `pressline users add` makes one", file=sys.stderr)
        return ExitCode.UNUSABLE
    before = os.umask(OWN_ONLY)  # a new store holds what passwords are checked with
    try:
        return told(done)
    finally:
        os.umask(before)


def told(work: Callable[[], Coroutine[Any, Any, ExitCode]]) -> ExitCode:
    """Does some work; whatever is in its way is told, and becomes the code that it deserves."""
    from controller.accounts import AccountsAltered, AccountsError, Unacceptable, UserUnknown
    from controller.accounts.errors import AuditUnwritable, TokenUnknown
    from controller.authority import NotAuthorised
    from controller.database import DatabaseUnusable
    from controller.journal import JournalError

    try:
        return asyncio.run(work())
    except (Unacceptable, UserUnknown, TokenUnknown, AuditUnwritable, AccountsAltered) as error:
        print(f"not done: {error}", file=sys.stderr)
    except (AccountsError, NotAuthorised) as error:
        print(f"not done: {error}", file=sys.stderr)
        return ExitCode.REFUSED
    except (JournalError, DatabaseUnusable, PasswordUnreadable) as error:
        print(f"not done: {error}", file=sys.stderr)
    return ExitCode.UNUSABLE


def read_beside(store: Place, read: Callable[[Any], Any]) -> Any:
    """What `read` makes of the store's tables, also while a service writes; None after telling why it cannot."""
    from controller.accounts import TABLES
    from controller.database import DatabaseUnusable, open_database
    from controller.journal import JournalError
    from controller.store.database import reading

    try:
        with reading(store):  # what is no store of ours gets no tables
            pass
        database = open_database(url_of(store), TABLES)
        try:
            return database.run_now(read)
        finally:
            database.close()
    except (JournalError, DatabaseUnusable) as error:
        print(error, file=sys.stderr)
        return None


def password_from(file: Path | None) -> str:
    """A new password: the first line of a file, or typed twice at the terminal. Raises PasswordUnreadable."""
    if file is not None:
        try:
            mode = stat.S_IMODE(file.stat().st_mode)
            if file.is_file() and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise PasswordUnreadable(f"{file}: others may get at it (mode {mode:04o}); `chmod 600 {file}`")
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            words = error.strerror if isinstance(error, OSError) else "is no text in UTF-8"
            raise PasswordUnreadable(f"{file}: the password cannot be read ({words})") from error
        return lines[0] if lines else ""
    if not sys.stdin.isatty():
        raise PasswordUnreadable("a password is typed at a terminal or read from --password-file")
    password = str(typer.prompt("New password", hide_input=True, err=True))
    if typer.prompt("Again", hide_input=True, err=True) != password:
        raise PasswordUnreadable("the two passwords are not the same")
    return password


def show(data: Any, text: str, *, as_json: bool) -> ExitCode:
    """Prints a result: an immutable value or several of them, or its text."""
    print(json.dumps(data, indent=2, default=_plain) if as_json else text)
    return ExitCode.PASSED


def _plain(value: Any) -> Any:
    return asdict(value)


def days(text: float) -> timedelta:
    """Days as a duration; so many that there is no such duration count as the longest."""
    try:
        return timedelta(days=text)
    except (OverflowError, ValueError):
        return timedelta.max


def in_columns(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], none: str) -> str:
    """A table of plain text; `none` where there is nothing to be shown."""
    if not rows:
        return none
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows)]
    return "\n".join(line.rstrip() for line in lines)

"""`pressline audit`: who did what, when, from where and why; also while a service writes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.people_store import AsJson, show
from controller.cli.store_place import STORE, Store
from controller.place import Place

if TYPE_CHECKING:
    from controller.accounts.audit_search import AuditEntry
    from controller.events import Event

audit = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
)


@audit.callback()
def _group() -> None:
    """Keeps `search` a command of its own."""


@audit.command()
def search(
    who: Annotated[str | None, typer.Option(help="Only what this person did.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind, or all that begin so: user., sign_in.")] = None,
    on: Annotated[
        str | None, typer.Option("--object", help="Only what was done to this, or to what begins so.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Not before this time, UTC: 2026-03-01T06:00.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time, UTC.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.")] = 100,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Search what people did: sign-ins, refusals, users, tokens, signatures, and commands in runs."""
    from controller.accounts import Unacceptable
    from controller.accounts.audit_search import query
    from controller.accounts.audit_search import search as found_in
    from controller.journal import JournalError

    try:
        wanted = query(who, kind, on, since, until, None, limit)
        found = found_in(_newest_first(store), wanted)
    except (Unacceptable, JournalError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(ExitCode.UNUSABLE) from None
    text = "\n".join(_line(entry) for entry in found) or "nothing was found"
    raise typer.Exit(show({"entries": found}, text, as_json=as_json))


def _newest_first(store: Place) -> Iterator[Event]:
    """The records of a store, read in parts: the newest of a store of months come at once. Raises JournalError."""
    from controller.journal.places import read_past

    return reversed(read_past(store))


def _line(entry: AuditEntry) -> str:
    who = " ".join(word for word in (entry.who or "somebody", f"({entry.role})" if entry.role else "") if word)
    where = f" from {entry.address}" if entry.address else ""
    change = ""
    if entry.old is not None or entry.new is not None:
        change = f": {_short(entry.old)} -> {_short(entry.new)}" if entry.old is not None else f": {_short(entry.new)}"
    why = f"; {entry.why}" if entry.why else ""
    return f"{entry.utc[:19]}  {entry.kind}  {entry.object or '-'}  by {who}{where}{change}{why}"


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

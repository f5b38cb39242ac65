"""`pressline interlocks`: the matrix, and the bypasses of a store's line: who, what, why, until when."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.login import logged_in
from controller.cli.store_place import STORE, Store
from controller.place import Place

if TYPE_CHECKING:
    from controller.journal import Journal

interlocks = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Unit = Annotated[str, typer.Argument(help="A unit of the line, for example isostatic-press-1.")]
RowName = Annotated[str, typer.Argument(help="The row, as `pressline interlocks` names it: 'bag tight'.")]
LineFile = Annotated[
    Path | None, typer.Option("--line", help="The line file; without it the shipped machine models are used.")
]


@interlocks.callback()
def show(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only this kind of machine: isostatic_press.")] = None,
    page: Annotated[bool, typer.Option("--page", help="Print the page of the reference.")] = False,
    line: Annotated[
        Path | None, typer.Option(help="A line file: show which rows its machines do not have, and why.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the matrix of permissives and interlocks, or with --line what of it a line's machines do not have."""
    if context.invoked_subcommand is None:
        if line is not None:
            raise typer.Exit(show_gaps(line, kind, as_json=as_json))
        raise typer.Exit(show_matrix(kind, as_page=page, as_json=as_json))


@interlocks.command()
def bypassed(store: Store = STORE, as_json: AsJson = False) -> None:
    """List who bypassed which row until when, the latest last; with what is in force now."""
    raise typer.Exit(list_bypasses(store, as_json=as_json))


@interlocks.command()
def bypass(
    unit: Unit,
    row: RowName,
    reason: Annotated[str, typer.Option(help="Why; it stands in every run that the bypass touches.")],
    role: Annotated[str, typer.Option(help="In which role: engineer.")],
    minutes: Annotated[float, typer.Option("--for", help="For how many minutes; it ends by itself.")],
    by: Annotated[str | None, typer.Option(help="Who answers for it; without it the user who is logged in.")] = None,
    line: LineFile = None,
    store: Store = STORE,
) -> None:
    """Let a unit work without one row, for a time. Rows that protect people cannot be bypassed."""
    wanted = Wanted(unit, row, role, by or logged_in(), reason, minutes, line, store)
    raise typer.Exit(begin(wanted))


@interlocks.command()
def end(
    unit: Unit,
    row: RowName,
    by: Annotated[str | None, typer.Option(help="Who ends it; without it the user who is logged in.")] = None,
    store: Store = STORE,
) -> None:
    """End a bypass before its time."""
    raise typer.Exit(end_bypass(unit, row, by or logged_in(), store))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bypass as it was asked for."""

    unit: str
    row: str
    role: str
    who: str
    reason: str
    minutes: float
    line: Path | None
    store: Place


def show_matrix(kind: str | None, *, as_page: bool, as_json: bool) -> ExitCode:
    """Prints the matrix of one kind of machine or of all."""
    from controller.interlocks import KINDS, MATRIX
    from controller.reports.interlock_page import EVERY, HEADS, cells, matrix_data, page

    if kind is not None and kind not in KINDS:
        print(f"pressline interlocks: there are no rows of a {kind}; there are {', '.join(KINDS)}", file=sys.stderr)
        return ExitCode.UNUSABLE
    kinds = KINDS if kind is None else (kind,)
    if as_json:
        print(json.dumps(matrix_data(kinds), indent=2))
    elif as_page:
        print(page(), end="")
    else:
        from controller.reports.run_table import print_text, table

        for each in (*kinds, ""):
            rows = table((each or EVERY).replace("_", " "), *HEADS)
            for row in MATRIX:
                if row.kind == each:
                    rows.add_row(*cells(row))
            print_text(rows)
    return ExitCode.PASSED


def show_gaps(line: Path, kind: str | None, *, as_json: bool) -> ExitCode:
    """Prints for each machine of a line the rows that it cannot have, as it does not show what they read."""
    from controller.config import ConfigError, load_line
    from controller.interlocks import unwatched
    from controller.line import unit_profile
    from drivers.errors import ProfileError

    try:
        units = [unit for unit in load_line(line).units.values() if kind in (None, unit.kind)]
        profiles = {unit.name: unit_profile(unit) for unit in units}
    except (ConfigError, ProfileError) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    found = {name: unwatched(profile) for name, profile in profiles.items() if profile.is_machine}
    if as_json:
        gaps = {
            name: [{"missing": gap.signal, "rows": list(gap.rows), "reason": gap.reason} for gap in each]
            for name, each in found.items()
        }
        print(json.dumps({"not_watched": gaps}, indent=2))
        return ExitCode.PASSED
    for name, each in found.items():
        for words in [str(gap) for gap in each] or ["every row of its kind is watched"]:
            print(f"{name}: {words}")
    return ExitCode.PASSED


def list_bypasses(store: Place, *, as_json: bool) -> ExitCode:
    """Prints every bypass of a store, also of one that a service is writing to."""
    from controller.cli.clock import utc_text
    from controller.interlocks.bypass import told_bypasses
    from controller.journal import JournalError, read_events

    try:
        told = told_bypasses(read_events(store))
    except JournalError as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    now = utc_text()
    found = [
        {**item.data, "ended": at, "ended_by": who, "in_force": at is None and item.counts_at(now)}
        for item, at, who in told
    ]
    if as_json:
        print(json.dumps({"bypasses": found}, indent=2))
        return ExitCode.PASSED
    for entry, (item, at, who) in zip(found, told, strict=True):
        over = "in force" if entry["in_force"] else f"ended {at} by {who}" if at else "over"
        print(f"{item.begun}  {item.words}  [{over}]")
    if not found:
        print("no row was ever bypassed")
    return ExitCode.PASSED


def begin(wanted: Wanted) -> ExitCode:
    """Journals a bypass; it counts for the runs of this store from now on."""
    from controller.authority import Role
    from controller.cli.clock import utc, utc_text
    from controller.interlocks import Bypass, Bypasses, BypassRefused

    if wanted.role not in set(Role):
        print(f"pressline: there is no role {wanted.role!r}; there are {', '.join(Role)}", file=sys.stderr)
        return ExitCode.UNUSABLE
    kind = _kind(wanted)
    if kind is None:
        return ExitCode.UNUSABLE
    now = utc()
    try:
        until = utc_text(now + timedelta(minutes=wanted.minutes))
    except (OverflowError, ValueError):
        print(f"pressline: --for {wanted.minutes:g}: no time of day is that far away", file=sys.stderr)
        return ExitCode.UNUSABLE
    item = Bypass(wanted.unit, wanted.row, Role(wanted.role), wanted.who, wanted.reason, utc_text(now), until)

    async def work(journal: Journal) -> ExitCode:
        try:
            await Bypasses().begin(journal, kind, item)
        except BypassRefused as error:
            print(f"not bypassed: {error}", file=sys.stderr)
            return ExitCode.REFUSED
        print(item.words)
        return ExitCode.PASSED

    return _journalled(wanted.store, work)


def end_bypass(unit: str, row: str, who: str, store: Place) -> ExitCode:
    """Ends a bypass and journals it."""
    from controller.interlocks import Bypasses

    async def work(journal: Journal) -> ExitCode:
        bypasses = Bypasses()
        bypasses.recall(journal)
        if bypasses.end(journal, unit, row, who, "asked for"):
            print(f"{unit}: {row} counts again")
            return ExitCode.PASSED
        print(f"{unit}: {row} is not bypassed", file=sys.stderr)
        return ExitCode.REFUSED

    return _journalled(store, work)


def _journalled(store: Place, work: Callable[[Journal], Coroutine[Any, Any, ExitCode]]) -> ExitCode:
    """Does the work with the store's journal; a store that a service writes to is that service's."""
    from controller.cli.store_place import journal_of
    from controller.journal import JournalError

    async def done() -> ExitCode:
        journal = journal_of(store, "POST /api/v1/units/{unit}/bypasses of its API does it, with a second signature")
        try:
            return await work(journal)
        finally:
            await journal.close()

    try:
        return asyncio.run(done())
    except JournalError as error:
        print(f"not done: {error}", file=sys.stderr)
        return ExitCode.UNUSABLE


def _kind(wanted: Wanted) -> str | None:
    """The kind of a unit of the line, or None after telling which units there are."""
    from controller.cli.recipes import Unusable, capabilities

    try:
        kinds = {unit.name: unit.kind for unit in capabilities(wanted.line)}
    except Unusable as error:
        print(error, file=sys.stderr)
        return None
    if wanted.unit not in kinds:
        print(f"pressline: the line has no {wanted.unit}; it has {', '.join(kinds)}", file=sys.stderr)
        return None
    return kinds[wanted.unit]

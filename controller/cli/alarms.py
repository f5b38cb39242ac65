"""`pressline alarms`: what stands, what happened, how good the alarm system is, and what persons do with alarms."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.store_place import STORE, Store
from controller.place import Place

if TYPE_CHECKING:
    from controller.alarms.alarm import Alarm, AlarmKey
    from controller.alarms.server import AlarmServer

alarms = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Keys = Annotated[list[str], typer.Argument(help="Alarms as `pressline alarms` names them: link_down@coater-1.")]
Key = Annotated[str, typer.Argument(help="An alarm as `pressline alarms` names it: link_down@coater-1.")]
By = Annotated[str | None, typer.Option(help="Who does it; without it the user who is logged in.")]
Why = Annotated[str, typer.Option("--reason", help="Why.")]


@alarms.callback()
def show(context: typer.Context, store: Store = STORE, as_json: AsJson = False) -> None:
    """List the alarms that stand, those that nobody has seen first; then what is shelved or out of service."""
    if context.invoked_subcommand is None:
        raise typer.Exit(list_alarms(store, as_json=as_json))


@alarms.command(name="list")
def list_(store: Store = STORE, as_json: AsJson = False) -> None:
    """List the alarms that stand, those that nobody has seen first; then what is shelved or out of service."""
    raise typer.Exit(list_alarms(store, as_json=as_json))


@alarms.command()
def history(
    store: Store = STORE,
    last: Annotated[int, typer.Option(min=1, help="How many lines at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show what happened to alarms, the latest last."""
    raise typer.Exit(show_history(store, last, as_json=as_json))


@alarms.command()
def metrics(
    store: Store = STORE,
    positions: Annotated[int, typer.Option(min=1, help="How many operators share the alarms.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Measure the alarm system: rates, floods, chattering, stale alarms; 1 if a limit of ISA-18.2 is passed."""
    raise typer.Exit(show_metrics(store, positions, as_json=as_json))


@alarms.command()
def table(
    name: Annotated[str | None, typer.Argument(help="One row in full, for example link_down.")] = None,
    page: Annotated[bool, typer.Option("--page", help="Print the page of the reference.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the alarm table: cause, consequence, what happens by itself, what to do, in what time."""
    raise typer.Exit(show_table(name, as_page=page, as_json=as_json))


@alarms.command()
def ack(keys: Keys, by: By = None, reason: Why = "", store: Store = STORE) -> None:
    """Acknowledge alarms of a store that no run is using; during a run type `ack` at its terminal."""
    raise typer.Exit(_commanded(store, lambda server: server.acknowledge(_keys(keys), _who(by), reason)))


@alarms.command()
def reset(key: Key, by: By = None, store: Store = STORE) -> None:
    """Let a latched alarm go that was acknowledged and whose cause is gone."""
    raise typer.Exit(_commanded(store, lambda server: server.reset(_keys([key])[0], _who(by))))


@alarms.command()
def shelve(
    key: Key,
    minutes: Annotated[float, typer.Option("--for", help="For how many minutes; it comes back by itself.")],
    reason: Why,
    by: By = None,
    store: Store = STORE,
) -> None:
    """Take an alarm off the list for a while. The table says how long at most; safety alarms never."""
    wanted = _keys([key])[0]
    raise typer.Exit(_commanded(store, lambda server: server.shelve(wanted, 60.0 * minutes, _who(by), reason)))


@alarms.command()
def unshelve(key: Key, by: By = None, store: Store = STORE) -> None:
    """End a shelving before its time."""
    raise typer.Exit(_commanded(store, lambda server: server.unshelve(_keys([key])[0], _who(by))))


@alarms.command(name="out-of-service")
def out_of_service(key: Key, reason: Why, by: By = None, store: Store = STORE) -> None:
    """Take an alarm out of service, as for the repair of its sensor; the table says which may be."""
    raise typer.Exit(_commanded(store, lambda server: server.remove(_keys([key])[0], _who(by), reason)))


@alarms.command(name="return-to-service")
def return_to_service(key: Key, by: By = None, store: Store = STORE) -> None:
    """Return an alarm to service."""
    raise typer.Exit(_commanded(store, lambda server: server.restore(_keys([key])[0], _who(by))))


# ---------------------------------------------------------------------- work


def list_alarms(store: Place, *, as_json: bool) -> ExitCode:
    """Prints what stands in a store, whether or not a run is using it; 1 if anything stands."""
    from controller.alarms.server import looked_up
    from controller.cli.alarm_words import NONE, data_of_alarm, line_of
    from controller.cli.clock import utc_text
    from controller.journal import JournalError, is_in_use, read_events

    async def looked() -> tuple[list[Alarm], list[Alarm], float]:
        server = looked_up(read_events(store), utc_text(), alive=is_in_use(store))
        return server.standing(), server.hidden(), asyncio.get_running_loop().time()

    try:
        standing, hidden, now_s = asyncio.run(looked())
    except JournalError as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    if as_json:
        lists = {"standing": standing, "hidden": hidden}
        print(json.dumps({name: [data_of_alarm(a, now_s) for a in found] for name, found in lists.items()}, indent=2))
    else:
        print("\n".join(line_of(alarm, now_s) for alarm in (*standing, *hidden)) or NONE)
    return ExitCode.REFUSED if standing else ExitCode.PASSED


def show_history(store: Place, last: int, *, as_json: bool) -> ExitCode:
    """Prints what happened to alarms."""
    from controller.alarms.record import KINDS
    from controller.cli.alarm_words import history as lines
    from controller.journal import JournalError, read_events

    try:
        events = [event for event in read_events(store) if event.kind in KINDS][-last:]
    except JournalError as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    if as_json:
        print(json.dumps([{"utc": event.utc, "kind": event.kind, **event.data} for event in events], indent=2))
    else:
        print("\n".join(lines(events)) or "no alarm is recorded yet")
    return ExitCode.PASSED


def show_metrics(store: Place, positions: int, *, as_json: bool) -> ExitCode:
    """Prints the figures of a store."""
    from controller.alarms.metrics import of_journal
    from controller.cli.alarm_words import figures
    from controller.cli.clock import utc_text
    from controller.journal import JournalError, is_in_use, read_events

    try:
        found = of_journal(read_events(store), utc_text() if is_in_use(store) else None, positions)
    except JournalError as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    if as_json:
        plain = {name: getattr(found, name) for name in found.__slots__ if name not in ("top", "chattering", "stale")}
        listed = {"top": [[str(key), count] for key, count in found.top], "beyond": found.remarks()}
        listed |= {"chattering": [str(k) for k in found.chattering], "stale": [str(k) for k in found.stale]}
        print(json.dumps(plain | listed, indent=2))
    else:
        print("\n".join(figures(found)))
    return ExitCode.REFUSED if found.remarks() else ExitCode.PASSED


def show_table(name: str | None, *, as_page: bool, as_json: bool) -> ExitCode:
    """Prints the alarm table, or one row of it."""
    from controller.alarms.table import shipped_table
    from controller.cli.alarm_words import row_lines, table_data, table_lines

    found = shipped_table()
    if as_page:
        from controller.alarms.page import reference_page

        print(reference_page(found), end="")
        return ExitCode.PASSED
    if name is not None and name not in found.definitions:
        from difflib import get_close_matches

        near = get_close_matches(name, found.definitions, 1)
        meant = f"; is {near[0]} meant?" if near else ""
        print(f"pressline alarms table: there is no alarm {name!r}{meant}", file=sys.stderr)
        return ExitCode.UNUSABLE
    rows = found.definitions if name is None else {name: found.definitions[name]}
    if as_json:
        print(json.dumps(table_data(rows), indent=2))
    else:
        print("\n".join(table_lines(found) if name is None else row_lines(rows[name])))
    return ExitCode.PASSED


def _keys(texts: list[str]) -> list[AlarmKey]:
    from controller.alarms.alarm import AlarmKey

    return [AlarmKey.of(text) for text in texts]


def _who(by: str | None) -> str:
    from controller.cli.login import logged_in

    return logged_in() if by is None else by


def _commanded(store: Place, command: Callable[[AlarmServer], None]) -> ExitCode:
    """Carries out one command on the alarms of a store, and shows what stands then."""
    from controller.alarms.server import AlarmServer
    from controller.alarms.states import AlarmRefused
    from controller.alarms.table import shipped_table
    from controller.cli.store_place import journal_of
    from controller.journal import JournalError, read_events

    async def work() -> None:
        read_events(store)  # a store that is not there is not made
        journal = journal_of(
            store, "POST /api/v1/alarms/... of its API does it; `alarms` at the terminal of its run does too"
        )
        try:
            server = AlarmServer({}, journal, shipped_table())
            server.recall()
            command(server)
        finally:
            await journal.close()

    try:
        asyncio.run(work())
    except AlarmRefused as error:
        print(error, file=sys.stderr)
        return ExitCode.REFUSED
    except JournalError as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    list_alarms(store, as_json=False)
    return ExitCode.PASSED

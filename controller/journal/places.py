"""A journal wherever its store is: a file, or a database by URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.events import Event, EventStream
from controller.journal import database, lock
from controller.journal.durable import StoredJournal
from controller.journal.errors import StoreUnusable
from controller.journal.medium import Medium
from controller.journal.past import AskedPast, Past
from controller.journal.records import Records
from controller.journal.sqlite import SqliteJournal, SqliteMedium
from controller.place import Place, StoreUrl


def read_events(store: Place, run: str | None = None) -> list[Event]:
    """All records of a store, or of one run, oldest first. Reads beside a writer. Raises StoreUnusable."""
    if isinstance(store, Path):
        return database.read_events(store, run)
    with _reading(store) as (records, last):
        rows = list(records.each(1, last)) if run is None else records.of_run(run, last)
    return database.events_of(str(store), rows)


def read_past(store: Place) -> Past:
    """The records of a store, asked in parts for what is needed; beside a writer. Raises StoreUnusable."""
    medium = _medium(store)
    if isinstance(store, Path) and _holds_recipes_only(store):
        return AskedPast(0, medium.reading, lambda rows: database.events_of(medium.place, rows))
    with medium.reading() as records:
        last = records.newest()[0]
    return AskedPast(last, medium.reading, lambda rows: database.events_of(medium.place, rows))


def is_in_use(store: Place) -> bool:
    """Whether a living process writes to the store. Raises StoreUnusable where a database cannot be asked."""
    if isinstance(store, Path):
        return lock.is_in_use(store)
    from controller.journal.postgres import OWNERS

    with _reading(store) as (records, _):
        return bool(records.connection.execute(OWNERS).fetchall())


def journal_at(store: Place, utc: Callable[[], str], folder: Path | None = None) -> StoredJournal:
    """The journal of a store, opened to write to it. folder is the service's own, with the anchor, for a database.

    Raises JournalError.
    """
    if isinstance(store, Path):
        return SqliteJournal(EventStream(), utc, store)
    if folder is None:
        raise StoreUnusable(f"{store}: its anchor is in a folder of the service's own, which has to be named")
    from controller.journal.postgres import PostgresJournal

    return PostgresJournal(EventStream(), utc, store.text, folder)


def refuse_no_store(store: Place) -> None:
    """Raises StoreUnusable where there is no such file; a database tells it when it is opened."""
    if isinstance(store, Path):
        database.refuse_no_file(store)


def _medium(store: Place) -> Medium:
    if isinstance(store, Path):
        database.refuse_no_file(store)
        return SqliteMedium(store)
    from controller.journal.postgres import PostgresMedium

    return PostgresMedium(store.text, Path())


@contextmanager
def _reading(store: StoreUrl) -> Iterator[tuple[Records, int]]:
    with _medium(store).reading() as records:
        yield records, records.newest()[0]


def _holds_recipes_only(store: Path) -> bool:
    from contextlib import closing

    with closing(database.reading(store)) as opened:
        return database.is_without_records(opened)

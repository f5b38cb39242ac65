"""Stored recipes in PostgreSQL: the same statements, the same chain, and triggers that let rows only be appended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from controller.database import DatabaseUnusable, migrate
from controller.database.engines import LIVELY
from controller.journal import JournalError, StoreBusy, StoreUnusable
from controller.journal.postgres import driver_url
from controller.place import StoreUrl

WAITS_MS = 5000  # how long a writer waits for another one, as in SQLite
TRIGGERS = (
    "recipe_records_appended",
    "recipe_records_kept",
    "recipe_records_never",
    "recipe_texts_kept",
    "recipe_texts_never",
)
_ENABLED = (
    "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
    " AND tgrelid IN (to_regclass('recipe_records'), to_regclass('recipe_texts'))"
)


class PostgresRecipes:
    """A connection that takes the statements of `records.py`, which mark values as SQLite does."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, text: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[Any]:
        return self._connection.execute(text.replace("?", "%s").encode(), parameters)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has begun and not ended."""
        return self._connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE

    def begin(self) -> None:
        """Begins a transaction, alone among writers; others read meanwhile."""
        self.execute("BEGIN")
        self.execute("LOCK TABLE recipe_records IN SHARE ROW EXCLUSIVE MODE")

    def has_recipes(self) -> bool:
        """Whether the tables of stored recipes were made."""
        return self.execute("SELECT to_regclass('recipe_records')").fetchone() != (None,)

    def schema_faults(self) -> list[str]:
        """Triggers that somebody removed or switched off, in words."""
        there = {name for (name,) in self.execute(_ENABLED).fetchall()}
        words = "what keeps stored recipes from being changed was removed"
        return [f"{words}: {name}" for name in TRIGGERS if name not in there]


@contextmanager
def connected(url: StoreUrl, *, make: bool) -> Iterator[PostgresRecipes]:
    """The store at a URL, with `make` also its tables. Raises StoreUnusable or StoreBusy, also for the block."""
    try:
        if make:
            migrate(url.text)
        with psycopg.connect(driver_url(url.text), autocommit=True, **LIVELY) as connection:
            connection.execute(f"SET lock_timeout = {WAITS_MS}")
            yield PostgresRecipes(connection)
    except DatabaseUnusable as error:
        raise StoreUnusable(str(error)) from error
    except psycopg.Error as error:
        raise _in_words(url, error) from error


def _in_words(url: StoreUrl, error: psycopg.Error) -> JournalError:
    told = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return StoreBusy(f"{url}: another process keeps writing to this store; try again")
    if isinstance(error, psycopg.errors.UndefinedTable):
        return StoreUnusable(f"{url}: there are no recipes in it; `pressline recipes add` makes the tables")
    return StoreUnusable(f"{url}: PostgreSQL refuses ({told})")

"""Where recipes are stored: a file, or a database by URL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, repr=False)
class StoreUrl:
    """The URL of a PostgreSQL database; as text it hides the password."""

    text: str

    def __str__(self) -> str:
        from sqlalchemy.engine import make_url

        return make_url(self.text).render_as_string(hide_password=True)

    __repr__ = __str__


Place = Path | StoreUrl


def place_of(store: str | Path) -> Place:
    """The place that a name or a URL (postgresql://HOST/NAME, sqlite:///FILE) means."""
    text = str(store)
    if text.startswith("sqlite:///"):
        return Path(text.removeprefix("sqlite:///"))
    return StoreUrl(text) if "://" in text else Path(store)


class Rows(Protocol):
    """What a statement gives."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class UrlTables(Protocol):
    """A connection to the tables of stored recipes in a database that is reached by URL."""

    @property
    def in_transaction(self) -> bool: ...

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows: ...

    def begin(self) -> None:
        """Begins a transaction, alone among writers."""

    def has_recipes(self) -> bool:
        """Whether the tables of stored recipes were made."""

    def schema_faults(self) -> list[str]:
        """What keeps rows from being changed and was removed, in words."""


RecipeTables = sqlite3.Connection | UrlTables

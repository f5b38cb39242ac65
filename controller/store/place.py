"""A connection to the tables of stored recipes, in a file or in a database that is reached by URL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Protocol


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

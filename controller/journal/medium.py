"""What a stored journal needs of the thing that it is stored in: a SQLite file, or a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from controller.journal.records import Connection, Records, Row


class Held(Protocol):
    """A lock that is held until it is closed."""

    def close(self) -> None: ...


class Medium(Protocol):
    """One store. place names it in messages, without a password; its anchor and its rescue file are beside `beside`.

    errors are what a statement may raise. Statements come from one thread at a time.
    """

    place: str
    beside: Path
    errors: tuple[type[Exception], ...]

    @property
    def connection(self) -> Connection:
        """The connection that writes."""
        ...

    def lock(self) -> Held:
        """Keeps a second writer away. Raises StoreBusy or StoreUnusable."""
        ...

    def refuse_lost(self) -> None:
        """Refuses to make a new store where there was one. Raises StoreUnusable."""
        ...

    def open(self) -> None:
        """Opens the store to write to it; modes, schema and table are checked. Raises StoreUnusable."""
        ...

    def faults(self) -> list[str]:
        """What the store finds wrong with itself, in words: all of a small one, nothing yet of a large one."""
        ...

    def all_faults(self, connection: Connection) -> list[str]:
        """The same of a store of any size, on a connection of the caller's."""
        ...

    def records(self) -> Records:
        """Questions on the connection that writes."""
        ...

    def reading(self) -> AbstractContextManager[Records]:
        """Questions on a connection of their own, beside the writer. Raises StoreUnusable for the medium's errors."""
        ...

    def insert(self, rows: Sequence[Row]) -> None:
        """Writes records durably, all or none; one that is there already is not written twice.

        Raises the medium's errors, or StoreUnusable where another record has its number.
        """
        ...

    def refuse_replaced(self) -> None:
        """Looks whether the store is still the one that was opened. Raises StoreUnusable."""
        ...

    def tells_damage(self, error: BaseException) -> bool:
        """Whether an error, or the one that it came of, says that what is stored is damaged, not just out of reach."""
        ...

    def in_words(self, error: BaseException) -> str:
        """An error as a sentence that begins with the place and tells what to do."""
        ...

    def close(self) -> None:
        """Ends the connection."""
        ...

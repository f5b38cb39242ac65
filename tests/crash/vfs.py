"""A file system under SQLite that tells every write and sync to a witness, which may refuse it.

SQLite here is the one that apsw brings; the statements and pragmas are the journal's own, and what it leaves is opened
again by the real journal with the interpreter's SQLite. Files are real ones: what the witness lets through is done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import apsw

from controller.journal.database import BUSY_LIMIT_S

_NAMES = count(1)
CODES = {
    apsw.FullError: sqlite3.SQLITE_FULL,
    apsw.IOError: sqlite3.SQLITE_IOERR,
    apsw.BusyError: sqlite3.SQLITE_BUSY,
    apsw.CorruptError: sqlite3.SQLITE_CORRUPT,
    apsw.ReadOnlyError: sqlite3.SQLITE_READONLY,
    apsw.CantOpenError: sqlite3.SQLITE_CANTOPEN,
    apsw.ConstraintError: sqlite3.SQLITE_CONSTRAINT,
}


class Witness:
    """Is told of everything before it is done, by the name of the file; what it raises SQLite gets as its answer."""

    def writes(self, file: str, offset: int, data: bytes) -> None: ...

    def truncates(self, file: str, size: int) -> None: ...

    def syncs(self, file: str) -> None: ...

    def deletes(self, file: str, *, durably: bool) -> None: ...

    def creates(self, file: str) -> None: ...


class _File(apsw.VFSFile):
    def __init__(self, base: str, name: Any, flags: list[int], witness: Witness) -> None:
        self._file = Path(str(name.filename() if isinstance(name, apsw.URIFilename) else name)).name
        self._witness = witness
        super().__init__(base, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  apsw's name
        self._witness.writes(self._file, offset, bytes(data))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802  apsw's name
        self._witness.truncates(self._file, newsize)
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802  apsw's name
        self._witness.syncs(self._file)
        super().xSync(flags)


class _System(apsw.VFS):
    def __init__(self, name: str, witness: Witness) -> None:
        self._witness = witness
        super().__init__(name, "unix")

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: N802  apsw's name
        path = Path(str(name.filename() if isinstance(name, apsw.URIFilename) else name))
        if not path.exists():
            self._witness.creates(path.name)
        return _File("unix", name, flags, self._witness)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802  apsw's name
        self._witness.deletes(Path(filename).name, durably=bool(syncdir))
        super().xDelete(filename, syncdir)


class Connection:
    """An apsw connection that behaves as sqlite3's does where the journal uses it."""

    def __init__(self, path: Path, vfs: str) -> None:
        with _as_sqlite3():
            self._database = apsw.Connection(str(path), vfs=vfs)
            self._database.set_busy_timeout(int(1000 * BUSY_LIMIT_S))

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        with _as_sqlite3():
            return self._database.execute(sql, tuple(parameters))

    def close(self) -> None:
        with _as_sqlite3():
            self._database.close()


@contextmanager
def _as_sqlite3() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        told = sqlite3.OperationalError(str(error))
        told.sqlite_errorcode = CODES.get(type(error), sqlite3.SQLITE_ERROR)
        raise told from error


class FileSystem:
    """A file system with a witness; `connect` is for SqliteJournal."""

    def __init__(self, witness: Witness) -> None:
        self._name = f"witnessed-{next(_NAMES)}"
        self._system = _System(self._name, witness)

    def connect(self, path: Path) -> Connection:
        return Connection(path, self._name)

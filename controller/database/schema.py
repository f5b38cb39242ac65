"""The schema of a database: which one it has, and the way forward to the one that this program knows.

A database is migrated when it is opened, in one transaction, after a backup where it holds anything. One of a newer
program is refused, and nothing goes back: a backup does.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Engine, Integer, inspect
from sqlalchemy.engine import URL

from controller.database.engines import DatabaseUnusable, engine_of, in_words
from controller.database.tables import metadata

FOLDER = Path(__file__).parent / "migrations"
DUMP_S = 3600
"""Seconds that pg_dump may take (engineering judgement: some 100 GB)."""
_ALEMBIC = threading.Lock()
"""Alembic keeps what it works on in its module `context`: two threads that migrate at once would take each other's
connection. This lock stands for that one module, which is the process's too."""
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('pressline schema ' || current_schema(), 0))"


def migrate(url: str, backups: Path | None = None) -> Path | None:
    """Brings a database to this program's schema; returns the backup that was made before, None where none was needed.

    backups is the folder for a dump of PostgreSQL; the copy of a SQLite file is put beside it. Raises DatabaseUnusable,
    also where a PostgreSQL database would need a dump and there is no folder for it.
    """
    engine = engine_of(url)
    try:
        with in_words(engine):
            return _migrated(engine, backups)
    finally:
        engine.dispose()


def _migrated(engine: Engine, backups: Path | None) -> Path | None:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(_ONE_AT_A_TIME)
        has, newest = schema_of(connection), newest_schema()
        if has == newest:
            return None
        _refuse_unknown(engine.url.render_as_string(hide_password=True), has)
        is_used = bool(set(inspect(connection).get_table_names()) - {"alembic_version"})
        copy = _saved(engine.url, newest, backups) if is_used else None
        with _ALEMBIC:
            command.upgrade(alembic_config(connection), "head")
    return copy


def schema_of(connection: Connection) -> str | None:
    """The number of the schema that a database has; None where no migration was ever run on it."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_schema() -> str:
    """The number of the schema that this program knows."""
    return str(_scripts().get_current_head())


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config())


def alembic_config(connection: Connection | None = None) -> Config:
    """What Alembic has to know; there is no file for it."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def configured(connection: Connection, configure: Callable[..., None]) -> Iterator[None]:
    """Alembic on one connection, whose transaction is the caller's: all revisions or none."""
    configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,
        render_as_batch=True,
        include_object=is_compared,
    )
    yield


def is_compared(item: object, _name: object, _kind: object, _is_reflected: object, other: object) -> bool:
    """Whether a table or column is compared with what the rooms say, for Alembic.

    SQLite says of a whole number that is a table's key that it may be missing, which it cannot.
    """
    is_key = isinstance(item, Column) and item.primary_key and isinstance(item.type, Integer)
    return not (is_key and other is not None)


def refuse_newer(file: Path) -> None:
    """Refuses a SQLite file of a newer program, without changing it. Raises DatabaseUnusable."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
            there = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            row = None if there is None else database.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise DatabaseUnusable(f"{file}: cannot be read ({error})") from error
    _refuse_unknown(str(file), None if row is None else str(row[0]))


def _refuse_unknown(place: str, has: str | None) -> None:
    if has is not None and has not in {script.revision for script in _scripts().walk_revisions()}:
        raise DatabaseUnusable(f"{place}: has schema {has}, this program knows {newest_schema()}; use a newer program")


# ---------------------------------------------------------------------- the backup before


def _saved(url: URL, newest: str, backups: Path | None) -> Path:
    """A copy of a whole database before it is changed. Raises DatabaseUnusable."""
    if url.get_backend_name() == "sqlite":
        file = Path(str(url.database))
        copy = file.with_name(f"{file.name}.before-{newest}")
        copy_sqlite(file, copy)
        return copy
    if backups is None:
        place = url.render_as_string(hide_password=True)
        how = f"`pressline migrate '{place}' --backup FOLDER` makes a backup and does it"
        raise DatabaseUnusable(f"{place}: has an older schema than this program; {how}")
    copy = backups / f"{url.database}.before-{newest}.dump"
    dump_postgres(url, copy)
    return copy


def copy_sqlite(file: Path, copy: Path) -> None:
    """A consistent copy of a SQLite file, also while others write to it. Raises DatabaseUnusable."""
    draft = copy.with_name(copy.name + ".part")
    try:
        draft.unlink(missing_ok=True)
        source_uri = f"{file.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(source_uri, uri=True)) as source, closing(sqlite3.connect(draft)) as target:
            source.backup(target, pages=-1)
            target.execute("PRAGMA journal_mode=DELETE")
        draft.replace(copy)
    except (sqlite3.Error, OSError) as error:
        draft.unlink(missing_ok=True)
        raise DatabaseUnusable(f"{file}: no copy {copy} could be made ({error})") from error


def dump_postgres(url: URL, copy: Path) -> None:
    """A consistent dump of a PostgreSQL database in pg_dump's own form. Raises DatabaseUnusable."""
    place = url.render_as_string(hide_password=True)
    if (program := shutil.which("pg_dump")) is None:
        raise DatabaseUnusable(f"{place}: there is no pg_dump here; run `pg_dump --format=custom --file=FILE URL`")
    draft = copy.with_name(copy.name + ".part")
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    done = run_postgres_program(url, [program, "--format=custom", f"--file={draft}", f"--dbname={address}"])
    if done:
        draft.unlink(missing_ok=True)
        raise DatabaseUnusable(f"{place}: pg_dump made no backup: {done}")
    draft.replace(copy)


def run_postgres_program(url: URL, arguments: list[str]) -> str:
    """Runs one of PostgreSQL's programs, its password by the environment; what it said where it failed, else ""."""
    environment: dict[str, Any] = dict(os.environ)
    if url.password is not None:
        environment["PGPASSWORD"] = str(url.password)
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            arguments, capture_output=True, text=True, timeout=DUMP_S, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    return (done.stderr.strip() or f"it ended with {done.returncode}").splitlines()[0]

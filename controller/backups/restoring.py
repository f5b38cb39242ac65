"""Putting a backup back: checked first, never over a store that is used, and what it replaces is kept aside."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import make_url

from controller.backups.manifest import Backup, BackupUnusable, check_backup
from controller.database import DatabaseUnusable
from controller.database.engines import engine_of, in_words
from controller.database.schema import refuse_newer, run_postgres_program
from controller.journal import StoreBusy, StoreUnusable, anchor_path, rescue_path
from controller.journal.examining import beside_store
from controller.journal.lock import locked
from controller.journal.postgres import PostgresMedium


def restore(folder: Path, store: str, *, replace: bool, state: Path | None = None) -> tuple[Backup, list[Path]]:
    """Puts a backup back as a store; returns it and what it took the place of, which is kept.

    Nothing is touched before the backup was checked. Raises BackupUnusable, also where there is a store already and
    `replace` does not say that it may be replaced.
    """
    backup = check_backup(folder)
    if backup.is_dump != ("://" in store):
        raise BackupUnusable(f"{folder}: is a backup of {backup.store}; it goes back into a store of the same kind")
    try:
        if backup.is_dump:
            return backup, _into_url(folder, backup, store, state, replace=replace)
        return backup, _into_file(folder, backup, Path(store), replace=replace)
    except (OSError, DatabaseUnusable, StoreUnusable, StoreBusy) as error:
        raise BackupUnusable(str(error)) from error


def _into_file(folder: Path, backup: Backup, store: Path, *, replace: bool) -> list[Path]:
    store.parent.mkdir(parents=True, exist_ok=True)
    lock = locked(store)
    try:
        refuse_newer(folder / backup.main)
        there = _files_of(store)
        if there and not replace:
            raise BackupUnusable(f"{store}: there is a store already; --replace puts the backup in its place")
        drafts = [_copied(folder / name, _target(name, backup, store)) for name in backup.files]
        kept = _kept_aside(store, there)
        for draft in drafts:
            draft.replace(draft.with_name(draft.name.removesuffix(".part")))
        _synced(store.parent)
    finally:
        lock.close()
    return kept


def _files_of(store: Path) -> list[Path]:
    """A store's files, but for its lock."""
    databases = [store, *beside_store(store)]
    logs = [file.with_name(file.name + end) for file in databases for end in ("-wal", "-shm")]
    return [file for file in (*databases, *logs, anchor_path(store), rescue_path(store)) if file.exists()]


def _target(name: str, backup: Backup, store: Path) -> Path:
    """Where a file of a backup goes, also where the store has another name now."""
    was = Path(backup.main)
    rest = name.removeprefix(was.name) if name.startswith(was.name) else None
    if rest is not None:
        return store.with_name(store.name + rest)
    return store.with_name(store.stem + name.removeprefix(was.stem))


def _copied(source: Path, target: Path) -> Path:
    draft = target.with_name(target.name + ".part")
    shutil.copyfile(source, draft)
    _synced(draft)
    return draft


def _kept_aside(store: Path, files: list[Path]) -> list[Path]:
    number = 1
    while any(file.with_name(f"{file.name}.replaced-{number}").exists() for file in (store, *files)):
        number += 1
    return [file.rename(file.with_name(f"{file.name}.replaced-{number}")) for file in files]


def _synced(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _into_url(folder: Path, backup: Backup, url: str, state: Path | None, *, replace: bool) -> list[Path]:
    """Into an empty database, or over one that may be replaced, in one transaction."""
    medium = PostgresMedium(url, folder if state is None else state)
    if state is None and any(name != backup.main for name in backup.files):
        raise BackupUnusable(f"{folder}: holds an anchor; --state FOLDER says where the service keeps it")
    lock = medium.lock() if state is not None else None
    try:
        if _has_tables(url) and not replace:
            raise BackupUnusable(f"{medium.place}: there is a store already; --replace puts the backup in its place")
        program = shutil.which("pg_restore")
        if program is None:
            raise BackupUnusable(f"{medium.place}: there is no pg_restore here")
        parsed = make_url(url)
        address = parsed.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
        how = [
            "--single-transaction",
            "--no-owner",
            "--exit-on-error",
            *(["--clean", "--if-exists"] if replace else []),
        ]
        with medium.writing_alone():
            said = run_postgres_program(parsed, [program, *how, f"--dbname={address}", str(folder / backup.main)])
        if said:
            raise BackupUnusable(f"{medium.place}: pg_restore put nothing back: {said}")
        kept = []
        for place in (anchor_path, rescue_path):
            if state is not None and place(medium.beside).exists():
                kept += _kept_aside(place(medium.beside), [place(medium.beside)])
            if state is not None and (saved := place(folder / medium.beside.name)).exists():
                shutil.copyfile(saved, place(medium.beside))
        return kept
    finally:
        if lock is not None:
            lock.close()


def _has_tables(url: str) -> bool:
    engine = engine_of(url)
    try:
        with in_words(engine), engine.connect() as connection:
            return bool(inspect(connection).get_table_names())
    finally:
        engine.dispose()

"""A backup beside the running service: a consistent copy of each database, checked before it counts as one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from controller.backups.manifest import Backup, BackupUnusable, check_journal, sha256_of, write_list
from controller.database import DatabaseUnusable
from controller.database.schema import copy_sqlite, dump_postgres
from controller.journal import JournalError, StoreUnusable, anchor_path, examined_records, read_anchor, rescue_path
from controller.journal.examining import beside_store, pages_of
from controller.journal.postgres import PostgresMedium
from controller.journal.rescue import is_empty

DUMP = "journal.dump"


def make_backup(store: str, into: Path, utc: str, state: Path | None = None) -> Path:
    """Makes a backup of a store (a file, or a PostgreSQL URL) as a new folder in `into`; returns it.

    state is the folder of the anchor and the rescue file of a PostgreSQL store. Raises BackupUnusable.
    """
    is_url = "://" in store
    name = str(make_url(store).database) if is_url else Path(store).stem
    target = into / f"{name}-{datetime.fromisoformat(utc):%Y%m%dT%H%M%S}Z"
    draft = target.with_name(target.name + ".part")
    if target.exists():
        raise BackupUnusable(f"{target}: is there already")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        backup = _of_url(store, draft, utc, state) if is_url else _of_file(Path(store), draft, utc)
        write_list(draft, backup)
        draft.rename(target)
    except (OSError, DatabaseUnusable, JournalError) as error:
        raise BackupUnusable(str(error)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _of_file(store: Path, folder: Path, utc: str) -> Backup:
    if not store.is_file():
        raise BackupUnusable(f"{store}: there is no such store")
    _keep_beside(store, folder / store.name)  # the anchor first: the copy behind it holds its record for sure
    for file in (store, *beside_store(store)):
        copy_sqlite(file, folder / file.name)
        if faults := pages_of(folder / file.name):
            raise BackupUnusable(f"{file}: {faults[0]}")
    last, own = check_journal(folder / store.name)
    return Backup(store.name, utc, store.name, last, own, _hashes(folder))


def _of_url(url: str, folder: Path, utc: str, state: Path | None) -> Backup:
    parsed = make_url(url)
    medium = PostgresMedium(url, folder if state is None else state)
    if state is not None:
        _keep_beside(medium.beside, folder / medium.beside.name)
    dump_postgres(parsed, folder / DUMP)
    anchor = read_anchor(anchor_path(folder / medium.beside.name))
    with medium.reading() as records:
        found = examined_records(records, medium.place, anchor)
    if found.faults:
        raise StoreUnusable(f"{medium.place}: the journal is damaged: {found.faults[0]}")
    last, own = (0, "") if found.last is None else (found.last.sequence, found.last.hash)
    return Backup(medium.place, utc, DUMP, last, own, _hashes(folder))


def _keep_beside(store: Path, copy: Path) -> None:
    kept: list[tuple[Callable[[Path], Path], bool]] = [
        (anchor_path, anchor_path(store).exists()),
        (rescue_path, not is_empty(rescue_path(store))),
    ]
    for place, is_there in kept:
        if is_there:
            shutil.copyfile(place(store), place(copy))


def _hashes(folder: Path) -> dict[str, str]:
    return {file.name: sha256_of(file) for file in sorted(folder.iterdir())}

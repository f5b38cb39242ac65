"""`pressline backup`, `restore`, `migrate`, and `verify` of a backup or of a store that is reached by URL."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from controller.backups import BackupUnusable, check_backup, make_backup, read_backup
from controller.backups import restore as restored
from controller.cli.clock import utc_text
from controller.cli.exit_codes import ExitCode
from controller.cli.verify_journal import checks_of, tell
from controller.database import DatabaseUnusable, newest_schema
from controller.database import migrate as migrated
from controller.journal import JournalError, anchor_path, examined_records, read_anchor


def back_up(store: str, into: Path, state: Path | None, *, as_json: bool) -> ExitCode:
    """Makes a backup and says which."""
    try:
        folder = make_backup(store, into, utc_text(), state)
        made = read_backup(folder)
    except BackupUnusable as error:
        return _unusable(error)
    if as_json:
        print(json.dumps({"folder": str(folder), **asdict(made)}, indent=2))
    else:
        print(f"{folder}: {made.records} records of {made.store}, in {len(made.files)} files; the chain holds")
    return ExitCode.PASSED


def put_back(folder: Path, store: str, state: Path | None, *, replace: bool, as_json: bool) -> ExitCode:
    """Puts a backup back and says what it took the place of."""
    try:
        backup, kept = restored(folder, store, replace=replace, state=state)
    except BackupUnusable as error:
        return _unusable(error)
    if as_json:
        print(
            json.dumps({"records": backup.records, "utc": backup.utc, "kept": [str(file) for file in kept]}, indent=2)
        )
        return ExitCode.PASSED
    print(f"{backup.records} records of {backup.store} are back, as they were at {backup.utc}")
    for file in kept:
        print(f"  what was there is {file} now")
    return ExitCode.PASSED


def bring_forward(store: str, into: Path | None, *, as_json: bool) -> ExitCode:
    """Migrates a store and says which backup was made before."""
    if "://" not in store and not Path(store).is_file():
        return _unusable(BackupUnusable(f"{store}: there is no such store"))
    try:
        copy = migrated(store if "://" in store else f"sqlite:///{Path(store).absolute()}", into)
    except DatabaseUnusable as error:
        return _unusable(error)
    if as_json:
        print(json.dumps({"schema": newest_schema(), "backup": None if copy is None else str(copy)}, indent=2))
        return ExitCode.PASSED
    before = "" if copy is None else f"; as it was before, it is in {copy}"
    print(f"it has schema {newest_schema()}{before}")
    return ExitCode.PASSED


def verify_backup(folder: Path) -> ExitCode:
    """Checks every file of a backup and its journal."""
    try:
        backup = check_backup(folder)
    except BackupUnusable as error:
        print(error, file=sys.stderr)
        return ExitCode.REFUSED
    how = "its files are those that were made" + ("" if backup.is_dump else "; the chain of its journal holds")
    print(f"{folder}: {backup.records} records of {backup.store} at {backup.utc}: {how}")
    return ExitCode.PASSED


def verify_url(url: str, anchor: Path | None, *, as_json: bool) -> ExitCode:
    """Checks the journal in a PostgreSQL database, with the anchor that is given or of the folder that is given."""
    from controller.journal.postgres import PostgresMedium

    where = None if anchor is None else anchor_path(anchor / "journal") if anchor.is_dir() else anchor
    try:
        kept = None if where is None else read_anchor(where)
        medium = PostgresMedium(url, Path())
        with medium.reading() as records:
            found = examined_records(records, medium.place, kept)
            found.file_faults += medium.all_faults(records.connection)
    except (JournalError, OSError) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    return tell(medium.place, found, checks_of(found, where or Path("journal.anchor"), kept), as_json=as_json)


def _unusable(error: Exception) -> ExitCode:
    print(error, file=sys.stderr)
    return ExitCode.UNUSABLE

"""What a backup is: a folder of files and a list of them with their SHA-256; whether it can be put back.

BackupUnusable    a backup cannot be made, is not whole, or cannot be put back; the message says why and what to do
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.journal import StoreUnusable, anchor_path, examined_file, read_anchor

FORM = "pressline backup 1"
LIST = "backup.json"
AT_ONCE_BYTES = 1 << 20


class BackupUnusable(Exception):
    """A backup cannot be made, is not whole, or cannot be put back; a retry makes sense when the cause is mended."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: of which store (a file's name, or a URL without its password), when, up to which record.

    files are SHA-256 by name; main is the one with the journal.
    """

    store: str
    utc: str
    main: str
    records: int
    last_hash: str
    files: Mapping[str, str]

    @property
    def is_dump(self) -> bool:
        """Whether it is of a PostgreSQL database."""
        return self.main.endswith(".dump")


def sha256_of(file: Path) -> str:
    """In hexadecimal, as sha256sum prints it. Raises OSError."""
    found = hashlib.sha256()
    with file.open("rb") as opened:
        while part := opened.read(AT_ONCE_BYTES):
            found.update(part)
    return found.hexdigest()


def write_list(folder: Path, backup: Backup) -> None:
    """Puts the list of its files into a backup. Raises OSError."""
    text = json.dumps({"form": FORM, **asdict(backup)}, indent=2, ensure_ascii=False)
    (folder / LIST).write_text(text + "\n", encoding="utf-8")


def read_backup(folder: Path) -> Backup:
    """The list of a backup's files. Raises BackupUnusable."""
    try:
        data = json.loads((folder / LIST).read_text(encoding="utf-8"))
        if data.pop("form") != FORM:
            raise BackupUnusable(f"{folder / LIST}: is a backup of another form; use a newer program")
        backup = Backup(**data)
        names = [backup.main, *backup.files]
    except FileNotFoundError:
        raise BackupUnusable(f"{folder}: is no backup; expected a folder with {LIST}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupUnusable(f"{folder / LIST}: cannot be read ({error})") from error
    if backup.main not in backup.files or any(Path(name).name != name for name in names):
        raise BackupUnusable(f"{folder / LIST}: names files that are not in the backup")
    return backup


def check_backup(folder: Path) -> Backup:
    """A backup whose files are those that were made, and whose journal holds. Raises BackupUnusable.

    The chain of a dump was checked when it was made; its files are checked here.
    """
    backup = read_backup(folder)
    for name, wanted in backup.files.items():
        try:
            found = sha256_of(folder / name)
        except OSError as error:
            raise BackupUnusable(f"{folder / name}: cannot be read ({error.strerror})") from error
        if found != wanted:
            raise BackupUnusable(f"{folder / name}: is not the file that was made (its SHA-256 is another)")
    if not backup.is_dump:
        check_journal(folder / backup.main)
    return backup


def check_journal(store: Path) -> tuple[int, str]:
    """Number and hash of the last record of a SQLite store that holds as a whole. Raises BackupUnusable."""
    try:
        found = examined_file(store, read_anchor(anchor_path(store)))
    except StoreUnusable as error:
        raise BackupUnusable(str(error)) from error
    if found.faults:
        raise BackupUnusable(f"{store}: the journal is damaged: {found.faults[0]}; `pressline verify` shows all of it")
    return (0, "") if found.last is None else (found.last.sequence, found.last.hash)

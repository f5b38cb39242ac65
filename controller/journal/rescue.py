"""The rescue file: what a store would not take, beside it, with room on the disk that was set aside in time.

`NAME.rescue` is made when a store is opened, as zeros, so that a disk that fills later still has room for it. A journal
that closes well takes it away; one that could not write everything leaves its records in it, as lines of JSON behind a
head that says how many they are. The next opening takes them into the store if they continue its chain.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from controller.events import Event
from controller.journal.chain import canonical, verify
from controller.journal.errors import StoreUnusable

RESERVED_BYTES = 2 * 1024 * 1024  # a run of Example 1 is some 0.4 MB of records
FORM = "pressline rescue 1"


def rescue_path(store: Path) -> Path:
    """Where the records go that a store would not take."""
    return store.with_name(store.name + ".rescue")


def reserve(path: Path) -> None:
    """Sets room aside, unless records wait there. Raises StoreUnusable when the disk has none."""
    try:
        with path.open("r+b" if path.exists() else "w+b") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVED_BYTES)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):
            return  # a file system that sets nothing aside: the rescue file is made when it is needed
        path.unlink(missing_ok=True)
        why = f"the disk has no room for {RESERVED_BYTES // 1024**2} MB of records ({error.strerror})"
        raise StoreUnusable(f"{path}: {why}; nothing is started") from error


def is_empty(path: Path) -> bool:
    """Whether no records wait there: there is no such file, or it is only room that was set aside."""
    try:
        with path.open("rb") as file:
            return file.read(1) in (b"", b"\x00")
    except FileNotFoundError:
        return True


def write_rescue(path: Path, store: str, events: Sequence[Event]) -> Path:
    """Writes the records durably and returns where: there, or in the system's folder for temporary files.

    Raises OSError when neither disk takes them.
    """
    text = "\n".join([canonical([FORM, store, len(events)]), *map(_line, events), ""]).encode()
    try:
        with path.open("r+b" if path.exists() else "w+b") as file:
            _put(file.fileno(), text)
    except OSError:
        with suppress(OSError):
            path.unlink()  # half of it is worse than none
        number, elsewhere = tempfile.mkstemp(prefix=f"{store}-", suffix=".rescue")
        with os.fdopen(number, "r+b"):
            _put(number, text)
        return Path(elsewhere)
    return path


def _put(number: int, text: bytes) -> None:
    written = 0
    while written < len(text):
        written += os.pwrite(number, text[written:], written)
    os.ftruncate(number, len(text))
    os.fsync(number)


def _line(event: Event) -> str:
    head = [event.sequence, event.run, event.kind, event.data, event.time_s, event.utc]
    return canonical([*head, event.previous_hash, event.hash])


def is_rescue(path: Path) -> bool:
    """Whether a file begins as a rescue file does."""
    with path.open("rb") as file:
        return file.read(len(FORM) + 3).startswith(f'["{FORM}'.encode())


def read_rescue(path: Path) -> tuple[list[Event], list[str]]:
    """The records of a rescue file and everything that is wrong with it. Raises StoreUnusable for another file."""
    try:
        lines = path.read_bytes().decode("utf-8", "replace").rstrip("\x00").splitlines()
        form, _, count = json.loads(lines[0])
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise StoreUnusable(f"{path}: is no rescue file of a store ({error})") from error
    if form != FORM:
        raise StoreUnusable(f"{path}: is a rescue file of another form ({form})")
    events, faults = [], []
    for number, line in enumerate(lines[1:], start=2):
        try:
            sequence, run, kind, data, time_s, utc, previous, own = json.loads(line)
            events.append(Event(sequence, run, kind, data, time_s, utc, previous, own))
        except (ValueError, TypeError) as error:
            faults.append(f"line {number} is no record ({error})")
    if len(events) != count:
        faults.append(f"it holds {len(events)} of {count} records")
    if events:
        faults += verify(events, events[0].sequence, previous=None)
    return events, faults


def missing_records(path: Path, earlier: Sequence[Event]) -> list[Event]:
    """The rescued records that a store has not. Raises StoreUnusable for ones that do not continue its chain."""
    rescued, faults = read_rescue(path)
    held = {event.sequence: event.hash for event in earlier}
    missing = [event for event in rescued if event.sequence not in held]
    if not faults and any(held.get(event.sequence, event.hash) != event.hash for event in rescued):
        faults = ["it holds other records than the store"]
    faults = faults or verify([*earlier, *missing])
    if faults:
        words = f"{path}: the records that the store would not take do not fit to it: {faults[0]}"
        raise StoreUnusable(f"{words}; `pressline verify {path}` shows them; keep the file elsewhere to go on without")
    return missing

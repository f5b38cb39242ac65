"""`pressline verify` of a store or a rescue file: each record that was altered, removed, swapped, added or cut off."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from controller.backups.manifest import sha256_of
from controller.cli.exit_codes import ExitCode
from controller.journal import (
    Anchor,
    Examined,
    JournalError,
    StoreUnusable,
    anchor_path,
    examined_file,
    read_anchor,
    read_events,
    read_rescue,
)
from controller.journal.examining import beside_store, pages_of
from controller.journal.places import read_past
from controller.journal.rescue import is_empty, is_rescue, missing_records, rescue_path
from controller.place import Place
from controller.reports.certificate_checks import Check, Result

_SQLITE = b"SQLite format 3\x00"
_FILE = "the file and its records"
_CHAIN = "the hash chain"
_END = "its end"
_RESCUED = "records that it would not take"
_TRENDS = "sealed trends of runs"
_LINES = "its lines and their chain"
_CONTINUES = "its store, which it continues"


def is_journal(file: Path) -> bool:
    """Whether a file is a store or a rescue file by its beginning, or at least by its name."""
    if file.suffix in (".sqlite", ".rescue"):
        return True
    try:
        with file.open("rb") as opened:
            return opened.read(len(_SQLITE)) == _SQLITE or is_rescue(file)
    except OSError:
        return False


def verify_journal(file: Path, store: Place | None, anchor: Path | None, *, as_json: bool) -> ExitCode:
    """Prints every check of a store or of a rescue file; a check that was not made is never told as made."""
    try:
        is_saved = file.is_file() and is_rescue(file)
        found, checks = _of_rescue(file, store) if is_saved else _of_store(file, anchor)
    except (JournalError, OSError) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    return tell(str(file), found, checks, as_json=as_json)


def tell(file: str, found: Examined, checks: Sequence[Check], *, as_json: bool) -> ExitCode:
    """Prints what was checked."""
    if as_json:
        listed = [{"name": check.name, "result": check.result.value, "words": check.words} for check in checks]
        print(json.dumps({"file": file, "records": found.records, "runs": found.runs, "checks": listed}, indent=2))
    else:
        _print(file, found, checks)
    return ExitCode.REFUSED if any(check.result is Result.FAILS for check in checks) else ExitCode.PASSED


def _print(file: str, found: Examined, checks: Sequence[Check]) -> None:
    counts = Counter(check.result for check in checks)
    said = f"{found.records} records of {found.runs} {'run' if found.runs == 1 else 'runs'}"
    head = "" if found.last is None else f", the last one is record {found.last.sequence} ({found.last.hash})"
    print(f"{file}: {said}{head}")
    for check in checks:
        print(f"  {check.name}: {check.result}{f' ({check.words})' if check.words else ''}")
    made_not = counts[Result.NOT_CHECKED]
    print(f"checks: {counts[Result.HOLDS]} hold, {counts[Result.FAILS]} do not hold, {made_not} were not made")


def _all(name: str, faults: Sequence[str]) -> list[Check]:
    """One check that holds, or one for each fault."""
    return [Check(name, Result.FAILS, fault) for fault in faults] or [Check(name, Result.HOLDS)]


def _of_store(file: Path, anchor: Path | None) -> tuple[Examined, list[Check]]:
    where = anchor_path(file) if anchor is None else anchor
    kept = _kept(where, is_given=anchor is not None)  # before the records: whoever writes meanwhile makes both longer
    found = examined_file(file, kept if isinstance(kept, Anchor) else None)
    checks = checks_of(found, where, kept)
    checks += [check for beside in beside_store(file) for check in _all(beside.name, pages_of(beside))]
    checks += _sealed(file)
    if not is_empty(rescue_path(file)):
        words = f"they wait in {rescue_path(file)}; the next `pressline run` takes them in"
        checks.append(Check(_RESCUED, Result.FAILS, words))
    return found, checks


def _sealed(store: Path) -> list[Check]:
    """Each sealed file of a run's trends, by the SHA-256 of its record; none where nothing was sealed."""
    try:
        told = [event.data for event in read_past(store).of_kinds(("trends.sealed",))]
    except StoreUnusable:
        return []  # what is wrong with the records has been told
    folder = store.with_name(f"{store.stem}-runs")
    files = [(folder / str(data.get("file")), data.get("sha256")) for data in told]
    there = [(file, digest) for file, digest in files if file.is_file()]
    other = [f"{file.name} is not the file that was sealed" for file, digest in there if sha256_of(file) != digest]
    checks = _all(_TRENDS, other) if there else []
    if missing := len(files) - len(there):
        checks.append(Check(_TRENDS, Result.NOT_CHECKED, f"{missing} files are not in {folder.name}"))
    return checks


def checks_of(found: Examined, where: Path, kept: Anchor | StoreUnusable | None) -> list[Check]:
    """What was checked of a store: the file, the chain, and the end by the anchor that was at `where`."""
    return [*_all(_FILE, found.file_faults), *_all(_CHAIN, found.chain_faults), *_end(where, found, kept)]


def _kept(where: Path, *, is_given: bool) -> Anchor | StoreUnusable | None:
    """The anchor to hold a store against, what is wrong with it, or None where there is none."""
    try:
        anchor = read_anchor(where)
    except StoreUnusable as error:
        return error
    if anchor is None and is_given:
        raise StoreUnusable(f"{where}: there is no such file")
    return anchor


def _end(where: Path, found: Examined, anchor: Anchor | StoreUnusable | None) -> list[Check]:
    if isinstance(anchor, StoreUnusable):
        return [Check(_END, Result.FAILS, str(anchor))]
    if anchor is None:
        return [Check(_END, Result.NOT_CHECKED, f"there is no {where.name} beside it; records may have been cut off")]
    if found.end_faults:
        return _all(_END, found.end_faults)
    later = (0 if found.last is None else found.last.sequence) - anchor.sequence
    words = f"by {where.name}, up to record {anchor.sequence}"
    return [Check(_END, Result.HOLDS, words + (f"; {later} later ones may have been more" if later else ""))]


def _of_rescue(file: Path, store: Place | None) -> tuple[Examined, list[Check]]:
    events, faults = read_rescue(file)
    found = Examined(
        len(events), len({e.run for e in events if e.kind == "run.created"}), events[-1] if events else None
    )
    checks = _all(_LINES, faults)
    near = file.with_name(file.name.removesuffix(".rescue"))
    if store is None and (near == file or not near.exists()):
        return found, [*checks, Check(_CONTINUES, Result.NOT_CHECKED, "give --store FILE")]
    beside = near if store is None else store
    try:
        missing = missing_records(file, read_events(beside))
    except StoreUnusable as error:
        return found, [*checks, Check(_CONTINUES, Result.FAILS, str(error))]
    words = f"{beside} has {len(events) - len(missing)} of its records, {len(missing)} are only here"
    return found, [*checks, Check(_CONTINUES, Result.HOLDS, words)]

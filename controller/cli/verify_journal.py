"""`pressline verify` of a store or a rescue file: each record that was altered, removed, swapped, added or cut off."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from controller.cli.exit_codes import ExitCode
from controller.events import Event
from controller.journal import (
    Anchor,
    JournalError,
    StoreUnusable,
    anchor_faults,
    anchor_path,
    examine,
    read_anchor,
    read_events,
    read_rescue,
    verify,
)
from controller.journal.rescue import is_empty, is_rescue, missing_records, rescue_path
from controller.reports.certificate_checks import Check, Result

_SQLITE = b"SQLite format 3\x00"
_FILE = "the file and its records"
_CHAIN = "the hash chain"
_END = "its end"
_RESCUED = "records that it would not take"
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


def verify_journal(file: Path, store: Path | None, anchor: Path | None, *, as_json: bool) -> ExitCode:
    """Prints every check of a store or of a rescue file; a check that was not made is never told as made."""
    try:
        is_saved = file.is_file() and is_rescue(file)
        events, checks = _of_rescue(file, store) if is_saved else _of_store(file, anchor)
    except (JournalError, OSError) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    runs = len({event.run for event in events if event.kind == "run.created"})
    if as_json:
        listed = [{"name": check.name, "result": check.result.value, "words": check.words} for check in checks]
        print(json.dumps({"file": str(file), "records": len(events), "runs": runs, "checks": listed}, indent=2))
    else:
        _print(file, events, runs, checks)
    return ExitCode.REFUSED if any(check.result is Result.FAILS for check in checks) else ExitCode.PASSED


def _print(file: Path, events: Sequence[Event], runs: int, checks: Sequence[Check]) -> None:
    counts = Counter(check.result for check in checks)
    said = f"{len(events)} records of {runs} {'run' if runs == 1 else 'runs'}"
    head = f", the last one is record {events[-1].sequence} ({events[-1].hash})" if events else ""
    print(f"{file}: {said}{head}")
    for check in checks:
        print(f"  {check.name}: {check.result}{f' ({check.words})' if check.words else ''}")
    made_not = counts[Result.NOT_CHECKED]
    print(f"checks: {counts[Result.HOLDS]} hold, {counts[Result.FAILS]} do not hold, {made_not} were not made")


def _all(name: str, faults: Sequence[str]) -> list[Check]:
    """One check that holds, or one for each fault."""
    return [Check(name, Result.FAILS, fault) for fault in faults] or [Check(name, Result.HOLDS)]


def _of_store(file: Path, anchor: Path | None) -> tuple[list[Event], list[Check]]:
    where = anchor_path(file) if anchor is None else anchor
    kept = _kept(where, is_given=anchor is not None)  # before the records: whoever writes meanwhile makes both longer
    events, faults = examine(file)
    checks = [*_all(_FILE, faults), *_all(_CHAIN, verify(events)), *_end(where, events, kept)]
    if not is_empty(rescue_path(file)):
        words = f"they wait in {rescue_path(file)}; the next `pressline run` takes them in"
        checks.append(Check(_RESCUED, Result.FAILS, words))
    return events, checks


def _kept(where: Path, *, is_given: bool) -> Anchor | StoreUnusable | None:
    """The anchor to hold a store against, what is wrong with it, or None where there is none."""
    try:
        anchor = read_anchor(where)
    except StoreUnusable as error:
        return error
    if anchor is None and is_given:
        raise StoreUnusable(f"{where}: there is no such file")
    return anchor


def _end(where: Path, events: Sequence[Event], anchor: Anchor | StoreUnusable | None) -> list[Check]:
    if isinstance(anchor, StoreUnusable):
        return [Check(_END, Result.FAILS, str(anchor))]
    if anchor is None:
        return [Check(_END, Result.NOT_CHECKED, f"there is no {where.name} beside it; records may have been cut off")]
    if faults := anchor_faults(events, anchor):
        return _all(_END, faults)
    later = (events[-1].sequence if events else 0) - anchor.sequence
    words = f"by {where.name}, up to record {anchor.sequence}"
    return [Check(_END, Result.HOLDS, words + (f"; {later} later ones may have been more" if later else ""))]


def _of_rescue(file: Path, store: Path | None) -> tuple[list[Event], list[Check]]:
    events, faults = read_rescue(file)
    checks = _all(_LINES, faults)
    beside = file.with_name(file.name.removesuffix(".rescue")) if store is None else store
    if store is None and (beside == file or not beside.exists()):
        return events, [*checks, Check(_CONTINUES, Result.NOT_CHECKED, "give --store FILE")]
    try:
        missing = missing_records(file, read_events(beside))
    except StoreUnusable as error:
        return events, [*checks, Check(_CONTINUES, Result.FAILS, str(error))]
    words = f"{beside} has {len(events) - len(missing)} of its records, {len(missing)} are only here"
    return events, [*checks, Check(_CONTINUES, Result.HOLDS, words)]

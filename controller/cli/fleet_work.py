"""What `pressline fleet` does, and `pressline verify --copy-of`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from controller.cli.exit_codes import ExitCode
from controller.cli.verify_journal import checks_of, tell
from controller.database import Database, DatabaseUnusable, open_database
from controller.historian import TABLES as TREND_TABLES
from controller.historian.looking import look_at
from controller.historian.retention import drop_before
from controller.journal import JournalError, anchor_path, examined_records, read_anchor
from controller.plant import LineAtPlant, copied_records, fleet
from controller.plant.position import now_us

T = TypeVar("T")
DAY_US = 86_400_000_000


def show_fleet(store: str, line: str | None, *, as_json: bool) -> ExitCode:
    """Prints all lines, or one."""
    if (lines := _asked(store, look_at, fleet)) is None:
        return ExitCode.UNUSABLE
    if line is None:
        print(json.dumps([asdict(one) for one in lines], indent=2) if as_json else _table(lines))
        return ExitCode.PASSED
    found = next((one for one in lines if one.line == line), None)
    if found is None:
        names = ", ".join(one.line for one in lines) or "none"
        print(f"there is no line {line!r} here; there are: {names}", file=sys.stderr)
        return ExitCode.UNUSABLE
    print(json.dumps(asdict(found), indent=2) if as_json else "\n".join(_one(found)))
    return ExitCode.PASSED


def drop_old(store: str, days: int, *, as_json: bool) -> ExitCode:
    """Drops old months of trends."""

    def work(connection: Connection) -> list[str]:
        return drop_before(connection, now_us(connection) - days * DAY_US)

    if (months := _asked(store, lambda url: open_database(url, TREND_TABLES), work)) is None:
        return ExitCode.UNUSABLE
    words = f"dropped: {', '.join(months)}" if months else "no month lies wholly before that"
    print(json.dumps({"months": months}) if as_json else words)
    return ExitCode.PASSED


def verify_copy(url: str, line: str, anchor: Path | None, *, as_json: bool) -> ExitCode:
    """Checks the chain of a line's copied journal, and its end by the line's own anchor where that is given."""
    where = None if anchor is None else anchor_path(anchor / "journal") if anchor.is_dir() else anchor
    try:
        kept = None if where is None else read_anchor(where)
        with copied_records(url, line) as records:
            found = examined_records(records, line, kept)
    except (JournalError, OSError) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    return tell(line, found, checks_of(found, where or Path("journal.anchor"), kept), as_json=as_json)


def _asked(store: str, opened: Callable[[str], Database], work: Callable[[Connection], T]) -> T | None:
    """What a plant's database answers; None where it was told why not."""
    if not store.startswith(("postgresql://", "postgres://")):
        print(f"{store} is no plant's database; expected postgresql://USER@HOST/NAME", file=sys.stderr)
        return None
    try:
        with _closing(opened(store)) as database:
            return database.run_now(work)
    except DatabaseUnusable as error:
        print(error, file=sys.stderr)
        return None


@contextmanager
def _closing(database: Database) -> Iterator[Database]:
    try:
        yield database
    finally:
        database.close()


def _table(lines: Sequence[LineAtPlant]) -> str:
    if not lines:
        return "no line was ever copied to this database"
    head = ["line", "state", "heard", "behind", "runs", "alarms", "lots today"]
    rows = [
        head,
        *([one.line, one.state, _ago(one), _behind(one), _runs(one), _alarms(one), _lots(one)] for one in lines),
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _one(line: LineAtPlant) -> Iterator[str]:
    yield f"{line.line}: {line.state}, heard {_ago(line)} ago, behind: {_behind(line)}"
    if line.refused:
        yield f"  not copied any more: {line.refused}"
    if line.lost_blocks:
        yield f"  {line.lost_blocks} blocks of trends went at the line before they were copied"
    yield f"  lots today: {_lots(line)}; tasks that wait for people: {line.said.get('prompts', 0)}"
    for reason in (*line.said.get("why_not", ()), *line.said.get("faults", ())):
        yield f"  {reason}"
    for run in line.said.get("runs", ()):
        step = f", step {run['step']}" if run["step"] else ""
        yield f"  run {run['name']}: {run['state']}{step}{f': {why}' if (why := run['why']) else ''}"
    for unit in line.said.get("units", ()):
        state = unit["state"] or "nothing known"
        why = f" ({unit['why_not']})" if unit["why_not"] else ""
        yield f"  unit {unit['name']}: {state if unit['is_connected'] else 'not connected'}{why}"
    for alarm in line.said.get("standing", ()):
        yield f"  alarm {alarm['priority']} {alarm['name']} {alarm['subject']}: {alarm['text']}"


def _ago(line: LineAtPlant) -> str:
    seconds = line.heard_s_ago
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _behind(line: LineAtPlant) -> str:
    parts = [f"{line.records_behind} records"] if line.records_behind else []
    parts += [f"{line.blocks_behind} blocks"] if line.blocks_behind else []
    return ", ".join(parts) or "nothing"


def _runs(line: LineAtPlant) -> str:
    runs: Sequence[Any] = line.said.get("runs", ())
    if not runs:
        return "none"
    first = f"{runs[0]['name']} {runs[0]['state']}" + (f" ({runs[0]['step']})" if runs[0]["step"] else "")
    return first + (f" and {len(runs) - 1} more" if len(runs) > 1 else "")


def _alarms(line: LineAtPlant) -> str:
    counts = line.said.get("alarms", {})
    told = [f"{counts[name]} {name}" for name in ("critical", "high", "medium", "low") if counts.get(name)]
    return ", ".join(told) or "none"


def _lots(line: LineAtPlant) -> str:
    return f"{line.lots_today} made" + (f", {line.scrapped_today} scrapped" if line.scrapped_today else "")

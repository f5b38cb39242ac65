"""What a service answered, for people: a few lines of text each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from controller.cli.asking import AskFailed, part
from controller.cli.exit_codes import ExitCode
from controller.cli.people_store import in_columns

Data = Mapping[str, Any]


def line(found: Data) -> str:
    """The line at a glance."""
    takes = "takes runs" if found["accepts_runs"] else f"takes no runs: {'; '.join(found['why_not'])}"
    simulated = " (SIMULATED)" if found["is_simulated"] else ""
    counts = ", ".join(f"{number} {priority}" for priority, number in found["alarms"].items()) or "none"
    lines = [
        f"{found['name']}{simulated} at {found['utc']}: {takes}",
        f"alarms: {counts} ({found['unseen']} not acknowledged); prompts: {found['prompts']}",
        *(f"fault of the service: {fault}" for fault in found["faults"]),
        *(f"BYPASS of {b['row']} at {b['unit']} by {b['who']} until {b['until_utc']}" for b in found["bypasses"]),
        "",
        in_columns(("unit", "state", "phase", "run", "why not"), [_unit(one) for one in found["units"]], "no unit"),
        "",
        runs(found["runs"]),
    ]
    return "\n".join(lines)


def _unit(one: Data) -> tuple[str, ...]:
    state = one["state"] if one["is_connected"] else "not connected"
    return one["name"], state, one["phase"], one["owner"], one["why_not"]


def unit(found: Data) -> str:
    """One unit: what it shows, and what keeps it from being used."""
    lines = [f"{found['name']} ({found['kind']}): {found['state'] or found['link']} {found['phase']}".rstrip()]
    lines += [f"  {words}" for words in (found["out_of_service"], found["kept"], found["why_not"]) if words]
    for command, missing in found["missing"].items():
        lines += [f"  {command} is refused: {why}" for why in missing]
    for row in found["interlocks"]:
        lines.append(f"  interlock {row['row']} ({row['effect']}): {row['words']}" + bypassed(row))
    lines += [f"  BYPASS of {b['row']} by {b['who']} until {b['until_utc']}" for b in found["bypasses"]]
    cells = [
        (v["name"], "-" if v["value"] is None else f"{v['value']}", v["unit"], v["quality"]) for v in found["values"]
    ]
    return "\n".join([*lines, "", in_columns(("value", "", "unit", "quality"), cells, "no live values")])


def bypassed(row: Data) -> str:
    """What is to be said of a row that is not looked at."""
    return "; BYPASSED" if row["is_bypassed"] else ""


def runs(found: Iterable[Data]) -> str:
    """Open runs."""
    heads = ("run", "recipe", "state", "done", "step", "unit", "why")
    cells = [
        (
            r["name"],
            r["recipe"],
            f"{r['state']} v{r['version']}",
            f"{r['progress_pct']:.0f} %",
            r["step"],
            r["unit"],
            r["why"],
        )
        for r in found
    ]
    return in_columns(heads, cells, "no run")


def past_runs(found: Iterable[Data]) -> str:
    """Runs of the record."""
    heads = ("run", "recipe", "begun", "ended", "by", "state")
    cells = [
        (r["name"], r["recipe"], r["created_utc"][:16], (r["ended_utc"] or "open")[:16], r["by"], r["state"])
        for r in found
    ]
    return in_columns(heads, cells, "no run is recorded")


def prompts(found: Iterable[Data]) -> str:
    """What is asked."""
    return "\n".join(text for one in found for text in _prompt(one)) or "nothing is asked"


def _prompt(one: Data) -> Iterator[str]:
    yield f"{one['id']}: {one['text']}"
    if one["lots"]:
        yield f"  with {', '.join(one['lots'])}"
    for entry in one["entries"]:
        name = f"{entry['name']} of {entry['subject']}"
        yield f"  {name}: expected {entry['expected']:g} +- {entry['tolerance']:g} {entry['unit']}".rstrip()
    if one["choices"]:
        yield f"  one of: {', '.join(one['choices'])}"


def alarms(found: Sequence[Data]) -> str:
    """Alarms, with what to do about those that stand."""
    return "\n".join(text for one in found for text in _alarm(one)) or "no alarm"


def _alarm(one: Data) -> Iterator[str]:
    seen = "hidden" if one["is_hidden"] else "not acknowledged" if one["is_unseen"] else "acknowledged"
    yield f"{one['priority']:<8} {one['key']}: {one['text']} ({one['state']}, {seen})"
    if not one["is_hidden"]:
        yield f"         {one['action']}"


def lots(found: Iterable[Data]) -> str:
    """One line a lot."""
    heads = ("status", "lot", "made by", "ended", "why")
    cells = [
        (x["status"], x["lot"], x["made_by"]["step"], (x["made_by"]["ended"] or "")[:16], "; ".join(x["reasons"]))
        for x in found
    ]
    return in_columns(heads, cells, "no lot")


def lot(found: Data) -> str:
    """One lot."""
    lines = [f"{found['lot']}: {found['status']}" + (f", by {found['decided_by']}" if found["decided_by"] else "")]
    lines += [f"  - {why}" for why in found["reasons"]]
    made = [*found["made_from"], *([f"slurry {found['slurry']}"] if found["slurry"] else []), *found["foils"]]
    lines.append(f"  made in {found['made_by']['step']} of {', '.join(made) or 'nothing that the record names'}")
    for item in found["measured"]:
        doubt = f" (uncertain: {item['doubt']})" if item["doubt"] else ""
        lines.append(f"  {item['quantity']} {item['value']:g} {item['in']} by {item['unit'] or 'laboratory'}{doubt}")
    return "\n".join(lines)


SETTLES_WITHIN_S, LOOK_S = 3.0, 0.1
"""Wall seconds that a run's change of state is waited for after a command was taken, and between looks (judgement)."""


def settled(look: Callable[[], Data], was: Data) -> Data:
    """The run once its command shows, or as it is when that takes longer: a machine may have to agree first."""
    until_s = time.monotonic() + SETTLES_WITHIN_S
    found = was
    while found["version"] == was["version"] and time.monotonic() < until_s:
        time.sleep(LOOK_S)
        found = look()
    return found


# ---------------------------------------------------------------------- what somebody typed


def moment(text: str) -> str:
    """A day or a time as the API takes it; without an offset it is UTC. Raises AskFailed."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        words = f"{text!r} is no time; expected one such as 2026-11-01 or 2026-11-01T06:00Z"
        raise AskFailed(words, ExitCode.UNUSABLE) from None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).isoformat()


def recipe(text: str) -> tuple[str, int | None]:
    """NAME or NAME@VERSION. Raises AskFailed."""
    name, at, version = text.partition("@")
    if not at:
        return name, None
    if not version.isdecimal():
        raise AskFailed(f"{text!r} is no recipe; expected NAME or NAME@VERSION", ExitCode.UNUSABLE)
    return name, int(version)


def values(texts: Iterable[str]) -> dict[str, float]:
    """NAME=NUMBER each. Raises AskFailed."""
    found = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            found[name] = float(number)
        except ValueError:
            raise AskFailed(f"{text!r} is no value; expected NAME=NUMBER", ExitCode.UNUSABLE) from None
    return found


def lot_path(text: str) -> str:
    """The address of a lot RUN/LOT. Raises AskFailed."""
    run, slash, name = text.partition("/")
    if not slash:
        raise AskFailed(f"{text!r} is no lot; expected RUN/LOT as `lots` has them", ExitCode.UNUSABLE)
    return f"/lots/{part(run)}/{part(name)}"

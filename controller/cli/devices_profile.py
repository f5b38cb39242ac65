"""`pressline devices profile`: check a profile's file, show what a profile says, print the JSON Schema."""

from __future__ import annotations

import json
import sys
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from controller.cli.devices_output import print_json, reported
from controller.cli.exit_codes import ExitCode
from controller.cli.output import OutputRefused, write_new
from controller.devices.look import place_of
from controller.reports.run_table import print_text, table
from drivers.profile import Profile, Signal
from drivers.profile_file import check_profile, json_schema, load_profile


def check_file(file: Path, *, as_json: bool) -> ExitCode:
    """Tells every mistake of a profile at its place; advice does not change the code."""
    mistakes, advice = check_profile(file)
    if as_json:
        print_json({"file": str(file), "usable": not mistakes, "mistakes": mistakes, "advice": advice})
        return ExitCode.UNUSABLE if mistakes else ExitCode.PASSED
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if mistakes:
        return ExitCode.UNUSABLE
    profile = load_profile(file)
    print(f"{file}: {profile.name}, {_count(len(profile.signals), 'signal')}, {_requests(profile)}, no mistake")
    for line in advice:
        print(f"  advice: {line}")
    return ExitCode.PASSED


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _requests(profile: Profile) -> str:
    return f"{_count(len(profile.polled), 'request')} a poll"


def show_profile(name: str, *, text: bool, as_json: bool) -> ExitCode:
    """Prints a profile's signals, requests, commands and times; or the text of its file, to start a new one from."""

    def work() -> ExitCode:
        profile = load_profile(name)
        if text:
            print(_file(name).read_text(encoding="utf-8"), end="")
            return ExitCode.PASSED
        if as_json:
            print_json(_data(profile))
            return ExitCode.PASSED
        _print(profile)
        return ExitCode.PASSED

    return reported(work, as_json=as_json)


def _file(name: str) -> Traversable:
    """The file of a profile that was loaded by this name."""
    shipped = resources.files("drivers") / "profiles" / f"{name}.yaml"
    return shipped if shipped.is_file() else Path(name)


def _print(profile: Profile) -> None:
    about = f"{profile.name}: {profile.kind}, {profile.protocol}" + (f"; {profile.meaning}" if profile.meaning else "")
    rows = table("SIGNALS", "signal", "where", "type", "access", "unit", "read", "write", "meaning")
    for signal in profile.signals.values():
        rows.add_row(
            signal.name,
            _where(profile, signal),
            signal.type,
            signal.access,
            signal.unit,
            _span(signal.range),
            _span(signal.limits) if "w" in signal.access else "",
            signal.meaning,
        )
    requests = table("REQUESTS", "request", "polled", "signals")
    for block in profile.blocks:
        requests.add_row(place_of(block), "yes" if block.poll else "when asked", str(len(block.signals)))
    times = table("TIMES", "time", ">s", "reason")
    for key, reason in profile.timing.reasons.items():
        times.add_row(key, f"{getattr(profile.timing, key):g}", reason)
    print_text(about, rows, requests, times)
    if profile.commands:
        commands = table("COMMANDS", "command", ">code", "lowers risk", "meaning")
        for command in profile.commands.values():
            commands.add_row(command.name, str(command.code), "yes" if command.lowers_risk else "", command.meaning)
        print_text(commands)


def _where(profile: Profile, signal: Signal) -> str:
    if signal.table is not None:
        return f"{signal.table} {signal.address}"
    return profile.block_of[signal.name].name if signal.name in profile.block_of else ""


def _span(limits: tuple[float, float] | None) -> str:
    return "" if limits is None else f"{limits[0]:g}..{limits[1]:g}"


def _data(profile: Profile) -> dict[str, object]:
    return {
        "profile": profile.name,
        "kind": profile.kind,
        "protocol": profile.protocol,
        "meaning": profile.meaning,
        "document": profile.document,
        "identity": dict(profile.identity),
        "signals": [
            {
                "signal": s.name,
                "where": _where(profile, s),
                "type": s.type,
                "access": s.access,
                "unit": s.unit,
                "range": s.range,
                "write_range": s.limits if "w" in s.access else None,
                "enum": s.enum,
                "bits": list(s.bits),
                "meaning": s.meaning,
            }
            for s in profile.signals.values()
        ],
        "requests": [
            {"request": b.name, "table": b.table, "address": b.address, "count": b.count, "polled": b.poll}
            for b in profile.blocks
        ],
        "commands": [
            {"command": c.name, "code": c.code, "lowers_risk": c.lowers_risk} for c in profile.commands.values()
        ],
        "enums": {name: dict(words) for name, words in profile.enums.items()},
    }


def print_schema(output: Path | None) -> ExitCode:
    """The JSON Schema of profiles, to standard output or into a file."""
    text = json.dumps(json_schema(), indent=2) + "\n"
    if output is None:
        print(text, end="")
        return ExitCode.PASSED
    try:
        write_new(output, text.encode())
    except OutputRefused as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    return ExitCode.PASSED

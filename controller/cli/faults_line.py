"""What `pressline faults` does: it reads the catalogue, or asks the console of a line that is being served."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from controller.app import fault_catalogue, scenario_meanings
from controller.cli.exit_codes import ExitCode
from controller.config import ConfigError, load_line

_PATIENCE_S = 10.0  # wall; the line answers within milliseconds
Json = Mapping[str, Any]


class _Ended(Exception):
    """The command ends with this code; the words are for the user."""

    def __init__(self, code: ExitCode, words: str) -> None:
        super().__init__(words)
        self.code = code


def list_faults(group: str | None, *, as_json: bool) -> ExitCode:
    """Prints the catalogue, or one group of it."""
    told: list[Json] = fault_catalogue()["faults"]
    groups = dict.fromkeys(fault["group"] for fault in told)
    if group is not None and group not in groups:
        print(f"pressline: there is no group {group!r}; there are {', '.join(groups)}", file=sys.stderr)
        return ExitCode.UNUSABLE
    chosen = [fault for fault in told if group in (None, fault["group"])]
    if as_json:
        print(json.dumps({"faults": chosen}))
        return ExitCode.PASSED
    for fault in chosen:
        print(f"{fault['name']:30} {fault['meaning']}")
        print(f"{'':30} expected: {fault['expected']}")
        for parameter in fault["parameters"]:
            print(f"{'':30} {_parameter(parameter)}")
    return ExitCode.PASSED


def list_scenarios(*, as_json: bool) -> ExitCode:
    """Prints the named scenarios."""
    meanings = scenario_meanings()
    if as_json:
        print(json.dumps({"scenarios": [{"name": name, "meaning": meaning} for name, meaning in meanings.items()]}))
        return ExitCode.PASSED
    for name, meaning in meanings.items():
        print(f"{name:20} {meaning}")
    return ExitCode.PASSED


def inject_fault(line: Path, asked: Json, values: list[str], *, as_json: bool) -> ExitCode:
    """Injects what is asked, with parameters as NAME=VALUE."""

    def told(answer: Json) -> str:
        return f"{asked['fault']} is on the panel as number {answer['number']}"

    return _do(line, "/inject", lambda: {**asked, "parameters": _parameters(values)}, told, as_json=as_json)


def clear_faults(line: Path, number: int | None, *, as_json: bool) -> ExitCode:
    """Ends one injection, or all."""
    return _do(
        line, "/clear", lambda: {"number": number}, lambda answer: f"{answer['cleared']} cleared", as_json=as_json
    )


def show_status(line: Path, *, as_json: bool) -> ExitCode:
    """Prints machines and panel."""
    return _do(line, "/status", None, _status, as_json=as_json)


def _do(
    line: Path, path: str, document: Callable[[], Json] | None, told: Callable[[Json], str], *, as_json: bool
) -> ExitCode:
    try:
        answer = _asked(_place(line), path, None if document is None else document())
    except _Ended as ended:
        print(json.dumps({"error": str(ended)}) if as_json else f"pressline: {ended}", file=sys.stderr)
        return ended.code
    print(json.dumps(answer) if as_json else told(answer))
    return ExitCode.PASSED


def _place(line: Path) -> str:
    try:
        config = load_line(line)
    except ConfigError as error:
        hint = "" if line.exists() else "; `pressline simulate` writes it while it serves a line"
        raise _Ended(ExitCode.UNUSABLE, f"{error}{hint}") from error
    if config.operator_url is None:
        raise _Ended(ExitCode.UNUSABLE, f"{line}: has no [operator]: faults are for simulated lines only")
    return urlsplit(config.operator_url).netloc


def _asked(place: str, path: str, document: Mapping[str, Any] | None) -> dict[str, Any]:
    connection = HTTPConnection(place, timeout=_PATIENCE_S)
    try:
        if document is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(document), {"content-type": "application/json"})
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except (OSError, HTTPException) as error:
        raise _Ended(ExitCode.UNREACHABLE, f"no simulated line answers at {place} ({error})") from error
    except ValueError as error:
        raise _Ended(ExitCode.UNREACHABLE, f"what answers at {place} is no simulated line") from error
    finally:
        connection.close()
    if "error" in answer:
        raise _Ended(ExitCode.REFUSED, str(answer["error"]))
    return answer


def _parameters(texts: list[str]) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise _Ended(ExitCode.UNUSABLE, f"--set {text}: expected NAME=VALUE")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = value
    return found


def _parameter(parameter: Mapping[str, Any]) -> str:
    unit = f" {parameter['unit']}" if parameter["unit"] else ""
    if isinstance(parameter["default"], str):
        size = f"={parameter['default']}" if parameter["default"] else ""
        choices = f", one of {', '.join(parameter['choices'])}" if parameter["choices"] else ""
        return f"{parameter['name']}{size}: {parameter['meaning']}{choices}"
    low, high = parameter["low"], parameter["high"]
    bounds = f", {low:g} to {high:g}" if low is not None and high is not None else ""
    return f"{parameter['name']}={parameter['default']:g}{unit}: {parameter['meaning']}{bounds}"


def _status(told: Mapping[str, Any]) -> str:
    lines = [f"scenario {told['scenario']}, seed {told['seed']}, line time {told['time_s']:.1f} s"]
    for unit in told["units"]:
        alarms = f"  alarms: {', '.join(unit['alarms'])}" if unit.get("alarms") else ""
        lines.append(f"{unit['name']:20} {unit['state']:10} {unit['phase']:10} {unit.get('mode', '')}{alarms}".rstrip())
    lines += [_active(active, told["time_s"]) for active in told["active"]] or ["nothing is wrong"]
    return "\n".join(lines)


def _active(active: Mapping[str, Any], now_s: float) -> str:
    if active["from_s"] is None:
        when = f"waits for {active['of'] or active['unit']} to enter {active['phase']}"
    elif active["state"] == "waiting":
        when = f"comes in {max(0.0, active['from_s'] - now_s):.1f} s"
    elif active["until_s"] is None:
        when = "acts until cleared"
    else:
        when = f"acts for {max(0.0, active['until_s'] - now_s):.1f} s more"
    values = ", ".join(f"{name}={value}" for name, value in active["parameters"].items())
    return f"{active['number']:3} {active['fault']:28} {active['unit'] or 'the line':20} {when}  {values}".rstrip()

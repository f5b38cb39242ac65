"""`pressline doctor`: which part of an installation or of the path to a machine is broken, and how it is mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from controller.cli.clock import utc, utc_text
from controller.cli.devices_output import print_json, reported, run
from controller.cli.exit_codes import ExitCode
from controller.config import ConfigError, LineConfig, load_line
from controller.devices.calibration_check import calibration_check
from controller.devices.checks import Check, State, broken, ok
from controller.devices.diagnosis import unit_checks
from controller.devices.installation import installation_checks
from controller.devices.serving_checks import serving_checks
from controller.line_lock import LineLock
from drivers.transport.urls import Lines

INSTALLATION, LINE, SERVICE = "installation", "line", "as a service"


def examine(line: Path | None, store: Path, *, as_json: bool) -> ExitCode:
    """Checks the installation, or every unit of a line file."""

    def work() -> ExitCode:
        report = _Report(as_json=as_json)
        if line is None:
            report.begin(INSTALLATION)
            for check in installation_checks(store):
                report.add(check)
        else:
            _examine_line(line, report)
        return report.end()

    return reported(work, as_json=as_json)


def _examine_line(line: Path, report: _Report) -> None:
    report.begin(LINE)
    try:
        config = load_line(line)
    except ConfigError as error:
        if not line.is_file():
            report.add(broken("line file", str(error), "name a line file; `pressline simulate` writes one", "file"))
            return
        for fault in str(error).splitlines():
            report.add(broken("line file", fault, "correct this line of the file", "file"))
        return
    report.add(ok("line file", f"{line}: {len(config.units)} units"))
    service = LineLock(line).holder()
    report.add(ok("service", service or "no program of this computer works with this line now"))
    run(_examine_all(config, service, report), config.speed)


async def _examine_all(config: LineConfig, service: str | None, report: _Report) -> None:
    report.begin(SERVICE)
    async for check in serving_checks(config, utc(), service):
        report.add(check)
    await _examine_units(config, service, report)


async def _examine_units(config: LineConfig, service: str | None, report: _Report) -> None:
    lines = Lines(config.speed)
    for unit in config.units.values():
        report.begin(unit.name)
        async for check in unit_checks(unit, config, lines, service):
            report.add(check)
        for check in calibration_check(unit, utc_text()):
            report.add(check)


class _Report:
    """Shows checks as they are made, and says what they come to."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._parts: dict[str, list[Check]] = {}
        self._part: list[Check] = []
        self._unchecked: list[Check] = []

    def begin(self, part: str) -> None:
        self._show_unchecked()
        self._part = self._parts[part] = []
        if not self._as_json:
            print(part, flush=True)

    def add(self, check: Check) -> None:
        self._part.append(check)
        if self._as_json:
            return
        if check.state is State.UNCHECKED:
            if self._unchecked and self._unchecked[0].text != check.text:
                self._show_unchecked()
            self._unchecked.append(check)
            return
        self._show_unchecked()
        print(f"  {check.what:14} {check.state.value:11} {check.text}", flush=True)
        if check.mend:
            print(f"  {'':14} mend: {check.mend}", flush=True)

    def _show_unchecked(self) -> None:
        """Checks that were not made for the same reason take one line."""
        if self._unchecked:
            names, why = [check.what for check in self._unchecked], self._unchecked[0].text
            what, text = (names[0], why) if len(names) == 1 else ("the others", f"{', '.join(names)}; {why}")
            print(f"  {what:14} {State.UNCHECKED.value:11} {text}", flush=True)
            self._unchecked = []

    def end(self) -> ExitCode:
        self._show_unchecked()
        code = _code([check for checks in self._parts.values() for check in checks])
        if self._as_json:
            print_json(_document(self._parts, code))
        else:
            counts = {
                state: sum(c.state is state for checks in self._parts.values() for c in checks) for state in State
            }
            print(", ".join(f"{number} {state.value}" for state, number in counts.items()))
        return code


def _code(checks: Iterable[Check]) -> ExitCode:
    """The code of the layer that has to be mended first: a file, then the way to a machine, then the machine."""
    layers = {check.layer for check in checks if check.state is State.BROKEN}
    for layer, code in (("file", ExitCode.UNUSABLE), ("link", ExitCode.UNREACHABLE), ("machine", ExitCode.REFUSED)):
        if layer in layers:
            return code
    return ExitCode.PASSED


def _document(parts: Mapping[str, Sequence[Check]], code: ExitCode) -> dict[str, object]:
    return {
        "exit_code": int(code),
        "parts": [
            {
                "part": name,
                "checks": [
                    {"what": c.what, "state": c.state.value, "text": c.text, "mend": c.mend or None} for c in checks
                ],
            }
            for name, checks in parts.items()
        ],
    }

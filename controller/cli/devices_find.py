"""`pressline devices scan` and `probe`: who answers on a line, and what a single place speaks. Nothing is written."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from controller.cli.devices_output import frames_tap, print_json, reported, run, run_until_enough
from controller.cli.exit_codes import ExitCode
from controller.devices.scan import FIRST_UNIT, LAST_UNIT, Answered, Scan, Step, probe
from controller.devices.target import TargetUnusable, is_url
from controller.reports.run_table import print_text, table
from drivers.profile import Profile
from drivers.profile_file import load_profile, shipped_profiles
from drivers.transport.urls import Lines


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Where is searched and how patiently. `profile` is compared beside the shipped ones."""

    url: str
    profile: str | None
    timeout_s: float
    pause_s: float
    frames: bool
    as_json: bool

    def scan(self) -> Scan:
        """Raises TargetUnusable or ProfileError."""
        if not is_url(self.url):
            raise TargetUnusable(f"{self.url!r} is no URL; expected for example 'serial:///dev/ttyUSB0?baudrate=9600'")
        profiles = _profiles(self.profile)
        own = profiles[0].modbus if self.profile is not None else None
        return Scan(self.url, self.timeout_s, self.pause_s, profiles, 1 if own is None else own.unit)

    def lines(self) -> Lines:
        tap = frames_tap(self.url, "modbus", None, wanted=self.frames)
        return Lines(tap=tap)


def _profiles(profile: str | None) -> Sequence[Profile]:
    own = [] if profile is None else [load_profile(profile)]
    return [*own, *(load_profile(name) for name in shipped_profiles() if name != (profile or ""))]


def unit_numbers(text: str) -> Sequence[int]:
    """The unit numbers of "1-32" or "1,5,9". Raises TargetUnusable."""
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise TargetUnusable(f"--units {text[:40]}: expected unit numbers such as 1-32 or 1,5,9")
        numbers += range(int(first), int(last or first) + 1)
    if not numbers or min(numbers) < FIRST_UNIT or max(numbers) > LAST_UNIT:
        raise TargetUnusable(f"--units {text[:40]}: unit numbers are {FIRST_UNIT} to {LAST_UNIT}")
    return list(dict.fromkeys(numbers))


def scan_line(options: SearchOptions, units: str) -> ExitCode:
    """Asks every unit number once; the code is 3 if nobody answers."""
    found: list[Answered] = []
    asked: list[int] = []

    async def main(scan: Scan, numbers: Sequence[int]) -> None:
        async with aclosing(scan.units(numbers, options.lines())) as answers:
            async for answer in answers:
                asked.append(numbers[len(asked)])
                _progress(asked[-1], numbers, answer, quiet=options.as_json)
                if answer is not None:
                    found.append(answer)

    def work() -> ExitCode:
        scan, numbers = options.scan(), unit_numbers(units)
        run_until_enough(main(scan, numbers))
        _print_scan(options, found, asked, len(numbers))
        return ExitCode.PASSED if found else ExitCode.UNREACHABLE

    return reported(work, as_json=options.as_json)


def _progress(unit: int, numbers: Sequence[int], answer: Answered | None, *, quiet: bool) -> None:
    """What happens meanwhile, for whoever sits there: a line takes minutes."""
    if quiet or not sys.stderr.isatty():
        return
    if answer is not None:
        print(f"\runit {unit}: {answer.how}{' ' * 20}", file=sys.stderr)
    print(f"\rasked unit {unit}, the last one is {numbers[-1]} ", end="", file=sys.stderr, flush=True)


def _print_scan(options: SearchOptions, found: Sequence[Answered], asked: Sequence[int], wanted: int) -> None:
    if options.as_json:
        units = [
            {"unit": a.unit, "how": a.how, "identification": dict(a.identification), "fits": list(a.fits)}
            for a in found
        ]
        print_json({"url": options.url, "asked": len(asked), "complete": len(asked) == wanted, "units": units})
        return
    if sys.stderr.isatty():
        print("\r" + " " * 50 + "\r", end="", file=sys.stderr)
    rows = table("", ">unit", "answer", "says of itself", "fits the profile")
    for answer in found:
        told = ", ".join(f"{key} {value}" for key, value in answer.identification.items())
        rows.add_row(str(answer.unit), answer.how, told or "-", ", ".join(answer.fits) or "-")
    ended = "" if len(asked) == wanted else f"; ended by Ctrl-C, {wanted - len(asked)} were not asked"
    if found:
        print_text(f"UNITS at {options.url}", rows)
    print(f"{len(found)} of {len(asked)} unit numbers answered{ended}")
    if len(found) > 1 and len(found) == len(asked):
        print("every number answered: this device ignores the unit number, or a gateway answers for all")


def probe_place(options: SearchOptions) -> ExitCode:
    """Tries what a place speaks; the code is 3 if it does not connect or nothing answers, 1 if wrongly."""
    steps: list[Step] = []

    async def main(scan: Scan) -> None:
        async with aclosing(probe(scan, options.lines)) as tried:
            async for step in tried:
                steps.append(step)
                if not options.as_json:
                    print(f"  {step.what:40} {_word(step):10} {step.text}", flush=True)

    def work() -> ExitCode:
        scan = options.scan()
        if not options.as_json:
            print(scan.url)
        run(main(scan))
        answered = any(step.worked is not None for step in steps[1:])
        code = _code(steps[1:])
        if options.as_json:
            tried: list[dict[str, Any]] = [
                {"what": s.what, "worked": s.worked, "text": s.text, "wrong": s.wrong} for s in steps
            ]
            print_json({"url": options.url, "answered": answered, "steps": tried})
        elif steps[0].worked and code is not ExitCode.PASSED:
            print(f"  {_ADVICE[code]}")
        return code

    return reported(work, as_json=options.as_json)


_ADVICE = {
    ExitCode.UNREACHABLE: "nothing answers: look at unit number, baud rate and parity;"
    " `pressline devices scan` asks all units",
    ExitCode.REFUSED: "something answers, and nothing that was asked: two units with this number, or another baud rate,"
    " parity or protocol; --frames shows what came",
}


def _code(steps: Sequence[Step]) -> ExitCode:
    if any(step.answered for step in steps):
        return ExitCode.PASSED
    return ExitCode.REFUSED if any(step.wrong for step in steps) else ExitCode.UNREACHABLE


def _word(step: Step) -> str:
    if step.wrong:
        return "wrong"
    return {True: "yes", False: "no", None: "silent"}[step.worked]

"""`pressline devices write`: one value, once, by a person, and the truth about what became of it."""

from __future__ import annotations

import asyncio
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.authority import Role
from controller.cli.clock import utc_text
from controller.cli.devices_look import LookOptions
from controller.cli.devices_output import frames_tap, print_json, reading_data, reported, run, told, value_text
from controller.cli.exit_codes import ExitCode
from controller.cli.login import logged_in
from controller.devices.target import Target, TargetUnusable
from controller.devices.writing import Change, Present, Writer, present, wanted_change, write
from drivers.reading import Reading
from drivers.writing import Outcome, Written

NOTHING = "nothing was written"
_LOOK_UP_S = 0.2  # a Ctrl-C that comes just before a blocking read would be heard after it only


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What shall be written, by whom, and whether it was already decided."""

    look: LookOptions
    assignment: str
    yes: bool
    by: str | None
    store: Path
    role: str = Role.ENGINEER


def write_value(options: WriteOptions) -> ExitCode:
    """Writes one value; 0 applied, 1 refused or of unknown outcome, 2 unusable, 3 out of reach."""

    def work() -> ExitCode:
        if options.role not in set(Role):
            raise TargetUnusable(f"there is no role {options.role!r}; there are {', '.join(Role)}")
        target = options.look.found()
        change = wanted_change(target.profile, options.assignment)
        if not options.yes:
            if not sys.stdin.isatty():
                message = f"{NOTHING}: nobody can be asked here; look at the machine first, then give --yes"
                return told(ExitCode.REFUSED, message, as_json=options.look.as_json)
            now = run(present(target, change, _tap(options, target)), target.speed)
            if not _agreed(target, change, now):
                return ExitCode.REFUSED
        return _written(options, target, change)

    try:
        return reported(work, as_json=options.look.as_json)
    except KeyboardInterrupt:
        return told(ExitCode.REFUSED, f"\n{NOTHING}", as_json=options.look.as_json)


def _agreed(target: Target, change: Change, now: Present) -> bool:
    """Shows what is there and what shall be, and asks."""
    for missing in now.missing:
        print(f"{NOTHING}: {target.unit} {missing}", file=sys.stderr)
    if now.missing:
        return False
    print(f"{target.unit} ({target.profile.name} at {target.url})")
    print(f"  now      {_text(target, change, now.reading)}")
    print(f"  then     {change.text}")
    print(f"  meaning  {change.signal.meaning}")
    print("write it? [y/N] ", end="", flush=True)
    while not select.select([sys.stdin], [], [], _LOOK_UP_S)[0]:
        continue
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print(NOTHING)
    return False


def _written(options: WriteOptions, target: Target, change: Change) -> ExitCode:
    writer = Writer(options.by or logged_in(), options.store, utc_text, Role(options.role))
    ended = run(_attended(options, target, change, writer), target.speed)
    if ended is None:
        message = (
            f"unknown: {change.text} may or may not be in {target.unit}, nobody waited for its answer; it is not sent"
            " again; read the value before anything else"
        )
        return told(ExitCode.REFUSED, message, as_json=False)
    if isinstance(ended, str):
        return told(ExitCode.REFUSED, ended, as_json=options.look.as_json)
    _print(options, target, ended)
    return ExitCode.PASSED if ended.outcome is Outcome.APPLIED else ExitCode.REFUSED


async def _attended(options: WriteOptions, target: Target, change: Change, writer: Writer) -> Written | str | None:
    """The write with Ctrl-C in view: before it is sent it is not sent, afterwards its outcome is waited for.

    Gives NOTHING if it was given up before it was sent, None if after.
    """
    state = _Interrupts()
    work = asyncio.create_task(write(target, change, writer, state.begin, _tap(options, target)), name="write by hand")
    with state.heard_by(work):
        try:
            return await work
        except asyncio.CancelledError:
            return None if state.sending else NOTHING


class _Interrupts:
    """Ctrl-C and its like while a value is written."""

    _SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.sending = False
        self._asked = False

    def begin(self) -> None:
        """From now on bytes may be on their way."""
        self.sending = True

    @contextmanager
    def heard_by(self, work: asyncio.Task[Written]) -> Iterator[None]:
        """Within the block they are heard here: the work is cancelled, or is let finish first."""
        loop = asyncio.get_running_loop()
        for number in self._SIGNALS:
            loop.add_signal_handler(number, self._interrupt, work)
        try:
            yield
        finally:
            for number in self._SIGNALS:
                loop.remove_signal_handler(number)

    def _interrupt(self, work: asyncio.Task[Written]) -> None:
        if self.sending and not self._asked:
            self._asked = True
            print("it is on its way; waiting for its outcome (Ctrl-C again gives up)", file=sys.stderr, flush=True)
        else:
            work.cancel()


def _print(options: WriteOptions, target: Target, written: Written) -> None:
    name = written.signal.name
    if options.look.as_json:
        read_back = None if written.read_back is None else reading_data(target.profile, name, written.read_back)
        print_json(
            {
                "unit": target.unit,
                "signal": name,
                "wanted": written.wanted,
                "outcome": written.outcome.value,
                "read_back": read_back,
                "why": written.why,
            }
        )
        return
    held = (
        "it could not be read back"
        if written.read_back is None
        else f"read back: {_text(target, Change(written.signal, written.wanted), written.read_back)}"
    )
    print(f"{written.outcome.value}: {Change(written.signal, written.wanted).text} to {target.unit}; {held}")
    if written.why:
        print(f"  {written.why}")
    if written.outcome is Outcome.UNKNOWN:
        print("  it was sent once and is not sent again; read the value before anything else")


def _text(target: Target, change: Change, reading: Reading) -> str:
    value = value_text(target.profile, change.signal.name, reading)
    return f"{change.signal.name} = {value} {reading.unit}".rstrip() + (
        "" if reading.quality == "good" else f" ({reading.quality})"
    )


def _tap(options: WriteOptions, target: Target) -> Any:
    return frames_tap(target.url, target.profile.protocol, target.profile, wanted=options.look.frames)

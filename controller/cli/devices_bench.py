"""`pressline devices serve`, `record` and `replay`: a profile without its machine, and the wire in a file."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from controller.bench import Place, serve_controller, serve_recording
from controller.cli.clock import utc, utc_text
from controller.cli.devices_look import SHORTEST_PERIOD_S, LookOptions, Watching, code_of_news
from controller.cli.devices_output import both, frames_tap, print_json, reported, run, run_until_enough
from controller.cli.exit_codes import ExitCode
from controller.cli.first_values import first_values
from controller.devices.look import looking
from controller.devices.target import Target, TargetUnusable
from controller.devices.watching import changes, period_s, watched_signals
from drivers.errors import CaptureError, DriverError
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.transport.recording import Recorder, read_capture
from drivers.transport.urls import UNITS
from drivers.transport.wire import Tap


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Which profile is served, where, and what it shows at first; `unit` None is the profile's own number."""

    profile: str
    tcp: int | None
    pty: Path | None
    rtu: bool
    unit: int | None
    values: tuple[str, ...]
    as_json: bool


def serve_profile(options: ServeOptions) -> ExitCode:
    """Serves a controller that obeys a profile until interrupted."""

    def work() -> ExitCode:
        profile = load_profile(options.profile)
        if options.rtu and (profile.protocol != "modbus" or options.pty is not None):
            raise TargetUnusable("--rtu goes with --tcp and a Modbus profile; a serial port carries RTU anyway")
        place = _place(options.tcp, options.pty, rtu=options.rtu, unit=_unit(profile, options))
        serving = serve_controller(profile, place, first_values(profile, options.values))
        run(_until_ended(serving, {"profile": profile.name}, as_json=options.as_json))
        return ExitCode.PASSED

    return reported(work, as_json=options.as_json)


def _unit(profile: Profile, options: ServeOptions) -> int:
    """The number that answers."""
    if options.unit is not None:
        return options.unit
    unit = profile.modbus.unit if profile.modbus is not None else 1
    if unit not in UNITS["rtu+tcp"] and (options.rtu or options.pty is not None):
        raise TargetUnusable(f"{profile.name}: unit {unit} is for Modbus TCP only; give another one with --unit")
    return unit


def replay_wire(file: Path, tcp: int | None, pty: Path | None, recorded: str | None, *, as_json: bool) -> ExitCode:
    """Serves a recording until interrupted."""

    def work() -> ExitCode:
        events = read_capture(file)
        told = partial(print, file=sys.stderr, flush=True)
        try:
            serving = serve_recording(events, _place(tcp, pty), recorded, told)
            run(_until_ended(serving, {"file": str(file)}, as_json=as_json))
        except ValueError as error:
            raise CaptureError(f"{file}: {error}; --place names one") from error
        return ExitCode.PASSED

    return reported(work, as_json=as_json)


def record_wire(file: Path, options: LookOptions, watching: Watching) -> ExitCode:
    """Records the wire while a unit is identified and watched; the code is 3 if nothing answered, 1 if wrongly only."""
    best = [ExitCode.UNREACHABLE]

    async def main(target: Target, tap: Tap) -> None:
        every = max(watching.every_s or period_s(target.profile), SHORTEST_PERIOD_S)
        limit_s = None if watching.seconds is None else watching.seconds * target.speed
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s), looking(target, tap) as look:
                with suppress(DriverError):
                    await look.identify(thoroughly=True)
                async for news in changes(look, watched_signals(target.profile), every):
                    best[0] = min(best[0], code_of_news(news))

    def work() -> ExitCode:
        target = options.found()
        began = utc()
        try:
            with Recorder(file, utc=utc_text(began)) as recorder:
                shown = frames_tap(target.url, target.profile.protocol, target.profile, wanted=options.frames)
                if not options.as_json:
                    print(f"recording {target.unit} to {file}; Ctrl-C ends it", file=sys.stderr, flush=True)
                run_until_enough(main(target, both(recorder, shown) or recorder), target.speed)
        except FileExistsError as error:
            raise TargetUnusable(f"{file}: is there already; nothing was recorded") from error
        if recorder.fault:
            raise CaptureError(recorder.fault)
        seconds = (utc() - began).total_seconds()
        _print_recorded(file, target, seconds, recorder.events, best[0], as_json=options.as_json)
        return best[0]

    return reported(work, as_json=options.as_json)


_ENDINGS = {ExitCode.UNREACHABLE: "; it did not answer", ExitCode.REFUSED: "; it answers wrongly"}


def _print_recorded(file: Path, target: Target, seconds: float, events: int, best: ExitCode, *, as_json: bool) -> None:
    if as_json:
        about = {"file": str(file), "unit": target.unit, "seconds": round(seconds, 1)}
        answered, reached = best is not ExitCode.UNREACHABLE, best is ExitCode.PASSED
        print_json({**about, "events": events, "answered": answered, "reached": reached})
    else:
        print(f"{file}: {events} events in {seconds:.1f} s{_ENDINGS.get(best, '')}")


def _place(tcp: int | None, pty: Path | None, *, rtu: bool = False, unit: int = 1) -> Place:
    if tcp is not None and pty is not None:
        raise TargetUnusable("give either --tcp PORT or --pty NAME")
    return Place(None if pty is not None else tcp or 0, pty, rtu, unit)


async def _until_ended(serving: AbstractAsyncContextManager[str], about: Mapping[str, str], *, as_json: bool) -> None:
    """Serves until Ctrl-C, having told where."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with serving as url:
        if as_json:
            print(json.dumps({**about, "url": url}), flush=True)
        else:
            print(f"{', '.join(about.values())} is served at {url}; Ctrl-C ends it", flush=True)
        await ended.wait()

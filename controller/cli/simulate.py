"""`pressline simulate`: the simulated machines on real sockets and serial lines, and the line file that names them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from controller.app import on_clock, simulated_wires
from controller.cli.exit_codes import ExitCode
from controller.cli.runs import known_scenario
from controller.config import LineConfig, line_toml


def serve_simulated(speed: float, scenario: str, seed: int, line: Path, *, as_json: bool) -> ExitCode:
    """Serves the simulated line until interrupted."""
    if not known_scenario(scenario):
        return ExitCode.UNUSABLE

    if line.is_dir():
        print(f"{line}: is a directory; expected a file for the line, for example simulated-line.toml", file=sys.stderr)
        return ExitCode.UNUSABLE

    if line.exists() and "[operator]" not in line.read_text(encoding="utf-8", errors="replace"):
        print(f"{line}: is there already, and is no simulated line's file; nothing was written", file=sys.stderr)
        return ExitCode.UNUSABLE

    async def main() -> None:
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        async with simulated_wires(scenario, seed, speed) as config:
            _announce(config, line, as_json=as_json, show=lambda text: print(text, flush=True))
            try:
                await ended.wait()
            finally:
                _unannounce(line, config)

    try:
        on_clock(main(), speed)
    except OSError as error:
        print(f"the simulated line cannot be served: {error}", file=sys.stderr)
        return ExitCode.UNUSABLE
    return ExitCode.PASSED


def _unannounce(line: Path, config: LineConfig) -> None:
    """Takes the line file away with the line, unless another one has written its own meanwhile."""
    with suppress(OSError):
        if line.read_text(encoding="utf-8") == line_toml(config):
            line.unlink()


def _announce(config: LineConfig, line: Path, *, as_json: bool, show: Callable[[str], None]) -> None:
    """Writes the line file in one move, so that nobody reads half of it, and tells where everything is."""
    draft = line.with_name(line.name + ".part")
    draft.write_text(line_toml(config), encoding="utf-8")
    draft.replace(line)
    if as_json:
        units = {
            unit.name: {"kind": unit.kind, "profile": unit.profile, "url": unit.url} for unit in config.units.values()
        }
        show(json.dumps({"line": str(line), "speed": config.speed, "operator": config.operator_url, "units": units}))
        return
    for unit in config.units.values():
        show(f"{unit.name:20} {unit.url}")
    show(f"{'operator':20} {config.operator_url}")
    show(f"line file: {line}; press on it with: pressline run RECIPE --line {line}; Ctrl-C ends it")

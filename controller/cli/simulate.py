"""`pressline simulate`: the simulated machines on real sockets and serial lines, and the line file that names them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from controller.app import on_clock, simulated_wires
from controller.cli.exit_codes import ExitCode
from controller.cli.runs import known_scenario
from controller.config import ConfigError, LineConfig, line_toml, load_line

SIMULATED_LINE = Path("simulated-line.toml")
_KEPT = "nothing was written"


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """What is asked of `pressline simulate`. `output` is where the line file of what is served goes, if elsewhere."""

    speed: float
    scenario: str
    seed: int
    line: Path
    output: Path | None
    as_json: bool


def serve_simulated(options: SimulateOptions) -> ExitCode:
    """Serves the usual simulated line, or the units of the line file that is there, until interrupted."""
    if not known_scenario(options.scenario):
        return ExitCode.UNUSABLE
    try:
        given = _given(options.line)
        output = options.output or (options.line if given is None else SIMULATED_LINE)
        _check_output(output, given)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE

    async def main() -> None:
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        async with simulated_wires(options.scenario, options.seed, options.speed, given) as config:
            _announce(config, output, as_json=options.as_json, show=lambda text: print(text, flush=True))
            try:
                await ended.wait()
            finally:
                _unannounce(output, config)

    try:
        on_clock(main(), options.speed)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    except OSError as error:
        print(f"the simulated line cannot be served: {error}", file=sys.stderr)
        return ExitCode.UNUSABLE
    return ExitCode.PASSED


def _given(line: Path) -> LineConfig | None:
    """The line that is to be simulated; None where the file is not there, or is an earlier simulated line's own.

    Raises ConfigError.
    """
    if line.is_dir():
        raise ConfigError(f"{line}: is a directory; expected a file for the line, for example {SIMULATED_LINE}")
    if not line.exists() or _is_simulated(line):
        return None
    try:
        return load_line(line)
    except ConfigError as error:
        raise ConfigError(f"{error}\n{line}: is there already, and is no simulated line's file; {_KEPT}") from error


def _check_output(output: Path, given: LineConfig | None) -> None:
    if output.is_dir():
        raise ConfigError(f"{output}: is a directory; expected a file for the line, for example {SIMULATED_LINE}")
    is_given = given is not None and given.file is not None and output.resolve() == given.file.resolve()
    if is_given or (output.exists() and not _is_simulated(output)):
        raise ConfigError(f"{output}: is there already, and is no simulated line's file; {_KEPT}")


def _is_simulated(line: Path) -> bool:
    try:
        return "[operator]" in line.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"{line}: cannot be read ({error.strerror})") from error


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
        told = {"line": str(line), "speed": config.speed, "operator": config.operator_url, "faults": _page(config)}
        show(json.dumps({**told, "units": units}))
        return
    for unit in config.units.values():
        show(f"{unit.name:20} {unit.url}")
    show(f"{'operator':20} {config.operator_url}")
    show(f"{'faults':20} {_page(config)}")
    show(f"line file: {line}; press on it with: pressline run RECIPE --line {line}; Ctrl-C ends it")


def _page(config: LineConfig) -> str:
    """The fault console's page, which answers beside the operator."""
    return f"{(config.operator_url or '').replace('tcp://', 'http://')}/"

"""The line file: which units there are, which profile each follows, and where it is reached.

    [line]
    name = "pilot line"

    [units.uniaxial-press-1]
    kind = "uniaxial_press"
    profile = "uniaxial-press-generic"
    url = "serial:///dev/ttyUSB0?baudrate=115200&unit=1"

`profile` is a shipped profile's name or a path beside the line file; units may share a port, with a unit number each.
What a unit's calibration, zero and cycles are, and how long a lot may be out, is said in tables of their own
(fitness_config.py); how the line is served, in others again (service_config.py).
An `[operator]` table with a `url` names a simulated operator (see `pressline simulate`); without it the tasks are asked
at the terminal.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.calibration import Fitness
from controller.fitness_config import HOUR_S, KEYS, fitness, fitness_toml, foil_batches, foils_toml, max_out_s
from controller.line_keys import near, shown, toml_text
from controller.line_kinds import PORT, Text
from controller.service_config import SERVICE_TABLES, ServiceConfig, read_service, service_toml
from recipes.findings import one_line

UNIT_KINDS = (
    "uniaxial_press",
    "isostatic_press",
    "coater",
    "roll_press",
    "temperature_controller",
    "gauge",
    "balance",
)
TABLES = {"foils", "line", "lots", "operator", "units", *SERVICE_TABLES}
NAME = re.compile(r"[A-Za-z0-9_-]+")
OPERATOR_URL = Text(f"tcp://[^/:\\s]+:{PORT}", "tcp://host:port, as `pressline simulate` writes it")
MAX_SPEED = 20.0  # beyond it the wire's own latency is no longer small beside a machine's reaction


class ConfigError(Exception):
    """The line file cannot be used. Every fault is one line of the message; a retry needs another file."""


@dataclass(frozen=True, slots=True)
class UnitConfig:
    """One unit of the line."""

    name: str
    kind: str
    profile: str
    url: str
    fitness: Fitness = field(default_factory=Fitness)


@dataclass(frozen=True, slots=True)
class LineConfig:
    """The whole line. speed is above 1 only for a simulated line; operator_url only there too.

    `file` is the line file, None for a line that has none; `source` names it in messages.
    max_out_s is how long a lot may be outside the dry room altogether; None where the file gives no limit. foil_batches
    are the batches of the foils on the line, by the foils' names. `service` says how the line is served.
    """

    name: str
    units: Mapping[str, UnitConfig]
    speed: float = 1.0
    operator_url: str | None = None
    source: str = field(default="the line", compare=False)
    file: Path | None = field(default=None, compare=False)
    max_out_s: float | None = None
    foil_batches: Mapping[str, str] = field(default_factory=dict)
    service: ServiceConfig = field(default_factory=ServiceConfig)


def load_line(path: Path) -> LineConfig:
    """Reads a line file; raises ConfigError with every fault in it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text") from error
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise ConfigError(one_line(f"{path}: {error}")) from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply for a line file") from error
    faults: list[str] = []
    line = _table(raw, "line", path, faults, {"name", "speed"})
    operator = _table(raw, "operator", path, faults, {"url"})
    out_s = max_out_s(_table(raw, "lots", path, faults, {"max_out_h"}), f"{path}: lots", faults)
    foils = foil_batches(_table(raw, "foils", path, faults), f"{path}: foils", faults)
    units = {name: _unit(name, table, path, faults) for name, table in _table(raw, "units", path, faults).items()}
    service = read_service(raw, path, faults)
    faults += [f"{path}: unknown table [{key}]{near(key, TABLES)}" for key in raw if key not in TABLES]
    if not units:
        faults.append(f"{path}: no unit; expected at least one table such as [units.uniaxial-press-1]")
    speed = line.get("speed", 1.0)
    if not isinstance(speed, int | float) or isinstance(speed, bool) or not 1 <= speed <= MAX_SPEED:
        faults.append(f"{path}: line.speed is {shown(speed)}; expected a number from 1 to {MAX_SPEED:g}")
    elif speed != 1 and not operator:
        faults.append(
            f"{path}: line.speed is {speed:g}; only a simulated line, with an [operator], may be faster than 1"
        )
    url = operator.get("url")
    if operator and not OPERATOR_URL.accepts(url):
        faults.append(f"{path}: operator.url is {shown(url)}; expected {OPERATOR_URL.expected}")
    if not isinstance(name := line.get("name", path.stem), str):
        faults.append(f"{path}: line.name is {shown(name)}; expected a text")
    if faults:
        raise ConfigError("\n".join(one_line(fault) for fault in faults))
    known = {name: unit for name, unit in units.items() if unit is not None}
    return LineConfig(
        str(line.get("name", path.stem)), known, float(speed), url, str(path), path, out_s, foils, service
    )


def _table(
    raw: Mapping[str, Any], name: str, path: Path, faults: list[str], keys: set[str] | None = None
) -> Mapping[str, Any]:
    table = raw.get(name, {})
    if not isinstance(table, dict):
        faults.append(f"{path}: {name} is {shown(table)}; expected a table [{name}]")
        return {}
    if keys is not None:
        known = ", ".join(sorted(keys))
        faults += [
            f"{path}: unknown key {name}.{key}{near(key, keys)}; known: {known}" for key in table if key not in keys
        ]
    return table


def _unit(name: str, table: Any, path: Path, faults: list[str]) -> UnitConfig | None:
    where = f"{path}: units.{name}"
    if not isinstance(table, dict):
        faults.append(f"{where} is {shown(table)}; expected a table with kind, profile and url")
        return None
    before = len(faults)
    if not NAME.fullmatch(name):
        faults.append(f"{path}: units.{name!r} is no name for a unit; expected letters, digits, hyphens, underscores")
    faults += [
        f"{where}.{key} is {repr(table[key]) if key in table else 'missing'}; expected a text"
        for key in ("kind", "profile", "url")
        if not isinstance(table.get(key), str)
    ]
    known = ("kind", "profile", "url", *KEYS)
    faults += [
        f"{where}.{key} is unknown{near(key, known)}; known: {', '.join(known)}" for key in table if key not in known
    ]
    if isinstance(table.get("kind"), str) and table["kind"] not in UNIT_KINDS:
        faults.append(f"{where}.kind is {shown(table['kind'])}; expected one of {', '.join(UNIT_KINDS)}")
    kept = fitness(table, where, faults)
    if len(faults) > before:
        return None
    beside = path.parent / table["profile"]
    try:
        profile = str(beside) if beside.is_file() else table["profile"]
    except (OSError, ValueError):  # a name that no file can have
        faults.append(f"{where}.profile is no name of a profile: {table['profile'][:80]!r}")
        return None
    return UnitConfig(name, table["kind"], profile, table["url"], kept)


def line_toml(config: LineConfig) -> str:
    """The line file that `load_line` reads back as the same configuration."""
    parts = [f"[line]\nname = {toml_text(config.name)}"]
    if config.speed != 1:
        parts[0] += f"\nspeed = {config.speed:g}"
    if config.operator_url:
        parts.append(f'[operator]\nurl = "{config.operator_url}"')
    if config.max_out_s is not None:
        parts.append(f"[lots]\nmax_out_h = {config.max_out_s / HOUR_S!r}")
    if config.foil_batches:
        parts.append(foils_toml(config.foil_batches))
    for unit in config.units.values():
        table = [f"[units.{unit.name}]", f'kind = "{unit.kind}"', f'profile = "{unit.profile}"', f'url = "{unit.url}"']
        parts.append("\n".join([*table, *fitness_toml(unit.name, unit.fitness)]))
    return "\n\n".join([*parts, *service_toml(config.service)]) + "\n"

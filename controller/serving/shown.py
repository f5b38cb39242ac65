"""The configuration as the API shows it: everything of the line file; of secrets only that they are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from controller.config import LineConfig, UnitConfig
from controller.service_config import SERVICE_TABLES

HIDDEN = {f"{secret}_{where}": secret for secret in ("password", "client_secret") for where in ("file", "env")}
GIVEN = "given, and not shown"


def configuration(config: LineConfig) -> dict[str, Any]:
    """Plain values. Neither a secret nor where it is kept is among them."""
    tables = {name: getattr(config.service, name) for name in SERVICE_TABLES}
    return {
        "line": {
            "name": config.name,
            "speed": config.speed,
            "is_simulated": config.operator_url is not None,
            "max_out_s": config.max_out_s,
            "foil_batches": dict(config.foil_batches),
        },
        "units": {unit.name: _unit(unit) for unit in config.units.values()},
        **{name: _plain(asdict(table)) for name, table in tables.items() if table is not None},
    }


def _unit(unit: UnitConfig) -> dict[str, Any]:
    fitness = _plain(asdict(unit.fitness))
    return {
        "kind": unit.kind,
        "profile": Path(unit.profile).name,
        "url": _without_password(unit.url),
        "fitness": fitness,
    }


def _without_password(url: str) -> str:
    """Nobody has to write one there; somebody may have."""
    parts = urlsplit(url)
    return url if parts.password is None else urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        shown = {str(name): _plain(one) for name, one in value.items() if name not in HIDDEN}
        given = {HIDDEN[name] for name, one in value.items() if name in HIDDEN and one is not None}
        return shown | dict.fromkeys(sorted(given), GIVEN)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value

"""The configuration as the API shows it: everything of the line file but secrets, which are not in it anyway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from controller.config import LineConfig
from controller.service_config import SERVICE_TABLES


def configuration(config: LineConfig) -> dict[str, Any]:
    """Plain values. Where a secret is kept is not said either."""
    tables = {name: getattr(config.service, name) for name in SERVICE_TABLES}
    return {
        "line": {"name": config.name, "speed": config.speed, "is_simulated": config.operator_url is not None},
        "units": {
            unit.name: {"kind": unit.kind, "profile": Path(unit.profile).name, "url": unit.url}
            for unit in config.units.values()
        },
        **{name: _plain(asdict(table)) for name, table in tables.items() if table is not None},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        hidden = ("password_file", "password_env", "client_secret_file", "client_secret_env")
        return {name: _plain(one) for name, one in value.items() if name not in hidden}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value

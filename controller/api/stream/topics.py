"""The line as topics: what its views say, without what changes merely because time passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from controller.service.service import LineService
from controller.service.views import RunView, UnitView

PASSING = frozenset({"age_s", "waiting_s", "raised_s_ago", "hidden_for_s", "utc"})
"""Fields that change with time alone; a client reckons them from when it was told of the rest."""


def topics_of(line: LineService) -> dict[str, dict[str, Any]]:
    """Everything that is streamed."""
    overview = fields_of(line.overview())
    for listed in ("units", "runs"):  # topics of their own
        del overview[listed]
    topics = {"line": overview}
    for unit in line.units():
        topics[f"units/{unit.name}"], topics[f"values/{unit.name}"] = _unit(unit)
    topics |= {f"runs/{run.name}": _run(run) for run in line.runs()}
    topics |= {f"prompts/{prompt.id}": fields_of(prompt) for prompt in line.prompts()}
    topics |= {
        f"alarms/{alarm.key}": fields_of(alarm) for hidden in (False, True) for alarm in line.alarm_list(hidden=hidden)
    }
    return topics


def _unit(unit: UnitView) -> tuple[dict[str, Any], dict[str, Any]]:
    told = fields_of(unit)
    del told["values"]
    values = {value.name: [value.value, value.unit, value.quality] for value in unit.values}
    return told, values


def _run(run: RunView) -> dict[str, Any]:
    """Times of a run in whole seconds: nobody reads more, and ten times a second would be ten times the traffic."""
    told = fields_of(run)
    for name in ("elapsed_s", "left_s"):
        told[name] = None if told[name] is None else round(told[name])
    told["progress_pct"] = round(told["progress_pct"], 1)
    return told


def fields_of(view: Any) -> dict[str, Any]:
    """A view as plain values."""
    return {item.name: _plain(getattr(view, item.name)) for item in fields(view) if item.name not in PASSING}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return fields_of(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value

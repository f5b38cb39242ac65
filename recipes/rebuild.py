"""A control recipe read back: the plan that a run was started with, from its own canonical text.

A run that is continued after its controller died is continued with the plan that was approved, whatever became of the
recipe file and of the line file since. What a person reads before a start (findings, predictions, margins) is left out.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from recipes.canonical import digest
from recipes.findings import RecipeErrors
from recipes.model import Location, Recipe
from recipes.plan import FORMAT, Plan, PlannedStep, control_recipe
from recipes.predict import duration_s
from recipes.rules.rulebook import rulebook

Orders = Mapping[str, Sequence[str]]


class CannotRebuild(Exception):
    """A control recipe cannot be read back as the same plan; the message says why. Not retryable with this program."""


def mapping_orders(plan: Plan) -> dict[str, list[str]]:
    """The order of each of the recipe's mappings that is not alphabetic, by its path; the canonical text sorts them.

    A laminate's layers have an order that the estimate of their porosities follows.
    """
    found: dict[str, list[str]] = {}
    _orders(plan.recipe, "recipe", found)
    for number, step in enumerate(plan.steps):
        _orders(step, f"steps.{number}", found)
    return found


def rebuilt(text: str, sha256: str, orders: Orders, file: Path) -> Plan:
    """The plan of a canonical text; `file` is where the recipe stood, beside which its own rule packs are looked for.

    Raises CannotRebuild when the text is of another format, is no control recipe, or does not give the same hash again:
    a rule pack has changed, or this program reads recipes differently.
    """
    place = Location(file, 1, 1)
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise CannotRebuild(f"it is a {data['format']!r}, this program knows {FORMAT!r}")
        steps = tuple(
            _value(PlannedStep, {"predicted_s": 0.0, **step}, f"steps.{number}", orders, place)
            for number, step in enumerate(data["steps"])
        )
        recipe: Recipe = _value(
            Recipe, {**data["recipe"], "steps": [s["step"] for s in data["steps"]]}, "recipe", orders, place
        )
        rules = rulebook(recipe)
    except (KeyError, TypeError, ValueError) as error:
        raise CannotRebuild(f"it cannot be read ({type(error).__name__}: {error})") from error
    except RecipeErrors as error:
        raise CannotRebuild("; ".join(finding.message for finding in error.findings)) from error
    again = control_recipe(recipe, rules, steps)
    if digest(again) != sha256:
        changed = [
            f"rule pack {pack.name} is not what it was"
            for pack in rules.packs
            if data["packs"].get(pack.name) != pack.sha256
        ]
        raise CannotRebuild("; ".join(changed) or f"it gives the hash {digest(again)[:12]}, not {sha256[:12]}")
    timed = tuple(_timed(step) for step in steps)
    return Plan(recipe, rules, timed, {}, (), sha256, again)


def _timed(planned: PlannedStep) -> PlannedStep:
    return replace(planned, predicted_s=duration_s(planned.step))


# ---------------------------------------------------------------------- values


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(kind: Any, data: Any, path: str, orders: Orders, place: Location) -> Any:
    """`data` as a value of the annotated kind. Raises TypeError or ValueError where it is none."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), data, path, orders, place)
    if origin is tuple:
        return _tuple(get_args(kind), data, path, orders, place)
    if origin is not None and issubclass(origin, Mapping):
        names = orders.get(path, sorted(data))
        return {name: _value(get_args(kind)[1], data[name], f"{path}.{name}", orders, place) for name in names}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if is_dataclass(kind):
        return _instance(kind, data, path, orders, place)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return data  # 5 stays 5, so that it is written as it was
    if not isinstance(data, kind):
        raise TypeError(f"{path} is {data!r}, expected {kind.__name__}")
    return data


def _one_of(kinds: tuple[Any, ...], data: Any, path: str, orders: Orders, place: Location) -> Any:
    if data is None and type(None) in kinds:
        return None
    errors = []
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return _value(kind, data, path, orders, place)
        except (TypeError, ValueError) as error:
            errors.append(str(error))
    raise TypeError("; ".join(errors))


def _tuple(kinds: tuple[Any, ...], data: Any, path: str, orders: Orders, place: Location) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise TypeError(f"{path} is {data!r}, expected a list")
    each = [kinds[0]] * len(data) if len(kinds) == 2 and kinds[1] is Ellipsis else list(kinds)
    pairs = zip(each, data, strict=True)
    return tuple(_value(kind, item, f"{path}.{n}", orders, place) for n, (kind, item) in enumerate(pairs))


def _instance(kind: Any, data: Any, path: str, orders: Orders, place: Location) -> Any:
    if not isinstance(data, dict):
        raise TypeError(f"{path} is {data!r}, expected a mapping")
    known = {item.name: item for item in fields(kind)}
    if unknown := sorted(data.keys() - known.keys()):
        raise ValueError(f"{path} has the unknown {', '.join(unknown)}")
    values: dict[str, Any] = {}
    for name, item in known.items():
        if name == "location":
            values[name] = place
        elif name in data:
            values[name] = _value(_hints(kind)[name], data[name], f"{path}.{name}", orders, place)
        elif item.default is MISSING and item.default_factory is MISSING:
            raise ValueError(f"{path} has no {name}")
    return kind(**values)


def _orders(value: Any, path: str, found: dict[str, list[str]]) -> None:
    if is_dataclass(value):
        for item in fields(value):
            if item.name not in ("location", "locations"):
                _orders(getattr(value, item.name), f"{path}.{item.name}", found)
    elif isinstance(value, Mapping):
        if list(value) != sorted(value):
            found[path] = list(value)
        for name, item in value.items():
            _orders(item, f"{path}.{name}", found)
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            _orders(item, f"{path}.{number}", found)

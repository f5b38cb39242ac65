"""Where two control recipes differ, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def differences(approved: str, here: str) -> list[str]:
    """Each value that differs between two plans' canonical texts, with its path; steps are called by their names."""
    one, other = dict(_values(json.loads(approved), "")), dict(_values(json.loads(here), ""))
    paths = [*one, *(path for path in other if path not in one)]
    return [
        f"{path}: approved {_shown(one, path)}, here {_shown(other, path)}"
        for path in paths
        if _shown(one, path) != _shown(other, path)
    ]


def _shown(values: dict[str, Any], path: str) -> str:
    return json.dumps(values[path], ensure_ascii=False) if path in values else "nothing"


def _values(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every single value with its path; an empty list or mapping is a value."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _values(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _values(item, f"{path}[{_name(item, index)}]")
    else:
        yield path, value


def _name(item: Any, index: int) -> str:
    """A step's or a component's own name, or its place counted from 1."""
    if isinstance(item, dict):
        inner = item["step"] if isinstance(item.get("step"), dict) else item
        if isinstance(name := inner.get("name"), str):
            return name
    return str(index + 1)

"""The tables of a line file that say how the line is served, as the reference shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from controller.line_keys import Key, Table, keys_of
from controller.service_config import SERVICE_TABLES

BEGIN = "<!-- made by `pressline schema --line --page` from controller/service_config.py -->"
END = "<!-- end -->"


def service_page() -> str:
    """One table of Markdown a table of the file, between the marks that the page of the reference has."""
    parts = [part for name, table in SERVICE_TABLES.items() for part in _tables(name, table)]
    return "\n\n".join([BEGIN, *parts, END]) + "\n"


def _tables(name: str, table: type[Table]) -> Iterator[str]:
    about = (table.__doc__ or "").strip().partition(": ")[2]
    rows = ["| key | meaning | expected | if it is not there |", "|---|---|---|---|"]
    below = []
    for word, (found, default) in keys_of(table).items():
        if isinstance(found.kind, type):
            below.append((f"{name}.{word}", found.kind))
        else:
            live = " *" if found.live or table.LIVE else ""
            rows.append(
                f"| `{name}.{word}`{live} | {found.meaning} | {found.kind.expected} | {_absent(found, default)} |"
            )
    yield f"### [{name}]\n{about[0].upper()}{about[1:]}\n\n" + "\n".join(rows)
    for inner, kind in below:
        yield from _tables(inner, kind)


def _absent(found: Key, default: Any) -> str:
    if default is MISSING:
        return "a fault"
    if found.absent:
        return found.absent
    if isinstance(default, bool):
        return str(default).lower()
    return "none" if default is None else f"`{default}`" if isinstance(default, str | Path) else str(default)

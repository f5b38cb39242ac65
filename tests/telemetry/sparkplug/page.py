"""The tables of docs/reference/sparkplug.md, from the catalogue and from `assertions.csv`.

`python -m tests.telemetry.sparkplug.page` writes them anew.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from controller.telemetry.sparkplug.catalogue import NODE, UNIT, Definition, unit_metrics
from controller.telemetry.sparkplug.datatypes import DataType
from drivers.profile_file import load_profile

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "sparkplug.md"
TABLE = Path(__file__).with_name("assertions.csv")
ASSERTIONS = 299  # in the text of Sparkplug 3.0.0
CONTROLS = (
    ("line", Definition("bdSeq", DataType.INT64, "number of the connection, the same in its death")),
    ("line", Definition("Node Control/Rebirth", DataType.BOOLEAN, "false; written true it asks for births")),
    ("unit", Definition("Device Control/Rebirth", DataType.BOOLEAN, "false; written true it asks for its birth")),
)


@dataclass(frozen=True)
class Assertion:
    """One id of the specification, the tests that fail without it, and why there is none or what is to be known."""

    id: str
    tests: tuple[str, ...]
    note: str


def assertions() -> list[Assertion]:
    """All rows of the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [Assertion(row["id"], tuple(row["tests"].split()), row["note"]) for row in csv.DictReader(file)]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def metrics_table() -> str:
    """What a line and its units publish; the process values of one press as an example."""
    press = [one for one in unit_metrics(load_profile("uniaxial-press-generic")) if one.name.startswith("Process/")]
    unit = [one for one in unit_metrics(load_profile("uniaxial-press-generic")) if one not in press and one not in UNIT]
    named = [*CONTROLS, *(("line", one) for one in NODE), *(("unit", one) for one in (*unit, *UNIT))]
    lines = [_row("of the", "name", "datatype", "what it says"), _row("---", "---", "---", "---")]
    lines += [_row(owner, f"`{one.name}`", _type(one), one.meaning) for owner, one in named]
    lines.append(
        _row("unit", "`Process/SIGNAL`", "as below", "every signal of its profile that is polled, but its heartbeat")
    )
    lines += [
        "",
        "A signal with an enumeration is a String, one that is scaled a Double, any other what it is in the machine.",
    ]
    lines += ["As an example, the signals of a `uniaxial-press-generic`:", ""]
    lines += [_row("name", "datatype", "unit", "range", "what it says"), _row(*["---"] * 5)]
    lines += [_row(f"`{one.name}`", _type(one), one.unit, _range(one), one.meaning) for one in press]
    return "\n".join(lines)


def _type(one: Definition) -> str:
    return {"UINT16": "UInt16", "UINT32": "UInt32", "UINT64": "UInt64", "INT64": "Int64"}.get(
        one.datatype.name, one.datatype.name.title()
    )


def _range(one: Definition) -> str:
    return "" if one.range is None else f"{one.range[0]:g} to {one.range[1]:g}"


def assertions_table(rows: Iterable[Assertion]) -> str:
    """Those with tests one a line, then the others by their reason."""
    listed = list(rows)
    lines = [_row("assertion `tck-id-`", "tests", "to be known"), _row("---", "---", "---")]
    lines += [_row(f"`{one.id}`", "<br>".join(one.tests), one.note) for one in listed if one.tests]
    lines += ["", "No test, because the assertion is", ""]
    for reason in dict.fromkeys(one.note for one in listed if not one.tests):
        ids = [f"`{one.id}`" for one in listed if not one.tests and one.note == reason]
        lines.append(f"- **{reason}** ({len(ids)}): {', '.join(ids)}")
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with its tables made anew."""
    for name, table in (("metrics", metrics_table()), ("assertions", assertions_table(assertions()))):
        pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = pattern.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)  # type: ignore[misc]  # bound at once
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

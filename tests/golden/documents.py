"""Register documents as tables: the rows under every heading, by the names of their columns."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "reference" / "machines"
Row = dict[str, str]
Rows = list[Row]


def text_of(document: str) -> str:
    """The whole document, its lines joined."""
    return " ".join((FOLDER / f"{document}.md").read_text(encoding="utf-8").split())


def tables(document: str) -> dict[str, Rows]:
    """The table under each heading that has one."""
    found: dict[str, Rows] = {}
    heading, columns = "", list[str]()
    for line in (FOLDER / f"{document}.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading, columns = line.lstrip("# "), []
        if not line.startswith("|"):
            columns = []
            continue
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if not columns:
            columns = cells
            found.setdefault(heading, [])
        elif not set(cells[0]) <= {"-", ":"} or not cells[0]:
            found[heading].append(dict(zip(columns, cells, strict=True)))
    return found


def limits(text: str) -> tuple[float, float] | None:
    """The two numbers of "low to high", None for an empty cell."""
    low, _, high = text.partition(" to ")
    return (float(low), float(high)) if high else None


def number(text: str) -> int:
    """A decimal number, or a hexadecimal one that begins with 0x."""
    return int(text, 0)

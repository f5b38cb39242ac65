"""The reference page says of marks and columns what the code says."""

from __future__ import annotations

from pathlib import Path

from controller.historian import MarkKind
from controller.historian.sealing import COLUMNS

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "historian.md").read_text(encoding="utf-8")


def test_every_mark_and_every_column_is_there() -> None:
    for kind in MarkKind:
        assert f"| {kind.value} |" in PAGE
    for name, words in COLUMNS.items():
        [line] = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
        assert line.endswith(f"| {words} |")

"""Recipe files for tests: the library's, and quick variants of Example 1 that are made from it by replacing texts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from controller.cli import recipes
from recipes.plan import Plan

LIBRARY = Path(__file__).parents[2] / "recipes" / "library"
EXAMPLE = LIBRARY / "honda-example-1.yaml"
ALL = sorted(LIBRARY.glob("honda-*.yaml"))


def planned(file: Path, line: Path | None = None) -> Plan:
    """The plan of a recipe file, made once for the same text; reading and planning take a tenth of a dry run."""
    return recipes.planned(file, line) if line is not None else _planned(file, file.read_bytes())


@cache
def _planned(file: Path, _: bytes) -> Plan:
    return recipes.planned(file, None)


def variant(target: Path, *replacements: tuple[str, str], source: Path = EXAMPLE) -> Path:
    """A copy of a recipe with texts replaced; each text must be there."""
    text = source.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    target.write_text(text, encoding="utf-8")
    return target


def quick(target: Path) -> Path:
    """Example 1 with short coatings and a short soak: some 16 minutes until the isostatic press is at pressure."""
    return variant(
        target,
        ("web_speed: 0.8 m/min", "web_speed: 4 m/min"),
        ("length: 0.4 m", "length: 0.1 m"),
        ("residual_solvent_max: 2 %", "residual_solvent_max: 99 %"),
        ("soak: 3 min", "soak: 5 s"),
        ("dwell: 3 min", "dwell: 60 s"),
        ("dwell: 5 min", "dwell: 60 s"),
    )

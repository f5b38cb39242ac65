"""What the tests of rule packs share: the shipped packs, and packs written for a test."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from recipes.findings import RecipeErrors
from recipes.rules.files import TextFile
from recipes.rules.pack import COLUMNS, load_pack, read_pack, shipped_packs
from recipes.rules.rows import read_rules

ROOT = Path(__file__).parents[2]
PACKS = ROOT / "recipes" / "rules" / "packs"
SHIPPED = {name: load_pack(name) for name in shipped_packs()}
RULES = {rule.id: rule for pack in SHIPPED.values() for rule in pack}
HEADER = ",".join(COLUMNS)
DESCRIPTION = "document: doc\ntitle: a title\n"


def written(directory: Path, rows: str, description: str | None = DESCRIPTION, name: str = "site") -> Path:
    """A pack's two files; `rows` without the header."""
    file = directory / f"{name}.csv"
    file.write_text(f"{HEADER}\n{rows}\n", encoding="utf-8")
    if description is not None:
        (directory / f"{name}.yaml").write_text(description, encoding="utf-8")
    return file


def row(**cells: str) -> str:
    """One row that is right but for the cells given."""
    right = {
        "id": "X1",
        "ref": "claim 1",
        "severity": "claim",
        "stage": "design",
        "evidence": "declared;lab",
        "relation": "range",
        "subject": "thing",
        "quantity": "size",
        "unit": "um",
        "upper": "5",
    }
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerow(right | cells)
    return text.getvalue().removesuffix("\n")


def mistakes(file: Path) -> list[str]:
    """What reading a pack tells, without the directory; none if it can be read."""
    try:
        read_pack(file)
    except RecipeErrors as errors:
        return [str(finding).replace(f"{file.parent}/", "") for finding in errors.findings]
    return []


def told_of(text: str) -> list[str]:
    """The mistakes of a CSV text; none if it can be read."""
    try:
        read_rules(TextFile(Path("site.csv"), b"", text), "doc")
    except RecipeErrors as errors:
        return [str(finding) for finding in errors.findings]
    return []

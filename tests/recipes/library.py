"""What the tests of recipes share: the shipped recipes, edited copies of them, and a line that can run them."""

from __future__ import annotations

from pathlib import Path

from recipes.load import RecipeErrors, load_recipe
from recipes.model import Recipe, Window
from recipes.plan import Plan, Refused, UnitCapability, make_plan

LIBRARY = Path(__file__).parents[2] / "recipes" / "library"
EXAMPLES = ("honda-example-1", "honda-example-2", "honda-example-3")
COMPARATIVES = ("honda-comparative-1", "honda-comparative-2", "honda-comparative-3")
LINE = (
    UnitCapability("uniaxial-press-1", "uniaxial_press", 600.0, temperature_c=Window(20.0, 250.0), max_ramp=80.0),
    UnitCapability(
        "isostatic-press-1",
        "isostatic_press",
        max_pressure_mpa=1100.0,
        temperature_c=Window(20.0, 200.0),
        max_ramp=10.0,
    ),
    UnitCapability(
        "coater-1",
        "coater",
        temperature_c=Window(20.0, 150.0),
        max_gap_um=1000.0,
        web_speed_m_min=Window(0.1, 10.0),
    ),
    UnitCapability("thickness-gauge-1", "gauge"),
    UnitCapability("balance-1", "balance"),
)


def shipped(name: str) -> Recipe:
    return load_recipe(LIBRARY / f"{name}.yaml")


def edited(directory: Path, *changes: tuple[str, str], name: str = "honda-example-1") -> Path:
    """A copy of a shipped recipe with texts replaced where they first occur; each of them must be there."""
    text = (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    file = directory / "edited.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def line_of(file: Path, text: str) -> int:
    """Number of the first line that holds a text."""
    return next(n for n, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if text in line)


def errors_of(file: Path) -> list[str]:
    """The messages that loading a file gives, without the file's directory."""
    try:
        load_recipe(file)
    except RecipeErrors as errors:
        return [str(finding).replace(f"{file.parent}/", "") for finding in errors.findings]
    return []


def refusals_of(file: Path, units: tuple[UnitCapability, ...] = LINE) -> list[str]:
    """The messages that refuse a recipe on a line, without the file's directory; empty if it is planned."""
    try:
        make_plan(load_recipe(file), units)
    except Refused as refused:
        return [str(f).replace(f"{file.parent}/", "") for f in refused.findings if f.level == "refused"]
    return []


def planned(name: str) -> Plan:
    return make_plan(shipped(name), LINE)

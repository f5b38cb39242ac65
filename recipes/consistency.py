"""Where a recipe's own numbers do not fit each other: told as advice, never repaired and never a reason to refuse.

Sources contradict themselves, and a recipe that follows its source has to keep both numbers; a person should know.
"""

from __future__ import annotations

from collections.abc import Iterator

from recipes.findings import Finding
from recipes.model import Coat, Layer, Recipe, RollPress, Step

THICKNESS_TOLERANCE = 0.05
"""Relative; a quoted thickness has one or two digits, and weights and densities some percent each (judgement)."""
RESIDENCE_TOLERANCE = 0.02
"""Relative; web speed and zone length are set values, a minute's rounding is less (judgement)."""


def consistency_findings(recipe: Recipe) -> Iterator[Finding]:
    """What does not close: mass, thickness, density and porosity of layers; residence, speed and length of zones."""
    for name, layer in recipe.laminate.layers.items():
        yield from _closes(recipe, name, layer)
    for step in recipe.steps:
        if step.coat is not None:
            yield from _zones(step, step.coat)
            yield from _coated(recipe, step, step.coat)
        if step.roll_press is not None:
            yield from _rolled(recipe, step, step.roll_press)


def _closes(recipe: Recipe, name: str, layer: Layer) -> Iterator[Finding]:
    quoted = layer.quoted_thickness_um
    if quoted is None or abs(layer.coated_thickness_um / quoted - 1.0) <= THICKNESS_TOLERANCE:
        return
    porosity = 100.0 * (1.0 - layer.solid_height_um / quoted)
    means = f"a porosity of {porosity:.1f} %" if porosity > 0.0 else "less than its solid alone"
    words = (
        f"{name} does not close: {layer.coating_weight_mg_cm2:g} mg/cm2 at {layer.porosity_pct:g} % and"
        f" {layer.true_density_g_cm3:g} g/cm3 is {layer.coated_thickness_um:.3g} um, and {quoted:g} um is quoted, which"
        f" would be {means}; the quoted thickness is not used"
    )
    yield _finding(recipe, f"laminate.layers.{name}.quoted_thickness", words)


def _zones(step: Step, coat: Coat) -> Iterator[Finding]:
    if coat.zone_residence_s is None:
        return
    lengths = [coat.web_speed_m_min * time / 60.0 for time in coat.zone_residence_s]
    if coat.zone_length_m is None:
        return
    for number, (length, time) in enumerate(zip(lengths, coat.zone_residence_s, strict=True), start=1):
        if abs(length / coat.zone_length_m - 1.0) > RESIDENCE_TOLERANCE:
            stay = 60.0 * coat.zone_length_m / coat.web_speed_m_min
            words = (
                f"{step.name}: zone {number} of {coat.zone_length_m:g} m at {coat.web_speed_m_min:g} m/min"
                f" holds the web for {stay:.3g} s, and {time:g} s are given, which would be a zone of {length:.3g} m"
            )
            yield _at(step, "coat.zone_residence", words)


def _coated(recipe: Recipe, step: Step, coat: Coat) -> Iterator[Finding]:
    layer = recipe.laminate.layers[coat.layer]
    wanted = coat.thickness_um
    if wanted is not None and abs(layer.coated_thickness_um / wanted - 1.0) > THICKNESS_TOLERANCE:
        words = (
            f"{step.name}: the layer's weight, density and porosity give {layer.coated_thickness_um:.3g} um, and"
            f" {wanted:g} um are wanted"
        )
        yield _at(step, "coat.thickness", words)


def _rolled(recipe: Recipe, step: Step, roll: RollPress) -> Iterator[Finding]:
    """A layer cannot be pressed denser than its solid, nor to less than it was coated."""
    made = {other.produces: other.coat.layer for other in recipe.steps if other.coat is not None}
    name = made.get(step.consumes[0]) if step.consumes else None
    if name is None:
        return
    layer, density = recipe.laminate.layers[name], roll.layer_density_g_cm3
    coated = layer.true_density_g_cm3 * (1.0 - layer.porosity_pct / 100.0)
    if density >= layer.true_density_g_cm3:
        words = f"{step.name}: {density:g} g/cm3 is more than the solid's {layer.true_density_g_cm3:g} g/cm3"
        yield _at(step, "roll_press.layer_density", words)
    elif density < coated:
        words = f"{step.name}: {density:g} g/cm3 is less than the {coated:.3g} g/cm3 that {name} is coated with"
        yield _at(step, "roll_press.layer_density", words)


def _at(step: Step, key: str, words: str) -> Finding:
    return Finding("consistency", words, step.locations.get(key, step.location))


def _finding(recipe: Recipe, key: str, words: str) -> Finding:
    return Finding("consistency", words, recipe.locations.get(key, recipe.location))

"""Samples by the compaction law alone, all at once: what pressing does, without machines, people and measurements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from controller.sweep.sample import DONE, Row
from controller.sweep.varying import Variable, VaryError
from recipes.declared import layer_subject
from recipes.materials.library import LayerMaterial
from recipes.materials.procedure import Procedure, Varied, drawn_parameters, procedure
from recipes.materials.vectorised import compact, decrease_pct
from recipes.model import Recipe
from recipes.rules.rule import Relation, Rule

Array = NDArray[np.float64]
MATERIALS = {"nominal": "honda", "exact-table": "honda-exact-table", "realistic": "honda"}
"""The material file of each scenario in which the machines are as they should be."""
DRAWN = "realistic"
_PRESS = {
    "pressure": "pressure_mpa",
    "temperature": "temperature_c",
    "dwell": "dwell_s",
    "ramp": "ramp_mpa_s",
    "release": "release_mpa_s",
    "soak": "soak_s",
}
_LEAST, _MOST = 1e-3, 0.99  # of an initial porosity, 0..1; what is drawn beyond counts as these


def can_be_estimated(recipe: Recipe, materials: Mapping[str, LayerMaterial], variables: Sequence[Variable]) -> None:
    """:raises VaryError: if nothing is pressed that has a law, or with every variable that no law asks for."""
    if not any(step.press is not None for step in recipe.steps) or not set(materials) & set(recipe.laminate.layers):
        raise VaryError(f"--estimate: {recipe.name} presses no layer that has a compaction law; leave --estimate out")
    faults = [
        f"--vary {v.asked}: the laws follow pressings and initial porosities only ({', '.join(_PRESS)} of a pressing"
        f" step, porosity of {' or '.join(materials)}); leave --estimate out"
        for v in variables
        if _press_field(v) is None and _layer(v) not in materials
    ]
    if faults:
        raise VaryError("\n".join(faults))


def estimated_rows(
    recipe: Recipe,
    materials: Mapping[str, LayerMaterial],
    variables: Sequence[Variable],
    samples: Sequence[Mapping[str, float]],
    *,
    scenario: str,
    seed: int,
    rules: Sequence[Rule],
) -> list[Row]:
    """A row for each sample: porosities and rates of decrease by the law, and the verdicts of the rules on these.

    In the realistic scenario each laminate has its own parameters, drawn evenly from the materials' intervals, and an
    initial porosity drawn with the recipe's uncertainty of it; otherwise all have the materials'.
    """
    count = len(samples)
    made = procedure(
        recipe, materials, _varied(recipe, materials, variables, samples, exact=scenario != DRAWN, seed=seed)
    )
    porosities = compact(made.layers, made.pressings)
    outcomes = {name: np.broadcast_to(values, (count,)) for name, values in _outcomes(recipe, made, porosities).items()}
    columns = {name: values.tolist() for name, values in outcomes.items()}
    columns |= {f"rule.{rule.id}": words for rule, words in _verdicts(recipe, made, outcomes, rules)}
    names = list(columns)
    return [
        {"sample": number, "seed": seed, **values, "status": DONE, **dict(zip(names, cells, strict=True))}
        for number, (values, cells) in enumerate(zip(samples, zip(*columns.values(), strict=True), strict=True))
    ]


def _varied(
    recipe: Recipe,
    materials: Mapping[str, LayerMaterial],
    variables: Sequence[Variable],
    samples: Sequence[Mapping[str, float]],
    *,
    exact: bool,
    seed: int,
) -> Varied:
    count = len(samples)
    presses: dict[str, dict[str, float | Array]] = {}
    initial: dict[str, float | Array] = {}
    for variable in variables:
        values = np.array([sample[variable.column] for sample in samples])
        if (name := _press_field(variable)) is not None:
            presses.setdefault(variable.place.step, {})[name] = values
        elif (varied_layer := _layer(variable)) is not None:
            initial[varied_layer] = values / 100.0
    if exact:
        return Varied(presses, initial)
    generator = np.random.default_rng((seed, 1))  # apart from the generator of the samples
    known = {name: layer for name, layer in recipe.laminate.layers.items() if name in materials}
    for name, layer in known.items():
        off = generator.normal(0.0, layer.porosity_uncertainty_pct / 100.0, count)
        drawn: Array = off + initial.get(name, layer.porosity_pct / 100.0)
        initial[name] = np.clip(drawn, _LEAST, _MOST)
    parameters = drawn_parameters({name: materials[name] for name in known}, count, generator)
    return Varied(presses, initial, parameters)


def _outcomes(recipe: Recipe, made: Procedure, porosities: Mapping[str, Array]) -> dict[str, Array]:
    roles = {step.name: step.role or step.name for step in recipe.steps}
    found = {f"law.{layer}.porosity_pct": 100.0 * values[:, -1] for layer, values in porosities.items()}
    rates = {layer: decrease_pct(values) for layer, values in porosities.items()}
    for number, step in enumerate(made.steps):
        for layer in made.layers:
            if layer in made.pressings[number].layers:
                found[f"law.{roles[step]}.{layer}.decrease_pct"] = rates[layer][:, number]
                found[f"law.after_{roles[step]}.{layer}.porosity_pct"] = 100.0 * porosities[layer][:, number + 1]
    return found


def _verdicts(
    recipe: Recipe, made: Procedure, outcomes: Mapping[str, Array], rules: Sequence[Rule]
) -> Iterator[tuple[Rule, list[str]]]:
    """Rules that give a range for a porosity or a rate of decrease, on the value as simple acceptance judges it."""
    roles = [step.role for step in recipe.steps if step.role is not None]
    where = {}
    for layer in made.layers:
        subject = layer_subject(layer)
        where[(f"{subject}@laminate", "porosity")] = f"law.{layer}.porosity_pct"
        for role in roles:
            where[(f"{subject}@after_{role}", "porosity")] = f"law.after_{role}.{layer}.porosity_pct"
            where[(f"{subject}@{role}", "porosity_decrease_rate")] = f"law.{role}.{layer}.decrease_pct"
    for rule in rules:
        values = outcomes.get(where.get((rule.subject, rule.quantity), ""))
        if values is None or rule.relation is not Relation.RANGE or rule.unit != "%":
            continue
        yield rule, np.where(_holds(rule, values), "pass", "fail").tolist()


def _holds(rule: Rule, values: Array) -> NDArray[np.bool_]:
    judged = values if rule.resolution is None else np.round(values / rule.resolution) * rule.resolution
    holds = np.ones(len(values), dtype=bool)
    if rule.lower is not None:
        holds &= judged >= rule.lower if rule.lower_inclusive else judged > rule.lower
    if rule.upper is not None:
        holds &= judged <= rule.upper if rule.upper_inclusive else judged < rule.upper
    return holds


def _press_field(variable: Variable) -> str | None:
    head, _, key = variable.place.path.rpartition(".")
    return _PRESS.get(key) if head.endswith("].press") else None


def _layer(variable: Variable) -> str | None:
    parts = variable.place.path.split(".")
    return parts[2] if parts[:2] == ["laminate", "layers"] and parts[3:] == ["porosity"] else None

"""Random recipes on which the vectorised law and the executor's dry run must agree."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from controller.cli.recipes import capabilities
from controller.dryrun import dry_run
from controller.sweep.varying import VaryError, read_variables, rounded, varied_text
from recipes.load import library_recipes, load_recipe
from recipes.materials.library import load_materials
from recipes.materials.procedure import procedure
from recipes.materials.vectorised import compact, decrease_pct
from recipes.plan import Plan, Refused, UnitCapability, make_plan

AGREED_POINTS = 0.1
QUICK = {
    "web_speed: 0.8 m/min": "web_speed: 4 m/min",
    "length: 0.4 m": "length: 0.1 m",
    "residual_solvent_max: 2 %": "residual_solvent_max: 99 %",
}
"""The coatings short: they are no part of what is compared."""
MOST_DRAWS = 500
_MPA = {"join1": (50.0, 150.0), "join2": (150.0, 350.0), "densify": (700.0, 1090.0), "join3": (90.0, 250.0)}
_JOIN = {"temperature": "20..100 degC", "dwell": "1..600 s", "ramp": "2..30 MPa/s", "release": "2..30 MPa/s"}
_DENSIFY = {"temperature": "25..150 degC", "dwell": "1..600 s", "ramp": "1..10 MPa/s", "release": "1..10 MPa/s"}
_EVENLY = ("pressure", "temperature")
"""All others are drawn by their logarithm: a second is as likely as some minutes."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One recipe by both ways; apart is the largest difference of a porosity after a step, in points, at `where`."""

    seed: int
    recipe: str
    values: Mapping[str, float]
    apart: float
    where: str
    state: str


@cache
def _units() -> tuple[UnitCapability, ...]:
    return tuple(capabilities(None))


def random_plan(seed: int) -> tuple[Plan, Mapping[str, float]]:
    """A library recipe of the pressing source with other pressings, drawn until rules and line accept it."""
    chance = random.Random(f"laws {seed}")
    files = [file for file in library_recipes() if file.stem.startswith("honda-")]
    for _ in range(MOST_DRAWS):
        file = chance.choice(files)
        text, values = _drawn(file, chance)
        try:
            return make_plan(load_recipe(file, text.encode()), _units()), values
        except Refused:
            continue
    raise AssertionError(f"none of {MOST_DRAWS} random recipes is accepted")


def compared(seed: int) -> Compared:
    """The random recipe of a seed, dry run in the nominal world and by the vectorised law."""
    plan, values = random_plan(seed)
    record = dry_run(plan, scenario="nominal", seed=seed)
    recipe = plan.recipe
    made = procedure(recipe, load_materials())
    porosities = compact(made.layers, made.pressings)
    truth = {step["name"]: step["decrease_pct"] for step in record["truth"]["steps"]}
    apart, where = 0.0, "nowhere"
    for layer, law in porosities.items():
        true_pct = recipe.laminate.layers[layer].porosity_pct
        for number, step in enumerate(made.steps, start=1):
            true_pct *= 1.0 - truth.get(step, {}).get(layer, 0.0) / 100.0
            difference = abs(100.0 * float(law[0, number]) - true_pct)
            if not difference <= apart:
                apart, where = difference, f"{layer} after {step}"
        rates = decrease_pct(law)[0]
        missing = [step for step, rate in zip(made.steps, rates, strict=True) if rate > 0.0 and step not in truth]
        if missing:
            apart, where = math.inf, f"{layer}: {missing[0]} was not pressed"
    return Compared(seed, recipe.name, values, apart, where, record["state"])


def _drawn(file: Path, chance: random.Random) -> tuple[str, Mapping[str, float]]:
    text = file.read_text(encoding="utf-8")
    for old, new in QUICK.items():
        text = text.replace(old, new)
    asked = []
    for role, (low, high) in _MPA.items():
        asked.append(f"{role}.pressure={low:g}..{high:g} MPa")
        asked += [f"{role}.{key}={span}" for key, span in (_DENSIFY if role == "densify" else _JOIN).items()]
    asked.append("densify.soak=1..600 s")
    try:
        variables = read_variables(text, file, asked)
    except VaryError as error:
        raise AssertionError(str(error)) from error
    values = {}
    for variable in variables:
        even = variable.asked.rpartition(".")[2] in _EVENLY
        low, high = (variable.low, variable.high) if even else (math.log(variable.low), math.log(variable.high))
        value = chance.uniform(low, high)
        values[variable.column] = rounded(value if even else math.exp(value))
    return varied_text(text, variables, values), values

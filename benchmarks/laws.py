"""How many laminates a second the vectorised compaction law follows: `python benchmarks/laws.py`.

A laminate is the whole pressing procedure of Example 1: four pressings of three layers with rise, dwell and release,
every laminate with its own pressures, temperatures, dwells, initial porosities and parameters of the law. The time is
the CPU time of one process (a goal for one core), the best of several rounds, because the rest is what else the
computer did; `--wall` takes wall time. Beside it stands the same law one laminate and one moment at a time, in plain
Python. The exit code is 1 if the goal is not met.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from recipes.load import library_recipes, load_recipe
from recipes.materials.compaction import advance, porosity_fraction
from recipes.materials.course import Instants
from recipes.materials.library import load_materials
from recipes.materials.procedure import Procedure, Varied, drawn_parameters, procedure
from recipes.materials.vectorised import compact
from recipes.model import Recipe

GOAL = 50_000.0
PLAIN = 20
"""Laminates for the plain loop; it needs a millisecond for each."""


def varied(recipe: Recipe, count: int, generator: np.random.Generator) -> Procedure:
    """Laminates that differ in everything that the law asks for."""
    materials = load_materials()
    presses = {
        step.name: {
            "pressure_mpa": press.pressure_mpa * generator.uniform(0.9, 1.1, count),
            "temperature_c": press.temperature_c + generator.uniform(0.0, 20.0, count),
            "dwell_s": press.dwell_s * generator.uniform(0.1, 1.0, count),
        }
        for step in recipe.steps
        if (press := step.press) is not None
    }
    initial = {
        name: layer.porosity_pct / 100.0 + generator.normal(0.0, 0.01, count)
        for name, layer in recipe.laminate.layers.items()
    }
    return procedure(recipe, materials, Varied(presses, initial, drawn_parameters(materials, count, generator)))


def plain(made: Procedure) -> None:
    """The same pressings with `advance`, one laminate after the other, by the middles of the same instants."""
    parameters = {name: load_materials()[name].parameters for name in made.layers}
    for _ in range(PLAIN):
        for name in made.layers:
            done = 0.0
            for pressing in made.pressings:
                if name not in pressing.layers:
                    continue
                instants: Instants = pressing.course.instants(980.0, 120.0, 300.0, 5.0, 5.0, 180.0, 25.0, None)
                pressures, temperatures = instants.pressure_mpa, instants.temperature_c
                for number, seconds in enumerate(instants.seconds):
                    mpa = (float(pressures[number]) + float(pressures[number + 1])) / 2.0
                    celsius = (float(temperatures[number]) + float(temperatures[number + 1])) / 2.0
                    done = advance(done, mpa, celsius, float(seconds), parameters[name])
            porosity_fraction(0.4, done, parameters[name])


def fastest(work: Callable[[], object], rounds: int, clock: Callable[[], float]) -> float:
    """Seconds of the fastest round."""
    found = []
    for _ in range(rounds):
        began = clock()
        work()
        found.append(clock() - began)
    return min(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laminates", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wall", action="store_true", help="wall time instead of CPU time")
    arguments = parser.parse_args()
    clock = time.perf_counter if arguments.wall else time.process_time
    recipe = load_recipe(next(file for file in library_recipes() if file.stem == "honda-example-1"))
    made = varied(recipe, arguments.laminates, np.random.default_rng(1))
    seconds = fastest(lambda: compact(made.layers, made.pressings), arguments.rounds, clock)
    rate = arguments.laminates / seconds
    slow = PLAIN / fastest(lambda: plain(made), arguments.rounds, clock)
    verdict = "met" if rate >= GOAL else "MISSED"
    print(f"vectorised: {rate:,.0f} laminates/s of {len(made.pressings)} pressings; goal {GOAL:,.0f} {verdict}")
    print(f"plain Python, the same instants: {slow:,.0f} laminates/s, ratio {rate / slow:,.0f}")
    return 0 if rate >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())

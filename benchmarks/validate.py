"""How long the whole library and a recipe of 200 steps take to be read and planned: `python benchmarks/validate.py`.

Times are CPU times of one process after everything is imported and read once; the best of several rounds, because the
rest is what else the computer did (`--wall` shows wall times, which are the same on a computer that does nothing else).
The floor is what the YAML parser alone takes for the same bytes in the same run. The exit code is 1 if a goal is not
met.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from controller.cli.recipes import capabilities
from recipes.load import library_recipes, load_recipe
from recipes.lots import contents, ordered
from recipes.model import Recipe
from recipes.plan import UnitCapability, make_plan
from recipes.predict import predict
from recipes.rules.rulebook import rulebook

LIBRARY_GOAL_S = 1.0
LONG_GOAL_S = 0.2
LONG_STEPS = 200
BASE = "honda-example-1"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds for some files: the YAML parser alone, reading, planning, and two parts of planning."""

    files: int
    size: int
    floor_s: float
    load_s: float
    plan_s: float
    predict_s: float
    packs_s: float

    @property
    def total_s(self) -> float:
        return self.load_s + self.plan_s

    def words(self, name: str, goal_s: float) -> str:
        parts = f"load {self.load_s:.3f} s, plan {self.plan_s:.3f} s (of it predict {self.predict_s:.3f} s, "
        parts += f"rule packs {self.packs_s:.3f} s, rules and the rest {self._rest_s:.3f} s)"
        floor = f"floor {self.floor_s:.3f} s (yaml.compose), ratio {self.total_s / self.floor_s:.1f}"
        met = "met" if self.total_s < goal_s else "MISSED"
        head = f"{name}: {self.total_s:.3f} s for {self.files} files, {self.size / 1000:.0f} kB"
        return f"{head}; goal {goal_s:g} s {met}\n  {parts}\n  {floor}"

    @property
    def _rest_s(self) -> float:
        return max(0.0, self.plan_s - self.predict_s - self.packs_s)


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Measures by one clock, the fastest of several rounds."""

    rounds: int
    clock: Callable[[], float] = time.process_time

    def of(self, work: Callable[[], object]) -> float:
        """Seconds of the fastest round."""
        seconds = []
        for _ in range(self.rounds):
            began = self.clock()
            work()
            seconds.append(self.clock() - began)
        return min(seconds)


def measured(files: Sequence[Path], units: Sequence[UnitCapability], watch: Stopwatch) -> Times:
    """The times of some files that all can be planned."""
    texts = [file.read_bytes() for file in files]
    recipes = [load_recipe(file) for file in files]

    def predicted(recipe: Recipe) -> None:
        steps = ordered(recipe.steps)
        predict(recipe, steps, contents(recipe, steps))

    return Times(
        files=len(files),
        size=sum(len(text) for text in texts),
        floor_s=watch.of(lambda: [yaml.compose(text, Loader=yaml.CSafeLoader) for text in texts]),
        load_s=watch.of(lambda: [load_recipe(file) for file in files]),
        plan_s=watch.of(lambda: [make_plan(recipe, units) for recipe in recipes]),
        predict_s=watch.of(lambda: list(map(predicted, recipes))),
        packs_s=watch.of(lambda: [rulebook(recipe) for recipe in recipes]),
    )


def long_recipe(steps: int) -> str:
    """Example 1 with so many steps in all: its first assembly is pressed and looked at again and again."""
    file = next(file for file in library_recipes() if file.stem == BASE)
    text = file.read_text(encoding="utf-8")
    present = len(load_recipe(file).steps)
    begin, again = "  - name: stack intermediate\n", "consumes: [first assembly, intermediate sheet]"
    if begin not in text or again not in text:
        raise ValueError(f"{BASE} is not as this benchmark expects")
    added, lot = [], "first assembly"
    for number in range(1, (steps - present) // 2 + 1):
        added.append(_press_again(number, lot))
        lot = f"assembly {number}"
        added.append(f"  - name: inspect assembly {number}\n    inspect: {{lot: {lot}, measures: thickness}}\n\n")
    if present + len(added) < steps:
        added.append(f"  - name: look once more\n    inspect: {{lot: {lot}, measures: thickness}}\n\n")
    text = text.replace(again, f"consumes: [{lot}, intermediate sheet]")
    return text.replace(begin, "".join(added) + begin, 1)


def _press_again(number: int, lot: str) -> str:
    return f"""\
  - name: press again {number}
    press:
      method: uniaxial
      pressure: 80 MPa
      pressure_window: 78..82 MPa
      temperature: 25 degC
      temperature_window: 20..30 degC
      dwell: 1 min
      ramp: 10 MPa/s
      release: 10 MPa/s
      on_hold: keep
      hold_limit: 2 min
    consumes: {lot}
    produces: assembly {number}

"""


def many_inspections(steps: int) -> str:
    """Example 1 with so many steps in all: its laminate is looked at again and again."""
    file = next(file for file in library_recipes() if file.stem == BASE)
    count = steps - len(load_recipe(file).steps)
    look = "\n  - name: look again {}\n    inspect: {{lot: electrode laminate, measures: thickness}}\n"
    return file.read_text(encoding="utf-8") + "".join(look.format(number) for number in range(count))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measures reading and planning of recipes.")
    parser.add_argument("--rounds", type=int, default=5, help="the best of so many rounds counts")
    parser.add_argument("--steps", type=int, default=LONG_STEPS, help="steps of the long recipe")
    parser.add_argument("--wall", action="store_true", help="wall times instead of CPU times")
    options = parser.parse_args(arguments)
    watch = Stopwatch(options.rounds, time.perf_counter if options.wall else time.process_time)
    units = capabilities(None)
    library = measured(library_recipes(), units, watch)
    print(library.words("library", LIBRARY_GOAL_S))
    good = library.total_s < LIBRARY_GOAL_S
    for name, text in (
        (f"{options.steps} steps, many pressings", long_recipe(options.steps)),
        (f"{options.steps} steps, many inspections", many_inspections(options.steps)),
    ):
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "long.yaml"
            file.write_text(text, encoding="utf-8")
            if (count := len(load_recipe(file).steps)) != options.steps:
                raise ValueError(f"{name}: {count} steps")
            times = measured([file], units, watch)
        print(times.words(name, LONG_GOAL_S))
        good = good and times.total_s < LONG_GOAL_S
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

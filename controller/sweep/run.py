"""A sweep from its options to its results: what is asked, what is left to do, who does it, what is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from controller.sweep.cluster import run_on_cluster
from controller.sweep.estimate import MATERIALS, can_be_estimated, estimated_rows
from controller.sweep.local import run_locally
from controller.sweep.options import SweepOptions
from controller.sweep.results import Asked, Results
from controller.sweep.sample import BINDING, FAULT, Job, Row
from controller.sweep.sampling import METHOD, hypercube
from controller.sweep.summary import Summary, summarised
from controller.sweep.table import RESULTS, write_table
from controller.sweep.varying import Variable, VaryError, read_variables, varied_text
from recipes.capability import UnitCapability
from recipes.load import load_recipe
from recipes.materials.library import load_materials
from recipes.model import Recipe
from recipes.rules.rulebook import Rulebook, rulebook

Told = Callable[[Row], None]
SUMMARY = "summary.json"


@dataclass(frozen=True, slots=True)
class Sweep:
    """Everything that a sweep consists of, before the first sample. rules are those that the samples are judged by."""

    options: SweepOptions
    text: str
    recipe: Recipe
    variables: tuple[Variable, ...]
    samples: Sequence[Mapping[str, float]]
    rules: Rulebook
    packs: tuple[tuple[str, str], ...]
    units: tuple[UnitCapability, ...]

    @property
    def binding(self) -> frozenset[str]:
        """Ids of claims and required rules."""
        return frozenset(rule.id for rule in self.rules.rules if rule.severity.value in BINDING)

    @property
    def asked(self) -> Asked:
        """What makes this sweep the same as another one."""
        return Asked(
            recipe=self.recipe.name,
            recipe_sha256=hashlib.sha256(self.text.encode()).hexdigest(),
            packs=self.packs,
            vary=tuple(variable.written for variable in self.variables),
            samples=self.options.samples,
            seed=self.options.seed,
            scenario=self.options.scenario,
            sampling=METHOD,
            kind="laws only" if self.options.estimate else "dry runs",
            version=version("pressline"),
        )

    def jobs(self, without: Iterable[int]) -> Iterator[Job]:
        """The samples that are not done yet; each has a seed of its own, so that its laminate is another one."""
        done = set(without)
        for number, values in enumerate(self.samples):
            if number not in done:
                yield Job(
                    sample=number,
                    seed=self.options.seed + number,
                    values=values,
                    text=self.sample_text(number),
                    file=str(self.options.recipe),
                    scenario=self.options.scenario,
                    units=self.units,
                    packs=self.packs,
                )

    def sample_text(self, number: int) -> str:
        """The recipe of one sample, as a file would hold it."""
        return varied_text(self.text, self.variables, self.samples[number])


def prepared(options: SweepOptions, units: Sequence[UnitCapability]) -> Sweep:
    """Reads the recipe and draws the samples.

    Raises:
        RecipeErrors: the recipe, or a rule pack that it names, cannot be used. That the rules or the line refuse it
            does not matter: its samples may be better.
        VaryError: something cannot be varied, or not be estimated.
        OSError: the recipe was read and then was gone.
    """
    recipe = load_recipe(options.recipe)
    data = options.recipe.read_bytes()
    recipe = load_recipe(options.recipe, data)
    text = data.decode("utf-8-sig")
    variables = read_variables(text, options.recipe, options.vary)
    rules = rulebook(recipe)
    if options.estimate:
        if options.scenario not in MATERIALS:
            raise VaryError(f"--scenario {options.scenario}: with --estimate there are {', '.join(MATERIALS)}")
        can_be_estimated(recipe, load_materials(MATERIALS[options.scenario]), variables)
    return Sweep(
        options,
        text,
        recipe,
        variables,
        hypercube(variables, options.samples, options.seed),
        rules,
        tuple((pack.name, pack.sha256) for pack in rules.packs),
        tuple(units),
    )


def work(sweep: Sweep, results: Results, told: Told) -> None:
    """Does what is left of a sweep; every row is written down before it is told.

    Raises:
        ResultsRefused: a row cannot be written.
        ClusterUnreachable: the Dask scheduler cannot be reached or is lost; what is done is kept.
    """
    _forget_faults(results)
    if sweep.options.estimate:
        _estimate(sweep, results)
        return
    jobs = sweep.jobs(without=results.rows)
    scheduler = sweep.options.scheduler
    rows: Generator[Row] = (
        run_locally(jobs, sweep.options.jobs) if scheduler is None else run_on_cluster(jobs, scheduler)
    )
    with closing(rows):
        for row in rows:
            results.add(row)
            told(row)


def finish(sweep: Sweep, results: Results) -> Summary:
    """Writes the table and the summary of what is done so far. Raises OSError."""
    rows = [results.rows[number] for number in sorted(results.rows)]
    summary = summarised(rows, [variable.column for variable in sweep.variables], sweep.binding)
    about = {"pressline": json.dumps(asdict(sweep.asked))}
    write_table(results.folder / RESULTS, rows, about)
    draft = results.folder / f"{SUMMARY}.part"
    draft.write_text(json.dumps(summary_data(sweep, summary), indent=2) + "\n", encoding="utf-8")
    draft.replace(results.folder / SUMMARY)
    return summary


def summary_data(sweep: Sweep, summary: Summary) -> dict[str, Any]:
    """A summary as plain data."""
    return {
        "sweep": asdict(sweep.asked),
        "variables": [
            {"name": v.asked, "column": v.column, "unit": v.dimension.canonical, "low": v.low, "high": v.high}
            for v in sweep.variables
        ],
        "done": summary.samples,
        "statuses": dict(summary.statuses),
        "passed": summary.passed,
        "rules": [asdict(rule) for rule in summary.rules],
        "influences": [asdict(influence) for influence in summary.influences],
    }


def _forget_faults(results: Results) -> None:
    """Samples that a fault has cost are tried again: a full memory or another version may have been the reason."""
    for number in [number for number, row in results.rows.items() if row.get("status") == FAULT]:
        del results.rows[number]


def _estimate(sweep: Sweep, results: Results) -> None:
    rows = estimated_rows(
        sweep.recipe,
        load_materials(MATERIALS[sweep.options.scenario]),
        sweep.variables,
        sweep.samples,
        scenario=sweep.options.scenario,
        seed=sweep.options.seed,
        rules=sweep.rules.rules,
    )
    results.rows.update({row["sample"]: row for row in rows})  # done again sooner than read from a file

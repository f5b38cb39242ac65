"""`pressline schedule` and `pressline dry-run --laminates`: many laminates, foreseen and rehearsed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.batches import URGENT
from controller.cli.exit_codes import ExitCode
from controller.cli.many import how_many, many_profiles, report_many
from controller.cli.output import OutputRefused, write_new
from controller.cli.recipes import Unusable, finding_data, report_refusal
from controller.config import ConfigError, load_line
from controller.line import capability, unit_profile
from controller.schedule.forecast import foreseen
from controller.schedule.gantt import gantt_svg, gantt_text, longest_waits, schedule_data
from controller.schedule.model import job_of, line_of, with_sheets
from controller.schedule.simulation import simulated
from controller.supply import Supply
from drivers.errors import ProfileError
from drivers.profile import Profile
from recipes.findings import RecipeErrors
from recipes.load import load_recipe
from recipes.plan import Plan, Refused, UnitCapability, make_plan


@dataclass(frozen=True, slots=True)
class ManyOptions:
    """What the user asked for. out are units that are out of service, urgent a recipe that is served before all."""

    file: Path
    laminates: int
    people: int
    line: Path | None = None
    out: Sequence[str] = ()
    as_json: bool = False
    urgent: Path | None = None


def line_profiles(line: Path | None) -> dict[str, Profile]:
    """The units of a line file, or of the usual line for several laminates. Raises Unusable."""
    try:
        if line is None:
            return many_profiles()
        return {unit.name: unit_profile(unit) for unit in load_line(line).units.values()}
    except ProfileError as error:
        raise Unusable(f"{line}: {error}") from error
    except ConfigError as error:
        raise Unusable(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Planned:
    """The plan of the laminates, that of the urgent one if there is one, and the line's units."""

    plan: Plan
    urgent: Plan | None
    profiles: Mapping[str, Profile]


def _planned(options: ManyOptions) -> tuple[ExitCode, _Planned | None]:
    """The plans and the line's units, or the code with which the command ends after telling why."""
    try:
        profiles = line_profiles(options.line)
        _check_units(options.out, profiles)
        units = _capabilities(profiles)
        urgent = None if options.urgent is None else make_plan(load_recipe(options.urgent), units)
        return ExitCode.PASSED, _Planned(make_plan(load_recipe(options.file), units), urgent, profiles)
    except Unusable as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE, None
    except RecipeErrors as errors:
        report_refusal(errors.findings, ExitCode.UNUSABLE, as_json=options.as_json)
        return ExitCode.UNUSABLE, None
    except Refused as refused:
        report_refusal(refused.findings, ExitCode.REFUSED, as_json=options.as_json)
        return ExitCode.REFUSED, None


def _check_units(out: Sequence[str], profiles: Mapping[str, Profile]) -> None:
    if unknown := [unit for unit in out if unit not in profiles]:
        raise Unusable(f"the line has no unit {unknown[0]}; it has {', '.join(profiles)}")


def _capabilities(profiles: Mapping[str, Profile]) -> list[UnitCapability]:
    return [capability(unit, profile) for unit, profile in profiles.items()]


def schedule_file(options: ManyOptions, svg: Path | None) -> ExitCode:
    """Prints when what would happen, by the plan's predicted times; 1 if a maximum wait would be broken."""
    code, planned = _planned(options)
    if planned is None:
        return code
    plan, units = planned.plan, _capabilities(planned.profiles)
    jobs = [job_of(plan, units, f"{number:02}") for number in range(1, options.laminates + 1)]
    supply = Supply()
    supply.share([job.name for job in jobs], [step.step for step in plan.steps])
    jobs = [with_sheets(job, supply.suppliers(job.name)) for job in jobs]
    if planned.urgent is not None:
        jobs.append(job_of(planned.urgent, units, "urgent", URGENT))
    line = line_of(units, options.people, options.out)
    simulation = simulated(line, jobs, foreseen)
    if svg is not None:
        try:
            write_new(svg, gantt_svg(line, jobs, simulation).encode())
        except OutputRefused as error:
            print(error, file=sys.stderr)
            return ExitCode.UNUSABLE
    data = schedule_data(line, jobs, simulation)
    if options.as_json:
        findings = [finding_data(finding) for finding in plan.findings]
        print(json.dumps({"recipe": plan.recipe.name, "plan_hash": plan.hash, **data, "findings": findings}, indent=2))
    else:
        print(f"{plan.recipe.title}: {how_many(len(jobs), options.people)}{_without(options)}, predicted times")
        if simulation.bars:
            print(gantt_text(line, jobs, simulation, shutil.get_terminal_size((120, 24)).columns))
        _print_figures(data, longest_waits(simulation, jobs))
    kept = all(wait["kept"] for wait in data["maximum_waits"])
    return ExitCode.PASSED if kept and simulation.ended else ExitCode.REFUSED


def _without(options: ManyOptions) -> str:
    return f", without {', '.join(options.out)}" if options.out else ""


def _print_figures(data: Mapping[str, Any], waits: Sequence[str]) -> None:
    what = "what can be done is done" if data["unfinished"] else "all done"
    print(f"{what} after {data['makespan_s'] / 60:.1f} min" if data["makespan_s"] else "nothing can be begun")
    for unit in [unit for unit in data["units"] if unit["busy_s"] > 0]:
        print(f"  {unit['unit']}: in use {100 * unit['share']:.0f} % of the time")
    for text in (*(f"maximum wait: {wait}" for wait in waits), *data["unfinished"]):
        print(text)


def dry_run_many(options: ManyOptions, scenario: str, seed: int) -> ExitCode:
    """Runs several laminates on virtual time and prints what became of each; the worst decides the code."""
    from controller.cli.runs import can_be_simulated, known_scenario
    from controller.dryrun import dry_run_all

    if not known_scenario(scenario):
        return ExitCode.UNUSABLE
    code, planned = _planned(options)
    if planned is None:
        return code
    if not all(can_be_simulated(plan.recipe) for plan in (planned.plan, planned.urgent) if plan is not None):
        return ExitCode.UNUSABLE
    found = dry_run_all(
        planned.plan,
        planned.profiles,
        options.laminates,
        scenario=scenario,
        seed=seed,
        people=options.people,
        out=options.out,
        urgent=planned.urgent,
    )
    return report_many(found, f"{_without(options)}, on virtual time", as_json=options.as_json)

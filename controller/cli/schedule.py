"""`pressline schedule` and `pressline dry-run --laminates`: many laminates, foreseen and rehearsed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.cli.exit_codes import ExitCode
from controller.cli.output import OutputRefused, write_new
from controller.cli.recipes import SHIPPED_UNITS, Unusable, finding_data, report_refusal
from controller.config import ConfigError, load_line
from controller.line import capability, unit_profile
from controller.schedule.forecast import foreseen
from controller.schedule.gantt import gantt_svg, gantt_text, longest_waits, schedule_data
from controller.schedule.model import job_of, line_of
from controller.schedule.simulation import simulated
from drivers.errors import ProfileError
from drivers.profile import Profile
from drivers.profile_file import load_profile
from recipes.findings import RecipeErrors
from recipes.load import load_recipe
from recipes.plan import Plan, Refused, UnitCapability, make_plan

MANY_UNITS: Mapping[str, str] = {**SHIPPED_UNITS, "uniaxial-press-2": SHIPPED_UNITS["uniaxial-press-1"]}
"""The usual line for several laminates: a second uniaxial press."""


@dataclass(frozen=True, slots=True)
class ManyOptions:
    """What the user asked for. out are units that are out of service."""

    file: Path
    laminates: int
    people: int
    line: Path | None = None
    out: Sequence[str] = ()
    as_json: bool = False


def line_profiles(line: Path | None) -> dict[str, Profile]:
    """The units of a line file, or of the usual line for several laminates. Raises Unusable."""
    try:
        if line is None:
            return {unit: load_profile(profile) for unit, profile in MANY_UNITS.items()}
        return {unit.name: unit_profile(unit) for unit in load_line(line).units.values()}
    except ProfileError as error:
        raise Unusable(f"{line}: {error}") from error
    except ConfigError as error:
        raise Unusable(str(error)) from error


def _planned(options: ManyOptions) -> tuple[ExitCode, Plan | None, Mapping[str, Profile]]:
    """The plan and the line's units, or the code with which the command ends after telling why."""
    try:
        profiles = line_profiles(options.line)
        _check_units(options.out, profiles)
        return ExitCode.PASSED, make_plan(load_recipe(options.file), _capabilities(profiles)), profiles
    except Unusable as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE, None, {}
    except RecipeErrors as errors:
        report_refusal(errors.findings, ExitCode.UNUSABLE, as_json=options.as_json)
        return ExitCode.UNUSABLE, None, {}
    except Refused as refused:
        report_refusal(refused.findings, ExitCode.REFUSED, as_json=options.as_json)
        return ExitCode.REFUSED, None, {}


def _check_units(out: Sequence[str], profiles: Mapping[str, Profile]) -> None:
    if unknown := [unit for unit in out if unit not in profiles]:
        raise Unusable(f"the line has no unit {unknown[0]}; it has {', '.join(profiles)}")


def _capabilities(profiles: Mapping[str, Profile]) -> list[UnitCapability]:
    return [capability(unit, profile) for unit, profile in profiles.items()]


def schedule_file(options: ManyOptions, svg: Path | None) -> ExitCode:
    """Prints when what would happen, by the plan's predicted times; 1 if a maximum wait would be broken."""
    code, plan, profiles = _planned(options)
    if plan is None:
        return code
    units = _capabilities(profiles)
    jobs = [job_of(plan, units, f"{number:02}") for number in range(1, options.laminates + 1)]
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
        print(f"{plan.recipe.title}: {_many(options)}, predicted times")
        print(gantt_text(line, jobs, simulation, shutil.get_terminal_size((120, 24)).columns))
        _print_figures(data, longest_waits(simulation, jobs))
    kept = all(wait["kept"] for wait in data["maximum_waits"])
    return ExitCode.PASSED if kept and simulation.ended else ExitCode.REFUSED


def _many(options: ManyOptions) -> str:
    people = "1 person" if options.people == 1 else f"{options.people} people"
    laminates = "1 laminate" if options.laminates == 1 else f"{options.laminates} laminates"
    out = f", without {', '.join(options.out)}" if options.out else ""
    return f"{laminates}, {people} at the line{out}"


def _print_figures(data: Mapping[str, Any], waits: Sequence[str]) -> None:
    print(f"all done after {data['makespan_s'] / 60:.1f} min")
    for unit in [unit for unit in data["units"] if unit["busy_s"] > 0]:
        print(f"  {unit['unit']}: in use {100 * unit['share']:.0f} % of the time")
    for text in (*(f"maximum wait: {wait}" for wait in waits), *data["unfinished"]):
        print(text)


def dry_run_many(options: ManyOptions, scenario: str, seed: int) -> ExitCode:
    """Runs several laminates on virtual time and prints what became of each; the worst decides the code."""
    from controller.cli.exit_codes import code_of
    from controller.cli.runs import can_be_simulated, known_scenario
    from controller.dryrun import dry_run_all

    if not known_scenario(scenario):
        return ExitCode.UNUSABLE
    code, plan, profiles = _planned(options)
    if plan is None:
        return code
    if not can_be_simulated(plan.recipe):
        return ExitCode.UNUSABLE
    found = dry_run_all(
        plan, profiles, options.laminates, scenario=scenario, seed=seed, people=options.people, out=options.out
    )
    if options.as_json:
        print(json.dumps(found, indent=2))
    else:
        _print_many(options, found)
    codes = [code_of(record) for record in found["runs"]]
    return max([*codes, ExitCode.REFUSED if found["refused"] or found["broken_waits"] else ExitCode.PASSED])


def _print_many(options: ManyOptions, found: Mapping[str, Any]) -> None:
    print(f"{_many(options)}, on virtual time")
    width = max(len(record["run"]) for record in found["runs"])
    print(f"{'run':<{width}}  state     from min  to min  waited min  pass  fail  undetermined")
    for record, times in zip(found["runs"], found["times"], strict=True):
        minutes = [times[key] / 60 for key in ("begin_s", "end_s", "waited_s")]
        verdicts = [record["certificate"][verdict] for verdict in ("pass", "fail", "undetermined")]
        print(
            f"{record['run']:<{width}}  {record['state']:<8}  {minutes[0]:8.1f}  {minutes[1]:6.1f}  {minutes[2]:10.1f}"
            f"  {verdicts[0]:4}  {verdicts[1]:4}  {verdicts[2]:12}"
            + (f"  {record['reason']}" if record["reason"] else "")
        )
    for name, why in found["refused"].items():
        print(f"{name} could not begin: {why}")
    for text in found["broken_waits"]:
        print(f"maximum wait broken: {text}")
    print(f"all done after {found['makespan_s'] / 60:.1f} min of line time, in {found['wall_seconds']:.1f} s")

"""`pressline validate` and `pressline plan`: from a recipe file to findings or a plan, without a machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from controller.cli.exit_codes import ExitCode
from controller.cli.output import OutputRefused, write_new
from controller.config import ConfigError, load_line
from controller.line import capability, unit_profile
from drivers.errors import ProfileError
from drivers.profile_file import load_profile
from recipes.findings import Finding, RecipeErrors
from recipes.load import load_recipe
from recipes.plan import Plan, Refused, UnitCapability, make_plan

SHIPPED_UNITS = {
    "uniaxial-press-1": "uniaxial-press-generic",
    "isostatic-press-1": "isostatic-press-generic",
    "coater-1": "coater-generic",
    "roll-press-1": "roll-press-generic",
    "thickness-gauge-1": "thickness-gauge-sics",
    "balance-1": "balance-sics",
}


class Unusable(Exception):
    """Input that cannot be used; the message is for the user, one fault a line."""


def capabilities(line: Path | None) -> list[UnitCapability]:
    """What the units of a line file, or of the shipped machine models, can do. Raises Unusable."""
    try:
        if line is None:
            return [capability(unit, load_profile(profile)) for unit, profile in SHIPPED_UNITS.items()]
        return [capability(unit.name, unit_profile(unit)) for unit in load_line(line).units.values()]
    except ProfileError as error:
        raise Unusable(f"{line}: {error}") from error
    except ConfigError as error:
        raise Unusable(str(error)) from error


def planned(file: Path, line: Path | None) -> Plan:
    """The plan of a recipe file. Raises Unusable, RecipeErrors or Refused."""
    return make_plan(load_recipe(file), capabilities(line))


def finding_data(finding: Finding) -> dict[str, Any]:
    """A finding as plain data."""
    place = finding.location
    return {
        "level": finding.level,
        "message": finding.message,
        "file": None if place is None else str(place.file),
        "line": None if place is None else place.line,
        "column": None if place is None else place.column,
        "rule": finding.rule_id,
        "source": finding.source,
    }


def examined(file: Path, line: Path | None) -> tuple[ExitCode, Sequence[Finding], Plan | None]:
    """Loads and plans one file. Raises Unusable for a line file that cannot be used."""
    try:
        plan = planned(file, line)
    except RecipeErrors as error:
        return ExitCode.UNUSABLE, error.findings, None
    except Refused as error:
        return ExitCode.REFUSED, error.findings, None
    return ExitCode.PASSED, plan.findings, plan


def report_refusal(findings: Sequence[Finding], code: ExitCode, *, as_json: bool) -> None:
    """Tells why nothing is run: the findings on standard error, or as one JSON document."""
    if as_json:
        state = "refused" if code is ExitCode.REFUSED else "unusable"
        print(json.dumps({"state": state, "findings": [finding_data(f) for f in findings]}, indent=2))
        return
    for finding in findings:
        if finding.level in ("error", "refused"):
            print(finding, file=sys.stderr)


def validate_files(files: Sequence[Path], line: Path | None, *, as_json: bool) -> ExitCode:
    """Prints every finding of every file; the worst file decides the code."""
    worst, documents = ExitCode.PASSED, []
    for file in files:
        try:
            code, findings, plan = examined(file, line)
        except Unusable as error:
            print(error, file=sys.stderr)
            return ExitCode.UNUSABLE
        worst = max(worst, code)
        documents.append({"file": str(file), "exit_code": int(code), "findings": [finding_data(f) for f in findings]})
        if not as_json:
            _print_findings(file, code, findings, plan)
    if as_json:
        print(json.dumps({"files": documents}, indent=2))
    return worst


HEADINGS = {
    "error": "errors",
    "refused": "refused",
    "would_refuse": "would be refused, but the recipe is comparative",
    "consistency": "does not fit together",
    "advice": "advice",
}


def _print_findings(file: Path, code: ExitCode, findings: Sequence[Finding], plan: Plan | None) -> None:
    verdict = {ExitCode.PASSED: "accepted", ExitCode.REFUSED: "refused"}.get(code, "cannot be used")
    purpose = f" ({plan.recipe.purpose.value})" if plan is not None else ""
    print(f"{file}: {verdict}{purpose}")
    for level, heading in HEADINGS.items():
        chosen = [finding for finding in findings if finding.level == level]
        if chosen:
            print(f"  {heading}:")
            for finding in chosen:
                print(f"    {finding}")


def plan_file(file: Path, line: Path | None, output: Path | None, *, as_json: bool) -> ExitCode:
    """Prints a plan, or why there is none; output takes the control recipe whose SHA-256 is the plan's hash."""
    from controller.reports.plan_table import print_plan

    try:
        code, findings, plan = examined(file, line)
        if plan is not None and output is not None:
            write_new(output, plan.canonical_json.encode())
    except (Unusable, OutputRefused) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    if plan is None:
        report_refusal(findings, code, as_json=as_json)
    elif as_json:
        print(json.dumps(plan_data(plan), indent=2))
    else:
        print_plan(plan)
    return code


def plan_data(plan: Plan) -> dict[str, Any]:
    """A plan as plain data: the control recipe, what it is expected to give, its margins and its materials."""
    from recipes.plan import recipe_sha256
    from recipes.preview import margins, materials_used

    return {
        "recipe": plan.recipe.name,
        "purpose": plan.recipe.purpose.value,
        "recipe_sha256": recipe_sha256(plan.recipe),
        "plan_hash": plan.hash,
        "plan": json.loads(plan.canonical_json),
        "predicted_porosity_pct": {
            step: {layer: {"before": p[0], "after": p[1], "uncertainty": p[2]} for layer, p in layers.items()}
            for step, layers in plan.predictions.items()
        },
        "predicted_composite_modulus_gpa": {
            step: {layer: {"value": value, "uncertainty": u} for layer, (value, u) in layers.items()}
            for step, layers in plan.predicted_modulus_gpa.items()
        },
        "predicted_s": sum(step.predicted_s for step in plan.steps),
        "predicted_step_s": {planned.step.name: planned.predicted_s for planned in plan.steps},
        "margins": [
            {
                "rule": item.judgement.rule_id,
                "severity": item.judgement.severity.value,
                "verdict": item.judgement.verdict.value,
                "value": item.value,
                "unit": item.judgement.unit,
                "uncertainty": item.judgement.uncertainty,
                "asks": item.judgement.rule.bound_words,
                "margin": item.margin,
                "margin_in_standard_uncertainties": item.sigmas,
            }
            for item in margins(plan.judgements)
        ],
        "materials": [
            {"use": amount.use, "material": amount.material, "mass_g": amount.mass_g}
            for amount in materials_used(plan.recipe)
        ],
        "findings": [finding_data(finding) for finding in plan.findings],
    }

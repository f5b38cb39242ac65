"""One sample: the varied recipe read, planned and carried out on virtual time, its outcome as one flat row.

Whatever goes wrong with a sample is its row. A worker process runs `outcome`; nothing else of the sweep is known to it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.capability import UnitCapability
from recipes.findings import Finding, RecipeErrors
from recipes.load import load_recipe
from recipes.model import Recipe
from recipes.plan import Plan, Refused, make_plan

Row = dict[str, Any]
"""Texts, numbers, yes or no, or None, by column."""

DONE, REFUSED, UNUSABLE, FAULT = "done", "refused", "unusable", "error"
"""How a sample ended: run to its end (whatever that was), refused by the rules or the line, no recipe, a fault."""
BINDING = ("claim", "required")
_LISTED = 10


class AnotherRulebook(Exception):
    """This process has other rule packs than the one that began the sweep."""


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker needs. text is the varied recipe; file is where it came from, for messages and own rule packs.

    packs are the hashes of the rule packs by name as the sweep's beginning had them; a worker with others must not
    judge.
    """

    sample: int
    seed: int
    values: Mapping[str, float]
    text: str
    file: str
    scenario: str
    units: tuple[UnitCapability, ...]
    packs: tuple[tuple[str, str], ...]


def outcome(job: Job) -> Row:
    """The row of one sample; never raises."""
    row: Row = {"sample": job.sample, "seed": job.seed, **job.values}
    begun, worked = time.perf_counter(), time.thread_time()
    try:
        recipe = load_recipe(Path(job.file), job.text.encode())
        row |= _carried_out(make_plan(recipe, job.units), job)
    except RecipeErrors as error:
        row |= {"status": UNUSABLE, "message": _told(error.findings, ("error",))}
    except Refused as error:
        row |= {"status": REFUSED, "message": _told(error.findings, ("refused",))}
        row |= {f"rule.{f.rule_id}": "fail" for f in error.findings if f.level == "refused" and f.rule_id}
    except AnotherRulebook as error:
        row |= {"status": FAULT, "message": str(error)}
    except Exception as error:  # noqa: BLE001  a fault of the program in one sample must not cost the others
        row |= {"status": FAULT, "message": f"a fault of the program: {type(error).__name__}: {error}"}
    row |= {"wall_s": time.perf_counter() - begun, "cpu_s": time.thread_time() - worked}
    return row


def failed(job: Job, why: str) -> Row:
    """The row of a sample that no worker could finish."""
    return {"sample": job.sample, "seed": job.seed, **job.values, "status": FAULT, "message": why}


def packs_of(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Names and hashes of a plan's rule packs."""
    return tuple((pack.name, pack.sha256) for pack in plan.rules.packs)


def _carried_out(plan: Plan, job: Job) -> Row:
    from controller.dryrun import dry_run

    if packs_of(plan) != job.packs:
        raise AnotherRulebook(f"the worker has other rule packs than the sweep: {packs_of(plan)}, not {job.packs}")
    record = dry_run(plan, scenario=job.scenario, seed=job.seed)
    rules = record["certificate"]["rules"]
    passed = bool(rules) and all(rule["verdict"] == "pass" for rule in rules if rule["severity"] in BINDING)
    row: Row = {
        "status": DONE,
        "message": "; ".join([*([record["reason"]] if record["reason"] else []), *record["messages"]]),
        "state": record["state"],
        "passed": passed and record["state"] == "complete",
        "plan_hash": plan.hash,
        "line_s": record["sim_seconds"],
        "rules_pass": record["certificate"]["pass"],
        "rules_fail": record["certificate"]["fail"],
        "rules_undetermined": record["certificate"]["undetermined"],
    }
    row |= {f"rule.{rule['id']}": rule["verdict"] for rule in rules}
    return row | _layers(record) | _steps(record, plan.recipe)


def _layers(record: Mapping[str, Any]) -> Row:
    """What is true of the finished layers, and what the line believes of them."""
    row: Row = {}
    for name, layer in (record.get("truth") or {}).get("layers", {}).items():
        row[f"true.{name}.porosity_pct"] = layer["porosity_pct"]
        if layer["composite_modulus_gpa"] is not None:
            row[f"true.{name}.composite_modulus_gpa"] = layer["composite_modulus_gpa"]
    for name, layer in record["layers"].items():
        row[f"estimated.{name}.porosity_pct"] = layer["porosity_pct"]
        row[f"estimated.{name}.porosity_u_pct"] = layer["uncertainty_pct"]
    return row


def _steps(record: Mapping[str, Any], recipe: Recipe) -> Row:
    """What machines reached, and rates of decrease, true and estimated, by role where a step has one."""
    called = {step.name: step.role or step.name for step in recipe.steps}
    row: Row = {}
    for step in record["steps"]:
        name = called[step["name"]]
        for quantity, value in step.items():
            if isinstance(value, Mapping) and isinstance(value.get("reached"), int | float):
                row[f"reached.{name}.{quantity}"] = value["reached"]
        for layer, value in step["decrease_pct"].items():
            row[f"estimated.{name}.{layer}.decrease_pct"] = value
    for step in (record.get("truth") or {}).get("steps", []):
        for layer, value in step["decrease_pct"].items():
            row[f"true.{called[step['name']]}.{layer}.decrease_pct"] = value
    return row


def _told(findings: Sequence[Finding], levels: Sequence[str]) -> str:
    told = [str(finding) for finding in findings if finding.level in levels]
    more = f"\nand {len(told) - _LISTED} more" if len(told) > _LISTED else ""
    return "\n".join(told[:_LISTED]) + more

"""A run together with what was really made, and every pass of its certificate held against that."""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from controller.cli.recipes import planned
from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import EventStream
from controller.executor.record import document
from controller.journal import Journal
from controller.people import run_truth
from controller.session import Surroundings, carry_out, unattended
from recipes.plan import Plan
from recipes.rules.pack import load_pack
from recipes.rules.rule import Relation, Rule
from simulators.clock import run_virtual
from simulators.line import RegisterMachine, SimulatedLine
from simulators.operator_link import truth
from simulators.pressing import PressPlc
from simulators.world import Pressing

PRESSES = ("uniaxial-press-1", "isostatic-press-1")
SUBJECTS = {"cathode": "cathode_layer", "solid_electrolyte": "se_layer", "intermediate": "intermediate_layer"}
GUARDED_WORDS = ("guarded acceptance", "acceptance is guarded")
"""What a certificate says of a value inside its bound that guarded acceptance does not take."""
ROUNDING = 1e-4
"""A record keeps five decimals of a value and of its uncertainty."""
SCAN_S = 0.11
"""A machine's dwell timer counts whole scans of at most 0.1 s; a time is told without an uncertainty."""


@dataclass(slots=True)
class Dwell:
    """What a lot really saw while its press was dwelling: sums over time."""

    time_s: float = 0.0
    pressure: float = 0.0
    temperature: float = 0.0

    def add(self, pressure_mpa: float, temperature_c: float, dt_s: float) -> None:
        self.time_s += dt_s
        self.pressure += pressure_mpa * dt_s
        self.temperature += temperature_c * dt_s


@dataclass(slots=True)
class TrueRun:
    """A record, and the true values of the rules' facts by subject and quantity."""

    record: dict[str, Any]
    truths: dict[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """A numeric rule of a certificate beside the truth.

    outside is how far the truth lies outside the rule's bound, negative inside. expanded is the certificate's expanded
    uncertainty (k = 2), 0 where none is told. simple is what simple acceptance says, verdict what the certificate says.
    """

    rule: Rule
    verdict: str
    simple: str
    value: float
    expanded: float
    truth: float
    outside: float
    inside_by_value: float

    @property
    def allowance(self) -> float:
        """By which the truth may lie outside although nothing is wrong: digits of the record, a machine's scan."""
        return SCAN_S if self.rule.quantity == "time" else ROUNDING

    @property
    def is_beyond(self) -> bool:
        """The truth fails the bound by more than the stated expanded uncertainty."""
        return self.outside > self.expanded + self.allowance


def true_run(plan: Plan, seed: int, scenario: str = "realistic") -> TrueRun:
    """Carries out a plan on virtual time, with an eye on what its presses do to the lots."""
    dwells: dict[int, Dwell] = {}
    moduli: dict[int, dict[str, float]] = {}
    worlds: list[SimulatedLine] = []
    names: dict[int, str] = {}

    async def main() -> Journal:
        loop = asyncio.get_running_loop()
        line = SimulatedLine(scenario=scenario, seed=seed, clock=loop.time)
        worlds.append(line)
        for unit in PRESSES:
            machine = line.machines[unit]
            if isinstance(machine, RegisterMachine) and isinstance(machine.plc, PressPlc):
                watch(machine.plc, dwells, moduli)
        journal = Journal(EventStream(), lambda: virtual_utc(loop.time()))

        async def told_truth(lot: str, jobs: Mapping[int, str]) -> dict[str, Any]:
            names.update(jobs)
            return run_truth(truth(line, lot), jobs)

        simulation = {"scenario": scenario, "seed": seed}
        person = SimulatedPerson(line)
        await carry_out(
            plan, Surroundings(memory_line(line), journal, person, unattended, told_truth, simulation), "run"
        )
        return journal

    record = document(run_virtual(main()).events("run"), alive=False)
    return TrueRun(record, truths(plan, names, dwells, moduli, worlds[0].pressings, record))


def truths(
    plan: Plan,
    names: Mapping[int, str],
    dwells: Mapping[int, Dwell],
    moduli: Mapping[int, Mapping[str, float]],
    pressings: Iterable[Pressing],
    record: Mapping[str, Any],
) -> dict[tuple[str, str], float]:
    """The true values of the rules' facts by subject and quantity; names are the steps of the jobs."""
    found: dict[tuple[str, str], float] = {}
    roles = {item.step.name: item.step.role for item in plan.steps if item.step.role is not None}
    for job, dwell in dwells.items():
        if (role := roles.get(names.get(job, ""))) is not None and dwell.time_s > 0.0:
            found[role, "pressure"] = dwell.pressure / dwell.time_s
            found[role, "temperature"] = dwell.temperature / dwell.time_s
            found[role, "time"] = dwell.time_s
    for pressing in pressings:
        if (role := roles.get(names.get(pressing.job_id, ""))) is None:
            continue
        for layer, after in pressing.after.items():
            subject = SUBJECTS[layer]  # a step that pressed twice began before its first pressing
            before = found.setdefault((f"{subject}@before_{role}", "porosity"), pressing.before[layer])
            found[f"{subject}@after_{role}", "porosity"] = after
            found[f"{subject}@{role}", "porosity_decrease_rate"] = 100.0 * (1.0 - after / before)
        for layer, modulus in moduli.get(pressing.job_id, {}).items():
            found[f"{SUBJECTS[layer]}@after_{role}", "composite_modulus"] = modulus
    for layer, values in (record.get("truth") or {"layers": {}})["layers"].items():
        if layer not in SUBJECTS:  # a lot that these rules say nothing of
            continue
        for quantity, name in (("porosity", "porosity_pct"), ("composite_modulus", "composite_modulus_gpa")):
            if values[name] is not None:
                found[f"{SUBJECTS[layer]}@laminate", quantity] = values[name]
    return found


def watch(plc: PressPlc, dwells: dict[int, Dwell], moduli: dict[int, dict[str, float]]) -> None:
    """Adds up what the lot in a press sees in each step of its physics."""
    physics, before = plc._physics, plc.phase

    def watched(dt_s: float) -> None:
        nonlocal before
        phase, before = before, plc.phase  # a step's physics comes after its phase may have changed
        physics(dt_s)
        if plc.job is None or plc.lot is None:
            return
        job = int(plc.job["job_id"])
        if phase == "dwell" and plc.state != "HELD":  # a held machine counts no dwell
            dwells.setdefault(job, Dwell()).add(plc.pressure_mpa, plc.lot.temperature_c, dt_s)  # type: ignore[attr-defined]  # both presses have it
        moduli[job] = {
            layer.name: modulus for layer in plc.lot.layers if (modulus := layer.composite_modulus_gpa) is not None
        }

    plc._physics = watched  # type: ignore[method-assign]  # this one machine is watched


def variant_run(text: str, seed: int) -> TrueRun:
    """A run of a recipe that is written as text."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "variant.yaml"
        file.write_text(text, encoding="utf-8")
        plan = planned(file, None)
    return true_run(plan, seed)


def compared(run: TrueRun) -> Iterator[Compared]:
    """Every numeric rule of the certificate of which both the value and the truth are known."""
    rules = {rule.id: rule for rule in load_pack("honda")}
    for told in run.record["certificate"]["rules"]:
        rule = rules[told["id"]]
        if told["verdict"] == "undetermined" and not any(words in told["words"] for words in GUARDED_WORDS):
            continue
        match rule.relation:
            case Relation.RANGE | Relation.RATIO:
                yield from _bounded(rule, told, run.truths)
            case Relation.GREATER_THAN | Relation.LESS_THAN | Relation.LESS_OR_EQUAL:
                yield from _comparison(rule, told, run.truths)
            case Relation.ORDER:
                yield from _order(rule, told, run.truths)
            case _:
                pass


def _bounded(rule: Rule, told: Mapping[str, Any], truths: Mapping[tuple[str, str], float]) -> Iterator[Compared]:
    true = truths.get((rule.subject, rule.quantity))
    if rule.relation is Relation.RATIO:
        base = truths.get(rule.other)
        true = None if true is None or not base else true / base
    if true is None:
        return
    slack = (rule.resolution or 0.0) / 2.0  # what the source prints as the bound counts as the bound

    def outside(value: float) -> float:
        sides = [rule.lower - slack - value] if rule.lower is not None else []
        return max(sides + ([value - rule.upper - slack] if rule.upper is not None else []))

    value = told["facts"][0]["value"] if rule.relation is Relation.RANGE else told["value"]  # not one of the extremes
    yield _compared(rule, {**told, "value": value}, true, outside(true), -outside(value))


def _comparison(rule: Rule, told: Mapping[str, Any], truths: Mapping[tuple[str, str], float]) -> Iterator[Compared]:
    true, other = truths.get((rule.subject, rule.quantity)), truths.get(rule.other)
    if true is None or other is None or not isinstance(told["bound"], int | float):
        return
    side = -1.0 if rule.relation is Relation.GREATER_THAN else 1.0
    yield _compared(rule, told, true, side * (true - other), -side * (told["value"] - told["bound"]))


def _order(rule: Rule, told: Mapping[str, Any], truths: Mapping[tuple[str, str], float]) -> Iterator[Compared]:
    place = rule.subject.rpartition("@")[2]
    true = [truths.get((f"{item}_layer@{place}", rule.quantity)) for item in rule.listed]
    known = [value for value in true if value is not None]
    if len(known) < len(true) or len(known) < 2:
        return
    expanded = math.hypot(*(fact["uncertainty"] or 0.0 for fact in told["facts"]))
    worst = max(first - second for first, second in pairwise(known))
    values = [fact["value"] for fact in told["facts"]]
    inside = min(second - first for first, second in pairwise(values))
    yield _compared(rule, {**told, "value": worst, "uncertainty": expanded}, worst, worst, inside)


def _compared(rule: Rule, told: Mapping[str, Any], true: float, outside: float, inside: float) -> Compared:
    verdict = told["verdict"]
    simple = "pass" if verdict == "undetermined" else verdict
    return Compared(rule, verdict, simple, told["value"], told["uncertainty"] or 0.0, true, outside, inside)

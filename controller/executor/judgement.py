"""Rules judged on what a run really reached: before a step, after it, and at release for the certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.executor.holding import hold_idle
from controller.executor.run import Run
from controller.metrology import LayerChange
from recipes.declared import (
    lab_porosity_facts,
    layer_subject,
    modulus_facts,
    porosity_facts,
    press_facts,
    role_as_claimed,
    step_order_fact,
)
from recipes.facts import Evidence, Fact, doubted
from recipes.lots import contents
from recipes.model import Press
from recipes.rules.engine import Judgement, Verdict, applies, judge
from recipes.rules.pack import Pack
from recipes.rules.rule import Relation, Rule, Stage
from recipes.rules.rulebook import Rulebook

COVERAGE = 2.0  # expanded uncertainty, k = 2: about 95 % for what is drawn from several bounded errors (JCGM 100)


def claimed_windows(rules: Rulebook | Pack, role: str | None) -> tuple[Rule, ...]:
    """The claimed ranges that hold a run while a step of this role goes on."""
    if role is None:
        return ()
    return tuple(r for r in rules.at(Stage.DURING_STEP, role) if r.severity.binding and r.relation is Relation.RANGE)


async def refuse_before_step(run: Run, role: str, press: Press) -> None:
    """Judges the coming step's setpoints against what earlier steps really reached.

    A production run does not start a step whose own pressing breaks a claim or a required rule: it is held with the
    reason until that is otherwise, which a restart asks again. Whatever else is broken holds it once.
    """
    run.facts.add(
        press_facts(
            role,
            evidence=Evidence.COMMANDED,
            source="the plan",
            method=press.method.value,
            pressure_mpa=press.pressure_mpa,
            temperature_c=press.temperature_c,
            time_s=press.dwell_s,
        )
    )
    others = [
        judgement for judgement in _told_broken(run, Stage.BEFORE_STEP, f"before {role}") if judgement.rule.role != role
    ]
    if others and not run.is_comparative:
        await hold_idle(run, f"before {role}: {_reasons(others)}", "pressline")
    while against := [] if run.is_comparative else _failing(run, Stage.BEFORE_STEP, role):
        await hold_idle(run, f"before {role}: {_reasons(against)}; it does not start like this", "pressline")


async def refuse_before(run: Run, step: str) -> None:
    """Judges what is known before a step: a production run that breaks a claim or a required rule is held."""
    await _hold_on_failure(run, Stage.BEFORE_STEP, f"before {step}")


def tell_estimates(run: Run) -> None:
    """Tells the newest estimate of every layer, which becomes facts."""
    if any(planned.step.press is not None for planned in run.plan.steps):
        run.tell("porosity.estimated", estimate_data(run))
    _learn(run)


async def tell_after_step(run: Run, step: str) -> None:
    """Tells the newest estimate of every layer and judges what the step reached."""
    tell_estimates(run)
    await _hold_on_failure(run, Stage.AFTER_STEP, f"after {step}")


async def _hold_on_failure(run: Run, stage: Stage, when: str) -> None:
    if (new := _told_broken(run, stage, when)) and not run.is_comparative:
        await hold_idle(run, f"{when}: {_reasons(new)}", "pressline")


def _told_broken(run: Run, stage: Stage, when: str) -> list[Judgement]:
    """The binding rules that are broken now and were not before; each is told once."""
    new = [judgement for judgement in _failing(run, stage) if judgement.rule_id not in run.held_by_rules]
    for judgement in new:
        run.held_by_rules.add(judgement.rule_id)
        run.tell(
            "rule.broken", {"rule": judgement.rule_id, "stage": stage.value, "when": when, "words": judgement.words}
        )
    return new


def _reasons(judgements: Sequence[Judgement]) -> str:
    return "; ".join(f"{j.words} ({j.rule_id}, {j.source})" for j in judgements)


def _failing(run: Run, stage: Stage, role: str | None = None) -> list[Judgement]:
    """The binding rules of a stage that what is known breaks; with a role, those on its step."""
    binding = [rule for rule in run.rules.at(stage, role) if rule.severity.binding]
    judged = [judge(rule, run.facts, stage, run.terms) for rule in binding if applies(rule, run.facts) is not False]
    return [judgement for judgement in judged if judgement.verdict is Verdict.FAIL]


def _learn(run: Run) -> None:
    """What was measured becomes facts: the newest porosities of all pressings, the modulus, the order of the steps."""
    changes = run.metrology.changes()
    pressings = [planned.step for planned in run.plan.steps if planned.step.press is not None]
    for step in pressings:
        if step.role is None or step.name not in changes:
            continue
        source = f"compaction law and measurements, {step.name}"
        final = step is pressings[-1]
        for layer, change in changes[step.name].items():
            if not run.metrology.is_known(layer):
                continue
            after = (change.after_pct, change.after_uncertainty_pct)
            run.facts.add(
                doubted(
                    porosity_facts(
                        step.role,
                        layer,
                        before=(change.before_pct, change.before_uncertainty_pct),
                        after=after,
                        decrease=(change.decrease_pct, change.decrease_uncertainty_pct),
                        evidence=Evidence.ESTIMATED,
                        source=source,
                        final=final,
                        by_law_alone=not run.metrology.is_measured_since(step.name, layer),
                    ),
                    run.metrology.doubt_of(layer),
                )
            )
            if final and run.metrology.evidence(layer) is Evidence.LAB:
                run.facts.add(lab_porosity_facts(step.role, layer, run.metrology.porosity_pct(layer), final=True))
            if step.name in _unsurpassed(run):
                _learn_modulus(run, step.role, layer, source, final=final)
    if pressings and all(step.name in changes for step in pressings):
        run.facts.add([_order_fact(run, list(changes))])


def lose_track(run: Run, layers: Sequence[str]) -> None:
    """Nothing is known of these layers any more: what was estimated of them is no fact, nobody can accept it."""
    run.metrology.lose_track(layers)
    lost = tuple(f"{layer_subject(layer)}@" for layer in layers)
    run.facts.forget(lambda fact: fact.evidence is Evidence.ESTIMATED and fact.subject.startswith(lost))


def _unsurpassed(run: Run) -> set[str]:
    """Finished pressings after which no higher pressure came: what the modulus is now, it was after them."""
    reached = [(step, pressure) for step, pressure in run.reached_mpa.items()]
    return {
        step for index, (step, pressure) in enumerate(reached) if all(later <= pressure for _, later in reached[index:])
    }


def _order_fact(run: Run, finished: list[str]) -> Fact:
    lots = contents(run.plan.recipe, tuple(planned.step for planned in run.plan.steps))
    steps = {planned.step.name: planned.step for planned in run.plan.steps}
    roles = [
        role_as_claimed(steps[name], lots[steps[name].produces or ""], run.plan.recipe.laminate)
        for name in finished
        if steps[name].role is not None
    ]
    return step_order_fact(roles, Evidence.MEASURED, "the order in which the presses finished")


def _learn_modulus(run: Run, role: str, layer: str, source: str, *, final: bool) -> None:
    """A layer's modulus follows the highest pressure that it saw, so a later, lower pressing leaves it as it was."""
    if (modulus := run.metrology.composite_modulus_gpa(layer)) is not None:
        evidence = run.metrology.evidence(layer, "composite_modulus")
        source = source if evidence is Evidence.ESTIMATED else "the laboratory"
        facts = modulus_facts(role, layer, modulus, evidence=evidence, source=source, final=final)
        run.facts.add(doubted(facts, run.metrology.doubt_of(layer)))


def estimate_data(run: Run) -> dict[str, Any]:
    """The newest porosities, in the record's form."""
    changes = run.metrology.changes()
    steps = {
        step: {
            "porosity_pct": {layer: {"before": c.before_pct, "after": c.after_pct} for layer, c in layers.items()},
            "decrease_pct": {layer: c.decrease_pct for layer, c in layers.items()},
            "decrease_uncertainty_pct": {layer: COVERAGE * c.decrease_uncertainty_pct for layer, c in layers.items()},
            "evidence": dict.fromkeys(layers, Evidence.ESTIMATED.value),
        }
        for step, layers in ((step, _known(run, layers)) for step, layers in changes.items())
    }
    return {"steps": steps, "layers": {layer: _layer(run, layer) for layer in run.plan.recipe.laminate.layers}}


def _known(run: Run, layers: Mapping[str, LayerChange]) -> Mapping[str, LayerChange]:
    return {layer: change for layer, change in layers.items() if run.metrology.is_known(layer)}


def _layer(run: Run, layer: str) -> dict[str, Any]:
    modulus = run.metrology.composite_modulus_gpa(layer)
    if not run.metrology.is_known(layer):
        return {"porosity_pct": None, "uncertainty_pct": None, "evidence": "estimated", "composite_modulus_gpa": None}
    porosity, uncertainty = run.metrology.porosity_pct(layer)
    return {
        "porosity_pct": porosity,
        "uncertainty_pct": COVERAGE * uncertainty,
        "evidence": run.metrology.evidence(layer).value,
        "composite_modulus_gpa": None if modulus is None else modulus[0],
    }

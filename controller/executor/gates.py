"""Gates after a step: a lot that has missed a target goes on, is pressed again, is scrap, or a person decides.

What the recipe says is done as long as it can be: a re-pressing that would break the order of what was really reached,
or that would be one too many, is not done; then a person is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from controller.executor.holding import agreed_point
from controller.executor.prompts import Prompt
from controller.executor.run import LotScrapped, Run
from controller.executor.states import Trigger
from controller.executor.tasks import ask
from controller.setpoints import Repeated
from recipes.declared import press_facts
from recipes.facts import Evidence, FactBook
from recipes.gates import cannot_repress, pressed_by, repressed
from recipes.lots import contents
from recipes.model import Gate, OnMiss, Press, Window
from recipes.plan import Plan, PlannedStep
from recipes.rules.engine import Verdict, applies, judge
from recipes.rules.rule import Stage

Seen = Mapping[str, tuple[float, float]]
"""What an inspection has measured: quantity -> value and standard uncertainty, in the gate's units."""


COATING_WEIGHT = "coating weight"


@dataclass(frozen=True, slots=True)
class Again:
    """One re-pressing: its setpoints, and for which gate and the how-many-th it is."""

    press: Press
    of: Repeated


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a lot has passed its gate. scrap says why it is scrap, None if it goes on; press is its last re-pressing."""

    scrap: str | None = None
    press: Press | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """One target that was missed; value is None where nothing is known of it."""

    quantity: str
    unit: str
    window: Window
    value: float | None
    uncertainty: float | None
    guard: float

    @property
    def beyond_pressing(self) -> str | None:
        """Why one more pressing cannot bring it into its range, if so: pressing only makes a lot thinner and denser."""
        if self.value is None:
            return f"{self.quantity} is not known, and pressing tells nothing of it"
        if self.quantity == COATING_WEIGHT:
            return "pressing changes no coating weight"
        if self.value - self.guard < self.window.lower:
            return f"{self.quantity} is low already, and pressing only makes it less"
        return None

    @property
    def words(self) -> str:
        limits = f"{self.window.lower:g} to {self.window.upper:g} {self.unit}"
        if self.value is None:
            return f"{self.quantity} is not known, {limits} is asked"
        inside = self.window.holds(self.value)
        told = f"{self.quantity} {self.value:.4g} {self.unit} (standard uncertainty {self.uncertainty:.2g})"
        return f"{told} is {'too near to an end of' if inside else 'outside'} {limits}"

    @property
    def data(self) -> dict[str, Any]:
        """For the record, with the value's standard uncertainty."""
        ends = {"low": self.window.lower, "high": self.window.upper}
        return {"quantity": self.quantity, "unit": self.unit, "value": self.value, "u": self.uncertainty, **ends}


async def pass_gate(
    run: Run, planned: PlannedStep, look: Callable[[], Seen], again: Callable[[Again], Awaitable[None]]
) -> Outcome:
    """Judges a lot after a step, and does what its gate says, until it has passed or is scrap. Raises RunEnded.

    look gives what was measured last; again presses the lot once more and measures what there is to measure.
    """
    gate, broken_off = planned.step.gate, run.memory.broken_off
    number = 0 if broken_off is None else broken_off.pressed_again
    press = None if gate is None or number == 0 else _pressing(run.plan, planned, gate, number)
    while gate is not None and (misses := list(missed(run, gate, look()))):
        words = "; ".join(miss.words for miss in misses)
        beyond = "; ".join(why for miss in misses if (why := miss.beyond_pressing) is not None)
        why_not = beyond or against_again(run, planned, gate, number + 1)
        decision, why = await decide(run, planned, words, [miss.data for miss in misses], why_not, number + 1)
        if decision is OnMiss.CONTINUE:
            break
        if decision is OnMiss.SCRAP:
            return Outcome(why, press)
        number += 1
        await agreed_point(run)
        press = _pressing(run.plan, planned, gate, number)
        await again(Again(press, Repeated(planned.step.name, number)))
    return Outcome(press=press)


async def decide(
    run: Run,
    planned: PlannedStep,
    words: str,
    targets: Sequence[Mapping[str, Any]],
    why_not: str | None,
    number: int = 0,
) -> tuple[OnMiss, str]:
    """What becomes of a lot that has missed a target, and why; why_not is what speaks against pressing it again.

    number is the how-many-th re-pressing it would be.

    Raises RunEnded.
    """
    gate, step = planned.step.gate, planned.step
    if gate is None:
        raise TypeError(f"{step.name} has no gate")
    lot = step.produces or step.consumes[0]
    run.tell("gate.missed", {"step": step.name, "lot": lot, "targets": list(targets), "message": words})
    decision, by = gate.on_miss, f"recipe {run.plan.recipe.name}"
    if decision is OnMiss.RE_PRESS and why_not is not None:
        decision, words = OnMiss.ASK, f"{words}; it is not pressed again: {why_not}"
    if decision is OnMiss.ASK:
        decision, by = await decided(run, step.name, lot, words, may_repress=why_not is None)
    told: dict[str, Any] = {"step": step.name, "lot": lot, "decision": decision.value, "by": by, "why": words}
    if decision is OnMiss.RE_PRESS:  # whatever becomes of it, what was before is known
        told |= {"number": number, "learned": run.memory.of_step(), "known": run.known()}
    run.tell("gate.decided", told)
    return decision, words


async def decided(run: Run, step: str, lot: str, words: str, *, may_repress: bool) -> tuple[OnMiss, str]:
    """What a person decides on a lot that has missed a target, and who it was. Raises RunEnded."""
    choices = [OnMiss.CONTINUE, OnMiss.RE_PRESS, OnMiss.SCRAP] if may_repress else [OnMiss.CONTINUE, OnMiss.SCRAP]
    text = f"{step}: {words}. What becomes of {lot}?"
    answer = await ask(run, Prompt("decide", text, choices=tuple(choice.value for choice in choices)))
    return OnMiss(answer.choice or OnMiss.SCRAP), answer.by


def scrap_if_missed(run: Run, lot: str, outcome: Outcome) -> None:
    """Ends the run where its lot is scrap: STOPPED, and the lot's status told. Raises LotScrapped."""
    if outcome.scrap is None:
        return
    run.tell("lot.status", {"lot": lot, "status": "scrap", "why": outcome.scrap})
    run.lower_state(Trigger.STOP, f"{lot} is scrap: {outcome.scrap}")
    run.lower_state(Trigger.STOP_DONE)
    raise LotScrapped


# ---------------------------------------------------------------------- targets


def missed(run: Run, gate: Gate, seen: Seen) -> Iterable[Missed]:
    """The targets of a gate that were missed, by what is known now and by the recipe's decision rule."""
    targets: list[tuple[str, str, Window, tuple[float, float] | None]] = []
    for target in gate.porosity:
        known = run.metrology.is_known(target.layer)
        value = run.metrology.porosity_pct(target.layer) if known else None
        targets.append((f"porosity of {target.layer}", "%", target.range_pct, value))
    if gate.thickness_um is not None:
        targets.append(("thickness", "um", gate.thickness_um, seen.get("thickness")))
    if gate.coating_weight_mg_cm2 is not None:
        targets.append((COATING_WEIGHT, "mg/cm2", gate.coating_weight_mg_cm2, seen.get("coating_weight")))
    for quantity, unit, window, found in targets:
        if found is None:
            yield Missed(quantity, unit, window, None, None, 0.0)
            continue
        value_found, uncertainty = found
        guard = guard_of(run.terms.confidence, uncertainty)
        if not window.lower + guard <= value_found <= window.upper - guard:
            yield Missed(quantity, unit, window, value_found, uncertainty, guard)


def guard_of(confidence: float | None, uncertainty: float) -> float:
    """How far inside its range a value has to be; 0 for simple acceptance."""
    return 0.0 if confidence is None else NormalDist().inv_cdf(confidence) * uncertainty


# ---------------------------------------------------------------------- pressing again


def pressed_again(plan: Plan, planned: PlannedStep) -> PlannedStep | None:
    """The pressing step that a gate may repeat; None for a step without such a gate."""
    gate = planned.step.gate
    if gate is None or gate.on_miss not in (OnMiss.RE_PRESS, OnMiss.ASK):
        return None
    steps = tuple(other.step for other in plan.steps)
    if cannot_repress(steps, contents(plan.recipe, steps), planned.step) is not None:
        return None
    pressing = pressed_by(steps, planned.step)
    return next((other for other in plan.steps if pressing is not None and other.step.name == pressing.name), None)


def against_again(run: Run, planned: PlannedStep, gate: Gate, number: int) -> str | None:
    """Why a lot is not pressed again for the number-th time, if so: how often it was, and rules on what was reached."""
    pressing = pressed_again(run.plan, planned)
    if pressing is None:
        return "nothing can press it again as it is"
    if number > gate.most:
        times = "once" if gate.most == 1 else f"{gate.most} times"
        return f"it was pressed again {times}, the most that the recipe allows"
    return None if run.is_comparative else _broken_by(run, pressing, _pressing(run.plan, planned, gate, number))


def last_again(run: Run, planned: PlannedStep) -> Again | None:
    """The re-pressing in which the step was broken off, if it was in one that had begun."""
    broken_off, gate = run.memory.broken_off, planned.step.gate
    if broken_off is None or gate is None or broken_off.starts == 0 or (number := broken_off.sent_back) == 0:
        return None
    return Again(_pressing(run.plan, planned, gate, number), Repeated(planned.step.name, number))


def _pressing(plan: Plan, planned: PlannedStep, gate: Gate, number: int) -> Press:
    pressing = pressed_again(plan, planned)
    if pressing is None or pressing.step.press is None:
        raise TypeError(f"nothing has pressed the lot of {planned.step.name}")
    return repressed(pressing.step.press, gate, number)


def _broken_by(run: Run, pressing: PlannedStep, press: Press) -> str | None:
    """Binding rules that a re-pressing would break, against what was really reached by all other steps."""
    role, before = pressing.step.role, run.pressings.get(pressing.step.name)
    if role is None:
        return None
    book = FactBook()
    book.add(fact for fact in run.facts if fact.subject != role or fact.evidence is Evidence.DECLARED)
    book.add(
        press_facts(
            role,
            evidence=Evidence.COMMANDED,
            source="a re-pressing",
            method=press.method.value,
            pressure_mpa=max(press.pressure_mpa, 0.0 if before is None else before.pressure_mpa),
            temperature_c=press.temperature_c,
            time_s=press.dwell_s + (0.0 if before is None else before.dwell_s + before.held_s),
        )
    )
    rules = {rule.id: rule for stage in (Stage.DESIGN, Stage.BEFORE_STEP) for rule in run.rules.at(stage)}
    for rule in rules.values():
        if not rule.severity.binding or rule.quantity not in ("pressure", "time") or not applies(rule, book):
            continue
        judgement = judge(rule, book, Stage.BEFORE_STEP, run.terms)
        if judgement.verdict is Verdict.FAIL:
            return f"{judgement.words} ({judgement.rule_id}, {judgement.source})"
    return None

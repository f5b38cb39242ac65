"""Gates after a step: what is pressed again, with which setpoints, and whether line, lots and rules allow it.

No source gives a number of pressings; what bounds them is the order of the pressures (H005 to H010), the pressing times
where a recipe makes their rules binding, and the recipe's own `most`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from recipes.capability import UnitCapability, force_kn, place_of, resolve
from recipes.declared import press_facts, recipe_facts
from recipes.facts import Evidence, Fact, FactBook
from recipes.findings import Finding, Level
from recipes.lots import Contents
from recipes.model import Gate, OnMiss, Press, PressMethod, Purpose, Recipe, Step, Window
from recipes.rules.engine import Judgement, Terms, Verdict, applies, judge
from recipes.rules.rule import Stage
from recipes.rules.rulebook import Rulebook

PRESSES_AGAIN = (OnMiss.RE_PRESS, OnMiss.ASK)
_NOTHING = Contents((), ())


def repressed(press: Press, gate: Gate, number: int) -> Press:
    """The setpoints of the number-th re-pressing (from 1); the pressure's window keeps its width in percent."""
    more_mpa, window = number * gate.more_pressure_mpa, press.pressure_window_mpa
    factor = 1.0 + more_mpa / press.pressure_mpa
    return replace(
        press,
        pressure_mpa=press.pressure_mpa + more_mpa,
        pressure_window_mpa=Window(window.lower * factor, window.upper * factor),
        dwell_s=press.dwell_s + number * gate.more_dwell_s,
    )


def pressed_by(steps: Sequence[Step], step: Step) -> Step | None:
    """The step whose pressing a gate after `step` repeats: itself, or the last one that pressed what its lot holds."""
    if step.press is not None:
        return step
    makers = {other.produces: other for other in steps if other.produces is not None}
    seen, todo = set(), list(step.consumes)
    while todo:
        maker = makers.get(todo.pop())
        if maker is not None and maker.name not in seen:
            seen.add(maker.name)
            todo += maker.consumes
    return next((other for other in reversed(steps) if other.name in seen and other.press is not None), None)


def cannot_repress(steps: Sequence[Step], lots: Mapping[str, Contents], step: Step) -> str | None:
    """Why the lot of a gate cannot be pressed again as it is, if so; steps are ordered."""
    pressing = pressed_by(steps, step)
    if pressing is None or pressing.press is None:
        return "nothing has pressed this lot before"
    if pressing is step:
        return None
    held, pressed = lots.get(step.consumes[0], _NOTHING), lots.get(pressing.produces or "", _NOTHING)
    if held.layers != pressed.layers:
        return f"the lot is no longer what {pressing.name} pressed"
    if (pressing.press.method is PressMethod.ISOSTATIC) is not held.bagged:
        bag = "is bagged" if held.bagged else "is not bagged"
        return f"the lot {bag}, which {pressing.name} does not press; put the gate at {pressing.name}"
    return None


def gate_findings(
    recipe: Recipe,
    steps: Sequence[Step],
    lots: Mapping[str, Contents],
    units: Sequence[UnitCapability],
    rules: Rulebook,
    how: Terms,
) -> Iterator[Finding]:
    """Everything that a gate asks for and the lots, the line or the rules do not allow; steps are ordered."""
    for step in steps:
        if (gate := step.gate) is None:
            continue
        held = lots.get(step.produces or (step.consumes or ("",))[0], _NOTHING)
        for number, target in enumerate(gate.porosity, start=1):
            if target.layer not in held.layers:
                yield _refused(step, f"porosity[{number}].layer", f"there is no {target.layer} in the lot")
        if gate.on_miss is not OnMiss.RE_PRESS:
            continue
        if (why := cannot_repress(steps, lots, step)) is not None:
            yield _refused(step, "on_miss", f"it cannot be pressed again: {why}")
        elif (pressing := pressed_by(steps, step)) is not None and pressing.press is not None:
            yield from _setpoint_findings(recipe, step, pressing, gate, units)
            yield from _rule_findings(recipe, steps, lots, step, pressing, rules, how)


def _setpoint_findings(
    recipe: Recipe, step: Step, pressing: Step, gate: Gate, units: Sequence[UnitCapability]
) -> Iterator[Finding]:
    unit = resolve(pressing, units)
    if unit is None or pressing.press is None:
        return
    last = repressed(pressing.press, gate, gate.most)
    force = force_kn(last.pressure_mpa, recipe.laminate.area_mm2)
    what = f"re-pressing {gate.most} has {last.pressure_mpa:g} MPa"
    if unit.max_force_kn is not None and force > unit.max_force_kn:
        yield _refused(step, "more_pressure", f"{what}, {force:g} kN; {unit.name} reaches {unit.max_force_kn:g} kN")
    if unit.max_pressure_mpa is not None and last.pressure_mpa > unit.max_pressure_mpa:
        yield _refused(step, "more_pressure", f"{what}; {unit.name} reaches {unit.max_pressure_mpa:g} MPa")
    dwell = unit.limits.get("dwell_s")
    if dwell is not None and not dwell.holds(last.dwell_s):
        yield _refused(
            step, "more_dwell", f"re-pressing {gate.most} has {last.dwell_s:g} s; {unit.name} takes {dwell.upper:g} s"
        )


def _rule_findings(
    recipe: Recipe,
    steps: Sequence[Step],
    lots: Mapping[str, Contents],
    step: Step,
    pressing: Step,
    rules: Rulebook,
    how: Terms,
) -> Iterator[Finding]:
    """Re-pressings that would break a binding rule by their setpoints; what was really reached is judged in the run."""
    gate, press, role = step.gate, pressing.press, pressing.role
    if gate is None or press is None or role is None:
        return
    level: Level = "would_refuse" if recipe.purpose is Purpose.COMPARATIVE else "refused"
    book, time_s = FactBook(), press.dwell_s
    book.add(recipe_facts(recipe, steps, lots))
    before = _broken(book, rules, how)
    for number in range(1, gate.most + 1):
        again = repressed(press, gate, number)
        time_s += again.dwell_s
        book.add(_commanded(again, role, time_s))
        for judgement in _broken(book, rules, how).values():
            if judgement.rule_id not in before:
                message = f"{step.name}: re-pressing {number} with {again.pressure_mpa:g} MPa: {judgement.words}"
                key = "gate.more_dwell" if judgement.rule.quantity == "time" else "gate.more_pressure"
                yield Finding(level, message, place_of(step, key), judgement.rule_id, judgement.source)
                return


def _commanded(press: Press, role: str, time_s: float) -> Iterator[Fact]:
    yield from press_facts(
        role,
        evidence=Evidence.COMMANDED,
        source="a re-pressing",
        method=press.method.value,
        pressure_mpa=press.pressure_mpa,
        temperature_c=press.temperature_c,
        time_s=time_s,
    )


def _broken(book: FactBook, rules: Rulebook, how: Terms) -> dict[str, Judgement]:
    """Binding rules on setpoints that these facts break, by id."""
    binding = [
        rule for rule in rules.at(Stage.DESIGN) if rule.severity.binding and rule.quantity in ("pressure", "time")
    ]
    judged = [judge(rule, book, Stage.DESIGN, how) for rule in binding if applies(rule, book)]
    return {judgement.rule_id: judgement for judgement in judged if judgement.verdict is Verdict.FAIL}


def _refused(step: Step, key: str, message: str) -> Finding:
    return Finding("refused", f"{step.name}: {message}", place_of(step, f"gate.{key}"))

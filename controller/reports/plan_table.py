"""A plan as text: setpoints per machine, windows, times and predicted porosities, and the hash that is run."""

from __future__ import annotations

from rich.table import Table

from controller.reports.run_table import LAYERS, number, print_text, table
from recipes.model import Gate, OnMiss, Press
from recipes.plan import Plan, PlannedStep
from recipes.preview import margins, materials_used
from recipes.rules.engine import Terms
from recipes.rules.rule import COMPARISONS, Relation, Rule
from recipes.rules.rulebook import terms
from recipes.rules.words import quantity_words, subject_words, value_words
from recipes.units import converted


def print_plan(plan: Plan) -> None:
    """Prints a whole plan."""
    steps = table(
        f"{plan.recipe.title} ({plan.recipe.purpose.value})",
        "step",
        "unit",
        "setpoint",
        "window",
        ">min",
        "predicted porosity %",
        ">decrease %",
    )
    for planned in plan.steps:
        predictions = plan.predictions.get(planned.step.name, {})
        rows = [
            (
                f"{LAYERS.get(layer, layer)} {before:.1f} -> {after:.1f} +- {2 * u:.1f}",
                number(100 * (1 - after / before)),
            )
            for layer, (before, after, u) in predictions.items()
        ] or [("", "")]
        head = [
            planned.step.name,
            planned.unit or "person",
            _setpoint(planned),
            _window(planned),
            number(planned.predicted_s / 60),
        ]
        for index, row in enumerate(rows):
            steps.add_row(*(head if index == 0 else [""] * len(head)), *row)
    print_text(
        steps,
        *([_modulus_table(plan)] if plan.predicted_modulus_gpa else []),
        *([margins_told] if (margins_told := _margin_table(plan)).row_count else []),
        *([_gate_table(plan)] if any(planned.step.gate is not None for planned in plan.steps) else []),
        _material_table(plan),
        *(f"{finding.level.replace('_', ' ')}: {finding}" for finding in plan.findings),
        f"{sum(step.predicted_s for step in plan.steps) / 60:.1f} min of line time; plan {plan.hash}",
    )


def _gate_table(plan: Plan) -> Table:
    result = table("GATES", "after step", "target", "if it is missed")
    for planned in plan.steps:
        if (gate := planned.step.gate) is None:
            continue
        targets = [f"porosity of {t.layer} {t.range_pct.lower:g} to {t.range_pct.upper:g} %" for t in gate.porosity]
        for name, window, unit in (
            ("thickness", gate.thickness_um, "um"),
            ("coating weight", gate.coating_weight_mg_cm2, "mg/cm2"),
        ):
            targets += [] if window is None else [f"{name} {window.lower:g} to {window.upper:g} {unit}"]
        result.add_row(planned.step.name, "; ".join(targets) or "its windows", _on_miss(gate))
    return result


def _on_miss(gate: Gate) -> str:
    if gate.on_miss not in (OnMiss.RE_PRESS, OnMiss.ASK):
        return gate.on_miss.value
    more = [f"+{gate.more_pressure_mpa:g} MPa"] if gate.more_pressure_mpa else []
    more += [f"+{gate.more_dwell_s:g} s"] if gate.more_dwell_s else []
    words = f"{gate.on_miss.value}, at most {gate.most}" + (f", each {' and '.join(more)}" if more else "")
    return words if gate.on_miss is OnMiss.RE_PRESS or more or gate.most > 1 else gate.on_miss.value


def _modulus_table(plan: Plan) -> Table:
    result = table("PREDICTED COMPOSITE MODULUS", "after step", "layer", ">GPa", ">+- (k = 2)")
    for step, layers in plan.predicted_modulus_gpa.items():
        for layer, (value, uncertainty) in layers.items():
            result.add_row(step, LAYERS.get(layer, layer), number(value, 2), number(2 * uncertainty, 2))
    return result


def _margin_table(plan: Plan) -> Table:
    """The margin of every claim and required rule; of the others where it is negative. --json has all."""
    result = table("MARGINS", "rule", "source", "asks", ">set or predicted", ">margin", ">in standard uncertainties")
    how = terms(plan.recipe, plan.rules)
    for item in margins(plan.judgements):
        judgement = item.judgement
        if not judgement.severity.binding and item.margin >= 0.0:
            continue
        unit = judgement.unit
        result.add_row(
            judgement.rule_id,
            judgement.source,
            _asks(judgement.rule, how),
            value_words(item.value, unit),
            value_words(item.margin, unit),
            number(item.sigmas),
        )
    return result


def _asks(rule: Rule, how: Terms) -> str:
    """What a rule asks, in the recipe's own names of the steps."""
    what = f"{subject_words(rule.subject, how.names, how.subjects)}: {quantity_words(rule.quantity)}"
    if rule.relation in COMPARISONS or rule.relation is Relation.RATIO:
        other = subject_words(rule.other[0], how.names, how.subjects)
        is_ratio = rule.relation is Relation.RATIO
        return (
            f"{what} over {other}'s {rule.bound_words}"
            if is_ratio
            else f"{what} {rule.relation.replace('_', ' ')} {other}'s"
        )
    return f"{what} {rule.bound_words}"


def _material_table(plan: Plan) -> Table:
    result = table(
        f"MATERIALS for one laminate of {plan.recipe.laminate.area_mm2 / 100:g} cm2", "use", "material", ">g"
    )
    for amount in materials_used(plan.recipe):
        result.add_row(amount.use, amount.material, f"{amount.mass_g:.4g}")
    return result


def _setpoint(planned: PlannedStep) -> str:
    step = planned.step
    if (press := step.press) is not None:
        force = f" = {planned.force_kn:g} kN" if planned.force_kn is not None else ""
        return f"{press.pressure_mpa:g} MPa{force}, {press.temperature_c:g} degC, {press.dwell_s:g} s"
    if (coat := step.coat) is not None:
        zones = " / ".join(f"{zone:g}" for zone in coat.zone_temperatures_c)
        return f"gap {number(planned.gap_um, 0)} um, {coat.web_speed_m_min:g} m/min, {zones} degC, {coat.length_m:g} m"
    if (roll := step.roll_press) is not None:
        return f"{converted(roll.line_force_n, 'N', 't') or 0.0:g} t, {roll.layer_density_g_cm3:g} g/cm3"
    if (rest := step.rest) is not None:
        humid = f", {rest.humidity_pct:g} % humidity" if rest.humidity_pct is not None else ""
        return f"{rest.time_s / 3600:g} h at {rest.temperature_c:g} degC{humid}"
    if step.inspect is not None:
        asked = (*step.inspect.measures, *(measure.quantity for measure in step.inspect.lab))
        return ", ".join(measure.replace("_", " ") for measure in asked)
    return step.task.action.replace("_", " ") if step.task is not None else ""


def _window(planned: PlannedStep) -> str:
    step = planned.step
    if (press := step.press) is not None:
        return _press_window(press)
    if (coat := step.coat) is not None:
        weight = coat.coating_weight_window_mg_cm2
        return f"{weight.lower:g}..{weight.upper:g} mg/cm2"
    if (roll := step.roll_press) is not None:
        density = roll.layer_density_window_g_cm3
        return f"{density.lower:g}..{density.upper:g} g/cm3"
    if (rest := step.rest) is not None:
        return f"{rest.temperature_window_c.lower:g}..{rest.temperature_window_c.upper:g} degC"
    return ""


def _press_window(press: Press) -> str:
    pressure, temperature = press.pressure_window_mpa, press.temperature_window_c
    return f"{pressure.lower:g}..{pressure.upper:g} MPa, {temperature.lower:g}..{temperature.upper:g} degC"

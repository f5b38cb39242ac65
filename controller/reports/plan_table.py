"""A plan as text: setpoints per machine, windows, times and predicted porosities, and the hash that is run."""

from __future__ import annotations

from controller.reports.run_table import LAYERS, number, print_text, table
from recipes.model import Press
from recipes.plan import Plan, PlannedStep


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
        *(f"{finding.level.replace('_', ' ')}: {finding}" for finding in plan.findings),
        f"{sum(step.predicted_s for step in plan.steps) / 60:.1f} min of line time; plan {plan.hash}",
    )


def _setpoint(planned: PlannedStep) -> str:
    step = planned.step
    if (press := step.press) is not None:
        force = f" = {planned.force_kn:g} kN" if planned.force_kn is not None else ""
        return f"{press.pressure_mpa:g} MPa{force}, {press.temperature_c:g} degC, {press.dwell_s:g} s"
    if (coat := step.coat) is not None:
        zones = " / ".join(f"{zone:g}" for zone in coat.zone_temperatures_c)
        return f"gap {number(planned.gap_um, 0)} um, {coat.web_speed_m_min:g} m/min, {zones} degC, {coat.length_m:g} m"
    if step.inspect is not None:
        return ", ".join(measure.replace("_", " ") for measure in step.inspect.measures)
    return step.task.action.replace("_", " ") if step.task is not None else ""


def _window(planned: PlannedStep) -> str:
    step = planned.step
    if (press := step.press) is not None:
        return _press_window(press)
    if (coat := step.coat) is not None:
        weight = coat.coating_weight_window_mg_cm2
        return f"{weight.lower:g}..{weight.upper:g} mg/cm2"
    return ""


def _press_window(press: Press) -> str:
    pressure, temperature = press.pressure_window_mpa, press.temperature_window_c
    return f"{pressure.lower:g}..{pressure.upper:g} MPa, {temperature.lower:g}..{temperature.upper:g} degC"

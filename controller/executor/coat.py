"""A coating step: slurry and substrate loaded, one complete job, zones watched, coating weight and dryness judged."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from controller.executor.holding import hold_idle
from controller.executor.prompts import Prompt
from controller.executor.run import Run
from controller.executor.supervision import Supervision, reset
from controller.executor.tasks import ask
from drivers.coater import Coater, CoatJob
from drivers.machine import Machine
from drivers.reading import Snapshot
from recipes.model import Coat
from recipes.plan import PlannedStep

HOLD_LIMIT_S = 600.0  # a held coater has stopped its web and cooled; nothing is gained by waiting longer
TEMPERATURE_BAND_K = 3.0  # zone uniformity +-2 K and the sensors' accuracy


async def perform_coat(run: Run, planned: PlannedStep) -> dict[str, Any]:
    """Coats one sheet and returns what the record says of it. Raises RunEnded, DriverError, JournalError."""
    step, coat, laminate = planned.step, planned.step.coat, run.plan.recipe.laminate
    if coat is None or planned.unit is None or planned.gap_um is None:
        raise TypeError(f"step {step.name} is no coating step with a unit")
    machine = run.line.machine(planned.unit)
    layer, substrate = laminate.layers[coat.layer], laminate.foils[coat.substrate]
    with run.line.lease(planned.unit, run.name):
        text = f"Thread {substrate.name} and fill the {coat.slurry.solvent} slurry for {coat.layer} into {planned.unit}"
        load = Prompt(
            "load",
            text,
            unit=planned.unit,
            layer=layer,
            slurry=coat.slurry,
            adds=(substrate,),
            area_mm2=laminate.area_mm2,
        )
        await ask(run, load)
        last = await _coated(run, planned, machine, coat, planned.gap_um)
        run.solvent_pct[step.produces or ""] = last.value("residual_solvent_pct")
        await reset(run, machine)
        await ask(run, Prompt("unload", f"Take {step.produces} off {planned.unit}", (), step.produces, planned.unit))
    return {
        "coating_weight_mg_cm2": {
            "set": layer.coating_weight_mg_cm2,
            "reached": last.value("coating_weight_mg_cm2"),
            "window": [coat.coating_weight_window_mg_cm2.lower, coat.coating_weight_window_mg_cm2.upper],
        },
        "residual_solvent_pct": {"reached": last.value("residual_solvent_pct"), "max": coat.residual_solvent_max_pct},
        "gap_um": {"set": planned.gap_um},
        "web_speed_m_min": {"set": coat.web_speed_m_min},
    }


async def _coated(run: Run, planned: PlannedStep, machine: Machine, coat: Coat, gap_um: float) -> Snapshot:
    job = CoatJob(
        job_id=run.new_job(planned.step.name),
        gap_um=gap_um,
        web_speed_m_min=coat.web_speed_m_min,
        zone1_c=coat.zone_temperatures_c[0],
        zone2_c=coat.zone_temperatures_c[1],
        length_m=coat.length_m,
        tension_n=coat.tension_n,
        temperature_band_k=min(TEMPERATURE_BAND_K, coat.zone_window_k),
    )

    async def start() -> None:
        await run.guard.load(machine, asdict(job), lambda: Coater(machine).load(job))
        await run.guard.start(machine)

    last = await Supervision(run, machine, lambda s: _watch(s, coat, machine.unit), HOLD_LIMIT_S).follow(start)
    if (reason := _complaint(last, coat)) is not None:
        await hold_idle(run, f"{machine.unit}: {reason}; restart accepts the sheet, stop scraps it", "pressline")
    return last


def _watch(snapshot: Snapshot, coat: Coat, unit: str) -> str | None:
    if snapshot.value("alarm_bits"):
        return f"{unit} reports {', '.join(snapshot.bits('alarm_bits'))}"
    if snapshot.text("phase") not in ("coat", "run_out"):
        return None
    for number, setpoint in enumerate(coat.zone_temperatures_c, start=1):
        value = snapshot.value(f"zone{number}_c")
        if abs(value - setpoint) > coat.zone_window_k:
            return f"{unit}: zone {number} is at {value:.1f} degC, outside {setpoint:g} +- {coat.zone_window_k:g} K"
    return None


def _complaint(snapshot: Snapshot, coat: Coat) -> str | None:
    weight, residual = snapshot.value("coating_weight_mg_cm2"), snapshot.value("residual_solvent_pct")
    window = coat.coating_weight_window_mg_cm2
    if not window.holds(weight):
        return f"coating weight {weight:.2f} mg/cm2 is outside {window.lower:g} to {window.upper:g} mg/cm2"
    if residual > coat.residual_solvent_max_pct:
        return f"{residual:.1f} % of solvent is left, more than {coat.residual_solvent_max_pct:g} %"
    return None

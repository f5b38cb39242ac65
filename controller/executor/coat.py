"""A coating step: slurry and substrate loaded, one complete job, zones watched, coating weight and dryness judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import copysign, sqrt
from typing import Any

from controller.executor.fitness import doubt_of
from controller.executor.gates import Outcome, decide, scrap_if_missed
from controller.executor.holding import hold_idle
from controller.executor.judgement import refuse_before, tell_after_step
from controller.executor.loading import load, reset
from controller.executor.prompts import Prompt
from controller.executor.reactions import COATER_HOLD_S
from controller.executor.run import Run
from controller.executor.supervision import Supervision
from controller.executor.tasks import ask
from controller.executor.windows import Remark
from drivers.coater import CoatJob
from drivers.machine import Machine
from drivers.reading import Snapshot
from drivers.wording import beside
from recipes.coated import Found, coat_facts
from recipes.facts import Evidence, Fact, doubted
from recipes.model import Coat, OnMiss
from recipes.plan import PlannedStep
from recipes.rules.kept import fact_of, kept_fact

LEL_ALARM_PCT = 25.0  # usual first alarm of a solvent oven; the coater trips at 50 % (coater-generic.md)
TEMPERATURE_BAND_K = 3.0  # zone uniformity +-2 K and the sensors' accuracy


async def perform_coat(run: Run, planned: PlannedStep) -> dict[str, Any]:
    """Coats one sheet and returns what the record says of it. Raises RunEnded, DriverError, JournalError."""
    step, coat, laminate = planned.step, planned.step.coat, run.plan.recipe.laminate
    if coat is None or planned.unit is None or planned.gap_um is None:
        raise TypeError(f"step {step.name} is no coating step with a unit")
    machine = run.line.machine(planned.unit)
    layer, substrate = laminate.layers[coat.layer], laminate.foils[coat.substrate]
    await refuse_before(run, step.name)
    with run.line.lease(planned.unit, run.name):
        text = f"Thread {substrate.name} and fill the {coat.slurry.solvent} slurry for {coat.layer} into {planned.unit}"
        load = Prompt(
            "load",
            text,
            step.consumes,
            unit=planned.unit,
            layer=layer,
            slurry=coat.slurry,
            adds=(substrate,),
            area_mm2=laminate.area_mm2,
            zones_m=None if coat.zone_length_m is None else (coat.zone_length_m,) * len(coat.zone_temperatures_c),
        )
        reached = run.memory.reached()
        if reached is None:
            await ask(run, load)
            seen = CoatTrace.of(len(coat.zone_temperatures_c), has_sensor="lel_pct" in machine.profile.signals)
            last = await _coated(run, planned, machine, coat, planned.gap_um, seen)
            reached = _reached(last, _facts(machine, coat, seen, last, step.name))
            run.tell("step.reached", reached)
        run.solvent_pct[step.produces or ""] = reached["residual_solvent_pct"]
        outcome = await _accepted(run, planned, machine, _complaint(reached, coat))
        await reset(run, machine)
        await ask(run, _taken_off(step.produces or "", planned.unit, coat.sheets or 1))
    scrap_if_missed(run, step.produces or "", outcome)
    run.facts.add(doubted([fact_of(data) for data in reached["facts"]], doubt_of(run, planned.unit)))
    await tell_after_step(run, step.name)
    return {
        "coating_weight_mg_cm2": {
            "set": layer.coating_weight_mg_cm2,
            "reached": reached["coating_weight_mg_cm2"],
            "window": [coat.coating_weight_window_mg_cm2.lower, coat.coating_weight_window_mg_cm2.upper],
        },
        "residual_solvent_pct": {"reached": reached["residual_solvent_pct"], "max": coat.residual_solvent_max_pct},
        "gap_um": {"set": planned.gap_um},
        "web_speed_m_min": {"set": coat.web_speed_m_min},
    }


def _taken_off(lot: str, unit: str, sheets: int) -> Prompt:
    text = f"Take {lot} off {unit}"
    if sheets > 1:
        text += f", and keep the rest of its web: {sheets} sheets can be cut of it, one for each laminate"
    return Prompt("unload", text, (), lot, unit, sheets=sheets)


def _reached(last: Snapshot, facts: Sequence[Fact]) -> dict[str, Any]:
    """What a coating came to, as the journal can hold it."""
    return {
        "coating_weight_mg_cm2": last.value("coating_weight_mg_cm2"),
        "residual_solvent_pct": last.value("residual_solvent_pct"),
        "facts": [kept_fact(fact) for fact in facts],
    }


@dataclass(slots=True)
class CoatTrace:
    """What was seen of the zones and of the web while it was coated: samples of each.

    has_sensor: the dryer shows its solvent vapour; one for slurries of water may have no sensor for it.
    """

    zones_c: list[list[float]]
    web_speed_m_min: list[float] = field(default_factory=list)
    has_vapour: bool = False
    has_sensor: bool = True

    @classmethod
    def of(cls, zone_count: int, *, has_sensor: bool = True) -> CoatTrace:
        """Nothing seen yet of a dryer with that many zones."""
        return cls([[] for _ in range(zone_count)], has_sensor=has_sensor)

    def add(self, snapshot: Snapshot) -> None:
        for number, zone in enumerate(self.zones_c, start=1):
            zone.append(snapshot.value(f"zone{number}_c"))
        self.web_speed_m_min.append(snapshot.value("web_speed_m_min"))


def _facts(machine: Machine, coat: Coat, seen: CoatTrace, last: Snapshot, step: str) -> list[Fact]:
    """What the coating reached. How long the web stayed in a zone follows from its speed where the length is known."""

    def found(samples: list[float], signal: str) -> Found:
        accuracy = (machine.profile.signals[signal].accuracy or 0.0) / sqrt(3)
        return sum(samples) / len(samples), accuracy, min(samples), max(samples)

    if not seen.web_speed_m_min:
        return []
    speed = found(seen.web_speed_m_min, "web_speed_m_min")
    residence: tuple[Found, ...] = ()
    if coat.zone_length_m is not None and min(seen.web_speed_m_min) > 0.0:
        times = [60.0 * coat.zone_length_m / value for value in (speed[0], *seen.web_speed_m_min)]
        one = (times[0], times[0] * (speed[1] or 0.0) / speed[0], min(times), max(times))
        residence = (one,) * len(coat.zone_temperatures_c)
    weight = machine.profile.signals["coating_weight_mg_cm2"].accuracy or 0.0
    return list(
        coat_facts(
            coat,
            evidence=Evidence.MEASURED,
            source=f"{machine.unit}, {step}"
            + (" (residence: web speed and the recipe's zone_length)" if residence else ""),
            coating_weight_mg_cm2=(last.value("coating_weight_mg_cm2"), weight / sqrt(3), None, None),
            zones_c=tuple(found(zone, f"zone{n}_c") for n, zone in enumerate(seen.zones_c, start=1)),
            web_speed_m_min=speed,
            residence_s=residence,
        )
    )


async def _coated(
    run: Run, planned: PlannedStep, machine: Machine, coat: Coat, gap_um: float, seen: CoatTrace
) -> Snapshot:
    job = CoatJob(
        job_id=run.new_job(planned.step.name),
        gap_um=gap_um,
        web_speed_m_min=coat.web_speed_m_min,
        zones_c=coat.zone_temperatures_c,
        length_m=coat.length_m,
        tension_n=coat.tension_n,
        temperature_band_k=min(TEMPERATURE_BAND_K, coat.zone_window_k),
    )

    async def start() -> None:
        await load(run, machine, planned.step.name, job)
        await run.guard.start(machine)

    return await Supervision(run, machine, lambda s: _watch(s, coat, machine.unit, seen), COATER_HOLD_S).follow(start)


async def _accepted(run: Run, planned: PlannedStep, machine: Machine, reason: str | None) -> Outcome:
    """What becomes of a sheet that is outside its windows: what the step's gate says, or what a person decides."""
    if reason is None:
        return Outcome()
    if planned.step.gate is None:
        await hold_idle(run, f"{machine.unit}: {reason}; restart accepts the sheet, stop scraps it", "pressline")
        return Outcome()
    decision, why = await decide(run, planned, f"{machine.unit}: {reason}", [], "a coated sheet was not pressed yet")
    return Outcome(why if decision is OnMiss.SCRAP else None)


def _watch(snapshot: Snapshot, coat: Coat, unit: str, seen: CoatTrace) -> str | None:
    if snapshot.value("alarm_bits"):
        return f"{unit} reports {', '.join(snapshot.bits('alarm_bits'))}"
    if snapshot.text("phase") not in ("coat", "run_out"):
        return None
    seen.add(snapshot)
    lel_pct = snapshot.value("lel_pct") if seen.has_sensor else 0.0
    if lel_pct >= LEL_ALARM_PCT and not seen.has_vapour:
        seen.has_vapour = True  # told once; the machine itself trips at twice as much
        limit = f"the alarm is at {LEL_ALARM_PCT:g} %"
        return Remark(f"{unit}: solvent vapour is at {lel_pct:.0f} % of the lower explosive limit, {limit}")
    for number, setpoint in enumerate(coat.zone_temperatures_c, start=1):
        value = snapshot.value(f"zone{number}_c")
        if abs(value - setpoint) > coat.zone_window_k:
            shown = beside(value, setpoint + copysign(coat.zone_window_k, value - setpoint))
            return f"{unit}: zone {number} is at {shown} degC, outside {setpoint:g} +- {coat.zone_window_k:g} K"
    return None


def _complaint(reached: Mapping[str, Any], coat: Coat) -> str | None:
    weight, residual = reached["coating_weight_mg_cm2"], reached["residual_solvent_pct"]
    window = coat.coating_weight_window_mg_cm2
    if not window.holds(weight):
        shown = beside(weight, window.lower if weight < window.lower else window.upper, 2)
        return f"coating weight {shown} mg/cm2 is outside {window.lower:g} to {window.upper:g} mg/cm2"
    if residual > coat.residual_solvent_max_pct:
        shown = beside(residual, coat.residual_solvent_max_pct)
        return f"{shown} % of solvent is left, more than {coat.residual_solvent_max_pct:g} %"
    return None

"""A pressing step: load, permissives and order, one complete job, supervision, what was reached, unload."""

from __future__ import annotations

from dataclasses import asdict
from math import hypot, sqrt
from typing import Any

from controller.executor.dwell import Reached
from controller.executor.holding import hold_idle
from controller.executor.judgement import COVERAGE, claimed_windows, lose_track, refuse_before_step, tell_after_step
from controller.executor.loading import load, reset
from controller.executor.prompts import Prompt
from controller.executor.run import Run
from controller.executor.supervision import Supervision
from controller.executor.tasks import ask
from controller.executor.windows import PressView, PressWatch
from drivers.errors import DriverError
from drivers.isostatic_press import IsostaticJob, IsostaticPress
from drivers.machine import Machine
from drivers.reading import Snapshot
from drivers.uniaxial_press import UniaxialJob, UniaxialPress
from recipes.declared import press_facts
from recipes.facts import Evidence
from recipes.model import Press
from recipes.plan import PlannedStep

DWELL_BAND_PCT = 2.0  # the machine's dwell timer counts within it; a wider window of the recipe cannot shorten a dwell
TEMPERATURE_BAND_K = 2.0  # platen and medium uniformity, +-2 K
LINK_LOSS_HOLD_S = {"uniaxial_press": 10.0, "isostatic_press": 60.0}  # a short drop-out of the link costs no laminate
DWELL_TOLERANCE_S = 0.1  # the machine's timer counts whole scans
WET = "the bag has leaked; restart goes on, with no porosity until the lab has measured one"
FINAL_DECOMPRESSION_MPA_S = 1.0  # below 50 MPa gas leaves the pores; slow release keeps the laminate from cracking


async def perform_press(run: Run, planned: PlannedStep) -> dict[str, Any]:
    """Presses one lot and returns what the record says of it. Raises RunEnded, DriverError, JournalError."""
    step, press = planned.step, planned.step.press
    if press is None or planned.unit is None:
        raise TypeError(f"step {step.name} is no pressing step with a unit")
    machine = run.line.machine(planned.unit)
    with run.line.lease(planned.unit, run.name):
        lot = step.consumes[0]
        await ask(
            run,
            Prompt(
                "load", f"Load {lot} into {planned.unit}", (lot,), unit=planned.unit, area_mm2=run.metrology.area_mm2
            ),
        )
        if step.role is not None:
            await refuse_before_step(run, step.role, press)
        reached = await _pressed(run, planned, machine, press)
        await reset(run, machine)
        await ask(
            run, Prompt("unload", f"Take {step.produces} out of {planned.unit}", (lot,), step.produces, planned.unit)
        )
    run.metrology.press(
        step.name,
        planned.layers,
        (reached.pressure_mpa, reached.pressure_uncertainty_mpa),
        (reached.temperature_c, reached.temperature_uncertainty_k),
        reached.dwell_s,
        reached.pressure_mpa / press.ramp_mpa_s,
    )
    run.reached_mpa[step.name] = reached.pressure_max_mpa
    if step.role is not None:
        run.facts.add(
            press_facts(
                step.role,
                evidence=Evidence.MEASURED,
                source=f"{planned.unit}, {step.name}",
                method=press.method.value,
                pressure_mpa=reached.pressure_mpa,
                pressure_uncertainty_mpa=reached.pressure_uncertainty_mpa,
                pressure_extremes_mpa=(reached.pressure_low_mpa, reached.pressure_high_mpa),
                temperature_c=reached.temperature_c,
                temperature_uncertainty_k=reached.temperature_uncertainty_k,
                temperature_extremes_c=(reached.temperature_low_c, reached.temperature_high_c),
                time_s=reached.dwell_s + reached.held_s,
                time_uncertainty_s=DWELL_TOLERANCE_S / sqrt(3),
            )
        )
    await tell_after_step(run, step.name)
    return _result(press, reached)


async def _pressed(run: Run, planned: PlannedStep, machine: Machine, press: Press) -> Reached:
    view = PressView(machine.profile.kind, await _tare_kn(run, machine), run.metrology.area_mm2)
    claims = () if run.is_comparative else claimed_windows(run.rules, planned.step.role)
    watch = PressWatch(press, view, machine.unit, claims, FINAL_DECOMPRESSION_MPA_S)
    job_id = run.new_job(planned.step.name)

    async def start() -> None:
        if isinstance(job := _job(machine, press, view, job_id), UniaxialJob):
            await load(run, machine, asdict(job), lambda: UniaxialPress(machine).load(job))
        else:
            await load(run, machine, asdict(job), lambda: IsostaticPress(machine).load(job))
        await run.guard.start(machine)

    supervision = Supervision(run, machine, watch, press.hold_limit_s, bleed=press.on_hold == "bleed")
    finished = False
    try:
        last = await supervision.follow(start)
        finished = True
    finally:
        if not finished:  # stopped, cancelled or failed: whatever it was, the laminate is no longer what it was
            _tell_interrupted(run, planned, press, watch)
    if (doubt := _doubt(machine, press, watch, last)) is not None:
        lose_track(run, planned.layers)  # it was pressed, and nobody knows how
        await hold_idle(run, f"{machine.unit}: {doubt}; restart presses again", "pressline")
        await reset(run, machine)
        return await _pressed(run, planned, machine, press)
    if watch.has_leaked:
        lose_track(run, planned.layers)
        await hold_idle(run, f"{machine.unit}: {WET}", "pressline")
    return _reached(machine, view, watch, last)


async def _tare_kn(run: Run, machine: Machine) -> float:
    """What the load cell shows with the press open: the weight of the upper die and its own offset."""
    if machine.profile.kind != "uniaxial_press":
        return 0.0
    while True:
        try:
            return (await machine.snapshot()).value("force_pv_kn")
        except DriverError as error:
            await hold_idle(run, f"{machine.unit}: its tare cannot be read: {error}; restart reads again", "pressline")


def _tell_interrupted(run: Run, planned: PlannedStep, press: Press, watch: PressWatch) -> None:
    """What is known of a pressing that did not come to its end; how far it went in the laminate is not known."""
    result = commanded(press)
    highest = watch.pressure_max_mpa if watch.is_building else None
    result["pressure_mpa"] |= {"reached": watch.pressure.mean, "max": highest}
    result["temperature_c"] |= {"reached": watch.temperature.mean}
    if watch.temperature.count:
        result["temperature_c"] |= {"min": watch.temperature.low, "max": watch.temperature.high}
    result["dwell_s"] |= {"reached": watch.dwell_seen_s}
    run.tell("step.interrupted", {"name": planned.step.name, "result": result})
    if watch.is_building:
        lose_track(run, planned.layers)


def _job(machine: Machine, press: Press, view: PressView, job_id: int) -> UniaxialJob | IsostaticJob:
    """The complete job, with the machine's reaction to a lost link in it."""
    kind = machine.profile.kind
    if kind == "isostatic_press":
        return IsostaticJob(
            job_id=job_id,
            pressure_mpa=press.pressure_mpa,
            ramp_mpa_s=press.ramp_mpa_s,
            dwell_s=press.dwell_s,
            decompression_mpa_s=press.release_mpa_s,
            final_decompression_mpa_s=FINAL_DECOMPRESSION_MPA_S,
            temperature_c=press.temperature_c,
            temperature_band_k=TEMPERATURE_BAND_K,
            soak_s=press.soak_s,
            dwell_band_pct=DWELL_BAND_PCT,
            link_loss_hold_s=LINK_LOSS_HOLD_S[kind],
        )
    kn_per_mpa = view.area_mm2 / 1000
    return UniaxialJob(
        job_id=job_id,
        force_kn=press.pressure_mpa * kn_per_mpa + view.tare_kn,
        ramp_kn_s=press.ramp_mpa_s * kn_per_mpa,
        dwell_s=press.dwell_s,
        release_kn_s=press.release_mpa_s * kn_per_mpa,
        temperature_c=press.temperature_c,
        dwell_band_pct=DWELL_BAND_PCT,
        temperature_band_k=TEMPERATURE_BAND_K,
        link_loss_hold_s=LINK_LOSS_HOLD_S[kind],
    )


def _doubt(machine: Machine, press: Press, watch: PressWatch, last: Snapshot) -> str | None:
    """Why the machine's dwell record cannot be believed, if so: it is cross-checked with what we saw."""
    dwell_s = last.value("dwell_elapsed_s")
    if watch.dwell_began_s is None or watch.temperature.mean is None:
        return "the job is complete, but no dwell was seen"
    if dwell_s < press.dwell_s - DWELL_TOLERANCE_S:
        return f"the dwell lasted {dwell_s:.1f} s instead of {press.dwell_s:g} s"
    seen_s = last.time_s - watch.dwell_began_s + 2 * machine.profile.timing.poll_dwelling_s
    if dwell_s > seen_s:
        return f"the machine claims a dwell of {dwell_s:.1f} s, but only {seen_s:.1f} s can have passed"
    mean, accuracy = _dwell_mean_mpa(watch.view, last), _accuracy_mpa(machine, watch.view)
    if not watch.pressure.low - accuracy <= mean <= watch.pressure.high + accuracy:
        seen = f"{watch.pressure.low:.1f} to {watch.pressure.high:.1f} MPa"
        return f"the machine claims a mean pressure of {mean:.1f} MPa, but {seen} was seen"
    return None


def _dwell_mean_mpa(view: PressView, last: Snapshot) -> float:
    if view.kind == "isostatic_press":
        return last.value("dwell_mean_pressure_mpa")
    return view.laminate_mpa(last.value("dwell_mean_force_kn"))


def _accuracy_mpa(machine: Machine, view: PressView) -> float:
    """Bound of the pressure sensor's error, as pressure on the laminate."""
    signals = machine.profile.signals
    if view.kind == "isostatic_press":
        return signals["pressure_a_mpa"].accuracy or 0.0
    return 1000 * (signals["force_pv_kn"].accuracy or 0.0) / view.area_mm2


def _reached(machine: Machine, view: PressView, watch: PressWatch, last: Snapshot) -> Reached:
    """The machine's dwell record is the record; our samples give the extremes and the temperature."""
    sensor = "medium_a_c" if view.kind == "isostatic_press" else "platen_top_c"
    medium_k = (machine.profile.signals[sensor].accuracy or 0.0) / sqrt(3)
    return Reached(
        pressure_mpa=_dwell_mean_mpa(view, last),
        pressure_low_mpa=watch.pressure.low,
        pressure_high_mpa=watch.pressure.high,
        pressure_max_mpa=watch.pressure_max_mpa,
        pressure_uncertainty_mpa=_accuracy_mpa(machine, view) / sqrt(3),
        temperature_c=watch.temperature.mean or 0.0,
        temperature_low_c=watch.temperature.low,
        temperature_high_c=watch.temperature.high,
        temperature_uncertainty_k=hypot(medium_k, watch.laminate.spread_k / sqrt(3)),
        dwell_s=last.value("dwell_elapsed_s"),
        held_s=watch.held_s,
    )


def commanded(press: Press) -> dict[str, Any]:
    """A pressing in the record's form before anything was reached."""
    pressure, temperature = press.pressure_window_mpa, press.temperature_window_c
    return {
        "pressure_mpa": {
            "set": press.pressure_mpa,
            "reached": None,
            "max": None,
            "window": [pressure.lower, pressure.upper],
        },
        "temperature_c": {
            "set": press.temperature_c,
            "reached": None,
            "min": None,
            "max": None,
            "window": [temperature.lower, temperature.upper],
        },
        "dwell_s": {"set": press.dwell_s, "reached": None},
    }


def _result(press: Press, reached: Reached) -> dict[str, Any]:
    result = commanded(press)
    result["pressure_mpa"] |= {
        "reached": reached.pressure_mpa,
        "max": reached.pressure_max_mpa,
        "uncertainty": COVERAGE * reached.pressure_uncertainty_mpa,
    }
    result["temperature_c"] |= {
        "reached": reached.temperature_c,
        "min": reached.temperature_low_c,
        "max": reached.temperature_high_c,
        "uncertainty": COVERAGE * reached.temperature_uncertainty_k,
    }
    result["dwell_s"]["reached"] = reached.dwell_s
    return result

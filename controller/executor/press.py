"""A pressing step: load, permissives and order, one complete job, supervision, what was reached, unload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from controller.executor.continuing import PressAgain, PressContinuation, claimed_times
from controller.executor.dwell import Reached
from controller.executor.fitness import checked_tare
from controller.executor.gates import Again, last_again, pass_gate, scrap_if_missed
from controller.executor.holding import hold_idle
from controller.executor.judgement import (
    claimed_windows,
    lose_track,
    refuse_before_step,
    tell_after_step,
    tell_estimates,
)
from controller.executor.loading import load, reset
from controller.executor.pressings import given_up, learn, merged, tell_facts
from controller.executor.prompts import Prompt
from controller.executor.reached import accuracy_mpa, commanded, doubt, reached_of, result_of
from controller.executor.rejoining import RejoinedWatch, Rejoining, tare_kn
from controller.executor.run import Run
from controller.executor.supervision import Start, Supervision
from controller.executor.tasks import ask
from controller.executor.windows import PressView, PressWatch
from drivers.isostatic_press import IsostaticJob
from drivers.machine import Machine
from drivers.reading import Reading, Snapshot
from drivers.uniaxial_press import UniaxialJob
from recipes.facts import Evidence, doubted
from recipes.isostatic import undone_before
from recipes.model import Press
from recipes.plan import PlannedStep
from recipes.rules.rule import Rule

DWELL_BAND_PCT = 2.0  # the machine's dwell timer counts within it; a wider window of the recipe cannot shorten a dwell
TEMPERATURE_BAND_K = 2.0  # platen and medium uniformity, +-2 K
LINK_LOSS_HOLD_S = {"uniaxial_press": 10.0, "isostatic_press": 60.0}  # a short drop-out of the link costs no laminate
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
        if run.memory.is_at_gate:
            learn_broken_off(run, planned, planned)
        else:
            reached = await _worked(run, planned, machine, press)
            await reset(run, machine)
            learn(run, planned, press, reached)
            tell_facts(run, planned, press, reached)
        outcome = await pass_gate(run, planned, dict, lambda again: repeat(run, planned, machine, again))
        await ask(
            run, Prompt("unload", f"Take {step.produces} out of {planned.unit}", (lot,), step.produces, planned.unit)
        )
    scrap_if_missed(run, step.produces or lot, outcome)
    await tell_after_step(run, step.name)
    return result_of(outcome.press or press, run.pressings[step.name])


async def repeat(run: Run, planned: PlannedStep, machine: Machine, again: Again) -> None:
    """Presses the lot that lies in the machine once more; the estimate and the facts take it in."""
    before = run.pressings.get(planned.step.name)
    spent_s = 0.0 if before is None else before.dwell_s + before.held_s
    reached = await _pressed(run, planned, machine, again.press, spent_s, again)
    await reset(run, machine)
    learn(run, planned, again.press, reached)
    tell_facts(run, planned, again.press, merged(before, reached))


def learn_broken_off(run: Run, pressing: PlannedStep, gated: PlannedStep) -> None:
    """What a re-pressing came to whose controller died after its dwell; one without that makes all of them doubtful."""
    again, known, before = last_again(run, gated), run.memory.reached(), run.pressings.get(pressing.step.name)
    if again is None:
        return
    if known is not None:
        reached = Reached(**known)
        learn(run, pressing, again.press, reached)
        tell_facts(run, pressing, again.press, merged(before, reached))
    elif before is not None:
        run.pressings[pressing.step.name] = replace(before, is_whole=False)
        why = f"nobody knows what re-pressing {again.of.number} of {pressing.step.name} reached"
        measured = [f for f in run.facts if f.subject == pressing.step.role and f.evidence is Evidence.MEASURED]
        run.facts.add(doubted(measured, why))


async def _worked(run: Run, planned: PlannedStep, machine: Machine, press: Press) -> Reached:
    """The work of the step, between load and unload; after a crash no more of it than is left."""
    role, known, held = planned.step.role, run.memory.reached(), run.memory.held_job()
    lot, area_mm2 = planned.step.consumes[0], run.metrology.area_mm2
    rejoined = None if held is None else await _rejoined(run, planned, machine, press, held)
    if known is None and rejoined is None:
        text = f"Load {lot} into {planned.unit}"
        await ask(run, Prompt("load", text, (lot,), unit=planned.unit, area_mm2=area_mm2))
    if role is not None:
        await refuse_before_step(run, role, press)
    if known is not None:
        return Reached(**known)
    reached = rejoined or await _pressed(run, planned, machine, press)
    run.tell("step.reached", asdict(reached))
    return reached


async def _rejoined(
    run: Run, planned: PlannedStep, machine: Machine, press: Press, job: Mapping[str, float]
) -> Reached:
    """Goes on with a job that the machine holds since before this process. Raises JobEnded where it has ended it."""
    area_mm2 = run.metrology.area_mm2
    view = PressView(machine.profile.kind, tare_kn(job, press, area_mm2), area_mm2)
    watch = RejoinedWatch(press, view, machine.unit, _claims(run, planned), FINAL_DECOMPRESSION_MPA_S)
    watch.held_s = 0.0 if run.memory.broken_off is None else run.memory.broken_off.gap_s  # at most, and nobody knows
    going_on = _continuation(run, planned, press, watch, 0.0)
    bleed = press.on_hold == "bleed"
    supervision = Rejoining(run, machine, watch, press.hold_limit_s, bleed=bleed, continuation=going_on)
    return await _followed(run, planned, machine, supervision, None, going_on)


def _continuation(run: Run, planned: PlannedStep, press: Press, watch: PressWatch, spent_s: float) -> PressContinuation:
    times = () if run.is_comparative else claimed_times(run.rules, planned.step.role)
    return PressContinuation(press, watch, times, lambda words: run.tell("run.problem", {"reason": words}), spent_s)


def _claims(run: Run, planned: PlannedStep) -> Sequence[Rule]:
    return () if run.is_comparative else claimed_windows(run.rules, planned.step.role)


async def _pressed(
    run: Run,
    planned: PlannedStep,
    machine: Machine,
    press: Press,
    spent_s: float = 0.0,
    again: Again | None = None,
    before: Reached | None = None,
) -> Reached:
    """One job to its end, with what was given up `before` it; spent_s is the time under pressure of earlier jobs."""
    view = PressView(machine.profile.kind, await _tare_kn(run, machine), run.metrology.area_mm2)
    watch = PressWatch(press, view, machine.unit, _claims(run, planned), FINAL_DECOMPRESSION_MPA_S)
    job_id = run.new_job(planned.step.name)

    async def start() -> None:
        undone = undone_before([other.step for other in run.plan.steps], planned.step.name, run.memory.finished)
        job = _job(machine, press, view, job_id)
        await load(run, machine, planned.step.name, job, undone, None if again is None else again.of)
        await run.guard.start(machine)

    going_on = _continuation(run, planned, press, watch, spent_s)
    bleed = press.on_hold == "bleed"
    supervision = Supervision(run, machine, watch, press.hold_limit_s, bleed=bleed, continuation=going_on)
    return await _followed(run, planned, machine, supervision, start, going_on, again, before)


async def _followed(
    run: Run,
    planned: PlannedStep,
    machine: Machine,
    supervision: Supervision,
    start: Start | None,
    going_on: PressContinuation,
    again: Again | None = None,
    before: Reached | None = None,
) -> Reached:
    """One job from its start, or from where it is held, to its end; or another one, where it could not go on."""
    watch, press = going_on.watch, going_on.press
    watch.on_release = lambda snapshot: _tell_dwelt(run, machine, going_on, snapshot)
    finished = False
    try:
        last = await supervision.follow(start)
        finished = True
    except PressAgain:
        finished = True
        given = _given_up(run, planned, machine, going_on)
        before = given if before is None or given is None else merged(before, given)
        await reset(run, machine)
        return await _pressed(run, planned, machine, press, going_on.pressed_s, again, before)
    finally:
        if not finished:  # stopped, cancelled or failed: whatever it was, the laminate is no longer what it was
            _left(run, planned, press, watch, before)
    if watch.reached is not None and last.text("machine_state") != "COMPLETE":
        return merged(before, watch.reached)  # it ended by itself in the release
    if (doubted := doubt(machine, press, watch, last)) is not None:
        lose_track(run, planned.layers)  # it was pressed, and nobody knows how
        while (why := going_on.against_pressing_again()) is not None:
            await hold_idle(run, f"{machine.unit}: {doubted}; only a stop is left: {why}", "pressline")
        await hold_idle(run, f"{machine.unit}: {doubted}; restart presses again", "pressline")
        await reset(run, machine)
        return await _pressed(run, planned, machine, press, going_on.pressed_s, again, before)
    if watch.has_leaked:
        lose_track(run, planned.layers)
        await hold_idle(run, f"{machine.unit}: {WET}", "pressline")
    return merged(before, reached_of(machine, press, watch, last))


def _left(run: Run, planned: PlannedStep, press: Press, watch: PressWatch, before: Reached | None) -> None:
    """A pressing that nobody goes on with: after a whole dwell it counts, before that nobody knows what it did."""
    if watch.reached is None:
        _tell_interrupted(run, planned, press, watch)
        if watch.is_building:
            lose_track(run, planned.layers)
        return
    reached = merged(before, watch.reached)
    learn(run, planned, press, reached)
    tell_facts(run, planned, press, merged(run.pressings.get(planned.step.name), reached))
    result = result_of(press, run.pressings[planned.step.name])
    run.tell("step.interrupted", {"name": planned.step.name, "result": result})
    tell_estimates(run)


def _tell_dwelt(run: Run, machine: Machine, going_on: PressContinuation, snapshot: Snapshot) -> None:
    """What the laminate has seen is complete once the pressure is let off: it outlives a controller that dies then."""
    watch, press = going_on.watch, going_on.press
    if (
        snapshot.text("machine_state") == "EXECUTE"
        and not watch.has_leaked
        and not doubt(machine, press, watch, snapshot)
    ):
        watch.reached = reached_of(machine, press, watch, snapshot)
        run.tell("step.dwelt", asdict(watch.reached))


def _given_up(run: Run, planned: PlannedStep, machine: Machine, going_on: PressContinuation) -> Reached | None:
    """A job that a person gives up for a new one: the law learns how far it was seen to go, and no further."""
    watch = going_on.watch
    _tell_interrupted(run, planned, going_on.press, watch)
    if isinstance(watch, RejoinedWatch):
        lose_track(run, planned.layers)  # nobody saw all of it
        return None
    before = given_up(watch, accuracy_mpa(machine, watch.view), TEMPERATURE_BAND_K)
    if before is not None:
        learn(run, planned, going_on.press, before)
    return before


async def _tare_kn(run: Run, machine: Machine) -> float:
    """What the load cell shows with the press open: the weight of the upper die and its own offset."""
    if machine.profile.kind != "uniaxial_press":
        return 0.0

    async def read() -> Reading:
        snapshot = await machine.snapshot()
        snapshot.value("force_pv_kn")  # raises for what is stale or bad
        return snapshot.reading("force_pv_kn")

    return await checked_tare(run, machine.unit, "force_pv_kn", read)


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

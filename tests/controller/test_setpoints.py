"""A wrong job is never sent: each value is checked against the plan and the profile before it is journalled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import controller.executor.coat
import controller.executor.press
from controller.executor.prompts import Prompt
from controller.executor.run import Run
from controller.setpoints import Repeated, Work, wrong_setpoints
from drivers.coater import CoatJob
from drivers.isostatic_press import IsostaticJob
from drivers.uniaxial_press import UniaxialJob
from recipes.model import Entry, Gate, OnMiss
from recipes.plan import Plan
from tests.controller.interlock_snapshots import PROFILES, snapshot, well
from tests.controller.recipes_for_tests import EXAMPLE, planned, quick
from tests.controller.scene import Scene

AREA = 1600.0
TARE_KN = 0.8
JOBS: Mapping[str, Any] = {
    "first joining": UniaxialJob(1, 90 * 1.6 + TARE_KN, 16.0, 180.0, 16.0, 25.0, 2.0, 2.0, 10.0),
    "densifying": IsostaticJob(2, 980.0, 5.0, 300.0, 5.0, 1.0, 120.0, 2.0, 180.0, 2.0, 60.0),
}


@cache
def plan_of_example() -> Plan:
    return planned(EXAMPLE, None)


def job_of(step: str) -> tuple[Any, str]:
    """The right job of a step and its kind of machine."""
    if step in JOBS:
        return JOBS[step], "isostatic_press" if step == "densifying" else "uniaxial_press"
    found = next(p for p in plan_of_example().steps if p.step.name == step)
    coat = found.step.coat
    assert coat is not None
    assert found.gap_um is not None
    zones = coat.zone_temperatures_c
    return CoatJob(3, found.gap_um, coat.web_speed_m_min, zones, coat.length_m, coat.tension_n, 3.0), "coater"


def judged(step: str, values: Mapping[str, float], area_mm2: float = AREA, **seen: float) -> list[str]:
    kind = job_of(step)[1]
    shown = well(PROFILES[kind]) | ({"force_pv_kn": TARE_KN} if kind == "uniaxial_press" else {}) | seen
    return wrong_setpoints(
        Work(plan_of_example(), step, area_mm2), PROFILES[kind], snapshot(PROFILES[kind], shown), values
    )


STEPS = ("first joining", "densifying", "coat cathode")


@pytest.mark.parametrize("step", STEPS)
def test_the_right_job_passes(step: str) -> None:
    assert judged(step, job_of(step)[0].signals) == []


@pytest.mark.parametrize("factor", [0.97, 1.03, -1.0, float("nan"), float("inf"), 1e6])
@pytest.mark.parametrize("step", STEPS)
def test_each_value_that_is_not_the_plans_is_found(step: str, factor: float) -> None:
    """3 % is less than any band of the recipes and more than a sensor's error."""
    right = job_of(step)[0].signals
    bounds = ("dwell_band_pct", "temperature_band_k", "link_loss_hold_s", "final_decompression_rate_mpa_s", "job_id")
    for name, value in right.items():
        changed = value * factor if name not in bounds else value * max(factor, 3.0) if factor > 1 else value * factor
        if name in bounds and (0.0 < factor < 1.1 or (name == "job_id" and factor == 1e6)):
            continue  # these only have an upper bound, and a job may have any number
        wrong = judged(step, {**right, name: changed})
        assert len(wrong) == 1, (name, changed, wrong)
        assert name in wrong[0]


def test_the_words_say_what_the_plan_sets() -> None:
    right = JOBS["densifying"].signals
    assert judged("densifying", {**right, "pressure_sp_mpa": 1000.0}) == [
        "pressure_sp_mpa = 1000 MPa, and the plan sets 980 MPa"
    ]
    assert judged("densifying", {**right, "pressure_sp_mpa": 1200.0}) == [
        "pressure_sp_mpa = 1200 MPa is outside 0 to 1100 MPa"
    ]
    assert judged("densifying", {**right, "link_loss_hold_s": 100.0}) == [
        "link_loss_hold_s = 100 s, and the plan allows 0 to 60 s"
    ]


def test_another_steps_job_and_an_unknown_step_are_refused() -> None:
    press = PROFILES["uniaxial_press"]
    seen = snapshot(press, well(press))
    assert wrong_setpoints(Work(plan_of_example(), "no such step", AREA), press, seen, {}) == [
        "the plan has no step no such step"
    ]
    second = wrong_setpoints(
        Work(plan_of_example(), "second joining", AREA), press, seen, JOBS["first joining"].signals
    )
    assert any("force_sp_kn" in text for text in second)
    other = wrong_setpoints(Work(plan_of_example(), "densifying", AREA), press, seen, JOBS["first joining"].signals)
    assert other == [f"the job has the unknown {name}" for name in JOBS["first joining"].signals]


def test_a_value_too_much_or_too_few_is_found() -> None:
    right = JOBS["densifying"].signals
    less = {name: value for name, value in right.items() if name != "soak_s"}
    assert judged("densifying", less) == ["the job has no soak_s"]
    assert judged("densifying", {**right, "speed": 1.0}) == ["the job has the unknown speed"]


def test_every_wrong_value_is_told() -> None:
    right = JOBS["densifying"].signals
    wrong = judged("densifying", {"speed": 1.0, **right, "pressure_sp_mpa": 1200.0, "soak_s": 1.0})
    assert [text.split(" ")[0] for text in wrong] == ["the", "pressure_sp_mpa", "soak_s"]


@pytest.mark.parametrize(("step", "other"), [("coat cathode", "first joining"), ("first joining", "coat cathode")])
def test_another_kind_of_machine_gets_nothing(step: str, other: str) -> None:
    """Not even what both kinds have."""
    values, kind = job_of(other)
    profile = PROFILES[kind]
    wrong = wrong_setpoints(
        Work(plan_of_example(), step, AREA), profile, snapshot(profile, well(profile)), values.signals
    )
    assert wrong == [f"the job has the unknown {name}" for name in values.signals]


def test_only_the_laminates_area_may_be_entered_and_only_a_uniaxial_press_needs_it() -> None:
    plan = plan_of_example()
    thick, sheet = Entry("thickness", "mm2", 2400.0, 1.0), Entry("area", "mm2", 2400.0, 1.0, "the sheet")
    steps = tuple(
        p
        if p.step.task is None
        else replace(p, step=replace(p.step, task=replace(p.step.task, entries=(thick, sheet))))
        for p in plan.steps
    )
    huge = replace(JOBS["first joining"], force_kn=90 * 2.4 + TARE_KN, ramp_kn_s=24.0, release_kn_s=24.0)
    press = PROFILES["uniaxial_press"]
    seen = snapshot(press, well(press) | {"force_pv_kn": TARE_KN})
    assert wrong_setpoints(Work(replace(plan, steps=steps), "first joining", 2400.0), press, seen, huge.signals) == [
        "the laminate's area is 2400 mm2, and the plan's is 1600 mm2"
    ]
    assert judged("densifying", JOBS["densifying"].signals, area_mm2=2400.0) == []


def test_the_force_stands_on_the_tare_that_the_press_shows_and_on_an_area_that_was_asked_for() -> None:
    right = JOBS["first joining"].signals
    assert judged("first joining", right, force_pv_kn=TARE_KN + 1.4) == []
    assert "force_sp_kn" in judged("first joining", right, force_pv_kn=TARE_KN + 1.6)[0]
    larger = replace(JOBS["first joining"], force_kn=90 * 1.64 + TARE_KN, ramp_kn_s=16.4, release_kn_s=16.4)
    assert judged("first joining", larger.signals, area_mm2=1640.0) == []
    huge = replace(JOBS["first joining"], force_kn=90 * 2.4 + TARE_KN, ramp_kn_s=24.0, release_kn_s=24.0)
    assert judged("first joining", huge.signals, area_mm2=2400.0) == [
        "the laminate's area is 2400 mm2, and the plan's is 1600 mm2"
    ]


GATED = "inspect densified assembly"


def gated() -> Plan:
    """The example with a gate that lets the densifying be repeated twice."""
    plan = plan_of_example()
    gate = Gate(next(iter(OnMiss)), most=2, more_pressure_mpa=10.0, more_dwell_s=30.0)
    steps = (replace(p, step=replace(p.step, gate=gate)) if p.step.name == GATED else p for p in plan.steps)
    return replace(plan, steps=tuple(steps))


def judged_again(number: int, values: Mapping[str, float], gate: str = GATED, step: str = "densifying") -> list[str]:
    press = PROFILES[job_of(step)[1]]
    work = Work(gated(), step, AREA, again=Repeated(gate, number))
    return wrong_setpoints(work, press, snapshot(press, well(press)), values)


@pytest.mark.parametrize("number", [1, 2])
def test_a_re_pressing_is_as_the_gate_says(number: int) -> None:
    right = {**JOBS["densifying"].signals, "pressure_sp_mpa": 980.0 + 10 * number, "dwell_sp_s": 300.0 + 30 * number}
    assert judged_again(number, right) == []
    wrong = judged_again(number, JOBS["densifying"].signals)
    assert [text.partition(" = ")[0] for text in wrong] == ["pressure_sp_mpa", "dwell_sp_s"]


@pytest.mark.parametrize(
    ("number", "gate", "step"),
    [(0, GATED, "densifying"), (3, GATED, "densifying"), (1, "bag", "densifying"), (1, GATED, "coat cathode")],
)
def test_a_re_pressing_that_no_gate_allows_is_refused(number: int, gate: str, step: str) -> None:
    assert judged_again(number, job_of(step)[0].signals, gate, step) == [
        f"the plan has no re-pressing {number} of {step} at the gate of {gate}"
    ]


@pytest.mark.parametrize("step", STEPS)
def test_bounds_let_a_job_be_stricter_and_no_laxer(step: str) -> None:
    """Bands, the reaction to a lost link and the final rate: the highest that is allowed, and a bit more."""
    right = job_of(step)[0].signals
    highest = {"dwell_band_pct": 2.0, "temperature_band_k": 3.0, "final_decompression_rate_mpa_s": 2.0}
    highest["link_loss_hold_s"] = 60.0 if step == "densifying" else 10.0
    for name, most in highest.items():
        if name in right:
            assert judged(step, {**right, name: most}) == []
            assert judged(step, {**right, name: 0.5}) == []
            assert [text.partition(" = ")[0] for text in judged(step, {**right, name: 1.01 * most})] == [name]


def test_a_load_cell_that_does_not_say_its_accuracy_may_differ_by_what_is_usual() -> None:
    """The executor has read the tare a moment before."""
    press, right = PROFILES["uniaxial_press"], JOBS["first joining"].signals
    own = replace(press, signals={**press.signals, "force_pv_kn": replace(press.signals["force_pv_kn"], accuracy=None)})
    work = Work(plan_of_example(), "first joining", AREA)
    for tare_kn, refused in ((TARE_KN + 1.4, 0), (TARE_KN - 1.4, 0), (TARE_KN + 1.6, 1), (TARE_KN - 1.6, 1)):
        seen = snapshot(own, well(own) | {"force_pv_kn": tare_kn})
        assert len(wrong_setpoints(work, own, seen, right)) == refused


@pytest.mark.parametrize(
    ("step", "name", "right", "wrong"),
    [
        ("first joining", "dwell_band_pct", (0.0, 2.0), (-0.5, 2.5)),
        ("first joining", "temperature_band_k", (0.0, 3.0), (-0.5, 3.5)),
        ("first joining", "link_loss_hold_s", (0.0, 10.0), (-0.5, 10.5)),
        ("densifying", "dwell_band_pct", (0.0, 2.0), (-0.5, 2.5)),
        ("densifying", "temperature_band_k", (0.0, 3.0), (-0.5, 3.5)),
        ("densifying", "link_loss_hold_s", (0.0, 60.0), (-0.5, 60.5)),
        ("densifying", "final_decompression_rate_mpa_s", (0.0, 2.0), (-0.5, 2.5)),
        ("coat cathode", "temperature_band_k", (0.0, 3.0), (-0.5, 3.5)),
        *((step, "job_id", (1.0, 2.0**32 - 1), (0.0, 2.0**32)) for step in STEPS),
    ],
)
def test_bounds_count_where_a_machine_of_ones_own_would_take_more(
    step: str, name: str, right: tuple[float, ...], wrong: tuple[float, ...]
) -> None:
    """Values below zero included."""
    job, kind = job_of(step)
    profile, plan = PROFILES[kind], plan_of_example()
    own = replace(profile, signals={**profile.signals, name: replace(profile.signals[name], write_range=(-1e9, 1e11))})
    shown = well(own) | ({"force_pv_kn": TARE_KN} if kind == "uniaxial_press" else {})
    work, seen = Work(plan, step, AREA), snapshot(own, shown)
    for value in right:
        assert wrong_setpoints(work, own, seen, {**job.signals, name: value}) == []
    for value in wrong:
        [words] = wrong_setpoints(work, own, seen, {**job.signals, name: value})
        assert words.startswith(f"{name} = {value:g}")
        assert ", and the plan allows " in words


@pytest.mark.parametrize(("factor", "refused"), [(1 - 5e-7, 0), (1 + 5e-7, 0), (1 - 2e-6, 1), (1 + 2e-6, 1)])
def test_a_value_may_differ_by_what_arithmetic_does(factor: float, refused: int) -> None:
    right = JOBS["densifying"].signals
    wrong = judged("densifying", {**right, "pressure_sp_mpa": 980.0 * factor})
    assert len(wrong) == refused
    assert all(", and the plan sets 980 MPa" in text for text in wrong)


def test_a_plan_that_asks_for_no_soaking_gets_none() -> None:
    plan, press, right = plan_of_example(), PROFILES["isostatic_press"], JOBS["densifying"].signals
    found = next(p for p in plan.steps if p.step.name == "densifying")
    assert found.step.press is not None
    bare = replace(found, step=replace(found.step, press=replace(found.step.press, soak_s=0.0)))
    work, seen = Work(replace(plan, steps=(bare,)), "densifying", AREA), snapshot(press, well(press))
    assert wrong_setpoints(work, press, seen, {**right, "soak_s": 0.0}) == []
    assert wrong_setpoints(work, press, seen, {**right, "soak_s": 0.1}) == ["soak_s = 0.1 s, and the plan sets 0 s"]


@pytest.mark.parametrize(("off_mm2", "refused"), [(50.0, 0), (-50.0, 0), (50.1, 1), (-50.1, 1)])
def test_an_area_is_entered_within_its_tolerance(off_mm2: float, refused: int) -> None:
    plan, press = plan_of_example(), PROFILES["uniaxial_press"]
    entry = Entry("area", "mm2", 1600.0, 50.0)
    steps = tuple(
        p if p.step.task is None else replace(p, step=replace(p.step, task=replace(p.step.task, entries=(entry,))))
        for p in plan.steps
    )
    area_mm2 = 1600.0 + off_mm2
    rate = area_mm2 / 100
    job = replace(JOBS["first joining"], force_kn=90 * area_mm2 / 1000 + TARE_KN, ramp_kn_s=rate, release_kn_s=rate)
    seen = snapshot(press, well(press) | {"force_pv_kn": TARE_KN})
    work = Work(replace(plan, steps=steps), "first joining", area_mm2)
    assert len(wrong_setpoints(work, press, seen, job.signals)) == refused


def test_a_zone_is_not_let_vary_by_more_than_its_window() -> None:
    plan = plan_of_example()
    found = next(p for p in plan.steps if p.step.name == "coat cathode")
    assert found.step.coat is not None
    narrow = replace(found, step=replace(found.step, coat=replace(found.step.coat, zone_window_k=1.0)))
    plan, coater = replace(plan, steps=(narrow,)), PROFILES["coater"]
    values = job_of("coat cathode")[0].signals
    work, seen = Work(plan, "coat cathode", AREA), snapshot(coater, well(coater))
    assert wrong_setpoints(work, coater, seen, {**values, "temperature_band_k": 1.0}) == []
    assert len(wrong_setpoints(work, coater, seen, {**values, "temperature_band_k": 1.1})) == 1


# ---------------------------------------------------------------------- a fault of the executor


TAMPERED = [
    (controller.executor.press, "_job", "uniaxial-press-1", "force_kn", 1.5, "force_sp_kn"),
    (controller.executor.coat, "CoatJob", "coater-1", "gap_um", 1.1, "gap_sp_um"),
]


@pytest.mark.parametrize(("module", "maker", "unit", "value", "factor", "signal"), TAMPERED)
def test_a_tampered_job_is_never_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, maker: str, unit: str, value: str, factor: float,
    signal: str,
) -> None:  # fmt: skip
    """Whatever the executor makes of a plan: nothing of the wrong job is journalled as asked for, nor on the wire."""
    make = getattr(module, maker)

    def wrong(*args: Any, **kwargs: Any) -> Any:
        job = make(*args, **kwargs)
        return replace(job, **{value: getattr(job, value) * factor})

    monkeypatch.setattr(module, maker, wrong)
    scene = Scene(recipe=quick(tmp_path / "quick.yaml"))
    scene.play()
    refused = [event.data for event in scene.kinds("command.refused")]
    assert [data["unit"] for data in refused] == [unit]
    assert signal in refused[0]["missing"][0]
    requested = [event.data for event in scene.kinds("command.requested") if event.data["unit"] == unit]
    assert requested == []
    assert scene.simulated.machines[unit].tags["job_id_echo"] == 0
    assert "was not sent a job that the plan does not allow" in scene.record["reason"]
    assert scene.record["state"] == "stopped"


def test_a_press_is_not_loaded_before_what_comes_first_is_done(tmp_path: Path) -> None:
    """A run that claims to go on with the pressing although nobody bagged the lot."""

    class Forgets:
        """The memory of a run in which the leak test is lost."""

        def __init__(self, person: Any, scene: Scene) -> None:
            self._person, self._scene = person, scene

        async def perform(self, prompt: Prompt) -> Any:
            answer = await self._person.perform(prompt)
            if prompt.action == "load" and prompt.unit == "isostatic-press-1":
                self._scene.restore()
            return answer

    async def act(scene: Scene, run: Run) -> None:
        scene.restore = lambda: run.memory.finished.remove("leak test")

    scene = Scene("coater-1", "coat", act, recipe=quick(tmp_path / "quick.yaml"))
    scene.person = lambda person: Forgets(person, scene)
    scene.play()
    (refused,) = [event.data for event in scene.kinds("command.refused")]
    assert refused["missing"] == ["is not loaded: 'leak test' comes first and is not done"]
    assert scene.simulated.machines["isostatic-press-1"].tags["job_id_echo"] == 0

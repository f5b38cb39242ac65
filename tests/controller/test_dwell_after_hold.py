"""A held dwell goes on only as the law and the rules allow; else it is told why not, and what is left to choose."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from controller.executor.run import Run
from tests.controller.recipes_for_tests import variant
from tests.controller.scene import Act, Scene, becomes, nobody

UNIAXIAL, ISO = "uniaxial-press-1", "isostatic-press-1"
REQUIRED = "basis: [honda]\nrules: {H048: {required: yes, at_most: 200 s}}"


def disturb(scene: Scene, unit: str, **values: float) -> None:
    plc = scene.simulated.machines[unit].plc
    plc.disturbances = replace(plc.disturbances, **values)


def refusals(scene: Scene) -> list[str]:
    reasons = [event.data["reason"] for event in scene.kinds("run.state") if event.data["state"] == "holding"]
    return [reason.removeprefix("cannot restart: ") for reason in reasons if reason.startswith("cannot restart: ")]


def step(scene: Scene, name: str = "first joining") -> dict[str, object]:
    found: dict[str, object] = next(step for step in scene.record["steps"] if step["name"] == name)
    return found


def time_fact(scene: Scene, role: str = "join1") -> float:
    facts = scene.kinds("run.facts")[-1].data["facts"]
    return float(
        next(
            fact["value"]
            for fact in facts
            if (fact["subject"], fact["quantity"], fact["evidence"]) == (role, "time", "measured")
        )
    )


async def restart(run: Run, after_s: float) -> None:
    await asyncio.sleep(after_s)
    run.restart("on with it", "operator")
    await asyncio.sleep(1.0)


def test_a_dwell_counts_only_inside_its_window_and_goes_on_when_the_temperature_is_back() -> None:
    async def too_warm(scene: Scene, run: Run) -> None:
        disturb(scene, UNIAXIAL, platen_offset_k=7.0)
        await becomes(run, "held")
        await restart(run, 20.0)
        assert run.state == "held", "it is still too warm"
        disturb(scene, UNIAXIAL, platen_offset_k=0.0)
        await restart(run, 40.0)
        assert run.state == "running"

    scene = Scene(UNIAXIAL, "dwell", too_warm, nobody, after_s=60).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    (why,) = refusals(scene)
    assert why.startswith("uniaxial-press-1: temperature 3")
    assert why.endswith("degC is outside 20 to 30 degC; restart once it is inside again")
    dwell = step(scene)["dwell_s"]
    assert isinstance(dwell, dict)
    assert 178.9 < dwell["reached"] < 179.95, "the part of a second in which it was too warm is no dwell"
    assert 230.0 < time_fact(scene) < 300.0, "the time under pressure is the whole time"


def test_a_dwell_that_would_last_longer_than_a_binding_rule_allows_does_not_go_on(tmp_path: Path) -> None:
    async def hold(scene: Scene, run: Run) -> None:
        await run.hold("phone call", "operator")
        await restart(run, 40.0)
        assert run.state == "held"
        await run.stop("nothing else is left", "operator")

    recipe = variant(tmp_path / "required.yaml", ("basis: [honda]", REQUIRED))
    scene = Scene(UNIAXIAL, "dwell", hold, nobody, recipe).play()
    (why,) = refusals(scene)
    assert why.startswith("uniaxial-press-1: 2")
    assert "s of pressing would come of it, at least 0.1 and at most 200 s is asked (H048, US" in why
    assert "presses again" not in why, "the rule bounds the whole time of pressing"
    assert scene.record["state"] == "stopped"
    assert not [e for e in scene.kinds("command.requested") if e.data["command"] == "restart"]


def test_what_a_rule_only_advises_is_told_and_the_dwell_goes_on(tmp_path: Path) -> None:
    async def hold(scene: Scene, run: Run) -> None:
        await run.hold("phone call", "operator")
        await restart(run, 40.0)

    recipe = variant(tmp_path / "advised.yaml", ("basis: [honda]", REQUIRED.replace("required: yes, ", "")))
    scene = Scene(UNIAXIAL, "dwell", hold, nobody, recipe).play()
    told = [e.data["reason"] for e in scene.kinds("run.problem") if "of pressing would come of it" in e.data["reason"]]
    assert len(told) == 1
    assert scene.record["state"] == "complete"
    dwell = step(scene)["dwell_s"]
    assert isinstance(dwell, dict)
    assert dwell["reached"] == pytest.approx(180.0, abs=0.1)


def test_a_claimed_temperature_that_was_left_under_pressure_cannot_be_mended(tmp_path: Path) -> None:
    async def too_cold(scene: Scene, run: Run) -> None:
        await run.hold("a noise", "operator")
        disturb(scene, ISO, medium_offset_k=-4.0)
        await asyncio.sleep(200.0)
        disturb(scene, ISO, medium_offset_k=0.0)
        await restart(run, 60.0)
        assert run.state == "held"
        await run.stop("nothing else is left", "operator")

    own = "basis: [honda]\nrules: {H013: {at_least: 119 degC}}"
    recipe = variant(tmp_path / "claimed.yaml", ("basis: [honda]", own))
    scene = Scene(ISO, "dwell", too_cold, nobody, recipe, after_s=100).play()
    (why,) = refusals(scene)
    assert "degC is outside the claim (H013, US 2025/0260067 A1 claim 6), under pressure; that cannot be mended" in why
    assert scene.record["state"] == "stopped"


def leaking(*holds_s: float) -> Act:
    """Holds of these lengths; in each the force falls below its window at once, and not so far that the press trips."""

    async def act(scene: Scene, run: Run) -> None:
        for held_s in holds_s:
            await run.hold("a noise", "operator")
            disturb(scene, UNIAXIAL, leak_kn_s=1.5)
            await asyncio.sleep(5.0)
            disturb(scene, UNIAXIAL, leak_kn_s=0.0)
            await restart(run, held_s - 6.0)
            await asyncio.sleep(20.0)

    return act


def test_a_pressure_that_was_missing_for_a_while_is_built_again_and_the_dwell_goes_on() -> None:
    scene = Scene(UNIAXIAL, "dwell", leaking(80.0), nobody).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    assert refusals(scene) == []
    dwell = step(scene)["dwell_s"]
    assert isinstance(dwell, dict)
    assert dwell["reached"] == pytest.approx(180.0, abs=0.1)
    assert time_fact(scene) < 200.0, "time without the pressure is no pressing"


def test_a_pressure_that_was_missing_for_too_long_in_all_is_given_up_and_pressed_again() -> None:
    async def twice_and_again(scene: Scene, run: Run) -> None:
        await leaking(80.0, 80.0)(scene, run)
        assert run.state == "held"
        await restart(run, 1.0)
        assert run.state in ("held", "running")
        if run.state == "held":  # not yet proven to be without pressure
            await restart(run, 30.0)
        assert run.state == "running"

    scene = Scene(UNIAXIAL, "dwell", twice_and_again, nobody).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    why = refusals(scene)[0]
    assert why.startswith("uniaxial-press-1: the pressure was missing for 1")
    assert "the step allows 120 s; restart presses again, stop ends the run" in why
    jobs = [e.data["job"]["job_id"] for e in scene.kinds("command.requested") if e.data["command"] == "load_job"]
    assert len(jobs) == len(set(jobs)) == 8, "three coatings, four pressings, and one of them twice"
    dwell = step(scene)["dwell_s"]
    assert isinstance(dwell, dict)
    assert dwell["reached"] == pytest.approx(180.0, abs=0.1)
    assert time_fact(scene) > 200.0, "both pressings count"
    verdicts = {rule["id"]: rule["verdict"] for rule in scene.record["certificate"]["rules"]}
    assert verdicts["H001"] == "pass", "pressing again is the same joining"
    truth = scene.record["truth"]["layers"] if "truth" in scene.record else {}
    assert truth == {}


def test_a_machine_that_let_its_pressure_off_in_a_hold_offers_to_press_again() -> None:
    async def gone(scene: Scene, run: Run) -> None:
        await run.hold("a noise", "operator")
        disturb(scene, UNIAXIAL, leak_kn_s=20.0)  # the press trips
        await asyncio.sleep(30.0)
        disturb(scene, UNIAXIAL, leak_kn_s=0.0)
        await restart(run, 1.0)
        assert run.state == "running"

    scene = Scene(UNIAXIAL, "dwell", gone, nobody).play()
    told = [e.data["reason"] for e in scene.kinds("run.problem")]
    assert any(reason.endswith("nothing is kept any more; restart presses again, stop ends the run") for reason in told)
    assert scene.record["state"] == "complete", scene.record["reason"]


def test_pressing_again_is_not_offered_where_a_binding_rule_bounds_the_time(tmp_path: Path) -> None:
    async def gone(scene: Scene, run: Run) -> None:
        await asyncio.sleep(60.0)
        await run.hold("a noise", "operator")
        disturb(scene, UNIAXIAL, leak_kn_s=20.0)
        await asyncio.sleep(30.0)
        disturb(scene, UNIAXIAL, leak_kn_s=0.0)
        for _ in range(2):
            await restart(run, 1.0)
            assert run.state == "held"
        await run.stop("nothing else is left", "operator")

    recipe = variant(tmp_path / "required.yaml", ("basis: [honda]", REQUIRED))
    scene = Scene(UNIAXIAL, "dwell", gone, nobody, recipe).play()
    told = [e.data["reason"] for e in scene.kinds("run.problem")]
    assert any("nothing is kept any more; only a stop is left: uniaxial-press-1: 24" in reason for reason in told)
    assert all(why.endswith("only a stop is left") for why in refusals(scene))
    assert len(refusals(scene)) == 2
    assert scene.record["state"] == "stopped"


def test_after_a_bleeding_hold_a_restart_waits_for_zero_and_presses_again(tmp_path: Path) -> None:
    async def hold(scene: Scene, run: Run) -> None:
        await run.hold("a noise", "operator")
        await restart(run, 1.0)
        assert run.state == "held", "it is still letting off"
        await restart(run, 60.0)
        assert run.state == "running"

    recipe = variant(tmp_path / "bleeding.yaml", ("on_hold: keep", "on_hold: bleed"))
    scene = Scene(UNIAXIAL, "dwell", hold, nobody, recipe).play()
    why = "uniaxial-press-1 is not yet proven to be without pressure; restart presses again once it is"
    assert refusals(scene) == [why]
    assert scene.record["state"] == "complete", scene.record["reason"]
    assert time_fact(scene) == pytest.approx(185.0, abs=1.5), "5 s before the hold, and the whole dwell after it"

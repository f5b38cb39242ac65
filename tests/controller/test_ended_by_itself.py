"""A machine that ended by itself needs no hold and no stop; after a whole dwell its pressing counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from controller.executor.run import Run
from tests.controller.scene import Act, Scene, nobody, restarting

SMALL = Path(__file__).with_name("small.yaml")
UNIAXIAL, ISO, COATER = "uniaxial-press-1", "isostatic-press-1", "coater-1"
STEPS = {UNIAXIAL: "joining", ISO: "densifying"}
NO_LINK_S = {UNIAXIAL: 40.0, ISO: 200.0, COATER: 20.0}
"""Long enough for each to end by itself and to be at rest before its link is back."""


def cut_off(unit: str, then: str = "", after_s: float = 5.0) -> Act:
    """The link is lost until the machine has ended by itself, and then a person decides."""

    async def act(scene: Scene, run: Run) -> None:
        scene.unplug(unit)
        await asyncio.sleep(NO_LINK_S[unit])
        scene.plug(unit)
        await asyncio.sleep(after_s)
        if then == "restart":
            run.restart("it has come to its end", "operator")
        elif then:
            await getattr(run, then)("enough of it", "operator")

    return act


def failures(scene: Scene) -> list[str]:
    """What the operator was told of commands that failed while the link was there."""
    return [words for words in scene.record["messages"] if "failed: " in words and "unplugged" not in words]


def pressings(scene: Scene, unit: str) -> int:
    asked = [event.data for event in scene.kinds("command.requested") if event.data["command"] == "start"]
    return len([data for data in asked if data["unit"] == unit])


def test_a_coater_that_ended_by_itself_refuses_a_hold_and_a_stop_and_nothing_is_wrong() -> None:
    scene = Scene(COATER, "run_out", cut_off(COATER, "stop"), nobody, SMALL, after_s=1.0).play()
    assert failures(scene) == []
    rest = "it is ABORTED, proven to be at rest"
    assert scene.record["messages"][1:] == [
        f"coater-1 had ended by itself before the hold: {rest}",
        f"coater-1 had ended by itself before the stop: {rest}",
        "coater-1 is proven to be at rest",
    ]
    assert scene.record["state"] == "stopped"
    told = scene.kinds("command.undelivered")[-1].data
    assert (told["command"], told["error"]) == ("stop", "stop was rejected: wrong_state")


@pytest.mark.parametrize("unit", [UNIAXIAL, ISO])
@pytest.mark.parametrize("command", ["stop", "abort"])
def test_after_a_whole_dwell_a_stopped_pressing_counts(unit: str, command: str) -> None:
    scene = Scene(unit, "release", cut_off(unit, command), nobody, SMALL, after_s=1.0).play()
    assert failures(scene) == []
    assert scene.record["state"] == {"stop": "stopped", "abort": "aborted"}[command]
    assert not scene.kinds("track.lost")
    (dwelt,) = [e.data for e in scene.kinds("step.dwelt") if e.sequence > 0][-1:]
    step = next(step for step in scene.record["steps"] if step["name"] == STEPS[unit])
    assert step["pressure_mpa"]["reached"] == pytest.approx(dwelt["pressure_mpa"], abs=1e-4)
    assert step["dwell_s"]["reached"] == pytest.approx(60.0, abs=0.1)
    assert step["done"] is False
    assert scene.record["layers"]["cathode"]["porosity_pct"] is not None
    facts = scene.kinds("run.facts")[-1].data["facts"]
    role = {UNIAXIAL: "join1", ISO: "densify"}[unit]
    found = [fact["quantity"] for fact in facts if (fact["subject"], fact["evidence"]) == (role, "measured")]
    assert {"pressure", "time"} <= {*found}


@pytest.mark.parametrize("unit", [UNIAXIAL, ISO])
def test_after_a_whole_dwell_a_restart_goes_on_and_presses_nothing_again(unit: str) -> None:
    scene = Scene(unit, "release", cut_off(unit, "restart"), nobody, SMALL, after_s=1.0).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    assert failures(scene) == []
    assert pressings(scene, unit) == 1
    assert not scene.kinds("step.interrupted")
    assert not scene.kinds("track.lost")
    dwelt, reached = scene.kinds("step.dwelt"), scene.kinds("step.reached")
    assert [e.data for e in dwelt] == [e.data for e in reached if "pressure_mpa" in e.data]


def test_a_restart_waits_until_the_press_that_ended_by_itself_is_without_pressure() -> None:
    async def short(scene: Scene, run: Run) -> None:
        scene.unplug(ISO)
        await asyncio.sleep(90.0)
        scene.plug(ISO)

    scene = Scene(ISO, "release", short, restarting(5.0), SMALL, after_s=1.0).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    why = [e.data["reason"] for e in scene.kinds("run.state") if e.data["reason"].startswith("cannot restart")]
    assert f"cannot restart: {ISO} is not yet proven to be without pressure; restart goes on once it is" in why
    assert pressings(scene, ISO) == 1


def test_before_the_dwell_is_whole_nothing_counts_and_what_refuses_under_pressure_stays_a_problem() -> None:
    async def act(scene: Scene, run: Run) -> None:
        plc = scene.simulated.machines[UNIAXIAL].plc
        plc.control_disturbances = replace(plc.control_disturbances, reject="wrong_state", only=frozenset({"stop"}))
        await run.stop("enough", "operator")
        await asyncio.sleep(2.0)
        plc.control_disturbances = replace(plc.control_disturbances, reject=None, only=frozenset())

    scene = Scene(UNIAXIAL, "dwell", act, nobody, SMALL, after_s=10.0).play()
    assert f"{UNIAXIAL}: stop failed: stop was rejected: wrong_state" in failures(scene)
    assert not [words for words in scene.record["messages"] if "by itself" in words]
    assert scene.record["state"] == "stopped"
    assert scene.kinds("track.lost")

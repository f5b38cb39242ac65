"""A pause lets the present step end, waits there with every machine at rest, and lasts until somebody resumes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from controller.events import Event
from controller.executor.run import Run
from controller.session import Attendant
from tests.controller.killing import Kill, Killed, at_event
from tests.controller.recipes_for_tests import quick
from tests.controller.scene import Observed, Scene, nobody, once

UNIAXIAL = "uniaxial-press-1"


def names(scene: Scene, kind: str) -> list[str]:
    return [event.data["name"] for event in scene.kinds(kind)]


def time_of(scene: Scene, state: str, number: int = 0) -> float:
    return [event.time_s for event in scene.kinds("run.state") if event.data["state"] == state][number]


def test_a_pause_lets_the_step_end_and_waits_there_until_somebody_resumes() -> None:
    async def pause(scene: Scene, run: Run) -> None:
        run.pause("lunch", "operator")
        await asyncio.sleep(1800)
        run.resume("back", "operator")

    scene = Observed(UNIAXIAL, "dwell", pause, nobody, watched=(UNIAXIAL,)).play()
    assert scene.states() == ["running", "pausing", "paused", "running", "complete"]
    paused, resumed = time_of(scene, "paused"), time_of(scene, "running", 1)
    first = next(step for step in scene.record["steps"] if step["name"] == "first joining")
    assert first["dwell_s"]["reached"] > 179.9, "the machine is told nothing, its dwell is whole"
    finished = [e.time_s for e in scene.kinds("step.finished") if e.data["name"] == "first joining"]
    started = [e.time_s for e in scene.kinds("step.started") if e.time_s > paused]
    assert finished[0] <= paused < resumed <= min(started)
    tags = [tags for when, tags in scene.tags[UNIAXIAL] if paused + 1 < when < resumed]
    assert {tags["machine_state"] for tags in tags} == {4}, "IDLE"
    assert max(tags["force_pv_kn"] for tags in tags) < 5.0
    by = [(e.data["state"], e.data["who"], e.data["reason"]) for e in scene.kinds("run.state")][1:4:2]
    assert by == [("pausing", "operator", "lunch"), ("running", "operator", "back")]


def test_a_hold_works_from_pausing_and_does_not_end_the_pause() -> None:
    async def pause_and_hold(scene: Scene, run: Run) -> None:
        run.pause("lunch", "operator")
        await asyncio.sleep(5)
        await run.hold("a noise", "other operator")
        await asyncio.sleep(20)
        run.restart("it was the door", "other operator")
        await asyncio.sleep(1800)
        run.resume("back", "operator")

    scene = Scene(UNIAXIAL, "dwell", pause_and_hold, nobody).play()
    states = "running pausing holding held restarting running pausing paused running complete"
    assert scene.states() == states.split()


def test_a_hold_works_from_paused() -> None:
    async def hold_while_paused(scene: Scene, run: Run) -> None:
        run.pause("lunch", "operator")
        await asyncio.sleep(900)
        await run.hold("inspection", "safety officer")
        await asyncio.sleep(60)
        run.restart("done", "safety officer")
        await asyncio.sleep(60)
        run.resume("back", "operator")

    scene = Scene(UNIAXIAL, "dwell", hold_while_paused, nobody).play()
    states = "running pausing paused holding held restarting running pausing paused running complete"
    assert scene.states() == states.split()


def test_a_paused_run_can_be_stopped() -> None:
    async def stop_while_paused(scene: Scene, run: Run) -> None:
        run.pause("lunch", "operator")
        await asyncio.sleep(900)
        await run.stop("no more today", "shift lead")

    scene = Scene(UNIAXIAL, "dwell", stop_while_paused, nobody).play()
    assert scene.states() == ["running", "pausing", "paused", "stopping", "stopped"]
    assert "peel support of solid electrolyte" not in names(scene, "step.started")


def test_a_pause_in_a_task_waits_for_the_task() -> None:
    async def pause(scene: Scene, run: Run) -> None:
        await once(run, lambda event: event.kind == "prompt.asked")
        run.pause("lunch", "operator")
        await asyncio.sleep(600)
        run.resume("back", "operator")

    scene = Scene(UNIAXIAL, "release", pause, nobody, after_s=30).play()
    assert scene.states() == ["running", "pausing", "paused", "running", "complete"]


def test_a_pause_in_the_last_step_waits_before_the_run_is_complete() -> None:
    async def pause(scene: Scene, run: Run) -> None:
        with run.journal.stream.subscribe() as events:
            while (await events.get()).data.get("name") != "inspect electrode laminate":
                pass
        run.pause("wait for me", "operator")
        await asyncio.sleep(3600)
        run.resume("seen", "operator")

    scene = Scene(UNIAXIAL, "dwell", pause, nobody).play()
    assert scene.states() == ["running", "pausing", "paused", "running", "complete"]
    assert time_of(scene, "complete") - time_of(scene, "paused") > 3000


# ---------------------------------------------------------------------- a pause outlives its controller


async def pauses_in_dwell(run: Run, events: asyncio.Queue[Event]) -> None:
    while (await events.get()).data != {"unit": UNIAXIAL, "phase": "dwell"}:
        pass
    run.pause("lunch", "operator")
    await asyncio.Event().wait()


def resuming(after_s: float) -> Attendant:
    """Restarts what was found held, and ends the pause some time after it began."""

    async def attend(run: Run, events: asyncio.Queue[Event]) -> None:
        while True:
            event = await events.get()
            state = event.data.get("state") if event.kind == "run.state" else None
            if state == "held":
                await asyncio.sleep(2.0)
                run.restart("looked at it", "shift lead")
            elif state == "paused":
                await asyncio.sleep(after_s)
                run.resume("back", "operator")

    return attend


@pytest.mark.parametrize(
    ("kill", "gap_s", "then"),
    [
        (at_event("run.state", 5.0, state="paused"), 60.0, "peel support of solid electrolyte"),
        (at_event("run.state", 5.0, state="pausing"), 1.0, "peel support of solid electrolyte"),
        (at_event("run.state", 5.0, state="pausing"), 60.0, "first joining"),
    ],
    ids=["paused", "pausing, the job goes on", "pausing, the job is done again"],
)
def test_a_pause_outlives_the_controller_that_was_asked_for_it(
    kill: Kill, gap_s: float, then: str, tmp_path: Path
) -> None:
    recipe = quick(tmp_path / "quick.yaml")
    killed = Killed([kill], gap_s, attendant=resuming(900.0), first_attendant=pauses_in_dwell, recipe=recipe).play()
    assert killed.record["state"] == "complete", killed.record["reason"]
    later = [event for event in killed.events[killed.deaths[0] :] if event.run == "run"]
    states = [event for event in later if event.kind == "run.state"]
    told = [event.data["state"] for event in states]
    assert told[:6] == ["held", "restarting", "running", "pausing", "paused", "running"], told
    assert "it pauses when no machine works, as operator asked (lunch)" in states[0].data["choices"]["restart"]
    paused, resumed = states[4], states[5]
    assert (states[3].data["reason"], states[3].data["who"]) == ("lunch", "operator")
    assert resumed.time_s - paused.time_s > 899.0
    started = [event for event in later if event.kind == "step.started" and event.sequence > paused.sequence]
    assert not [e for e in later if paused.sequence < e.sequence < resumed.sequence and e.kind == "command.requested"]
    assert (started[0].data["name"], started[0].sequence > resumed.sequence) == (then, True)


def test_a_pause_that_was_ended_before_is_not_kept(tmp_path: Path) -> None:
    async def pauses_and_resumes(run: Run, events: asyncio.Queue[Event]) -> None:
        while (await events.get()).data != {"unit": UNIAXIAL, "phase": "dwell"}:
            pass
        run.pause("lunch", "operator")
        while (await events.get()).data.get("state") != "paused":
            pass
        run.resume("back", "operator")
        await asyncio.Event().wait()

    kill, recipe = at_event("step.started", 1.0, name="second joining"), quick(tmp_path / "quick.yaml")
    killed = Killed([kill], 5.0, first_attendant=pauses_and_resumes, recipe=recipe).play()
    assert killed.states().count("paused") == 1
    assert killed.record["state"] == "complete"

"""A pause lets the present step end, waits there with every machine at rest, and lasts until somebody resumes."""

from __future__ import annotations

import asyncio

from controller.executor.run import Run
from tests.controller.scene import Scene, nobody, once

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

    scene = Scene(UNIAXIAL, "dwell", pause, nobody).play()
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

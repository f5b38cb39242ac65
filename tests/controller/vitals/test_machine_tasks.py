"""A machine's task that dies or hangs in the middle of a run: told, started again, and the run is held meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.connection import HANG_S
from controller.executor import steps
from controller.executor.run import Run
from controller.executor.states import Trigger
from controller.vitals.deaths import TaskDied
from drivers.machine import Machine
from simulators.clock import run_virtual
from tests.controller.scene import Scene, a_run, restarting

PRESS = "uniaxial-press-1"


def conditions(scene: Scene) -> list[tuple[str, str | None, bool]]:
    """What was told of the controller itself: name, unit, active."""
    events = scene.run.journal.events("line")  # type: ignore[attr-defined]
    return [(e.data["name"], e.data["unit"], e.data["active"]) for e in events if e.kind == "condition"]


def breaking(read: Any, times: int = 1) -> Any:
    """An act that lets the next reads of the machine's task be this function; it keeps the run for the test."""

    async def act(scene: Scene, run: Run) -> None:
        scene.run = run  # type: ignore[attr-defined]
        machine: Machine = scene.line.machines[PRESS]
        layer, left = machine._link.layer, times
        really = layer.read

        async def instead(*args: Any, **more: Any) -> Any:
            nonlocal left
            task = asyncio.current_task()
            if left == 0 or task is None or task.get_name() != f"the task of {PRESS}":
                return await really(*args, **more)
            left -= 1
            return await read()

        layer.read = instead  # type: ignore[method-assign]

    return act


async def fails() -> None:
    raise ValueError("no such register")


async def hangs() -> None:
    await asyncio.Event().wait()


def test_a_machine_task_that_dies_is_started_again_and_the_run_goes_on() -> None:
    scene = Scene(PRESS, "ramp", breaking(fails), attendant=restarting(), after_s=1.0).play()
    assert conditions(scene)[0] == ("machine_task_died", PRESS, True)
    assert conditions(scene)[-1] == ("machine_task_died", PRESS, False)
    assert scene.states()[-1] == "complete"


def test_a_machine_task_that_hangs_is_told_and_started_again() -> None:
    scene = Scene(PRESS, "ramp", breaking(hangs), attendant=restarting(), after_s=1.0).play()
    told = [e for e in scene.run.journal.events("line") if e.kind == "condition"]  # type: ignore[attr-defined]
    assert conditions(scene)[:1] == [("machine_task_hung", PRESS, True)]
    words = f"the task of {PRESS} made no progress for {HANG_S:g} s; it is started again (1 of 3)"
    assert told[0].data["message"] == words
    assert "held" in scene.states()
    assert scene.states()[-1] == "complete"


def test_a_machine_task_that_dies_again_and_again_ends_the_block() -> None:
    scene = Scene(PRESS, "ramp", breaking(fails, times=100), after_s=1.0)
    with pytest.raises(TaskDied, match=f"the task of {PRESS} died of a fault of the program: ValueError"):
        scene.play()
    assert conditions(scene) == [("machine_task_died", PRESS, True)] * 4


def test_an_attendant_that_dies_stops_the_run() -> None:
    async def bad(run: Run, events: Any) -> None:
        scene.run = run  # type: ignore[attr-defined]
        while (await events.get()).kind != "step.started":
            pass
        raise LookupError("nobody is on shift")

    scene = Scene(attendant=bad)
    scene.play()
    assert scene.states()[-1] == "stopped"
    assert conditions(scene) == [("attendant_died", None, True)]
    reasons = [event.data["reason"] for event in scene.kinds("run.state")]
    words = (
        "the attendant failed: the attendant of run run died of a fault of the program: LookupError: nobody is on shift"
    )
    assert words in reasons


def test_an_attendant_that_leaves_stops_the_run() -> None:
    async def leaves(run: Run, events: Any) -> None:
        await events.get()

    scene = Scene(attendant=leaves).play()
    assert scene.states()[-1] == "stopped"


def test_a_machine_that_cannot_be_told_to_stop_does_not_keep_the_others_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fault of the program while a fault of the program is answered."""
    told: list[str] = []

    async def lower(self: Any, machine: Machine, command: str, reason: str, who: str) -> None:
        told.append(machine.unit)
        if len(told) == 1:
            raise ValueError("no such register")

    async def works(machine: Machine) -> bool:
        return True

    async def main() -> Run:
        run = a_run()
        await run.raise_state(Trigger.START, "test")
        monkeypatch.setattr(type(run.guard), "lower", lower)
        monkeypatch.setattr(steps, "_may_work", works)
        await steps._fail(run, "a fault of the program")
        return run

    run = run_virtual(main())
    assert len(told) > 1
    assert run.state == "held"
    [problem] = [event for event in run.journal.events() if event.kind == "run.problem"]
    words = f"{told[0]} could not be told to stop: ValueError: no such register; look at it"
    assert problem.data["reason"] == words

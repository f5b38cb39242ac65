"""A run lets go of a machine once no later step needs it, and of none that is not idle and without pressure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from controller.executor.run import Run
from drivers.errors import OwnedByAnother
from drivers.machine import Machine
from drivers.transport.memory import memory_transport
from tests.controller.scene import Observed, Scene

OTHER_LEASE = 77


def released(scene: Observed) -> dict[str, float]:
    return {event.data["unit"]: event.time_s for event in scene.kinds("unit.released")}


def last_of(scene: Observed, unit: str) -> float:
    """When the last step of a unit was finished."""
    names = {step["name"] for step in scene.kinds("run.created")[0].data["steps"] if step["unit"] == unit}
    return max(event.time_s for event in scene.kinds("step.finished") if event.data["name"] in names)


def test_a_machine_is_released_after_the_last_step_that_needs_it() -> None:
    scene = Observed().play()
    assert scene.states()[-1] == "complete"
    assert list(released(scene)) == ["coater-1", "isostatic-press-1", "uniaxial-press-1"]
    for unit, time_s in released(scene).items():
        assert time_s == pytest.approx(last_of(scene, unit), abs=1.0)
        later = [tags["lease_owner"] for when, tags in scene.tags[unit] if when > time_s + 1.0]
        assert set(later) <= {0}
    zones = [tags["zone1_c"] for when, tags in scene.tags["coater-1"] if when > released(scene)["coater-1"] + 60.0]
    assert zones[-1] < zones[0] - 5.0  # nobody is there to see to a hot oven


def test_another_controller_takes_a_released_machine_while_the_run_goes_on() -> None:
    tried: list[str] = []

    async def take(scene: Scene, run: Run) -> None:
        simulated = scene.simulated.machines["coater-1"]
        other = Machine("coater-1", simulated.profile, memory_transport(simulated), lease=OTHER_LEASE)
        while "coater-1" not in run.released:
            try:
                await other._link.ready()
            except OwnedByAnother:
                tried.append("owned")
            await asyncio.sleep(20.0)
        task = asyncio.create_task(other.run())
        await other.wait_link()
        tried.append("taken")
        await asyncio.sleep(1e9)
        task.cancel()

    scene = Observed("coater-1", "coat", take).play()
    assert tried[0] == "owned"
    assert tried[-1] == "taken"
    assert scene.states()[-1] == "complete"
    assert scene.tags["coater-1"][-1][1]["lease_owner"] == OTHER_LEASE


def unplugged(scene: Scene) -> None:
    scene.unplug("coater-1")


def stopped(scene: Scene) -> None:
    scene.simulated.machines["coater-1"].plc.state = "STOPPED"


@pytest.mark.parametrize("wrong", [unplugged, stopped])
def test_a_machine_that_cannot_be_asked_or_is_not_idle_stays_watched(wrong: Callable[[Scene], None]) -> None:
    async def after_the_last_reset(scene: Scene, run: Run) -> None:
        with run.journal.stream.subscribe() as events:
            for _ in range(3):  # sheets of cathode, solid electrolyte and intermediate layer
                while (event := await events.get()).kind != "command.done" or event.data["command"] != "reset":
                    pass
        await asyncio.sleep(2.0)  # a person takes the sheet off
        wrong(scene)

    scene = Observed("coater-1", "coat", after_the_last_reset).play()
    assert scene.states()[-1] == "complete"
    assert "coater-1" not in released(scene)
    assert "uniaxial-press-1" in released(scene)

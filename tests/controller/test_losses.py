"""A machine's plug is pulled, in every kind of machine and on virtual time: held, safe, told, and nothing lost."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from controller.dryrun import SimulatedPerson
from controller.executor.prompts import Answer, Prompt, TaskImpossible
from controller.executor.run import Run
from tests.controller.recipes_for_tests import variant
from tests.controller.scene import Act, Observed, Scene, nobody, restarting


async def pull(scene: Scene, run: Run) -> None:
    scene.unplug(scene.unit)


PRESSURE = {"uniaxial-press-1": "force_pv_kn", "isostatic-press-1": "pressure_a_mpa"}


@pytest.mark.parametrize(
    ("unit", "phase"),
    [
        ("uniaxial-press-1", "dwell"),
        ("uniaxial-press-1", "ramp"),
        ("isostatic-press-1", "dwell"),
        ("isostatic-press-1", "ramp"),
        ("isostatic-press-1", "release"),
    ],
)
def test_a_pulled_plug_holds_the_run_and_the_press_comes_down_by_itself(unit: str, phase: str) -> None:
    scene = Observed(unit, phase, pull).play()
    held = next(event for event in scene.kinds("run.state") if event.data["state"] == "holding")
    timing = scene.line.machines[unit].profile.timing
    values = [(when, tags[PRESSURE[unit]]) for when, tags in scene.tags[unit]]
    pulled = held.time_s - 3.0
    accuracy = scene.line.machines[unit].profile.signals[PRESSURE[unit]].accuracy or 0.0
    peak_before = max(value for when, value in values if when < held.time_s + timing.watchdog_s)
    assert max(value for when, value in values if when > pulled) <= peak_before + accuracy
    limit_s = held.time_s + timing.watchdog_s + timing.decompression_s
    assert values[-1][0] > limit_s - 5.0
    assert max(value for when, value in values if when > limit_s - 5.0) < 5.0
    assert scene.record["state"] == "held"
    assert unit in scene.record["reason"]
    assert any(unit in message and "look at" in message for message in scene.record["messages"])
    assert scene.kinds("run.closed")


def test_a_pulled_coater_stops_its_web_and_keeps_its_air() -> None:
    scene = Observed("coater-1", "coat", pull, after_s=2.0).play()
    _, tags = scene.tags["coater-1"][-1]
    assert tags["web_speed_m_min"] == pytest.approx(0, abs=0.02)
    bits = scene.line.machines["coater-1"].profile.signals["status_bits"].bits
    on = {name for place, name in enumerate(bits) if int(tags["status_bits"]) >> place & 1}
    assert {"fan_running", "exhaust_ok"} <= on
    assert "head_closed" not in on
    assert scene.record["state"] == "held"


def test_a_plug_that_is_put_back_lets_the_stop_through() -> None:
    async def pull_and_put_back(scene: Scene, run: Run) -> None:
        scene.unplug(scene.unit)
        await asyncio.sleep(30)
        scene.plug(scene.unit)

    scene = Observed("isostatic-press-1", "dwell", pull_and_put_back).play()
    assert scene.states()[-1] == "stopped"
    assert any("proven to be without pressure" in message for message in scene.record["messages"])


def test_a_short_interruption_is_held_and_restarted_by_a_person_to_a_full_dwell() -> None:
    async def flicker(scene: Scene, run: Run) -> None:
        scene.unplug(scene.unit)
        await asyncio.sleep(3)
        scene.plug(scene.unit)

    scene = Observed("uniaxial-press-1", "dwell", flicker, restarting()).play()
    restarts = [event for event in scene.kinds("run.state") if event.data["state"] == "restarting"]
    assert restarts
    assert restarts[0].data["who"] == "shift lead"
    first = next(step for step in scene.record["steps"] if step["name"] == "first joining")
    assert scene.record["state"] == "complete", scene.record["reason"]
    assert first["dwell_s"]["reached"] == pytest.approx(180, abs=0.5)


async def stop(scene: Scene, run: Run) -> None:
    await run.stop("enough", "operator")


async def abort(scene: Scene, run: Run) -> None:
    await run.abort("smoke", "operator")


@pytest.mark.parametrize(("act", "state"), [(stop, "stopped"), (abort, "aborted")])
def test_stop_and_abort_reach_the_machine_before_the_journal_and_end_at_proven_zero(act: Act, state: str) -> None:
    scene = Observed("isostatic-press-1", "ramp", act, after_s=100).play()
    assert scene.record["state"] == state
    command = next(event for event in scene.kinds("command.done") if event.data["command"] in ("stop", "abort"))
    assert command.data["who"] == "operator"
    safe = scene.kinds("machine.safe")
    assert len(safe) == 1
    values = [(when, tags["pressure_a_mpa"]) for when, tags in scene.tags["isostatic-press-1"]]
    falling = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(values) if a[0] > command.time_s + 2]
    assert min(falling) > -8.0, "an abort never decompresses faster than 5 MPa/s (and the sensors' noise)"
    assert values[-1][1] < 5.0


def test_abort_during_a_stop_is_taken() -> None:
    async def both(scene: Scene, run: Run) -> None:
        await run.stop("enough", "operator")
        await asyncio.sleep(2)
        await run.abort("now", "operator")

    scene = Observed("isostatic-press-1", "dwell", both).play()
    assert scene.states()[-3:] == ["stopping", "aborting", "aborted"]


def test_hold_keeps_the_pressure_and_becomes_a_stop_when_it_lasts_too_long() -> None:
    async def hold(scene: Scene, run: Run) -> None:
        await run.hold("phone call", "operator")

    scene = Observed("uniaxial-press-1", "dwell", hold, nobody).play()
    held, stopping = (next(e for e in scene.kinds("run.state") if e.data["state"] == s) for s in ("held", "stopping"))
    assert stopping.time_s - held.time_s == pytest.approx(120, abs=1)
    forces = [
        tags["force_pv_kn"] for when, tags in scene.tags["uniaxial-press-1"] if held.time_s + 1 < when < stopping.time_s
    ]
    assert min(forces) > 130
    assert scene.record["state"] == "stopped"


def test_hold_and_restart_go_on_where_they_were() -> None:
    async def hold(scene: Scene, run: Run) -> None:
        await run.hold("phone call", "operator")
        await asyncio.sleep(20)
        run.restart("back again", "operator")

    scene = Observed("uniaxial-press-1", "dwell", hold, nobody).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    first = next(step for step in scene.record["steps"] if step["name"] == "first joining")
    assert first["dwell_s"]["reached"] == pytest.approx(180, abs=0.5)


def test_a_window_that_is_left_holds_the_run(tmp_path: Path) -> None:
    narrow = variant(
        tmp_path / "narrow.yaml", ("temperature_window: 117..132 degC", "temperature_window: 119.9..120.1 degC")
    )
    scene = Observed(recipe=narrow).play()
    assert scene.record["state"] == "stopped"
    assert "above its window" in scene.record["reason"]
    assert scene.tags["isostatic-press-1"][-1][1]["pressure_a_mpa"] < 5.0


def test_an_open_guard_is_a_missing_permissive_told_in_words() -> None:
    class Careless:
        """Leaves the guard open after loading the uniaxial press."""

        def __init__(self, person: SimulatedPerson, scene: Observed) -> None:
            self._person, self._scene = person, scene

        async def perform(self, prompt: Prompt) -> Answer:
            answer = await self._person.perform(prompt)
            if prompt.action == "load" and prompt.unit == "uniaxial-press-1":
                self._scene.simulated.machines["uniaxial-press-1"].plc.guard_closed = False
            return answer

    scene = Observed()
    scene.person = lambda person: Careless(person, scene)
    scene.play()
    assert scene.record["state"] == "stopped"
    assert "uniaxial-press-1 has an open guard" in scene.record["reason"]
    requested = [event.data for event in scene.kinds("command.requested")]
    assert {"unit": "uniaxial-press-1", "command": "start"} not in requested


def test_a_mistyped_area_is_asked_again() -> None:
    class Mistyping:
        def __init__(self, person: SimulatedPerson) -> None:
            self._person = person
            self._typed: Answer | None = None

        async def perform(self, prompt: Prompt) -> Answer:
            if not prompt.entries or prompt.action != "stack":
                return await self._person.perform(prompt)
            if self._typed is not None:
                return self._typed
            self._typed = await self._person.perform(prompt)
            return Answer("hasty", {name: 10 * value for name, value in self._typed.values.items()}, {})

    scene = Observed()
    scene.person = Mistyping
    scene.play()
    asked = [e for e in scene.kinds("prompt.asked") if "area" in e.data["text"]]
    assert [event.data["attempt"] for event in asked] == [1, 2]
    assert scene.record["state"] == "complete"


def test_a_task_that_cannot_be_done_holds_the_run() -> None:
    class Refusing:
        def __init__(self, person: SimulatedPerson) -> None:
            self._person = person

        async def perform(self, prompt: Prompt) -> Answer:
            if prompt.action == "bag":
                raise TaskImpossible("the sealing bar is cold")
            return await self._person.perform(prompt)

    scene = Observed()
    scene.person = Refusing
    scene.play()
    assert scene.record["state"] == "stopped"
    assert "the sealing bar is cold" in scene.record["reason"]

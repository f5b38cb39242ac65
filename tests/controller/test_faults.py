"""What must never happen while a press works: a hold that is none, a stop that is not sent, a crash without a word."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from controller.events import Event
from controller.executor.prompts import Answer, Prompt
from controller.executor.run import Run
from controller.executor.windows import PressView
from controller.journal import Journal, JournalError
from drivers.errors import DeviceRefused
from tests.controller.recipes_for_tests import variant
from tests.controller.scene import Observed, Scene, nobody, restarting

ISO = "isostatic-press-1"


def pressures(scene: Observed, unit: str = ISO) -> list[tuple[float, float]]:
    signal = "pressure_a_mpa" if unit == ISO else "force_pv_kn"
    return [(when, float(tags[signal])) for when, tags in scene.tags[unit]]


def state_at(scene: Observed, time_s: float, unit: str = ISO) -> str:
    tags = next(tags for when, tags in scene.tags[unit] if when >= time_s)
    profile = scene.line.machines[unit].profile
    return str(profile.word("packml_state", int(tags["machine_state"])))


def device(scene: Scene, unit: str = ISO) -> Any:
    return scene.line.machines[unit]._link.layer.transport


def when(scene: Observed, kind: str, **data: Any) -> float:
    return next(e.time_s for e in scene.events if e.kind == kind and data.items() <= e.data.items())


async def short_drop(scene: Scene, run: Run) -> None:
    """The link is gone for 3 s, less than the machine's watchdog time: the machine itself does nothing."""
    scene.unplug(ISO)
    await asyncio.sleep(3)
    scene.plug(ISO)


def test_a_hold_that_was_not_delivered_is_sent_again_until_the_press_holds() -> None:
    scene = Observed(ISO, "ramp", short_drop, nobody, after_s=60).play()
    held_s = when(scene, "run.state", state="held")
    assert state_at(scene, held_s + 12) == "HELD"
    after = [value for time_s, value in pressures(scene) if held_s + 12 < time_s < held_s + 290]
    assert max(after) < min(after) + 12


async def busy_hold(scene: Scene, run: Run) -> None:
    await _busy(scene)
    await run.hold("look", "operator")


async def busy_stop(scene: Scene, run: Run) -> None:
    await _busy(scene)
    await run.stop("enough", "operator")


async def _busy(scene: Scene) -> None:
    """For 3 s the press answers every write with "device busy"."""
    transport = device(scene)
    write, until = transport.write, asyncio.get_running_loop().time() + 3

    async def refusing(address: int, values: list[int], *, priority: bool = False) -> None:
        if asyncio.get_running_loop().time() < until:
            raise DeviceRefused(6)
        await write(address, values, priority=priority)

    transport.write = refusing


def test_a_hold_that_is_refused_for_a_while_is_sent_again() -> None:
    scene = Observed(ISO, "ramp", busy_hold, nobody, after_s=60).play()
    assert scene.kinds("command.undelivered")
    assert state_at(scene, when(scene, "run.state", state="held") + 10) == "HELD"


def test_a_stop_that_is_refused_for_a_while_is_sent_again() -> None:
    scene = Observed(ISO, "ramp", busy_stop, nobody, after_s=60).play()
    assert scene.record["state"] == "stopped"
    assert "could not be reached" not in " ".join(scene.record["messages"])
    assert max(value for _, value in pressures(scene)) < 400


async def plug_pulled_at_the_stop(scene: Scene, run: Run) -> None:
    scene.unplug(ISO)
    stopping = asyncio.create_task(run.stop("enough", "operator"))
    await asyncio.sleep(3)
    scene.plug(ISO)
    await stopping


def test_a_stop_into_a_dropped_link_gets_through_when_it_is_back() -> None:
    scene = Observed(ISO, "ramp", plug_pulled_at_the_stop, nobody, after_s=60).play()
    assert scene.record["state"] == "stopped"
    assert max(value for _, value in pressures(scene)) < 400


async def unreadable_phase(scene: Scene, run: Run) -> None:
    transport = device(scene)
    read, left = transport.read, [1]

    async def garbling(table: str, address: int, count: int, *, priority: bool = False) -> list[int]:
        registers: list[int] = await read(table, address, count, priority=priority)
        if left[0] and address == 0 and count > 18:
            left[0] = 0
            registers[18] = 99
        return registers

    transport.read = garbling


async def failing_view(scene: Scene, run: Run) -> None:
    until = asyncio.get_running_loop().time() + 4
    original = PressView.pressures_mpa

    def pressures_mpa(self: PressView, snapshot: Any) -> tuple[float, float]:
        if snapshot.time_s < until:
            raise KeyError("no such thing")
        return original(self, snapshot)

    scene.restore = lambda: setattr(PressView, "pressures_mpa", original)
    PressView.pressures_mpa = pressures_mpa  # type: ignore[method-assign]


async def foreign_answer_of_an_idle_coater(scene: Scene, run: Run) -> None:
    transport = device(scene, "coater-1")
    exchange = transport.exchange

    async def nonsense(request: bytes, *, check: Any = None, **how: bool) -> bytes:
        if b"RD ST" not in request:
            sound: bytes = await exchange(request, check=check, **how)
            return sound
        answer = await exchange(request, **how)
        body = answer[1:].split(b"*")[0].split(b",")
        body[3] = b"----"
        text = b",".join(body)
        checksum = 0
        for byte in text:
            checksum ^= byte
        broken = b"@" + text + b"*%02X\r\n" % checksum
        check(broken)
        return broken

    transport.exchange = nonsense


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (unreadable_phase, f"{ISO}: phase is bad (99)"),
        (failing_view, f"{ISO}: a fault of the program: KeyError: 'no such thing'"),
    ],
)
def test_whatever_fails_in_the_watch_the_press_is_held(act: Any, reason: str) -> None:
    scene = Observed(ISO, "ramp", act, nobody, after_s=60)
    try:
        scene.play()
    finally:
        scene.restore()
    held_s = when(scene, "run.state", state="held")
    assert state_at(scene, held_s + 5) == "HELD"
    assert scene.kinds("run.closed")
    holds = [event.data["reason"] for event in scene.kinds("run.state") if event.data["state"] == "holding"]
    assert holds[0] == reason


def test_nonsense_of_an_idle_machine_does_not_touch_the_press() -> None:
    scene = Observed(ISO, "ramp", foreign_answer_of_an_idle_coater, after_s=60).play()
    assert scene.record["state"] == "complete", scene.record["reason"]


async def reboot(scene: Scene, run: Run) -> None:
    plc = scene.simulated.machines[ISO].plc
    plc.state, plc.phase, plc.job = "IDLE", "idle", None


async def local_mode(scene: Scene, run: Run) -> None:
    scene.simulated.machines[ISO].plc.mode = "LOCAL"


def test_a_machine_that_lost_its_job_ends_the_run() -> None:
    scene = Observed(ISO, "prepare", reboot, after_s=60).play()
    assert "it has lost its job" in scene.record["reason"]
    assert scene.record["state"] in ("stopped", "held")


def test_a_machine_switched_to_local_is_told() -> None:
    scene = Observed(ISO, "ramp", local_mode, after_s=60).play()
    assert "was switched to LOCAL" in scene.record["reason"]


@pytest.mark.parametrize("event", ["prompt", "load_job"])
def test_nothing_is_started_after_a_stop_was_asked_for(event: str) -> None:
    async def stop_early(run: Run, events: asyncio.Queue[Event]) -> None:
        while True:
            seen = await events.get()
            loaded = seen.kind == "command.done" and seen.data["command"] == "load_job" and seen.data["unit"] == ISO
            prompted = seen.kind == "prompt.answered" and seen.data["action"] == "load" and seen.data["unit"] == ISO
            if (event == "load_job" and loaded) or (event == "prompt" and prompted):
                await run.stop("changed my mind", "operator")

    scene = Observed(attendant=stop_early).play()
    assert scene.record["state"] == "stopped"
    assert max(value for _, value in pressures(scene)) < 8


def test_a_persons_hold_bleeds_where_the_step_says_so(tmp_path: Path) -> None:
    async def hold(scene: Scene, run: Run) -> None:
        await run.hold("look", "operator")

    recipe = variant(tmp_path / "bleed.yaml", ("on_hold: keep", "on_hold: bleed"))
    scene = Observed("uniaxial-press-1", "dwell", hold, nobody, recipe=recipe).play()
    held_s = when(scene, "run.state", state="held")
    assert max(value for time_s, value in pressures(scene, "uniaxial-press-1") if time_s > held_s + 20) < 5


def test_a_journal_that_fails_at_a_restart_leaves_the_press_held(monkeypatch: pytest.MonkeyPatch) -> None:
    append = Journal.append

    async def full(self: Journal, run: str, kind: str, data: Any) -> Event:
        if kind == "run.state" and data["state"] == "restarting":
            raise JournalError("the disk is full")
        return await append(self, run, kind, data)

    async def hold(scene: Scene, run: Run) -> None:
        monkeypatch.setattr(Journal, "append", full)
        await run.hold("look", "operator")
        await asyncio.sleep(10)
        run.restart("go on", "operator")

    scene = Observed(ISO, "ramp", hold, nobody, after_s=60).play()
    assert any("the disk is full" in message for message in scene.record["messages"])
    assert scene.record["state"] == "stopped"
    assert max(value for _, value in pressures(scene)) < 400


def test_a_hold_during_release_can_be_continued() -> None:
    async def hold(scene: Scene, run: Run) -> None:
        await run.hold("look", "operator")

    scene = Observed(ISO, "release", hold, restarting()).play()
    assert scene.record["state"] == "complete", scene.record["reason"]


def test_a_contradicting_thickness_costs_the_estimate_and_the_claims_that_rest_on_it() -> None:
    class Misplaced:
        """Lays a shim under the densified assembly on the gauge."""

        def __init__(self, person: Any, scene: Observed) -> None:
            self._person, self._scene = person, scene

        async def perform(self, prompt: Prompt) -> Answer:
            gauge = self._scene.simulated.machines["thickness-gauge-1"]
            shim = 40.0 if prompt.action == "place" and prompt.consumes == ("densified assembly",) else 0.0
            if prompt.action in ("place", "remove") and prompt.unit == "thickness-gauge-1":
                gauge._offset = shim or min(gauge._offset, 1.0)
            answer: Answer = await self._person.perform(prompt)
            return answer

    scene = Observed(attendant=restarting())
    scene.person = lambda person: Misplaced(person, scene)
    scene.play()
    held = [event for event in scene.kinds("run.state") if event.data["state"] == "holding"]
    assert len(held) == 2
    assert "restart measures again" in held[0].data["reason"]
    assert scene.record["state"] == "complete"
    assert scene.record["layers"]["cathode"]["porosity_pct"] is None
    verdicts = {rule["id"]: rule["verdict"] for rule in scene.record["certificate"]["rules"]}
    assert {verdicts[rule] for rule in ("H003", "H004")} == {"undetermined"}


def test_a_broken_off_pressing_is_told_and_its_layers_are_not_known() -> None:
    async def stop(scene: Scene, run: Run) -> None:
        await run.stop("enough", "operator")

    scene = Observed(ISO, "dwell", stop, after_s=60).play()
    step = next(step for step in scene.record["steps"] if step["name"] == "densifying")
    assert step["pressure_mpa"]["set"] == 980
    assert step["pressure_mpa"]["reached"] == pytest.approx(980, abs=3)
    assert step["dwell_s"]["reached"] == pytest.approx(60, abs=2)
    assert {layer["porosity_pct"] for layer in scene.record["layers"].values()} == {None}
    verdicts = {rule["id"]: rule["verdict"] for rule in scene.record["certificate"]["rules"]}
    assert verdicts["H014"] == "undetermined", "a step that did not finish proves no method"


def test_pressure_is_not_kept_on_sensors_that_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    async def drift(scene: Scene, run: Run) -> None:
        monkeypatch.setattr("controller.executor.windows.sensors_agree", lambda snapshot: False)

    scene = Observed(ISO, "dwell", drift, nobody, after_s=60).play()
    assert scene.record["state"] == "stopped"
    assert "pressure sensors show" in scene.record["reason"]
    assert pressures(scene)[-1][1] < 8


@pytest.mark.parametrize("unit", ["coater-1", "uniaxial-press-1", ISO])
@pytest.mark.parametrize("wanted", ["hold", "stop"])
def test_what_is_asked_while_a_finished_job_is_acknowledged_is_carried_out(
    monkeypatch: pytest.MonkeyPatch, unit: str, wanted: str
) -> None:
    append = Journal.append

    async def slow(self: Journal, run: str, kind: str, data: Any) -> Event:
        if kind == "command.requested" and data["command"] == "reset":
            await asyncio.sleep(0.02)
        return await append(self, run, kind, data)

    async def ask(scene: Scene, run: Run) -> None:
        await (run.hold("look", "operator") if wanted == "hold" else run.stop("enough", "operator"))

    monkeypatch.setattr(Journal, "append", slow)
    scene = Observed(unit, "done", ask, restarting(), after_s=0.01).play()
    assert scene.record["state"] == ("complete" if wanted == "hold" else "stopped"), scene.record["reason"]


def test_a_hold_during_a_start_holds_once() -> None:
    async def hold_early(run: Run, events: asyncio.Queue[Event]) -> None:
        while True:
            seen = await events.get()
            if seen.kind == "command.done" and seen.data["command"] == "load_job" and seen.data["unit"] == ISO:
                await run.hold("look", "operator")
                await asyncio.sleep(10)
                run.restart("go on", "operator")

    scene = Observed(attendant=hold_early).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    assert [event.data["who"] for event in scene.kinds("run.state") if event.data["state"] == "holding"] == ["operator"]


def test_a_run_that_is_cancelled_tells_the_press_to_stop_and_claims_nothing_of_the_laminate() -> None:
    seen: list[Event] = []

    async def leave(scene: Scene, run: Run) -> None:
        with run.journal.stream.subscribe() as events:
            scene.work.cancel()
            while (event := await events.get()).kind != "run.closed":
                seen.append(event)

    with pytest.raises(asyncio.CancelledError):
        Observed(ISO, "dwell", leave, after_s=60).play()
    assert [e.data["command"] for e in seen if e.kind == "command.done"][-1] == "stop"
    assert [event.data["name"] for event in seen if event.kind == "step.interrupted"] == ["densifying"]
    layers = [event for event in seen if event.kind == "porosity.estimated"][-1].data["layers"]
    assert {layer["porosity_pct"] for layer in layers.values()} == {None}


def test_a_start_that_could_not_be_journalled_is_not_sent_and_can_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    append, left = Journal.append, [1]

    async def full_once(self: Journal, run: str, kind: str, data: Any) -> Event:
        if left[0] and kind == "command.requested" and data["command"] == "start" and data["unit"] == ISO:
            left[0] = 0
            raise JournalError("the disk is full")
        return await append(self, run, kind, data)

    monkeypatch.setattr(Journal, "append", full_once)
    scene = Observed(attendant=restarting()).play()
    held = [event for event in scene.kinds("run.state") if event.data["state"] == "holding"]
    assert [event.data["reason"] for event in held] == ["the disk is full"]
    assert scene.record["state"] == "complete", scene.record["reason"]


def test_a_stop_before_the_start_leaves_a_step_that_reached_nothing() -> None:
    async def stop_early(run: Run, events: asyncio.Queue[Event]) -> None:
        while True:
            seen = await events.get()
            if seen.kind == "command.done" and seen.data["command"] == "load_job" and seen.data["unit"] == ISO:
                await run.stop("changed my mind", "operator")

    scene = Observed(attendant=stop_early).play()
    step = next(step for step in scene.record["steps"] if step["name"] == "densifying")
    assert (step["pressure_mpa"]["set"], step["pressure_mpa"]["max"]) == (980, None)
    assert scene.record["layers"]["cathode"]["porosity_pct"] == pytest.approx(25.7, abs=3)

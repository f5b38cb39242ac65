"""What the campaign of faults has found of the executor, each in the smallest run that shows it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.executor.machine_states import alarms
from controller.executor.prompts import Answer, Prompt
from controller.executor.run import Run
from drivers.errors import DeviceRefused
from drivers.profile_file import load_profile
from drivers.reading import Snapshot
from simulators.faults import Injection
from tests.controller.scene import Act, Scene, nobody, restarting

UNIAXIAL, ISO, COATER = "uniaxial-press-1", "isostatic-press-1", "coater-1"


def injecting(fault: str, unit: str | None = None, **parameters: float | str) -> Act:
    async def act(scene: Scene, run: Run) -> None:
        scene.simulated.faults.inject(Injection(fault, unit, parameters=parameters))

    return act


def held_for(scene: Scene) -> list[str]:
    return [event.data["reason"] for event in scene.kinds("run.state") if event.data["state"] == "holding"]


def test_a_force_that_does_not_rise_holds_the_run() -> None:
    scene = Scene(UNIAXIAL, "ramp", injecting("uniaxial.no_rise", UNIAXIAL), after_s=1).play()
    assert scene.record["state"] == "stopped"
    assert held_for(scene)[0].startswith("uniaxial-press-1: phase ramp has lasted 4")


def test_a_medium_that_never_comes_into_its_band_holds_the_run() -> None:
    act = injecting("isostatic.medium_off", ISO, offset_k=-20.0)
    scene = Scene(ISO, "prepare", act, after_s=1).play()
    assert "isostatic-press-1: phase prepare has lasted" in held_for(scene)[0]


def test_a_decompression_that_does_not_end_is_told_and_holds_nothing() -> None:
    async def stuck_for_a_while(scene: Scene, run: Run) -> None:
        number = scene.simulated.faults.inject(Injection("isostatic.decompression", ISO, parameters={"is": "stuck"}))
        await asyncio.sleep(900)
        scene.simulated.faults.clear(number)

    scene = Scene(ISO, "release", stuck_for_a_while, after_s=1).play()
    told = [event.data["reason"] for event in scene.kinds("run.problem")]
    assert len(told) == 1
    assert "isostatic-press-1: phase release has lasted" in told[0]
    assert scene.record["state"] == "complete"
    assert told[0] in scene.record["messages"]


def test_a_bag_that_leaks_is_told_and_leaves_no_porosity_to_be_claimed() -> None:
    scene = Scene(ISO, "ramp", injecting("isostatic.bag_leak", ISO), restarting(times=2), after_s=150).play()
    reasons = held_for(scene)
    assert reasons[0] == "isostatic-press-1: the bag leaks, the medium gets at the laminate"
    assert "the bag has leaked; restart goes on, with no porosity until the lab has measured one" in reasons[1]
    verdicts = {rule["id"]: rule["verdict"] for rule in scene.record["certificate"]["rules"]}
    assert {verdicts[rule] for rule in ("H003", "H004")} == {"undetermined"}


def test_vapour_below_the_trip_is_told_once() -> None:
    scene = Scene(COATER, "coat", injecting("coater.vapour", COATER, rise_pct=35.0), after_s=2).play()
    told = [event.data["reason"] for event in scene.kinds("run.problem")]
    assert len(told) == 1, "once in a coating"
    assert "of the lower explosive limit, the alarm is at 25 %" in told[0]
    assert held_for(scene) == ["coater-1 has solvent vapour in its oven"], "no other coating begins with it"


def test_the_weight_of_another_sheet_is_no_evidence() -> None:
    class OtherSheet:
        """Lays the separator's sheet on the balance where the cathode's was asked for."""

        def __init__(self, person: Any, scene: Scene) -> None:
            self._person, self._scene = person, scene

        async def perform(self, prompt: Prompt) -> Answer:
            answer: Answer = await self._person.perform(prompt)
            if prompt.action == "place" and prompt.unit == "balance-1" and prompt.consumes == ("cathode sheet",):
                world, balance = self._scene.simulated.world, self._scene.simulated.machines["balance-1"]
                balance.lot = world.lot("solid electrolyte sheet")
            return answer

    scene = Scene(attendant=restarting())
    scene.person = lambda person: OtherSheet(person, scene)
    scene.play()
    first, second = held_for(scene)[:2]
    assert first.startswith("balance-1: coating weight of cathode sheet is 1")
    assert first.endswith("restart weighs again")
    assert second.endswith("restart goes on, with no porosity until the lab has measured one")


@pytest.mark.parametrize(("times", "asked"), [(1, 2), (100, 2)])
def test_a_laboratory_value_that_cannot_be_this_lot_is_asked_for_again(times: int, asked: int) -> None:
    class OtherLot:
        """Reports a porosity that is far from what was pressed: once, or for good."""

        def __init__(self, person: Any) -> None:
            self._person, self._left = person, times

        async def perform(self, prompt: Prompt) -> Answer:
            answer: Answer = await self._person.perform(prompt)
            name = next((entry for entry in answer.values if entry.startswith("porosity")), None)
            if prompt.action == "lab" and name is not None and self._left:
                self._left -= 1
                return Answer(answer.by, {**answer.values, name: 80.0}, answer.uncertainties)
            return answer

    scene = Scene(attendant=restarting(), person=OtherLot).play()
    reason, *broken = held_for(scene)
    assert [words.count("(H016") for words in broken] == [1] * (times > 1), "it breaks a claim, if it is true"
    assert "lab: porosity of intermediate of electrode laminate is 80 %" in reason
    assert "another lot, another layer?" in reason
    questions = [e for e in scene.kinds("prompt.asked") if e.data["text"].startswith("Lab: measure the porosity")]
    assert len(questions) == asked
    porosity = scene.record["layers"]["intermediate"]["porosity_pct"]
    assert (porosity == 80.0) == (times > 1), "what the laboratory confirms counts"


def test_a_mistyped_value_is_asked_again_and_the_task_is_not_done_twice() -> None:
    class Mistyping:
        def __init__(self, person: Any) -> None:
            self._person, self._left = person, 1

        async def perform(self, prompt: Prompt) -> Answer:
            answer: Answer = await self._person.perform(prompt)
            if "area" in answer.values and self._left:
                self._left -= 1
                return Answer(answer.by, {"area": 10 * answer.values["area"]}, {})
            return answer

    scene = Scene(person=Mistyping).play()
    asked = [event.data["text"] for event in scene.kinds("prompt.asked") if "area" in event.data["text"]]
    assert [text.startswith("Do nothing again, enter the values again: ") for text in asked] == [False, True]
    assert scene.record["state"] == "complete", scene.record["reason"]


def test_a_prompt_that_nobody_answers_is_told() -> None:
    scene = Scene(COATER, "run_out", injecting("people.unanswered"), after_s=1)

    async def answered_at_last(scene: Scene, run: Run) -> None:
        number = scene.simulated.faults.inject(Injection("people.unanswered"))
        await asyncio.sleep(1500)
        scene.simulated.faults.clear(number)

    scene.act = answered_at_last
    scene.play()
    told = [event.data["reason"] for event in scene.kinds("run.problem")]
    assert told == ["not answered for 900 s: Take cathode sheet off coater-1"]
    assert scene.record["state"] == "complete"


def test_that_another_controller_answers_is_told_while_the_run_is_held() -> None:
    async def exchanged(scene: Scene, run: Run) -> None:
        scene.simulated.faults.inject(Injection("machine.wrong_identity", UNIAXIAL))
        scene.unplug(UNIAXIAL)
        await asyncio.sleep(1)
        scene.plug(UNIAXIAL)

    scene = Scene(UNIAXIAL, "dwell", exchanged, nobody).play()
    told = [event.data["reason"] for event in scene.kinds("run.problem")]
    assert any(reason.startswith("uniaxial-press-1: model 4102 answers, 4101 was expected") for reason in told)


def test_a_controller_that_has_started_anew_is_named() -> None:
    scene = Scene(UNIAXIAL, "dwell", injecting("machine.reboot", UNIAXIAL)).play()
    assert "ended the job by itself: no alarm is shown, its controller has started anew" in scene.record["reason"]


@pytest.mark.parametrize("command", ["load_job", "job"])
def test_a_job_that_did_not_get_through_is_loaded_again_after_a_restart(command: str) -> None:
    """The machine answered a write with an exception; nothing was started, so a restart begins anew where it must."""

    async def refuse_once(scene: Scene, run: Run) -> None:
        transport = scene.line.machines[UNIAXIAL]._link.layer.transport
        write, left = transport.write, [1]

        async def refusing(address: int, values: list[int], **how: Any) -> None:
            is_wanted = address >= 10 if command == "job" else address == 0 and values[0] == 1
            if left[0] and is_wanted and len(values) > 1:
                left[0] = 0
                if command == "load_job":
                    await write(address, values, **how)
                raise DeviceRefused(4)
            await write(address, values, **how)

        transport.write = refusing

    scene = Scene(COATER, "run_out", refuse_once, restarting()).play()
    if command == "job":
        (reason,) = held_for(scene)
        assert reason.endswith("restart loads the job again")
    else:  # the command was carried out, and its acknowledge says so
        assert held_for(scene) == []
    assert scene.record["state"] == "complete", scene.record["reason"]


@pytest.mark.parametrize(
    ("profile", "bits", "told"),
    [
        ("uniaxial-press-generic", 0b011, "no alarm is shown, the two-hand control is released"),
        ("uniaxial-press-generic", 0b110, "no alarm is shown, the safety chain is open"),
        ("coater-generic", 0b11011, "no alarm is shown, the fan stands"),
        ("isostatic-press-generic", 0b1, "no alarm is shown"),
    ],
)
def test_where_no_alarm_is_shown_the_open_switches_are_named(profile: str, bits: int, told: str) -> None:
    known = load_profile(profile)
    values: dict[str, float] = {name: 0.0 for name, signal in known.signals.items() if signal.access == "r"}
    assert alarms(Snapshot.of("press", known, 0.0, {**values, "status_bits": bits})) == told

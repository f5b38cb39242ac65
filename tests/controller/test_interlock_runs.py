"""Interlocks in whole runs on virtual time: what trips, what is told as first, and what happens to a held machine."""

from __future__ import annotations

import asyncio

from controller.executor.run import Run
from simulators.faults.fault import Injection
from tests.controller.scene import Scene, nobody
from tests.controller.test_dry_run import SCHEMA
from tests.controller.test_found_by_faults import injecting

UNI, ISO, COATER = "uniaxial-press-1", "isostatic-press-1", "coater-1"


def tripped(scene: Scene) -> list[dict[str, object]]:
    """What the run was told of interlocks, in order."""
    return [dict(event.data) for event in scene.kinds("interlock.tripped")]


def test_an_open_guard_stops_and_is_told_together_with_the_machines_own_alarm() -> None:
    """The press's controller acts first, in the same scan: within one snapshot nobody knows an order."""
    scene = Scene(UNI, "dwell", injecting("uniaxial.guard_open", UNI)).play()
    first = tripped(scene)[0]
    assert (first["unit"], first["phase"], first["effect"]) == (UNI, "release", "stop")
    assert first["rows"] == first["first"] == ["guard closed", "alarm guard opened"]
    assert scene.record["reason"].endswith("first out: guard closed, alarm guard opened, together")
    kept = scene.record["first_out"][0]
    assert (kept["unit"], kept["rows"]) == (UNI, ["guard closed", "alarm guard opened"])
    assert scene.states()[-2:] == ["stopping", "stopped"]


def test_the_safety_chain_stops_although_the_machine_shows_no_alarm() -> None:
    async def open_chain(scene: Scene, run: Run) -> None:
        scene.simulated.machines[ISO].plc.estop_ok = False

    scene = Scene(ISO, "ramp", open_chain, after_s=20).play()
    assert tripped(scene)[0]["rows"] == ["safety chain"]
    assert "first out: safety chain" in scene.record["reason"]
    assert scene.record["state"] == "stopped"
    told = [event.data["active"] for event in scene.kinds("condition") if event.data["name"] == "interlock_tripped"]
    assert told == [True, False], "the alarm does not outlast the job, and may come again with the next"


def test_a_machine_that_is_switched_to_local_is_held_by_its_row() -> None:
    scene = Scene(UNI, "dwell", injecting("machine.local_mode", UNI)).play()
    assert tripped(scene)[0]["rows"] == ["remote mode"]
    held = [event.data["reason"] for event in scene.kinds("run.state") if event.data["state"] == "holding"]
    assert held[0] == f"{UNI}: was switched to LOCAL"


def test_a_held_press_whose_closure_is_not_proven_any_more_keeps_nothing() -> None:
    """The run was held for another reason; a person cannot keep pressure behind an unproven closure."""

    async def held_then_open(scene: Scene, run: Run) -> None:
        await run.hold("a noise", "a person")
        await asyncio.sleep(20)
        scene.simulated.faults.inject(Injection("isostatic.closure_unproven", ISO))
        await asyncio.sleep(1500)
        await run.stop("enough", "a person")

    scene = Scene(ISO, "ramp", held_then_open, attendant=nobody, after_s=60).play()
    sent = [event for event in scene.events if event.kind in ("command.done", "command.undelivered")]
    stops = [event for event in sent if event.data["command"] == "stop"]  # the press may let off by itself already
    assert "closure or yoke are not proven" in stops[0].data["reason"]
    told = [event.data["reason"] for event in scene.kinds("run.problem")]
    assert any("nothing is kept any more" in reason for reason in told)
    held = next(event.time_s for event in scene.kinds("run.state") if event.data["state"] == "held")
    assert all(event.time_s > held for event in stops)
    assert scene.states().count("stopped") == 1


def test_a_run_in_which_nothing_is_wrong_trips_nothing() -> None:
    scene = Scene().play()
    assert scene.record["state"] == "complete"
    assert tripped(scene) == []
    assert scene.kinds("command.refused") == []
    assert "first_out" not in scene.record
    assert "bypasses" not in scene.record


def test_the_record_with_what_came_first_is_of_the_published_form() -> None:
    import jsonschema

    scene = Scene(COATER, "coat", injecting("coater.fan_failed", COATER), after_s=2).play()
    jsonschema.validate(scene.record, SCHEMA)
    (kept,) = scene.record["first_out"]
    assert kept["rows"] == ["fan"], "the switch is seen at once, the machine's alarm with its next scan"
    assert kept["then"][:1] == ["alarm exhaust low"]

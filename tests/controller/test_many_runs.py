"""Several runs on one line: they share its units and people, and nobody's trouble is another's but for the unit."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from controller.batch_record import why_waiting
from controller.batches import Batch, numbered
from controller.events import EventStream
from controller.executor.allocation import put_back_in_service, take_out_of_service
from controller.executor.waits import BROKEN
from controller.journal import SqliteJournal
from controller.session import Surroundings, run_on
from recipes.plan import Plan
from tests.controller.many import Play, plan_of
from tests.controller.recipes_for_tests import quick, variant
from tests.controller.scene import nobody
from tests.controller.test_cli import pressline

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan_of(quick(tmp_path_factory.mktemp("many") / "quick.yaml"))


@pytest.fixture(scope="module")
def three(plan: Plan) -> Play:
    return Play(numbered(plan, 3, "L")).play()


def unplug(play: Play, unit: str) -> None:
    transport: Any = play.line.machines[unit]._link.layer.transport
    transport.unplug()


def spans(play: Play) -> dict[str, list[tuple[float, float, str]]]:
    """From when to when which run had which machine."""
    found: dict[str, list[tuple[float, float, str]]] = {}
    begun: dict[tuple[str, str], tuple[float, str]] = {}
    for event in play.events:
        if event.kind == "step.started" and event.data["unit"]:
            begun[event.run, event.data["name"]] = event.time_s, event.data["unit"]
        elif event.kind == "step.finished" and (event.run, event.data["name"]) in begun:
            at_s, unit = begun.pop((event.run, event.data["name"]))
            found.setdefault(unit, []).append((at_s, event.time_s, event.run))
    return found


def test_all_are_made_and_proved_and_no_machine_has_two_at_a_time(three: Play) -> None:
    for name in ("L-01", "L-02", "L-03"):
        assert three.state(name) == "complete"
        (certificate,) = three.of(name, "certificate")
        verdicts = {rule["id"]: rule["verdict"] for rule in certificate.data["rules"]}
        assert verdicts["H001"] == verdicts["H005"] == verdicts["H013"] == "pass"
    used = spans(three)
    assert set(used) == {"coater-1", "uniaxial-press-1", "uniaxial-press-2", "isostatic-press-1"}
    for unit, times in used.items():
        for (_, end_s, _), (begin_s, _, _) in zip(sorted(times), sorted(times)[1:], strict=False):
            assert begin_s >= end_s, unit


def test_they_overlap(three: Play) -> None:
    times = {unit: sorted(found) for unit, found in spans(three).items()}
    (first_pressing, *_), (_, last_coating, _) = times["uniaxial-press-1"][0], times["coater-1"][-1]
    assert first_pressing < last_coating
    together = max(end for found in times.values() for _, end, _ in found)
    apart = sum(three.of(name)[-1].time_s for name in ("L-01",)) * 3
    assert together < 0.75 * apart


def test_each_run_knows_its_own_pressings_and_lots_only(three: Play) -> None:
    for name in ("L-01", "L-02", "L-03"):
        (closed,) = three.of(name, "run.closed")
        truth = closed.data["truth"]
        assert set(truth["layers"]) == {"cathode", "solid_electrolyte", "intermediate"}
        assert [step["name"] for step in truth["steps"]] == [
            "first joining",
            "second joining",
            "densifying",
            "third joining",
        ]
    lots = set(three.simulated.world.names)
    assert lots == {f"electrode laminate of L-0{number}" for number in (1, 2, 3)}


def test_why_a_run_waits_is_told_when_it_begins_and_when_it_ends(three: Play) -> None:
    told = three.of("L-02", "run.waiting")
    assert told[0].data == {"for": "coater-1 for coat cathode", "because": "coater-1 works for L-01"}
    assert len(told) == len(three.of("L-02", "run.waited"))
    waited = three.of("L-02", "run.waited")[0]
    assert waited.data["for"] == told[0].data["for"]
    assert waited.data["waited_s"] == pytest.approx(waited.time_s - told[0].time_s)


def test_there_is_always_an_answer_to_why_a_run_waits(three: Play) -> None:
    events = three.of("L-02")
    answers = {why_waiting(events[:number]) for number in range(len(events) + 1)}
    assert why_waiting([]) == "it has not begun"
    assert "it waits for coater-1 for coat cathode: coater-1 works for L-01" in answers
    assert why_waiting(events).startswith("it has ended: complete")
    assert any(answer.startswith("it waits for somebody to ") for answer in answers)
    assert any(answer.startswith("it waits for somebody who is at it: ") for answer in answers)
    assert any(answer.startswith("it waits for nothing: densifying on isostatic-press-1") for answer in answers)
    assert all(answers)


async def test_while_runs_go_on_their_store_tells_what_each_waits_for(three: Play, tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    journal = SqliteJournal(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00", store)
    try:
        first = next(n for n, event in enumerate(three.events) if event.kind == "run.waiting" and event.run == "L-02")
        for event in three.events[: first + 1]:
            await journal.append(event.run, event.kind, event.data)
        shown = pressline("show", "L-02", "--store", str(store))
        assert shown.stdout.splitlines()[-1] == ("now: it waits for coater-1 for coat cathode: coater-1 works for L-01")
        listed = pressline("runs", "--store", str(store)).stdout
        assert "running   none yet      simulated  it waits for coater-1 for coat cathode: coater-1 works" in listed
        told = {
            run["run"]: run["now"]
            for run in json.loads(pressline("runs", "--store", str(store), "--json").stdout)["runs"]
        }
        assert told["L-01"].startswith("it waits for somebody who was asked: Thread aluminum")
    finally:
        await journal.close()


def test_a_machine_is_released_when_no_run_needs_it_any_more(three: Play) -> None:
    released = {event.data["unit"]: event for event in three.events if event.kind == "unit.released"}
    assert set(released) == set(spans(three))
    for unit, found in spans(three).items():
        assert released[unit].time_s >= max(end_s for _, end_s, _ in found)


def test_a_higher_priority_is_served_first(plan: Plan) -> None:
    batches = [Batch("low", plan), Batch("lower", plan, -1), Batch("high", plan, 5)]
    play = Play(batches).play()
    ends = {name: play.of(name, "step.finished")[-1].time_s for name in ("low", "lower", "high")}
    assert ends["high"] < ends["low"] < ends["lower"]


# ---------------------------------------------------------------------- trouble of one


def test_a_run_that_is_stopped_in_a_machine_keeps_it_and_the_others_wait_for_it_alone(plan: Plan) -> None:
    async def act(play: Play) -> None:
        assert play.surroundings is not None
        await play.seen("L-01", "step.phase", unit="isostatic-press-1", phase="dwell")
        await play.run("L-01").stop("looks wrong", "shift lead")
        told = await play.seen("L-02", "run.waiting")
        while "isostatic-press-1" not in told.data["for"]:
            told = await play.seen("L-02", "run.waiting")
        await asyncio.sleep(600.0)
        machine = play.line.machines["isostatic-press-1"]
        await play.run("L-01").guard.reset(machine)
        play.simulated.machines["isostatic-press-1"].plc.take_out()
        await put_back_in_service(play.line, play.surroundings.journal, "isostatic-press-1", "fitter", "emptied it")

    play = Play(numbered(plan, 2, "L"), attendant=nobody, act=act).play()
    assert play.state("L-01") == "stopped"
    assert play.state("L-02") == "complete"
    told = [event.data["because"] for event in play.of("L-02", "run.waiting") if "isostatic" in event.data["for"]]
    kept = "isostatic-press-1 is kept by L-01: densifying did not come to its end"
    assert any(because.startswith(kept) for because in told)
    assert [event.data["unit"] for event in play.of("line", "unit.in_service")] == ["isostatic-press-1"]
    joined = next(event for event in play.of("L-02", "step.finished") if event.data["name"] == "second joining")
    assert joined.time_s < play.of("line", "unit.in_service")[0].time_s  # it went as far as it could


def test_a_held_run_blocks_its_machine_and_nothing_else_and_goes_on_when_somebody_restarts_it(plan: Plan) -> None:
    async def act(play: Play) -> None:
        await play.seen("L-01", "step.phase", unit="uniaxial-press-1", phase="dwell")
        await play.run("L-01").hold("a look", "shift lead")
        await asyncio.sleep(60.0)
        play.run("L-01").restart("looked", "shift lead")

    play = Play(numbered(plan, 2, "L"), attendant=nobody, act=act).play()
    assert [event.data["state"] for event in play.of("L-01", "run.state")].count("held") == 1
    assert [event.data["state"] for event in play.of("L-02", "run.state")] == ["running", "complete"]
    assert play.state("L-01") == "complete"


def test_whoever_is_held_while_it_waits_lets_others_pass_and_keeps_its_place(plan: Plan) -> None:
    async def act(play: Play) -> None:
        await play.seen("L-02", "run.waiting")
        await play.run("L-02").hold("wait", "shift lead")
        await play.seen("L-03", "step.started", name="coat cathode")
        play.run("L-02").restart("go on", "shift lead")

    play = Play(numbered(plan, 3, "L"), attendant=nobody, act=act).play()
    first = {name: play.of(name, "step.started")[0].time_s for name in ("L-01", "L-02", "L-03")}
    assert first["L-01"] < first["L-03"] < first["L-02"]
    assert {play.state(name) for name in first} == {"complete"}


def test_a_stop_gets_through_to_a_run_that_waits_and_nobody_waits_behind_it(plan: Plan) -> None:
    async def act(play: Play) -> None:
        await play.seen("L-02", "run.waiting")
        await play.run("L-02").stop("not needed", "shift lead")

    play = Play(numbered(plan, 3, "L"), act=act).play()
    assert play.state("L-02") == "stopped"
    assert play.of("L-02", "run.state")[-1].time_s < 60.0
    assert play.of("L-02", "step.started") == []
    assert play.state("L-03") == "complete"


def test_whoever_is_stopped_before_anybody_came_to_its_machine_does_not_keep_it(plan: Plan) -> None:
    async def act(play: Play) -> None:
        while True:
            told = await play.seen("L-02", "run.waiting")
            if told.data["for"] == "somebody to load at coater-1":
                break
        assert play.line.owners["coater-1"] == "L-02"
        await play.run("L-02").stop("not needed", "shift lead")

    play = Play(numbered(plan, 3, "L"), people=1, act=act).play()
    assert play.state("L-02") == "stopped"
    assert play.state("L-03") == "complete"


def test_a_machine_in_maintenance_is_passed_by_and_need_not_be_switched_on(plan: Plan) -> None:
    async def first(play: Play) -> None:
        assert play.surroundings is not None
        await take_out_of_service(play.line, play.surroundings.journal, "uniaxial-press-1", "fitter", "new seal")
        unplug(play, "uniaxial-press-1")

    play = Play(numbered(plan, 2, "L"), first=first).play()
    assert "uniaxial-press-1" not in spans(play)
    assert {play.state(name) for name in ("L-01", "L-02")} == {"complete"}
    (told,) = play.of("line", "unit.out_of_service")
    assert told.data == {"unit": "uniaxial-press-1", "who": "fitter", "reason": "new seal"}


def test_a_machine_that_could_stand_in_and_does_not_answer_is_passed_by(plan: Plan) -> None:
    async def first(play: Play) -> None:
        unplug(play, "uniaxial-press-2")

    play = Play(numbered(plan, 2, "L"), first=first).play()
    assert "uniaxial-press-2" not in spans(play)
    assert {play.state(name) for name in ("L-01", "L-02")} == {"complete"}
    (told,) = play.of("line", "unit.out_of_service")
    assert told.data["reason"].startswith("it does not answer: ")


def test_without_another_one_it_is_waited_for_and_the_reason_is_told(plan: Plan) -> None:
    async def act(play: Play) -> None:
        assert play.surroundings is not None
        journal = play.surroundings.journal
        await take_out_of_service(play.line, journal, "isostatic-press-1", "fitter", "yearly inspection")
        await asyncio.sleep(4 * 3600.0)
        assert play.line.allocation.why("L-01") == (
            "isostatic-press-1 for densifying",
            "isostatic-press-1 is out of service (fitter: yearly inspection)",
        )
        await put_back_in_service(play.line, journal, "isostatic-press-1", "fitter", "inspected")

    play = Play(numbered(plan, 1, "L"), attendant=nobody, act=act).play()
    assert play.state("L-01") == "complete"
    waited = [event.data["waited_s"] for event in play.of("L-01", "run.waited") if "isostatic" in event.data["for"]]
    assert waited[0] > 3 * 3600.0


def test_where_nobody_is_there_whoever_needs_a_unit_that_is_shut_is_stopped_and_not_left_waiting(plan: Plan) -> None:
    async def act(play: Play) -> None:
        assert play.surroundings is not None
        await play.seen("L-01", "step.phase", unit="isostatic-press-1", phase="dwell")
        await play.run("L-01").stop("looks wrong", "shift lead")

    play = Play(numbered(plan, 3, "L"), act=act).play()
    for name in ("L-02", "L-03"):
        assert play.state(name) == "stopped"
        stopping = next(event.data for event in play.of(name, "run.state") if event.data["state"] == "stopping")
        assert stopping["reason"] == (
            "densifying needs isostatic-press-1, which is kept by L-01: densifying did not come to its end; look at it,"
            " then put it back in service, and nobody is there to put it back in service"
        )


def test_what_one_run_fails_of_is_told_when_the_others_have_ended(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(plan: Plan, surroundings: Surroundings, name: str) -> None:
        if name == "L-01":
            await asyncio.sleep(60.0)
            raise RuntimeError("a fault")
        await run_on(plan, surroundings, name)

    monkeypatch.setattr("controller.batches.run_on", failing)
    play = Play(numbered(plan, 2, "L"))
    with pytest.raises(RuntimeError, match="a fault"):
        play.play()
    assert play.surroundings is not None
    states = [e.data["state"] for e in play.surroundings.journal.events("L-02") if e.kind == "run.state"]
    assert states == ["running", "complete"]


# ---------------------------------------------------------------------- maximum waits


def waiting_recipe(folder: Path, limit: str) -> Plan:
    file = variant(
        folder / "waits.yaml",
        ("web_speed: 0.8 m/min", "web_speed: 4 m/min"),
        ("length: 0.4 m", "length: 0.1 m"),
        ("residual_solvent_max: 2 %", "residual_solvent_max: 99 %"),
        (
            "    consumes: tight bag\n",
            f"    within: [{{time: {limit}, of: second joining}}]\n    consumes: tight bag\n",
        ),
    )
    return plan_of(file)


def longest_wait_s(play: Play, names: list[str]) -> float:
    """From the end of the second joining until somebody loads the isostatic press."""
    found = []
    for name in names:
        events = play.of(name)
        ended = next(e.time_s for e in events if e.kind == "step.finished" and e.data["name"] == "second joining")
        loaded = next(e.time_s for e in events if e.kind == "prompt.begun" and e.data["unit"] == "isostatic-press-1")
        found.append(loaded - ended)
    return max(found)


def test_laminates_are_begun_so_that_a_maximum_wait_is_kept(tmp_path: Path) -> None:
    names = [f"L-0{number}" for number in range(1, 6)]
    free = Play(numbered(waiting_recipe(tmp_path, "24 h"), 5, "L")).play()
    assert longest_wait_s(free, names) > 1500.0
    kept = Play(numbered(waiting_recipe(tmp_path, "25 min"), 5, "L")).play()
    assert longest_wait_s(kept, names) <= 1500.0
    assert [event for event in kept.events if event.kind == "condition"] == []
    told = [event.data for event in kept.events if event.kind == "run.waiting" and "right time" in event.data["for"]]
    assert told[0]["for"] == "the right time for second joining"
    assert told[0]["because"].startswith("densifying could not begin within 25 min of second joining, as things stand")

    def last(play: Play) -> float:
        return max(event.time_s for event in play.events if event.kind == "step.finished")

    assert last(kept) == pytest.approx(last(free), rel=0.02)  # the press that everybody waits for loses nothing


def test_whoever_is_held_at_the_gate_keeps_nobody_behind_it(tmp_path: Path) -> None:
    async def act(play: Play) -> None:
        while True:
            told = (await play.seen("L-03", "run.waiting")).data
            if told["for"] == "the right time for second joining" and not told["because"].startswith("after"):
                break
        await play.run("L-03").hold("wait", "shift lead")
        async with asyncio.timeout(2 * 3600.0):
            await play.seen("L-04", "step.finished", name="second joining")
        play.run("L-03").restart("go on", "shift lead")

    play = Play(numbered(waiting_recipe(tmp_path, "25 min"), 4, "L"), attendant=nobody, act=act).play()
    assert {play.state(name) for name in ("L-01", "L-02", "L-03", "L-04")} == {"complete"}


def test_nothing_is_begun_that_would_lie_before_a_unit_that_is_out_of_service(tmp_path: Path) -> None:
    async def act(play: Play) -> None:
        assert play.surroundings is not None
        journal = play.surroundings.journal
        await take_out_of_service(play.line, journal, "isostatic-press-1", "fitter", "a leak")
        told = await play.seen("L-01", "run.waiting", **{"for": "the right time for second joining"})
        assert told.data["because"] == (
            "densifying could not begin within 25 min of second joining, as things stand without isostatic-press-1"
        )
        await asyncio.sleep(3600.0)
        await put_back_in_service(play.line, journal, "isostatic-press-1", "fitter", "mended")

    play = Play(numbered(waiting_recipe(tmp_path, "25 min"), 1, "L"), attendant=nobody, act=act).play()
    assert play.state("L-01") == "complete"
    assert play.of("L-01", "condition") == []


def test_a_broken_maximum_wait_is_a_condition_that_ends_when_the_step_begins(tmp_path: Path) -> None:
    async def act(play: Play) -> None:
        assert play.surroundings is not None
        journal = play.surroundings.journal
        await play.seen("L-01", "step.started", name="second joining")
        await take_out_of_service(play.line, journal, "isostatic-press-1", "fitter", "a leak")
        await play.seen("L-01", "condition")
        await asyncio.sleep(120.0)
        await put_back_in_service(play.line, journal, "isostatic-press-1", "fitter", "mended")

    play = Play(numbered(waiting_recipe(tmp_path, "25 min"), 1, "L"), attendant=nobody, act=act).play()
    broken, ended = play.of("L-01", "condition")
    joined = next(event for event in play.of("L-01", "step.finished") if event.data["name"] == "second joining")
    assert broken.time_s == pytest.approx(joined.time_s + 1500.0, abs=0.1)
    assert broken.data == {
        "name": BROKEN,
        "unit": None,
        "active": True,
        "message": "densifying has not begun 25.0 min after the end of second joining, the longest that the recipe"
        " allows",
        "step": "densifying",
        "after": "second joining",
        "item": "second joining-densifying",
    }
    assert not ended.data["active"]
    assert ended.data["message"].startswith("densifying began 27.")
    assert play.state("L-01") == "complete"


# ---------------------------------------------------------------------- the commands


def dry_run(file: Path, hash_seed: str, *more: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli.main", "dry-run", str(file), "--laminates", "3", "--json", *more],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_same_seed_gives_the_same_journal_of_all_runs_in_whatever_process(tmp_path: Path) -> None:
    file = quick(tmp_path / "quick.yaml")
    one, two = dry_run(file, "1", "--seed", "7"), dry_run(file, "4242", "--seed", "7")
    assert one["journal_hash"] == two["journal_hash"]
    assert one["journal_hash"] != dry_run(file, "1", "--seed", "8")["journal_hash"]

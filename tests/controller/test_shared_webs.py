"""One web for several laminates: coated and inspected once, cut for each, and known in each one's record by name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.batch_record import batches_document
from controller.batches import carry_out_all, numbered
from controller.crew import Crew, Member
from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import Event
from controller.executor.allocation import put_back_in_service
from controller.executor.waits import BROKEN
from controller.journal import verify
from controller.lots.fold import lots_of
from controller.lots.genealogy import Kind, Node, genealogy
from controller.lots.model import LotId
from controller.resuming import continue_run
from controller.session import Surroundings, unattended
from recipes.plan import Plan
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.controller.killing import MortalJournal, _unplug
from tests.controller.many import PROFILES, Play, plan_of
from tests.controller.recipes_for_tests import variant
from tests.controller.scene import nobody, restarting
from tests.controller.test_many_runs import spans

WEBS = Path(__file__).with_name("webs.yaml")
NAMES = ["L-01", "L-02", "L-03", "L-04"]
WEB_STEPS = ["mixing", "coating", "inspecting"]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(WEBS)


@pytest.fixture(scope="module")
def four(plan: Plan) -> Play:
    return Play(numbered(plan, 4, "L")).play()


def steps(events: list[Event], kind: str, run: str) -> list[str]:
    return [event.data["name"] for event in events if event.kind == kind and event.run == run]


def facts(events: list[Event], run: str) -> dict[tuple[str, str], list[Any]]:
    """What was measured, from the last word of a run on its facts."""
    told = [event for event in events if event.kind == "run.facts" and event.run == run][-1].data["facts"]
    found: dict[tuple[str, str], list[Any]] = {}
    for fact in told:
        if fact["evidence"] == "measured":
            found.setdefault((fact["subject"], fact["quantity"]), []).append(fact)
    return found


def of_coating(known: Mapping[tuple[str, str], list[Any]]) -> dict[tuple[str, str], list[Any]]:
    found = {key: facts for key, facts in known.items() if key[0] == "cathode_coating"}
    assert ("cathode_coating", "web_speed") in found
    return found


def by_coater(known: Mapping[tuple[str, str], list[Any]]) -> list[Any]:
    return [fact for found in of_coating(known).values() for fact in found if fact["source"].startswith("coater-1")]


# ---------------------------------------------------------------------- coated once


def test_four_laminates_of_one_web_are_coated_once(four: Play) -> None:
    assert {four.state(name) for name in NAMES} == {"complete"}
    assert len(spans(four)["coater-1"]) == 1
    assert steps(four.events, "step.finished", "L-01")[:3] == WEB_STEPS
    for name in NAMES[1:]:
        assert steps(four.events, "step.supplied", name) == WEB_STEPS
        assert not set(steps(four.events, "step.finished", name)) & set(WEB_STEPS)
    measured = [event.run for event in four.events if event.kind == "measurement" and event.data["lot"] == "sheet"]
    assert measured == ["L-01", "L-01"]


def test_what_was_measured_of_the_web_is_known_in_each_run_by_the_name_of_its_record(four: Play) -> None:
    made, taken = of_coating(facts(four.events, "L-01")), of_coating(facts(four.events, "L-03"))
    assert {key: [fact["value"] for fact in found] for key, found in taken.items()} == {
        key: [fact["value"] for fact in found] for key, found in made.items()
    }
    assert all(fact["source"].endswith(" of run L-01") for found in taken.values() for fact in found)
    (coated,) = [e.data for e in four.of("L-03", "step.supplied") if e.data["name"] == "coating"]
    record = next(e for e in four.of("L-01", "step.finished") if e.data["name"] == "coating")
    assert coated["from"] == {"run": "L-01", "lot": "sheet", "record": record.sequence, "ended_utc": record.utc}
    assert coated["result"] == record.data["result"]


def test_the_record_of_each_says_who_did_the_step(four: Play) -> None:
    (document,) = [run for run in batches_document(four.events, NAMES, {}, 2, None)["runs"] if run["run"] == "L-02"]
    by = {step["name"]: (step["done"], step.get("supplied_by")) for step in document["steps"]}
    assert by == {
        **dict.fromkeys(WEB_STEPS, (True, "L-01")),
        "joining": (True, None),
        "looking": (True, None),
    }
    (coating,) = [step for step in document["steps"] if step["name"] == "coating"]
    assert coating["coating_weight_mg_cm2"]["reached"] == pytest.approx(27.0, abs=1.0)
    assert any(message.startswith("coating: done by run L-01, as its record ") for message in document["messages"])


def test_each_laminate_has_its_own_sheet_with_the_truth_of_the_web(four: Play) -> None:
    worlds = [four.simulated.world.lot(f"joined sheet of {name}") for name in NAMES]
    assert len({id(lot.layers[0]) for lot in worlds}) == 4
    assert len({lot.layers[0].coating_weight_mg_cm2 for lot in worlds}) == 1
    porosities = [lot.layers[0].porosity_pct for lot in worlds]
    assert max(porosities) < 45.0, "each was pressed"
    truths = [four.of(name, "run.closed")[0].data["truth"]["layers"]["cathode"] for name in NAMES]
    assert [truth["porosity_pct"] for truth in truths] == pytest.approx(porosities)


def test_genealogy_leads_from_each_laminate_to_the_same_web_and_slurry_and_back(four: Play) -> None:
    lots = lots_of(four.events)
    graph = genealogy(lots)
    web = Node(Kind.LOT, "L-01/sheet")
    slurry = Node(Kind.LOT, "L-01/slurry")
    for name in NAMES:
        behind = graph.reached(Node(Kind.LOT, f"{name}/joined sheet"))
        assert {web, slurry, Node(Kind.FOIL, "aluminum")} <= behind
        assert any(node.kind is Kind.MACHINE and node.name.startswith("coater-1") for node in behind)
    ahead = graph.reached(slurry, forward=True)
    assert {Node(Kind.LOT, f"{name}/joined sheet") for name in NAMES} <= ahead
    assert lots[LotId("L-02", "sheet")].made_from == (LotId("L-01", "sheet"),)
    assert lots[LotId("L-02", "sheet")].people == ("simulated operator",)
    assert LotId("L-02", "slurry") not in lots


def test_what_a_person_says_against_the_web_keeps_back_all_that_rests_on_it(four: Play) -> None:
    last = four.events[-1]
    data = {"lot": "sheet", "status": "quarantine", "who": "lab", "why": "wrong slurry"}
    said = replace(last, sequence=last.sequence + 1, run="L-01", kind="lot.status", data=data)
    words = "it holds a sheet of L-01/sheet, which is kept back: wrong slurry (lab)"
    assert words in lots_of([*four.events, said])[LotId("L-02", "joined sheet")].reasons
    assert words not in lots_of(four.events)[LotId("L-02", "joined sheet")].reasons


def test_why_a_run_waits_is_its_sheet(plan: Plan) -> None:
    told: list[Any] = []

    async def act(play: Play) -> None:
        await play.seen("L-01", "step.started", name="coating")
        await asyncio.sleep(10.0)
        told.append(play.line.allocation.why("L-03"))

    Play(numbered(plan, 3, "L"), act=act).play()
    (why,) = told
    assert why == (
        "its sheet of coating",
        "L-01 coats it with its own and has still to do coating, inspecting",
    )


def test_more_laminates_than_sheets_need_another_web_and_the_same_seed_gives_the_same_journal(plan: Plan) -> None:
    one, other = (Play(numbered(plan, 5, "L")).play() for _ in range(2))
    assert [e.run for e in one.events if e.kind == "step.finished" and e.data["name"] == "coating"] in (
        ["L-01", "L-05"],
        ["L-05", "L-01"],
    )
    assert one.events[-1].hash == other.events[-1].hash


def test_a_recipe_that_does_not_ask_for_it_coats_for_each(tmp_path: Path) -> None:
    alone = plan_of(variant(tmp_path / "alone.yaml", ("      sheets: 4\n", ""), source=WEBS))
    play = Play(numbered(alone, 2, "L")).play()
    assert len(spans(play)["coater-1"]) == 2
    assert not [event for event in play.events if event.kind == "step.supplied"]


# ---------------------------------------------------------------------- the supplier fails


def test_a_supplier_that_is_stopped_before_its_web_is_inspected_is_followed_by_the_next_one(plan: Plan) -> None:
    async def act(play: Play) -> None:
        assert play.surroundings is not None
        await play.seen("L-01", "prompt.asked", action="place", unit="balance-1")
        await play.run("L-01").stop("looks wrong", "shift lead")
        await play.seen("L-02", "run.waiting", **{"for": "the right time for coating"})
        await put_back_in_service(play.line, play.surroundings.journal, "balance-1", "shift lead", "empty")

    play = Play(numbered(plan, 4, "L"), attendant=nobody, act=act).play()
    assert [play.state(name) for name in NAMES] == ["stopped", "complete", "complete", "complete"]
    assert steps(play.events, "step.finished", "L-02")[:3] == WEB_STEPS
    for name in ("L-03", "L-04"):
        assert {e.data["from"]["run"] for e in play.of(name, "step.supplied")} == {"L-02"}
    (told,) = [e.data["reason"] for e in play.of("L-02", "run.problem")]
    assert told == "L-01 has ended without a web that can be cut: this run does mixing itself"


def test_where_nobody_is_there_whoever_needs_what_the_supplier_left_is_stopped_and_not_left_waiting(plan: Plan) -> None:
    async def act(play: Play) -> None:
        await play.seen("L-01", "prompt.asked", action="place", unit="balance-1")
        await play.run("L-01").stop("looks wrong", "shift lead")

    play = Play(numbered(plan, 3, "L"), act=act).play()
    assert [play.state(name) for name in NAMES[:3]] == ["stopped", "stopped", "stopped"]
    stopping = next(e.data["reason"] for e in play.of("L-02", "run.state") if e.data["state"] == "stopping")
    assert stopping.startswith("inspecting needs balance-1, which is kept by L-01: ")


def test_a_supplier_that_is_stopped_in_the_coater_keeps_it_and_the_next_one_coats_when_it_is_back(plan: Plan) -> None:
    async def act(play: Play) -> None:
        assert play.surroundings is not None
        await play.seen("L-01", "step.phase", unit="coater-1", phase="coat")
        await play.run("L-01").stop("looks wrong", "shift lead")
        await play.seen("L-02", "run.waiting", **{"for": "the right time for coating"})
        await play.run("L-01").guard.reset(play.line.machine("coater-1"))
        await put_back_in_service(play.line, play.surroundings.journal, "coater-1", "shift lead", "cleaned")

    play = Play(numbered(plan, 3, "L"), attendant=nobody, act=act).play()
    assert [play.state(name) for name in NAMES[:3]] == ["stopped", "complete", "complete"]
    assert {e.data["from"]["run"] for e in play.of("L-03", "step.supplied")} == {"L-02"}


def test_a_supplier_that_is_stopped_after_its_web_is_inspected_leaves_good_sheets(plan: Plan) -> None:
    async def act(play: Play) -> None:
        await play.seen("L-01", "step.finished", name="inspecting")
        await play.run("L-01").stop("not wanted any more", "shift lead")

    play = Play(numbered(plan, 2, "L"), act=act).play()
    assert [play.state(name) for name in NAMES[:2]] == ["stopped", "complete"]
    assert steps(play.events, "step.supplied", "L-02") == WEB_STEPS


def test_a_run_that_is_held_while_it_waits_takes_its_sheet_when_it_goes_on(plan: Plan) -> None:
    async def act(play: Play) -> None:
        await play.seen("L-01", "step.started", name="coating")
        await play.run("L-02").hold("wait", "shift lead")
        await play.seen("L-01", "step.finished", name="looking")
        play.run("L-02").restart("go on", "shift lead")

    play = Play(numbered(plan, 2, "L"), attendant=nobody, act=act).play()
    assert play.state("L-02") == "complete"
    assert steps(play.events, "step.supplied", "L-02") == WEB_STEPS


def test_a_maximum_wait_counts_from_the_real_end_of_the_coating(tmp_path: Path) -> None:
    tight = plan_of(variant(tmp_path / "tight.yaml", ("{time: 30 min, of", "{time: 40 s, of"), source=WEBS))
    play = Play(numbered(tight, 2, "L")).play()
    ended = next(e.time_s for e in play.of("L-01", "step.finished") if e.data["name"] == "coating")
    loaded = next(e.time_s for e in play.of("L-02", "prompt.begun") if e.data["action"] == "load")
    broken, over = [e.data for e in play.of("L-02", "condition") if e.data["name"] == BROKEN]
    assert loaded > ended + 40.0
    assert broken["message"].startswith("joining has not begun 40 s after the end of coating")
    assert over["message"] == f"joining began {loaded - ended:.0f} s after the end of coating"


# ---------------------------------------------------------------------- a controller that dies


KILLS: Mapping[str, tuple[str, dict[str, Any], list[str]]] = {
    "while its sheet is cut": ("step.started", {"name": "coating"}, ["mixing", "coating"]),
    "when its sheet is cut": ("prompt.answered", {"action": "cut"}, ["mixing", "coating"]),
    "when it has its sheet": ("step.supplied", {"name": "coating"}, ["mixing", "coating"]),
    "when it is pressed": ("step.started", {"name": "joining"}, WEB_STEPS),
}


@pytest.mark.parametrize("moment", KILLS)
def test_a_laminate_that_was_supplied_is_continued_after_its_controller_died(
    plan: Plan, four: Play, moment: str
) -> None:
    kind, data, supplied = KILLS[moment]
    events = run_virtual(_killed_and_continued(plan, kind, data))
    assert verify(events) == []
    states = [event.data["state"] for event in events if event.kind == "run.state" and event.run == "L-02"]
    assert states[-1] == "complete"
    assert steps(events, "step.supplied", "L-02") == supplied
    assert "coating" not in steps(events, "step.finished", "L-02")
    again, before = facts(events, "L-02"), facts(four.events, "L-02")
    assert by_coater(again) == by_coater(before)
    assert lots_of(events)[LotId("L-02", "sheet")].made_from == (LotId("L-01", "sheet"),)


async def _killed_and_continued(plan: Plan, kind: str, data: Mapping[str, Any]) -> list[Event]:
    loop = asyncio.get_running_loop()
    simulated = SimulatedLine(seed=1, clock=loop.time, units=PROFILES, people=2)
    journal = MortalJournal(lambda: virtual_utc(loop.time()), [], lambda event: None)
    line = memory_line(simulated)
    journal.buries = lambda: _unplug(line)
    journal.dies_with = lambda event: (
        event.run == "L-02" and event.kind == kind and {**event.data, **data} == dict(event.data)
    )
    around = Surroundings(line, journal, SimulatedPerson(simulated), unattended)
    work = asyncio.create_task(carry_out_all(numbered(plan, 2, "L"), around, 2))
    await journal.died.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await asyncio.sleep(60.0)
    second = MortalJournal(lambda: virtual_utc(loop.time()), journal.events(), lambda event: None)
    member = Member(Crew(SimulatedPerson(simulated), 1), "L-02", PROFILES)
    later = Surroundings(
        memory_line(simulated),
        second,
        member,
        restarting(after_s=2.0),
        announce=lambda run: setattr(member, "run", run),
    )
    await continue_run("L-02", later)
    return [*second.earlier, *second.events()]

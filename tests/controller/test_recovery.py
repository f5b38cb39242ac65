"""Runs that survive their controller: killed as by kill -9 in every kind of step and phase, continued to their end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from controller.cli.exit_codes import ExitCode, code_of
from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import Event, EventStream
from controller.executor.judgement import estimate_data
from controller.executor.recall import recall
from controller.executor.run import Run
from controller.executor.tasks import MAYBE_DONE
from controller.journal import Journal
from controller.recovery import NotContinuable, left, open_runs, rebuilding_data, recorded_plan
from controller.resuming import close_run, continue_run
from controller.session import Surroundings, carry_out, unattended
from recipes.plan import Plan
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.controller.killing import RUN, Kill, Killed, at_event
from tests.controller.recipes_for_tests import EXAMPLE, LIBRARY, planned, quick, variant
from tests.controller.scene import nobody

SCHEMA = json.loads((Path(__file__).parents[2] / "controller/reports/run.schema.json").read_text(encoding="utf-8"))
UNIAXIAL, ISOSTATIC, COATER = "uniaxial-press-1", "isostatic-press-1", "coater-1"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quick(tmp_path_factory.mktemp("recipe") / "quick.yaml")


def knowledge(run: Run) -> dict[str, Any]:
    """Everything that a run knows and decides by."""
    return {
        "facts": list(run.facts),
        "estimates": estimate_data(run),
        "area": run.metrology.area_mm2,
        "finished": list(run.memory.finished),
        **run.known(),
    }


def rebuilt(events: list[Event], line: Any) -> Run:
    """The run that a new process makes of its record."""
    journal = Journal(EventStream(), lambda: "2026-01-01T00:00:00Z", events)
    run = Run(RUN, recorded_plan(RUN, events), line, journal, None)  # type: ignore[arg-type]  # nobody is asked
    recall(run, events)
    return run


def compared(play: Any) -> list[str]:
    """Plays a run; at each of its finished steps it is rebuilt from its record so far. The steps, oldest first."""
    seen: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    def look(run: Run, journal: Journal, event: Event) -> None:
        events = [e for e in (*journal.earlier, *journal.events()) if e.run == RUN]
        again = knowledge(rebuilt(events, run.line))
        live = knowledge(run)
        live["finished"].append(event.data["name"])
        seen.append((event.data["name"], live, again))

    play(look)
    for name, live, again in seen:
        assert again == live, name
    return [name for name, *_ in seen]


# ---------------------------------------------------------------------- what the record gives back


@pytest.mark.parametrize("name", ["honda-example-1", "honda-comparative-1"])
def test_after_every_step_the_record_alone_gives_the_run_back(name: str) -> None:
    file = LIBRARY / f"{name}.yaml"
    steps = compared(lambda look: Killed([], recipe=file, on_finished=look).play())
    assert steps == [planned.step.name for planned in planned(file, None).steps]


def test_a_run_that_was_continued_is_given_back_too(recipe: Path) -> None:
    kill = at_event("step.phase", 20.0, unit=UNIAXIAL, phase="dwell")
    steps = compared(lambda look: Killed([kill], recipe=recipe, on_finished=look).play())
    assert steps.count("first joining") == 1


@pytest.mark.parametrize("file", sorted(LIBRARY.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_plan_of_every_recipe_of_the_library_is_given_back(file: Path) -> None:
    plan = planned(file, None)
    again = recorded_plan(RUN, [created(plan)])
    assert (again.hash, again.canonical_json) == (plan.hash, plan.canonical_json)
    assert again.steps == plan.steps or [s.step.name for s in again.steps] == [s.step.name for s in plan.steps]
    assert list(again.recipe.laminate.layers) == list(plan.recipe.laminate.layers)


def created(made: Plan, **changed: Any) -> Event:
    """What the record of a run of this plan begins with, changed."""
    data = {"plan": made.canonical_json, "plan_hash": made.hash, **rebuilding_data(made, memory_line(SimulatedLine()))}
    data |= changed
    return Event(1, RUN, "run.created", data, 0.0, "2026-01-01T00:00:00Z", "", "")


def test_a_plan_that_is_not_the_same_any_more_is_refused_with_the_reason() -> None:
    plan = planned(EXAMPLE, None)
    altered = plan.canonical_json.replace("980", "990")
    with pytest.raises(NotContinuable, match="it gives the hash"):
        recorded_plan(RUN, [created(plan, plan=altered)])
    other = json.loads(plan.canonical_json)
    other["packs"]["honda"] = "0" * 64
    with pytest.raises(NotContinuable, match="rule pack honda is not what it was"):
        recorded_plan(RUN, [created(plan, plan=json.dumps(other), plan_hash="0" * 64)])
    with pytest.raises(NotContinuable, match="pressline control recipe 1"):
        recorded_plan(RUN, [created(plan, plan=json.dumps({"format": "pressline control recipe 1"}))])


# ---------------------------------------------------------------------- killed and continued


def decreases(truth: dict[str, Any], name: str) -> dict[str, float]:
    """By how much a step has really decreased each layer's porosity, with all its pressings."""
    left_over: dict[str, float] = {}
    for pressing in truth["steps"]:
        if pressing["name"] == name:
            for layer, rate in pressing["decrease_pct"].items():
                left_over[layer] = left_over.get(layer, 1.0) * (1.0 - rate / 100.0)
    return {layer: 100.0 * (1.0 - share) for layer, share in left_over.items()}


def whole(killed: Killed) -> dict[str, Any]:
    """The record of a killed run that was carried to its end; what holds for every one of them."""
    record, truth = killed.record, killed.truth
    jsonschema.validate(record, SCHEMA)
    assert record["state"] == "complete", record["reason"]
    finished = [event.data["name"] for event in killed.kinds("step.finished")]
    assert finished == [planned.step.name for planned in planned(killed.recipe, None).steps], "each step once, in order"
    numbers = [e.data["job"]["job_id"] for e in killed.kinds("command.requested") if e.data["command"] == "load_job"]
    assert len(set(numbers)) == len(numbers), "no number of a job is used twice"
    assert len(record["gaps"]) == len(killed.deaths)
    assert 0 < record["sim_seconds"] < killed.events[-1].time_s
    rates = decreases(truth, "densifying")
    limits = {
        "H003": (truth["layers"]["cathode"]["porosity_pct"], 5.0, 1),
        "H004": (truth["layers"]["solid_electrolyte"]["porosity_pct"], 5.0, 1),
        "H011": (rates["cathode"], 77.0, -1),
        "H012": (rates["solid_electrolyte"], 85.0, -1),
        "H016": (truth["layers"]["intermediate"]["porosity_pct"], 70.0, 1),
    }
    for rule in record["certificate"]["rules"]:
        if rule["id"] in limits and rule["verdict"] == "pass":
            true, bound, side = limits[rule["id"]]
            assert side * (true - bound) <= rule["uncertainty"], rule
    for layer, stated in record["layers"].items():
        if stated["porosity_pct"] is not None:
            true = truth["layers"][layer]["porosity_pct"]
            assert abs(stated["porosity_pct"] - true) <= 1.5 * stated["uncertainty_pct"], layer
    return record


KILLS: dict[str, tuple[Kill, float]] = {
    "before a coating": (at_event("prompt.asked", 5.0, action="load", unit=COATER), 1.0),
    "while a coater heats": (at_event("step.phase", 0.2, unit=COATER, phase="prepare"), 30.0),
    "while it is coated": (at_event("step.phase", 2.0, unit=COATER, phase="coat"), 0.5),
    "when a coating is reached": (at_event("step.reached"), 30.0),
    "while a sheet is taken off": (at_event("prompt.asked", 5.0, action="unload", unit=COATER), 30.0),
    "while it lies on the balance": (at_event("measurement", 1.0, nth=3), 30.0),
    "while it is stacked": (at_event("prompt.asked", 29.0, action="stack"), 1.0),
    "when the area is entered": (at_event("prompt.answered", action="stack"), 30.0),
    "while a press is loaded": (at_event("prompt.asked", 5.0, action="load", unit=UNIAXIAL), 30.0),
    "before the bag": (at_event("step.finished", name="inspect second assembly"), 5.0),
    "while the vessel is unloaded": (at_event("prompt.asked", 5.0, action="unload", unit=ISOSTATIC), 30.0),
    "while a press lets off": (at_event("step.phase", 1.0, unit=UNIAXIAL, phase="release"), 1.0),
    "while the vessel lets off": (at_event("step.phase", 20.0, unit=ISOSTATIC, phase="release"), 2.0),
    "while it lets off for long": (at_event("step.phase", 20.0, unit=ISOSTATIC, phase="release"), 900.0),
    "while it soaks": (at_event("step.phase", 2.0, unit=ISOSTATIC, phase="prepare"), 1.0),
    "while it soaks, held by itself": (at_event("step.phase", 2.0, unit=ISOSTATIC, phase="prepare"), 20.0),
    "in the laboratory": (at_event("prompt.answered", nth=2, action="lab"), 30.0),
}
"""Where nothing is lost: what was known before a kill is known after it, and the certificate passes."""


@pytest.mark.parametrize("where", KILLS)
def test_a_run_that_is_killed_where_nothing_is_pressed_passes(where: str, recipe: Path) -> None:
    kill, gap_s = KILLS[where]
    assert code_of(whole(Killed([kill], gap_s, recipe=recipe).play())) is ExitCode.PASSED


@pytest.mark.parametrize("action", ["load", "unload", "stack", "peel", "place", "bag", "lab"])
def test_what_somebody_ends_after_the_controller_died_is_not_done_twice(action: str, recipe: Path) -> None:
    killed = Killed([at_event("prompt.asked", 2.0, action=action)], 90.0, recipe=recipe, people_go_on=True).play()
    assert code_of(whole(killed)) is ExitCode.PASSED


PRESSED: dict[str, tuple[str, str, float, float]] = {
    "uniaxial, force rises": (UNIAXIAL, "ramp", 2.0, 60.0),
    "uniaxial, dwell": (UNIAXIAL, "dwell", 20.0, 60.0),
    "isostatic, soak": (ISOSTATIC, "prepare", 2.0, 600.0),
    "isostatic, pressure rises": (ISOSTATIC, "ramp", 90.0, 120.0),
    "isostatic, dwell, soon": (ISOSTATIC, "dwell", 30.0, 120.0),
    "isostatic, dwell, late": (ISOSTATIC, "dwell", 30.0, 900.0),
}
"""Where a pressing ends unseen: unit, phase, how long after it began, how long nobody controls it."""


@pytest.mark.parametrize("where", PRESSED)
def test_what_was_pressed_unseen_is_done_again_and_nothing_is_claimed_of_it(where: str, recipe: Path) -> None:
    unit, phase, after_s, gap_s = PRESSED[where]
    killed = Killed([at_event("step.phase", after_s, unit=unit, phase=phase)], gap_s, recipe=recipe).play()
    record = whole(killed)
    held = next(event for event in killed.kinds("run.state") if event.data.get("recovered"))
    assert "does " in held.data["choices"]["restart"]
    assert killed.kinds("track.lost")
    assert code_of(record) is ExitCode.REFUSED, "nobody knows what the laminate saw"
    undetermined = {rule["id"] for rule in record["certificate"]["rules"] if rule["verdict"] == "undetermined"}
    assert {"H003", "H004"} <= undetermined


@pytest.mark.parametrize(
    ("unit", "step", "gap_s"),
    [(UNIAXIAL, "first joining", 1.0), (UNIAXIAL, "first joining", 6.0), (ISOSTATIC, "densifying", 30.0)],
)
@pytest.mark.parametrize("phase", ["ramp", "dwell"])
def test_a_press_that_is_still_held_goes_on(unit: str, step: str, gap_s: float, phase: str, recipe: Path) -> None:
    after_s = {"ramp": 5.0, "dwell": 20.0}[phase]
    killed = Killed([at_event("step.phase", after_s, unit=unit, phase=phase)], gap_s, recipe=recipe).play()
    record = whole(killed)
    held = next(event for event in killed.kinds("run.state") if event.data.get("recovered"))
    assert f"{unit} goes on with the job that it holds" in held.data["choices"]["restart"]
    assert len([e for e in killed.kinds("step.started") if e.data["name"] == step]) == 1
    assert not killed.kinds("track.lost")
    assert code_of(record) is ExitCode.PASSED
    pressed = next(found for found in record["steps"] if found["name"] == step)
    assert pressed["dwell_s"]["reached"] == pytest.approx(pressed["dwell_s"]["set"], abs=0.3)
    assert pressed["temperature_c"]["min"] is pressed["temperature_c"]["max"] is None, "nobody saw all of it"
    assert pressed["temperature_c"]["reached"] is not None
    facts = [f for rule in record["certificate"]["rules"] for f in rule["facts"] if "not watched" in f["source"]]
    assert facts
    assert all(fact["low"] is None and fact["high"] is None for fact in facts)
    loads = [event for event in killed.kinds("command.requested") if event.data["command"] == "load_job"]
    assert len(loads) == 7, "three coatings and four pressings, none twice"


def test_a_hold_that_the_machine_ends_before_anybody_decides_is_told_and_done_again(recipe: Path) -> None:
    """10 s after it lost its link a uniaxial press lets off, whoever is back: nobody had decided by then."""
    from tests.controller.scene import restarting

    kill = at_event("step.phase", 20.0, unit=UNIAXIAL, phase="dwell")
    killed = Killed([kill], 5.0, attendant=restarting(after_s=30.0), recipe=recipe).play()
    record = whole(killed)
    assert any("has ended the job before anybody decided" in message for message in record["messages"])
    assert killed.kinds("track.lost")
    assert code_of(record) is ExitCode.REFUSED


def test_a_job_that_was_held_already_does_not_go_on(recipe: Path) -> None:
    """Why it was held, and whether it may go on at all, was known to the watch that died."""

    async def holds(run: Run, events: asyncio.Queue[Event]) -> None:
        while (await events.get()).data != {"unit": UNIAXIAL, "phase": "dwell"}:
            pass
        await run.hold("a strange noise", "operator")

    kill = at_event("run.state", 2.0, state="held")
    killed = Killed([kill], 1.0, first_attendant=holds, recipe=recipe).play()
    found = next(event for event in killed.kinds("run.state") if event.data.get("recovered"))
    assert "does first joining again" in found.data["choices"]["restart"]
    assert "it was held already: a strange noise" in found.data["reason"]
    assert code_of(whole(killed)) is ExitCode.REFUSED


def test_it_can_die_again_and_again(recipe: Path) -> None:
    kills = [
        at_event("run.created"),
        at_event("step.phase", 2.0, unit=COATER, phase="coat"),
        at_event("prompt.asked", 5.0, action="load", unit=COATER),
        at_event("run.resumed"),
        at_event("run.recovered"),
        at_event("step.phase", 20.0, unit=UNIAXIAL, phase="dwell"),
        at_event("command.requested", command="reset"),
        at_event("step.phase", 10.0, unit=ISOSTATIC, phase="dwell"),
        at_event("run.state", state="complete"),
    ]
    killed = Killed(kills, 20.0, recipe=recipe).play()
    record = whole(killed)
    assert len(killed.deaths) == len(kills)
    assert len(killed.kinds("run.rules")) == 1
    assert code_of(record) is ExitCode.REFUSED


# ---------------------------------------------------------------------- people, words, records


def test_what_was_entered_is_not_asked_again_and_what_was_asked_is_asked_in_other_words(recipe: Path) -> None:
    killed = Killed([at_event("prompt.answered", action="stack")], 30.0, recipe=recipe).play()
    asked = [event.data["text"] for event in killed.kinds("prompt.asked") if "Measure the area" in event.data["text"]]
    assert len(asked) == 1
    (recalled,) = killed.kinds("prompt.recalled")
    assert recalled.data["values"]["area"] == pytest.approx(1600, rel=0.01)
    killed = Killed([at_event("prompt.asked", 5.0, action="bag")], 30.0, recipe=recipe).play()
    asked = [event.data["text"] for event in killed.kinds("prompt.asked") if event.data["action"] == "bag"]
    assert len(asked) == 2
    assert asked[1].startswith(MAYBE_DONE)


def test_the_record_of_a_continued_run_is_one(recipe: Path) -> None:
    killed = Killed([at_event("step.finished", name="bag")], 3600.0, recipe=recipe).play()
    record = whole(killed)
    (gap,) = record["gaps"]
    assert gap["gap_s"] == pytest.approx(3600, abs=5)
    assert any("no controller worked on the run" in message for message in record["messages"])
    alone = Killed([], recipe=recipe).play().record
    assert record["sim_seconds"] == pytest.approx(alone["sim_seconds"], abs=15), "the gap is no time of the line"
    assert open_runs(killed.events) == []
    standing = left(RUN, killed.events)
    assert not standing.can_continue


@pytest.mark.parametrize(("decision", "state"), [("stop", "stopped"), ("abort", "aborted")])
def test_whoever_does_not_want_to_go_on_stops_it_and_zero_is_proven(decision: str, state: str, recipe: Path) -> None:
    async def attend(run: Run, events: asyncio.Queue[Event]) -> None:
        while (await events.get()).data.get("state") != "held":
            pass
        await getattr(run, decision)("not today", "shift lead")

    kill = at_event("step.phase", 20.0, unit=ISOSTATIC, phase="dwell")
    killed = Killed([kill], 20.0, attendant=attend, recipe=recipe).play()
    assert killed.record["state"] == state
    assert killed.kinds("machine.safe")
    assert killed.simulated.machines[ISOSTATIC].plc.state in ("STOPPED", "ABORTED")
    assert not killed.record["certificate"]["rules"] or code_of(killed.record) is ExitCode.REFUSED


def test_a_start_of_another_run_leaves_it_open_and_says_what_is_found(recipe: Path) -> None:
    """What works for nobody is stopped; the run stays open, and is continued afterwards."""
    killed = Killed([at_event("step.phase", 20.0, unit=UNIAXIAL, phase="dwell")], 1.0, recipe=recipe)

    async def main() -> tuple[list[Event], list[Event]]:
        await killed.until_dead()
        loop = asyncio.get_running_loop()

        def around(earlier: list[Event], attendant: Any) -> Surroundings:
            journal = Journal(EventStream(), lambda: virtual_utc(loop.time()), earlier)
            return Surroundings(memory_line(killed.simulated), journal, SimulatedPerson(killed.simulated), attendant)

        coatings = planned(LIBRARY / "zeon-negative-electrode.yaml", None)
        other = around(killed.events, unattended)
        await carry_out(coatings, other, "other")
        between = [*other.journal.earlier, *other.journal.events()]
        own = around(between, killed.attendant)
        await continue_run(RUN, own)
        return between, [*between, *own.journal.events()]

    between, events = run_virtual(main())
    assert open_runs(between) == [RUN]
    standing = left(RUN, between)
    assert (standing.state, standing.is_attended, standing.can_continue) == ("held", False, True)
    stops = [e for e in between if e.kind == "command.done" and e.data["command"] == "stop" and e.run == RUN]
    assert [event.data["unit"] for event in stops] == [UNIAXIAL]
    assert [e.data["state"] for e in events if e.kind == "run.state" and e.run == RUN][-1] == "complete"


def test_another_run_that_was_left_does_not_cost_a_press_that_is_still_held(recipe: Path) -> None:
    killed = Killed([at_event("step.phase", 20.0, unit=UNIAXIAL, phase="dwell")], 1.0, recipe=recipe)

    async def main() -> list[Event]:
        await killed.until_dead()
        loop = asyncio.get_running_loop()
        before = Journal(EventStream(), lambda: virtual_utc(loop.time()), killed.events)
        created = next(event.data for event in killed.events if event.kind == "run.created")
        await before.append("older", "run.created", created)
        left_open = [*killed.events, *before.events()]
        journal = Journal(EventStream(), lambda: virtual_utc(loop.time()), left_open)
        person = SimulatedPerson(killed.simulated)
        await continue_run(RUN, Surroundings(memory_line(killed.simulated), journal, person, killed.attendant))
        return [*left_open, *journal.events()]

    events = run_virtual(main())
    assert not [e for e in events if e.kind == "command.done" and e.data["command"] == "stop"]
    assert [e.data["state"] for e in events if e.kind == "run.state" and e.run == RUN][-1] == "complete"
    assert not [event for event in events if event.kind == "track.lost"]
    assert left("older", events).state == "held"


def test_a_run_that_nobody_continues_is_closed_by_a_person(recipe: Path) -> None:
    killed = Killed([at_event("step.phase", 20.0, unit=UNIAXIAL, phase="dwell")], 60.0, recipe=recipe)

    async def main() -> list[Event]:
        await killed.until_dead()
        journal = Journal(EventStream(), lambda: "2026-01-02T00:00:00+00:00", killed.events)
        around = Surroundings(memory_line(killed.simulated), journal, SimulatedPerson(killed.simulated), nobody)
        await close_run(RUN, around, "the laminate was thrown away", "shift lead")
        with pytest.raises(NotContinuable, match="is stopped, and its record is closed"):
            await continue_run(
                RUN,
                Surroundings(
                    around.line,
                    Journal(EventStream(), lambda: "2026-01-02T00:00:00+00:00", [*killed.events, *journal.events()]),
                    around.person,
                    nobody,
                ),
            )
        return [*killed.events, *journal.events()]

    events = run_virtual(main())
    assert not left(RUN, events).can_continue
    from controller.executor.record import document

    record = document(events, alive=False)
    jsonschema.validate(record, SCHEMA)
    assert (record["state"], "thrown away" in record["reason"]) == ("stopped", True)
    assert code_of(record) is ExitCode.REFUSED


def test_another_machine_in_its_place_is_told_and_not_rejoined(recipe: Path) -> None:
    def replace_press(killed: Killed) -> None:
        plc = killed.simulated.machines[UNIAXIAL].plc
        plc._tags["serial_number"] = 999_999

    kill = at_event("step.phase", 20.0, unit=UNIAXIAL, phase="dwell")
    killed = Killed([kill], 1.0, between=replace_press, recipe=recipe).play()
    held = next(event for event in killed.kinds("run.state") if event.data.get("recovered"))
    assert "serial number 999999 answers" in held.data["reason"]
    assert "does first joining again" in held.data["choices"]["restart"]
    assert killed.record["state"] == "complete"


def test_a_machine_that_has_another_job_is_told_and_not_rejoined(recipe: Path) -> None:
    def reboot(killed: Killed) -> None:
        killed.simulated.machines[ISOSTATIC].plc.reboot()

    kill = at_event("step.phase", 20.0, unit=ISOSTATIC, phase="dwell")
    killed = Killed([kill], 1.0, between=reboot, recipe=recipe).play()
    held = next(event for event in killed.kinds("run.state") if event.data.get("recovered"))
    assert "that is not in it any more" in held.data["reason"]
    assert code_of(whole(killed)) is ExitCode.REFUSED


def test_a_maximum_wait_goes_on_counting_while_no_controller_is_there(recipe: Path, tmp_path: Path) -> None:
    bag = "  - name: bag\n"
    wait = variant(tmp_path / "wait.yaml", (bag, f"{bag}    within: [{{time: 10 min}}]\n"), source=recipe)
    kill = at_event("step.finished", name="inspect second assembly")
    late, early = (Killed([kill], gap_s, recipe=wait).play() for gap_s in (900.0, 60.0))
    for killed, is_broken in ((late, True), (early, False)):
        broken = [e for e in killed.kinds("condition") if e.data["name"] == "maximum_wait_broken"]
        assert bool(broken) == is_broken
        assert killed.record["state"] == "complete"

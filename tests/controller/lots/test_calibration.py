"""What rests on an instrument or a machine out of calibration, or off its zero, releases nothing; and says why."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import jsonschema
import pytest

from controller.calibration import Calibration, CalibrationState, Fitness, ZeroTerms, calibration_data
from controller.cli.exit_codes import ExitCode, code_of
from controller.events import Event, EventStream
from controller.executor import record as record_module
from controller.executor.fitness import doubt_of, tell_calibrations
from controller.executor.record import document
from controller.executor.run import Run
from controller.guard import Guard
from controller.interlocks import Use
from controller.journal import Journal
from controller.lots.fold import lots_of
from controller.lots.genealogy import genealogy, lot_node
from controller.lots.model import LotId, LotStatus
from controller.lots.page import lot_lines
from drivers.errors import BadQuality
from drivers.machine import Machine
from drivers.reading import Snapshot
from recipes.facts import Evidence, Fact, FactBook, doubted
from recipes.rules.engine import Verdict, judge
from recipes.rules.pack import load_pack
from recipes.rules.rule import Stage as RuleStage
from simulators.clock import run_virtual
from simulators.faults import Injection
from simulators.line import SimulatedLine
from tests.controller.lots.stage import GAUGE, PRESS, VESSEL, Stage, calibrated, staged
from tests.controller.recipes_for_tests import quick, variant
from tests.controller.scene import a_run

CELL = "electrode laminate"
SCHEMA = "reports/run.schema.json"
WHY = "the calibration of {} (DKD 4711) was due on 2025-12-31"


def open_rules(stage: Stage) -> Mapping[str, str]:
    """The claims and required rules that do not pass, with their words."""
    return {
        rule["id"]: rule["words"]
        for rule in stage.record()["certificate"]["rules"]
        if rule["severity"] in ("claim", "required") and rule["verdict"] != "pass"
    }


def cell(stage: Stage) -> Any:
    return lots_of(stage.events)[LotId("one", CELL)]


# ---------------------------------------------------------------------- the calendar


def at(day: str) -> str:
    return f"{day}T23:59:59.999+00:00"


def test_a_calibration_holds_on_its_due_day_and_not_after_it() -> None:
    known = Calibration(dt.date(2026, 3, 2), dt.date(2027, 3, 1), "C", "M")
    assert known.state(at("2027-03-01")) is CalibrationState.VALID
    assert known.state("2027-03-02T00:00:00.000+00:00") is CalibrationState.OVERDUE
    assert known.state(at("2026-03-02")) is CalibrationState.VALID
    assert known.state(at("2026-03-01")) is CalibrationState.AHEAD
    assert known.doubt("g", at("2027-03-01")) == ""
    assert known.doubt("g", at("2027-03-02")) == "the calibration of g (C) was due on 2027-03-01"
    assert "lies ahead" in known.doubt("g", at("2026-03-01"))
    assert calibration_data("g", None, at("2026-03-01"))["state"] == "unstated"
    assert calibration_data("g", known, at("2028-03-01"))["quality"] == "uncertain"


# ---------------------------------------------------------------------- the engine


def test_a_rule_never_passes_on_a_doubtful_fact_and_a_failure_stays_one() -> None:
    rule = next(rule for rule in load_pack("honda") if rule.id == "H013")  # 60 to 200 degC
    for value, plain, in_doubt in ((120.0, Verdict.PASS, Verdict.UNDETERMINED), (20.0, Verdict.FAIL, Verdict.FAIL)):
        fact = Fact(rule.subject, rule.quantity, value, rule.unit, Evidence.MEASURED, "me", 0.0)
        book, doubtful = FactBook(), FactBook()
        book.add([fact])
        doubtful.add(doubted([fact], "overdue"))
        assert judge(rule, book, RuleStage.RELEASE).verdict is plain
        judged = judge(rule, doubtful, RuleStage.RELEASE)
        assert judged.verdict is in_doubt
        assert judged.words.endswith("but its quality is uncertain: overdue")


def test_only_what_was_found_is_doubted() -> None:
    facts = [Fact("s", "q", 1.0, "", evidence, "me") for evidence in Evidence]
    marked = {fact.evidence for fact in doubted(facts, "overdue") if fact.doubt}
    assert marked == {Evidence.MEASURED, Evidence.ESTIMATED}
    assert doubted(facts, "") == tuple(facts)


# ---------------------------------------------------------------------- whole runs


@pytest.fixture(scope="module")
def overdue(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A run whose gauge was due on the day before."""
    return staged(tmp_path_factory.mktemp("overdue"), fitness={GAUGE: calibrated("2025-12-31")})


def test_nothing_that_rests_on_an_overdue_gauge_is_released(overdue: Stage) -> None:
    assert overdue.record()["state"] == "complete"
    left = open_rules(overdue)
    assert left
    assert all(WHY.format(GAUGE) in words for words in left.values())
    assert cell(overdue).status is LotStatus.QUARANTINE
    assert WHY.format(GAUGE) in cell(overdue).reasons


def test_what_an_overdue_gauge_says_is_marked_everywhere(overdue: Stage) -> None:
    for told in overdue.kinds("measurement"):
        assert (told.get("quality") == "uncertain") == (told["unit"] == GAUGE)
    step = next(step for step in overdue.record()["steps"] if step["name"] == "inspect cathode sheet")
    assert step["measurements"]["thickness"]["quality"] == "uncertain"
    assert "quality" not in step["measurements"]["weight"]
    assert any(WHY.format(GAUGE) in message for message in overdue.record()["messages"])
    assert [known["state"] for known in overdue.record()["calibrations"]] == ["overdue"]
    (condition,) = overdue.kinds("condition")
    kinds = [event.kind for event in overdue.events]
    assert kinds.index("condition") < kinds.index("step.started"), "told before anything is made with it"
    assert (condition["name"], condition["unit"], condition["active"]) == ("calibration_not_valid", GAUGE, True)


def test_the_record_with_calibrations_and_lots_is_of_the_published_form(overdue: Stage) -> None:
    said = {"lot": CELL, "status": "scrap", "why": "dropped", "who": "QA"}
    last = overdue.events[-1]
    event = Event(last.sequence + 1, "one", "lot.status", said, last.time_s, last.utc, last.hash, "")
    record = document([*overdue.events, event], alive=False)
    jsonschema.validate(record, json.loads((Path(record_module.__file__).parents[1] / SCHEMA).read_text("utf-8")))
    assert record["lots"] == [said]
    assert code_of(record) == ExitCode.REFUSED


def test_a_lot_that_a_person_keeps_back_costs_the_code(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    assert code_of(stage.record()) == ExitCode.PASSED
    kept = {"lot": CELL, "status": "quarantine", "why": "?", "who": "QA"}
    assert code_of({**stage.record(), "lots": [kept]}) == ExitCode.REFUSED
    assert code_of({**stage.record(), "lots": [{**kept, "status": "released"}]}) == ExitCode.PASSED


def test_the_pressures_of_an_overdue_press_and_what_follows_from_them_prove_nothing(tmp_path: Path) -> None:
    stage = staged(tmp_path, fitness={VESSEL: calibrated("2025-12-31"), PRESS: calibrated("2026-12-31")})
    left = open_rules(stage)
    assert {"H003", "H005", "H011", "H013", "H016"} <= set(left), "porosities and pressures rest on it"
    assert all(WHY.format(VESSEL) in words and PRESS not in words for words in left.values())
    assert [known["state"] for known in stage.record()["calibrations"]] == ["valid", "overdue"]


def test_a_calibration_that_is_valid_changes_nothing_but_the_record(tmp_path: Path) -> None:
    stage = staged(tmp_path, fitness={GAUGE: calibrated("2026-01-01")})
    assert open_rules(stage) == {}
    assert cell(stage).status is LotStatus.RELEASED
    assert stage.kinds("condition") == []


# ---------------------------------------------------------------------- zero


def _off_by(um: float) -> Any:
    def prepare(line: SimulatedLine) -> None:
        line.faults.inject(Injection("evidence.not_zeroed", GAUGE, parameters={"offset": um}))

    return prepare


async def _zeroing(run: Run, events: asyncio.Queue[Event]) -> None:
    """Whoever is told of the zero sees to it; anything else is stopped."""
    while True:
        event = await events.get()
        if event.kind == "run.state" and event.data["state"] == "holding":
            assert "off its zero" in event.data["reason"]
            await run.line.instrument("gauge").zero()
            run.restart("zeroed", "shift lead")


@pytest.mark.parametrize(
    ("um", "words"),
    [
        (5.0, "it shows 5 um with nothing on it, more than 1 um"),
        (-2.0, "it shows -2 um with nothing on it, more than 1 um"),
        (-5.0, "with nothing on it -5 um is outside 0 to"),
    ],
)
def test_a_gauge_off_its_zero_is_noticed_before_it_measures_anything(tmp_path: Path, um: float, words: str) -> None:
    stage = staged(tmp_path, prepare=_off_by(um), attendant=_zeroing)
    kinds = [event.kind for event in stage.events if event.data.get("unit") == GAUGE or event.kind == "run.state"]
    assert kinds.index("measurement") > kinds.index("zero.checked")
    (held,) = [data for data in stage.kinds("run.state") if data["state"] == "holding"]
    assert f"{GAUGE} is off its zero: {words}" in held["reason"]
    assert stage.record()["state"] == "complete"
    assert open_rules(stage) == {}
    assert [told["active"] for told in stage.kinds("condition")] == [True, False]
    assert any("is off its zero" in message for message in stage.record()["messages"])


def test_the_line_file_may_allow_more_and_ask_less_often(tmp_path: Path) -> None:
    each = staged(tmp_path, prepare=_off_by(0.6))
    often = [told for told in each.kinds("zero.checked") if told["unit"] == GAUGE]
    assert len(often) == len([told for told in each.kinds("measurement") if told["unit"] == GAUGE])
    assert all(not told["off"] for told in often)
    fitness = {GAUGE: Fitness(zero=ZeroTerms(tolerance=0.5, max_age_s=7200.0))}
    strict = staged(tmp_path, prepare=_off_by(0.6), fitness=fitness, attendant=_zeroing)
    seen = [told for told in strict.kinds("zero.checked") if told["unit"] == GAUGE]
    assert [told["off"] for told in seen] == [True, False]
    assert strict.record()["state"] == "complete"


def test_the_tare_of_a_load_cell_is_told_and_limited_by_the_line_file(tmp_path: Path) -> None:
    fitness = {PRESS: Fitness(zero=ZeroTerms(tolerance=0.5))}
    stage = staged(tmp_path, fitness=fitness)
    tare = next(told for told in stage.kinds("zero.checked") if told["unit"] == PRESS)
    assert tare["value"] > 0.5
    assert stage.record()["state"] == "stopped"
    assert f"{PRESS} is off its zero" in stage.record()["reason"]


# ---------------------------------------------------------------------- cycles


def _worn(cycles: int) -> Any:
    def prepare(line: SimulatedLine) -> None:
        line.machines[VESSEL].plc._cycles = cycles  # type: ignore[union-attr]

    return prepare


@pytest.mark.parametrize(
    ("cycles", "state", "told"),
    [(99, "complete", [True]), (100, "stopped", [True])],
)
def test_a_vessel_starts_nothing_beyond_its_cycles_and_is_told_in_time(
    tmp_path: Path, cycles: int, state: str, told: list[bool]
) -> None:
    stage = staged(tmp_path, prepare=_worn(cycles), fitness={VESSEL: Fitness(max_cycles=100)})
    assert stage.record()["state"] == state
    active = [data for data in stage.kinds("condition") if data["name"] == "cycles_near_limit"]
    assert [data["active"] for data in active if data["active"]] == told
    if state == "stopped":
        (refused,) = stage.kinds("command.refused")
        assert refused["missing"] == ["has done 100 cycles, all of the 100 that the line file allows"]
    else:
        assert stage.kinds("command.refused") == []


async def test_the_last_tenth_of_the_cycles_is_told_when_it_begins_and_when_a_new_limit_ends_it() -> None:
    journal, most = Journal(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00"), 100
    guard = Guard(journal, "run", fitness=lambda unit: Fitness(max_cycles=most))
    vessel = cast("Machine", SimpleNamespace(unit="vessel"))

    def loaded_at(cycles: int) -> list[bool]:
        shown = cast("Snapshot", SimpleNamespace(value=lambda name: cycles))
        assert guard._worn(vessel, shown, Use.LOAD) == []
        return [bool(event.data["active"]) for event in journal.events()]

    assert loaded_at(89) == [False]
    assert loaded_at(90) == loaded_at(99) == [False, True]
    most = 200
    assert loaded_at(100) == [False, True, False]


def test_only_a_new_job_counts_against_the_cycles_and_a_counter_that_cannot_be_read_permits_none() -> None:
    class Shown:
        def __init__(self, cycles: float | Exception) -> None:
            self._cycles = cycles

        def value(self, name: str) -> float:
            assert name == "cycle_count"
            if isinstance(self._cycles, Exception):
                raise self._cycles
            return self._cycles

    def worn(cycles: float | Exception, use: Use, most: int | None = 5) -> list[str]:
        journal = Journal(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00")
        guard = Guard(journal, "run", fitness=lambda unit: Fitness(max_cycles=most))
        return guard._worn(cast("Machine", SimpleNamespace(unit="vessel")), cast("Snapshot", Shown(cycles)), use)

    assert worn(4.0, Use.START) == []
    assert worn(5.0, Use.START) == ["has done 5 cycles, all of the 5 that the line file allows"]
    assert worn(5.0, Use.RESTART) == worn(5.0, Use.WRITE) == worn(5.0, Use.START, None) == []
    for error in (BadQuality("stale"), KeyError("cycle_count")):
        (why,) = worn(error, Use.START)
        assert why.startswith("does not show its cycles, of which the line file allows 5: ")


# ---------------------------------------------------------------------- when and where it counts


def test_a_calibration_that_ends_while_the_press_works_speaks_against_its_layers_too(
    overdue: Stage, tmp_path: Path
) -> None:
    begun, ended = (
        next(e.time_s for e in overdue.events if e.kind == kind and e.data["name"] == "first joining")
        for kind in ("step.started", "step.finished")
    )
    stage = staged(tmp_path, fitness={PRESS: calibrated("2026-01-01")}, begins_s=86400.0 - (begun + ended) / 2)
    assert stage.record()["calibrations"][0]["state"] == "valid"
    steps = {e.data["name"]: e.data["learned"] for e in stage.events if e.kind == "step.finished"}
    why = f"the calibration of {PRESS} (DKD 4711) was due on 2026-01-01"
    assert [what["reason"] for what in steps["first joining"] if what["do"] == "doubt"] == [why]


def test_a_press_that_presses_a_lot_again_at_its_inspection_is_in_its_genealogy(overdue: Stage, tmp_path: Path) -> None:
    thickness = next(told["value"] for told in overdue.kinds("measurement") if told["lot"] == "first assembly")
    gate = f"on_miss: re-press, thickness: 10..{thickness - 3.0:.1f} um, most: 2, more_pressure: 40 MPa"
    place = "    inspect: {lot: first assembly, measures: thickness}\n"
    recipe = variant(
        tmp_path / "gated.yaml", (place, f"{place}    gate: {{{gate}}}\n"), source=quick(tmp_path / "q.yaml")
    )
    stage = Stage(recipe, fitness={PRESS: calibrated("2025-12-31")}).play()
    inspected = next(n for n, e in enumerate(stage.events) if e.kind == "gate.decided")
    assert next(e.data["unit"] for e in stage.events[inspected:] if e.kind == "calibration.met") == PRESS
    known = lots_of(stage.events)[LotId("one", "first assembly")]
    assert [unit for unit, _ in known.also_on] == [PRESS]
    assert PRESS in {node.name.partition(" no. ")[0] for node in genealogy({known.id: known}).back[lot_node(known)]}
    assert any(line.startswith(f"  pressed again on {PRESS}, serial number ") for line in lot_lines(known))


def test_a_clock_that_was_set_back_makes_no_calibration_valid_again() -> None:
    clock = ["2026-03-02T08:00:00.000+00:00"]

    async def main() -> tuple[str, str, list[str]]:
        run = a_run()
        run.journal = journal = Journal(EventStream(), lambda: clock[0])
        run.line.fitness = {GAUGE: calibrated("2026-03-01"), PRESS: calibrated("2026-03-02")}
        before = doubt_of(run, GAUGE)
        journal.note("line", "run.problem", {"reason": "something that was recorded"})
        clock[0] = "2025-06-01T08:00:00.000+00:00"
        tell_calibrations(run)
        told = [e.data["unit"] for e in journal.events() if e.kind == "condition"]
        return before, doubt_of(run, GAUGE), told

    before, after, told = run_virtual(main())
    assert before == WHY.format(GAUGE).replace("2025-12-31", "2026-03-01")
    assert after == f"{before}; the clock of this computer says 2025-06-01, which is before its own record"
    assert told == [GAUGE]


def test_nothing_rests_on_the_displacement_sensors_of_a_press(overdue: Stage, tmp_path: Path) -> None:
    """So nobody is asked for their zero on the closed tool; whoever lets something rest on them needs it first."""

    def drift(line: SimulatedLine) -> None:
        line.faults.inject(Injection("uniaxial.thickness_drift", PRESS, parameters={"rate_um_s": 100.0}))

    stage = staged(tmp_path, prepare=drift)
    assert open_rules(stage) == {}
    assert cell(stage).status is LotStatus.RELEASED
    for name, layer in overdue.record()["layers"].items():
        assert stage.record()["layers"][name]["porosity_pct"] == pytest.approx(layer["porosity_pct"], abs=0.05)

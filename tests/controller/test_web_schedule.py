"""Webs that feed several laminates, foreseen: preview, gate and solver know whose sheet comes from where."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.batches import numbered
from controller.executor.waits import BROKEN
from controller.schedule.forecast import foreseen, objection
from controller.schedule.gantt import unfinished
from controller.schedule.live import Phase, Standing
from controller.schedule.model import Job, JobStep, LineModel, Piece, job_of, line_of, with_sheets
from controller.schedule.simulation import Simulation, simulated
from controller.supply import Supply
from recipes.plan import Plan
from recipes.predict import Part
from recipes.waits import WaitLimit
from tests.controller.many import CAPABILITIES, Play, plan_of
from tests.controller.recipes_for_tests import variant
from tests.controller.solver import solved
from tests.controller.test_cli import pressline

WEBS = Path(__file__).with_name("webs.yaml")
WEB = ("coat", "look")


def jobs_of(plan: Plan, count: int) -> list[Job]:
    supply = Supply()
    names = [f"{number}" for number in range(1, count + 1)]
    supply.share(names, [planned.step for planned in plan.steps])
    return [with_sheets(job_of(plan, CAPABILITIES, name), supply.suppliers(name)) for name in names]


def no_unit_has_two(found: Simulation) -> bool:
    for unit in found.line.units:
        bars = sorted((bar.begin_s, bar.end_s) for bar in found.bars if bar.unit == unit)
        if any(end_s > begin_s for (_, end_s), (begin_s, _) in pairwise(bars)):
            return False
    return True


def test_a_sheet_is_cut_when_its_web_is_inspected_and_its_wait_counts_from_the_coating() -> None:
    plan = plan_of(WEBS)
    found = simulated(line_of(CAPABILITIES, 2), jobs_of(plan, 6), foreseen)
    assert found.ended
    assert no_unit_has_two(found)
    coated = {bar.job: bar.end_s for bar in found.bars if bar.unit == "coater-1"}
    assert set(coated) == {"1", "5"}
    inspected = {bar.job: bar.end_s for bar in found.bars if bar.step == "inspecting"}
    joined = {bar.job: bar for bar in found.bars if bar.step == "joining"}
    for name, maker in (("2", "1"), ("3", "1"), ("4", "1"), ("6", "5")):
        (cut,) = [bar for bar in found.bars if bar.job == name and bar.step == "coating"]
        assert cut.unit is None
        assert cut.begin_s >= inspected[maker]
        waited_s = next(s for (job, _), s in found.waited_s.items() if job == name)
        assert waited_s == pytest.approx(joined[name].calls[0][0] - coated[maker])


def test_the_foreseen_schedule_is_near_the_solvers_best() -> None:
    jobs, line = jobs_of(plan_of(WEBS), 5), line_of(CAPABILITIES, 2)
    found = simulated(line, jobs, foreseen)
    best = solved(line, jobs, limit_s=0.3)
    assert best.bound_s <= found.makespan_s
    assert found.makespan_s <= 1.10 * best.makespan_s


# ---------------------------------------------------------------------- the gate


def chain(name: str, supply: str = "", limit_s: float = 300.0) -> Job:
    """A web is coated and looked at; a sheet of it is pressed within a time of the coating."""
    machine, person = Part(100.0, by_person=False), Part(10.0, by_person=True)
    steps = (
        JobStep("coat", "coat", (Piece(("coater",), (machine,)),)),
        JobStep("look", "inspect", (Piece((), (person,)),)),
        JobStep("press", "press", (Piece(("p1",), (machine,)),)),
    )
    limits = (WaitLimit("press", "coat", limit_s),)
    job = Job(name, steps, limits, alike="web", webs=dict.fromkeys(WEB, WEB))
    return with_sheets(job, dict.fromkeys(WEB, supply) if supply else {})


LINE = LineModel(("coater", "p1"), people=2)
BUSY = Job("busy", (JobStep("long", "press", (Piece(("p1",), (Part(330.0, by_person=False),)),)),), alike="busy")


def test_the_gate_counts_the_waits_of_all_that_the_web_feeds() -> None:
    busy = Standing(BUSY, unit="p1", left_s=330.0, has_begun=True)
    alone = objection(LINE, [busy], Standing(chain("1")), 0.0)
    assert alone is None, "its own sheet is pressed 230 s after the coating"
    fed = objection(LINE, [busy, Standing(chain("2", "1"), place=2)], Standing(chain("1"), place=1), 0.0)
    assert fed is not None
    assert fed[0] == "press of 2 could not begin within 5 min of coat, as things stand"
    assert objection(LINE, [Standing(chain("2", "1"))], Standing(chain("1")), 0.0) is None


def test_what_no_waiting_would_help_is_not_waited_for() -> None:
    fed = [Standing(chain(name, "1")) for name in ("2", "3", "4", "5")]
    assert objection(LINE, fed, Standing(chain("1")), 0.0) is None, "five cannot be pressed in 300 s on any line"


def test_a_web_that_is_finished_needs_its_maker_no_more() -> None:
    one = chain("2", "1")
    gone = simulated(LINE, [one])
    assert unfinished(gone) == ["2 never begins coat: it needs a sheet of 1"]
    known = Standing(replace(one, web_ended_s={"coat": -50.0, "look": -40.0}))
    found = Simulation(LINE, [known])
    found.run()
    assert found.ended
    assert found.waited_s == {("2", one.limits[0]): 40.0 + 50.0}


# ---------------------------------------------------------------------- whatever is drawn


@st.composite
def some_jobs(draw: st.DrawFn) -> list[Job]:
    """Several webs of up to four sheets each, with maximum waits of which some cannot be kept."""
    jobs: list[Job] = []
    for web in range(draw(st.integers(1, 3))):
        limit_s = draw(st.sampled_from([60.0, 300.0, 900.0]))
        sheets = range(draw(st.integers(1, 4)))
        jobs += [chain(f"{web}.{sheet}", f"{web}.0" if sheet else "", limit_s) for sheet in sheets]
    return jobs


@settings(deadline=None, max_examples=25)
@given(some_jobs(), st.integers(1, 3), st.sets(st.sampled_from(["coater", "p1"]), max_size=1))
def test_every_laminate_ends_or_says_what_it_needs_and_no_unit_has_two(
    jobs: list[Job], people: int, out: set[str]
) -> None:
    found = simulated(LineModel(("coater", "p1"), people=people, out=tuple(out)), jobs, foreseen)
    assert no_unit_has_two(found)
    assert found.ended == (not out)
    assert found.ended == (unfinished(found) == [])
    for live in found.lives:
        if live.phase is Phase.DONE:
            maker = live.job.supply.get("coat", live.job.name)
            assert live.finished_s["coat"] == next(x.finished_s["coat"] for x in found.lives if x.job.name == maker)


# ---------------------------------------------------------------------- carried out


def test_a_second_web_is_kept_back_until_its_sheets_can_be_pressed_in_time(tmp_path: Path) -> None:
    plan = plan_of(variant(tmp_path / "waits.yaml", ("{time: 30 min, of", "{time: 5 min, of"), source=WEBS))
    play = Play(numbered(plan, 8, "L")).play()
    assert {play.state(batch.name) for batch in play.batches} == {"complete"}
    assert not [event for event in play.events if event.kind == "condition" and event.data["name"] == BROKEN]
    kept = [e for e in play.events if e.kind == "run.waiting" and e.data["for"] == "the right time for coating"]
    assert {event.run for event in kept} & {"L-01", "L-05"}


def test_the_commands_know_it() -> None:
    told = pressline("schedule", str(WEBS), "--laminates", "4")
    assert told.exit_code == 0, told.output
    rows = {line.split()[0]: line for line in told.output.splitlines() if line.startswith(("coater-1", "people"))}
    assert set(rows["coater-1"].split()[1]) == {".", "1"}

"""The schedule of many laminates: by the same rules as the executor, near the best, and shown."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.allocation import Want
from controller.allocation import given as given_by_the_rules
from controller.dryrun import memory_line
from controller.schedule.forecast import foreseen
from controller.schedule.gantt import gantt_svg, gantt_text, longest_waits, schedule_data, unfinished
from controller.schedule.live import Phase
from controller.schedule.model import Job, JobStep, LineModel, Piece, job_of, line_of
from controller.schedule.simulation import Simulation, simulated
from recipes.load import load_recipe
from recipes.plan import make_plan
from recipes.predict import Part
from recipes.waits import WaitLimit
from simulators.line import SimulatedLine
from tests.controller.many import CAPABILITIES, PROFILES, plan_of
from tests.controller.recipes_for_tests import EXAMPLE, variant
from tests.controller.test_cli import pressline

LINE = LineModel(("p1", "p2", "iso"), people=3)


def machine(units: tuple[str, ...], seconds: float, handling_s: float = 10.0) -> tuple[Piece, ...]:
    handling = Part(handling_s, by_person=True)
    return (Piece(units, (handling, Part(seconds, by_person=False), handling)),)


def chain(name: str, limit_s: float | None = None) -> Job:
    """Joined in one of two presses, then bagged by a person, then densified, which takes longest."""
    steps = (
        JobStep("join", "press", machine(("p1", "p2"), 280.0)),
        JobStep("bag", "task", (Piece((), (Part(40.0, by_person=True),)),)),
        JobStep("densify", "press", machine(("iso",), 980.0)),
    )
    limits = () if limit_s is None else (WaitLimit("densify", "join", limit_s),)
    return Job(name, steps, limits, alike="chain")


def chains(count: int, limit_s: float | None = None) -> list[Job]:
    return [chain(f"{number}", limit_s) for number in range(1, count + 1)]


def test_one_laminate_takes_the_sum_of_its_steps() -> None:
    assert simulated(LINE, chains(1)).makespan_s == 300.0 + 40.0 + 1000.0
    plan = plan_of(EXAMPLE)
    alone = simulated(line_of(CAPABILITIES, 1), [job_of(plan, CAPABILITIES, "one")])
    assert alone.makespan_s == pytest.approx(sum(planned.predicted_s for planned in plan.steps))


def test_several_follow_the_slowest_unit_without_a_gap() -> None:
    found = simulated(LINE, chains(4))
    assert found.makespan_s == 300.0 + 40.0 + 4 * 1000.0
    densified = sorted((bar.begin_s, bar.job) for bar in found.bars if bar.unit == "iso")
    assert densified == [(340.0, "1"), (1340.0, "2"), (2340.0, "3"), (3340.0, "4")]


def test_people_are_needed_for_handling_and_one_person_does_one_thing_at_a_time() -> None:
    alone = simulated(LineModel(LINE.machines, people=1), chains(3))
    calls = sorted(call for bar in alone.bars for call in bar.calls)
    assert all(later >= end for (_, end), (later, _) in pairwise(calls))
    assert alone.makespan_s > simulated(LINE, chains(3)).makespan_s


def test_no_unit_has_two_at_a_time_and_nobody_begins_before_he_is_ready() -> None:
    found = simulated(LINE, chains(6))
    for unit in LINE.units:
        bars = sorted((bar.begin_s, bar.end_s) for bar in found.bars if bar.unit == unit)
        assert all(later >= end for (_, end), (later, _) in pairwise(bars))
    assert all(bar.asked_s <= bar.begin_s <= bar.end_s for bar in found.bars)


def test_a_unit_out_of_service_is_passed_by_and_without_another_one_it_is_said_what_never_begins() -> None:
    one_press = simulated(LineModel(LINE.machines, people=3, out=("p1",)), chains(2))
    assert {bar.unit for bar in one_press.bars if bar.step == "join"} == {"p2"}
    none = simulated(LineModel(LINE.machines, people=3, out=("iso",)), chains(2), foreseen)
    assert not none.ended
    assert unfinished(none)[0] == "1 never begins densify: it needs iso"


def test_what_must_be_used_within_a_time_in_a_unit_that_is_out_of_service_is_not_begun() -> None:
    none = simulated(LineModel(LINE.machines, people=3, out=("iso",)), chains(2, 600.0), foreseen)
    assert none.bars == []
    assert unfinished(none) == [
        "1 never begins join: densify could not begin within 10 min of join, as things stand without iso",
        "2 never begins join: it comes after others of its kind",
    ]


def test_a_maximum_wait_is_kept_by_beginning_later_and_costs_the_slowest_unit_nothing() -> None:
    free, kept = simulated(LINE, chains(6)), simulated(LINE, chains(6, 600.0), foreseen)
    (limit,) = chain("1", 600.0).limits
    ended = {(bar.job, bar.step): bar.end_s for bar in free.bars}
    waits = [bar.begin_s - ended[bar.job, "join"] for bar in free.bars if bar.step == "densify"]
    assert max(waits) > 600.0
    assert max(kept.waited_s.values()) <= 600.0
    assert set(kept.waited_s) == {(str(number), limit) for number in range(1, 7)}
    assert kept.makespan_s == free.makespan_s
    at_s, job, step, because = kept.objections[0]
    assert (step, at_s) == ("join", kept.objections[0][0])
    assert because.startswith("densify could not begin within 10 min of join, as things stand")
    assert int(job) >= 2


def test_the_gate_lets_begin_what_no_waiting_would_help() -> None:
    alone = simulated(LINE, chains(1, 1.0), foreseen)  # the bag alone takes longer than this
    assert alone.ended
    assert list(alone.waited_s.values()) == [40.0]
    several = simulated(LINE, chains(4, 1.0), foreseen)
    assert several.makespan_s == simulated(LINE, chains(4)).makespan_s


def test_a_chain_of_maximum_waits_is_foreseen_as_a_whole() -> None:
    one = chain("1")
    job = Job("1", one.steps, (WaitLimit("bag", "join", 100.0), WaitLimit("densify", "bag", 100.0)))
    assert {limit.step for limit in job.at_risk(0)} == {"bag", "densify"}
    assert [job.is_entry(number) for number in range(3)] == [True, False, False]
    apart = Job("1", one.steps, (WaitLimit("densify", "bag", 100.0),))
    assert [apart.is_entry(number) for number in range(3)] == [False, True, False]


def test_the_simulation_gives_units_by_the_rules_of_the_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Want]] = []

    def spied(wants: list[Want], free: set[str]) -> list[tuple[Want, str]]:
        seen.append(wants)
        return given_by_the_rules(wants, free)

    monkeypatch.setattr("controller.schedule.simulation.given", spied)
    simulated(LINE, chains(3))
    assert seen
    assert {want.place for wants in seen for want in wants} == {1, 2, 3}


def test_only_a_press_that_can_do_a_step_stands_in_for_another_one() -> None:
    plan = plan_of(EXAMPLE)
    weak = [replace(u, max_force_kn=200.0) if u.name == "uniaxial-press-2" else u for u in CAPABILITIES]
    steps = {step.name: step.pieces[0].units for step in job_of(plan, weak, "1").steps}
    assert steps["first joining"] == ("uniaxial-press-1", "uniaxial-press-2")  # 144 kN
    assert steps["second joining"] == ("uniaxial-press-1",)  # 464 kN
    line = memory_line(SimulatedLine(units=PROFILES))
    line._capabilities |= {unit.name: unit for unit in weak}
    for planned in plan.steps:
        if planned.unit is not None:
            assert line.able(planned, plan.recipe.laminate.area_mm2) == steps[planned.step.name]
        else:
            assert line.able(planned, plan.recipe.laminate.area_mm2) == ()


# ---------------------------------------------------------------------- no deadlock with the gate and with people

MACHINES = ("p1", "p2", "iso")


@st.composite
def some_jobs(draw: st.DrawFn) -> list[Job]:
    """Up to four kinds of laminates, some of them several times, with chains of maximum waits."""
    jobs: list[Job] = []
    parts = st.lists(st.builds(Part, st.sampled_from([10.0, 40.0, 300.0]), st.booleans()), min_size=1, max_size=3)
    units = st.lists(st.sampled_from(MACHINES), max_size=2, unique=True)
    for kind in range(draw(st.integers(1, 4))):
        steps = tuple(
            JobStep(f"step {n}", "press", (Piece(tuple(draw(units)), tuple(draw(parts))),))
            for n in range(draw(st.integers(1, 4)))
        )
        limits = tuple(
            WaitLimit(
                f"step {n}", f"step {draw(st.integers(0, n - 1))}", draw(st.sampled_from([1.0, 60.0, 400.0, 3000.0]))
            )
            for n in range(1, len(steps))
            if draw(st.booleans())
        )
        for _ in range(draw(st.integers(1, 3))):
            jobs.append(Job(f"{len(jobs)}", steps, limits, draw(st.integers(0, 2)), f"kind {kind}"))
    return jobs


@settings(deadline=None, max_examples=100)
@given(some_jobs(), st.integers(1, 3), st.sets(st.sampled_from(MACHINES), max_size=2))
def test_every_laminate_ends_or_needs_a_unit_that_is_out_of_service(
    jobs: list[Job], people: int, out: set[str]
) -> None:
    found = simulated(LineModel(MACHINES, people=people, out=tuple(sorted(out))), jobs, foreseen)
    for live in found.lives:
        left = live.job.steps[live.step :]
        missing = [step for step in left if step.pieces[0].units and set(step.pieces[0].units) <= out]
        assert live.phase is Phase.DONE or missing
    assert found.ended == (unfinished(found) == [])


# ---------------------------------------------------------------------- shown


def shown() -> tuple[LineModel, list[Job], Simulation]:
    jobs = chains(3, 1200.0)
    return LINE, jobs, simulated(LINE, jobs, foreseen)


def test_the_text_has_a_row_for_each_unit_and_a_mark_for_each_laminate() -> None:
    text = gantt_text(*shown(), width=80)
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == ["p1", "p2", "iso", "people"]
    assert all(len(line) <= 80 for line in lines[1:-1])
    iso = next(line for line in lines if line.startswith("iso")).split()[1]
    assert iso.strip(".") == "1" * iso.count("1") + "2" * iso.count("2") + "3" * iso.count("3")
    assert "one column is" in lines[-1]


def test_the_data_tell_times_and_waits() -> None:
    line, jobs, simulation = shown()
    data = schedule_data(line, jobs, simulation)
    assert data["makespan_s"] == simulation.makespan_s
    assert [laminate["name"] for laminate in data["laminates"]] == ["1", "2", "3"]
    assert all(wait["kept"] == (wait["waited_s"] <= 1200.0) for wait in data["maximum_waits"])
    (iso,) = [unit for unit in data["units"] if unit["unit"] == "iso"]
    assert iso["busy_s"] == 3000.0
    (told,) = longest_waits(simulation, jobs)
    assert told.startswith("densify within 20 min of join: longest ")
    assert told.endswith("kept")


def test_the_picture_names_units_and_laminates() -> None:
    picture = gantt_svg(*shown())
    assert picture.startswith("<svg ")
    assert ">iso</text>" in picture
    assert "<title>1: 5.7 to 22.3 min</title>" in picture


def test_the_command_prints_a_gantt_or_json_and_writes_a_picture(tmp_path: Path) -> None:
    text = pressline("schedule", str(EXAMPLE), "--laminates", "3")
    assert text.exit_code == 0
    assert "3 laminates, 2 people at the line" in text.stdout
    assert "uniaxial-press-2" in text.stdout
    assert "all done after" in text.stdout
    svg = tmp_path / "schedule.svg"
    found = pressline("schedule", str(EXAMPLE), "--json", "--svg", str(svg), "--people", "1")
    data = json.loads(found.stdout)
    assert (len(data["laminates"]), data["people"]) == (1, 1)
    assert svg.read_text(encoding="utf-8").startswith("<svg ")


def test_the_command_says_what_a_broken_wait_or_a_missing_machine_means(tmp_path: Path) -> None:
    limit = "    within: [{time: 1 min, of: second joining}]\n    consumes: tight bag\n"
    file = variant(tmp_path / "tight.yaml", ("    consumes: tight bag\n", limit))
    broken = pressline("schedule", str(file))
    assert broken.exit_code == 1
    assert "densifying within 1 min of second joining: longest 2.5 min, broken for 1 of 1" in broken.stdout
    out = pressline("schedule", str(EXAMPLE), "--out-of-service", "isostatic-press-1")
    assert out.exit_code == 1
    assert "01 never begins densifying: it needs isostatic-press-1" in out.stdout
    assert "what can be done is done after" in out.stdout
    none = pressline("schedule", str(EXAMPLE), "--out-of-service", "coater-1")
    assert none.exit_code == 1
    assert "nothing can be begun\n01 never begins coat cathode: it needs coater-1" in none.stdout
    unknown = pressline("schedule", str(EXAMPLE), "--out-of-service", "press-9")
    assert unknown.exit_code == 2
    assert "the line has no unit press-9; it has uniaxial-press-1" in unknown.stderr


def test_an_urgent_laminate_of_another_recipe_is_served_before_all_others() -> None:
    other = EXAMPLE.with_name("honda-example-2.yaml")
    told = pressline("schedule", str(EXAMPLE), "--laminates", "4", "--urgent", str(other), "--json")
    ends = {laminate["name"]: laminate["end_s"] for laminate in json.loads(told.stdout)["laminates"]}
    assert min(ends, key=lambda name: ends[name]) == "urgent"


def test_options_that_need_several_laminates_are_refused_without() -> None:
    done = pressline("dry-run", str(EXAMPLE), "--people", "3")
    assert done.exit_code == 2
    assert "go with --laminates" in done.stderr
    done = pressline("run", str(EXAMPLE), "--simulate", "--people", "3")
    assert done.exit_code == 2
    assert "--people and --out-of-service go with --laminates" in done.stderr


def test_several_laminates_are_not_run_where_one_terminal_would_be_asked_for_all_of_them(tmp_path: Path) -> None:
    line = tmp_path / "line.toml"
    urls = {True: "tcp://127.0.0.1:1?unit={n}", False: "serial:///dev/no-such-port-{n}?baudrate=9600"}
    line.write_text(
        "".join(
            f'[units.{unit}]\nkind = "{profile.kind}"\nprofile = "{profile.name}"\n'
            f'url = "{urls[profile.is_machine].format(n=n)}"\n'
            for n, (unit, profile) in enumerate(PROFILES.items(), start=1)
        ),
        encoding="utf-8",
    )
    done = pressline(
        "run", str(EXAMPLE), "--line", str(line), "--laminates", "2", "--store", str(tmp_path / "s.sqlite")
    )
    assert done.exit_code == 2
    assert "--laminates needs a simulated operator; one terminal cannot serve several" in done.stderr


def test_twenty_laminates_are_foreseen_within_a_percent_of_what_their_slowest_machine_needs() -> None:
    plan = make_plan(load_recipe(EXAMPLE), CAPABILITIES)
    jobs = [job_of(plan, CAPABILITIES, f"{number:02}") for number in range(1, 21)]
    found = simulated(line_of(CAPABILITIES, 2), jobs)
    densifying = next(number for number, step in enumerate(jobs[0].steps) if step.name == "densifying")
    steps = jobs[0].steps
    least_s = (
        sum(step.seconds for step in steps[:densifying])
        + 20 * steps[densifying].seconds
        + sum(step.seconds for step in steps[densifying + 1 :])
    )
    assert least_s <= found.makespan_s <= 1.01 * least_s
    assert set(PROFILES) >= {bar.unit for bar in found.bars if bar.unit is not None}

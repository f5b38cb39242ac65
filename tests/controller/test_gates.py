"""Gates after a step: a lot that misses a target goes on, is pressed again, is scrap, or a person decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.dryrun import SimulatedPerson
from controller.executor.gates import Missed, against_again, guard_of
from controller.executor.prompts import Answer, Prompt
from recipes.declared import press_facts
from recipes.facts import Evidence
from recipes.model import Window
from recipes.plan import Refused
from simulators.clock import run_virtual
from tests.controller.recipes_for_tests import EXAMPLE, planned, variant
from tests.controller.scene import Scene, a_run, nobody, restarting
from tests.controller.test_cli import pressline

FIRST = "    consumes: first stack\n    produces: first joined stack\n"
ASSEMBLY = "    inspect: {lot: first assembly, measures: thickness}\n"
COAT = "    produces: cathode sheet\n"
THIRD = "    consumes: third stack\n    produces: electrode laminate\n"


def gated(folder: Path, after: str, gate: str, *more: tuple[str, str]) -> Path:
    """Example 1 with a gate at one step."""
    lines = "".join(f"      {line}\n" for line in gate.strip().splitlines())
    return variant(
        folder / "gated.yaml",
        (after, f"    gate:\n{lines}{after}" if after != ASSEMBLY else f"{after}    gate:\n{lines}"),
        *more,
    )


def porosity(layer: str, span: str) -> str:
    return f"porosity:\n  - {{layer: {layer}, range: {span}}}"


def decisions(scene: Scene) -> list[tuple[str, str]]:
    return [(event.data["step"], event.data["decision"]) for event in scene.kinds("gate.decided")]


def jobs(scene: Scene, unit: str = "uniaxial-press-1") -> list[dict[str, float]]:
    kinds = scene.kinds("command.requested")
    return [e.data["job"] for e in kinds if e.data["command"] == "load_job" and e.data["unit"] == unit]


class Deciding:
    """Answers what a gate asks; everything else the simulated operator does."""

    def __init__(self, person: Any, *choices: str) -> None:
        self._person, self._choices = person, list(choices)
        self.asked: list[Prompt] = []

    async def perform(self, prompt: Prompt) -> Answer:
        if not prompt.choices:
            answer: Answer = await self._person.perform(prompt)
            return answer
        self.asked.append(prompt)
        return Answer("quality engineer", {}, {}, choice=self._choices.pop(0), why="looked at it")


def deciding(scene: Scene, *choices: str) -> list[Prompt]:
    asked: list[Prompt] = []

    def person(simulated: Any) -> Deciding:
        one = Deciding(simulated, *choices)
        one.asked = asked
        return one

    scene.person = person
    return asked


def test_a_lot_that_meets_its_target_passes_and_nothing_is_told(tmp_path: Path) -> None:
    recipe = gated(tmp_path, FIRST, f"on_miss: scrap\n{porosity('cathode', '20..50 %')}")
    scene = Scene(recipe=recipe).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    assert scene.kinds("gate.missed") == []


def test_a_re_pressing_that_reaches_its_target(tmp_path: Path) -> None:
    plain = Scene().play()
    step = next(e.data for e in plain.kinds("porosity.estimated") if "first joining" in e.data["steps"])
    reached = step["steps"]["first joining"]["porosity_pct"]["cathode"]["after"]
    gate = f"""
on_miss: re-press
{porosity("cathode", f"0..{reached - 1.5:.2f} %")}
most: 3
more_pressure: 15 MPa
more_dwell: 10 s
"""
    scene = Scene(recipe=gated(tmp_path, FIRST, gate)).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    assert decisions(scene) == [("first joining", "re-press")] * len(decisions(scene))
    assert 1 <= len(decisions(scene)) <= 3
    number = len(decisions(scene))
    forces = [job["force_sp_kn"] for job in jobs(scene)][: number + 1]
    assert [force - forces[0] for force in forces] == pytest.approx([24.0 * n for n in range(number + 1)], abs=0.1)
    assert [job["dwell_sp_s"] for job in jobs(scene)][: number + 1] == [180.0 + 10.0 * n for n in range(number + 1)]
    told = next(e.data for e in scene.kinds("porosity.estimated") if "first joining" in e.data["steps"])
    change = told["steps"]["first joining"]
    assert change["porosity_pct"]["cathode"]["after"] < reached - 1.5
    assert change["porosity_pct"]["cathode"]["before"] > reached + 1.0, "before the first of all pressings"
    facts = {
        (f["subject"], f["quantity"]): f["value"]
        for f in scene.kinds("run.facts")[-1].data["facts"]
        if f["evidence"] == "measured"
    }
    assert facts["join1", "pressure"] == pytest.approx(90.0 + 15.0 * number, rel=0.01)
    assert facts["join1", "time"] == pytest.approx(sum(180.0 + 10.0 * n for n in range(number + 1)), abs=2.0)
    missed = scene.kinds("gate.missed")[0].data
    assert missed["targets"][0]["quantity"] == "porosity of cathode"
    assert missed["targets"][0]["value"] == pytest.approx(reached, abs=0.3)
    record = next(step for step in scene.record["steps"] if step["name"] == "first joining")
    assert record["pressure_mpa"]["set"] == 90.0 + 15.0 * number


def test_a_re_pressing_that_does_not_reach_its_target_asks_after_the_last_one(tmp_path: Path) -> None:
    gate = f"on_miss: re-press\n{porosity('cathode', '0..1 %')}\nmost: 2\nmore_pressure: 10 MPa"
    scene = Scene(recipe=gated(tmp_path, FIRST, gate))
    asked = deciding(scene, "continue")
    scene.play()
    assert [decision for _, decision in decisions(scene)] == ["re-press", "re-press", "continue"]
    (prompt,) = asked
    assert prompt.choices == ("continue", "scrap")
    assert "it is not pressed again: it was pressed again 2 times, the most that the recipe allows" in prompt.text
    assert scene.record["state"] == "complete", scene.record["reason"]
    assert scene.kinds("gate.decided")[-1].data["by"] == "quality engineer"


def test_pressing_again_at_the_same_pressure_changes_nothing_by_the_law(tmp_path: Path) -> None:
    gate = f"on_miss: re-press\n{porosity('cathode', '0..1 %')}\nmost: 1"
    scene = Scene(recipe=gated(tmp_path, FIRST, gate))
    deciding(scene, "scrap")
    scene.play()
    first, second = [event.data["targets"][0]["value"] for event in scene.kinds("gate.missed")]
    assert second == pytest.approx(first, abs=0.3)


def test_scrap_ends_the_run_stopped_and_tells_the_lots_status(tmp_path: Path) -> None:
    scene = Scene(recipe=gated(tmp_path, FIRST, f"on_miss: scrap\n{porosity('cathode', '0..1 %')}")).play()
    assert scene.record["state"] == "stopped"
    (status,) = scene.kinds("lot.status")
    assert (status.data["lot"], status.data["status"]) == ("first joined stack", "scrap")
    assert status.data["why"].startswith("porosity of cathode ")
    assert "first joined stack is scrap: porosity of cathode" in scene.record["reason"]
    assert scene.simulated.machines["uniaxial-press-1"].plc.lot is None, "it was taken out before"
    assert "uniaxial-press-1" not in scene.line.owners, "the press is free for others"
    assert [e.data["decision"] for e in scene.kinds("gate.decided")] == ["scrap"]
    assert scene.kinds("gate.decided")[0].data["by"] == "recipe honda-example-1"


def test_continue_goes_on_and_is_in_the_record(tmp_path: Path) -> None:
    scene = Scene(recipe=gated(tmp_path, FIRST, f"on_miss: continue\n{porosity('cathode', '0..1 %')}")).play()
    assert scene.record["state"] == "complete"
    assert decisions(scene) == [("first joining", "continue")]


def test_who_is_asked_may_have_it_pressed_again_or_scrapped(tmp_path: Path) -> None:
    gate = f"on_miss: ask\n{porosity('cathode', '0..1 %')}\nmost: 1\nmore_pressure: 10 MPa"
    scene = Scene(recipe=gated(tmp_path, FIRST, gate))
    asked = deciding(scene, "re-press", "scrap")
    scene.play()
    assert [prompt.choices for prompt in asked] == [("continue", "re-press", "scrap"), ("continue", "scrap")]
    assert [decision for _, decision in decisions(scene)] == ["re-press", "scrap"]
    assert scene.record["state"] == "stopped"
    assert scene.kinds("lot.status")


def test_a_choice_that_is_none_is_asked_again(tmp_path: Path) -> None:
    scene = Scene(recipe=gated(tmp_path, FIRST, f"on_miss: ask\n{porosity('cathode', '0..1 %')}"))
    asked = deciding(scene, "perhaps", "continue")
    scene.play()
    assert len(asked) == 2
    answered = [e.data for e in scene.kinds("prompt.answered") if e.data["action"] == "decide"]
    assert answered[0]["wrong"] == ["perhaps was chosen, continue, re-press, scrap are asked for"]
    assert scene.record["state"] == "complete"


def test_where_nobody_can_decide_the_run_is_held_and_an_unattended_one_ends(tmp_path: Path) -> None:
    scene = Scene(recipe=gated(tmp_path, FIRST, f"on_miss: ask\n{porosity('cathode', '0..1 %')}")).play()
    assert scene.record["state"] == "stopped"
    assert "the simulated operator decides nothing" in scene.record["reason"]


def test_a_gate_after_an_inspection_sends_the_lot_back_to_its_press_and_measures_again(tmp_path: Path) -> None:
    thickness = next(e for e in Scene().play().kinds("measurement") if e.data["lot"] == "first assembly").data["value"]
    gate = f"on_miss: re-press\nthickness: 10..{thickness - 3.0:.1f} um\nmost: 2\nmore_pressure: 40 MPa"
    scene = Scene(recipe=gated(tmp_path, ASSEMBLY, gate)).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    measured = [e.data["value"] for e in scene.kinds("measurement") if e.data["lot"] == "first assembly"]
    assert len(measured) == 1 + len(decisions(scene)) >= 2
    assert measured[-1] <= thickness - 3.0
    again = [e.data["text"] for e in scene.kinds("prompt.asked") if "first assembly" in e.data["text"]]
    assert "Load first assembly into uniaxial-press-1" in again
    assert "Take first assembly out of uniaxial-press-1" in again
    verdicts = {rule["id"]: rule["verdict"] for rule in scene.record["certificate"]["rules"]}
    assert (verdicts["H001"], verdicts["H008"]) == ("pass", "pass")


def test_re_pressings_that_would_break_the_order_by_their_setpoints_are_refused_by_the_plan(tmp_path: Path) -> None:
    gate = f"on_miss: re-press\n{porosity('cathode', '0..1 %')}\nmost: 3\nmore_pressure: 50 MPa"
    with pytest.raises(Refused, match=r"re-pressing 2 with 190 MPa: third joining: pressure 180 MPa is not greater"):
        planned(gated(tmp_path, FIRST, gate), None)


def test_what_was_really_reached_counts_and_not_the_plan(tmp_path: Path) -> None:
    """A second joining that reached 240 MPa instead of 290 leaves less room for the third one's re-pressings."""
    gate = f"on_miss: re-press\n{porosity('cathode', '0..0.1 %')}\nmost: 2\nmore_pressure: 50 MPa"

    async def judged() -> tuple[str | None, str | None]:
        run = a_run(gated(tmp_path, THIRD, gate))
        third = next(step for step in run.plan.steps if step.step.name == "third joining")
        assert third.step.gate is not None
        by_plan = against_again(run, third, third.step.gate, 2)
        seen = {"evidence": Evidence.MEASURED, "source": "a test", "method": "uniaxial"}
        run.facts.add(press_facts("join2", pressure_mpa=240.0, temperature_c=25.0, time_s=300.0, **seen))  # type: ignore[arg-type]
        assert against_again(run, third, third.step.gate, 1) is None
        return by_plan, against_again(run, third, third.step.gate, 2)

    by_plan, by_fact = run_virtual(judged())
    assert by_plan is None
    assert by_fact is not None
    assert "third joining: pressure 280 MPa is not less than second joining's 240 MPa (H010, US" in by_fact


def test_a_coating_does_what_its_gate_says(tmp_path: Path) -> None:
    narrow = ("coating_weight_window: 26..28 mg/cm2", "coating_weight_window: 26.999..27.001 mg/cm2")
    scene = Scene(recipe=gated(tmp_path, COAT, "on_miss: scrap", narrow)).play()
    assert scene.record["state"] == "stopped"
    (status,) = scene.kinds("lot.status")
    assert status.data["lot"] == "cathode sheet"
    assert "coating weight" in status.data["why"]
    scene = Scene(recipe=gated(tmp_path, COAT, "on_miss: continue", narrow)).play()
    assert scene.record["state"] == "complete"
    assert decisions(scene) == [("coat cathode", "continue")]
    scene = Scene(attendant=restarting(), recipe=variant(tmp_path / "none.yaml", narrow)).play()
    assert scene.kinds("gate.decided") == [], "without a gate a person restarts or stops, as before"
    assert scene.record["state"] == "complete"


def test_a_layer_of_which_nothing_is_known_has_missed_its_target(tmp_path: Path) -> None:
    async def lost(scene: Scene, run: Any) -> None:
        run.metrology.lose_track(["cathode"])

    recipe = gated(tmp_path, FIRST, f"on_miss: scrap\n{porosity('cathode', '1..99 %')}")
    scene = Scene("uniaxial-press-1", "dwell", lost, nobody, recipe).play()
    assert scene.kinds("lot.status")[0].data["why"] == "porosity of cathode is not known, 1 to 99 % is asked"


def test_guarded_acceptance_moves_the_ends_of_a_range_inwards() -> None:
    assert guard_of(None, 2.0) == 0.0
    assert guard_of(0.95, 2.0) == pytest.approx(3.29, abs=0.01)


@pytest.mark.parametrize(
    ("after", "gate", "message"),
    [
        (FIRST, "on_miss: scrap", "the gate has no target"),
        (FIRST, "on_miss: perhaps\nporosity: [{layer: cathode, range: 0..5 %}]", "unknown name 'perhaps'"),
        (FIRST, "on_miss: scrap\nthickness: 1..2 um", "nothing measures the thickness"),
        (FIRST, "on_miss: scrap\nmost: 2\nporosity: [{layer: cathode, range: 0..5 %}]", "nothing is pressed again"),
        (FIRST, "on_miss: re-press\nmost: 1.5\nporosity: [{layer: cathode, range: 0..5 %}]", "is no whole number"),
        (FIRST, "on_miss: scrap\nporosity: [{layer: tin, range: 0..5 %}]", "unknown name 'tin'"),
        (
            FIRST,
            "on_miss: scrap\nporosity: [{layer: intermediate, range: 0..5 %}]",
            "there is no intermediate in the lot",
        ),
        (COAT, "on_miss: re-press", "a coated sheet was not pressed yet"),
        (COAT, "on_miss: scrap\nporosity: [{layer: cathode, range: 0..5 %}]", "a coating is judged by its own windows"),
        (FIRST, "on_miss: re-press\nmore_pressure: 300 MPa\nporosity: [{layer: cathode, range: 0..5 %}]", "600 kN"),
    ],
)
def test_a_gate_that_cannot_be_is_told_where_it_stands(after: str, gate: str, message: str, tmp_path: Path) -> None:
    file = gated(tmp_path, after, gate)
    result = pressline("validate", file)
    assert result.exit_code != 0
    assert message in result.output, result.output
    assert "gated.yaml:" in result.output


def test_a_lot_that_is_not_in_its_bag_any_more_cannot_be_sent_back(tmp_path: Path) -> None:
    densified = "    inspect: {lot: densified assembly, measures: thickness}\n"
    gate = "    gate:\n      on_miss: re-press\n      thickness: 1..900 um\n"
    file = variant(tmp_path / "gated.yaml", (densified, densified + gate))
    with pytest.raises(Refused, match="the lot is not bagged, which densifying does not press; put the gate at densif"):
        planned(file, None)


def test_the_plan_shows_its_gates(tmp_path: Path) -> None:
    gate = f"on_miss: re-press\n{porosity('cathode', '10..50 %')}\nmost: 2\nmore_pressure: 10 MPa\nmore_dwell: 30 s"
    shown = " ".join(pressline("plan", gated(tmp_path, FIRST, gate)).output.split())
    for words in ("GATES", "first joining", "porosity of cathode 10 to 50 %", "re-press", "at most 2", "+10 MPa"):
        assert words in shown, words
    assert "GATES" not in pressline("plan", EXAMPLE).output


def test_what_pressing_only_makes_worse_is_not_pressed_again(tmp_path: Path) -> None:
    gate = f"on_miss: re-press\n{porosity('cathode', '60..70 %')}\nmost: 3"
    scene = Scene(recipe=gated(tmp_path, FIRST, gate))
    asked = deciding(scene, "scrap")
    scene.play()
    assert decisions(scene) == [("first joining", "scrap")]
    assert asked[0].choices == ("continue", "scrap")
    assert "porosity of cathode is low already, and pressing only makes it less" in asked[0].text
    assert len(jobs(scene)) == 1


def test_what_nobody_knows_is_not_pressed_again(tmp_path: Path) -> None:
    async def lost(scene: Scene, run: Any) -> None:
        run.metrology.lose_track(["cathode"])

    recipe = gated(tmp_path, FIRST, f"on_miss: re-press\n{porosity('cathode', '0..99 %')}\nmost: 3")
    scene = Scene("uniaxial-press-1", "dwell", lost, nobody, recipe)
    asked = deciding(scene, "scrap")
    scene.play()
    assert decisions(scene) == [("first joining", "scrap")]
    assert "porosity of cathode is not known, and pressing tells nothing of it" in asked[0].text


@pytest.mark.parametrize(
    ("quantity", "value", "uncertainty", "guard", "helps"),
    [
        ("porosity of cathode", 31.0, 0.5, 0.0, True),
        ("porosity of cathode", 19.0, 0.5, 0.0, False),
        ("porosity of cathode", 29.5, 0.5, 1.0, True),
        ("porosity of cathode", 20.5, 0.5, 1.0, False),
        ("porosity of cathode", 29.5, 9.0, 14.8, False),
        ("thickness", 31.0, 0.5, 0.0, True),
        ("coating weight", 31.0, 0.5, 0.0, False),
        ("thickness", None, None, 0.0, False),
    ],
)
def test_whether_pressing_can_bring_a_value_into_its_range(
    quantity: str, value: float | None, uncertainty: float | None, guard: float, helps: bool
) -> None:
    missed = Missed(quantity, "%", Window(20.0, 30.0), value, uncertainty, guard)
    assert (missed.beyond_pressing is None) is helps


@pytest.mark.parametrize(
    ("told", "state", "decided"),
    [("continue", "complete", ["continue"]), ("scrap", "stopped", ["scrap"]), ("re-press", "stopped", ["re-press"])],
)
def test_a_dry_run_decides_at_gates_as_it_is_told(told: str, state: str, decided: list[str], tmp_path: Path) -> None:
    gate = f"on_miss: ask\n{porosity('cathode', '0..1 %')}\nmost: 1\nmore_pressure: 10 MPa"
    scene = Scene(recipe=gated(tmp_path, FIRST, gate))
    scene.person = lambda person: SimulatedPerson(person._simulated, told)
    scene.play()
    assert scene.record["state"] == state, scene.record["reason"]
    assert [decision for _, decision in decisions(scene)] == decided
    if told == "re-press":
        assert "was told to re-press, which is no choice here" in scene.record["reason"]


def test_the_command_takes_what_is_decided_at_gates(tmp_path: Path) -> None:
    file = gated(tmp_path, FIRST, f"on_miss: ask\n{porosity('cathode', '0..1 %')}")
    output = " ".join(pressline("dry-run", file, "--at-gates", "scrap").output.split())
    assert "first joined stack: scrap (simulated operator)" in output, output
    refused = pressline("dry-run", file, "--at-gates", "scrap", "--laminates", "2")
    assert "--at-gates goes without --laminates" in refused.output

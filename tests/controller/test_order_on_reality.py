"""What was really reached decides: the order of pressures, measurements that cannot be, and the laboratory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.executor.prompts import Answer, Prompt
from controller.executor.run import Run
from controller.metrology import Metrology
from recipes.facts import Evidence
from recipes.load import load_recipe
from tests.controller.recipes_for_tests import EXAMPLE, variant
from tests.controller.scene import Scene, once, restarting

UNIAXIAL = "uniaxial-press-1"
CLOSE = (
    (
        "pressure: 90 MPa\n      pressure_window: 88.2..91.8 MPa",
        "pressure: 178 MPa\n      pressure_window: 170..190 MPa",
    ),
    ("dwell: 3 min", "dwell: 2 s"),
)
"""A first joining that asks for 2 MPa less than the third, and is over before an overshoot has settled."""


async def overshoot(scene: Scene, run: Run) -> None:
    plc = scene.simulated.machines[UNIAXIAL].plc
    plc.disturbances = replace(plc.disturbances, overshoot_pct=4.0)


def started(scene: Scene) -> list[str]:
    return [event.data["name"] for event in scene.kinds("step.started")]


def test_a_third_joining_does_not_start_when_the_first_one_really_reached_more(tmp_path: Path) -> None:
    """178 MPa were asked for and allow 180 MPa afterwards; the press overshoots, and they do not."""
    recipe = variant(tmp_path / "close.yaml", *CLOSE)
    scene = Scene(UNIAXIAL, "approach", overshoot, recipe=recipe, after_s=1.0).play()
    first = next(step for step in scene.record["steps"] if step["name"] == "first joining")
    assert first["pressure_mpa"]["reached"] > 180.0
    (broken,) = [e.data for e in scene.kinds("rule.broken") if e.data["rule"] == "H009"]
    assert (broken["stage"], broken["when"]) == ("before_step", "before join2"), (
        "as soon as it is known, not after another pressing"
    )
    assert "third joining: pressure 180 MPa is not greater than first joining's 18" in broken["words"]
    assert scene.record["state"] == "stopped"
    pressed = [
        e.data["job"]["force_sp_kn"] for e in scene.kinds("command.requested") if "force_sp_kn" in e.data.get("job", {})
    ]
    assert len(pressed) == 1, "no job was loaded after the first joining's"
    assert "third joining" not in started(scene)


def test_without_the_overshoot_the_same_recipe_runs(tmp_path: Path) -> None:
    scene = Scene(recipe=variant(tmp_path / "close.yaml", *CLOSE)).play()
    assert scene.record["state"] == "complete", scene.record["reason"]


def test_an_innovation_that_cannot_be_is_told_as_a_condition_until_it_is_mended() -> None:
    class OtherSheet:
        """Lays another sheet on the gauge once."""

        def __init__(self, person: Any, scene: Scene) -> None:
            self._person, self._scene, self._left = person, scene, 1

        async def perform(self, prompt: Prompt) -> Answer:
            answer: Answer = await self._person.perform(prompt)
            if (
                prompt.unit == "thickness-gauge-1"
                and prompt.consumes == ("cathode sheet",)
                and prompt.action == "place"
                and self._left
            ):
                self._left -= 1
                machines, world = self._scene.simulated.machines, self._scene.simulated.world
                machines["thickness-gauge-1"].lot = world.lot("intermediate sheet")
            return answer

    scene = Scene(attendant=restarting())
    scene.person = lambda person: OtherSheet(person, scene)
    scene.play()
    told = [e.data for e in scene.kinds("condition") if e.data["name"] == "innovation_implausible"]
    assert [(data["unit"], data["active"]) for data in told] == [
        ("thickness-gauge-1", True),
        ("thickness-gauge-1", False),
    ]
    assert "wrong lot, wrong sheet, drifted gauge" in told[0]["message"]
    assert scene.record["state"] == "complete", scene.record["reason"]


def test_a_laboratory_that_contradicts_the_estimate_is_told_as_a_condition() -> None:
    class OtherLot:
        def __init__(self, person: Any) -> None:
            self._person, self._left = person, 1

        async def perform(self, prompt: Prompt) -> Answer:
            answer: Answer = await self._person.perform(prompt)
            name = next((entry for entry in answer.values if entry.startswith("porosity")), None)
            if name is not None and self._left:
                self._left -= 1
                return Answer(answer.by, {**answer.values, name: 80.0}, answer.uncertainties)
            return answer

    scene = Scene(attendant=restarting(), person=OtherLot).play()
    told = [e.data for e in scene.kinds("condition") if e.data["name"] == "innovation_implausible"]
    assert [(data["unit"], data["active"]) for data in told] == [("lab", True), ("lab", False)]


def pressed(lab: tuple[float, float] | None) -> Metrology:
    """The cathode of Example 1 after its first and second joining, with a laboratory's value between them."""
    known = Metrology(load_recipe(EXAMPLE).laminate)
    known.press("first joining", ["cathode"], (90.0, 0.5), (25.0, 0.3), 180.0, 9.0)
    if lab is not None:
        known.lab("cathode", "porosity", *lab)
    known.press("second joining", ["cathode"], (290.0, 0.5), (25.0, 0.3), 300.0, 29.0)
    return known


def test_a_laboratorys_value_overrides_and_corrects_every_later_estimate() -> None:
    plain = pressed(None)
    expected, uncertainty = plain.changes()["first joining"]["cathode"].after_pct, 0.2
    found = expected + 2.0
    known = Metrology(load_recipe(EXAMPLE).laminate)
    known.press("first joining", ["cathode"], (90.0, 0.5), (25.0, 0.3), 180.0, 9.0)
    known.lab("cathode", "porosity", found, uncertainty)
    assert known.porosity_pct("cathode") == (found, uncertainty)
    assert known.evidence("cathode") is Evidence.LAB
    later, before = pressed((found, uncertainty)), plain.porosity_pct("cathode")
    assert later.evidence("cathode") is Evidence.ESTIMATED, "it was pressed since"
    assert later.porosity_pct("cathode")[0] > before[0] + 0.5, "what was more porous then is more porous now"
    assert later.porosity_pct("cathode")[1] < before[1], "and is known better"
    assert later.changes()["first joining"]["cathode"].after_pct == pytest.approx(found, abs=0.3)


def test_a_step_that_pressed_twice_changed_its_layers_from_before_the_first_to_after_the_last() -> None:
    known = Metrology(load_recipe(EXAMPLE).laminate)
    known.press("first joining", ["cathode"], (90.0, 0.5), (25.0, 0.3), 60.0, 9.0)
    once = known.changes()["first joining"]["cathode"]
    known.press("first joining", ["cathode"], (120.0, 0.5), (25.0, 0.3), 180.0, 12.0)
    twice = known.changes()["first joining"]["cathode"]
    assert list(known.changes()) == ["first joining"]
    assert twice.before_pct == pytest.approx(once.before_pct)
    assert twice.after_pct < once.after_pct
    assert twice.decrease_pct == pytest.approx(100 * (1 - twice.after_pct / twice.before_pct), abs=1e-6)


@pytest.mark.parametrize("off_pct", [-8.0, 5.0, 10.0])
def test_a_laboratory_that_contradicts_the_law_corrects_it_all_the_same(off_pct: float) -> None:
    """Nobody knew anything of the layer; what is estimated after the next pressing must not be the old prediction."""
    known = Metrology(load_recipe(EXAMPLE).laminate)
    known.press("first joining", ["cathode"], (90.0, 0.5), (25.0, 0.3), 180.0, 9.0)
    found = known.porosity_pct("cathode")[0] + off_pct
    known.lose_track(["cathode"])
    known.lab("cathode", "porosity", found, 0.3)
    known.press("second joining", ["cathode"], (90.0, 0.5), (25.0, 0.3), 1.0, 9.0)
    assert known.is_known("cathode")
    assert known.evidence("cathode") is Evidence.ESTIMATED
    porosity, uncertainty = known.porosity_pct("cathode")
    assert porosity == pytest.approx(found, abs=0.5), "a second at the same pressure changes next to nothing"
    assert uncertainty > 0.3, "a law that was that far off is not believed as before"


def test_a_restart_does_not_start_what_breaks_the_order_either(tmp_path: Path) -> None:
    """The second joining, which nothing speaks against, is a person's decision; the third one is not."""

    async def overshoot_once(scene: Scene, run: Run) -> None:
        before = scene.simulated.machines[UNIAXIAL].plc.disturbances
        await overshoot(scene, run)
        await once(run, lambda event: event.data.get("name") == "first joining")
        scene.simulated.machines[UNIAXIAL].plc.disturbances = before

    recipe = variant(tmp_path / "close.yaml", *CLOSE)
    scene = Scene(UNIAXIAL, "approach", overshoot_once, restarting(times=3), recipe, after_s=1.0).play()
    assert scene.record["state"] == "stopped"
    assert "second joining" in [step["name"] for step in scene.record["steps"] if step["done"]]
    reasons = [e.data["reason"] for e in scene.kinds("run.state") if e.data["state"] == "holding"]
    assert [reason.split(":")[0] for reason in reasons] == ["before join2", *["before join3"] * (len(reasons) - 1)]
    assert len(reasons) > 2, "asked again, and refused again"
    assert "H009" in reasons[-1]
    forces = [e.data["job"] for e in scene.kinds("command.requested") if "force_sp_kn" in e.data.get("job", {})]
    assert len(forces) == 2, "no job was loaded for the third joining"
    assert len(scene.kinds("rule.broken")) == 1


def test_a_run_that_ends_over_a_contradiction_leaves_no_condition_and_claims_nothing() -> None:
    class OtherSheet:
        """Lays another sheet on the gauge; nobody is there to decide."""

        def __init__(self, person: Any, scene: Scene) -> None:
            self._person, self._scene = person, scene

        async def perform(self, prompt: Prompt) -> Answer:
            answer: Answer = await self._person.perform(prompt)
            if (prompt.unit, prompt.action, prompt.consumes) == ("thickness-gauge-1", "place", ("cathode sheet",)):
                machines, world = self._scene.simulated.machines, self._scene.simulated.world
                machines["thickness-gauge-1"].lot = world.lot("intermediate sheet")
            return answer

    scene = Scene()
    scene.person = lambda person: OtherSheet(person, scene)
    scene.play()
    assert scene.record["state"] == "stopped"
    told = [e.data["active"] for e in scene.kinds("condition") if e.data["name"] == "innovation_implausible"]
    assert told == [True, False]
    assert scene.record["layers"]["cathode"]["porosity_pct"] is None

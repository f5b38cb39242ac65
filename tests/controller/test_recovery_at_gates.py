"""Controllers that die while a gate has its lot pressed again: what was before is known, no number is used twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from controller.events import Event
from controller.executor.run import Run
from controller.executor.states import RunState
from controller.executor.tasks import MAYBE_DONE
from tests.controller.killing import Kill, Killed, at_event
from tests.controller.recipes_for_tests import quick, variant
from tests.controller.test_gates import ASSEMBLY, FIRST, porosity

UNIAXIAL = "uniaxial-press-1"
MISSED = f"on_miss: re-press\n{porosity('cathode', '0..1 %')}\nmost: 2\nmore_pressure: 10 MPa"
"""A gate that is never met: it presses twice again, then a person is asked."""
THIN = "on_miss: re-press\nthickness: 10..20 um\nmost: 1\nmore_pressure: 40 MPa"
DECIDED = at_event("gate.decided", decision="re-press")


def gated(folder: Path, after: str, gate: str) -> Path:
    lines = "".join(f"      {line}\n" for line in gate.splitlines())
    new = f"    gate:\n{lines}{after}" if after == FIRST else f"{after}    gate:\n{lines}"
    return variant(folder / "gated.yaml", (after, new), source=quick(folder / "quick.yaml"))


@pytest.fixture(scope="module")
def at_press(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gated(tmp_path_factory.mktemp("press"), FIRST, MISSED)


@pytest.fixture(scope="module")
def at_inspection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gated(tmp_path_factory.mktemp("inspection"), ASSEMBLY, THIN)


def pressures(killed: Killed) -> list[float]:
    """Of the first joining and its re-pressings, in MPa of the laminate's 1600 mm2 above the load cell's tare."""
    loads = [e.data for e in killed.kinds("command.requested") if e.data["command"] == "load_job"]
    forces = [data["job"]["force_sp_kn"] for data in loads if data["unit"] == UNIAXIAL]
    return [round((force - forces[0]) / 1.6 + 90.0) for force in forces]


def facts(killed: Killed) -> dict[tuple[str, str], float]:
    found = killed.kinds("run.facts")[-1].data["facts"]
    return {(f["subject"], f["quantity"]): f["value"] for f in found if f["evidence"] == "measured"}


def restart_of(killed: Killed) -> str:
    return str(next(e for e in killed.kinds("run.state") if e.data.get("recovered")).data["choices"]["restart"])


async def goes_on_once(run: Run, events: asyncio.Queue[Event]) -> None:
    """Restarts what was found, and stops where the gate asks somebody, whom there is not."""
    is_asked = False
    while True:
        event = await events.get()
        is_asked |= event.kind == "prompt.asked" and event.data["action"] == "decide"
        if event.kind != "run.state" or event.data["state"] != "held":
            continue
        await asyncio.sleep(2.0)
        if run.state is RunState.HELD and is_asked:
            await run.stop("enough", "quality engineer")
        elif run.state is RunState.HELD:
            run.restart("looked at it", "shift lead")


def killed_at(kill: Kill, recipe: Path, gap_s: float = 30.0) -> Killed:
    return Killed([kill], gap_s, attendant=goes_on_once, recipe=recipe).play()


FIFTH_JOB = at_event("command.requested", command="load_job", nth=5)
"""Three coatings, the first joining, and its first re-pressing."""
RELOADED = at_event("command.requested", command="load_job")
"""Of a controller that has come back: the re-pressing's job, which never reaches the press."""


@pytest.mark.parametrize(
    ("kill", "gap_s", "jobs", "words"),
    [
        (DECIDED, 30.0, [90, 100, 110], "re-pressing 1 had not begun"),
        (FIFTH_JOB, 30.0, [90, 100, 100, 110], "re-pressing 1 had not begun"),
        (at_event("step.phase", 0.0, nth=2, unit=UNIAXIAL, phase="release"), 1.0, None, "goes on at the gate"),
        (at_event("step.dwelt", 1.0, nth=2), 30.0, [90, 100, 110], "re-pressing 1 had come to its end and counts"),
        (at_event("step.dwelt", 1.0, nth=3), 30.0, [90, 100, 110], "re-pressing 2 had come to its end and counts"),
    ],
    ids=["decided", "loaded", "release begins", "dwelt", "dwelt, the last one"],
)
def test_a_death_around_a_re_pressing_costs_nothing_that_was_seen(
    kill: Kill, gap_s: float, jobs: list[int] | None, words: str, at_press: Path
) -> None:
    killed = killed_at(kill, at_press, gap_s)
    assert words in restart_of(killed)
    assert killed.record["state"] == "stopped", killed.record["reason"]
    if jobs is None:
        return
    assert pressures(killed) == jobs
    assert not killed.kinds("track.lost")
    assert facts(killed)["join1", "time"] == pytest.approx(180.0, abs=1.0), "all three pressings"
    assert facts(killed)["join1", "pressure"] == pytest.approx(110.0, rel=0.01)


@pytest.mark.parametrize("gap_s", [1.0, 60.0])
@pytest.mark.parametrize("phase", ["ramp", "dwell"])
def test_a_death_in_a_re_pressing_claims_nothing_of_it_and_uses_its_number(
    phase: str, gap_s: float, at_press: Path
) -> None:
    kill = at_event("step.phase", 5.0, nth=2, unit=UNIAXIAL, phase=phase)
    killed = killed_at(kill, at_press, gap_s)
    assert "nobody knows what re-pressing 1 did: nothing is claimed of" in restart_of(killed)
    assert killed.kinds("track.lost")
    assert pressures(killed) == [90, 100], "what nobody knows is not pressed again before a person has decided"
    assert killed.kinds("prompt.asked")[-1].data["action"] == "decide"
    assert killed.record["state"] == "stopped", killed.record["reason"]
    assert killed.record["layers"]["cathode"]["porosity_pct"] is None


def test_it_can_die_again_and_again_at_a_gate(at_press: Path) -> None:
    kills = [
        DECIDED,
        RELOADED,
        at_event("step.dwelt", 1.0),
        at_event("run.resumed"),
        DECIDED,
        at_event("step.dwelt", 1.0),
    ]
    killed = Killed(kills, 30.0, attendant=goes_on_once, recipe=at_press).play()
    assert killed.record["state"] == "stopped", killed.record["reason"]
    assert pressures(killed) == [90, 100, 100, 110]
    assert [e.data["number"] for e in killed.kinds("gate.decided")] == [1, 1, 1, 2, 2]
    assert not killed.kinds("track.lost")
    assert facts(killed)["join1", "time"] == pytest.approx(180.0, abs=1.0), "all three pressings"


@pytest.mark.parametrize(
    ("kill", "lost"),
    [
        (DECIDED, False),
        (at_event("prompt.asked", 5.0, nth=2, action="load", unit=UNIAXIAL), False),
        (at_event("step.phase", 5.0, nth=2, unit=UNIAXIAL, phase="dwell"), True),
        (at_event("step.dwelt", 1.0, nth=2), False),
        (at_event("prompt.asked", 1.0, nth=2, action="unload", unit=UNIAXIAL), False),
        (at_event("prompt.answered", 1.0, nth=2, action="unload", unit=UNIAXIAL), False),
    ],
    ids=["decided", "loading", "dwell", "dwelt", "unloading", "unloaded"],
)
def test_a_death_while_an_inspection_has_its_lot_pressed_again(kill: Kill, lost: bool, at_inspection: Path) -> None:
    killed = killed_at(kill, at_inspection)
    assert "goes on at the gate of inspect first assembly" in restart_of(killed)
    assert bool(killed.kinds("track.lost")) == lost
    assert killed.record["state"] == "stopped", killed.record["reason"]
    measured = [event for event in killed.kinds("measurement") if event.data["lot"] == "first assembly"]
    assert len(measured) >= 2, "before the re-pressing and after it"
    assert pressures(killed)[:2] == [90, 130], "one re-pressing is the most"
    assert pressures(killed).count(130) == 1
    if not lost:
        assert facts(killed)["join1", "pressure"] == pytest.approx(130.0, rel=0.01)
    found = [fact for fact in killed.kinds("run.facts")[-1].data["facts"] if fact["subject"] == "join1"]
    doubts = {fact.get("doubt", "") for fact in found if fact["evidence"] == "measured"}
    assert doubts == {"nobody knows what re-pressing 1 of first joining reached" if lost else ""}
    texts = [event.data["text"] for event in killed.kinds("prompt.asked") if event.data["action"] == "decide"]
    assert not any(MAYBE_DONE in text for text in texts)

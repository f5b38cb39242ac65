"""Every row of the table of reactions, against the simulated machines on virtual time."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from controller.executor.reactions import COATER_HOLD_S, NO_PHASE, REACTIONS, Lasts, Reaction, Restart, reaction
from controller.executor.reactions_page import page
from controller.executor.run import Run
from controller.executor.states import Trigger
from tests.controller.recipes_for_tests import variant
from tests.controller.scene import Observed, Scene, becomes, nobody, once

SMALL = Path(__file__).with_name("small.yaml")
UNITS = {"uniaxial_press": "uniaxial-press-1", "isostatic_press": "isostatic-press-1", "coater": "coater-1"}
PRESSURE = {"uniaxial_press": "force_pv_kn", "isostatic_press": "pressure_a_mpa"}
STEPS = {"uniaxial_press": "joining", "isostatic_press": "densifying", "coater": "coating"}
HOLD_LIMIT_S = {"uniaxial_press": 120.0, "isostatic_press": 300.0, "coater": COATER_HOLD_S}
RATE = {"uniaxial_press": 16.0, "isostatic_press": 5.0}
"""What the job lets off at: 10 MPa/s on 16 cm2 in kN/s, and MPa/s."""
NOISE = {"uniaxial_press": 0.4, "isostatic_press": 1.0}
AFTER_S = {"ramp": 3.0, "dwell": 20.0, "release": 2.0, "approach": 1.0, "coat": 1.0, "run_out": 1.0}
PRESSURISED = ("ramp", "dwell")


def words(row: Reaction) -> str:
    return "-".join(part for part in (row.kind, row.phase, row.command.value, row.on_hold) if part)


ROWS = [row for row in REACTIONS if row.kind]
HOLDS = [row for row in ROWS if row.command is Trigger.HOLD]


class Played:
    """A scene in which one row's command is given in its phase."""

    def __init__(self, row: Reaction, folder: Path, restart_after_s: float | None = None) -> None:
        recipe = SMALL
        if row.on_hold == "bleed":
            recipe = variant(folder / "bleed.yaml", ("on_hold: keep", "on_hold: bleed"), source=SMALL)
        self.row, self.unit, self.at_s = row, UNITS[row.kind], 0.0

        async def act(scene: Scene, run: Run) -> None:
            if row.phase == "prepare" and row.kind == "uniaxial_press":
                await self._prepared_late(scene, run)
            self.at_s = asyncio.get_running_loop().time()
            result = getattr(run, row.command.value)("the row says so", "tester")
            if result is not None:
                await result
            if restart_after_s is None:
                return
            await asyncio.sleep(restart_after_s)
            for _ in range(20):
                if run.state != "held":
                    return
                run.restart("on with it", "tester")
                await asyncio.sleep(30.0)
            await run.stop("enough", "tester")

        late = row.phase == "prepare" and row.kind == "uniaxial_press"
        unit, phase = ("coater-1", "coat") if late else (self.unit, row.phase)
        slow_s = 30.0 if (row.kind, row.phase) == ("isostatic_press", "ramp") else 0.0
        after_s = AFTER_S.get(row.phase, 0.3) + slow_s
        self.scene = Observed(unit, phase, act, nobody, recipe, after_s, watched=(self.unit,)).play()
        self.tags = [(when, tags) for when, tags in self.scene.tags[self.unit] if when >= self.at_s - 1.0]

    async def _prepared_late(self, scene: Scene, run: Run) -> None:
        """Platens that are ready at once never prepare for long: these are cold for a while."""
        plc = scene.simulated.machines[self.unit].plc
        plc.disturbances = replace(plc.disturbances, platen_offset_k=-10.0)
        await once(run, lambda e: e.kind == "step.phase" and e.data == {"unit": self.unit, "phase": "prepare"})
        await asyncio.sleep(1.0)
        asyncio.get_running_loop().call_later(
            25.0, lambda: setattr(plc, "disturbances", replace(plc.disturbances, platen_offset_k=0.0))
        )

    def time_of(self, state: str) -> float:
        return next(event.time_s for event in self.scene.kinds("run.state") if event.data["state"] == state)

    def sent(self) -> list[str]:
        """What the machine was told from the command on, until it was acknowledged."""
        kinds = ("command.done", "command.undelivered")
        told = [e.data for e in self.scene.events if e.kind in kinds and e.data["unit"] == self.unit]
        return [data["command"] for data in told if data.get("who") == "tester"]

    def states(self, until_s: float = float("inf")) -> list[str]:
        words = self.scene.line.machines[self.unit].profile.enum_words["packml_state"]
        seen = [words[tags["machine_state"]] for when, tags in self.tags if when <= until_s]
        return [state for state, _ in itertools.groupby(seen)]

    def pressures(self) -> list[tuple[float, float]]:
        return [(when, tags[PRESSURE[self.row.kind]]) for when, tags in self.tags]

    def fastest_fall(self) -> float:
        pairs = itertools.pairwise(self.pressures())
        return max((a[1] - b[1]) / (b[0] - a[0]) for a, b in pairs)


def told_reaction(played: Played) -> None:
    """The person is told the row's own words."""
    told = [e.data for e in played.scene.kinds("machine.reaction") if e.data["command"] == played.row.command.value]
    assert (told[0]["phase"], told[0]["machine"]) == (played.row.phase, played.row.machine)


@pytest.mark.parametrize("row", HOLDS, ids=words)
def test_a_hold_does_what_its_row_says_and_lasts_as_long(row: Reaction, tmp_path: Path) -> None:
    played = Played(row, tmp_path)
    told_reaction(played)
    assert set(played.sent()) == {row.sends}
    held_s, stopping_s = played.time_of("held"), played.time_of("stopping")
    assert stopping_s - held_s == pytest.approx(HOLD_LIMIT_S[row.kind], abs=1.0)
    seen = played.states(until_s=stopping_s - 0.1)
    if row.kind == "coater":
        assert seen[-1] == "HELD"
        _, tags = played.tags[-1]
        assert tags["web_speed_m_min"] == 0.0
        return
    if row.phase == "release":
        assert seen[-1] == "COMPLETE"
    elif row.on_hold == "bleed":
        assert seen[-1] == "STOPPED"
        assert played.pressures()[-1][1] < 5.0
    else:
        assert seen[-1] == "HELD"
        kept = [value for when, value in played.pressures() if held_s + 1.0 < when < stopping_s]
        assert max(kept) - min(kept) < (8.0 if row.phase in PRESSURISED else 2 * NOISE[row.kind])
        assert (min(kept) > 20.0) == (row.phase in PRESSURISED)
    assert played.fastest_fall() < RATE[row.kind] + 2 * NOISE[row.kind]


@pytest.mark.parametrize("row", HOLDS, ids=words)
def test_a_restart_after_a_hold_does_what_its_row_says(row: Reaction, tmp_path: Path) -> None:
    played = Played(row, tmp_path, restart_after_s=100.0 if row.on_hold == "bleed" or row.phase == "release" else 20.0)
    record, name = played.scene.record, STEPS[row.kind]
    started = [
        event.data["command"]
        for event in played.scene.kinds("command.requested")
        if event.data["unit"] == played.unit and event.time_s > played.at_s
    ]
    match row.restart:
        case Restart.NEVER:
            assert record["state"] == "stopped"
            assert "a coat that was held cannot go on" in record["reason"]
            assert "restart" not in started
            return
        case Restart.GOES_ON:
            assert "restart" in started
            assert "start" not in started
        case Restart.PRESSES_AGAIN:
            assert started[:3] == ["reset", "load_job", "start"]
        case Restart.NOTHING_LEFT:
            assert not {"restart", "start"} & set(started)
        case _:
            raise AssertionError(row.restart)
    assert record["state"] == "complete", record["reason"]
    step = next(step for step in record["steps"] if step["name"] == name)
    assert step["dwell_s"]["reached"] == pytest.approx(60.0, abs=0.6)


@pytest.mark.parametrize("row", [row for row in ROWS if row.command is Trigger.PAUSE], ids=words)
def test_a_pause_tells_the_machine_nothing_and_waits_at_the_steps_end(row: Reaction, tmp_path: Path) -> None:
    """What ends the test is the recipe: nobody resumes, so the last record is of a paused run."""

    async def act(scene: Scene, run: Run) -> None:
        if row.phase == "prepare" and row.kind == "uniaxial_press":
            await asyncio.sleep(0.0)
        run.pause("the row says so", "tester")
        await becomes(run, "paused")
        await asyncio.sleep(2.0)
        await run.stop("seen enough", "tester")

    unit, after_s = UNITS[row.kind], min(AFTER_S.get(row.phase, 0.0), 1.0)
    scene = Observed(unit, row.phase, act, nobody, SMALL, after_s, watched=(unit,)).play()
    assert scene.states() == ["running", "pausing", "paused", "stopping", "stopped"]
    assert scene.kinds("step.finished")[-1].data["name"] == STEPS[row.kind]
    lowered = ("hold", "stop", "abort")
    assert row.sends is None
    assert not [e for e in scene.kinds("command.done") if e.data["command"] in lowered]
    paused = next(event.time_s for event in scene.kinds("run.state") if event.data["state"] == "paused")
    _, tags = next(seen for seen in scene.tags[unit] if seen[0] >= paused)
    assert tags["machine_state"] == 4, "IDLE"


@pytest.mark.parametrize("row", [row for row in ROWS if row.command in (Trigger.STOP, Trigger.ABORT)], ids=words)
def test_stop_and_abort_do_what_their_rows_say_and_abort_is_no_faster(row: Reaction, tmp_path: Path) -> None:
    played = Played(row, tmp_path)
    told_reaction(played)
    assert played.sent() == [row.sends]
    ended = "stopped" if row.command is Trigger.STOP else "aborted"
    assert played.scene.record["state"] == ended
    machine = played.scene.line.machines[played.unit]
    limit_s = machine.profile.timing.watchdog_s + machine.profile.timing.decompression_s
    assert played.time_of(ended) - played.at_s < limit_s
    assert played.scene.simulated.machines[played.unit].plc.state == ended.upper()
    assert played.scene.kinds("machine.safe")
    if row.kind == "coater":
        assert played.tags[-1][1]["web_speed_m_min"] == 0.0
        return
    assert played.pressures()[-1][1] < 5.0
    assert played.fastest_fall() < RATE[row.kind] + 2 * NOISE[row.kind]


@pytest.mark.parametrize("command", ["hold", "pause", "stop", "abort"])
def test_between_machines_nothing_is_told_to_any(command: str) -> None:
    async def act(scene: Scene, run: Run) -> None:
        await once(run, lambda event: event.kind == "prompt.asked" and event.data["action"] == "bag")
        result = getattr(run, command)("the row says so", "tester")
        if result is not None:
            await result
        await asyncio.sleep(600.0)
        if run.state in ("held", "paused"):
            getattr(run, "restart" if command == "hold" else "resume")("on with it", "tester")

    scene = Scene("uniaxial-press-1", "release", act, nobody, SMALL).play()
    row = reaction("", NO_PHASE, Trigger(command))
    assert row.sends is None
    assert row.lasts is (Lasts.STEP_END if command == "pause" else Lasts.DECISION)
    told = [e.data["command"] for e in scene.kinds("command.done") if e.data["command"] in ("hold", "stop", "abort")]
    assert told == []
    assert scene.record["state"] == {"stop": "stopped", "abort": "aborted"}.get(command, "complete")


def test_every_phase_and_command_of_a_press_and_the_coater_has_one_row() -> None:
    keys = [(row.kind, row.phase, row.command, row.on_hold) for row in REACTIONS]
    assert len(keys) == len(set(keys))
    for kind, phases in {
        "uniaxial_press": ("prepare", "approach", "ramp", "dwell", "release"),
        "isostatic_press": ("prepare", "ramp", "dwell", "release"),
        "coater": ("prepare", "approach", "coat", "run_out"),
    }.items():
        for phase, command, on_hold in itertools.product(
            phases, (Trigger.HOLD, Trigger.PAUSE, Trigger.STOP, Trigger.ABORT), ("keep", "bleed")
        ):
            assert (reaction(kind, phase, command, on_hold).kind, reaction(kind, phase, command, on_hold).phase) == (
                kind,
                phase,
            )


def test_a_phase_that_is_not_known_counts_as_the_first() -> None:
    assert reaction("uniaxial_press", "", Trigger.HOLD).phase == "prepare"
    assert reaction("uniaxial_press", "done", Trigger.HOLD, "bleed").sends == "stop"
    assert reaction("roll_press", "roll", Trigger.STOP).kind == ""


def test_the_page_of_reactions_is_the_table() -> None:
    written = (Path(__file__).parents[2] / "docs" / "reference" / "holding.md").read_text(encoding="utf-8")
    assert written == page(), "python -m controller.executor.reactions_page > docs/reference/holding.md"

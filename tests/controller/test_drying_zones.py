"""Coaters with one to four drying zones, from the recipe to the finished sheet: plan, job, supervision, record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from controller.dryrun import LEASE, SimulatedPerson, memory_line, virtual_utc, wired_line
from controller.events import Event, EventStream
from controller.executor.record import document
from controller.journal import Journal
from controller.line import capability
from controller.session import Surroundings, carry_out, unattended
from controller.sweep.varying import VaryError, read_variables, varied_text
from drivers.coater import Coater, CoatJob
from drivers.errors import OutOfRange
from drivers.machine import Machine
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.transport.memory import memory_transport
from recipes.load import load_recipe
from recipes.plan import Plan, Refused, make_plan
from recipes.predict import duration_s
from simulators.clock import run_virtual
from simulators.coater import Coater as CoaterModel
from simulators.line import PROFILES, SimulatedLine
from tests.controller.recipes_for_tests import LIBRARY, variant
from tests.controller.test_cli import pressline

UNIT = "coater-1"
STEP = "coat heat-resistant layer"
ZONES_C = (44.0, 48.0, 52.0, 56.0)
Act = Callable[[SimulatedLine], Coroutine[Any, Any, None]]


def coater_of(zones: int) -> Profile:
    """The shipped coater with four zones without those from a number on."""
    profile = load_profile("coater-four-zone")
    gone = tuple(f"zone{number}_" for number in range(zones + 1, 5))
    blocks = tuple(
        replace(block, signals=tuple(name for name in block.signals if not name.startswith(gone)))
        for block in profile.blocks
    )
    signals = {name: signal for name, signal in profile.signals.items() if not name.startswith(gone)}
    return replace(profile, signals=signals, blocks=blocks) if gone else profile


def units_with(*coaters: Profile) -> dict[str, Profile]:
    others = {unit: load_profile(name) for unit, name in PROFILES.items() if unit != UNIT}
    return {**{f"coater-{number}": profile for number, profile in enumerate(coaters, start=1)}, **others}


def drying(folder: Path, zones: int) -> Path:
    """Zeon's heat-resistant layer, its 3 min of drying in so many equal zones that grow warmer."""
    stay_s = 180.0 / zones
    temperatures = ", ".join(f"{zone:g} degC" for zone in ZONES_C[:zones])
    return variant(
        folder / "zones.yaml",
        ("zones: [50 degC, 50 degC] ", f"zones: [{temperatures}] "),
        ("zone_residence: [90 s, 90 s]", f"zone_residence: [{', '.join([f'{stay_s:g} s'] * zones)}]"),
        ("zone_residence_window: 85..95 s", f"zone_residence_window: {0.95 * stay_s:g}..{1.05 * stay_s:g} s"),
        ("zone_length: 0.8 m", f"zone_length: {1.6 / zones:.3f} m"),
        source=LIBRARY / "zeon-example-1.yaml",
    )


def plan_for(file: Path, units: dict[str, Profile]) -> Plan:
    return make_plan(load_recipe(file), [capability(unit, profile) for unit, profile in units.items()])


def carried_out(plan: Plan, units: dict[str, Profile], act: Act | None = None, *, wires: bool = False) -> list[Event]:
    """The journal of a plan on a simulated line of these units, on virtual time; act sees the line meanwhile."""

    async def main() -> list[Event]:
        clock = asyncio.get_running_loop().time
        simulated = SimulatedLine("nominal", 1, clock, units)
        line = wired_line(simulated, clock, plan=plan) if wires else memory_line(simulated, plan)
        journal = Journal(EventStream(), lambda: virtual_utc(clock()))
        acting = asyncio.create_task(act(simulated)) if act is not None else None
        await carry_out(plan, Surroundings(line, journal, SimulatedPerson(simulated), unattended), "run")
        if acting is not None:
            await acting
        return journal.events("run")

    return run_virtual(main())


def model_of(line: SimulatedLine) -> CoaterModel:
    model: Any = line.machines[UNIT]
    assert isinstance(model.plc, CoaterModel)
    return model.plc


# ---- a whole run


@pytest.mark.parametrize(("zones", "wires"), [(1, False), (3, False), (4, False), (4, True)])
def test_a_sheet_is_coated_and_dried_in_one_to_four_zones(tmp_path: Path, zones: int, wires: bool) -> None:
    units = units_with(coater_of(zones))
    events = carried_out(plan_for(drying(tmp_path, zones), units), units, wires=wires)
    record = document(events, alive=False)
    assert record["state"] == "complete"
    (job,) = [e.data["job"] for e in events if e.kind == "command.requested" and e.data["command"] == "load_job"]
    assert [job[f"zone{number}_sp_c"] for number in range(1, zones + 1)] == list(ZONES_C[:zones])
    assert f"zone{zones + 1}_sp_c" not in job
    (step,) = [step for step in record["steps"] if step["kind"] == "coat"]
    assert step["residual_solvent_pct"]["reached"] < 1.0
    (told,) = [event.data["facts"] for event in events if event.kind == "run.facts"]
    measured = {
        fact["quantity"]: fact["value"]
        for fact in told
        if fact["evidence"] == "measured" and fact["subject"] == "heat_resistant_layer"
    }
    assert measured["drying_time"] == pytest.approx(180.0, rel=0.02)
    for number, zone_c in enumerate(ZONES_C, start=1):
        if number <= zones:
            assert measured[f"zone{number}_temperature"] == pytest.approx(zone_c, abs=0.5)
            assert measured[f"zone{number}_residence_time"] == pytest.approx(180.0 / zones, rel=0.02)
        else:
            assert f"zone{number}_temperature" not in measured


def test_a_fourth_zone_that_leaves_its_window_holds_the_run(tmp_path: Path) -> None:
    async def too_hot(line: SimulatedLine) -> None:
        coater = model_of(line)
        while True:
            await asyncio.sleep(1.0)
            if coater.phase == "coat":
                break
        coater._zone_errors[3] += 12.0

    units = units_with(coater_of(4))
    record = document(carried_out(plan_for(drying(tmp_path, 4), units), units, too_hot), alive=False)
    assert record["state"] == "stopped"
    assert record["reason"].startswith("coater-1: zone 4 is at 68.0 degC, outside 56 +- 5 K")


def test_a_dry_run_takes_the_units_of_a_line_file(tmp_path: Path) -> None:
    units = {
        "slot": ("coater", "coater-four-zone"),
        "gauge": ("gauge", "thickness-gauge-sics"),
        "scales": ("balance", "balance-sics"),
    }
    line = tmp_path / "line.toml"
    line.write_text(
        "".join(
            f'[units.{unit}]\nkind = "{kind}"\nprofile = "{profile}"\nurl = "tcp://127.0.0.1:{port}"\n'
            for port, (unit, (kind, profile)) in enumerate(units.items(), start=7000)
        )
    )
    file = drying(tmp_path, 4)
    result = pressline("dry-run", file, "--line", line, "--json")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert (record["state"], record["steps"][1]["unit"]) == ("complete", "slot")
    without = pressline("dry-run", file)
    assert without.exit_code == 1
    assert "4 drying zones are set, coater-1 has 2" in without.output


# ---- what a plan says


@pytest.mark.parametrize(
    ("recipe", "machine", "words"),
    [
        (3, 4, "3 drying zones are set, coater-1 has 4: one temperature is needed for each of the coater's zones"),
        (1, 4, "1 drying zone is set, coater-1 has 4: "),
        (4, 3, "4 drying zones are set, coater-1 has 3: "),
        (2, 1, "2 drying zones are set, coater-1 has 1: "),
    ],
)
def test_a_recipe_for_another_number_of_zones_is_refused_where_it_says_so(
    tmp_path: Path, recipe: int, machine: int, words: str
) -> None:
    file = drying(tmp_path, recipe)
    with pytest.raises(Refused) as caught:
        plan_for(file, units_with(coater_of(machine)))
    (told,) = [finding for finding in caught.value.findings if finding.level == "refused"]
    line = next(n for n, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if " zones: [" in text)
    assert f"{STEP}: {words}" in told.message
    assert told.location is not None
    assert told.location.line == line


def test_a_plan_takes_the_coater_that_has_the_recipes_number_of_zones(tmp_path: Path) -> None:
    units = units_with(coater_of(2), coater_of(4), coater_of(4))
    for zones, unit in ((2, "coater-1"), (4, "coater-2")):
        plan = plan_for(drying(tmp_path, zones), units)
        assert [step.unit for step in plan.steps if step.step.coat is not None] == [unit]


def test_each_zone_is_held_against_its_own_range(tmp_path: Path) -> None:
    profile = coater_of(4)
    cooler = replace(profile.signals["zone4_sp_c"], range=(20.0, 50.0))
    with pytest.raises(Refused, match="zone 4 56 degC, coater-1 reaches 20 to 50 degC"):
        plan_for(drying(tmp_path, 4), units_with(replace(profile, signals={**profile.signals, "zone4_sp_c": cooler})))


def test_every_zone_is_expected_to_take_its_time(tmp_path: Path) -> None:
    taken_s = []
    for zones in (1, 2, 3, 4):
        (step,) = [step for step in load_recipe(drying(tmp_path, zones)).steps if step.coat is not None]
        taken_s.append(duration_s(step))
    each_s = 60.0 * 0.6 / 0.533
    assert [later - earlier for earlier, later in pairwise(taken_s)] == pytest.approx([each_s] * 3)


@pytest.mark.parametrize("zones", [1, 4])
def test_a_sweep_varies_the_zones_that_are_there(tmp_path: Path, zones: int) -> None:
    file = drying(tmp_path, zones)
    text = file.read_text(encoding="utf-8")
    asked = read_variables(text, file, (f"{STEP}.zones[{zones}]=20..90 degC",))
    assert f"zones: [{', '.join(f'{zone:g} degC' for zone in (*ZONES_C[: zones - 1], 71.5))}]" in varied_text(
        text, asked, {f"{STEP}.zones[{zones}]_c": 71.5}
    )
    with pytest.raises(VaryError, match=rf"does not write zones\[{zones + 1}\]"):
        read_variables(text, file, (f"{STEP}.zones[{zones + 1}]=20..90 degC",))


# ---- the job


@pytest.mark.parametrize(
    ("machine", "zones_c", "words"),
    [
        (4, (50.0, 60.0), "coater-1 has 4 drying zones, and the job has 2 zone temperatures; nothing was sent"),
        (1, (50.0, 60.0), "coater-1 has 1 drying zone, and the job has 2 zone temperatures"),
    ],
)
def test_a_job_for_another_number_of_zones_is_not_sent(machine: int, zones_c: tuple[float, ...], words: str) -> None:
    simulated = SimulatedLine("nominal", units=units_with(coater_of(machine)))
    transport: Any = memory_transport(simulated.machines[UNIT])
    driven = Machine(UNIT, coater_of(machine), transport, lease=LEASE)
    with pytest.raises(OutOfRange, match=words):
        run_virtual(Coater(driven).load(CoatJob(7, 300.0, 0.5, zones_c, 0.4, 60.0, 3.0)))
    assert model_of(simulated).tags["job_id_echo"] == 0

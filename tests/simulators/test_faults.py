"""The fault panel: what can be injected, when it comes, how long it lasts, and that it is the same every time."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields
from typing import Any

import pytest

from simulators.control import PlcDisturbances
from simulators.disturbances import (
    CoaterDisturbances,
    InstrumentDisturbances,
    IsostaticDisturbances,
    RollPressDisturbances,
    UniaxialDisturbances,
)
from simulators.faults import (
    FAULTS,
    SEQUENCES,
    BadParameterError,
    FaultError,
    Injection,
    NotApplicableError,
    Trigger,
    UnknownFaultError,
    UnknownInjectionError,
    sequence_for,
)
from simulators.faults.fault import Fault, From
from simulators.habits import PeopleDisturbances
from simulators.line import PROFILES, SimulatedLine, shipped
from simulators.scenarios import SCENARIOS, named_scenario
from simulators.utc import ClockDisturbances
from simulators.wire.damages import DAMAGES
from tests.simulators.bench import Bench, word

PRESS, VESSEL, COATER = "uniaxial-press-1", "isostatic-press-1", "coater-1"
OF_KIND: dict[str, type] = {
    "uniaxial_press": UniaxialDisturbances,
    "isostatic_press": IsostaticDisturbances,
    "coater": CoaterDisturbances,
    "roll_press": RollPressDisturbances,
    "gauge": InstrumentDisturbances,
    "balance": InstrumentDisturbances,
}


def changed_by(fault: Fault) -> list[type]:
    """The classes of the objects that the fault changes."""
    match fault.target:
        case "machine":
            return [OF_KIND[kind] for kind in fault.kinds]
        case "control":
            return [PlcDisturbances]
        case "people":
            return [PeopleDisturbances]
        case "clock":
            return [ClockDisturbances]
        case _:
            return []


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_changes_what_there_is(fault: Fault) -> None:
    classes = changed_by(fault)
    for one in classes:
        assert fault.sets.keys() <= {field.name for field in fields(one)}
    assert bool(fault.sets) == bool(classes)
    used = {value.parameter for value in fault.sets.values() if isinstance(value, From)}
    if fault.target != "wire":
        assert used == {parameter.name for parameter in fault.parameters}, "every parameter has its effect"
    fault_words = (fault.meaning, fault.expected, *(parameter.meaning for parameter in fault.parameters))
    assert all(words and words == words.strip() for words in fault_words)
    words = [p for p in fault.parameters if isinstance(p.default, str) and not p.choices]
    fault.checked({p.name: p.default for p in fault.parameters})
    assert {p.name for p in words} <= {"tag", "reason", "command"}, "words that are looked up in the profile"


def test_every_disturbance_has_a_fault() -> None:
    """Nothing that can be wrong in a machine is out of the panel's reach."""
    reached: dict[type, set[str]] = {}
    for fault in FAULTS.values():
        for one in changed_by(fault):
            reached.setdefault(one, set()).update(fault.sets)
    for one, names in reached.items():
        there = {field.name for field in fields(one)} - {"since_s"}  # the panel keeps it
        assert names == there, one.__name__


def test_every_fault_of_a_wire_has_its_damage() -> None:
    assert {fault.name for fault in FAULTS.values() if fault.target == "wire"} == set(DAMAGES)


@pytest.mark.parametrize(
    ("injection", "error", "words"),
    [
        (Injection("uniaxial.lek"), UnknownFaultError, "uniaxial.leak"),
        (Injection("nonsense"), UnknownFaultError, "faults list"),
        (Injection("uniaxial.leak", COATER), NotApplicableError, f"a coater; it can happen to {PRESS}"),
        (Injection("uniaxial.leak", "press-9"), NotApplicableError, f"no unit 'press-9'; it can happen to {PRESS}"),
        (Injection("machine.busy"), NotApplicableError, "needs a unit"),
        (Injection("people.slow", PRESS), NotApplicableError, "whole line"),
        (Injection("uniaxial.leak", parameters={"rate": 1}), BadParameterError, "it has rate_kn_s"),
        (Injection("uniaxial.no_rise", parameters={"rate": 1}), BadParameterError, "it has none"),
        (Injection("uniaxial.leak", parameters={"rate_kn_s": -1}), BadParameterError, "from 0 to 100 kN/s"),
        (Injection("uniaxial.leak", parameters={"rate_kn_s": "fast"}), BadParameterError, "expected a number"),
        (Injection("uniaxial.leak", parameters={"rate_kn_s": float("nan")}), BadParameterError, "expected a number"),
        (Injection("uniaxial.heater", parameters={"is": "hot"}), BadParameterError, "one of off, stuck_on"),
        (Injection("machine.rejects", PRESS, parameters={"reason": "mood"}), BadParameterError, "wrong_state"),
        (Injection("machine.rejects", PRESS, parameters={"command": "jump"}), BadParameterError, "load_job"),
        (Injection("machine.frozen_value", PRESS), BadParameterError, "force_pv_kn"),
        (Injection("uniaxial.leak", duration_s=0), BadParameterError, "duration"),
        (Injection("uniaxial.leak", duration_s=float("inf")), BadParameterError, "duration"),
        (Injection("uniaxial.leak", trigger=Trigger(after_s=-1)), BadParameterError, "time"),
        (Injection("uniaxial.leak", trigger=Trigger(at_s=float("nan"))), BadParameterError, "time"),
        (Injection("uniaxial.leak", trigger=Trigger(phase="lunch")), BadParameterError, "dwell"),
        (Injection("uniaxial.leak", trigger=Trigger(unit=VESSEL)), BadParameterError, "phase"),
        (Injection("uniaxial.leak", trigger=Trigger(at_s=1.0, phase="dwell")), BadParameterError, "not for both"),
        (Injection("clock.step", trigger=Trigger(phase="dwell")), BadParameterError, "whose phase"),
        (Injection("uniaxial.leak", trigger=Trigger(unit="balance-1", phase="dwell")), BadParameterError, "no phases"),
        (Injection("wire.no_transaction", COATER), NotApplicableError, "Modbus TCP"),
        (Injection("wire.other_unit", "balance-1"), NotApplicableError, "name no unit"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(injection: Injection, error: type[FaultError], words: str) -> None:
    panel = Bench().line.faults
    with pytest.raises(error) as told:
        panel.inject(injection)
    assert words in str(told.value)
    assert panel.active == ()


def test_a_fault_comes_at_its_time_and_goes_at_its_end_however_seldom_the_line_is_looked_at() -> None:
    seldom, often = Bench(), Bench()
    for bench, step_s in ((seldom, 50.0), (often, 0.1)):
        plc = bench.isostatic
        bench.line.faults.inject(Injection("isostatic.sensors_disagree", None, Trigger(at_s=12.34), 20.0))
        seen = []
        while bench.now_s < 50.0:
            bench.now_s = min(50.0, bench.now_s + step_s)
            plc.advance(bench.now_s)
            seen.append(plc.disturbances.sensor_drift_mpa)
        assert bench.line.faults.active == ()
        assert [(s.time_s, s.is_on) for s in bench.line.faults.switched] == [(12.34, True), (32.34, False)]
        assert set(seen) <= {0.0, 20.0}
        assert seen[-1] == 0.0
    assert seldom.isostatic.tags == often.isostatic.tags


def test_a_machine_is_at_the_instant_of_its_fault_when_it_comes() -> None:
    """No step of the press goes over the beginning or the end of a fault, though nobody looks at it meanwhile."""
    bench = Bench()
    bench.dwelling_uniaxial()
    started_s = bench.now_s
    bench.line.faults.inject(Injection("uniaxial.two_hand_released", None, Trigger(at_s=started_s + 5.0), 2.0))
    seen: list[tuple[float, bool]] = []
    watched = bench.uniaxial._step  # what the physics of each step sees

    def step(dt_s: float) -> None:
        seen.append((bench.uniaxial.time_s - dt_s, bench.uniaxial.disturbances.two_hand_released))
        watched(dt_s)

    bench.uniaxial._step = step  # type: ignore[method-assign]
    bench.now_s += 20.0
    bench.uniaxial.advance(bench.now_s)
    acting = [time_s for time_s, on in seen if on]
    assert acting[0] - started_s == pytest.approx(5.0, abs=0.06)
    assert 6.0 <= acting[-1] - started_s < 7.0


def test_a_fault_waits_for_a_phase_of_its_own_unit_or_of_another() -> None:
    bench = Bench()
    panel = bench.line.faults
    own = panel.inject(Injection("uniaxial.tilt", None, Trigger(phase="dwell", after_s=3.0), 1.0, {"size_um": 5.0}))
    other = panel.inject(Injection("isostatic.ripple", None, Trigger(unit=PRESS, phase="dwell", after_s=4.0)))
    assert [(a.number, a.state, a.from_s) for a in panel.active] == [(own, "waiting", None), (other, "waiting", None)]
    bench.dwelling_uniaxial()
    entered_s = bench.now_s
    bench.wait(bench.uniaxial, 10.0)
    panel.advance(bench.now_s)
    began = {s.number: s.time_s for s in panel.switched if s.is_on}
    assert began[own] == pytest.approx(entered_s + 3.0, abs=1.0)
    assert began[other] == pytest.approx(began[own] + 1.0)
    assert bench.uniaxial.disturbances.tilt_um == 0.0
    assert bench.isostatic.disturbances.ripple_mpa == 12.0


def test_clearing_ends_what_acts_and_what_waits_and_nothing_else() -> None:
    bench = Bench()
    panel = bench.line.faults
    first = panel.inject(Injection("uniaxial.leak", parameters={"rate_kn_s": 2.0}))
    second = panel.inject(Injection("uniaxial.leak", parameters={"rate_kn_s": 5.0}))
    panel.inject(Injection("machine.frozen_value", PRESS, parameters={"tag": "force_pv_kn"}))
    panel.inject(Injection("machine.frozen_value", PRESS, parameters={"tag": "thickness_um"}))
    panel.inject(Injection("coater.web_break", trigger=Trigger(at_s=100.0)))
    assert bench.uniaxial.disturbances.leak_kn_s == 5.0
    panel.clear(second)
    assert bench.uniaxial.disturbances.leak_kn_s == 2.0, "the other leak is still there"
    assert bench.uniaxial.control_disturbances.frozen_tags == {"force_pv_kn", "thickness_um"}
    with pytest.raises(UnknownInjectionError, match="there is 1, 3, 4, 5"):
        panel.clear(second)
    panel.clear()
    assert panel.active == ()
    assert bench.uniaxial.disturbances == UniaxialDisturbances()
    assert bench.uniaxial.control_disturbances == PlcDisturbances()
    bench.now_s = 200.0
    panel.advance(200.0)
    assert bench.coater.disturbances == CoaterDisturbances()
    with pytest.raises(UnknownInjectionError, match="there is none"):
        panel.clear(first)


def test_nothing_on_the_panel_costs_a_machine_nothing() -> None:
    bench = Bench()
    watched = [bench.uniaxial.watch is not None]
    number = bench.line.faults.inject(Injection("coater.web_break"))
    watched.append(bench.uniaxial.watch is not None)
    bench.line.faults.clear(number)
    watched.append(bench.uniaxial.watch is not None)
    assert watched == [False, True, False]


def test_the_clock_steps_and_drifts_and_comes_back() -> None:
    bench = Bench()
    bench.line.faults.inject(Injection("clock.step", None, Trigger(at_s=10.0), 50.0, {"step_s": -3600.0}))
    bench.line.faults.inject(Injection("clock.drift", None, Trigger(at_s=10.0), None, {"rate_ppm": 100.0}))
    seen = {}
    for now_s in (5.0, 10.0, 59.0, 61.0):
        bench.now_s = now_s
        bench.uniaxial.advance(now_s)
        bench.line.faults.advance(now_s)
        seen[now_s] = bench.line.utc.error_s(now_s)
    assert seen == {5.0: 0.0, 10.0: -3600.0, 59.0: pytest.approx(-3600.0 + 49e-4), 61.0: pytest.approx(51e-4)}


# ---- scenarios ----


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_named_scenario_makes_a_line(name: str) -> None:
    line = SimulatedLine(name, 5)
    assert len(line.faults.active) == len(SEQUENCES.get(name, ()))
    assert all(active.injection.seed == 5 for active in line.faults.active)
    assert SEQUENCES.keys() <= SCENARIOS.keys()


def test_the_realistic_world_is_what_the_other_scenarios_start_from() -> None:
    def world(name: str) -> Any:
        scenario = named_scenario(name, 3)
        return [scenario.error(key, 1.0) for key in ("a", "b")], scenario.prepared, scenario.leak_mpa_s

    assert world("bad-cable") == world("realistic")
    assert world("cold")[1:] == (False, 0.005)
    assert world("tired-seal")[2] > world("realistic")[2]
    assert world("nominal")[0] == [0.0, 0.0]


def test_a_sequence_finds_its_machines_by_kind_in_another_line() -> None:
    named = sequence_for("tired-seal", {"vessel-b": "isostatic_press", "vessel-c": "isostatic_press"})
    assert [injection.unit for injection in named] == ["vessel-b"]
    assert sequence_for("tired-seal", {"coater": "coater"}) == ()
    kinds = {unit: shipped(profile).kind for unit, profile in PROFILES.items()}
    assert sequence_for("bad-cable", kinds) == SEQUENCES["bad-cable"]


# ---- what controllers do wrong ----


def test_a_frozen_value_stands_still_and_the_rest_goes_on() -> None:
    bench = Bench("realistic")
    panel = bench.line.faults
    bench.dwelling_uniaxial()
    panel.inject(Injection("machine.frozen_value", PRESS, Trigger(), 8.0, {"tag": "force_pv_kn"}))
    panel.inject(Injection("machine.frozen_heartbeat", PRESS, Trigger(), 8.0))
    bench.wait(bench.uniaxial, 2.0)
    before = dict(bench.uniaxial.tags)
    bench.wait(bench.uniaxial, 4.0)
    after = bench.uniaxial.tags
    assert after["force_pv_kn"] == before["force_pv_kn"]
    assert after["heartbeat_machine"] == before["heartbeat_machine"]
    assert after["dwell_elapsed_s"] > before["dwell_elapsed_s"]
    bench.wait(bench.uniaxial, 4.0)
    assert bench.uniaxial.tags["heartbeat_machine"] == int(2 * bench.uniaxial.time_s)
    assert bench.uniaxial.tags["force_pv_kn"] != before["force_pv_kn"]


@pytest.mark.parametrize("step_s", [0.3, 40.0])
def test_a_value_freezes_as_it_is_at_that_instant_and_not_when_it_was_last_looked_at(step_s: float) -> None:
    bench = Bench()
    bench.dwelling_uniaxial()
    elapsed_s, begun_s = bench.uniaxial.tags["dwell_elapsed_s"], bench.now_s
    frozen = {"tag": "dwell_elapsed_s"}
    bench.line.faults.inject(Injection("machine.frozen_value", PRESS, Trigger(after_s=7.0), parameters=frozen))
    while bench.now_s < begun_s + 20.0:
        bench.now_s = min(bench.now_s + step_s, begun_s + 20.0)
        bench.uniaxial.advance(bench.now_s)
        assert "dwell_elapsed_s" in bench.uniaxial.tags
    assert bench.uniaxial.tags["dwell_elapsed_s"] == pytest.approx(elapsed_s + 7.0, abs=0.06)


def test_commands_are_rejected_or_ignored_but_never_those_that_lower_risk() -> None:
    bench = Bench()
    panel = bench.line.faults
    bench.dwelling_uniaxial()
    panel.inject(Injection("machine.rejects", PRESS, parameters={"reason": "safety_chain"}))
    assert bench.command(bench.uniaxial, "restart") == ("REJECTED", "safety_chain")
    assert bench.command(bench.uniaxial, "hold") == ("DONE", "none")
    assert word(bench.uniaxial, "machine_state") == "HELD"
    panel.clear()
    panel.inject(Injection("machine.never_done", PRESS))
    assert bench.command(bench.uniaxial, "restart") == ("ACCEPTED", "none")
    assert word(bench.uniaxial, "machine_state") == "HELD"
    panel.inject(Injection("machine.never_done", PRESS, parameters={"command": "abort"}))
    assert bench.command(bench.uniaxial, "abort") == ("ACCEPTED", "none")
    assert word(bench.uniaxial, "machine_state") == "HELD", "only where the fault names it"


def test_a_rebooted_controller_has_forgotten_all_and_lets_the_pressure_off() -> None:
    bench = Bench()
    bench.dwelling_isostatic()
    rate = bench.isostatic.job["decompression_rate_mpa_s"] if bench.isostatic.job else 0.0
    bench.line.faults.inject(Injection("machine.reboot", VESSEL))
    tags = bench.isostatic.tags
    assert (tags["heartbeat_machine"], tags["acknowledged_sequence"], tags["job_id_echo"]) == (0, 0, 0)
    assert tags["pressure_sp_mpa"] == 0.0
    assert word(bench.isostatic, "machine_state") == "ABORTING"
    pressure = bench.isostatic.pressure_mpa
    bench.wait(bench.isostatic, 10.0)
    assert pressure - bench.isostatic.pressure_mpa == pytest.approx(10.0 * rate, rel=0.05), "never faster"
    bench.wait(bench.isostatic, bench.isostatic.profile.timing.decompression_s)
    assert word(bench.isostatic, "machine_state") == "ABORTED"
    assert bench.line.faults.active == ()


def test_a_controller_at_rest_reboots_into_idle_without_its_job() -> None:
    bench = Bench()
    bench.uniaxial.write({"force_sp_kn": 3.0})
    bench.line.faults.inject(Injection("machine.reboot", PRESS))
    assert bench.uniaxial.tags["force_sp_kn"] == 0.0
    assert bench.command(bench.uniaxial, "start") == ("REJECTED", "no_job")


def test_local_mode_and_identity_are_shown_while_the_fault_acts() -> None:
    bench = Bench()
    panel, tags = bench.line.faults, bench.uniaxial.tags
    panel.inject(Injection("machine.local_mode", PRESS, Trigger(), 5.0))
    panel.inject(Injection("machine.wrong_identity", PRESS, Trigger(), 5.0))
    panel.inject(Injection("machine.old_firmware", PRESS, Trigger(), 5.0))
    bench.wait(bench.uniaxial, 1.0)
    assert (word(bench.uniaxial, "mode"), tags["model_code"], tags["firmware"]) == ("LOCAL", 4102, 99)
    assert bench.command(bench.uniaxial, "reset") == ("REJECTED", "not_remote")
    bench.wait(bench.uniaxial, 5.0)
    assert (word(bench.uniaxial, "mode"), tags["model_code"], tags["firmware"]) == ("REMOTE", 4101, 100)


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_injected_and_leaves_no_trace_on_the_switches(name: str) -> None:
    line = SimulatedLine("realistic", 2)
    fault = FAULTS[name]
    units = [unit for unit, m in line.machines.items() if not fault.kinds or m.profile.kind in fault.kinds]
    chosen = VESSEL if VESSEL in units else units[0]
    tag = {"tag": "heartbeat_machine"} if name == "machine.frozen_value" else {}

    def switches() -> list[Any]:
        insides = [machine.plc if hasattr(machine, "plc") else machine for machine in line.machines.values()]
        found = [getattr(inside, "disturbances", None) for inside in insides]
        found += [getattr(inside, "control_disturbances", None) for inside in insides]
        return deepcopy([*found, line.operator.disturbances, (line.utc.step_s, line.utc.drift_ppm)])

    before = switches()
    number = line.faults.inject(Injection(name, chosen if fault.needs_unit else None, parameters=tag))
    changed = switches()
    if fault.target != "reboot":
        assert (changed != before) == bool(fault.sets)
        assert [active.number for active in line.faults.active] == [number]
        line.faults.clear(number)
    assert switches() == before

"""What the simulated operator does wrong, the evidence that comes of it, and controllers with nothing behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from drivers.errors import DeviceRefused
from simulators.any_machine import AnyMachine
from simulators.clock import run_virtual
from simulators.faults import Injection, NotApplicableError, Trigger
from simulators.instruments import Instrument
from simulators.line import RegisterMachine, SimulatedLine, shipped
from simulators.operator import DURATION_S, SimulatedTask
from simulators.pressing import PressPlc
from simulators.world import WorldError
from tests.simulators.bench import ALUMINIUM, AREA_MM2
from tests.simulators.test_people import sheet

PRESS = "uniaxial-press-1"


def play(main: Callable[[SimulatedLine], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        await main(SimulatedLine("nominal", 1, asyncio.get_running_loop().time))

    run_virtual(all_of_it())


def now_s() -> float:
    return asyncio.get_running_loop().time()


AREA = SimulatedTask("stack", ("a",), "b", fields=("area",), area_mm2=AREA_MM2)
AGAIN = SimulatedTask("stack", ("a",), "b", fields=("area",), area_mm2=AREA_MM2, is_again=True)


def test_a_slow_operator_takes_his_time_and_nothing_else_changes() -> None:
    async def main(line: SimulatedLine) -> None:
        line.faults.inject(Injection("people.slow", None, Trigger(), 40.0, {"pace": 2.0}))
        sheet(line, "a", "cathode", ALUMINIUM)
        entered = await line.operator.perform(AREA)
        assert now_s() == pytest.approx(2.0 * DURATION_S["stack"])
        assert entered["area"] == pytest.approx(AREA_MM2)
        sheet(line, "a", "cathode", ALUMINIUM)
        await line.operator.perform(SimulatedTask("peel", ("a",), "c"))
        assert now_s() == pytest.approx(2.0 * DURATION_S["stack"] + DURATION_S["peel"]), "practised again"

    play(main)


def test_an_unanswered_prompt_waits_until_somebody_comes() -> None:
    async def main(line: SimulatedLine) -> None:
        line.faults.inject(Injection("people.unanswered", None, Trigger(), 300.0))
        sheet(line, "a", "cathode", ALUMINIUM)
        await line.operator.perform(AREA)
        assert 300.0 <= now_s() - DURATION_S["stack"] <= 301.0

    play(main)


def test_a_mistyped_value_is_typed_right_when_it_is_asked_again() -> None:
    async def main(line: SimulatedLine) -> None:
        line.faults.inject(Injection("people.mistyped", parameters={"factor": 10.0}))
        sheet(line, "a", "cathode", ALUMINIUM)
        first = await line.operator.perform(AREA)
        again = await line.operator.perform(AGAIN)
        assert first["area"] == pytest.approx(10.0 * AREA_MM2)
        assert first["u:area"] < 0.001 * AREA_MM2, "who mistypes is as sure as ever"
        assert again["area"] == pytest.approx(AREA_MM2)

    play(main)


def test_a_wrong_area_stays_wrong_however_often_it_is_asked() -> None:
    async def main(line: SimulatedLine) -> None:
        line.faults.inject(Injection("evidence.wrong_area", parameters={"factor": 1.25}))
        sheet(line, "a", "cathode", ALUMINIUM)
        assert (await line.operator.perform(AREA))["area"] == pytest.approx(1.25 * AREA_MM2)
        assert (await line.operator.perform(AGAIN))["area"] == pytest.approx(1.25 * AREA_MM2)

    play(main)


def test_the_wrong_lot_is_taken_where_there_is_another() -> None:
    async def main(line: SimulatedLine) -> None:
        line.faults.inject(Injection("people.wrong_lot"))
        wanted = sheet(line, "wanted", "cathode", ALUMINIUM)
        load = SimulatedTask("load", ("wanted",), unit=PRESS)
        machine = line.machines[PRESS]
        assert isinstance(machine, RegisterMachine)
        press = machine.plc
        assert isinstance(press, PressPlc)
        await line.operator.perform(load)
        assert press.lot is wanted, "there is only one"
        await line.operator.perform(SimulatedTask("unload", unit=PRESS))
        other = sheet(line, "other", "solid_electrolyte", ALUMINIUM)
        await line.operator.perform(load)
        assert press.lot is other

    play(main)


def test_a_double_press_does_it_once() -> None:
    async def main(line: SimulatedLine) -> None:
        line.faults.inject(Injection("people.double_press"))
        lot = sheet(line, "a", "cathode", ALUMINIUM)
        await line.operator.perform(SimulatedTask("load", ("a",), unit=PRESS))
        await line.operator.perform(SimulatedTask("unload", ("a",), "b", unit=PRESS))
        assert line.world.lot("b") is lot
        assert line.world.names == ("b",)
        await line.operator.perform(SimulatedTask("stack", ("b",), "c", adds=(ALUMINIUM,)))
        assert len(line.world.lot("c").foils) == 2

    play(main)


def test_a_laboratory_value_of_another_lot_is_that_lots() -> None:
    async def main(line: SimulatedLine) -> None:
        wanted, other = sheet(line, "a", "cathode", ALUMINIUM), sheet(line, "b", "cathode", ALUMINIUM)
        other.press(500.0, 60.0)
        task = SimulatedTask("lab", ("a",), fields=("porosity_pct:cathode",))
        truth = {lot.name: lot.layers[0].porosity_pct for lot in (wanted, other)}
        assert truth["a"] - truth["b"] > 5.0
        right = await line.operator.perform(task)
        line.faults.inject(Injection("evidence.lab_other_lot"))
        wrong = await line.operator.perform(task)
        assert right["porosity_pct:cathode"] == pytest.approx(truth["a"])
        assert wrong["porosity_pct:cathode"] == pytest.approx(truth["b"])

    play(main)


def test_a_wet_laminate_weighs_its_oil() -> None:
    async def main(line: SimulatedLine) -> None:
        lot = sheet(line, "a", "cathode", ALUMINIUM)
        dry_g = lot.mass_g
        line.faults.inject(Injection("evidence.wet_laminate", parameters={"oil_mg_cm2": 2.0}))
        await line.operator.perform(SimulatedTask("place", ("a",), unit="balance-1"))
        scales = line.machines["balance-1"]
        assert isinstance(scales, Instrument)
        told = (scales.answer(b"S\r\n") or b"").decode()
        assert float(told.split()[2]) == pytest.approx(dry_g + 2.0e-5 * (lot.area_mm2 or 0.0), abs=2e-4)

    play(main)


def test_an_instrument_stands_off_its_zero_or_says_nothing() -> None:
    async def main(line: SimulatedLine) -> None:
        gauge = line.machines["thickness-gauge-1"]
        assert isinstance(gauge, Instrument)

        def shown() -> float:
            return float((gauge.answer(b"S\r\n") or b"").decode().split()[2])

        zero = shown()
        number = line.faults.inject(Injection("evidence.not_zeroed", "thickness-gauge-1", parameters={"offset": 7.0}))
        assert shown() == pytest.approx(zero + 7.0, abs=0.02)
        line.faults.clear(number)
        assert shown() == pytest.approx(zero, abs=0.02)
        line.faults.inject(Injection("evidence.silent_instrument", "thickness-gauge-1"))
        assert gauge.answer(b"S\r\n") is None

    play(main)


def test_an_operator_who_cannot_do_it_says_so_under_every_mistake() -> None:
    async def main(line: SimulatedLine) -> None:
        for fault in ("people.double_press", "people.wrong_lot", "people.mistyped"):
            line.faults.inject(Injection(fault))
        with pytest.raises(WorldError, match="there is no lot"):
            await line.operator.perform(SimulatedTask("load", ("nothing",), unit=PRESS))

    play(main)


# ---- controllers with nothing behind them ----


def test_a_controller_with_nothing_behind_it_has_a_controllers_faults_and_no_others() -> None:
    clock = [0.0]
    profile = shipped("uniaxial-press-generic")
    fewer = {name: signal for name, signal in profile.signals.items() if name != "oil_pressure_mpa"}
    line = SimulatedLine(clock=lambda: clock[0], units={"press": replace(profile, signals=fewer)})
    machine = line.machines["press"]
    assert isinstance(machine, AnyMachine)
    with pytest.raises(NotApplicableError, match="nothing behind it"):
        line.faults.inject(Injection("uniaxial.leak"))
    number = {name: profile.number("command", name) for name in ("load_job", "reset", "start")}

    def command(name: str, sequence: int) -> tuple[str | None, str | None]:
        machine.write({"command_code": number[name], "command_sequence": sequence})
        tags = machine.tags
        return profile.word("result", tags["acknowledge_result"]), profile.word("reason", tags["acknowledge_reason"])

    clock[0] = 1.0
    machine.advance(1.0)
    line.faults.inject(Injection("machine.rejects", parameters={"reason": "safety_chain"}))
    assert command("reset", 1) == ("REJECTED", "safety_chain")
    line.faults.clear()
    line.faults.inject(Injection("machine.never_done"))
    assert command("start", 2) == ("ACCEPTED", "none")
    assert machine.controller.state == "IDLE"
    line.faults.clear()
    line.faults.inject(Injection("machine.busy"))
    with pytest.raises(DeviceRefused) as told:
        command("reset", 3)
    assert told.value.code == 6
    line.faults.clear()
    line.faults.inject(Injection("machine.local_mode", duration_s=5.0))
    line.faults.inject(Injection("machine.wrong_identity", duration_s=5.0))
    line.faults.inject(Injection("machine.frozen_heartbeat", duration_s=5.0))
    seen = []
    for clock[0] in (2.0, 4.0, 20.0):
        line.faults.advance(clock[0])
        machine.advance(clock[0])
        seen.append([machine.tags[name] for name in ("mode", "model_code", "heartbeat_machine")])
    local, remote = profile.number("mode", "LOCAL"), profile.number("mode", "REMOTE")
    assert seen == [[local, 4102, 2], [local, 4102, 2], [remote, 4101, 40]]
    machine.write({"force_sp_kn": 5.0})
    line.faults.inject(Injection("machine.reboot"))
    machine.advance(21.0)
    assert machine.tags["force_sp_kn"] == 0.0
    assert machine.tags["acknowledged_sequence"] == 0
    assert machine.tags["heartbeat_machine"] == 2

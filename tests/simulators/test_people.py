"""The operator, the laboratory, gauge and balance."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from recipes.model import Foil
from simulators.clock import run_virtual
from simulators.instruments import Instrument
from simulators.line import SimulatedLine
from simulators.operator import SimulatedTask
from simulators.physics.laminate import coated_layer
from simulators.world import Lot, WorldError
from tests.simulators.bench import ALUMINIUM, AREA_MM2, LAYERS

SUPPORT = Foil("support sheet", "PET", 50.0, 1.4)
COPPER = Foil("copper", "copper", 10.0, 8.96)


def line(scenario: str = "nominal", seed: int = 1) -> SimulatedLine:
    return SimulatedLine(scenario, seed, lambda: asyncio.get_running_loop().time())


def sheet(world_line: SimulatedLine, name: str, layer: str, foil: Foil) -> Lot:
    part = coated_layer(LAYERS[layer], LAYERS[layer].coating_weight_mg_cm2, world_line.scenario)
    true_foil = world_line.world.true_foil(foil)
    return world_line.world.put(Lot(name, [part], [true_foil], world_line.world.true_area_mm2(AREA_MM2)))


def gauge_of(world_line: SimulatedLine, unit: str) -> Instrument:
    instrument = world_line.machines[unit]
    assert isinstance(instrument, Instrument)
    return instrument


def run(main: Coroutine[Any, Any, None]) -> None:
    run_virtual(main)


def test_stack_peel_and_measure() -> None:
    async def main() -> None:
        here = line()
        sheet(here, "a", "cathode", ALUMINIUM)
        sheet(here, "b", "solid_electrolyte", SUPPORT)
        entered = await here.operator.perform(
            SimulatedTask("stack", ("a", "b"), "pair", fields=("area",), adds=(COPPER,), area_mm2=AREA_MM2)
        )
        assert entered["area"] == pytest.approx(AREA_MM2)
        assert 0.0 < entered["u:area"] < 0.001 * AREA_MM2
        await here.operator.perform(SimulatedTask("peel", ("pair",), "peeled", removes=("support sheet",)))
        assert asyncio.get_running_loop().time() > 30.0
        lot = here.world.lot("peeled")
        assert [foil.name for foil in lot.foils] == ["aluminium", "copper"]
        assert lot.thickness_um == pytest.approx(137.9 + 100.0 + 15.0 + 10.0, abs=0.1)
        assert not here.world.has("a")
        assert set(here.truth_layers("peeled")) == {"cathode", "solid_electrolyte"}
        with pytest.raises(LookupError):
            here.truth_layers("pair")

    run(main())


def test_load_press_unload() -> None:
    async def main() -> None:
        here = line()
        sheet(here, "a", "cathode", ALUMINIUM)
        await here.operator.perform(SimulatedTask("load", ("a",), unit="uniaxial-press-1"))
        press = here.machines["uniaxial-press-1"]
        assert not isinstance(press, Instrument)
        press.advance(asyncio.get_running_loop().time())
        assert int(press.tags["status_bits"]) & 0b110 == 0b110  # guard and two-hand
        with pytest.raises(WorldError, match="already holds"):
            await here.operator.perform(SimulatedTask("load", ("a",), unit="uniaxial-press-1"))
        await here.operator.perform(SimulatedTask("unload", ("a",), "b", unit="uniaxial-press-1"))
        assert here.world.has("b")

    run(main())


@pytest.mark.parametrize(
    "task",
    [
        SimulatedTask("dance"),
        SimulatedTask("peel", ("nothing",)),
        SimulatedTask("peel", ("a",), removes=("support sheet",)),
        SimulatedTask("load", ("a",), unit="furnace-1"),
        SimulatedTask("load", (), unit="uniaxial-press-1"),
        SimulatedTask("load", (), unit="coater-1"),
        SimulatedTask("unload", (), "b", unit="coater-1"),
        SimulatedTask("place", ("a",), unit="coater-1"),
        SimulatedTask("remove", unit="balance-1"),
        SimulatedTask("stack", ("a",)),
        SimulatedTask("lab", ("a",), fields=("porosity_pct:intermediate",)),
        SimulatedTask("lab", ("a",), fields=("composite_modulus_gpa:cathode",)),
        SimulatedTask("load", fields=("area",), unit="coater-1"),
    ],
    ids=lambda task: f"{task.action} {task.unit or ''}",
)
def test_what_cannot_be_done_is_told(task: SimulatedTask) -> None:
    async def main() -> None:
        here = line()
        sheet(here, "a", "cathode", ALUMINIUM)
        with pytest.raises(WorldError):
            await here.operator.perform(task)

    run(main())


def test_the_laboratory_is_right_within_its_uncertainty() -> None:
    async def main() -> None:
        for seed in range(30):
            here = line("realistic", seed)
            part = sheet(here, "a", "intermediate", SUPPORT).layers[0]
            part.press(290.0, 25.0, 300.0)
            fields = ("porosity_pct:intermediate", "composite_modulus_gpa:intermediate")
            told = await here.operator.perform(SimulatedTask("lab", ("a",), fields=fields))
            assert part.composite_modulus_gpa is not None
            for field, truth in zip(fields, (part.porosity_pct, part.composite_modulus_gpa), strict=True):
                assert abs(told[field] - truth) <= 3.0**0.5 * told[f"u:{field}"] + 1e-12

    run(main())


def told(instrument: Instrument, request: bytes) -> str:
    answer = instrument.answer(request + b"\r\n")
    assert answer is not None
    assert answer.endswith(b"\r\n")
    return answer.decode("ascii").removesuffix("\r\n")


def test_gauge_talks_mt_sics() -> None:
    here = line()
    gauge = gauge_of(here, "thickness-gauge-1")
    gauge.place(sheet(here, "a", "cathode", ALUMINIUM))
    assert told(gauge, b"S") == "S S     152.90 um"
    assert told(gauge, b"SI") == "S S     152.90 um"
    assert told(gauge, b"Z") == "Z I"
    assert told(gauge, b"T") == "T S     152.90 um"
    assert told(gauge, b"S") == "S S       0.00 um"
    assert told(gauge, b"@").startswith('I4 A "')
    assert told(gauge, b"S") == "S S     152.90 um"
    assert told(gauge, b"I2") == 'I2 A "PL-TG50 5000 um"'
    assert told(gauge, b"I4") == told(gauge, b"I4")
    assert told(gauge, b"XYZ") == "ES"
    assert told(gauge, b"\xff\x00") == "ES"
    assert told(gauge, b"S 1") == "EL"
    assert gauge.answer(b"\r\n") is None
    gauge.remove()
    assert told(gauge, b"Z") == "Z A"
    assert told(gauge, b"S") == "S S       0.00 um"


def test_overload() -> None:
    here = line()
    gauge = gauge_of(here, "thickness-gauge-1")
    gauge.place(Lot("block", foils=[Foil("block", "steel", 6000.0, 7.8)]))
    assert told(gauge, b"S") == "S +"


def test_balance_weighs_foil_and_layer() -> None:
    here = line()
    scales = gauge_of(here, "balance-1")
    scales.place(sheet(here, "a", "cathode", ALUMINIUM))
    grams = (27.0 + 4.05) * 16.0 / 1000.0  # mg/cm2 on 16 cm2
    assert told(scales, b"S") == f"S S {grams:10.4f} g"


@pytest.mark.parametrize("unit", ["thickness-gauge-1", "balance-1"])
def test_instruments_stay_within_their_stated_accuracy(unit: str) -> None:
    for seed in range(100):
        here = line("realistic", seed)
        instrument = gauge_of(here, unit)
        lot = sheet(here, "a", "cathode", ALUMINIUM)
        truth = lot.thickness_um if unit.startswith("thickness") else lot.mass_g
        (signal,) = instrument.profile.signals.values()
        assert signal.accuracy is not None
        for zeroed in (False, True):
            if zeroed:
                told(instrument, b"Z")
            instrument.place(lot)
            value = float(told(instrument, b"S").split()[2])
            instrument.remove()
            assert abs(value - truth) <= signal.accuracy + 0.005

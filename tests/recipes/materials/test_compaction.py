"""The compaction law: the source's tables, and the properties that a real layer has."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.materials.compaction import (
    CompactionParameters,
    advance,
    drive,
    effective_pressure_mpa,
    porosity_fraction,
)
from recipes.materials.library import load_materials
from recipes.materials.porosity import decrease_pct
from tests.recipes.materials.honda import ROOM_C, ROWS, Row

INITIAL = {"cathode": 0.45, "solid_electrolyte": 0.40, "intermediate": 0.82}
MATERIALS = load_materials()

layers = st.sampled_from(sorted(INITIAL))
pressures = st.floats(0.0, 1100.0)
temperatures = st.floats(20.0, 200.0)
dwells = st.floats(0.1, 1800.0)
steps = st.lists(st.tuples(pressures, temperatures, dwells), min_size=1, max_size=4)
Step = tuple[float, float, float]


def pressed(layer: str, sequence: list[Step]) -> float:
    """Porosity (0..1) after a sequence of pressings."""
    parameters = MATERIALS[layer].parameters
    densification = 0.0
    for pressure, temperature, dwell in sequence:
        densification = advance(densification, pressure, temperature, dwell, parameters)
    return porosity_fraction(INITIAL[layer], densification, parameters)


def history(row: Row, layer: str) -> list[Step]:
    first = [] if layer == "intermediate" else [(90.0, ROOM_C, 180.0)]
    return [*first, (290.0, ROOM_C, 300.0), (row.densify_mpa, row.densify_c, 300.0), (180.0, ROOM_C, 120.0)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("layer", sorted(INITIAL))
def test_cells_of_tables_2_and_3(row: Row, layer: str) -> None:
    sequence = history(row, layer)
    offset = 2 if layer == "intermediate" else 1
    for number in range(len(sequence) - 1):
        before, after = pressed(layer, sequence[:number]), pressed(layer, sequence[: number + 1])
        expected = row.rates[number + offset, layer]
        assert decrease_pct(100 * before, 100 * after) == pytest.approx(expected, abs=row.rate_tolerance(layer))
    assert 100.0 * pressed(layer, sequence) == pytest.approx(row.final[layer], abs=row.final_tolerance(layer))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_verdicts_on_claims_1_and_5_are_the_patents(row: Row) -> None:
    final = {layer: 100.0 * pressed(layer, history(row, layer)) for layer in INITIAL}
    assert (final["cathode"] <= 5.0 and final["solid_electrolyte"] <= 5.0) is row.claim_1
    rates = {
        layer: decrease_pct(pressed(layer, history(row, layer)[:2]), pressed(layer, history(row, layer)[:3]))
        for layer in ("cathode", "solid_electrolyte")
    }
    assert (rates["cathode"] >= 77.0 and rates["solid_electrolyte"] >= 85.0) is row.claim_5


@pytest.mark.parametrize(
    ("layer", "rate"),
    [("cathode", (14.2, 32.4, 91.3)), ("solid_electrolyte", (11.3, 35.7, 92.9))],
)
def test_rates_of_example_1_are_the_laws_own(layer: str, rate: tuple[float, float, float]) -> None:
    sequence = history(ROWS[0], layer)
    stages = [pressed(layer, sequence[:count]) for count in range(4)]
    found = [decrease_pct(before, after) for before, after in itertools.pairwise(stages)]
    assert found == pytest.approx(rate, abs=0.06)


@given(layers, steps, st.integers(0, 3), st.sampled_from([0, 1, 2]), st.floats(0.0, 1.0))
def test_more_of_anything_never_makes_a_layer_more_porous(
    layer: str, sequence: list[Step], which: int, what: int, share: float
) -> None:
    which %= len(sequence)
    values = list(sequence[which])
    values[what] += share * ((1100.0, 200.0, 1800.0)[what] - values[what])
    more = [*sequence[:which], (values[0], values[1], values[2]), *sequence[which + 1 :]]
    assert pressed(layer, more) <= pressed(layer, sequence) + 1e-12


@given(layers, steps)
def test_pressing_is_irreversible_and_bounded(layer: str, sequence: list[Step]) -> None:
    stages = [pressed(layer, sequence[:count]) for count in range(len(sequence) + 1)]
    assert all(after <= before for before, after in itertools.pairwise(stages))
    assert stages[-1] >= MATERIALS[layer].parameters.residual_porosity


@given(layers, pressures, temperatures, st.floats(600.0, 1800.0), st.floats(0.0, 1.0))
def test_pressing_again_at_no_higher_pressure_changes_nothing(
    layer: str, pressure: float, temperature: float, dwell: float, share: float
) -> None:
    once = [(pressure, temperature, dwell)]
    again = [*once, (share * pressure, temperature, dwell)]
    assert pressed(layer, again) == pytest.approx(pressed(layer, once), abs=1e-12)


@given(layers, pressures, temperatures, dwells, st.integers(2, 20))
def test_cutting_a_dwell_into_pieces_changes_nothing(
    layer: str, pressure: float, temperature: float, dwell: float, pieces: int
) -> None:
    whole = pressed(layer, [(pressure, temperature, dwell)])
    assert pressed(layer, [(pressure, temperature, dwell / pieces)] * pieces) == pytest.approx(whole, rel=1e-9)


@given(layers, temperatures, dwells)
def test_no_pressure_no_change(layer: str, temperature: float, dwell: float) -> None:
    assert pressed(layer, [(0.0, temperature, dwell)]) == INITIAL[layer]


def test_a_long_dwell_reaches_the_drive() -> None:
    parameters = MATERIALS["cathode"].parameters
    target = drive(effective_pressure_mpa(500.0, 25.0, parameters), parameters)
    assert advance(0.0, 500.0, 25.0, 1e5, parameters) == pytest.approx(target)
    assert advance(0.0, 500.0, 25.0, parameters.tau_s, parameters) == pytest.approx(
        target * (1.0 - 0.36787944), rel=1e-7
    )


def test_softening_has_a_floor() -> None:
    parameters = replace(MATERIALS["cathode"].parameters, c_per_k=0.01)
    assert effective_pressure_mpa(100.0, 500.0, parameters) == pytest.approx(500.0)


def test_a_layer_coated_denser_than_pressing_makes_it_stays() -> None:
    parameters = MATERIALS["intermediate"].parameters
    assert porosity_fraction(0.5, 3.0, parameters) == 0.5


@pytest.mark.parametrize(
    "wrong",
    [{"k_per_mpa": 0.0}, {"tau_s": -1.0}, {"b": -0.1}, {"c_per_k": -1e-3}, {"residual_porosity": 1.0}, {"p1_mpa": 0.0}],
)
def test_impossible_parameters_are_refused(wrong: dict[str, float]) -> None:
    valid = {
        "k_per_mpa": 1e-3,
        "b": 0.1,
        "c_per_k": 0.0,
        "residual_porosity": 0.0,
        "tau_s": 1.0,
        "p1_mpa": 1.0,
        "m": 1.0,
    }
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CompactionParameters(**(valid | wrong))

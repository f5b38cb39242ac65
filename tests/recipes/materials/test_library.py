"""The shipped material data."""

from __future__ import annotations

import pytest

from recipes.materials.library import MaterialDataError, load_materials


def test_shipped_values_are_the_verdict_preserving_variant() -> None:
    materials = load_materials("honda")
    assert set(materials) == {"cathode", "solid_electrolyte", "intermediate"}
    cathode, electrolyte = materials["cathode"].parameters, materials["solid_electrolyte"].parameters
    assert (cathode.k_per_mpa, cathode.b, cathode.c_per_k) == (1.70e-3, 0.33, 3.94e-3)
    assert (electrolyte.k_per_mpa, electrolyte.b, electrolyte.c_per_k) == (1.31e-3, 1.15, 3.94e-3)
    assert (cathode.p1_mpa, cathode.m, cathode.tau_s) == (450.0, 4.0, 15.0)
    assert materials["intermediate"].parameters.residual_porosity == 0.532


def test_shipped_values_lie_inside_their_intervals_but_not_in_the_middle() -> None:
    for material in load_materials().values():
        for name, (low, high) in material.intervals.items():
            assert low < getattr(material.parameters, name) < high
    low, high = load_materials()["cathode"].intervals["k_per_mpa"]
    assert (low + high) / 2 == pytest.approx(1.803e-3, abs=1e-6)  # the unweighted fit


def test_every_parameter_says_where_it_comes_from() -> None:
    for material in load_materials().values():
        for text in material.provenance.values():
            assert text.split(",")[0] in {"fitted", "chosen", "assumed"}
            assert "US 2025/0260067 A1" in text


@pytest.mark.parametrize(("pressure_mpa", "printed_gpa"), [(980.0, 0.8), (784.0, 0.7), (700.0, 0.6), (0.0, 0.1)])
def test_modulus_follows_the_highest_pressure(pressure_mpa: float, printed_gpa: float) -> None:
    law = load_materials()["intermediate"].modulus
    assert law is not None
    assert round(law.modulus_gpa(pressure_mpa), 1) == printed_gpa


def test_an_unknown_file_is_refused() -> None:
    with pytest.raises(MaterialDataError, match=r"no material file steel\.yaml"):
        load_materials("steel")

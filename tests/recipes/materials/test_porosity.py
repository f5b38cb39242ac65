"""Porosity from weight and thickness."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.materials.porosity import decrease_pct, porosity_pct, porosity_uncertainty_pct


def test_a_cathode_of_27_mg_cm2() -> None:
    assert porosity_pct(27.0, 3.56, 137.9) == pytest.approx(45.0, abs=0.01)
    assert porosity_pct(27.0, 3.56, 80.0) == pytest.approx(5.2, abs=0.05)


@given(st.floats(0.0, 0.95), st.floats(0.1, 50.0), st.floats(0.5, 8.0))
def test_it_inverts_the_thickness_of_a_porous_layer(porosity: float, weight: float, density: float) -> None:
    thickness = 10.0 * weight / density / (1.0 - porosity)
    assert porosity_pct(weight, density, thickness) == pytest.approx(100.0 * porosity, abs=1e-9)


def test_uncertainty_is_about_two_points_at_five_percent() -> None:
    assert porosity_uncertainty_pct(5.0, 0.01, 0.015, 1.0 / 80.0) == pytest.approx(2.1, abs=0.1)
    assert porosity_uncertainty_pct(45.0, 0.01, 0.015, 1.0 / 80.0) == pytest.approx(1.2, abs=0.05)


def test_rate_of_decrease() -> None:
    assert decrease_pct(26.0, 2.0) == pytest.approx(92.3, abs=0.01)
    with pytest.raises(ValueError, match="needs a porosity before"):
        decrease_pct(0.0, 0.0)


@pytest.mark.parametrize(("density", "thickness"), [(0.0, 1.0), (1.0, 0.0)])
def test_impossible_inputs_are_refused(density: float, thickness: float) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        porosity_pct(1.0, density, thickness)

"""Films, gaps and drying."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.materials.coating import (
    CRITICAL_SHARE,
    UnknownSolventError,
    coating_weight_mg_cm2,
    dry,
    drying_rate_g_m2s,
    gap_um,
    outside_model,
    solvent_load_mg_cm2,
    wet_film_um,
)
from recipes.model import Slurry

CATHODE = Slurry("butyl butyrate", 100.0 / 143.0, 0.869)


def test_the_cathode_of_the_source() -> None:
    assert wet_film_um(27.0, CATHODE, 3.56) == pytest.approx(209.0, abs=1.0)
    assert solvent_load_mg_cm2(27.0, CATHODE) == pytest.approx(11.6, abs=0.05)
    assert gap_um(27.0, CATHODE, 3.56, 0.5) == pytest.approx(2.0 * wet_film_um(27.0, CATHODE, 3.56))


@given(st.floats(0.01, 60.0), st.floats(0.05, 0.95), st.floats(0.7, 1.2), st.floats(0.5, 8.0))
def test_gap_and_coating_weight_are_inverse(weight: float, solids: float, liquid: float, density: float) -> None:
    slurry = Slurry("water", solids, liquid)
    assert coating_weight_mg_cm2(gap_um(weight, slurry, density), slurry, density) == pytest.approx(weight)


@pytest.mark.parametrize(
    ("name", "air_c", "rate", "film_c"),
    [("water", 50, 0.30, 26), ("water", 80, 0.58, 35), ("water", 110, 0.88, 41), ("NMP", 90, 0.45, 82),
     ("NMP", 120, 1.10, 101), ("butyl butyrate", 80, 1.26, 67), ("n-butyl butyrate", 100, 2.14, 78)],
)  # fmt: skip
def test_rates_of_an_independent_calculation(name: str, air_c: float, rate: float, film_c: float) -> None:
    found, film = drying_rate_g_m2s(name, air_c)
    assert found == pytest.approx(rate, rel=0.2)
    assert film == pytest.approx(film_c, abs=5.0)


@pytest.mark.parametrize("name", ["water", "NMP", "butyl butyrate"])
def test_hotter_air_dries_faster_and_the_film_stays_cooler_than_air(name: str) -> None:
    found = [drying_rate_g_m2s(name, air_c) for air_c in (40.0, 70.0, 100.0, 130.0)]
    assert [rate for rate, _ in found] == sorted(rate for rate, _ in found)
    assert all(film < air for (_, film), air in zip(found, (40.0, 70.0, 100.0, 130.0), strict=True))


@given(st.floats(1.0, 300.0), st.floats(0.01, 3.0), st.floats(0.0, 600.0), st.floats(0.0, 600.0))
def test_drying_in_two_parts_is_drying_at_once(load: float, rate: float, first: float, second: float) -> None:
    at_once = dry(load, load, rate, first + second)
    in_parts = dry(dry(load, load, rate, first), load, rate, second)
    assert in_parts == pytest.approx(at_once, rel=1e-6, abs=1e-12)
    assert 0.0 <= at_once <= load


def test_constant_then_falling_rate() -> None:
    assert dry(100.0, 100.0, 1.0, 50.0) == pytest.approx(50.0)
    assert dry(100.0, 100.0, 1.0, 75.0) == pytest.approx(100.0 * CRITICAL_SHARE)
    assert dry(100.0, 100.0, 1.0, 100.0) == pytest.approx(25.0 * math.exp(-1.0))
    assert dry(100.0, 100.0, 0.0, 100.0) == 100.0


def test_an_unknown_solvent_is_refused() -> None:
    with pytest.raises(UnknownSolventError, match="acetone"):
        drying_rate_g_m2s("acetone", 80.0)


# ---- where the model ends ----


def test_a_coating_that_the_model_was_checked_for_says_little() -> None:
    assert outside_model("butyl butyrate", (100.0, 120.0), (120.0, 120.0), 60.0, 300.0) == ()


@pytest.mark.parametrize(
    ("solvent_name", "zones_c", "load", "gap", "said"),
    [
        ("water", (80.0, 110.0), 60.0, 300.0, "zone 2: air of 110 degC is above the boiling point of water, 100 degC"),
        ("NMP", (60.0, 120.0), 30.0, 300.0, "the vapour pressure of NMP is a formula for 88 to 204 degC"),
        ("NMP", (110.0, 130.0), 30.0, 300.0, "times as fast as NMP in this model at 120 degC"),
        ("water", (50.0, 50.0), 110.0, 300.0, "is left behind the dryer"),
        ("water", (50.0, 50.0), 5.0, 10.0, "a comma gap of 10 um is set within 2 um, 20 % of it"),
        ("butyl butyrate", (100.0, 120.0), 250.0, 300.0, "and within 50 % as published"),
    ],
)
def test_what_is_outside_the_model_is_named(
    solvent_name: str, zones_c: tuple[float, ...], load: float, gap: float, said: str
) -> None:
    told = outside_model(solvent_name, zones_c, (120.0,) * len(zones_c), load, gap)
    assert any(said in sentence for sentence in told), told


def test_the_share_of_time_for_most_of_the_solvent_is_that_of_the_closed_form() -> None:
    """At 1 g/m2s from 100 g/m2, 75 s to the critical share and 25 ln 2.5 s on to a tenth, of 200 s."""
    rate = drying_rate_g_m2s("water", 80.0)[0]
    stay_s = 200.0 / rate
    told = outside_model("water", (80.0,), (stay_s,), 100.0, 300.0)
    assert not any("90 %" in sentence for sentence in told), "98 s of 200 s are less than half"
    told = outside_model("water", (80.0,), (0.9 * stay_s,), 100.0, 300.0)
    share = (75.0 + 25.0 * math.log(2.5)) / 180.0
    assert any(f"within {100.0 * share:.0f} % of the drying time" in sentence for sentence in told)


def test_the_model_cannot_speak_of_a_solvent_that_it_does_not_know() -> None:
    with pytest.raises(UnknownSolventError):
        outside_model("acetone", (80.0,), (120.0,), 60.0, 300.0)

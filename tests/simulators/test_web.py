"""The web in its dryer against closed forms, and what the air makes of the vapour."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.profile_file import load_profile
from recipes.materials.coating import dry, drying_rate_g_m2s, solvent_load_mg_cm2, wet_film_um
from recipes.model import Slurry
from simulators.coater import Coater, Threaded
from simulators.physics.web import OvenAir, Web, lel_pct, residual_g_m2
from simulators.scenarios import named_scenario
from simulators.world import World, WorldError
from tests.simulators.bench import ALUMINIUM, AREA_MM2, COAT_JOB, LAYERS, SLURRY, Bench


def sent_through(web: Web, speed_m_min: float, zones_c: list[float], load: float, scan_s: float) -> None:
    """A sheet of 0.1 m at a steady speed, looked at every scan_s."""
    travelled = 0.0
    while travelled < web.oven_m + 0.1:
        travelled += speed_m_min * scan_s / 60.0
        web.feed(min(travelled, 0.1), 0.1, 1.0, load)
        web.move(travelled, scan_s, zones_c)
    web.settle(travelled, zones_c)


@pytest.mark.parametrize("scan_s", [0.1, 0.25, 2.0, 7.0])
@pytest.mark.parametrize("zones_m", [(1.2,), (0.6, 0.6), (0.2, 0.9, 0.4), (0.3, 0.5, 0.1, 0.6)])
def test_up_to_four_zones_dry_as_the_closed_form_says(zones_m: tuple[float, ...], scan_s: float) -> None:
    zones_c = [80.0, 110.0, 60.0, 90.0][: len(zones_m)]
    web = Web(zones_m, "water")
    sent_through(web, 0.7, zones_c, 100.0, scan_s)
    expected = residual_g_m2("water", 100.0, zones_c, 0.7, zones_m)
    assert web.mean_residue_g_m2 == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert web.inside == []


def test_residence_counts_and_not_the_length() -> None:
    """Zeon's ovens: 0.8 m at 400 mm/min and 0.4 m at 200 mm/min are both two minutes in each zone."""
    long, short = Web((0.8, 0.8), "water"), Web((0.4, 0.4), "water")
    sent_through(long, 0.4, [80.0, 110.0], 90.0, 0.25)
    sent_through(short, 0.2, [80.0, 110.0], 90.0, 0.25)
    assert long.mean_residue_g_m2 == pytest.approx(short.mean_residue_g_m2, rel=1e-6)
    assert short.mean_residue_g_m2 == pytest.approx(residual_g_m2("water", 90.0, [80.0, 110.0], 0.2, (0.4, 0.4)))


@given(st.floats(30.0, 150.0), st.floats(0.0, 60.0), st.floats(10.0, 300.0))
def test_hotter_air_never_leaves_more(air_c: float, more_k: float, load: float) -> None:
    left = [residual_g_m2("NMP", load, [temperature], 0.5) for temperature in (air_c, air_c + more_k)]
    assert left[1] <= left[0] + 1e-9


@given(st.floats(0.0, 200.0), st.floats(0.01, 2.0), st.floats(0.0, 600.0), st.integers(1, 20))
@example(5e-324, 1.0, 1.0, 1)
def test_drying_does_not_depend_on_how_time_is_cut(load: float, rate: float, time_s: float, pieces: int) -> None:
    left = load
    for _ in range(pieces):
        left = dry(left, load, rate, time_s / pieces)
    assert left == pytest.approx(dry(load, load, rate, time_s), rel=1e-9, abs=1e-9)
    assert 0.0 <= left <= load


def test_what_evaporated_and_what_is_left_is_what_was_coated() -> None:
    web, air, travelled, seen_g = Web((0.6, 0.6), "NMP"), OvenAir(0.3), 0.0, 0.0
    while travelled < 0.9:
        travelled += 0.004
        web.feed(min(travelled, 0.5), 0.5, 1.0, 80.0)
        web.move(travelled, 0.5, [90.0, 120.0])
        air.step(web.evaporation_g_s, 6.0, 0.5)
        seen_g += web.evaporation_g_s * 0.5
    web.settle(travelled, [90.0, 120.0])
    on_web_g = 0.3 * sum(parcel.left_g_m2 * parcel.length_m for parcel in web.inside)
    on_web_g += 0.3 * web.mean_residue_g_m2 * web.left_m
    assert web.evaporated_g + on_web_g == pytest.approx(0.3 * 0.5 * 80.0, rel=1e-9)
    assert air.vented_g + air.volume_m3 * air.vapour_g_m3 == pytest.approx(seen_g, rel=1e-9)


def test_the_air_of_an_oven_follows_its_balance() -> None:
    air = OvenAir(0.3)
    for _ in range(600):
        air.step(0.05, 6.0, 0.5)
    assert air.vapour_g_m3 == pytest.approx(0.05 / 0.1), "source over flow"
    assert air.lel_pct("NMP") == pytest.approx(100.0 * 0.5 / 53.0)
    assert air.lel_pct("water") == 0.0
    closed = OvenAir(0.3)
    closed.step(0.05, 0.0, 60.0)
    assert closed.vapour_g_m3 == pytest.approx(0.05 * 60.0 / 0.3), "nothing leaves without exhaust"


def test_a_long_web_comes_to_the_vapour_of_the_steady_one() -> None:
    web, air, travelled = Web((0.6, 0.6), "butyl butyrate"), OvenAir(0.3), 0.0
    while travelled < 3.0:
        travelled += 0.4 * 0.25 / 60.0
        web.feed(travelled, 10.0, 1.0, 116.0)
        web.move(travelled, 0.25, [100.0, 120.0])
        air.step(web.evaporation_g_s, 0.944, 0.25)
    assert air.lel_pct("butyl butyrate") == pytest.approx(lel_pct("butyl butyrate", 116.0, 0.4, 0.944), rel=0.1)


def test_a_web_that_stands_dries_on_where_it_is() -> None:
    web = Web((0.6, 0.6), "water")
    web.feed(0.02, 0.02, 1.0, 100.0)
    web.move(0.2, 15.0, [80.0, 80.0])
    before = web.inside[0].left_g_m2
    web.move(0.2, 30.0, [80.0, 80.0])
    rate = drying_rate_g_m2s("water", 80.0)[0]
    assert before - web.inside[0].left_g_m2 == pytest.approx(30.0 * rate)


# ---- gap, film, weight: the report's figures ----


@pytest.mark.parametrize(
    ("weight", "solids", "solvent_density", "density", "wet_um", "solvent"),
    [
        (11.0, 0.60, 1.0, 2.19, 124.0, 7.3),
        (20.0, 0.67, 1.03, 4.42, 141.0, 9.85),
        (27.0, 0.699, 0.869, 3.56, 209.0, 11.6),
    ],
)
def test_the_wet_films_of_the_sources(
    weight: float, solids: float, solvent_density: float, density: float, wet_um: float, solvent: float
) -> None:
    slurry = Slurry("water", solids, solvent_density)
    assert wet_film_um(weight, slurry, density) == pytest.approx(wet_um, abs=1.0)
    assert solvent_load_mg_cm2(weight, slurry) == pytest.approx(solvent, abs=0.05)


@pytest.mark.parametrize(
    ("name", "load", "zones", "left_pct"),
    [("water", 73.3, ((80.0, 120.0), (110.0, 120.0)), 0.4), ("NMP", 98.5, ((90.0, 120.0), (120.0, 120.0)), 1.7)],
)
def test_gentle_air_leaves_what_the_report_calculates(
    name: str, load: float, zones: tuple[tuple[float, float], ...], left_pct: float
) -> None:
    left = load
    for air_c, stay_s in zones:
        left = dry(left, load, drying_rate_g_m2s(name, air_c, 15.0)[0], stay_s)
    assert 100.0 * left / load == pytest.approx(left_pct, abs=0.3)


# ---- a coater of four zones ----


def test_a_coater_has_as_many_zones_as_its_profile() -> None:
    bench = Bench()
    scenario = named_scenario("nominal")
    coater = bench.coater = Coater(load_profile("coater-four-zone"), scenario, "coater-4", World(scenario))
    assert coater.zone_count == 4
    coater.advance(0.0)
    with pytest.raises(WorldError, match="has 4 zones, not 2"):
        coater.thread(Threaded(LAYERS["cathode"], SLURRY, ALUMINIUM, AREA_MM2, (0.8, 0.8)))
    zones_m = (0.2, 0.4, 0.6, 0.3)
    coater.thread(Threaded(LAYERS["cathode"], SLURRY, ALUMINIUM, AREA_MM2, zones_m))
    bench.start(coater, COAT_JOB | {"zone1_sp_c": 60.0, "zone2_sp_c": 70.0, "zone3_sp_c": 80.0, "zone4_sp_c": 90.0})
    bench.wait_for(coater, machine_state="COMPLETE")
    shown = [float(coater.tags[f"zone{number}_c"]) for number in range(1, 5)]
    assert shown == pytest.approx([60.0, 70.0, 80.0, 90.0], abs=0.1)
    assert all(one < other for one, other in pairwise(shown))
    weight = float(coater.tags["coating_weight_mg_cm2"])
    load = 10.0 * solvent_load_mg_cm2(weight, SLURRY)
    left = residual_g_m2(SLURRY.solvent, load, [60.0, 70.0, 80.0, 90.0], 0.8, zones_m)
    assert coater.tags["residual_solvent_pct"] == pytest.approx(10.0 * left / weight, rel=1e-3)

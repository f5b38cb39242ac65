"""What measurements do to what is known: weights, contradictions, lab values and their stage."""

from __future__ import annotations

import pytest

from controller.metrology import Metrology
from recipes.facts import Evidence
from recipes.load import load_recipe
from tests.controller.recipes_for_tests import EXAMPLE

LAMINATE = load_recipe(EXAMPLE).laminate
STACK = ("cathode", "solid_electrolyte", "intermediate")


def pressed(metrology: Metrology, step: str, mpa: float, degc: float = 25.0) -> None:
    metrology.press(step, STACK, (mpa, 1.0), (degc, 0.3), 300.0, mpa / 10)


def test_a_coating_weight_is_the_sheets_less_its_foil_and_its_solvent() -> None:
    metrology = Metrology(LAMINATE)
    foil_mg_cm2 = 15 * 2.7 * 0.1
    dry, _, _ = metrology.weigh("cathode", 16 * (27 + foil_mg_cm2) / 1000, 0.0003, ["aluminum"], 0.0)
    wet, uncertain, _ = metrology.weigh("cathode", 16 * (27 * 1.02 + foil_mg_cm2) / 1000, 0.0003, ["aluminum"], 2.0)
    assert dry == pytest.approx(27)
    assert wet == pytest.approx(27)
    assert uncertain > 0.3


def test_a_lab_value_holds_until_the_layer_is_pressed_again() -> None:
    metrology = Metrology(LAMINATE)
    pressed(metrology, "first", 290)
    metrology.lab("intermediate", "composite_modulus", 0.32, 0.01)
    metrology.lab("cathode", "porosity", 26.0, 0.3)
    assert metrology.composite_modulus_gpa("intermediate") == (0.32, 0.01)
    assert metrology.porosity_pct("cathode") == (26.0, 0.3)
    assert metrology.evidence("cathode") is Evidence.LAB
    pressed(metrology, "second", 980, 120)
    assert metrology.evidence("cathode") is Evidence.ESTIMATED
    assert metrology.evidence("intermediate", "composite_modulus") is Evidence.ESTIMATED
    modulus = metrology.composite_modulus_gpa("intermediate")
    assert modulus is not None
    assert modulus[0] == pytest.approx(0.82, abs=0.02)
    assert metrology.porosity_pct("cathode")[0] < 5


def test_what_was_lost_track_of_is_known_again_when_the_lab_has_measured_it() -> None:
    metrology = Metrology(LAMINATE)
    metrology.lab("cathode", "porosity", 45.0, 0.3)
    pressed(metrology, "first", 90)
    metrology.lose_track(["cathode", "solid_electrolyte"])
    assert not metrology.is_known("cathode")
    metrology.lab("cathode", "porosity", 38.0, 0.3)
    assert metrology.is_known("cathode")
    assert not metrology.is_known("solid_electrolyte")


def test_a_contradicting_thickness_is_said_to_be_one_and_changes_nothing() -> None:
    metrology = Metrology(LAMINATE)
    before = metrology.porosity_pct("cathode")
    innovation = metrology.thickness(400.0, 0.6, STACK, ["aluminum"])
    assert not innovation.plausible
    assert metrology.porosity_pct("cathode") == pytest.approx(before)


def test_a_slow_rise_densifies_like_a_dwell() -> None:
    slow, quick = Metrology(LAMINATE), Metrology(LAMINATE)
    slow.press("s", STACK, (980, 1.0), (120, 0.3), 1.0, 235.0)
    quick.press("s", STACK, (980, 1.0), (120, 0.3), 1.0, 0.0)
    long_dwell = Metrology(LAMINATE)
    long_dwell.press("s", STACK, (980, 1.0), (120, 0.3), 300.0, 0.0)
    dense, loose, full = (m.porosity_pct("cathode")[0] for m in (slow, quick, long_dwell))
    assert full < dense < 6 < loose

"""What may still be pressurised: zero must be proven by the switch and by the sensors, never by one of them."""

from __future__ import annotations

import pytest

from controller.interlocks import Use, at_rest_words, is_pressurised, is_proven_at_rest, missing
from tests.controller.interlock_snapshots import PROFILES, snapshot, well, with_bit


@pytest.mark.parametrize("kind", list(PROFILES))
def test_a_machine_at_rest_is_not_pressurised(kind: str) -> None:
    assert is_pressurised(kind, snapshot(PROFILES[kind], well(PROFILES[kind]))) is False


def test_a_coater_holds_no_pressure_whatever_it_does() -> None:
    profile = PROFILES["coater"]
    assert is_pressurised("coater", snapshot(profile, well(profile, "EXECUTE", "coat"))) is False


@pytest.mark.parametrize(
    ("kind", "signal", "value"),
    [
        ("uniaxial_press", "force_pv_kn", 5.0),
        ("uniaxial_press", "force_pv_kn", -5.0),
        ("isostatic_press", "pressure_a_mpa", 12.0),
        ("isostatic_press", "pressure_b_mpa", 12.0),
        ("roll_press", "line_load_n_mm", 40.0),
    ],
)
def test_a_sensor_alone_says_that_there_is_pressure(kind: str, signal: str, value: float) -> None:
    profile = PROFILES[kind]
    assert is_pressurised(kind, snapshot(profile, {**well(profile), signal: value})) is True


@pytest.mark.parametrize(
    ("kind", "switch"),
    [
        ("uniaxial_press", "ram_top"),
        ("isostatic_press", "zero_pressure_switch"),
        ("isostatic_press", "vent_open"),
        ("roll_press", "nip_open"),
    ],
)
def test_a_switch_alone_says_that_there_is_pressure(kind: str, switch: str) -> None:
    profile = PROFILES[kind]
    assert is_pressurised(kind, snapshot(profile, with_bit(profile, well(profile), switch, on=False))) is True


REST = {
    "uniaxial_press": "without pressure",
    "isostatic_press": "without pressure",
    "coater": "at rest",
    "roll_press": "at rest",
}


@pytest.mark.parametrize("kind", list(PROFILES))
def test_a_machine_at_rest_is_proven_to_be(kind: str) -> None:
    assert is_proven_at_rest(kind, snapshot(PROFILES[kind], well(PROFILES[kind]))) is True
    assert at_rest_words(kind) == REST[kind]


@pytest.mark.parametrize(
    ("kind", "signal", "value"),
    [
        ("uniaxial_press", "force_pv_kn", 5.0),
        ("isostatic_press", "pressure_a_mpa", 12.0),
        ("roll_press", "line_load_n_mm", 40.0),
        ("roll_press", "web_speed_m_min", 1.0),
        ("coater", "web_speed_m_min", 1.0),
    ],
)
def test_load_or_motion_alone_is_no_rest(kind: str, signal: str, value: float) -> None:
    profile = PROFILES[kind]
    assert is_proven_at_rest(kind, snapshot(profile, {**well(profile), signal: value})) is False


def test_a_coater_with_its_head_closed_is_not_at_rest() -> None:
    profile = PROFILES["coater"]
    closed = with_bit(profile, well(profile), "head_closed", on=True)
    assert is_proven_at_rest("coater", snapshot(profile, closed)) is False


def test_a_held_machine_may_be_restarted_and_not_started() -> None:
    held = snapshot(PROFILES["isostatic_press"], well(PROFILES["isostatic_press"], "HELD", "held"))
    assert missing("isostatic_press", held, Use.START) != []
    assert missing("isostatic_press", held, Use.RESTART) == []

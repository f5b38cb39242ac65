"""What may still be pressurised: zero must be proven by the switch and by the sensors, never by one of them."""

from __future__ import annotations

import pytest

from controller.interlocks import is_pressurised, missing_permissives
from tests.controller.interlock_snapshots import PROFILES, snapshot, well, with_bit


@pytest.mark.parametrize("kind", list(PROFILES))
def test_a_machine_at_rest_is_not_pressurised(kind: str) -> None:
    assert is_pressurised(kind, snapshot(PROFILES[kind], well(PROFILES[kind]))) is False


def test_a_coater_holds_no_pressure_whatever_it_does() -> None:
    profile = PROFILES["coater"]
    assert is_pressurised("coater", snapshot(profile, well(profile, "EXECUTE", "coat"))) is False


@pytest.mark.parametrize(
    ("kind", "signal", "value"), [("uniaxial_press", "force_pv_kn", 6.0), ("isostatic_press", "pressure_a_mpa", 12.5)]
)
def test_a_sensor_alone_says_that_there_is_pressure(kind: str, signal: str, value: float) -> None:
    profile = PROFILES[kind]
    assert is_pressurised(kind, snapshot(profile, {**well(profile), signal: value})) is True


def test_a_switch_alone_says_that_there_is_pressure() -> None:
    profile = PROFILES["isostatic_press"]
    values = with_bit(profile, well(profile), "zero_pressure_switch", on=False)
    assert is_pressurised("isostatic_press", snapshot(profile, values)) is True


def test_a_held_machine_may_be_restarted_and_not_started() -> None:
    profile = PROFILES["isostatic_press"]
    held = snapshot(
        profile,
        {**well(profile), "machine_state": float(profile.number(profile.signals["machine_state"].enum or "", "HELD"))},
    )
    assert missing_permissives("isostatic_press", held) != []
    assert missing_permissives("isostatic_press", held) != missing_permissives("isostatic_press", held, restart=True)

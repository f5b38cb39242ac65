"""A value beside its limit: never the same digits for both."""

from __future__ import annotations

import pytest

from drivers.encoding import check_setpoint
from drivers.errors import OutOfRange
from drivers.profile_file import load_profile
from drivers.wording import apart, beside, limit_text


@pytest.mark.parametrize(
    ("value", "limit", "told"),
    [
        (88.17, 88.2, "88.17"),
        (88.1999, 88.2, "88.1999"),
        (88.21, 88.2, "88.21"),
        (80.04, 88.2, "80.0"),
        (88.2 - 1e-9, 88.2, "just below 88.2"),
        (88.2 + 1e-9, 88.2, "just above 88.2"),
        (88.2, 88.2, "88.2"),
        (88.1, 0.9 * 98, "88.1"),
        (float("nan"), 88.2, "nan"),
    ],
)
def test_a_value_has_the_digits_that_tell_it_from_its_limit(value: float, limit: float, told: str) -> None:
    assert beside(value, limit) == told


def test_the_noise_of_arithmetic_is_not_told() -> None:
    assert limit_text(0.1 + 0.2) == "0.3"


def test_a_value_of_many_digits_is_told_apart_from_its_range() -> None:
    assert apart(600.00001, 0, 600) == "600.00001"
    assert apart(700, 0, 600) == "700"


def test_a_setpoint_is_told_apart_from_its_range() -> None:
    with pytest.raises(OutOfRange, match=r"force_sp_kn = 600\.00001 kN is outside 0 to 600 kN"):
        check_setpoint(load_profile("uniaxial-press-generic").signals["force_sp_kn"], 600.00001)

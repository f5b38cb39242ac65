"""Why something is held, as an operator reads it: no unit twice, no class name but for a fault of the program."""

from __future__ import annotations

from controller.executor.reasons import about, why_of
from drivers.errors import BadQuality, LinkDown


def test_an_error_of_a_driver_is_its_own_sentence() -> None:
    bad = BadQuality("uniaxial-press-1: force_pv_kn is bad (nan)")
    assert why_of("uniaxial-press-1", bad) == "uniaxial-press-1: force_pv_kn is bad (nan)"
    assert why_of("press-1", LinkDown("/dev/ttyUSB0: not connected")) == "press-1: /dev/ttyUSB0: not connected"


def test_a_fault_of_the_program_says_so() -> None:
    assert why_of("press-1", KeyError("x")) == "press-1: a fault of the program: KeyError: 'x'"


def test_the_unit_is_named_once_and_not_taken_for_another() -> None:
    assert about("press-1", "press-1 is owned by 77") == "press-1 is owned by 77"
    assert about("press-1", "press-10: is away") == "press-1: press-10: is away"

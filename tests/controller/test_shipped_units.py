"""The line that is meant where no line file is given is the simulated one."""

from __future__ import annotations

from controller.cli.recipes import SHIPPED_UNITS, capabilities, planned
from simulators.line import PROFILES
from tests.recipes.library import LIBRARY


def test_the_units_without_a_line_file_are_those_of_the_simulated_line() -> None:
    assert dict(SHIPPED_UNITS) == dict(PROFILES)
    assert [unit.name for unit in capabilities(None)] == list(PROFILES)


def test_a_person_does_the_rolling_although_there_is_a_roll_press() -> None:
    plan = planned(LIBRARY / "zeon-negative-electrode.yaml", None)
    (rolling,) = (step for step in plan.steps if step.step.roll_press is not None)
    assert rolling.unit is None

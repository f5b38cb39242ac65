"""Scenarios as dry runs, to their end: a fault is met, told, the same every time; and the page that describes them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from controller.dryrun import dry_run
from simulators.faults import FAULTS
from simulators.scenarios import SCENARIOS
from tests.controller.recipes_for_tests import LIBRARY, planned

REFERENCE = Path(__file__).parents[2] / "docs/reference/faults.md"


@cache
def record(scenario: str) -> dict[str, Any]:
    return dry_run(planned(LIBRARY / "honda-example-1.yaml", None), scenario=scenario, seed=1)


def test_a_crowded_line_is_borne_or_held_for_its_lost_connection() -> None:
    """Slow answers and a half-open connection cost an answer each; a reset too, or it holds where nothing was asked."""
    found = record("crowded-line")
    assert found["state"] == "complete" or "isostatic-press-1: the connection was lost" in found["reason"]


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("tired-seal", "isostatic-press-1"),
        ("bad-cable", "uniaxial-press-1"),
        ("careless-operator", "thickness-gauge-1"),
        ("left-on-local", "remote"),
        ("power-dip", "uniaxial-press-1"),
        ("smelly-oven", "coater-1"),
    ],
)
def test_what_goes_wrong_stops_the_run_and_is_told(scenario: str, words: str) -> None:
    told = record(scenario)
    assert told["state"] in ("stopped", "held", "aborted")
    assert words in told["reason"]
    rules = told["certificate"]["rules"]
    assert not rules or any(rule["verdict"] != "pass" for rule in rules if rule["severity"] != "advisory")


@pytest.mark.parametrize("scenario", ["cold", "wandering-clock"])
def test_what_a_good_controller_bears_changes_nothing_but_time(scenario: str) -> None:
    told = record(scenario)
    assert told["state"] == "complete"
    assert told["sim_seconds"] >= record("realistic")["sim_seconds"] - 60.0


def test_a_scenario_with_damaged_wires_is_the_same_every_time() -> None:
    again = dry_run(planned(LIBRARY / "honda-example-1.yaml", None), scenario="bad-cable", seed=1)
    first = dict(record("bad-cable"))
    assert {**again, "wall_seconds": 0} == {**first, "wall_seconds": 0}


def test_the_reference_names_every_fault_parameter_and_scenario() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    for fault in FAULTS.values():
        row = next((line for line in text.splitlines() if line.startswith(f"| `{fault.name}` |")), "")
        assert fault.meaning in row, fault.name
        assert fault.expected in row, fault.name
        for parameter in fault.parameters:
            assert f"`{parameter.name}`" in (text if fault.group == "wire" else row), fault.name
    for name, meaning in SCENARIOS.items():
        assert f"| `{name}` | {meaning} |" in text

"""Genealogy back and forward are each other's inverse, whatever a journal holds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.events import Event
from controller.journal import GENESIS
from controller.lots.fold import lots_of
from controller.lots.genealogy import Kind, genealogy, tree

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
UNITS = st.sampled_from([None, "press-1", "press-2"])
PEOPLE = st.sampled_from(["Ann", "Bob", "pressline"])
RUNS = st.sampled_from(["r1", "r2", "r3"])

STEP = st.tuples(st.lists(NAMES, max_size=3), st.one_of(st.none(), NAMES), UNITS, PEOPLE, st.booleans())
Step = tuple[list[str], str | None, str | None, str, bool]


def records(runs: dict[str, list[Step]]) -> list[Event]:
    """What runs with these steps leave in a journal: what they take, make, on which unit, who, if it is measured."""
    told: list[tuple[str, str, dict[str, object]]] = []
    for run, steps in runs.items():
        serials = {"press-1": 7.0}
        told.append((run, "run.created", {"recipe": "r", "serial_numbers": serials, "steps": []}))
        for number, (takes, makes, unit, who, is_measured) in enumerate(steps):
            name = f"step {number}"
            told.append((run, "step.started", {"name": name, "kind": "task", "unit": unit, "lots": takes}))
            told.append((run, "prompt.answered", {"by": who}))
            if is_measured and takes:
                calibration = {
                    "unit": "gauge-1",
                    "state": "valid",
                    "certificate": "C1",
                    "due": "2030-01-01",
                    "doubt": "",
                }
                told.append((run, "calibration.met", {**calibration}))
                told.append((run, "measurement", {"unit": "gauge-1", "lot": takes[0], "value": 1.0, "in": "um"}))
            told.append((run, "step.finished", {"name": name, "kind": "task", "produces": makes, "result": {}}))
    utc = "2026-01-01T00:00:00.000+00:00"
    return [Event(n, run, kind, data, 0.0, utc, GENESIS, "") for n, (run, kind, data) in enumerate(told, start=1)]


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(RUNS, st.lists(STEP, max_size=8), max_size=3))
def test_what_is_behind_a_lot_has_it_ahead_and_the_other_way_round(runs: dict[str, list[Step]]) -> None:
    graph = genealogy(lots_of(records(runs)))
    nodes = {*graph.back, *graph.forward}
    behind = {(node, other) for node in nodes for other in graph.reached(node)}
    ahead = {(other, node) for node in nodes for other in graph.reached(node, forward=True)}
    assert behind == ahead
    for node in nodes:
        for forward in (False, True):
            assert _in_tree(tree(graph, node, forward=forward)) >= {
                (other.kind.value, other.name) for other in graph.reached(node, forward=forward)
            }


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(RUNS, st.lists(STEP, max_size=8), max_size=3))
def test_no_lot_of_one_run_is_behind_a_lot_of_another(runs: dict[str, list[Step]]) -> None:
    graph = genealogy(lots_of(records(runs)))
    for node in graph.back:
        run = node.name.partition("/")[0]
        others = {other for other in graph.reached(node) if other.kind is Kind.LOT}
        assert {other.name.partition("/")[0] for other in others} <= {run}


def _in_tree(grown: dict[str, object]) -> set[tuple[str, str]]:
    found = {(str(grown["kind"]), str(grown["name"]))}
    branches = grown.get("branches", [])
    assert isinstance(branches, list)
    for branch in branches:
        found |= _in_tree(branch)
    return found

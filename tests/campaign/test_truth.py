"""Certificates near the bounds against the simulated truth: no pass is wrong by more than it says itself."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache

import pytest

from tests.campaign.truth import TrueRun, compared, variant_run
from tests.campaign.truth_campaign import Line, Report, Summary, faults_of
from tests.campaign.variants import GUARDED, KINDS, Variant, pressed, solved, variant

SEEDS = (0, 1, 2, 3, 4, 6, 7, 9, 10, 12, 22, 39)
"""The first seeds of each kind of variant."""


@cache
def run_of(seed: int) -> tuple[Variant, TrueRun]:
    made = variant(seed, guarded=True)
    return made, variant_run(made.text, seed)


def test_the_seeds_are_of_every_kind() -> None:
    assert {variant(seed).kind for seed in SEEDS} == {kind for _, kind, _ in KINDS}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_pass_is_wrong_by_more_than_its_stated_uncertainty(seed: int) -> None:
    made, run = run_of(seed)
    rules = list(compared(run))
    assert list(faults_of(run, rules, made.kind)) == []
    assert [item.rule.id for item in rules if item.simple == "pass" and item.is_beyond] == []
    assert len(rules) > 50  # else nothing was compared
    assert GUARDED.partition(":")[0] in made.text
    assert "guarded acceptance at 95 %" in run.record["certificate"]["decision_rule"]


def test_simple_acceptance_says_what_a_guarded_certificate_tells_of_it() -> None:
    seed = SEEDS[6]
    simple = variant_run(variant(seed).text, seed)
    said = {rule["id"]: rule["verdict"] for rule in simple.record["certificate"]["rules"]}
    _, guarded = run_of(seed)
    rules = list(compared(guarded))
    assert {item.rule.id: said[item.rule.id] for item in rules} == {item.rule.id: item.simple for item in rules}
    assert any(item.verdict != item.simple for item in rules)  # near its bounds a guard takes passes away


def test_a_pass_that_is_wrong_by_more_than_its_uncertainty_is_seen() -> None:
    made, run = run_of(22)
    assert made.kind == "comparatives"
    record = copy.deepcopy(run.record)
    forged = {rule["id"]: rule for rule in record["certificate"]["rules"]}["H013"]
    forged |= {"verdict": "pass"}
    faults = list(faults_of(TrueRun(record, run.truths), list(compared(TrueRun(record, run.truths))), made.kind))
    assert any(fault.startswith("H013: 2") for fault in faults)  # room temperature
    assert any(fault == "a comparative's claim 6 (H013) is pass" for fault in faults)


def test_the_truth_is_not_the_value() -> None:
    """The truth comes from the simulated presses, not from what the controller believes."""
    _, run = run_of(SEEDS[0])
    rules = {item.rule.id: item for item in compared(run)}
    for rule_id in ("H003", "H011", "H013", "H005"):
        item = rules[rule_id]
        assert 0.0 < abs(item.truth - item.value) < 5.0 * item.expanded, rule_id


def test_shares_of_false_passes_are_counted_where_values_are_near() -> None:
    line = Line("H003", "porosity", binding=True, guarded=True, simple=True, false=False, covered=True, near=0.9)
    wrong = replace(line, false=True)
    far = replace(line, near=5.0)
    simple_only = replace(wrong, guarded=False)
    lines = (*[line] * 17, wrong, far, *[simple_only] * 2)
    summary = Summary([Report(1, "porosity", "complete", lines)])
    assert summary.share(guarded=True, within=1.0) == (1, 18)
    assert summary.share(guarded=False, within=1.0) == (3, 20)
    assert summary.share(guarded=True, within=1.0, rules=["H004"]) == (0, 0)
    assert not summary.is_good
    assert Summary([Report(1, "porosity", "complete", (*lines, line, line))]).is_good
    assert not Summary([Report(1, "porosity", "complete", (line,), ("H003 ...",))]).is_good
    beyond = ("H003 ...", "H004 ...")
    assert not Summary([Report(1, "porosity", "complete", (line,) * 80, (), beyond)]).is_good
    assert Summary([Report(1, "porosity", "complete", (line,) * 90, (), beyond)]).is_good


def test_variants_say_what_they_were_asked_to_say() -> None:
    text = pressed(variant(4).text, "densifying", pressure="500 MPa", temperature="61 degC")
    assert "pressure_window: 490.000000..510.000000 MPa" in text
    assert "temperature_window: 58.000000..75.000000 degC" in text
    assert solved(3.0, lambda x: 10.0 - x, 0.0, 10.0) == pytest.approx(7.0)

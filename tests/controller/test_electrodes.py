"""Coatings, roll pressing and rests as whole runs on virtual time: what is entered, what holds, what the rules say."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from controller.cli.exit_codes import ExitCode, code_of
from controller.dryrun import dry_run
from tests.controller.recipes_for_tests import LIBRARY, planned, variant
from tests.controller.test_dry_run import SCHEMA, verdicts

NAMES = [file.stem for file in sorted(LIBRARY.glob("*.yaml")) if not file.stem.startswith("honda")]
NEGATIVE, LAYER = LIBRARY / "zeon-negative-electrode.yaml", LIBRARY / "zeon-example-1.yaml"


@cache
def record(name: str) -> dict[str, Any]:
    return dry_run(planned(LIBRARY / f"{name}.yaml", None), scenario="realistic", seed=1)


def run_variant(tmp_path: Path, source: Path, *changes: tuple[str, str]) -> dict[str, Any]:
    return dry_run(planned(variant(tmp_path / "r.yaml", *changes, source=source), None), scenario="realistic", seed=1)


def rule(document: dict[str, Any], rule_id: str) -> dict[str, Any]:
    return next(rule for rule in document["certificate"]["rules"] if rule["id"] == rule_id)


@pytest.mark.parametrize("name", NAMES)
def test_every_other_recipe_of_the_library_runs_to_its_end_and_is_accepted(name: str) -> None:
    document = record(name)
    jsonschema.validate(document, SCHEMA)
    assert (document["state"], document["reason"]) == ("complete", "")
    assert code_of(document) is ExitCode.PASSED
    assert {step["done"] for step in document["steps"]} == {True}


def test_what_a_person_entered_of_the_roll_press_and_the_rest_is_judged() -> None:
    document = record("zeon-negative-electrode")
    density = rule(document, "Z212")
    assert density["verdict"] == "pass"
    (fact,) = density["facts"]
    assert fact["evidence"] == "measured"
    assert "entered by simulated operator with roll press" in fact["source"]
    assert fact["uncertainty"] > 0
    truth = document["truth"]["layers"]["negative_electrode"]["porosity_pct"]
    assert 100 * (1 - density["value"] / 2.19) == pytest.approx(truth, abs=2.5)
    for rule_id in ("Z177", "Z178", "Z180", "Z211", "Z213", "Z214"):
        assert rule(document, rule_id)["verdict"] == "pass", rule_id
    assert rule(document, "Z177")["evidence"] == "lab"


def test_a_roll_pressing_outside_its_window_holds_the_run(tmp_path: Path) -> None:
    document = run_variant(tmp_path, NEGATIVE, ("environment_window: 22..28 degC", "environment_window: 26.5..28 degC"))
    assert document["state"] == "stopped"
    assert "environment temperature" in document["reason"]
    assert "is outside 26.5 to 28 degC" in document["reason"]


def test_a_binding_rule_on_the_slurry_holds_before_the_coating(tmp_path: Path) -> None:
    """The simulated laboratory finds what the recipe expects, here a slurry that is too thin for the source."""
    document = run_variant(
        tmp_path,
        NEGATIVE,
        ("expected: 3000 mPa.s, tolerance: 500 mPa.s", "expected: 1000 mPa.s, tolerance: 500 mPa.s"),
    )
    assert document["state"] == "stopped"
    assert "before coat negative electrode" in document["reason"]
    assert "Z177" in document["reason"]
    assert not any(step["done"] for step in document["steps"] if step["kind"] == "coat")


def test_the_positive_lines_oven_cannot_be_the_negative_lines() -> None:
    found = verdicts(record("zeon-positive-electrode"))
    assert (found["Z217"], found["Z219"]) == ("fail", "fail")  # 0.8 m at 0.2 m/min is 4 min
    assert rule(record("zeon-positive-electrode"), "Z217")["value"] == pytest.approx(240, rel=0.02)
    assert set(found.values()) == {"pass", "fail"}


def test_the_layer_is_measured_and_what_the_laboratory_does_not_say_stays_unknown() -> None:
    document = record("zeon-example-1")
    thickness = rule(document, "Z205")
    assert (thickness["verdict"], thickness["evidence"]) == ("pass", "measured")
    assert rule(document, "Z203")["evidence"] == "measured"
    for rule_id in ("Z166", "Z169", "Z172"):
        assert rule(document, rule_id)["verdict"] == "undetermined"


def test_rules_that_do_not_apply_have_no_verdict() -> None:
    certificate = record("zeon-example-1")["certificate"]
    left_out = {item["id"] for item in certificate["not_applicable"]}
    assert left_out == {"Z122", "Z123", "Z139", "Z140"}
    assert not left_out & {rule["id"] for rule in certificate["rules"]}
    assert certificate["pass"] + certificate["fail"] + certificate["undetermined"] == len(certificate["rules"])
    assert len(certificate["rules"]) + len(left_out) == 86


# ---------------------------------------------------------------------- terms, as a run keeps to them


def test_without_a_thickness_the_law_alone_proves_no_porosity(tmp_path: Path) -> None:
    source = LIBRARY / "honda-example-1.yaml"
    text = source.read_text(encoding="utf-8")
    inspections = [
        block
        for block in text.split("\n\n")
        if "measures: thickness" in block or "composite_modulus, porosity]" in block
    ]
    assert len(inspections) == 4
    for block in inspections:
        text = text.replace(f"{block}\n\n", "").replace(block, "")
    blind = tmp_path / "blind.yaml"
    blind.write_text(text, encoding="utf-8")
    found = verdicts(dry_run(planned(blind, None), scenario="realistic", seed=1))
    for rule_id in ("H003", "H004", "H011", "H012", "H015", "H016"):
        assert found[rule_id] == "undetermined", rule_id
    accepted = "accept_estimates: {rules: [H003, H015], by: A. Person, reason: a trial}"
    blind.write_text(text.replace("basis: [honda]", f"basis: [honda]\n{accepted}"), encoding="utf-8")
    document = dry_run(planned(blind, None), scenario="realistic", seed=1)
    assert [rule(document, rule_id)["verdict"] for rule_id in ("H003", "H004", "H015")] == [
        "pass",
        "undetermined",
        "pass",
    ]
    assert rule(document, "H015")["accepted"] is True


def test_guarded_acceptance_is_shown_and_keeps_a_thin_margin_from_passing(tmp_path: Path) -> None:
    guarded = ("basis: [honda]", "basis: [honda]\ndecision_rule: {acceptance: guarded, confidence: 95 %}")
    document = run_variant(tmp_path, LIBRARY / "honda-example-3.yaml", guarded)
    assert document["certificate"]["decision_rule"].startswith("guarded acceptance at 95 % (JCGM 106)")
    found = rule(document, "H003")
    assert found["value"] <= 5
    assert found["value"] + 1.645 * found["uncertainty"] / 2 > 5
    assert found["verdict"] == "undetermined"
    assert code_of(document) is ExitCode.REFUSED

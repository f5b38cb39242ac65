"""Whole runs on virtual time: the record's form, its truthfulness, Honda's tables, holds and refusals."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from controller.cli.exit_codes import ExitCode, code_of
from controller.dryrun import dry_run
from recipes.findings import RecipeErrors
from recipes.plan import Refused
from tests.controller.recipes_for_tests import ALL, EXAMPLE, LIBRARY, planned, variant
from tests.recipes.patent_tables import TABLE_2, TABLE_3

SCHEMA = json.loads((Path(__file__).parents[2] / "controller/reports/run.schema.json").read_text(encoding="utf-8"))

ROLES = ("first joining", "second joining", "densifying")
NAMES = list(TABLE_2)


@cache
def record(name: str, scenario: str = "realistic", seed: int = 1) -> dict[str, Any]:
    return dry_run(planned(LIBRARY / f"{name}.yaml", None), scenario=scenario, seed=seed)


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {rule["id"]: rule["verdict"] for rule in document["certificate"]["rules"]}


@pytest.mark.parametrize("scenario", ["realistic", "nominal"])
@pytest.mark.parametrize("name", NAMES)
def test_the_record_keeps_to_its_published_form(name: str, scenario: str) -> None:
    document = record(name, scenario)
    jsonschema.validate(document, SCHEMA)
    assert json.loads(json.dumps(document)) == document
    assert document["state"] == "complete"
    assert [step["name"] for step in document["steps"] if step["kind"] == "press"] == [*ROLES, "third joining"]
    counts = document["certificate"]
    assert counts["pass"] + counts["fail"] + counts["undetermined"] == len(counts["rules"]) == 92


@pytest.mark.parametrize("name", NAMES)
def test_the_nominal_truth_meets_every_cell_of_table_2(name: str) -> None:
    truth = {step["name"]: step["decrease_pct"] for step in record(name, "nominal")["truth"]["steps"]}
    for layer, rates in TABLE_2[name].items():
        tolerance = 2.6 if layer == "intermediate" else 2.0
        for role, printed in zip(ROLES, rates, strict=True):
            if printed is not None:
                assert truth[role][layer] == pytest.approx(printed, abs=tolerance), (role, layer)


@pytest.mark.parametrize("name", NAMES)
def test_the_nominal_truth_meets_every_cell_of_table_3(name: str) -> None:
    layers = record(name, "nominal")["truth"]["layers"]
    cathode, electrolyte, intermediate, modulus = TABLE_3[name]
    exception = 1.6 if name == "honda-comparative-2" else 0.9
    assert layers["cathode"]["porosity_pct"] == pytest.approx(cathode, abs=0.9)
    assert layers["solid_electrolyte"]["porosity_pct"] == pytest.approx(electrolyte, abs=exception)
    assert layers["intermediate"]["porosity_pct"] == pytest.approx(intermediate, abs=1.0)
    assert round(layers["intermediate"]["composite_modulus_gpa"], 1) == modulus


@pytest.mark.parametrize("name", NAMES)
def test_the_nominal_truth_gives_the_patents_verdicts_on_claims_1_and_5(name: str) -> None:
    truth = record(name, "nominal")["truth"]
    rates = next(step["decrease_pct"] for step in truth["steps"] if step["name"] == "densifying")
    cathode, electrolyte, _, _ = TABLE_3[name]
    assert (truth["layers"]["cathode"]["porosity_pct"] <= 5) == (cathode <= 5)
    assert (truth["layers"]["solid_electrolyte"]["porosity_pct"] <= 5) == (electrolyte <= 5)
    assert (rates["cathode"] >= 77) == (TABLE_2[name]["cathode"][2] >= 77)
    assert (rates["solid_electrolyte"] >= 85) == (TABLE_2[name]["solid_electrolyte"][2] >= 85)


@pytest.mark.parametrize("seed", range(1, 6))
def test_example_1_is_proven_on_evidence_that_counts(seed: int) -> None:
    document = record("honda-example-1", seed=seed)
    assert code_of(document) is ExitCode.PASSED
    layers = document["layers"]
    assert layers["intermediate"]["composite_modulus_gpa"] < 1
    (claim_8,) = (rule for rule in document["certificate"]["rules"] if rule["id"] == "H015")
    assert claim_8["evidence"] == "lab"
    (claim_6,) = (rule for rule in document["certificate"]["rules"] if rule["id"] == "H013")
    assert claim_6["evidence"] == "measured"


@pytest.mark.parametrize("name", [name for name in NAMES if "comparative" in name])
@pytest.mark.parametrize("scenario", ["realistic", "nominal"])
def test_a_comparative_run_says_so_and_fails_claim_6(name: str, scenario: str) -> None:
    document = record(name, scenario)
    assert document["purpose"] == document["certificate"]["purpose"] == "comparative"
    assert verdicts(document)["H013"] == "fail"
    assert code_of(document) is ExitCode.REFUSED


@pytest.mark.parametrize("seed", range(1, 9))
@pytest.mark.parametrize("name", ["honda-example-3", "honda-comparative-1"])
def test_no_verdict_says_pass_where_the_truth_fails_by_more_than_the_stated_uncertainty(name: str, seed: int) -> None:
    document = record(name, seed=seed)
    truth = document["truth"]
    rates = next(step["decrease_pct"] for step in truth["steps"] if step["name"] == "densifying")
    limits = {  # rule: (truth, bound, which side is a failure)
        "H003": (truth["layers"]["cathode"]["porosity_pct"], 5.0, 1),
        "H004": (truth["layers"]["solid_electrolyte"]["porosity_pct"], 5.0, 1),
        "H011": (rates["cathode"], 77.0, -1),
        "H012": (rates["solid_electrolyte"], 85.0, -1),
        "H016": (truth["layers"]["intermediate"]["porosity_pct"], 70.0, 1),
    }
    for rule in document["certificate"]["rules"]:
        if rule["id"] in limits and rule["verdict"] == "pass":
            true, bound, side = limits[rule["id"]]
            assert side * (true - bound) <= rule["uncertainty"], rule


@pytest.mark.parametrize("seed", range(1, 9))
def test_what_is_stated_of_a_layer_holds_its_truth(seed: int) -> None:
    document = record("honda-example-3", seed=seed)
    for layer, stated in document["layers"].items():
        true = document["truth"]["layers"][layer]["porosity_pct"]
        assert abs(stated["porosity_pct"] - true) <= 1.5 * stated["uncertainty_pct"], layer


def test_the_same_seed_gives_the_same_record_and_another_seed_another() -> None:
    plan = planned(EXAMPLE, None)
    first, second = (dry_run(plan, scenario="realistic", seed=4) for _ in range(2))
    third = dry_run(plan, scenario="realistic", seed=5)
    for document in (first, second, third):
        document.pop("wall_seconds")
    assert first == second
    assert first["layers"] != third["layers"]


def test_a_second_joining_below_the_first_is_refused_with_place_rule_and_source(tmp_path: Path) -> None:
    file = variant(tmp_path / "low.yaml", ("290 MPa\n", "80 MPa\n"), ("284.2..295.8 MPa", "78.4..81.6 MPa"))
    with pytest.raises(Refused) as caught:
        planned(file, None)
    line = next(
        number
        for number, text in enumerate(file.read_text().splitlines(), 1)
        if "80 MPa" in text and "pressure:" in text
    )
    texts = [str(finding) for finding in caught.value.findings if finding.rule_id == "H008"]
    assert len(texts) == 1
    assert texts[0].startswith(f"{file}:{line}:")
    assert "80 MPa" in texts[0]
    assert "90 MPa" in texts[0]
    assert "US 2025/0260067 A1 claim 3" in texts[0]


def test_a_pressure_that_the_press_cannot_reach_is_refused_in_the_plan(tmp_path: Path) -> None:
    file = variant(tmp_path / "large.yaml", ("area: 16 cm2", "area: 25 cm2"), ("expected: 16 cm2", "expected: 25 cm2"))
    with pytest.raises(Refused, match="725 kN, uniaxial-press-1 reaches 600 kN"):
        planned(file, None)


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    file = variant(
        tmp_path / "bad.yaml",
        ("pressure: 90 MPa", "pressure: 90"),
        ("dwell: 2 min", "dwell: 2 MPa"),
        ("ramp: 5", "rmap: 5"),
    )
    with pytest.raises(RecipeErrors) as caught:
        planned(file, None)
    texts = [str(finding) for finding in caught.value.findings]
    assert len(texts) >= 3
    assert all(text.startswith(f"{file}:") for text in texts)


def test_all_six_recipes_are_there() -> None:
    assert [path.stem for path in ALL] == sorted(NAMES)

"""`pressline lab` on a real store: a value that comes after the run, and the certificate judged again from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from controller.events import Event
from controller.executor.release import NotReleasable, certificate_data, recorded
from controller.journal import read_events, verify
from controller.store.recipes import read_shelf
from tests.controller.recipes_for_tests import LIBRARY
from tests.controller.test_processes import ended

CELL = ("--of", "cell", "--quantity", "capacity_retention_300cyc")
Lab = Callable[..., Any]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one run of an approved recipe (a heat-resistant layer), on real sockets and serial lines."""
    store = tmp_path_factory.mktemp("ran") / "store.sqlite"
    recipe = LIBRARY / "zeon-example-1.yaml"
    assert ended("recipes", "add", recipe, "--by", "A. One", "--store", store).returncode == 0
    refused = ended("run", "zeon-example-1@1", "--simulate", "--store", store)
    assert refused.returncode == 1
    assert "has no valid approval" in refused.stderr
    assert ended("recipes", "approve", "zeon-example-1@1", "--by", "B. Two", "--store", store).returncode == 0
    done = ended("run", "zeon-example-1@approved", "--simulate", "--speed", "20", "--store", store, "--json")
    assert json.loads(done.stdout)["state"] == "complete", done.stdout + done.stderr
    return store


@pytest.fixture
def store(ran: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(ran, tmp_path / "store.sqlite"))


def run_of(store: Path) -> str:
    return next(event.run for event in read_events(store) if event.kind == "run.created")


def lab(store: Path, *arguments: str) -> Any:
    return ended("lab", run_of(store), "--store", store, "--by", "C. Tester", *arguments)


def grades(document: dict[str, Any]) -> dict[str, str]:
    return {rule["id"]: rule["verdict"] for rule in document["certificate"]["rules"] if rule["quantity"] == CELL[3]}


def test_a_run_of_an_approved_version_records_who_approved_it(store: Path) -> None:
    created = next(event.data for event in read_events(store) if event.kind == "run.created")
    approval = created["approval"]
    assert (approval["recipe"], approval["version"], approval["by"]) == ("zeon-example-1", 1, "B. Two")
    (version,) = read_shelf(store).versions("zeon-example-1")
    assert approval["hash"] == version.approvals[0].hash
    assert created["plan_hash"] == version.approvals[0].plan_hash


def test_what_names_no_stored_recipe_is_told(store: Path) -> None:
    for name, message in (("zeon-example-1@7", "there is no zeon-example-1@7"), ("x@y.yaml", "names no stored recipe")):
        done = ended("run", name, "--simulate", "--store", store)
        assert done.returncode == 2
        assert message in done.stderr


def test_a_later_value_is_journalled_and_judged_again(store: Path) -> None:
    done = lab(store, *CELL, "--value", "80 %", "--uncertainty", "0.5 %", "--source", "report 17", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert grades(document) == {"Z172": "fail", "Z173": "pass", "Z174": "fail"}
    (fact,) = next(rule for rule in document["certificate"]["rules"] if rule["id"] == "Z173")["facts"]
    assert (fact["value"], fact["uncertainty"], fact["evidence"]) == (80.0, 1.0, "lab")
    assert fact["source"] == "report 17, entered by C. Tester"
    assert "80 %" in document["messages"][-1]
    events = read_events(store)
    assert verify(events) == []
    assert [event.kind for event in events][-2:] == ["lab.entered", "certificate"]


def test_a_corrected_value_replaces_the_first_and_both_stay_on_record(store: Path) -> None:
    lab(store, *CELL, "--value", "8 %")
    document = json.loads(lab(store, *CELL, "--value", "88 %", "--json").stdout)
    assert grades(document) == {"Z172": "pass", "Z173": "fail", "Z174": "fail"}
    assert [event.data["fact"]["value"] for event in read_events(store) if event.kind == "lab.entered"] == [8.0, 88.0]


def test_the_time_of_the_run_does_not_grow_by_what_comes_later(store: Path) -> None:
    before = json.loads(ended("show", run_of(store), "--store", store, "--json").stdout)["sim_seconds"]
    assert json.loads(lab(store, *CELL, "--value", "88 %", "--json").stdout)["sim_seconds"] == before


def test_a_record_gives_the_same_certificate_again(store: Path) -> None:
    events = read_events(store)
    written = next(event.data for event in events if event.kind == "certificate")
    again = json.loads(json.dumps(certificate_data(recorded(events))))
    assert again == written
    assert len(again["rules"]) > 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--of", "cel", "--quantity", CELL[3], "--value", "88 %"), "perhaps --of cell --quantity"),
        ((*CELL, "--value", "88 degC"), "Z172 is in %, but capacity_retention_300cyc of cell is in degC"),
        ((*CELL, "--value", "nan %"), "is not a finite number"),
        ((*CELL, "--value", "much"), "is no number with a unit"),
        ((*CELL, "--value", "88 %", "--uncertainty", "1 K"), "is no uncertainty of 88 %"),
        ((*CELL, "--value", "88 %", "--uncertainty", "-1 %"), "is no uncertainty of 88 %"),
        ((*CELL, "--value", "88 %", "--by", " "), "--by is empty"),
    ],
)
def test_what_cannot_be_used_is_told_and_nothing_is_written(
    store: Path, arguments: tuple[str, ...], message: str
) -> None:
    before = len(read_events(store))
    done = lab(store, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(read_events(store)) == before


def test_a_run_that_has_not_ended_waits() -> None:
    created = Event(1, "r", "run.created", {"purpose": "production"}, 0.0, "", "", "")
    with pytest.raises(NotReleasable, match="has not ended"):
        recorded([created])
    closed = Event(2, "r", "run.closed", {"state": "complete"}, 0.0, "", "", "")
    with pytest.raises(NotReleasable, match="made by an older program"):
        recorded([created, closed])

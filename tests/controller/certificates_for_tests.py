"""Runs for the tests of certificates: small records made by hand, chained as the journal does, kept in a store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from controller.events import Event
from controller.journal import GENESIS, SCHEMA_VERSION, canonical, chain_hash
from recipes.canonical import canonical_json, digest

Records = list[tuple[str, dict[str, Any]]]
TITLE = "<script>alert('x')</script> & \"quotes\""
SIMULATION = {"scenario": "realistic", "seed": 7}
PLAN = canonical_json(
    {
        "format": "made by hand",
        "recipe": {
            "name": "hand-made",
            "title": TITLE,
            "reason": None,
            "basis": ["site"],
            "sources": ["laboratory book 7 & 8"],
            "laminate": {"order": ["separator", "heat_resistant"], "area_mm2": 1600.0},
            "accepted_estimates": {"rule_ids": ["S2"], "by": "A. Name", "reason": "the law was fitted here"},
        },
    }
)


def fact(subject: str, quantity: str, value: Any, unit: str, **more: Any) -> dict[str, Any]:
    """A fact as it is recorded."""
    empty = {"uncertainty": None, "low": None, "high": None, "evidence": "measured", "by_law_alone": False}
    known = {"subject": subject, "quantity": quantity, "value": value, "unit": unit, "source": "press-1, <b>press</b>"}
    return {**known, **empty, **more}


def rule(rule_id: str, severity: str, verdict: str, **more: Any) -> dict[str, Any]:
    """A judged rule as it is recorded."""
    return {
        "id": rule_id,
        "verdict": verdict,
        "severity": severity,
        "words": f"{rule_id} in words",
        "value": 120.5,
        "uncertainty": 1.25,
        "bound": "at least 60 and at most 200 degC",
        "claimed": "at least 60 and at most 200 degC",
        "unit": "degC",
        "source": f"SITE 1 {rule_id}",
        "evidence": "measured",
        "subject": "press",
        "quantity": "temperature",
        "what": "temperature of the press",
        "accepted": False,
        "note": "",
        "facts": [fact("press", "temperature", 120.5, "degC", uncertainty=1.25, low=119.75, high=121.5)],
    } | more


def graded(rule_id: str, grade: str, verdict: str) -> dict[str, Any]:
    """A rule that says in which grade a value is."""
    peel = {"subject": "heat_resistant_layer", "quantity": "peel_strength", "unit": "N/m", "evidence": "lab"}
    what = "peel strength of the heat-resistant layer"
    return rule(rule_id, f"grade_{grade}", verdict, **peel, what=what, value=62.0, facts=[])


def judged(**more: Any) -> dict[str, Any]:
    """A certificate's record with one rule of every kind."""
    compared = "press: temperature 120.5 degC is greater than first press's 25 degC"
    rules = [
        rule("S1", "claim", "pass"),
        rule("S2", "required", "pass", accepted=True, note="the recipe's own bound; SITE 1 S2 asks less"),
        rule("S3", "preferred", "fail", words=compared, bound=25.0, facts=[]),
        rule("S4", "more_preferred", "undetermined", value=None, uncertainty=None, evidence=None, facts=[]),
        graded("S5", "A", "pass"),
        graded("S6", "B", "fail"),
        graded("S7", "C", "fail"),
    ]
    left_out = [{"id": "S9", "words": "asked only where there is cyano", "severity": "claim", "source": "SITE 1 S9"}]
    counts = {"pass": 3, "fail": 3, "undetermined": 1, "purpose": "production"}
    site = {"name": "site", "document": "SITE 1", "sha256": "ab" * 32}
    told = {"decision_rule": "simple acceptance: the value decides", "packs": [site], "not_applicable": left_out}
    return {**counts, **told, "rules": rules, **more}


def records(
    *,
    certificate: Mapping[str, Any] | None = None,
    simulation: Mapping[str, Any] | None = None,
    truth: Mapping[str, Any] | None = None,
    by: str = "B. Name",
    state: str = "complete",
    **created: Any,
) -> Records:
    """What the journal holds of a run that was made by hand."""
    plan = created.pop("plan", PLAN)
    start = {
        "recipe": "hand-made",
        "recipe_sha256": "cd" * 32,
        "plan_hash": digest(plan),
        "plan": plan,
        "purpose": "production",
        "packs": [{"name": "site", "document": "SITE 1", "sha256": "ab" * 32}],
        "reason": None,
        "simulation": None if simulation is None else dict(simulation),
        "steps": [{"name": "press <1>", "kind": "press", "unit": "press-1"}],
    } | created
    reached = {
        "pressure_mpa": {"set": 90.0, "reached": 90.125, "max": 90.5, "uncertainty": 1.1, "window": [88.2, 91.8]},
        "dwell_s": {"set": 180.0, "reached": 180.0},
        "residual_solvent_pct": {"reached": 0.25, "max": 2.0},
        "porosity_pct": {"heat_resistant": {"before": 45.0, "after": 40.0}},
        "decrease_pct": {"heat_resistant": 11.1},
        "decrease_uncertainty_pct": {"heat_resistant": 0.5},
        "evidence": {"heat_resistant": "estimated"},
    }
    layers = {"porosity_pct": 40.0, "uncertainty_pct": 1.5, "evidence": "estimated", "composite_modulus_gpa": None}
    return [
        ("run.created", start),
        ("run.state", {"state": "running", "reason": "", "who": "pressline"}),
        ("step.started", {"name": "press <1>", "commanded": {}}),
        ("prompt.answered", {"by": by, "values": {}}),
        ("step.finished", {"name": "press <1>", "kind": "press", "result": reached, "produces": "lot"}),
        ("run.state", {"state": state, "reason": "", "who": "pressline"}),
        ("porosity.estimated", {"steps": {}, "layers": {"heat_resistant": layers}}),
        ("certificate", dict(judged() if certificate is None else certificate)),
        ("run.closed", {"state": state, "truth": truth, "wall_seconds": None}),
    ]


def older(found: Records) -> Records:
    """The same records as a journal had them before there were certificates as documents."""
    result = []
    for kind, data in found:
        if kind == "run.created":
            kept = ("recipe", "plan_hash", "purpose", "steps")
            result.append((kind, {key: data[key] for key in kept}))
        elif kind == "certificate":
            missing = ("subject", "quantity", "what", "accepted", "facts", "claimed", "note")
            known = [item for item in data["rules"] if not item["severity"].startswith("grade_")]
            rules = [{key: value for key, value in item.items() if key not in missing} for item in known]
            result.append((kind, {"pass": 3, "fail": 3, "undetermined": 1, "rules": rules}))
        else:
            result.append((kind, data))
    return result


def chained(*runs: tuple[str, Iterable[tuple[str, Mapping[str, Any]]]]) -> list[Event]:
    """Runs one after the other, as one journal holds them."""
    events: list[Event] = []
    previous = GENESIS
    for run, found in runs:
        for kind, data in found:
            sequence, utc = len(events) + 1, f"2026-01-01T00:{len(events):02d}:00.000+00:00"
            own = chain_hash(previous, sequence, run, kind, canonical(data), float(sequence), utc)
            events.append(Event(sequence, run, kind, data, float(sequence), utc, previous, own))
            previous = own
    return events


def store(path: Path, events: Sequence[Event]) -> Path:
    """A store with these records."""
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE events (sequence INTEGER PRIMARY KEY, run TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT"
            " NULL, time_s REAL NOT NULL, utc TEXT NOT NULL, previous_hash TEXT NOT NULL, hash TEXT NOT NULL)"
        )
        database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        database.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(e.sequence, e.run, e.kind, canonical(e.data), e.time_s, e.utc, e.previous_hash, e.hash) for e in events],
        )
    database.close()
    return path


def edit(path: Path, statement: str, *values: Any) -> None:
    """Somebody writes into a store by hand."""
    with sqlite3.connect(path) as database:
        changed = database.execute(statement, values).rowcount
    database.close()
    assert changed


def copy(document: Any) -> dict[str, Any]:
    """A document of its own, to be altered."""
    result: dict[str, Any] = json.loads(json.dumps(document))
    return result

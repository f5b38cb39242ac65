"""The certificate of a run, folded from the journal: what was claimed, what was found, on what evidence, with hashes.

The same records give the same certificate, whenever it is asked for: it tells nothing of the day on which it is made.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, cast

from controller.events import Event
from controller.executor.record import document
from controller.executor.states import RunState
from controller.journal import verify
from controller.reports.certificate_form import FORM, Certificate, NotOfTheForm, as_certificate
from controller.reports.certificate_steps import layer_values, step_rows
from recipes.canonical import canonical_json, digest

BINDING = ("claim", "required")
GRADE = "grade_"
KEPT_BACK = ("scrap", "quarantine")
DIGITS = 12  # significant digits that are kept; so few that no two ways of writing a number give the same number
SIMULATED_OPERATOR = "simulated operator"  # how the simulated operator answers prompts
_RELATION = re.compile(r" is (?:not )?((?:greater than|less than|at most) .+'s \S+(?: \S+)?)$")
_NAME_OF_FACT = re.compile(r"[A-Za-z][\w@()]*(?:\.[A-Za-z][\w@()]*)+")


class NoCertificate(Exception):
    """There is no certificate of a run, and why. A retry makes sense when the run has ended."""


class JournalDamaged(NoCertificate):
    """Records were changed or are missing, so nothing can be certified from this journal; the message says which."""


def certificate_document(events: Sequence[Event], run: str, made_by: str | None = None) -> Certificate:
    """The certificate of one run from the records of the whole store.

    made_by is the version of pressline that the certificate names, by default this one.

    Raises:
        NoCertificate: there is no such run, it has not ended, or its record has not been judged.
        JournalDamaged: the chain is broken, or the plan is not the one whose hash was recorded.
    """
    if faults := verify(events):
        raise JournalDamaged(faults[0])
    own = [event for event in events if event.run == run]
    if not any(event.kind == "run.created" for event in own):
        known = [event.run for event in events if event.kind == "run.created"]
        last = f"; the last one is {known[-1]}" if known else ""
        raise NoCertificate(f"there is no run {run}{last}")
    return certificate_of_run(own, run, made_by)


def certificate_of_run(own: Sequence[Event], run: str, made_by: str | None = None) -> Certificate:
    """The same from the run's own records, for whoever has verified the chain of the whole store already.

    The hash of each is looked at once more. Raises as certificate_document.
    """
    if faults := [fault for event in own for fault in verify([event], event.sequence, event.previous_hash)]:
        raise JournalDamaged(faults[0])
    created, judged = _ended(own, run)
    try:
        return signed(_folded(own, created, judged, made_by or version("pressline")))
    except (KeyError, NotOfTheForm) as error:
        raise NoCertificate(f"the records of run {run} are of another form: {error}") from error


def _folded(
    own: Sequence[Event],
    created: Mapping[str, Any],
    judged: Mapping[str, Any],
    made_by: str,
) -> dict[str, Any]:
    record = document(list(own), alive=False)
    plan = _plan(created)
    product = _product(plan)
    order = product["order"] if product is not None else ()
    return {
        "form": FORM,
        "run": record["run"],
        "line": _line(created, own),
        "recipe": _recipe(created, plan),
        "plan": {"sha256": created["plan_hash"], "approval": _approval(created)},
        "packs": created.get("packs"),
        "product": product,
        "made": {"begun": own[0].utc, "ended": own[-1].utc, "line_time_s": record["sim_seconds"]},
        "state": record["state"],
        "reason": record["reason"],
        "decision_rule": judged.get("decision_rule"),
        "accepted_estimates": _accepted_estimates(plan),
        **_judged(judged, record),
        "steps": step_rows(record["steps"], order),
        "layers": layer_values(record["layers"], order),
        "messages": [*record["messages"], *_calibrations(record)],
        "journal": {
            "run_records": len(own),
            "store_records": own[-1].sequence,  # of a chain that holds: it counts from 1
            "head_record": own[-1].sequence,
            "head_sha256": own[-1].hash,
            "chain": "holds",
        },
        "made_by": {"program": "pressline", "version": made_by},
    }


def signed(content: Mapping[str, Any]) -> Certificate:
    """A certificate with the hash of everything else in it. Raises NotOfTheForm."""
    plain = _normal({key: value for key, value in content.items() if key != "sha256"})
    return as_certificate({**plain, "sha256": own_sha256(plain)})


def own_sha256(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of everything but the hash itself."""
    return digest(canonical_json({key: value for key, value in content.items() if key != "sha256"}))


def _normal(value: Any) -> Any:
    """The same data with numbers that every program writes alike: whole ones without a point, others in few digits."""
    if isinstance(value, float):
        short = float(f"{value:.{DIGITS}g}")
        return int(short) if short.is_integer() else short
    if isinstance(value, Mapping):
        return {str(key): _normal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    return value


# ---------------------------------------------------------------------- what the journal holds


def _ended(own: Sequence[Event], run: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What was recorded when the run was created and when it was judged."""
    kinds = {event.kind: event.data for event in own}
    if "run.created" not in kinds:
        raise NoCertificate(f"there is no run {run}")
    ends = [event.kind for event in own if event.kind in ("run.closed", "run.resumed")]
    if ends[-1:] != ["run.closed"]:
        raise NoCertificate(f"run {run} has not ended: its record has not been closed, so nothing can be certified")
    if "certificate" not in kinds:
        raise NoCertificate(f"run {run} has not been judged: the controller ended before it could judge the rules")
    return kinds["run.created"], kinds["certificate"]


def _plan(created: Mapping[str, Any]) -> Mapping[str, Any]:
    """The recorded plan's recipe; empty in a journal that holds no plan."""
    text = created.get("plan")
    if text is None:
        return {}
    if digest(text) != created["plan_hash"]:
        raise JournalDamaged("the plan in the journal does not have the hash that is recorded with it")
    return cast("Mapping[str, Any]", json.loads(text)["recipe"])


def _line(created: Mapping[str, Any], own: Iterable[Event]) -> dict[str, Any]:
    """Whether the run was simulated: by what was recorded at its start, or by any trace that a simulator leaves."""
    simulation = created.get("simulation")
    if simulation is not None:
        words = "simulated machines"
        return {
            "simulated": True,
            "scenario": simulation.get("scenario"),
            "seed": simulation.get("seed"),
            "words": words,
        }
    simulated = any(
        event.data.get("truth") is not None
        or event.data.get("by") == SIMULATED_OPERATOR
        or "the simulated truth" in str(event.data.get("reason", ""))
        for event in own
    )
    words = (
        "simulated machines of a line file"
        if simulated
        else "the machines of a line file; the journal has no mark of a simulation"
    )
    return {"simulated": simulated, "scenario": None, "seed": None, "words": words}


def _recipe(created: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": created["recipe"],
        "title": created.get("title") or plan.get("title"),
        "purpose": created["purpose"],
        "reason": created.get("reason") or plan.get("comparative_reason") or plan.get("reason"),
        "basis": plan.get("basis"),
        "sources": plan.get("sources"),
        "goes_into": plan.get("goes_into"),
        "sha256": created.get("recipe_sha256"),
    }


def _approval(created: Mapping[str, Any]) -> dict[str, Any] | None:
    approval = created.get("approval")
    return None if approval is None else {key: approval[key] for key in ("version", "by", "utc", "meaning", "hash")}


def _product(plan: Mapping[str, Any]) -> dict[str, Any] | None:
    laminate = plan.get("laminate")
    return None if laminate is None else {"order": laminate["order"], "area_mm2": laminate.get("area_mm2")}


def _accepted_estimates(plan: Mapping[str, Any]) -> dict[str, Any] | None:
    accepted = plan.get("accepted_estimates")
    if accepted is None:
        return None
    return {"rules": accepted["rule_ids"], "by": accepted["by"], "reason": accepted["reason"]}


# ---------------------------------------------------------------------- rules


def _judged(judged: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is said of rules, and whether the product is accepted."""
    rules = [_rule(rule) for rule in judged["rules"]]
    left_out = judged.get("not_applicable")
    why_not = _why_not(rules, record)
    return {
        "accepted": not why_not,
        "why_not": why_not,
        "counts": {
            "binding": _counted(rule for rule in rules if rule["binding"]),
            "advisory": _counted(rule for rule in rules if not rule["binding"] and not _is_grade(rule)),
            "not_applicable": None if left_out is None else len(left_out),
        },
        "rules": rules,
        "grades": _grades([rule for rule in rules if _is_grade(rule)]),
        "not_applicable": None if left_out is None else [_left_out(rule) for rule in left_out],
    }


def _why_not(rules: Sequence[Mapping[str, Any]], record: Mapping[str, Any]) -> list[str]:
    """Why the product is not accepted: everything that keeps it from it, nothing if it is."""
    reasons = []
    if record["state"] != RunState.COMPLETE.value:
        because = f": {record['reason']}" if record["reason"] else ""
        reasons.append(f"the run is {record['state']}, not complete{because}")
    if not rules:
        reasons.append("no rule was judged")
    reasons += [
        f"lot {entry['lot']} is {entry['status']}: {entry['why']} ({entry['who']})"
        for entry in record.get("lots", ())
        if entry["status"] in KEPT_BACK
    ]
    reasons += [
        f"{rule['id']} ({rule['source']}): {'fails' if rule['verdict'] == 'fail' else 'undetermined'}: {rule['words']}"
        for rule in rules
        if rule["binding"] and rule["verdict"] != "pass"
    ]
    return reasons


def _calibrations(record: Mapping[str, Any]) -> list[str]:
    """The calibrations of the units that were used, where the line file states them."""
    return [
        f"calibration of {known['unit']}: {known['certificate']}, {known['date']}, due {known['due']}: {known['state']}"
        for known in record.get("calibrations", ())
    ]


def _counted(rules: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    verdicts = Counter(rule["verdict"] for rule in rules)
    return {"passed": verdicts["pass"], "failed": verdicts["fail"], "undetermined": verdicts["undetermined"]}


def _is_grade(rule: Mapping[str, Any]) -> bool:
    return str(rule["severity"]).startswith(GRADE)


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    facts = rule.get("facts")
    is_compared = isinstance(rule["bound"], int | float) and (facts is None or len(facts) == 2)
    severity = rule.get("severity", "")
    return {
        "id": rule["id"],
        "source": rule["source"],
        "severity": severity,
        "binding": severity in BINDING,
        "subject": rule.get("subject"),
        "quantity": rule.get("quantity"),
        "what": rule.get("what"),
        "claimed": _claimed(rule),
        "note": rule.get("note") or None,
        "value": rule["value"],
        "unit": rule["unit"],
        "uncertainty": rule["uncertainty"],
        "uncertainty_of": None if rule["uncertainty"] is None else "difference" if is_compared else "value",
        "evidence": rule["evidence"],
        "on_accepted_estimate": rule.get("accepted", False),
        "facts": None if facts is None else [_fact(fact) for fact in facts],
        "verdict": rule["verdict"],
        "words": rule.get("words", ""),
    }


def _claimed(rule: Mapping[str, Any]) -> str:
    """The bound in words. Of a comparison the relation is told by the finding's words, the other side by its value.

    The words of a rule are recorded since certificates exist; from an older journal they are read as well as can be.
    """
    bound, told = rule["bound"], str(rule.get("claimed") or "")
    if isinstance(bound, int | float):
        if found := _RELATION.search(rule.get("words", "")):
            return found[1]
        value = f"{bound:.6g} {rule['unit']}".strip()
        return f"compared with {told}, {value}" if told else f"compared with {value}"
    text = told or str(bound)
    if _NAME_OF_FACT.fullmatch(text):
        subject, _, quantity = text.rpartition(".")
        text = f"compared with {quantity} of {subject}"
    return text.replace("_", " ").replace("<", " < ").replace("|", " | ")


def _fact(fact: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("subject", "quantity", "value", "unit", "uncertainty", "low", "high", "evidence", "source")
    return {**{key: fact.get(key) for key in keys}, "by_law_alone": fact.get("by_law_alone", False)}


def _left_out(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {key: rule.get(key) or "" for key in ("id", "source", "severity", "words")}


def _grades(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The best grade that is reached, of each quantity that is graded."""
    graded: dict[tuple[Any, Any], list[Mapping[str, Any]]] = {}
    for rule in rules:
        graded.setdefault((rule["subject"], rule["quantity"]), []).append(rule)
    result = []
    for (subject, quantity), members in graded.items():
        reached = sorted(
            (rule for rule in members if rule["verdict"] == "pass"), key=lambda rule: str(rule["severity"])
        )
        unknown = [rule for rule in members if rule["verdict"] == "undetermined"]
        result.append(
            {
                "subject": subject,
                "quantity": quantity,
                "what": members[0]["what"],
                "grade": str(reached[0]["severity"]).removeprefix(GRADE) if reached else None,
                "rules": [rule["id"] for rule in members],
                "words": (reached or unknown or members)[0]["words"],
            }
        )
    return result

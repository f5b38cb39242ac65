"""Rules and facts as plain data and back, so that a record can be judged again without the pack it was judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from recipes.facts import Evidence, Fact
from recipes.rules.rule import Relation, Rule, Severity, Stage


def rule_data(rule: Rule) -> dict[str, Any]:
    """A rule as JSON can hold it; where it stood in its file is left out."""
    data = {item.name: getattr(rule, item.name) for item in fields(rule) if item.name != "location"}
    return data | {
        "stages": [stage.value for stage in Stage if stage in rule.stages],
        "evidence": [evidence.value for evidence in Evidence if evidence in rule.evidence],
        "severity": rule.severity.value,
        "relation": rule.relation.value,
    }


def rule_of(data: Mapping[str, Any]) -> Rule:
    """The rule that rule_data told. Raises ValueError or TypeError for data of another form."""
    return Rule(
        **{
            **data,
            "stages": frozenset(Stage(stage) for stage in data["stages"]),
            "evidence": frozenset(Evidence(evidence) for evidence in data["evidence"]),
            "severity": Severity(data["severity"]),
            "relation": Relation(data["relation"]),
        }
    )


def kept_fact(fact: Fact) -> dict[str, Any]:
    """A fact as JSON can hold it, with its standard uncertainty."""
    data = {item.name: getattr(fact, item.name) for item in fields(fact)}
    return data | {"evidence": fact.evidence.value}


def fact_of(data: Mapping[str, Any]) -> Fact:
    """The fact that kept_fact told. Raises ValueError or TypeError for data of another form."""
    value, window = data["value"], data["window"]
    return Fact(
        **{
            **data,
            "value": tuple(value) if isinstance(value, list) else value,
            "window": None if window is None else (window[0], window[1]),
            "evidence": Evidence(data["evidence"]),
        }
    )

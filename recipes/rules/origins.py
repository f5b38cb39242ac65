"""Where the facts that rules ask for come from on this line, or why it cannot know them: a table, first match first."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from recipes.rules.rule import COMPARISONS, Relation, Rule

TABLE = Path(__file__).with_name("origins.csv")
NOT_MADE = "pressline makes no such fact"


class Maker(StrEnum):
    """Who makes a fact."""

    RECIPE = "recipe"
    LINE = "line"
    PERSON = "person"
    DECLARED = "declared"
    LABORATORY = "laboratory"


@dataclass(frozen=True, slots=True)
class Origin:
    """One row: subject and quantity as patterns with "*" and "?", who makes the fact, and the rest in words."""

    subject: str
    quantity: str
    made: Maker
    words: str

    def matches(self, subject: str, quantity: str) -> bool:
        return fnmatchcase(subject, self.subject) and fnmatchcase(quantity, self.quantity)

    @property
    def is_made_here(self) -> bool:
        """Whether pressline makes the fact itself, from a recipe's own keys, a machine or a step's entries."""
        return self.made not in (Maker.DECLARED, Maker.LABORATORY)


@cache
def load_origins() -> tuple[Origin, ...]:
    """The table, in its order."""
    rows = csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines(), strict=True)
    return tuple(Origin(row["subject"], row["quantity"], Maker(row["made"]), row["words"]) for row in rows)


def origin(subject: str, quantity: str) -> Origin | None:
    """Where a fact comes from; None for one that pressline has never heard of."""
    return next((row for row in load_origins() if row.matches(subject, quantity)), None)


def facts_asked(rule: Rule) -> tuple[tuple[str, str], ...]:
    """Subject and quantity of every fact that a rule is judged on, and of the one that decides whether it applies."""
    asked = [(rule.subject, rule.quantity)]
    if rule.relation is Relation.ORDER:
        place = rule.subject.rpartition("@")[2]
        asked = [(f"{item}_layer@{place}", rule.quantity) for item in rule.listed]
    if rule.relation in COMPARISONS or rule.relation is Relation.RATIO:
        asked.append(rule.other)
    if rule.condition is not None:
        asked.append(rule.condition[:2])
    return tuple(dict.fromkeys(asked))


def origin_words(rule: Rule) -> str:
    """Where the facts of a rule come from, each way told once; how to enter what the line does not know."""
    ways: dict[str, list[str]] = {}
    for subject, quantity in facts_asked(rule):
        words, name = _words(subject, quantity)
        ways.setdefault(words, []).append(name)
    return "; besides ".join(f"{words}{', '.join(filter(None, names))}" for words, names in ways.items())


def _words(subject: str, quantity: str) -> tuple[str, str]:
    """Where a fact comes from, and its name for entering it, if it has to be entered."""
    found = origin(subject, quantity)
    if found is not None and found.is_made_here:
        return found.words, ""
    name = f"{{of: {subject}, quantity: {quantity}}}"
    if found is not None and found.made is Maker.LABORATORY:
        return f"{found.words}: an inspection asks for it, lab: ", name
    why = found.words if found is not None else NOT_MADE
    return f"{why}: the recipe declares it under facts, or an inspection asks the laboratory, as ", name

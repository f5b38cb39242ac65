"""The reference page of the shipped rules, written from the packs themselves."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from recipes.facts import Evidence
from recipes.rules.origins import origin_words
from recipes.rules.pack import Pack
from recipes.rules.rule import COMPARISONS, Relation, Rule, Severity, Stage
from recipes.rules.words import with_unit

_HEAD = """# Rules

{count} rules in {packs} packs. `pressline rules show ID` says one rule in words. How a pack is written is in
[rule-packs.md](rule-packs.md), how to add one in [add-a-rule-pack.md](../how-to/add-a-rule-pack.md). This page is
written from `recipes/rules/packs/` by `recipes.rules.table.rules_page`.

{severities}.

| Pack | Source | Rules | What it is about |
|---|---|---|---|
{index}
A verdict is pass, fail or undetermined, and undetermined never counts as pass. A claim or required rule that does not
pass refuses a production recipe at design, and keeps the certificate from being accepted at release. All other rules
are advice, but for the grades: they say in which class of a test a value is. A rule whose condition is known not to
hold does not apply and gets no verdict.

Evidence lists what counts; of several facts the strongest counts (lab, measured, estimated, commanded, declared). At
design only declared, commanded and estimated facts exist. After a step and at release what was declared or commanded no
longer counts where the rule can be measured, and a law's estimate counts only where a measurement has corrected it or
the recipe accepts it by name. What is judged is rounded to the resolution, to which the source prints it; a setpoint is
compared as it is. A range on a pressing holds for the mean over the dwell and for its extremes.

"Facts from" says where this line gets what a rule asks for, first what counts at design. Where nothing on the line
measures it, the entry is named with which the laboratory decides.
"""
_APART = """
## Where the compaction law and the document differ

The law behind the estimates was fitted to the document's Tables 1 to 3 as a whole, so it does not meet every cell. For
these advisory rules the difference decides: one passes by the printed value and fails by the law, or the other way
round. No claim is among them. A laboratory's value overrides the law.

| Rule | Asks | Recipe | Printed | By the law |
|---|---|---|---|---|
"""
_COLUMNS = (
    "Rule",
    "Source",
    "Severity",
    "Stages",
    "Evidence",
    "Subject",
    "Quantity",
    "Relation",
    "Bound",
    "Applies if",
    "Resolution",
    "Facts from",
    "Note",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """An advisory rule that passes by what a document prints of one of its examples and fails by the law, or inverse.

    Both values are in the rule's unit.
    """

    rule_id: str
    example: str
    printed: float
    law: float


DIFFERENCES = (
    Difference("H020", "Example 2", 3.0, 3.04),
    Difference("H082", "Example 3", 88.0, 87.5),
    Difference("H021", "Comparative Example 1", 3.0, 3.51),
    Difference("H021", "Comparative Example 2", 3.0, 4.54),
    Difference("H025", "Comparative Example 3", 9.82, 10.5),
)
"""All of them, for the six recipes of US 2025/0260067 A1."""


def rules_page(packs: Sequence[Pack]) -> str:
    """The whole page in Markdown."""
    rules = {rule.id: rule for pack in packs for rule in pack}
    index = "".join(_row((f"[{p.name}](#{p.name})", p.document, str(len(p.rules)), p.title)) for p in packs)
    head = _HEAD.format(count=len(rules), packs=len(packs), severities=_severities(rules.values()), index=index)
    apart = "".join(_apart(rules[item.rule_id], item) for item in DIFFERENCES)
    return head + _APART + apart + "".join(_section(pack) for pack in packs)


def _severities(rules: Iterable[Rule]) -> str:
    counts = Counter(rule.severity for rule in rules)
    return ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity])


def _section(pack: Pack) -> str:
    about = textwrap.fill(f"{pack.title}. {pack.document}. {pack.about}", 120, break_long_words=False)
    head = f"\n## {pack.name}\n\n{about}\n\n{len(pack.rules)} rules:"
    table = "".join([_row(_COLUMNS), _row(["---"] * len(_COLUMNS)), *(_row(_cells(rule)) for rule in pack)])
    return f"{head} {_severities(pack)}.\n\n{table}"


def _apart(rule: Rule, item: Difference) -> str:
    def told(value: float) -> str:
        low, high = rule.lower, rule.upper
        holds = (low is None or value >= low) and (high is None or value <= high)
        words = f"{value:g}" if rule.relation is Relation.RATIO else with_unit(f"{value:g}", rule.unit)
        return f"{words}, {'pass' if holds else 'fail'}"

    asked = f"{rule.quantity} of {rule.subject}, {rule.bound_words}{_of(rule)}"
    return _row((rule.id, asked, item.example, told(item.printed), told(item.law)))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', ', ') for cell in cells)} |\n"


def _cells(rule: Rule) -> Iterator[str]:
    yield rule.id
    yield rule.ref
    yield rule.severity
    yield ", ".join(stage for stage in Stage if stage in rule.stages)
    yield ", ".join(evidence for evidence in Evidence if evidence in rule.evidence)
    yield rule.subject
    yield rule.quantity
    yield rule.relation
    yield rule.relative_to if rule.relation in COMPARISONS else f"{rule.bound_words}{_of(rule)}"
    yield rule.when
    yield with_unit(f"{rule.resolution:g}", rule.unit) if rule.resolution is not None else ""
    yield origin_words(rule)
    yield rule.note


def _of(rule: Rule) -> str:
    return f" times {rule.relative_to}" if rule.relation is Relation.RATIO else ""

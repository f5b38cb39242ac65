"""The reference page of a rule pack, written from the pack itself."""

from __future__ import annotations

from collections import Counter

from recipes.facts import Evidence
from recipes.rules.pack import Pack
from recipes.rules.rule import Relation, Rule, Severity, Stage

_HEAD = """# Rules of {document}

{count} rules: {severities}. This page is written from `recipes/rules/{name}.csv` by `recipes.rules.table.rules_page`.

A verdict is pass, fail or undetermined, and undetermined never counts as pass. A claim or required rule that does not
pass refuses a production recipe at design, and keeps the certificate from being accepted at release. All other rules
are advice. Evidence lists what counts; of several facts the strongest counts (lab, measured, estimated, commanded,
declared). At design only declared, commanded and estimated facts exist. After a step and at release what was
declared or commanded no longer counts where the rule can be measured. A measured value is rounded to the resolution,
to which the source prints it, before it is compared with a range; a range on a pressing holds for the mean over the
dwell and for its extremes.

| Rule | Source | Severity | Stages | Evidence | Subject | Quantity | Relation | Bound | Resolution | Note |
|---|---|---|---|---|---|---|---|---|---|---|
"""


def rules_page(pack: Pack) -> str:
    """The whole page in Markdown."""
    counts = Counter(rule.severity for rule in pack)
    severities = ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity])
    head = _HEAD.format(document=pack.document, count=len(pack.rules), severities=severities, name=pack.name)
    return head + "".join(_line(rule) for rule in pack)


def _line(rule: Rule) -> str:
    cells = (
        rule.id,
        rule.ref,
        rule.severity,
        ", ".join(stage for stage in Stage if stage in rule.stages),
        ", ".join(evidence for evidence in Evidence if evidence in rule.evidence),
        rule.subject,
        rule.quantity,
        rule.relation,
        f"{rule.bound_words}{_of(rule)}",
        f"{rule.resolution:g} {rule.unit}" if rule.resolution is not None else "",
        rule.note,
    )
    return f"| {' | '.join(str(cell).replace('|', ', ') for cell in cells)} |\n"


def _of(rule: Rule) -> str:
    return f" of {rule.relative_to}" if rule.relation is Relation.RATIO else ""

"""`pressline rules`: what the rule packs ask, one rule in words, and whether a pack's file can be used."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from controller.cli.exit_codes import ExitCode
from controller.cli.recipes import finding_data
from controller.reports.run_table import print_text, table
from recipes.facts import Evidence
from recipes.findings import Finding, RecipeErrors
from recipes.rules.explain import Explanation, asks_words, explain
from recipes.rules.pack import Pack, load_pack, load_packs, read_pack, shipped_packs
from recipes.rules.review import review
from recipes.rules.rule import Rule, Stage

LONGEST_ID = 40
"""Characters; no rule's id is longer."""
_LABELS = {
    "asks": "asks",
    "source": "source",
    "severity": "severity",
    "stages": "judged",
    "evidence": "evidence",
    "precision": "precision",
    "applies": "applies",
    "facts": "facts from",
    "note": "note",
}


def list_rules(name: str | None, *, as_json: bool) -> ExitCode:
    """Prints the rules of one pack, or of all that are shipped."""
    try:
        packs = _packs(name)
    except RecipeErrors as error:
        return _unusable(error.findings, as_json=as_json)
    if as_json:
        print(json.dumps({"packs": [{**_pack_data(p), "rules": [_rule_data(r) for r in p]} for p in packs]}, indent=2))
        return ExitCode.PASSED
    for pack in packs:
        rows = table(
            f"{pack.name}: {pack.title} ({pack.document}), {len(pack.rules)} rules", "rule", "severity", "asks"
        )
        for rule in pack:
            rows.add_row(rule.id, rule.severity.replace("_", " "), asks_words(rule, pack.subjects))
        print_text(rows)
    return ExitCode.PASSED


def show_rule(rule_id: str, name: str | None, *, as_json: bool) -> ExitCode:
    """Prints one rule in words, with every pack that has it."""
    try:
        packs = _packs(name)
    except RecipeErrors as error:
        return _unusable(error.findings, as_json=as_json)
    found = [(pack, rule) for pack in packs for rule in pack if rule.id == rule_id]
    if not found:
        return _unusable([Finding("error", _unknown(rule_id, packs), None)], as_json=as_json)
    first, rule = found[0]
    words = explain(rule, first)
    if as_json:
        packs_data = [_pack_data(pack) for pack, _ in found]
        print(json.dumps({**_rule_data(rule), "packs": packs_data, "words": dataclasses.asdict(words)}, indent=2))
        return ExitCode.PASSED
    print(f"{rule.id}, in {' and '.join(pack.name for pack, _ in found)}")
    for line in _lines(words):
        print(line)
    return ExitCode.PASSED


def check_pack(file: Path, *, as_json: bool) -> ExitCode:
    """Prints every mistake of a pack's files; of a pack without mistakes, what is odd."""
    try:
        pack = read_pack(file)
    except RecipeErrors as error:
        return _unusable(error.findings, as_json=as_json)
    odd = tuple(review(pack))
    if as_json:
        data = {**_pack_data(pack), "rules": len(pack.rules), "findings": [finding_data(finding) for finding in odd]}
        print(json.dumps({"state": "usable", **data}, indent=2))
        return ExitCode.PASSED
    print(f"{file}: {len(pack.rules)} rule{'s' if len(pack.rules) > 1 else ''} of {pack.document}, no mistake")
    for finding in odd:
        print(f"  {finding}")
    return ExitCode.PASSED


def _packs(name: str | None) -> tuple[Pack, ...]:
    if name is None:
        return tuple(load_pack(shipped) for shipped in shipped_packs())
    return load_packs([name], Path())


def _lines(words: Explanation) -> Iterator[str]:
    for key, text in dataclasses.asdict(words).items():
        if text:
            yield f"  {_LABELS[key]:11}{text}"


def _unknown(rule_id: str, packs: Sequence[Pack]) -> str:
    known = list(dict.fromkeys(rule.id for pack in packs for rule in pack))
    meant = re.sub(r"0*(\d+)$", lambda number: f"{int(number[1]):03}", rule_id.upper()[:LONGEST_ID])  # h9 is H009
    near = [name for text in (meant, rule_id[:LONGEST_ID]) for name in difflib.get_close_matches(text, known, n=3)]
    where = f"the pack {packs[0].name}" if len(packs) == 1 else f"the packs {', '.join(pack.name for pack in packs)}"
    hint = f"nearest are {', '.join(dict.fromkeys(near))}" if near else f"they run from {known[0]} to {known[-1]}"
    return f"there is no rule {rule_id[:LONGEST_ID]!r} in {where}: {hint}"


def _unusable(findings: Sequence[Finding], *, as_json: bool) -> ExitCode:
    if as_json:
        print(json.dumps({"state": "unusable", "findings": [finding_data(finding) for finding in findings]}, indent=2))
    else:
        for finding in findings:
            print(finding, file=sys.stderr)
    return ExitCode.UNUSABLE


def _pack_data(pack: Pack) -> dict[str, Any]:
    return {
        "pack": pack.name,
        "document": pack.document,
        "title": pack.title,
        "about": pack.about,
        "sha256": pack.sha256,
    }


def _rule_data(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "ref": rule.ref,
        "severity": rule.severity.value,
        "binding": rule.severity.binding,
        "stage": [stage.value for stage in Stage if stage in rule.stages],
        "evidence": [kind.value for kind in Evidence if kind in rule.evidence],
        "relation": rule.relation.value,
        "subject": rule.subject,
        "quantity": rule.quantity,
        "unit": rule.unit,
        "lower": rule.lower,
        "lower_inclusive": rule.lower_inclusive if rule.lower is not None else None,
        "upper": rule.upper,
        "upper_inclusive": rule.upper_inclusive if rule.upper is not None else None,
        "relative_to": rule.relative_to,
        "when": rule.when,
        "resolution": rule.resolution,
        "note": rule.note,
    }

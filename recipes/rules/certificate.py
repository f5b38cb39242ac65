"""The certificate: every rule of a recipe's packs, judged at release on what is known of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from recipes.facts import FactBook
from recipes.rules.engine import Judgement, Terms, Verdict, applies, judge
from recipes.rules.rule import Rule, Stage


@dataclass(frozen=True, slots=True)
class Certificate:
    """Counts of the verdicts and every judgement, in the packs' order; rules that do not apply are apart."""

    pass_: int
    fail: int
    undetermined: int
    judgements: tuple[Judgement, ...]
    not_applicable: tuple[Rule, ...] = ()

    def judgement(self, rule_id: str) -> Judgement:
        """The judgement on a rule; raises KeyError."""
        for judgement in self.judgements:
            if judgement.rule_id == rule_id:
                return judgement
        raise KeyError(rule_id)


def certify(rules: Iterable[Rule], book: FactBook, terms: Terms | None = None) -> Certificate:
    """Judges all rules at release. An intention counts only for rules that nothing measured can answer."""
    known = tuple(rules)
    left_out = tuple(rule for rule in known if applies(rule, book) is False)
    judgements = tuple(judge(rule, book, Stage.RELEASE, terms) for rule in known if rule not in left_out)
    counts = Counter(judgement.verdict for judgement in judgements)
    return Certificate(counts[Verdict.PASS], counts[Verdict.FAIL], counts[Verdict.UNDETERMINED], judgements, left_out)


def accepted(certificate: Certificate) -> bool:
    """Whether every claim and every required rule passes; undetermined is no pass, weaker rules do not count."""
    return all(judgement.verdict is Verdict.PASS for judgement in certificate.judgements if judgement.severity.binding)

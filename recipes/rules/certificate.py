"""The certificate: every rule of a pack, judged at release on what is known of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from recipes.facts import FactBook
from recipes.rules.engine import Judgement, Verdict, judge
from recipes.rules.pack import Pack
from recipes.rules.rule import Stage


@dataclass(frozen=True, slots=True)
class Certificate:
    """Counts of the verdicts and every judgement, in the pack's order."""

    pass_: int
    fail: int
    undetermined: int
    judgements: tuple[Judgement, ...]

    def judgement(self, rule_id: str) -> Judgement:
        """The judgement on a rule; raises KeyError."""
        for judgement in self.judgements:
            if judgement.rule_id == rule_id:
                return judgement
        raise KeyError(rule_id)


def certify(pack: Pack, book: FactBook, names: Mapping[str, str] | None = None) -> Certificate:
    """Judges a whole pack at release. An intention counts only for rules that nothing measured can answer."""
    judgements = tuple(judge(rule, book, Stage.RELEASE, names) for rule in pack)
    counts = Counter(judgement.verdict for judgement in judgements)
    return Certificate(counts[Verdict.PASS], counts[Verdict.FAIL], counts[Verdict.UNDETERMINED], judgements)


def accepted(certificate: Certificate) -> bool:
    """Whether every claim and every required rule passes; undetermined is no pass, weaker rules do not count."""
    return all(judgement.verdict is Verdict.PASS for judgement in certificate.judgements if judgement.severity.binding)

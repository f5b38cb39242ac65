"""What of its rules a recipe lets go: for the people who sign it, who would not see it in a plan of setpoints."""

from __future__ import annotations

from collections.abc import Iterator

from recipes.model import Purpose, Recipe
from recipes.rules.rule import Rule
from recipes.rules.rulebook import Rulebook


def loosened(recipe: Recipe, rules: Rulebook, before: tuple[Recipe, Rulebook] | None = None) -> tuple[str, ...]:
    """In words, what is asked less than the sources ask, or less than the recipe `before` asked.

    By itself that is a comparative purpose, an estimate that stands in for the laboratory's value, and a part of the
    isostatic sequence that is left out. Beside another version it is a binding rule that is gone, wider, advice only or
    satisfied by weaker evidence, and acceptance with less confidence. Empty where nothing is.
    """
    found = list(_by_itself(recipe))
    if before is not None:
        found += _acceptance(before[0].decision_rule.confidence, recipe.decision_rule.confidence)
        now = {rule.id: rule for rule in rules.rules}
        for rule in before[1].rules:
            if rule.severity.binding:
                found += [f"{rule.id}: {words}" for words in _looser(rule, now.get(rule.id))]
    return tuple(found)


def _by_itself(recipe: Recipe) -> Iterator[str]:
    if recipe.purpose is Purpose.COMPARATIVE:
        yield "comparative: what breaks a rule is told, and refuses nothing"
    if (accepted := recipe.accepted_estimates) is not None:
        yield f"{', '.join(accepted.rule_ids)}: an estimate stands in for the laboratory's value ({accepted.reason})"
    for step in recipe.steps:
        for part in () if step.press is None else step.press.leaves_out:
            yield f"{step.name}: leaves out {part.what} ({part.because})"


def _acceptance(before: float | None, now: float | None) -> Iterator[str]:
    if before is not None and (now is None or now < before):
        less = "simple" if now is None else f"guarded at {100 * now:g} %"
        yield f"acceptance: guarded at {100 * before:g} % -> {less}"


def _looser(before: Rule, now: Rule | None) -> Iterator[str]:
    if now is None:
        yield "is not judged any more"
        return
    if not now.severity.binding:
        yield f"{before.severity.value} -> {now.severity.value}, which refuses nothing"
    if _is_wider(before, now):
        yield f"{before.bound_words} -> {now.bound_words}"
    if not set(before.stages) <= set(now.stages):
        yield "is not judged at every stage any more"
    if not set(now.evidence) <= set(before.evidence):
        yield "other evidence counts too"
    if (before.relation, before.subject, before.quantity, before.unit, before.relative_to, before.when) != (
        now.relation,
        now.subject,
        now.quantity,
        now.unit,
        now.relative_to,
        now.when,
    ):
        yield "asks something else than before"


def _is_wider(before: Rule, now: Rule) -> bool:
    lower = before.lower is not None and (
        now.lower is None or now.lower < before.lower or (now.lower == before.lower and _opened(before, now, "lower"))
    )
    upper = before.upper is not None and (
        now.upper is None or now.upper > before.upper or (now.upper == before.upper and _opened(before, now, "upper"))
    )
    return lower or upper


def _opened(before: Rule, now: Rule, side: str) -> bool:
    """Whether a bound that did not belong to the range does so now."""
    return bool(getattr(now, f"{side}_inclusive")) and not getattr(before, f"{side}_inclusive")

"""The rules of one recipe: those of the packs that it names, with its own stricter bounds."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

from recipes.findings import Finding, RecipeErrors
from recipes.model import OwnBound, Purpose, Recipe
from recipes.rules.engine import Terms
from recipes.rules.pack import Pack, load_packs
from recipes.rules.rule import Relation, Rule, Severity, Stage
from recipes.units import converted


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules that a recipe is judged by, each id once, in the packs' order; `packs` say where they come from.

    findings tells where a comparative recipe asks less than a pack; its certificate is judged by the pack.
    """

    packs: tuple[Pack, ...]
    rules: tuple[Rule, ...]
    findings: tuple[Finding, ...] = ()

    def at(self, stage: Stage, role: str | None = None) -> tuple[Rule, ...]:
        """The rules that are judged at a stage; with a role, those that speak of that pressing step only."""
        return tuple(rule for rule in self.rules if stage in rule.stages and (role is None or rule.role == role))


def rulebook(recipe: Recipe) -> Rulebook:
    """The rules of a recipe.

    Raises:
        RecipeErrors: a pack is unknown or has mistakes, or the recipe's own bounds name no rule, are in another unit,
            or are looser than the rule in a production recipe.
    """
    place = recipe.locations.get("basis", recipe.location)
    try:
        packs = load_packs(recipe.basis, recipe.location.file.parent)
    except RecipeErrors as error:
        raise RecipeErrors(tuple(replace(f, location=f.location or place) for f in error.findings)) from error
    rules = {rule.id: rule for pack in packs for rule in pack}
    errors: list[Finding] = []
    looser: list[Finding] = []
    for own in recipe.own_bounds:
        rule = rules.get(own.rule_id)
        if rule is None:
            errors.append(_error(own, _unknown(own.rule_id, rules)))
            continue
        try:
            stricter = tightened(rule, own)
        except LooserError as error:
            if recipe.purpose is Purpose.COMPARATIVE:
                looser.append(_looser(own, rule, str(error)))
            else:
                what = f"{error}; only a comparative recipe, with a reason, may ask less"
                errors.append(_error(own, what))
            continue
        except ValueError as error:
            errors.append(_error(own, str(error)))
            continue
        rules[rule.id] = stricter
    errors += _accepted_findings(recipe, rules)
    if errors:
        raise RecipeErrors(tuple(errors))
    return Rulebook(packs, tuple(rules.values()), tuple(looser))


def terms(recipe: Recipe, rules: Rulebook) -> Terms:
    """How the recipe wants to be judged by these rules."""
    names = {step.role: step.name for step in recipe.steps if step.role is not None}
    accepted = recipe.accepted_estimates
    ids = frozenset(accepted.rule_ids) if accepted is not None else frozenset()
    subjects = {subject: words for pack in reversed(rules.packs) for subject, words in pack.subjects.items()}
    return Terms(names, recipe.decision_rule.confidence, ids, subjects)


class LooserError(ValueError):
    """A recipe's own bound asks less than the rule."""


def tightened(rule: Rule, own: OwnBound) -> Rule:
    """A rule with the recipe's own bounds.

    Raises:
        LooserError: a bound asks less than the rule's.
        ValueError: the rule has no bounds, or the unit is of another dimension.
    """
    if (own.at_least is not None or own.at_most is not None) and rule.relation not in (Relation.RANGE, Relation.RATIO):
        raise ValueError(f"{rule.id} has no bounds that could be stricter, it is a {rule.relation}")
    low, high = (_in_unit(value, own, rule) for value in (own.at_least, own.at_most))
    changed = rule
    if low is not None:
        if rule.lower is not None and low < rule.lower:
            raise LooserError(f"{rule.id} asks {rule.bound_words}, at least {low:g} is looser")
        changed = replace(changed, lower=low, lower_inclusive=rule.lower_inclusive or low != rule.lower)
    if high is not None:
        if rule.upper is not None and high > rule.upper:
            raise LooserError(f"{rule.id} asks {rule.bound_words}, at most {high:g} is looser")
        changed = replace(changed, upper=high, upper_inclusive=rule.upper_inclusive or high != rule.upper)
    if changed.lower is not None and changed.upper is not None and changed.lower > changed.upper:
        raise ValueError(f"{rule.id} would ask {changed.bound_words}, which nothing can be")
    words = []
    if changed is not rule:  # the recipe's own number is meant as it is written, not at the digit of the source
        changed = replace(changed, resolution=None)
        words.append(f"the recipe's own bound; {rule.source} asks {rule.bound_words}")
    if own.required and not rule.severity.binding:
        words.append(f"required by the recipe; {rule.severity.replace('_', ' ')} in {rule.source}")
        changed = replace(changed, severity=Severity.REQUIRED)
    return replace(changed, note="; ".join(part for part in (rule.note, *words) if part))


def _in_unit(value: float | None, own: OwnBound, rule: Rule) -> float | None:
    if value is None or own.unit == rule.unit or (own.unit == "" and rule.unit in ("-", "ratio")):
        return value
    result = converted(value, own.unit, rule.unit)
    if result is None:
        raise ValueError(f"{rule.id} is in {rule.unit or 'no unit'}, not in {own.unit or 'no unit'}")
    return result


def _unknown(rule_id: str, rules: dict[str, Rule]) -> str:
    near = difflib.get_close_matches(rule_id, rules, n=1)
    return f"no pack of the basis has a rule {rule_id!r}" + (f": expected {near[0]!r}?" if near else "")


def _accepted_findings(recipe: Recipe, rules: dict[str, Rule]) -> list[Finding]:
    accepted = recipe.accepted_estimates
    if accepted is None:
        return []
    place = recipe.locations.get("accept_estimates.rules", recipe.location)
    unknown = [rule_id for rule_id in accepted.rule_ids if rule_id not in rules]
    return [Finding("error", f"{_unknown(rule_id, rules)}, in accept_estimates.rules", place) for rule_id in unknown]


def _error(own: OwnBound, what: str) -> Finding:
    return Finding("error", f"{what}, in rules.{own.rule_id}", own.location)


def _looser(own: OwnBound, rule: Rule, what: str) -> Finding:
    return Finding(
        "would_refuse", f"{what}; the certificate is judged by the source", own.location, rule.id, rule.source
    )

"""Design-stage rules on a recipe: what is declared, commanded and predicted, judged before anything moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from recipes.declared import recipe_facts
from recipes.facts import FactBook
from recipes.findings import Finding, Level
from recipes.lots import Contents
from recipes.model import Location, Purpose, Recipe, Step
from recipes.predict import Prediction
from recipes.rules.engine import Judgement, Verdict, admitted, judge
from recipes.rules.pack import Pack, load_pack
from recipes.rules.rule import Rule, Stage

_KEYS = {
    "pressure": "press.pressure",
    "temperature": "press.temperature",
    "time": "press.dwell",
    "press_method": "press.method",
}
_PLACES = {
    "layer_order": "laminate.order",
    "cathode_layer": "laminate.layers.cathode",
    "se_layer": "laminate.layers.solid_electrolyte",
    "intermediate_layer": "laminate.layers.intermediate",
    "cathode_active_material": "laminate.layers.cathode.components",
    "se_particle": "laminate.layers.solid_electrolyte.components",
    "intermediate_mixture_particle": "laminate.layers.intermediate.components",
    "amorphous_carbon_particle": "laminate.layers.intermediate.components",
    "metal_particle": "laminate.layers.intermediate.components",
    "cathode_collector": "laminate.order",
    "step_order": "steps",
}


def design_book(
    recipe: Recipe, steps: Sequence[Step], lots: Mapping[str, Contents], prediction: Prediction
) -> FactBook:
    """All facts that are known before a run."""
    book = FactBook()
    book.add(recipe_facts(recipe, steps, lots))
    book.add(prediction.facts)
    return book


def design_judgements(book: FactBook, pack: Pack, names: Mapping[str, str]) -> Iterator[tuple[Rule, Judgement]]:
    """The rules that can be judged on a design; those that wait for later evidence are left out."""
    for rule in pack.at(Stage.DESIGN):
        if admitted(rule, Stage.DESIGN):
            yield rule, judge(rule, book, Stage.DESIGN, names)


def design_findings(
    recipe: Recipe, steps: Sequence[Step], book: FactBook, pack: Pack | None = None
) -> tuple[Finding, ...]:
    """What the rules have against a recipe, refusals first.

    A claim or a required rule refuses unless it passes (undetermined is no pass); in a comparative recipe it would.
    Weaker rules that fail are advice, and one more advice lists those of them that cannot be judged yet.
    """
    names = {step.role: step.name for step in steps if step.role is not None}
    binding: Level = "would_refuse" if recipe.purpose is Purpose.COMPARATIVE else "refused"
    refusals: list[Finding] = []
    advice: list[Finding] = []
    open_rules: list[str] = []
    for rule, judgement in design_judgements(book, pack or load_pack(), names):
        if judgement.verdict is Verdict.PASS:
            continue
        if rule.severity.binding:
            refusals.append(_finding(binding, recipe, steps, rule, judgement))
        elif judgement.verdict is Verdict.FAIL:
            advice.append(_finding("advice", recipe, steps, rule, judgement))
        else:
            open_rules.append(rule.id)
    if open_rules:
        message = f"cannot be judged from the recipe, and are no claims: {', '.join(open_rules)}"
        advice.append(Finding("advice", message, recipe.location))
    return (*refusals, *advice)


def _finding(level: Level, recipe: Recipe, steps: Sequence[Step], rule: Rule, judgement: Judgement) -> Finding:
    return Finding(level, judgement.words, _place(recipe, steps, rule), rule.id, rule.source)


def _place(recipe: Recipe, steps: Sequence[Step], rule: Rule) -> Location:
    """Where a rule's subject is written: the step's own key, the layer, or the recipe."""
    step = next((step for step in steps if step.role is not None and step.role == rule.role), None)
    if step is not None:
        if rule.subject.partition("@")[2].startswith("before_join1"):
            return recipe.locations.get(f"{_PLACES[rule.subject.partition('@')[0]]}.porosity", step.location)
        return step.locations.get(_KEYS.get(rule.quantity, "press.pressure"), step.location)
    key = _PLACES.get(rule.quantity) or _PLACES.get(rule.subject.partition("@")[0], "")
    return recipe.locations.get(key, recipe.location)

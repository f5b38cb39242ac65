"""Design-stage rules on a recipe: what is declared, commanded and predicted, judged before anything moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple

from recipes.coated import subjects
from recipes.consistency import consistency_findings
from recipes.declared import recipe_facts
from recipes.facts import FactBook
from recipes.findings import Finding, Level
from recipes.lots import Contents
from recipes.model import Location, Purpose, Recipe, Step
from recipes.predict import Prediction
from recipes.reader.steps import MOST_ZONES
from recipes.rules.engine import Judgement, Terms, Verdict, admitted, applies, judge
from recipes.rules.origins import origin
from recipes.rules.rule import Rule, Stage
from recipes.rules.rulebook import Rulebook

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


def design_judgements(book: FactBook, rules: Rulebook, how: Terms) -> Iterator[Judgement]:
    """The rules that can be judged on a design; those that wait for later evidence or do not apply are left out."""
    for rule in rules.at(Stage.DESIGN):
        if admitted(rule, Stage.DESIGN) and applies(rule, book) is not False:
            yield judge(rule, book, Stage.DESIGN, how)


def design_findings(
    recipe: Recipe, steps: Sequence[Step], rules: Rulebook, judgements: Sequence[Judgement]
) -> tuple[Finding, ...]:
    """What the rules have against a recipe, by their judgements on its design, refusals first.

    A claim or a required rule refuses unless it passes (undetermined is no pass); in a comparative recipe it would.
    Weaker rules that fail are advice, and one more advice lists those of them that cannot be judged yet.
    """
    binding: Level = "would_refuse" if recipe.purpose is Purpose.COMPARATIVE else "refused"
    refusals: list[Finding] = list(rules.findings)
    advice: list[Finding] = []
    open_rules: list[str] = []
    for judgement in judgements:
        if judgement.verdict is Verdict.PASS:
            continue
        if judgement.severity.binding:
            refusals.append(_finding(binding, recipe, steps, judgement))
        elif judgement.verdict is Verdict.UNDETERMINED:
            open_rules.append(judgement.rule_id)
        elif not judgement.severity.grade:
            advice.append(_finding("advice", recipe, steps, judgement))
    if open_rules:
        message = f"cannot be judged from the recipe, and are no claims: {', '.join(open_rules)}"
        advice.append(Finding("advice", message, recipe.location))
    return (*refusals, *consistency_findings(recipe), *advice)


def _finding(level: Level, recipe: Recipe, steps: Sequence[Step], judgement: Judgement) -> Finding:
    severity = "" if level != "advice" else f" ({judgement.severity.replace('_', ' ')})"
    words = f"{judgement.words}{severity}{_how_to_mend(judgement)}"
    return Finding(level, words, _place(recipe, steps, judgement.rule), judgement.rule_id, judgement.source)


def _how_to_mend(judgement: Judgement) -> str:
    """What to write for a fact that only a recipe's author can know."""
    rule = judgement.rule
    found = origin(rule.subject, rule.quantity)
    if judgement.verdict is not Verdict.UNDETERMINED or judgement.facts or (found is not None and found.is_made_here):
        return ""
    return f"; declare {{of: {rule.subject}, quantity: {rule.quantity}}} under facts"


def _place(recipe: Recipe, steps: Sequence[Step], rule: Rule) -> Location:
    """Where a rule's subject is written: the step's own key, the layer, or the recipe."""
    step = next((step for step in steps if step.role is not None and step.role == rule.role), None)
    if step is not None:
        if rule.subject.partition("@")[2].startswith("before_join1"):
            return recipe.locations.get(f"{_PLACES[rule.subject.partition('@')[0]]}.porosity", step.location)
        return step.locations.get(_KEYS.get(rule.quantity, "press.pressure"), step.location)
    if (place := _coated_place(recipe, rule)) is not None:
        return place
    key = _PLACES.get(rule.quantity) or _PLACES.get(rule.subject.partition("@")[0], "")
    return recipe.locations.get(key, recipe.location)


_COATED_KEYS = {
    "coating_weight": "coat.coating_weight_window",
    "web_speed": "coat.web_speed",
    "thickness": "coat.thickness",
    "drying_temperature": "coat.zones",
    "drying_time": "coat.zone_residence",
    **{f"zone{n}_temperature": f"coat.zones[{n}]" for n in range(1, MOST_ZONES + 1)},
    **{f"zone{n}_residence_time": f"coat.zone_residence[{n}]" for n in range(1, MOST_ZONES + 1)},
    "line_force": "roll_press.line_force",
    "layer_density": "roll_press.layer_density",
}


def _coated_place(recipe: Recipe, rule: Rule) -> Location | None:
    """Where a coating's, roll pressing's or material's quantity is written."""
    if (written := recipe.locations.get(f"facts[{rule.quantity} of {rule.subject}].value")) is not None:
        return written
    key = _COATED_KEYS.get(rule.quantity)
    for step in recipe.steps:
        if step.coat is None and step.roll_press is None:
            continue
        made = step.coat.layer if step.coat is not None else ""
        if key is not None and key in step.locations and (not made or rule.subject in astuple(subjects(made))):
            return step.locations[key]
    if rule.subject.startswith(("particulate_polymer", "binder_polymer", "formula", "polar_monomer")):
        return recipe.locations.get("polymers")
    if rule.subject.endswith(("slurry", "particle", "composition")):
        return recipe.locations.get("slurries")
    return recipe.locations.get("goes_into") if rule.subject.endswith("battery") else None

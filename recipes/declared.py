"""Facts in the rules' own terms: the subjects and quantities that rule packs ask for, made from typed values.

The plan makes them from a recipe (declared, commanded) and from the prediction (estimated); whoever runs a recipe makes
them from what was measured with the same functions, so that a rule finds either under the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from recipes.coated import commanded_facts
from recipes.facts import Evidence, Fact
from recipes.formulation import formulation_facts
from recipes.lots import Contents
from recipes.model import Laminate, Recipe, Step

Estimate = tuple[float, float]
"""A value and its standard uncertainty."""
_LAYER_SUBJECTS = {
    "cathode": "cathode_layer",
    "solid_electrolyte": "se_layer",
    "intermediate": "intermediate_layer",
}
_LAYER_WORDS = {"cathode": "cathode AM", "solid_electrolyte": "SE", "intermediate": "intermediate"}
_MATERIAL_WORDS = {"amorphous_carbon": "amorphous carbon particles", "metal": "metal particles"}
_PARTICLES = (
    ("cathode_active_material", "cathode", "active_material"),
    ("se_particle", "solid_electrolyte", "solid_electrolyte"),
    ("amorphous_carbon_particle", "intermediate", "amorphous_carbon"),
    ("metal_particle", "intermediate", "metal"),
)
_JOINED = {
    "join1": {"cathode", "solid_electrolyte"},
    "join2": {"cathode", "solid_electrolyte", "intermediate"},
    "densify": {"cathode", "solid_electrolyte", "intermediate"},
    "join3": {"cathode", "solid_electrolyte", "intermediate"},
}
"""Layers that each role presses together, US 2025/0260067 A1 claim 1."""


def layer_subject(layer: str) -> str:
    """The rules' name of a layer: "se_layer" for "solid_electrolyte"."""
    return _LAYER_SUBJECTS.get(layer, layer)


def press_facts(
    role: str,
    *,
    evidence: Evidence,
    source: str,
    method: str,
    pressure_mpa: float,
    temperature_c: float,
    time_s: float,
    pressure_uncertainty_mpa: float | None = None,
    pressure_extremes_mpa: tuple[float, float] | None = None,
    temperature_uncertainty_k: float | None = None,
    temperature_extremes_c: tuple[float, float] | None = None,
    time_uncertainty_s: float | None = None,
) -> tuple[Fact, ...]:
    """What one pressing is to reach (commanded) or has reached (measured): dwell means, extremes and dwell.

    The method is always a declared fact: it follows from the kind of press, no sensor tells it.
    """
    p_low, p_high = pressure_extremes_mpa or (None, None)
    t_low, t_high = temperature_extremes_c or (None, None)
    return (
        Fact(role, "press_method", method, "", Evidence.DECLARED, source),
        Fact(role, "pressure", pressure_mpa, "MPa", evidence, source, pressure_uncertainty_mpa, p_low, p_high),
        Fact(role, "temperature", temperature_c, "degC", evidence, source, temperature_uncertainty_k, t_low, t_high),
        Fact(role, "time", time_s, "s", evidence, source, time_uncertainty_s),
    )


def porosity_facts(
    role: str,
    layer: str,
    *,
    before: Estimate,
    after: Estimate,
    decrease: Estimate,
    evidence: Evidence,
    source: str,
    final: bool = False,
    by_law_alone: bool = False,
) -> tuple[Fact, ...]:
    """A layer's porosity before and after one pressing and its rate of decrease, all in %.

    final says that nothing presses the laminate afterwards, so the value is the finished laminate's too. by_law_alone
    says that no measurement after the pressing has corrected the law.
    """
    subject = layer_subject(layer)
    places = [f"before_{role}", f"after_{role}", *(["laminate"] if final else [])]
    values = [before, after, after]
    porosities = (
        Fact(f"{subject}@{place}", "porosity", value, "%", evidence, source, uncertainty, by_law_alone=by_law_alone)
        for place, (value, uncertainty) in zip(places, values, strict=False)
    )
    name = f"{subject}@{role}"
    rate = Fact(
        name, "porosity_decrease_rate", decrease[0], "%", evidence, source, decrease[1], by_law_alone=by_law_alone
    )
    return (*porosities, rate)


def lab_porosity_facts(role: str, layer: str, porosity: Estimate, *, final: bool) -> tuple[Fact, ...]:
    """A laboratory's porosity of a layer as it is after one pressing; before it and the rate it has not seen."""
    value, uncertainty = porosity
    places = [f"after_{role}", *(["laminate"] if final else [])]
    subject = layer_subject(layer)
    return tuple(
        Fact(f"{subject}@{place}", "porosity", value, "%", Evidence.LAB, "the laboratory", uncertainty)
        for place in places
    )


def modulus_facts(
    role: str, layer: str, modulus_gpa: Estimate, *, evidence: Evidence, source: str, final: bool = False
) -> tuple[Fact, ...]:
    """A layer's composite modulus of elasticity after one pressing, GPa; final as in porosity_facts.

    Nothing on the line measures a modulus, so an estimate of it is always the law's alone.
    """
    subject = layer_subject(layer)
    places = [f"after_{role}", *(["laminate"] if final else [])]
    value, uncertainty = modulus_gpa
    law = evidence is Evidence.ESTIMATED
    return tuple(
        Fact(f"{subject}@{place}", "composite_modulus", value, "GPa", evidence, source, uncertainty, by_law_alone=law)
        for place in places
    )


def step_order_fact(roles: Sequence[str], evidence: Evidence, source: str) -> Fact:
    """The roles in the order in which they are (or were) carried out."""
    return Fact("line", "step_order", tuple(roles), "", evidence, source)


def role_as_claimed(step: Step, contents: Contents, laminate: Laminate) -> str:
    """A pressing step's role, with what it presses added where that is not what the role claims.

    The third joining is the one that the foils behind the last layer are joined in; the others come without them.
    """
    role = step.role or ""
    behind = set(foils_behind(laminate))
    with_electrode = bool(behind) and behind <= set(contents.foils)
    if set(contents.layers) == _JOINED.get(role) and with_electrode is (role == "join3"):
        return role
    return f"{role} of {' and '.join((*contents.layers, *contents.foils))}"


def foils_before(laminate: Laminate) -> tuple[str, ...]:
    """The foils on the cathode's side of all layers: the cathode collector."""
    return tuple(_until_layer(laminate.order, laminate))


def foils_behind(laminate: Laminate) -> tuple[str, ...]:
    """The foils on the far side of all layers: the negative electrode."""
    return tuple(reversed(list(_until_layer(reversed(laminate.order), laminate))))


def recipe_facts(recipe: Recipe, steps: Sequence[Step], lots: Mapping[str, Contents]) -> Iterator[Fact]:
    """What a recipe declares and commands; steps are ordered and lots hold the contents of each lot."""
    source = f"recipe {recipe.name}"
    yield from formulation_facts(recipe)  # holds what is declared: what is computed comes after it, and counts
    yield from laminate_facts(recipe)
    roles: list[str] = []
    for step in steps:
        press = step.press
        yield from commanded_facts(recipe, step, lots.get(step.produces or "", Contents((), ())).layers)
        if press is None or step.role is None:
            continue
        contents = lots.get(step.produces or "", Contents((), ()))
        roles.append(role_as_claimed(step, contents, recipe.laminate))
        yield from press_facts(
            step.role,
            evidence=Evidence.COMMANDED,
            source=f"{source}, {step.name}",
            method=press.method.value,
            pressure_mpa=press.pressure_mpa,
            temperature_c=press.temperature_c,
            time_s=press.dwell_s,
        )
    if roles:
        yield step_order_fact(roles, Evidence.DECLARED, source)


def laminate_facts(recipe: Recipe) -> Iterator[Fact]:
    """What a recipe's layers, components and their order say; nothing for a product without a cathode layer."""
    laminate, source = recipe.laminate, f"recipe {recipe.name}"
    if "cathode" not in laminate.layers:
        return
    yield Fact("laminate", "layer_order", tuple(_layer_order(laminate)), "", Evidence.DECLARED, source)
    collector = tuple(laminate.foils[name].material for name in foils_before(laminate))
    if collector:
        yield Fact("cathode_collector", "material", collector, "", Evidence.DECLARED, source)
    if (layer := laminate.layers.get("intermediate")) is not None:
        words = tuple(_MATERIAL_WORDS.get(c.role, c.material) for c in layer.components)
        yield Fact("intermediate_layer", "contains", words, "", Evidence.DECLARED, source)
    sizes = {subject: _particle_size(laminate, layer, role) for subject, layer, role in _PARTICLES}
    for subject, size in sizes.items():
        if size is not None:
            yield Fact(subject, "mean_particle_size", size, "um", Evidence.DECLARED, source)
    mixed = [sizes["amorphous_carbon_particle"], sizes["metal_particle"]]
    known = [size for size in mixed if size is not None]
    if len(known) == len(mixed):  # a mixture's mean lies between its components', so the larger one is a safe bound
        where = f"{source}, the largest of the mixture's components"
        yield Fact("intermediate_mixture_particle", "mean_particle_size", max(known), "um", Evidence.DECLARED, where)


def _particle_size(laminate: Laminate, layer: str, role: str) -> float | None:
    if layer not in laminate.layers:
        return None
    sizes = [c.mean_particle_size_um for c in laminate.layers[layer].components if c.role == role]
    known = [size for size in sizes if size is not None]
    return max(known) if known and len(known) == len(sizes) else None


def _layer_order(laminate: Laminate) -> Iterator[str]:
    before, behind = foils_before(laminate), foils_behind(laminate)
    if before:
        yield "cathode collector"
    for name in laminate.order[len(before) : len(laminate.order) - len(behind)]:
        yield _LAYER_WORDS.get(name, name)
    if behind:
        yield "negative electrode"


def _until_layer(names: Iterable[str], laminate: Laminate) -> Iterator[str]:
    for name in names:
        if name in laminate.layers:
            return
        yield name

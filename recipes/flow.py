"""Whether what the lots hold fits what the steps do with them, and whether the product is the laminate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from recipes.capability import place_of
from recipes.findings import Finding, listed
from recipes.lots import Contents, product
from recipes.model import PressMethod, Recipe, Step

_NOTHING = Contents((), ())


def flow_findings(recipe: Recipe, steps: Sequence[Step], lots: Mapping[str, Contents]) -> Iterator[Finding]:
    """Refusals of what cannot be done with the material at hand; steps are ordered."""
    for step in steps:
        held = [lots.get(lot, _NOTHING) for lot in step.consumes]
        yield from _doubled(step, held)
        yield from _slurries(step, held)
        if step.press is not None:
            yield from _pressed(step, held[0] if held else _NOTHING)
        if step.roll_press is not None:
            yield from _rolled(step, held[0] if held else _NOTHING)
        if step.task is not None:
            yield from _handled(step, held)
        if step.inspect is not None:
            yield from _inspected(step, held[0] if held else _NOTHING)
    yield from _product(recipe, steps, lots)


def _doubled(step: Step, held: Sequence[Contents]) -> Iterator[Finding]:
    layers = [layer for lot in held for layer in lot.layers]
    for layer in sorted({layer for layer in layers if layers.count(layer) > 1}):
        yield _refused(step, "consumes", f"the layer {layer} would be there twice")


def _slurries(step: Step, held: Sequence[Contents]) -> Iterator[Finding]:
    """Slurry is for coating, and a coating takes the slurry that it names."""
    for lot, content in zip(step.consumes, held, strict=True):
        if content.slurry is not None and step.coat is None:
            yield _refused(step, "consumes", f"{lot} is a slurry, it can only be coated")
        if step.coat is not None and content.slurry != step.coat.slurry.name:
            has = f"holds {content.slurry}" if content.slurry is not None else "holds no slurry"
            yield _refused(
                step, "consumes", f"{lot} {has}, and the step coats {step.coat.slurry.name or 'another one'}"
            )


def _rolled(step: Step, held: Contents) -> Iterator[Finding]:
    if len(held.layers) != 1:
        yield _refused(step, "consumes", f"a layer density is asked of a lot of {len(held.layers)} layers")
    if held.bagged:
        yield _refused(step, "consumes", f"{step.consumes[0]} is bagged, unbag it first")


def _pressed(step: Step, held: Contents) -> Iterator[Finding]:
    isostatic = step.press is not None and step.press.method is PressMethod.ISOSTATIC
    if isostatic and not held.bagged:
        yield _refused(step, "consumes", "the lot is not bagged, the medium would wet it")
    if not isostatic and held.bagged:
        yield _refused(step, "consumes", "the lot is still bagged, platens would burst the bag")


def _handled(step: Step, held: Sequence[Contents]) -> Iterator[Finding]:
    task = step.task
    if task is None:
        return
    foils = [foil for lot in held for foil in lot.foils]
    for foil in task.removes:
        if foil not in foils:
            yield _refused(step, "task.removes", f"there is no {foil} in {listed(step.consumes)}")
    bagged = any(lot.bagged for lot in held)
    if task.action == "unbag_and_dry" and not bagged:
        yield _refused(step, "consumes", f"{listed(step.consumes)} is not bagged")
    if task.action == "leak_test" and not bagged:
        yield _refused(step, "consumes", f"{listed(step.consumes)} is not bagged, there is nothing to test for leaks")
    if task.action not in ("unbag_and_dry", "leak_test") and bagged:
        yield _refused(step, "consumes", f"{listed(step.consumes)} is bagged, unbag it first")


def _inspected(step: Step, held: Contents) -> Iterator[Finding]:
    inspect = step.inspect
    if inspect is None:
        return
    if "weight" in inspect.measures and len(held.layers) != 1:
        count = f"{len(held.layers)} layers"
        yield _refused(step, "inspect.measures", f"the weight of a lot of {count} tells no coating weight")
    for layer in inspect.layers:
        if layer not in held.layers:
            yield _refused(step, "inspect.layers", f"there is no {layer} in {step.consumes[0]}")
    if held.bagged:
        yield _refused(step, "inspect.lot", f"{step.consumes[0]} is bagged, unbag it first")


def _product(recipe: Recipe, steps: Sequence[Step], lots: Mapping[str, Contents]) -> Iterator[Finding]:
    name = product(tuple(steps))
    if name is None:
        return
    held = lots[name]
    have, wanted = sorted((*held.layers, *held.foils)), sorted(recipe.laminate.order)
    maker = next(step for step in steps if step.produces == name)
    if held.slurry is None and have != wanted:
        lacking = [item for item in wanted if item not in have]
        extra = [item for item in have if item not in wanted]
        words = [f"lacks {listed(lacking)}"] if lacking else []
        words += [f"still has {listed(extra)}"] if extra else []
        what = f"the product {name!r} {' and '.join(words) or 'has something twice'}"
        yield _refused(maker, "produces", f"{what}, compared with laminate.order")
    elif held.slurry is not None:
        yield _refused(maker, "produces", f"the product {name!r} is a slurry, nothing is coated with it")
    elif held.bagged:
        yield _refused(maker, "produces", f"the product {name!r} is still bagged")


def _refused(step: Step, key: str, message: str) -> Finding:
    return Finding("refused", f"{step.name}: {message}", place_of(step, key))

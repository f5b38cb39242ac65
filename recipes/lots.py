"""Lots: who makes them, who uses them up, in which order steps can run, and what each lot holds.

An inspection looks at a lot and leaves it; it comes after the step that makes the lot and before the step that uses it
up. Every other step uses up what it consumes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recipes.findings import Finding, listed
from recipes.model import Laminate, Location, Recipe, Step, StepKind


@dataclass(frozen=True, slots=True)
class Contents:
    """What a lot holds: porous layers and foils in the laminate's order (support sheets last), and if it is bagged.

    slurry is the slurry's name where the lot is a mixed slurry.
    """

    layers: tuple[str, ...]
    foils: tuple[str, ...]
    bagged: bool = False
    slurry: str | None = None


def lot_findings(steps: tuple[Step, ...]) -> tuple[Finding, ...]:
    """Every mistake in the flow of lots: names, producers, users, cycles."""
    return (*_name_findings(steps), *_flow_findings(steps))


def ordered(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps in an order that lots allow; of several possible ones the first in the file comes first.

    Raises ValueError if there is none (a cycle); lot_findings tells it with its place.
    """
    done, stuck = _sorted(steps)
    if stuck:
        raise ValueError(f"no order is possible for {listed(step.name for step in stuck)}")
    return done


def contents(recipe: Recipe, steps: tuple[Step, ...]) -> Mapping[str, Contents]:
    """What every lot holds, from ordered steps."""
    lots: dict[str, Contents] = {}
    for step in steps:
        if step.produces is not None:
            lots[step.produces] = _made(step, recipe.laminate, lots)
    return lots


def product(steps: tuple[Step, ...]) -> str | None:
    """The lot that no step uses up; the last one made if there are several, None if no step makes a lot."""
    used = {lot for step in _users(steps) for lot in step.consumes}
    left = [step.produces for step in steps if step.produces is not None and step.produces not in used]
    return left[-1] if left else None


def _users(steps: tuple[Step, ...]) -> list[Step]:
    return [step for step in steps if step.kind is not StepKind.INSPECT]


def _made(step: Step, laminate: Laminate, lots: Mapping[str, Contents]) -> Contents:
    if step.task is not None and step.task.slurry is not None:
        return Contents((), (), slurry=step.task.slurry)
    taken = [lots[lot] for lot in step.consumes]
    layers = [layer for lot in taken for layer in lot.layers]
    foils = [foil for lot in taken for foil in lot.foils]
    bagged = any(lot.bagged for lot in taken)
    if step.coat is not None:
        layers, foils = [step.coat.layer], [step.coat.substrate]
    elif step.task is not None:
        for foil in step.task.removes:
            if foil in foils:
                foils.remove(foil)
        foils += step.task.adds
        bagged = {"bag": True, "unbag_and_dry": False}.get(step.task.action, bagged)
    place = {name: number for number, name in enumerate(laminate.order)}
    return Contents(
        tuple(sorted(layers, key=lambda name: place.get(name, len(place)))),
        tuple(sorted(foils, key=lambda name: place.get(name, len(place)))),
        bagged,
    )


def _name_findings(steps: tuple[Step, ...]) -> list[Finding]:
    found: list[Finding] = []
    names: dict[str, Location] = {}
    roles: dict[str, str] = {}
    for step in steps:
        place = step.locations.get("name", step.location)
        if step.name in names:
            found.append(_error(place, f"a step named {step.name!r} is already in line {names[step.name].line}"))
        names.setdefault(step.name, place)
        if step.role is not None:
            place = step.locations.get("role", step.location)
            if step.role in roles:
                found.append(_error(place, f"{step.name}: {roles[step.role]!r} already has the role {step.role}"))
            roles.setdefault(step.role, step.name)
    return found


def _flow_findings(steps: tuple[Step, ...]) -> list[Finding]:
    found: list[Finding] = []
    makers: dict[str, Step] = {}
    users: dict[str, Step] = {}
    for step in steps:
        if step.produces is not None:
            if step.produces in makers:
                what = f"the lot {step.produces!r} is already produced by {makers[step.produces].name!r}"
                found.append(_error(step.locations.get("produces", step.location), what))
            makers.setdefault(step.produces, step)
    for step in steps:
        for number, lot in enumerate(step.consumes, start=1):
            if lot not in makers:
                found.append(_error(_place(step, number), f"{step.name}: no step produces the lot {lot!r}"))
    for step in _users(steps):
        for number, lot in enumerate(step.consumes, start=1):
            if lot in users:
                what = f"{step.name}: the lot {lot!r} is already used up by {users[lot].name!r}"
                found.append(_error(_place(step, number), what))
            users.setdefault(lot, step)
    if found:
        return found
    _, stuck = _sorted(steps)
    if stuck:
        names = listed(step.name for step in stuck)
        return [_error(stuck[0].location, f"these steps wait for each other's lots: {names}")]
    left = [step for step in steps if step.produces is not None and step.produces not in users]
    end = product(steps)
    return [
        _error(step.locations.get("produces", step.location), f"the lot {step.produces!r} is never used")
        for step in left
        if step.produces != end
    ]


def _sorted(steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The steps that can run, in order, and those that never can."""
    makers = {step.produces: step.name for step in steps if step.produces is not None}
    inspections: dict[str, list[str]] = {}
    for step in steps:
        if step.kind is StepKind.INSPECT:
            for lot in step.consumes:
                inspections.setdefault(lot, []).append(step.name)
    needs = {step.name: {makers[lot] for lot in step.consumes if lot in makers} for step in steps}
    for step in _users(steps):
        needs[step.name] |= {name for lot in step.consumes for name in inspections.get(lot, [])}
    waiting = list(steps)
    done: list[Step] = []
    finished: set[str] = set()
    while True:
        number = next((n for n, step in enumerate(waiting) if needs[step.name] <= finished), None)
        if number is None:
            return tuple(done), tuple(waiting)
        step = waiting.pop(number)
        done.append(step)
        finished.add(step.name)


def _place(step: Step, number: int) -> Location:
    return (
        step.locations.get(f"consumes[{number}]")
        or step.locations.get("consumes")
        or step.locations.get("inspect.lot")
        or step.location
    )


def _error(place: Location, message: str) -> Finding:
    return Finding("error", message, place)

"""Maximum waiting times between steps: which step's end each counts from, and whether a plan can keep them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from recipes.findings import Finding
from recipes.model import Step, StepKind


@dataclass(frozen=True, slots=True)
class WaitLimit:
    """`step` is to begin within time_s (s) of the end of the step `after`."""

    step: str
    after: str
    time_s: float


def wait_limits(steps: Sequence[Step]) -> tuple[WaitLimit, ...]:
    """Every maximum wait of a recipe; one that names no step counts from each that made a lot which is used."""
    makers = {step.produces: step.name for step in steps if step.produces is not None}
    found: list[WaitLimit] = []
    for step in steps:
        for within in step.within:
            named = [within.of] if within.of is not None else [makers[lot] for lot in step.consumes if lot in makers]
            found += [WaitLimit(step.name, name, within.time_s) for name in named]
    return tuple(found)


def tight_findings(steps: Sequence[Step], predicted_s: Mapping[str, float]) -> Iterator[Finding]:
    """Maximum waits that a run of these ordered steps can hardly keep: what comes between takes longer as predicted."""
    place = {step.name: number for number, step in enumerate(steps)}
    for limit in wait_limits(steps):
        step = steps[place[limit.step]]
        between_s = sum(predicted_s[other.name] for other in steps[place[limit.after] + 1 : place[limit.step]])
        if between_s > limit.time_s:
            what = f"{limit.step}: begins {between_s / 60:.0f} min after {limit.after} as predicted"
            where = step.locations.get(f"within[{limit.after}].time") or step.locations.get("within", step.location)
            yield Finding("consistency", f"{what}, not within {limit.time_s / 60:g} min", where)


def before(steps: Sequence[Step]) -> dict[str, frozenset[str]]:
    """By step, all that must have ended before it begins because of the lots; an inspection holds its lot back."""
    makers = {step.produces: step.name for step in steps if step.produces is not None}
    looks = {lot: [s.name for s in steps if s.kind is StepKind.INSPECT and lot in s.consumes] for lot in makers}
    direct: dict[str, set[str]] = {}
    for step in steps:
        names = {makers[lot] for lot in step.consumes if lot in makers}
        if step.kind is not StepKind.INSPECT:
            names |= {name for lot in step.consumes for name in looks.get(lot, ())}
        direct[step.name] = names
    return {step.name: _all_before(step.name, direct) for step in steps}


def _all_before(name: str, direct: Mapping[str, Set[str]]) -> frozenset[str]:
    """What can be reached from a step; a recipe may be wrong, so that its lots go in a circle."""
    found: set[str] = set()
    left = list(direct[name])
    while left:
        other = left.pop()
        if other not in found:
            found.add(other)
            left += direct[other]
    return frozenset(found)


def wait_findings(steps: tuple[Step, ...]) -> Iterator[Finding]:
    """Mistakes: a maximum wait that counts from a step that is not there, or that need not come before."""
    names = {step.name for step in steps}
    earlier = before(steps)
    for step in steps:
        for number, within in enumerate(step.within, start=1):
            place = (
                step.locations.get(f"within[{within.of or number}].of")
                or step.locations.get(f"within[{number}].time")
                or step.locations.get("within", step.location)
            )
            if within.of is None:
                if not earlier[step.name]:
                    yield Finding("error", f"{step.name}: uses no lot whose making a wait could count from", place)
            elif within.of not in names:
                yield Finding("error", f"{step.name}: there is no step {within.of!r} to wait after", place)
            elif within.of not in earlier[step.name]:
                what = f"{step.name}: waits after {within.of!r}, which need not come before it"
                yield Finding("error", what, place)

"""The sequence of a warm isostatic pressing, as data: who does what, in which order, and what proves it.

People bag and unbag, the press closes and pressurises: its phases follow each other in its own controller
(docs/reference/machines/isostatic-press-generic.md, Job), which no recipe can reorder. What people do is steps of the
recipe, and those a recipe can forget: they are checked when it is planned, and again before the press is loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from recipes.capability import place_of
from recipes.findings import Finding
from recipes.model import PressMethod, Step, StepKind


class By(StrEnum):
    """Who carries a part of the sequence out."""

    TASK = "task of the recipe"
    PROMPT = "prompt of the pressing step"
    MACHINE = "the press's own controller"
    INSPECTION = "inspection of the recipe"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the sequence: what is done, who does it, and what proves that it was done."""

    name: str
    by: By
    proof: str


SEQUENCE: tuple[Part, ...] = (
    Part("bag", By.TASK, "the step with action: bag is finished; the lot is bagged"),
    Part("leak test", By.TASK, "the step with action: leak_test is finished; the press's bag_ok is on before the job"),
    Part("load", By.PROMPT, "the prompt is answered; start is refused with nothing_loaded otherwise"),
    Part("close", By.MACHINE, "phase prepare"),
    Part("lock", By.MACHINE, "phase prepare; closure_locked and yoke_in_place are on"),
    Part("fill and vent", By.MACHINE, "phase prepare; fill_level_pct is 100, the air is driven out by the medium"),
    Part("soak", By.MACHINE, "phase prepare; soak_elapsed_s reaches soak_s with the medium in its band"),
    Part("pressurise", By.MACHINE, "phase ramp; both pressure sensors"),
    Part("dwell", By.MACHINE, "phase dwell; dwell_elapsed_s, cross-checked"),
    Part("staged decompression", By.MACHINE, "phase release; the job's rate, below 50 MPa the final rate"),
    Part("proven zero", By.MACHINE, "phase release; zero_pressure_switch and vent_open are on"),
    Part("drain", By.MACHINE, "phase release; fill_level_pct is 0"),
    Part("unlock", By.MACHINE, "phase release; closure_locked is off, then COMPLETE"),
    Part("unload", By.PROMPT, "the prompt is answered; it is asked after reset, which needs proven zero"),
    Part("unbag", By.TASK, "the step with action: unbag_and_dry is finished"),
    Part("inspect for ingress", By.INSPECTION, "an inspection of the unbagged lot; a wet one is heavier and thicker"),
)
"""In this order. The press drains after zero is proven, as a full vessel under pressure cannot be drained."""


def sequence_findings(steps: Sequence[Step]) -> Iterator[Finding]:
    """What the recipe's isostatic pressings lack before and after them, each at its place. Steps are ordered.

    A lot that is never unbagged is refused: what it has become cannot be known. A leak test or an inspection that is
    lacking is advice: the press itself sees a bag that has lost its vacuum. Each may be left out if the recipe says
    why; a bag may not: without one the medium wets the laminate, whatever the reason.
    """
    for step in steps:
        if step.press is None:
            continue
        if step.press.method is not PressMethod.ISOSTATIC:
            if step.press.leaves_out:
                what = f"{step.name}: leaves_out says nothing here, a uniaxial pressing has no bag"
                yield Finding("advice", what, place_of(step, "press.leaves_out"))
            continue
        left_out = {item.what for item in step.press.leaves_out}
        before, after = [other.task.action for other in _before(steps, step) if other.task], _unbagged(steps, step)
        if "leak_test" not in before and "leak_test" not in left_out:
            yield _finding(
                "advice", step, "consumes", "the bag is not tested for leaks between bagging and pressing", "leak_test"
            )
        if after is None:
            if "unbag_and_dry" not in left_out:
                yield _finding("refused", step, "produces", "its lot is never taken out of the bag", "unbag_and_dry")
        elif "inspect" not in left_out and not _is_inspected(steps, after.produces):
            what = f"nobody looks at {after.produces} for medium that got in"
            yield _finding("advice", after, "produces", what, "inspect")


def undone_before(steps: Sequence[Step], name: str, finished: Collection[str]) -> list[str]:
    """What has to be done before an isostatic pressing and is not, in words; nothing for any other step."""
    step = next((step for step in steps if step.name == name), None)
    if step is None or step.press is None or step.press.method is not PressMethod.ISOSTATIC:
        return []
    needed = {other.name: other.task.action for other in _before(steps, step) if other.task is not None}
    undone = [
        f"is not loaded: {other!r} comes first and is not done"
        for other, action in needed.items()
        if action in _IN_THE_BAG and other not in finished
    ]
    return undone if "bag" in needed.values() else [*undone, f"is not loaded: nothing was bagged for {name!r}"]


_IN_THE_BAG = ("bag", "leak_test")


def _before(steps: Sequence[Step], step: Step) -> list[Step]:
    """The steps from the one that bags the lot to this pressing, last first; up to the first lot if nothing bags it."""
    makers = {other.produces: other for other in steps if other.produces is not None}
    found: list[Step] = []
    maker = makers.get(step.consumes[0])
    while maker is not None and maker not in found:
        found.append(maker)
        if (maker.task is not None and maker.task.action == "bag") or len(maker.consumes) != 1:
            break
        maker = makers.get(maker.consumes[0])
    return found


def _unbagged(steps: Sequence[Step], step: Step) -> Step | None:
    """The task that takes this step's product out of its bag; None if none does."""
    users = {lot: other for other in steps if other.kind is not StepKind.INSPECT for lot in other.consumes}
    lot, seen = step.produces, {step.name}
    while lot is not None and (user := users.get(lot)) is not None and user.name not in seen:
        if user.task is not None and user.task.action == "unbag_and_dry":
            return user
        seen.add(user.name)
        lot = user.produces
    return None


def _is_inspected(steps: Sequence[Step], lot: str | None) -> bool:
    return any(step.kind is StepKind.INSPECT and lot in step.consumes for step in steps)


def _finding(level: str, step: Step, key: str, what: str, word: str) -> Finding:
    hint = f"add the step, or say why under press.leaves_out ({word})"
    place = place_of(step, key)
    if level == "refused":
        return Finding("refused", f"{step.name}: {what}; {hint}", place)
    return Finding("advice", f"{step.name}: {what}; {hint}", place)

"""What is asked of people: one prompt at a time, with the lots it is about and the values it wants back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from recipes.model import Entry, Foil, Layer, Slurry

ANSWER_WITHIN_S = 900.0  # ten times what the slowest task at the line takes a practised person (engineering judgement)
ESCALATION = ((1.0, "operator"), (2.0, "shift lead"), (4.0, "plant manager"))
"""Who is told of a prompt that nobody answers, after how many times its within_s (engineering judgement)."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One task. Lots, unit and the foils that are added or removed are what is checked; text is what is shown.

    is_optional says that values may be left out: what was not measured stays unknown. is_again says that the task is
    done and only its values are asked for once more; the lots are still named as they were before it. within_s is how
    long an answer may take before somebody is told. zones_m are the lengths of dryer that a coating wants.
    may_be_done: a controller that died had asked for it already, and nobody knows whether it was done; what is done is
    left as it is. choices are what a person decides between; the answer is one of them. of_run is the run whose lots
    those named are where they are not the asking run's own; sheets is how many a coated web is to be cut into.
    """

    action: str
    text: str
    consumes: tuple[str, ...] = ()
    produces: str | None = None
    unit: str | None = None
    entries: tuple[Entry, ...] = ()
    layer: Layer | None = None
    slurry: Slurry | None = None
    adds: tuple[Foil, ...] = ()
    removes: tuple[str, ...] = ()
    area_mm2: float | None = None
    is_optional: bool = False
    is_again: bool = False
    within_s: float = ANSWER_WITHIN_S
    zones_m: tuple[float, ...] | None = None
    may_be_done: bool = False
    choices: tuple[str, ...] = ()
    of_run: str = ""
    sheets: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person did: the entered values in the entries' units, and their standard uncertainties where known.

    lots are those that the person stated or scanned, None for a person who cannot; choice is what was decided, why is
    the person's reason.
    """

    by: str
    values: Mapping[str, float]
    uncertainties: Mapping[str, float]
    lots: tuple[str, ...] | None = None
    choice: str | None = None
    why: str = ""


class TaskImpossible(Exception):
    """The person says that the task cannot be done, and why. A retry makes sense when the reason is gone."""


class Person(Protocol):
    """Whoever does the tasks: somebody at a terminal or the simulated operator."""

    async def perform(self, prompt: Prompt) -> Answer:
        """Returns when the task is done; raises TaskImpossible. May be cancelled when the run stops."""
        ...

"""What is asked of people: one prompt at a time, with the lots it is about and the values it wants back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from recipes.model import Entry, Foil, Layer, Slurry


@dataclass(frozen=True, slots=True)
class Prompt:
    """One task. Lots, unit and the foils that are added or removed are what is checked; text is what is shown.

    is_optional says that values may be left out: what was not measured stays unknown.
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person did: the entered values in the entries' units, and their standard uncertainties where known."""

    by: str
    values: Mapping[str, float]
    uncertainties: Mapping[str, float]


class TaskImpossible(Exception):
    """The person says that the task cannot be done, and why. A retry makes sense when the reason is gone."""


class Person(Protocol):
    """Whoever does the tasks: somebody at a terminal or the simulated operator."""

    async def perform(self, prompt: Prompt) -> Answer:
        """Returns when the task is done; raises TaskImpossible. May be cancelled when the run stops."""
        ...

"""What the composition root gives the service: where plans come from, who does the tasks, how it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from controller.executor.prompts import Person
from controller.service.orders import Leave
from controller.session import Truth
from recipes.plan import Plan

SETTLE_S = 1800.0
"""Loop seconds that stopped runs may take until their machines are proven to be at rest when the service ends: staged
decompression from 1,000 MPa takes minutes, an oven's vapour a minute (engineering judgement)."""
REMEMBERED = 100
"""Runs that have ended and are still shown; older ones are in the journal (engineering judgement)."""


class PlanSource(Protocol):
    """Where approved plans come from."""

    async def approved(self, recipe: str, version: int | None) -> tuple[Plan, Mapping[str, Any]]:
        """The plan that may be run on this line, and who approved it, for the run's record.

        Raises NotApproved, VersionUnknown, WordsUnusable, Refused or RecipeErrors: there is none; StoreUnusable,
        StoreBusy or StoreDamaged: it cannot be looked up.
        """
        ...


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How a line is hosted.

    name is the line's. name_run makes the name of a new run, a different one with each call. simulation says for the
    record that machines are simulated, and how; None for real machines, which run approved plans only. operator does
    the tasks of a simulated line; None: people do, by LineService.answer. truth gives a simulated lot's truth. people
    is how many are at the line. two_sign: a bypass needs a second person's signature. leave is what becomes of the runs
    when the service ends without being told. speed is how fast the loop's clock runs beside the wall's.
    """

    name: str
    name_run: Callable[[], str]
    plans: PlanSource | None = None
    simulation: Mapping[str, Any] | None = None
    operator: Person | None = None
    truth: Truth | None = None
    people: int = 1
    speed: float = 1.0
    two_sign: bool = True
    leave: Leave = Leave.HOLD
    settle_s: float = SETTLE_S
    remembered: int = REMEMBERED

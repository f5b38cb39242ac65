"""From a fault's name and a seed to one run: unit, moment, strength, duration and people are drawn."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

from simulators.faults import FAULTS, Injection
from tests.campaign.fault_cases import OWN_CASES, Case
from tests.campaign.fault_stage import Act, Stage
from tests.campaign.fault_wire_cases import ALL_CASES

PEOPLE = ("absent", "mends", "late")


UNPLUGGED_S = 1.0
"""Long enough that the driver sees it, too short for a machine's watchdog."""


@dataclass(slots=True)
class FromPanel:
    """A fault of the catalogue, injected through the line's own panel.

    reconnects: the plug is pulled and put back then, as happens where one controller is exchanged for another.
    stranger: a lot of which there is another one on the line then, which nobody has pressed.
    """

    injection: Injection
    reconnects: bool = False
    stranger: str = ""
    number: int | None = None

    def inject(self, stage: Stage) -> None:
        self.number = stage.simulated.faults.inject(self.injection)
        if self.stranger:
            other = deepcopy(stage.simulated.world.lot(self.stranger))
            other.name = f"another {self.stranger}"
            stage.simulated.world.put(other)
        if self.reconnects and self.injection.unit is not None:
            transport = stage.transport(self.injection.unit)
            transport.unplug()
            asyncio.get_running_loop().call_later(UNPLUGGED_S, transport.plug)

    def clear(self, stage: Stage) -> None:
        if any(active.number == self.number for active in stage.simulated.faults.active):
            stage.simulated.faults.clear(self.number)


class Silent:
    """The controller is heard by no machine any more, and hears none."""

    def inject(self, stage: Stage) -> None:
        for unit in stage.line.machines:
            stage.transport(unit).unplug()

    def clear(self, stage: Stage) -> None:
        for unit in stage.line.machines:
            stage.transport(unit).plug()


def drawn(fault: str, seed: int) -> tuple[Stage, Case]:
    """The run of this fault and seed, and the case that it is one of."""
    chance = Random(f"{fault}:{seed}")
    cases = ALL_CASES[fault]
    case = cases[(seed - 1) % len(cases)] if seed > 0 else chance.choice(cases)
    moment = case.moments[(seed - 1) // len(cases) % len(case.moments)]
    sizes: dict[str, Any] = {}
    for name, size in case.sizes.items():
        sizes[name] = chance.choice(size) if isinstance(size[0], str) else chance.uniform(*size)
    needs_person = FAULTS[fault].needs_person if fault in FAULTS else True
    act = Act(
        fault=fault,
        unit=case.unit,
        trigger_unit=moment.unit,
        phase=moment.phase,
        after_s=chance.uniform(*moment.after_s),
        duration_s=None if case.duration_s is None else chance.uniform(*case.duration_s),
        deed=Silent() if fault in OWN_CASES else _from_panel(fault, seed, case, sizes),
        needs_person=needs_person if case.told is None else case.told,
        cause=case.cause,
        within_s=case.within_s,
        spoils=case.spoils,
        visit=chance.choice(moment.visits),
    )
    return Stage(case.recipe, seed, act, PEOPLE[seed % len(PEOPLE)], is_wired=case.is_wired), case


def _from_panel(fault: str, seed: int, case: Case, sizes: dict[str, Any]) -> FromPanel:
    unit = case.unit if FAULTS[fault].needs_unit else None
    injection = Injection(fault, unit, parameters=sizes, seed=seed)
    return FromPanel(injection, reconnects=case.reconnects, stranger=case.stranger)

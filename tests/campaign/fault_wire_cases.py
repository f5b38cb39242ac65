"""The campaign's cases of wires: one damaged answer, which nobody notices, and bursts, which are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from simulators.faults import FAULTS
from tests.campaign.fault_cases import (
    ANYTHING,
    BEFORE,
    CASES,
    COATER,
    COATING,
    COMPLETE,
    ISOSTATIC,
    OWN_CASES,
    UNIAXIAL,
    WORKING,
    Case,
    Size,
)

_GLITCH: Mapping[str, Size] = {"share": (1.0, 1.0), "times": (1.0, 1.0), "of": ("reads",)}
_BURST: Mapping[str, Size] = {"share": (1.0, 1.0), "of": ("any",)}
_BURST_S = (8.0, 25.0)
_LINE = r"answer|value|connect|wire|line|unknown|uncertain|sent"
"""What a line that does not work is told as."""


def _glitch(unit: str) -> Case:
    """One damaged answer to a poll: the run does not notice."""
    recipe = "coat" if unit == COATER else "press"
    when = COATING if unit == COATER else WORKING[unit]
    return Case(unit, when, recipe=recipe, sizes=_GLITCH, ends=COMPLETE, told=False, why="one poll", is_wired=True)


def _burst(unit: str, *, told: bool) -> Case:
    """Every answer is damaged for longer than values stay fresh."""
    recipe = "coat" if unit == COATER else "press"
    why = "longer than values stay fresh: held, and told" if told else "the line may live with it"
    return Case(
        unit, WORKING[unit], _LINE, 12.0, recipe, _BURST, _BURST_S, ends=ANYTHING, told=told, why=why, is_wired=True
    )


def _wire(*units: str, told: bool) -> tuple[Case, ...]:
    """Alternately one damaged answer and a burst of them, on each unit."""
    return tuple(case for unit in units for case in (_glitch(unit), _burst(unit, told=told)))


def _written(*sizes: str) -> tuple[Case, ...]:
    """One write after a moment before a job is loaded: read back, never sent twice; unknown is a hold."""
    return tuple(
        Case(
            unit,
            when,
            sizes={"share": (1.0, 1.0), "times": (1.0, 1.0), "of": (of,)},
            ends=ANYTHING,
            told=False,
            why="what was written is read back; only what stays unknown is told",
            is_wired=True,
        )
        for of in sizes
        for unit, when in BEFORE.items()
    )


_EVERY = (UNIAXIAL, ISOSTATIC, COATER)
_DEADLY = ("lost_byte", "corrupt", "late", "other_unit", "other_function", "other_length", "dead_unit", "slow")
_BEARABLE = ("stray_byte", "doubled_byte", "split", "glued", "echo", "noise")
WIRE_CASES: Mapping[str, tuple[Case, ...]] = {
    **{f"wire.{name}": _wire(*_EVERY, told=True) for name in _DEADLY},
    **{f"wire.{name}": _wire(*_EVERY, told=False) for name in _BEARABLE},
    "wire.half_open": _wire(ISOSTATIC, told=False),
    "wire.no_transaction": _wire(ISOSTATIC, told=True),
    "wire.reset": tuple(replace(case, ends=ANYTHING) for case in _wire(*_EVERY, told=True)),
    "wire.write_answer_lost": _written("commands", "jobs"),
    "wire.write_refused_but_done": _written("commands", "jobs"),
    "wire.write_partly_done": _written("jobs", "commands"),
    "wire.write_echo_differs": _written("commands", "jobs"),
}
ALL_CASES: Mapping[str, tuple[Case, ...]] = {**WIRE_CASES, **CASES, **OWN_CASES}


def played_faults() -> tuple[str, ...]:
    """The faults that the campaign plays: the catalogue's in its order, then its own."""
    return (*(name for name in FAULTS if name in ALL_CASES), *OWN_CASES)

"""What a person at the line does wrong, and how fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class PeopleDisturbances:
    """Of the simulated operator; the defaults are a practised person who makes no mistake.

    pace: seconds taken, over those of a practised person. wrong_lot: another lot than the one asked for is taken, where
    there is one. double_press: everything is tried a second time at once. unanswered: prompts wait.
    entry_factor: measurements are entered this many times too high (10 is a slipped point). area_factor: the same for
    areas. lab_other_lot: a laboratory value is another lot's.
    wet_mg_cm2: oil that a laminate carries when it is weighed.
    """

    pace: float = 1.0
    wrong_lot: bool = False
    double_press: bool = False
    unanswered: bool = False
    entry_factor: float = 1.0
    area_factor: float = 1.0
    lab_other_lot: bool = False
    wet_mg_cm2: float = 0.0

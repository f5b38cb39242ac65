"""Which of many refusals are recorded: whoever is refused by the thousand must not fill the journal's disk."""

from __future__ import annotations

from controller.accounts.errors import LockedOut
from controller.accounts.lockout import Throttle

OWN, OWN_EVERY_S = 20, 30.0
"""Of one person or address so many at once, then one in that time (engineering judgement)."""
ALL, ALL_EVERY_S = 200, 10.0
"""Of everybody together: some 8,700 a day, 5 MB of records (engineering judgement)."""
KEPT = 1_000


class Sparing:
    """Says which refusal is recorded, and counts the others."""

    def __init__(self) -> None:
        self._own, self._all = Throttle(OWN, OWN_EVERY_S, KEPT), Throttle(ALL, ALL_EVERY_S)
        self._left_out = 0

    def takes(self, whose: str, now_s: float) -> bool:
        """Whether the next refusal of a person or an address is recorded; it is counted either way."""
        try:
            self._own.check(whose, now_s)
            self._all.check("", now_s)
        except LockedOut:
            self._left_out += 1
            return False
        self._own.count(whose, now_s)
        self._all.count("", now_s)
        return True

    def left_out(self) -> int:
        """How many were not recorded since this was asked last."""
        count, self._left_out = self._left_out, 0
        return count

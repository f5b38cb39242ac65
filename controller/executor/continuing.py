"""Whether a held pressing may go on: what the law of compaction, the recipe and the rules on times and windows allow.

The law adds dwells up and never goes back, so a dwell may be cut into pieces. What it cannot mend is told here: a
temperature that was outside its claim under pressure, a pressure that was missing for longer than the step allows, a
pressing time that a rule bounds. docs/explanation/dwell-after-a-hold.md says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from controller.executor.windows import PressWatch
from drivers.errors import BadQuality
from drivers.reading import Snapshot
from recipes.model import Press
from recipes.rules.rule import Relation, Rule, Stage
from recipes.rules.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a held job does not go on. offers_again: it never will, and a new pressing may be asked for instead."""

    why: str
    offers_again: bool = False


class PressAgain(Exception):
    """The held job is gone, and a person wants the lot pressed again."""


class Continuation(Protocol):
    """What is to be asked before a held job goes on."""

    def against_going_on(self, last: Snapshot) -> Refusal | None:
        """Why the job must not go on now, if so; `last` is the newest snapshot."""
        ...

    def against_pressing_again(self) -> str | None:
        """Why the lot must not be pressed by a new job, if so."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether all that the job was to do is done and on record; only its release may be left."""
        ...


@dataclass(frozen=True, slots=True)
class PressContinuation:
    """The continuation of one pressing. spent_s is the time under pressure of earlier jobs on this lot in this step.

    tell gets what a rule only advises.
    """

    press: Press
    watch: PressWatch
    times: tuple[Rule, ...]
    tell: Callable[[str], None]
    spent_s: float = 0.0

    def against_going_on(self, last: Snapshot) -> Refusal | None:
        """What is final comes first; what may pass, such as a platen that cools down again, comes last."""
        watch = self.watch
        if watch.left_claim is not None:
            return Refusal(f"{watch.left_claim}, under pressure; that cannot be mended")
        left_s = self.press.dwell_s - (watch.dwell_seen_s or 0.0)
        if (why := self._too_long(self.pressed_s + left_s)) is not None:
            return Refusal(why)
        if watch.below_s > self.press.hold_limit_s:
            limit = f"the step allows {self.press.hold_limit_s:g} s"
            return Refusal(f"{watch.unit}: the pressure was missing for {watch.below_s:.0f} s, {limit}", True)
        return self._temperature_now(last)

    def against_pressing_again(self) -> str | None:
        return self._too_long(self.pressed_s + self.press.dwell_s)

    @property
    def is_whole(self) -> bool:
        return self.watch.reached is not None

    @property
    def pressed_s(self) -> float:
        """Time under pressure so far: dwells and the holds between them."""
        return self.spent_s + (self.watch.dwell_seen_s or 0.0) + self.watch.held_s

    def _too_long(self, total_s: float) -> str | None:
        """What a rule says of the pressing time that would come of it; advice is told and refuses nothing."""
        for rule in self.times:
            if rule.upper is None or total_s <= rule.upper + (rule.resolution or 0.0) / 2:
                continue
            what = f"{self.watch.unit}: {total_s:.1f} s of pressing would come of it, {rule.bound_words}"
            words = f"{what} is asked ({rule.id}, {rule.source})"
            if rule.severity.binding:
                return words
            self.tell(words)
        return None

    def _temperature_now(self, last: Snapshot) -> Refusal | None:
        """A job goes on only inside its window; before the pressure is raised, the machine heats up to it itself."""
        if not self.watch.is_building:
            return None
        window, unit = self.press.temperature_window_c, self.watch.unit
        try:
            low, high = self.watch.view.temperatures_c(last)
        except BadQuality as error:
            return Refusal(f"{unit}: its temperature cannot be read: {error}")
        if window.holds(low) and window.holds(high):
            return None
        worst = low if not window.holds(low) else high
        limits = f"{window.lower:g} to {window.upper:g} degC"
        return Refusal(f"{unit}: temperature {worst:.1f} degC is outside {limits}; restart once it is inside again")


def claimed_times(rules: Rulebook, role: str | None) -> tuple[Rule, ...]:
    """The rules on how long a pressing of this role lasts, binding ones first."""
    if role is None:
        return ()
    found = [
        rule
        for rule in rules.rules
        if {Stage.DURING_STEP, Stage.AFTER_STEP} & rule.stages
        and (rule.subject, rule.quantity, rule.relation, rule.unit) == (role, "time", Relation.RANGE, "s")
    ]
    return tuple(sorted(found, key=lambda rule: not rule.severity.binding))

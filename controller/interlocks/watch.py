"""Watching the interlocks of one machine through one job: what trips, what came first, and which bypasses were used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from controller.interlocks.judging import Broken, broken, told, tripped
from controller.interlocks.matrix import rows_of
from controller.interlocks.row import Effect, Latch
from drivers.errors import BadQuality
from drivers.profile import Profile
from drivers.reading import Snapshot

Tell: TypeAlias = Callable[[str, Mapping[str, Any]], object]
InForce: TypeAlias = Callable[[], Collection[str]]
Counted: TypeAlias = Callable[[Sequence[str]], object]


@dataclass(frozen=True, slots=True)
class Trip:
    """What a snapshot asks of the run: HOLD or STOP, why in words, and which rows broke with it."""

    effect: Effect
    reason: str
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Quick:
    """All bits that a phase asks for at once, by signal: which must be on, and all that are looked at."""

    masks: tuple[tuple[str, int, int], ...]
    others: tuple[Callable[[Snapshot], bool], ...]

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether every row of the phase holds; False also for what cannot be judged, or is not shown: look closer."""
        try:
            for signal, on, looked_at in self.masks:
                if int(snapshot.value(signal)) & looked_at != on:
                    return False
            for holds in self.others:
                if not holds(snapshot):
                    return False
        except (BadQuality, KeyError):
            return False
        return True


@dataclass(slots=True)
class InterlockWatch:
    """The interlocks of one machine.

    in_force gives the names of the rows that are bypassed now, counted is told those of them that did not hold and let
    the machine go on; tell notes events in the run. A cascade begins with the first snapshot in which a row does not
    hold and ends when all hold again: what came first is kept that long. A row that was tripped and is still broken
    after a restart does not trip again: the restart was decided knowing it, and a row that must not be restarted with
    is a permissive of the restart too.
    """

    unit: str
    profile: Profile
    tell: Tell
    in_force: InForce = tuple
    counted: Counted = list
    first: tuple[str, ...] = ()
    _cascade: list[str] = field(default_factory=list)
    _known: frozenset[str] = frozenset()
    _quick: dict[str, _Quick] = field(default_factory=dict)

    def look(self, snapshot: Snapshot) -> Trip | None:
        """What this snapshot asks of a run that goes on; None if nothing that is not known already."""
        try:
            phase = snapshot.text("phase")
        except BadQuality as error:
            return Trip(Effect.HOLD, str(error), ())  # without its phase no interlock can be judged
        bypassed = self.in_force()
        if not (bypassed or self._cascade) and (self._quick.get(phase) or self._quickly(phase)).holds(snapshot):
            if self._known:
                self._settle(snapshot)
            return None
        items = tripped(self.profile.kind, snapshot, phase)
        self.counted([item.row.name for item in items if item.row.name in bypassed])
        items = [item for item in items if item.row.name not in bypassed]
        self._settle(snapshot)
        fresh = [item for item in items if item.row.name not in self._known]
        told_of = {*self._cascade, *self._known}
        later = [item for item in (*items, *self._followers(phase, snapshot)) if item.row.name not in told_of]
        if later:
            self._note(later, phase, snapshot)
        if not fresh:
            return None
        effect = Effect.STOP if any(item.effect is Effect.STOP for item in fresh) else Effect.HOLD
        reason = f"{self.unit}: {told(fresh, snapshot)}{self._after(fresh)}"
        return Trip(effect, reason, tuple(item.row.name for item in fresh))

    def _followers(self, phase: str, snapshot: Snapshot) -> list[Broken]:
        """Alarms that a machine has latched in the course of a cascade, though it works no more by now."""
        if not self._cascade:
            return []
        latched = [row for row in rows_of(self.profile.kind) if row.latch is Latch.MACHINE and phase not in row.phases]
        return [item for item in broken(latched, snapshot) if item.doubt is None]

    def restarted(self) -> None:
        """A person restarts knowing what is broken now."""
        self._known |= frozenset(self._cascade)
        self._over("restarted although it is known")

    def ended(self) -> None:
        """The job is over, and nobody looks any more: the next one that trips is a new condition."""
        self._over("its job is over")

    @property
    def first_out(self) -> str:
        """Which row came first, for the end of a reason; empty while all hold."""
        return f"; first out: {_together(self.first)}" if self.first else ""

    def _after(self, fresh: Sequence[Broken]) -> str:
        """The first-out where the reason does not say it: several rows in one snapshot, or earlier ones."""
        return "" if [item.row.name for item in fresh] == list(self.first[:1]) == list(self.first) else self.first_out

    def _note(self, later: list[Broken], phase: str, snapshot: Snapshot) -> None:
        """A new link of the cascade: the first one is the first-out."""
        names = tuple(item.row.name for item in later)
        if not self._cascade:
            self.first = names
        self._cascade += names
        data = {
            "unit": self.unit,
            "phase": phase,
            "rows": list(names),
            "first": list(self.first),
            "effect": (Effect.STOP if any(i.effect is Effect.STOP for i in later) else Effect.HOLD).value,
            "message": f"{self.unit}: {told(later, snapshot)}",
        }
        self.tell("interlock.tripped", data)
        self.tell("condition", self._condition(active=True, message=str(data["message"])))

    def _settle(self, snapshot: Snapshot) -> None:
        """Forgets what holds again, also where this phase does not ask for it; the cascade ends with its last row."""
        rows = [row for row in rows_of(self.profile.kind) if row.name in self._cascade or row.name in self._known]
        still = {item.row.name for item in broken(rows, snapshot)}
        self._known &= frozenset(still)
        if not still & set(self._cascade):
            self._over("all interlocks hold again")

    def _over(self, why: str) -> None:
        if self._cascade:
            self.tell("condition", self._condition(active=False, message=f"{self.unit}: {why}"))
            self._cascade.clear()
            self.first = ()

    def _condition(self, *, active: bool, message: str) -> dict[str, Any]:
        return {"name": "interlock_tripped", "unit": self.unit, "active": active, "message": message}

    def _quickly(self, phase: str) -> _Quick:
        found = self._quick[phase] = _quick(self.profile, phase)
        return found


def _together(names: Sequence[str]) -> str:
    return ", ".join([*names, "together"] if len(names) > 1 else names)


def _quick(profile: Profile, phase: str) -> _Quick:
    """The rows of a phase: the bits of each signal as one mask, the others as they are."""
    on: defaultdict[str, int] = defaultdict(int)
    looked_at: defaultdict[str, int] = defaultdict(int)
    others = []
    for row in rows_of(profile.kind):
        if phase not in row.phases:
            continue
        if row.condition.bit is None:
            others.append(row.condition.holds)
        elif row.condition.bit in profile.bit_places:
            signal, place = profile.bit_places[row.condition.bit]
            on[signal] |= row.condition.on << place
            looked_at[signal] |= 1 << place
    return _Quick(tuple((signal, on[signal], bits) for signal, bits in looked_at.items()), tuple(others))

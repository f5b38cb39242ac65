"""Who is given which unit, and in which order: the rules as pure functions, and the book in which they are kept.

A unit has one owner. Whoever wants one that is taken waits; those who wait are served by priority, then by the time at
which their maximum wait ends, then first come. A unit that a person took out of service is passed by. The same rules
serve the executor, and the preview of a schedule, which has no executor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

HANDOVER_S = 0.5  # a run comes from one step to the next within it, with a durable record of both (judgement)


@dataclass(frozen=True, slots=True)
class Want:
    """One wish for one of several units.

    units are those that can do it, the preferred one first. priority: the higher is served before the lower. due_s is
    when the maximum wait ends, on the clock of whoever keeps the book; inf without one. place is the owner's in the
    order of arrival: whoever came first is first wherever he wants something, so that what is begun is finished. An
    owner has one want at a time.
    """

    owner: str
    what: str
    units: tuple[str, ...]
    place: int
    priority: int = 0
    due_s: float = inf


def in_order(wants: Iterable[Want]) -> list[Want]:
    """Wants as they are served: by priority, then by the end of the maximum wait, then first come."""
    return sorted(wants, key=lambda want: (-want.priority, want.due_s, want.place))


def given(wants: Iterable[Want], free: Collection[str]) -> list[tuple[Want, str]]:
    """Which want gets which free unit now, in the order in which they are served.

    A want gets its first unit that is free, unless somebody before it can use no other; then both are served with
    different units where that is possible. So nobody waits beside a free unit that could serve him without taking it
    from somebody before him.
    """
    holder: dict[str, Want] = {}

    def found(want: Want, tried: set[str]) -> bool:
        usable = [unit for unit in want.units if unit in free and unit not in tried]
        for unit in usable:
            if unit not in holder:
                holder[unit] = want
                return True
        for unit in usable:  # whoever has it may be served by another one
            tried.add(unit)
            if found(holder[unit], tried):
                holder[unit] = want
                return True
        return False

    for want in in_order(wants):
        found(want, set())
    units = {want.place: unit for unit, want in holder.items()}
    return [(want, units[want.place]) for want in in_order(holder.values())]


@dataclass(frozen=True, slots=True)
class Outage:
    """A unit that nobody is given: who took it out of service, and why."""

    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What somebody waits for, and a way to learn why, as it is now."""

    what: str
    because: Callable[[], str]


class Gate(Protocol):
    """Whoever may keep a step from beginning although its unit is free, because a maximum wait would be broken."""

    def objection(self, owner: str, step: str) -> tuple[str, float] | None:
        """Why the step had better not begin now and after how many seconds to ask again; None where it may begin."""
        ...

    def leave(self, owner: str) -> None:
        """The owner asks no more: his step begins, or he gave up."""
        ...


@dataclass(slots=True)
class _Waiter:
    want: Want
    answer: asyncio.Future[str]
    told: Callable[[], None]


@dataclass(slots=True)
class Allocation:
    """The book of one line: who has which unit, which are out of service, who waits, and who still needs what.

    `kept` says of an owner's unit why it was not given back (a run that ended in it). `absent` says of a unit why it
    cannot be given now although nobody took it out of service; it comes back by itself. `waiting` is what each owner
    waits for at present, whatever it is. `gate` may keep steps back.
    """

    owners: dict[str, str] = field(default_factory=dict)
    out: dict[str, Outage] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    needs: dict[str, frozenset[str]] = field(default_factory=dict)
    gate: Gate | None = None
    _waiters: list[_Waiter] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    _arrived: int = 0
    _handed: dict[str, str] = field(default_factory=dict)

    def place_of(self, owner: str) -> int:
        """The owner's place in the order of arrival, 1, 2, 3 ..., the same for all that he wants."""
        if owner not in self._places:
            self._arrived += 1
            self._places[owner] = self._arrived
        return self._places[owner]

    def forget(self, owner: str) -> None:
        """The owner is gone for good: he wants nothing and has no place any more. What he keeps stays kept."""
        self.unregister(owner)
        self._places.pop(owner, None)

    # ------------------------------------------------------------------ wanting and giving back

    def ask(self, want: Want, told: Callable[[], None] = lambda: None) -> asyncio.Future[str]:
        """A future of the unit that is given; done at once where one is free. `withdraw` ends a wait.

        told is called while it waits, when one of its units went out of service or came back, or is kept.
        """
        for unit in [unit for unit, owner in self._handed.items() if owner == want.owner]:
            del self._handed[unit]
        waiter = _Waiter(want, asyncio.get_running_loop().create_future(), told)
        self._waiters.append(waiter)
        self._serve()
        return waiter.answer

    def withdraw(self, want: Want) -> None:
        """Ends a wait. What was given already is not taken back by this, see give_back."""
        for waiter in [w for w in self._waiters if w.want.place == want.place]:
            self._waiters.remove(waiter)
            waiter.answer.cancel()
        self._serve()

    def give_back(self, unit: str, owner: str) -> None:
        """The unit is free for the next one. Whoever is not its owner changes nothing.

        It is given a moment later, so that its owner can ask for it again and is served in his order among the others.
        """
        if self.owners.get(unit) != owner:
            return
        del self.owners[unit]
        self.kept.pop(unit, None)
        self._handed[unit] = owner
        asyncio.get_running_loop().call_later(HANDOVER_S, self._open, unit, owner)

    def _open(self, unit: str, owner: str) -> None:
        if self._handed.get(unit) == owner:
            del self._handed[unit]
            self._serve()

    def keep(self, unit: str, owner: str, reason: str) -> None:
        """The unit stays its owner's, whose work in it did not come to its end: a person has to look at it first."""
        if self.owners.get(unit) == owner:
            self.kept[unit] = reason
            self._tell(unit)

    def take_out(self, unit: str, who: str, reason: str) -> None:
        """Nobody is given the unit from now on; whoever has it finishes."""
        self.out[unit] = Outage(who, reason)
        self._tell(unit)

    def put_back(self, unit: str) -> None:
        """The unit is in service again, also one that was kept: a person has looked at it."""
        self.out.pop(unit, None)
        if self.kept.pop(unit, None) is not None:
            self.owners.pop(unit, None)
        self._serve()
        self._tell(unit)

    def lose(self, unit: str, why: str) -> None:
        """Nobody is given the unit until it is found again; whoever has it keeps it."""
        self.absent[unit] = why
        self._tell(unit)

    def find(self, unit: str) -> None:
        """The unit may be given again."""
        if self.absent.pop(unit, None) is not None:
            self._serve()
            self._tell(unit)

    @property
    def shut(self) -> tuple[str, ...]:
        """The units that nobody is given until a person puts them back in service: out of service, or kept."""
        return tuple(sorted({*self.out, *self.kept}))

    def _tell(self, unit: str) -> None:
        for waiter in [waiter for waiter in self._waiters if unit in waiter.want.units]:
            waiter.told()

    def _serve(self) -> None:
        self._waiters = [waiter for waiter in self._waiters if not waiter.answer.cancelled()]  # who was cancelled
        wanted = {unit for waiter in self._waiters for unit in waiter.want.units}
        free = {unit for unit in wanted if not self._is_taken(unit)}
        if not free:
            return
        waiters = {waiter.want.place: waiter for waiter in self._waiters}
        for want, unit in given([waiter.want for waiter in self._waiters], free):
            waiter = waiters[want.place]
            self._waiters.remove(waiter)
            self.owners[unit] = want.owner
            waiter.answer.set_result(unit)

    def _is_taken(self, unit: str) -> bool:
        return any(unit in taken for taken in (self.owners, self.out, self.absent, self._handed))

    # ------------------------------------------------------------------ who waits, and why

    def wants(self) -> list[Want]:
        """Those who wait, in the order in which they are served."""
        return in_order(waiter.want for waiter in self._waiters)

    def queue(self, unit: str) -> int:
        """How many wait for a unit, this one among others."""
        return sum(unit in waiter.want.units for waiter in self._waiters)

    def because(self, want: Want) -> str:
        """Why a want is not served: what each of its units does, and who is served before."""
        if not want.units:
            return "the line has no unit that can do it"
        parts = [f"{unit} {self.state(unit)}" for unit in want.units]
        wants = self.wants()
        before = wants[: wants.index(want)] if want in wants else []
        rivals = [other.owner for other in before if set(other.units) & set(want.units)]
        return "; ".join([*parts, *([f"served before: {', '.join(rivals)}"] if rivals else [])])

    def state(self, unit: str) -> str:
        """What a unit does, as the end of a sentence."""
        if (outage := self.out.get(unit)) is not None:
            return f"is out of service ({outage.who}: {outage.reason})"
        owner = self.owners.get(unit)
        if owner is None:
            absence = self.absent.get(unit)
            return "goes to somebody before" if absence is None else f"is not there ({absence})"
        if (reason := self.kept.get(unit)) is not None:
            return f"is kept by {owner}: {reason}"
        return f"works for {owner}"

    def why(self, owner: str) -> tuple[str, str] | None:
        """What somebody waits for and because of what, as it is now; None where he waits for nothing here."""
        waiting = self.waiting.get(owner)
        return None if waiting is None else (waiting.what, waiting.because())

    # ------------------------------------------------------------------ who still needs a unit

    def register(self, owner: str, units: Collection[str]) -> None:
        """Somebody who is under way or planned may still need these units."""
        self.needs[owner] = frozenset(units)

    def unregister(self, owner: str) -> None:
        """He needs nothing and waits for nothing any more."""
        self.needs.pop(owner, None)
        self.waiting.pop(owner, None)

    def needed_by(self, unit: str, others_than: str) -> list[str]:
        """Who else has or may still need a unit."""
        owner = self.owners.get(unit)
        having = [owner] if owner is not None and owner != others_than else []
        return having + [
            name for name, units in self.needs.items() if name not in (others_than, owner) and unit in units
        ]


def candidates(preferred: str | None, able: Sequence[str]) -> tuple[str, ...]:
    """The units that can do something, the preferred one first."""
    first = [preferred] if preferred is not None else []
    return (*first, *(unit for unit in able if unit != preferred))


def earliest_due(finished_s: Mapping[str, float], limits: Iterable[tuple[str, float]]) -> float:
    """When the first of several maximum waits ends, each given as the step it counts from and its seconds."""
    return min((finished_s[step] + limit_s for step, limit_s in limits if step in finished_s), default=inf)


# ---------------------------------------------------------------------- people


URGENT_S = 300.0  # a maximum wait that ends within five minutes goes before a machine's convenience (judgement)


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody needs a person. machine: one stands still until the person comes.

    due_s is when the maximum wait ends that the person's coming would end, inf without one.
    """

    owner: str
    what: str
    place: int
    machine: str | None = None
    priority: int = 0
    due_s: float = inf


def in_order_of_calls(calls: Iterable[Call], now_s: float) -> list[Call]:
    """Calls as people answer them.

    By priority; then maximum waits that end soon; then machines that stand still; then first come.
    """

    def rank(call: Call) -> tuple[int, bool, float, bool, int]:
        urgent = call.due_s - now_s < URGENT_S
        return -call.priority, not urgent, call.due_s if urgent else inf, call.machine is None, call.place

    return sorted(calls, key=rank)

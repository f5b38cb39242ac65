"""The alarm server of a line: what is told and what the machines show becomes alarms, and alarms become events.

It sees every event and every snapshot, and is woken only by those that may say something new. A task owns it; one that
dies is told as an alarm and started anew, with the book as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from math import inf
from typing import Any, cast

from controller.alarms.alarm import LINE, Alarm, AlarmKey, Told, Transition
from controller.alarms.book import AlarmBook
from controller.alarms.definition import FromWatch
from controller.alarms.flood import Flood
from controller.alarms.mapping import Change, EventMapping
from controller.alarms.recall import recalled
from controller.alarms.record import RUN, data_of, kind_of
from controller.alarms.states import AlarmRefused
from controller.alarms.table import AlarmTable, shipped_table
from controller.alarms.watch import Designed, MachineWatch, Measured
from controller.events import Event, EventStream
from controller.journal import Journal
from controller.vitals.background import Health, background
from controller.vitals.deaths import Restart, conditions_in
from drivers.machine import Machine
from drivers.reading import LinkChange, Snapshot

DEATHS = 5
"""So often the task is started again; what kills it again and again is no accident, and the line is stopped."""
_LOAD = "command.requested"  # has the setpoints that values are held against


@dataclass(frozen=True, slots=True)
class Tick:
    """Time alone may have changed something."""


Item = Event | Snapshot | LinkChange | Tick


class _Inbox(asyncio.Queue[Item]):
    """Takes of the events only those that the table wants."""

    def __init__(self, wanted: frozenset[str]) -> None:
        super().__init__()
        self._wanted = wanted

    def put_nowait(self, item: Item) -> None:
        if not isinstance(item, Event) or item.kind in self._wanted:
            super().put_nowait(item)


class _Sieve(asyncio.Queue[Any]):
    """What a machine publishes goes through here into the inbox, if it may say anything new."""

    def __init__(self, inbox: _Inbox, watch: MachineWatch) -> None:
        super().__init__()
        self._inbox, self._wants = inbox, watch.wants

    def full(self) -> bool:
        return False

    def put_nowait(self, item: Snapshot | LinkChange) -> None:
        if isinstance(item, LinkChange) or self._wants(item):
            self._inbox.put_nowait(item)


class AlarmServer:
    """The book of a line with its inputs and its record. Persons' commands raise AlarmRefused."""

    def __init__(self, machines: Mapping[str, Machine], journal: Journal, table: AlarmTable) -> None:
        self.table = table
        self.book = AlarmBook(table.definitions)
        self._journal = journal
        self._machines = machines
        self._watches = {unit: MachineWatch(unit, machine.profile, table) for unit, machine in machines.items()}
        self._mapping = EventMapping(table)
        self._flood = Flood()
        self.inbox = _Inbox(self._mapping.kinds | {_LOAD})
        self._timer: asyncio.TimerHandle | None = None
        self._own = {
            row.source.what: AlarmKey(row.name, LINE)
            for row in table.definitions.values()
            if isinstance(row.source, FromWatch)
        }

    # ------------------------------------------------------------------ for persons and outlets

    def standing(self) -> list[Alarm]:
        """What an operator has to see: first what nobody has seen, by priority, the oldest first."""
        order = list(self.table.priorities)
        alarms = [alarm for alarm in self.book.alarms.values() if alarm.is_standing]
        return sorted(alarms, key=lambda a: (not a.is_unseen, order.index(a.definition.priority), a.raised_s, a.key))

    def hidden(self) -> list[Alarm]:
        """What is shelved, suppressed by design or out of service."""
        return sorted((a for a in self.book.alarms.values() if a.is_hidden), key=lambda a: a.key)

    def acknowledge(self, keys: Iterable[AlarmKey], who: str, why: str = "") -> None:
        """Somebody has seen these; all or none."""
        self._done(lambda: self.book.acknowledge(keys, who, self._now(), why))

    def reset(self, key: AlarmKey, who: str) -> None:
        """Lets a latched alarm go."""
        self._done(lambda: self.book.reset(key, who, self._now()))

    def shelve(self, key: AlarmKey, for_s: float, who: str, why: str) -> None:
        """Takes an alarm off the list for a while."""
        self._done(lambda: self.book.shelve(key, for_s, who, why, self._now()))

    def unshelve(self, key: AlarmKey, who: str) -> None:
        """Ends a shelving before its time."""
        self._done(lambda: self.book.unshelve(key, who, self._now()))

    def remove(self, key: AlarmKey, who: str, why: str) -> None:
        """Takes an alarm out of service."""
        self._done(lambda: self.book.remove(key, who, why, self._now()))

    def restore(self, key: AlarmKey, who: str) -> None:
        """Returns an alarm to service."""
        self._done(lambda: self.book.restore(key, who, self._now()))

    # ------------------------------------------------------------------ work

    @contextmanager
    def fed(self) -> Iterator[None]:
        """What is told and what the machines show comes in, until the block is left."""
        with ExitStack() as fed:
            fed.enter_context(self._journal.stream.flowing(cast("asyncio.Queue[Any]", self.inbox)))
            for unit, machine in self._machines.items():
                fed.enter_context(machine.subscribe(_Sieve(self.inbox, self._watches[unit])))
            yield

    async def run(self) -> None:
        """Follows the line until it is cancelled."""
        while True:
            self.take(await self.inbox.get())

    def drain(self) -> None:
        """Takes everything that waits, and sets no more timers."""
        while not self.inbox.empty():
            self.take(self.inbox.get_nowait())
        if self._timer is not None:
            self._timer.cancel()

    def recall(self, *, alive: bool = False) -> None:
        """Takes the alarms of the journal over, and what was told since while nobody watched.

        What ended with the program that told it has returned, unless that is still alive.
        """
        now_s = self._now()
        self.book.remember(recalled(self._journal, self.table.definitions, now_s).values())
        for event, change in self._mapping.unwatched(self._journal):
            self._change(change, now_s, event.sequence)
        for alarm in list(self.book.alarms.values()):
            if alarm.condition and alarm.definition.ends_with_process and not alive:
                self._tell(self.book.condition(alarm.key, now_s, active=False))
        self._tell(self.book.advance(now_s))
        self._set_timer()

    def take(self, item: Item) -> None:
        """One thing that happened."""
        now_s = self._now()
        match item:
            case Event():
                self._event(item, now_s)
            case LinkChange():
                for seen in self._watches[item.unit].linked(item):
                    self._tell(self.book.condition(seen.key, now_s, seen.text, active=seen.active))
            case Snapshot():
                self._snapshot(item, now_s)
            case Tick():
                self._tell(self.book.advance(now_s))
        self._look_for_flood(now_s)
        self._set_timer()

    def _event(self, event: Event, now_s: float) -> None:
        if event.kind == _LOAD:
            if "job" in event.data and (watch := self._watches.get(event.data["unit"])) is not None:
                watch.setpoints = dict(event.data["job"])
            return
        for change in self._mapping.changes(event):
            self._change(change, now_s, event.sequence)

    def _change(self, change: Change, now_s: float, cause: int) -> None:
        if change.active is None:
            self._tell(self.book.happened(change.key, now_s, change.text), cause)
        else:
            self._tell(self.book.condition(change.key, now_s, change.text, active=change.active), cause)

    def _snapshot(self, snapshot: Snapshot, now_s: float) -> None:
        for found in self._watches[snapshot.unit].changes(snapshot):
            match found:
                case Measured():
                    self._tell(self.book.value(found.key, found.value, now_s, found.text))
                case Designed():
                    self._tell(self.book.design(found.suppression, snapshot.unit, now_s, active=found.active))
                case _:
                    self._tell(self.book.condition(found.key, now_s, found.text, active=found.active))

    def _look_for_flood(self, now_s: float) -> None:
        was, now = self._flood.is_there, self._flood.look(now_s)
        if was is not now and (key := self._own.get("flood")) is not None:
            self._tell(self.book.condition(key, now_s, self.book.alarm(key).definition.message, active=now))

    def _done(self, command: Callable[[], list[Transition]]) -> None:
        """A person's command; what time did before it is told even if the command is refused."""
        try:
            self._tell(command())
        except AlarmRefused:
            self._tell(self.book.advance(self._now()))
            raise
        finally:
            self._set_timer()

    def _tell(self, transitions: Iterable[Transition], cause: int | None = None) -> None:
        for transition in transitions:
            if transition.told is Told.RAISED and transition.alarm.key != self._own.get("flood"):
                self._flood.raised(transition.at_s)
            self._journal.note(RUN, kind_of(transition), data_of(transition, cause))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _set_timer(self) -> None:
        due_s = min(self.book.next_due_s, self._flood.next_due_s)
        if self._timer is None and due_s == inf:
            return
        if self._timer is not None:
            if self._timer.when() == due_s and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = None if due_s == inf else asyncio.get_running_loop().call_at(due_s, self._rang)

    def _rang(self) -> None:
        self._timer = None
        self.inbox.put_nowait(Tick())


def looked_up(events: Sequence[Event], now_utc: str, *, alive: bool) -> AlarmServer:
    """The alarms of a record, for whoever only looks: nothing is written. alive: its writer still watches."""
    server = AlarmServer({}, Journal(EventStream(), lambda: now_utc, events), shipped_table())
    server.recall(alive=alive)
    return server


@asynccontextmanager
async def alarms_watched(
    machines: Mapping[str, Machine], journal: Journal, table: AlarmTable | None = None, health: Health | None = None
) -> AsyncIterator[AlarmServer]:
    """An alarm server works within the block, on what these machines show and this journal tells.

    Its task is started again when it dies, with the book as it is; TaskDied ends the block when that does not help.
    `health` sees its task.
    """
    server = AlarmServer(machines, journal, table or shipped_table())
    server.recall()
    with server.fed():
        async with background(conditions_in(journal), health) as tasks:
            tasks.start("the alarm server", server.run, Restart(times=DEATHS), condition="alarm_server")
            try:
                yield server
            finally:
                server.drain()
        server.drain()

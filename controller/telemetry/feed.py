"""What happens on the line becomes messages: records of the journal, machines' snapshots, the controller's health.

It hears everything in the publisher's own call, notes that there is something to look at, and looks in a task of its
own; no poll and no run ever waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, cast

from controller.alarms.alarm import LINE, Alarm
from controller.alarms.record import KINDS
from controller.alarms.states import AlarmState
from controller.events import Event
from controller.journal import Journal, JournalError
from controller.outbox import Priority
from controller.telemetry.context import ENDINGS, Batches, RunContext
from controller.telemetry.courier import Courier
from controller.telemetry.following import Before, marks_of
from controller.telemetry.messages import AlarmMessage, EventMessage, RunMessage, UnitStateMessage, encoded
from controller.telemetry.node_courier import NodeCourier
from controller.telemetry.sparkplug.feed import BatchContext
from controller.telemetry.times import iso, microseconds
from controller.telemetry.topics import Topics
from controller.telemetry.watch import UnitWatch
from drivers.machine import Machine

IMAGE_S = 60.0
"""Seconds between two images of all values: who subscribes later waits no longer for those that do not change
(engineering judgement)."""
_ALARM = ("name", "subject", "state", "priority", "text", "condition", "count", "first_out", "who", "why")
_TOO_LONG = {"run.created": frozenset({"plan"})}
"""Data that is left out of messages: a plan's whole text; its hash is in there."""


class Feed:
    """Makes messages and gives them to a courier, as long as `fed`."""

    def __init__(
        self,
        machines: Mapping[str, Machine],
        journal: Journal,
        topics: Topics,
        courier: Courier,
        *,
        utc_us: Callable[[], int],
        values_hz: float,
        node: NodeCourier | None = None,
    ) -> None:
        self._machines, self._journal, self._topics, self._courier = machines, journal, topics, courier
        self._node = node
        self._linked: dict[str, bool] = {}
        self._utc_us = utc_us
        self._inbox: asyncio.Queue[Event | UnitWatch] = asyncio.Queue()
        self._watches = {
            unit: UnitWatch(unit, machine.profile, 1 / values_hz, self._inbox.put_nowait)
            for unit, machine in machines.items()
        }
        self._units = frozenset(machines)
        self._states: dict[str, UnitStateMessage] = {}
        self._images_s: dict[str, float] = {}
        self.batches = Batches()
        self.followed = 0

    @contextmanager
    def fed(self) -> Iterator[None]:
        """What is told and what the machines show comes in, until the block is left."""
        with ExitStack() as fed:
            fed.enter_context(self._journal.stream.flowing(cast("asyncio.Queue[Any]", self._inbox)))
            for unit, machine in self._machines.items():
                fed.enter_context(machine.subscribe(self._watches[unit]))
            yield

    def begin(self, before: Before, alarms: Iterable[Alarm]) -> None:
        """Says what is, and what was recorded while nobody told it."""
        self.followed = before.followed
        for event in before.known:
            self.batches.take(event)
        for event in before.untold:
            run = self._follow(event)
            if run is not None and run.is_over:
                self.batches.forget(event.run)
        for name, run in self.batches.runs.items():
            self._tell_run(name, run)
        for alarm in alarms:
            self._recalled(alarm)
        for unit, watch in self._watches.items():
            watch.latest = self._machines[unit].latest
            self._tell_state(watch, self._utc_us(), priority=None)

    async def run(self) -> None:
        """Follows the line until it is cancelled."""
        while True:
            self.take(await self._inbox.get())

    def drain(self) -> None:
        """Takes everything that waits."""
        while not self._inbox.empty():
            self.take(self._inbox.get_nowait())

    def take(self, item: Event | UnitWatch) -> None:
        """One thing that happened."""
        if isinstance(item, UnitWatch):
            self._unit(item)
            return
        for event in self._due(item):
            self._recorded(event)

    def _due(self, event: Event) -> list[Event]:
        """The records up to this one that were not told. One that waited for its disk comes behind later ones.

        Memory may have let such a one go already, so that it is read in the store; where that cannot be read now,
        nothing is told, and the next record finds all of them.
        """
        if event.sequence <= self.followed:
            return []
        if not (missing := range(self.followed + 1, event.sequence)):
            return [event]
        found = {one.sequence: one for one in self._journal.events() if one.sequence in missing}
        if len(found) < len(missing):
            try:
                past = self._journal.everything()
                found |= {number: past[number - 1] for number in missing if number not in found}
            except JournalError:
                return []
        return [*(found[number] for number in missing), event]

    def _recorded(self, event: Event) -> None:
        run = self._follow(event)
        if event.kind in KINDS:
            self._alarm(event)
        if run is not None:
            self._tell_run(event.run, run)
            for watch in self._watches.values():  # whose unit works for it, or does no more
                self._tell_state(watch, self._us(event.utc))

    def refresh(self) -> None:
        """The images are made anew, for a connection that begins."""
        for watch in self._watches.values():
            if watch.latest is not None:
                self._tell_image(watch, self._at_us(watch))

    # ------------------------------------------------------------------ records

    def _follow(self, event: Event) -> RunContext | None:
        """Tells a record with the step that it belongs to, or ends; the run of which it says anything new."""
        if event.kind in ENDINGS:
            self._event(event)
            return self.batches.take(event)
        run = self.batches.take(event)
        self._event(event)
        return run

    def _event(self, event: Event) -> None:
        if event.sequence <= self.followed:
            return
        self.followed = event.sequence
        step, unit, lots = self.batches.of_event(event)
        left_out = _TOO_LONG.get(event.kind, frozenset())
        utc_us = self._us(event.utc)
        message: EventMessage = {
            "utc": iso(utc_us),
            "sequence": event.sequence,
            "hash": event.hash,
            "kind": event.kind,
            "run": event.run,
            "step": step,
            "unit": unit,
            "lots": lots,
            "data": {key: value for key, value in event.data.items() if key not in left_out},
        }
        self._courier.event(self._topics.event(event.kind), encoded(message), utc_us, marks_of(event))

    def _tell_run(self, name: str, run: RunContext) -> None:
        utc_us = self._us(run.utc)
        message: RunMessage = {
            "utc": iso(utc_us),
            "sequence": run.sequence,
            "run": name,
            "state": run.state,
            "reason": run.reason,
            "recipe": run.recipe,
            "plan_hash": run.plan_hash,
            "step": run.step,
            "lots": run.lots,
        }
        topic = self._topics.run(name)
        if run.is_over:
            self.batches.forget(name)
            self._courier.clear(topic, encoded(message), utc_us, Priority.STATE)
        else:
            self._courier.state(topic, encoded(message), utc_us, Priority.STATE)

    def _alarm(self, event: Event) -> None:
        data = {key: event.data[key] for key in _ALARM}
        utc_us = self._us(event.utc)
        message = cast("AlarmMessage", {"utc": iso(utc_us), "sequence": event.sequence, **data})
        self._tell_alarm(message, utc_us)

    def _recalled(self, alarm: Alarm) -> None:
        utc_us = self._utc_us()
        message: AlarmMessage = {
            "utc": iso(utc_us),
            "sequence": None,
            "name": alarm.key.name,
            "subject": alarm.key.subject,
            "state": alarm.state.value,
            "priority": cast("Any", alarm.definition.priority.value),
            "text": alarm.text,
            "condition": alarm.condition,
            "count": alarm.count,
            "first_out": alarm.first_out,
            "who": alarm.who,
            "why": alarm.why,
        }
        self._tell_alarm(message, utc_us)

    def _tell_alarm(self, message: AlarmMessage, utc_us: int) -> None:
        topic = self._topics.alarm(message["name"], message["subject"], units=self._units, line=LINE)
        if message["state"] == AlarmState.NORMAL.value:
            self._courier.clear(topic, encoded(message), utc_us)
        else:
            self._courier.state(topic, encoded(message), utc_us)

    # ------------------------------------------------------------------ machines

    def _unit(self, watch: UnitWatch) -> None:
        values_are_due = watch.looked()
        utc_us = self._at_us(watch)
        self._tell_state(watch, utc_us)
        if watch.latest is None or not values_are_due:
            return
        if self._node is not None and self._linked.get(watch.unit):
            self._node.snapshot(watch.latest, self._loop_us)
        if changes := watch.changed():
            payload = encoded(self._values(watch, utc_us, changes))
            self._courier.value(self._topics.unit("values", watch.unit), payload, utc_us)
        if watch.latest.time_s >= self._images_s.get(watch.unit, 0.0) and self._courier.is_connected:
            self._tell_image(watch, utc_us)

    def _tell_state(self, watch: UnitWatch, utc_us: int, priority: Priority | None = Priority.STATE) -> None:
        state, phase, mode = watch.states()
        run, step, lots = self.batches.of_unit(watch.unit)
        is_connected = self._machines[watch.unit].link_up
        message: UnitStateMessage = {
            "utc": "",
            "unit": watch.unit,
            "kind": watch.kind,
            "connected": is_connected,
            "link": "not connected yet" if watch.link is None else watch.link.reason,
            "state": state if is_connected else None,
            "phase": phase if is_connected else None,
            "mode": mode if is_connected else None,
            "run": run,
            "step": step,
            "lots": list(lots),
        }
        if message == self._states.get(watch.unit):
            return
        self._states[watch.unit] = message
        self._tell_node(watch, run, utc_us)
        payload = encoded({**message, "utc": iso(utc_us)})
        self._courier.state(self._topics.unit("unit", watch.unit), payload, utc_us, priority)

    def _tell_node(self, watch: UnitWatch, run: str | None, utc_us: int) -> None:
        """The same for Sparkplug: the unit's link, and what it works for."""
        if self._node is None:
            return
        of_run = self.batches.runs.get(run or "")
        if of_run is None:
            context = BatchContext()
        else:
            lot = ", ".join(of_run.lots) or None
            context = BatchContext(run, of_run.state, of_run.step, lot, of_run.plan_hash, of_run.recipe)
        self._node.context(watch.unit, context, utc_us)
        is_up = self._machines[watch.unit].link_up
        if self._linked.get(watch.unit, False) is not is_up:
            self._linked[watch.unit] = is_up
            self._node.link(watch.unit, up=is_up)

    def _loop_us(self, time_s: float) -> int:
        """UTC of a time of the loop."""
        return self._utc_us() - round(max(0.0, asyncio.get_running_loop().time() - time_s) * 1e6)

    def _tell_image(self, watch: UnitWatch, utc_us: int) -> None:
        if watch.latest is not None:
            self._images_s[watch.unit] = watch.latest.time_s + IMAGE_S
        payload = encoded(self._values(watch, utc_us, watch.values()))
        self._courier.state(self._topics.unit("image", watch.unit), payload, utc_us)

    def _values(self, watch: UnitWatch, utc_us: int, values: Mapping[str, Any]) -> Mapping[str, Any]:
        run, step, lots = self.batches.of_unit(watch.unit)
        told = {"utc": iso(utc_us), "unit": watch.unit, "run": run, "step": step, "lots": lots}
        return {**told, "values": values}

    def _at_us(self, watch: UnitWatch) -> int:
        """UTC of the latest snapshot."""
        if watch.latest is None:
            return self._utc_us()
        return self._loop_us(watch.latest.time_s)

    def _us(self, utc: str) -> int:
        told = microseconds(utc)
        return self._utc_us() if told is None else told

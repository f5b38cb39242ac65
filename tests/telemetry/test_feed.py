"""A whole run of the simulated line becomes messages: everything that it tells is as the schemas say."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import jsonschema
import pytest

from controller.dryrun import virtual_utc
from controller.events import Event, EventStream
from controller.journal import Journal, JournalError, Past
from controller.telemetry.context import Batches
from controller.telemetry.courier import Courier
from controller.telemetry.feed import Feed
from controller.telemetry.messages import encoded, told
from controller.telemetry.topics import TOPICS, Topics, schema_of
from simulators.clock import run_virtual
from tests.controller.scene import Scene

RUN = {"recipe": "e", "plan_hash": "h", "steps": []}


class Recorded:
    """A courier that only notes."""

    is_connected = True

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bytes]] = []

    def state(self, topic: str, payload: bytes, *_: Any) -> None:
        self.told.append(("state", topic, payload))

    def event(self, topic: str, payload: bytes, *_: Any) -> None:
        self.told.append(("event", topic, payload))

    def clear(self, topic: str, payload: bytes, *_: Any) -> None:
        self.told.append(("clear", topic, payload))


def fed(events: list[Event]) -> Recorded:
    recorded = Recorded()

    async def feed() -> None:
        loop = asyncio.get_running_loop()
        journal = Journal(EventStream(), lambda: virtual_utc(loop.time()))
        courier = cast("Courier", recorded)
        own = Feed({}, journal, Topics("s", "a", "l"), courier, utc_us=lambda: 0, values_hz=1.0)
        for event in events:
            own.take(event)

    run_virtual(feed())
    return recorded


def test_every_record_of_a_run_is_a_message_with_its_step_and_lots() -> None:
    chain = Scene().play().chain
    recorded = fed(chain)
    schemas = {name: jsonschema.Draft202012Validator(schema_of(TOPICS[name])) for name in ("event", "run", "alarm")}
    for kind, topic, payload in recorded.told:
        name = "event" if kind == "event" else "run" if topic.endswith("/state") else "alarm"
        schemas[name].validate(json.loads(told(payload, historical=False)))
    events = [json.loads(payload) for kind, _, payload in recorded.told if kind == "event"]
    assert [event["sequence"] for event in events] == [event.sequence for event in chain]
    reached = [event for event in events if event["kind"] == "step.reached"]
    assert reached
    assert all(event["step"] for event in reached)
    phases = [event for event in events if event["kind"] == "step.phase"]
    assert all(event["step"] and event["unit"] for event in phases)
    assert all(event["lots"] for event in phases if "press" in event["unit"])
    [finished] = [e for e in events if (e["kind"], e["step"]) == ("step.finished", "first joining")]
    assert (finished["unit"], finished["lots"]) == ("uniaxial-press-1", ["first stack"])
    runs = [
        (kind, json.loads(payload)["state"]) for kind, topic, payload in recorded.told if topic == "s/a/l/run/run/state"
    ]
    assert runs[-1] == ("clear", "complete")
    assert {kind for kind, _ in runs[:-1]} == {"state"}


def test_a_unit_works_for_the_run_whose_step_it_does() -> None:
    async def play() -> None:
        journal = Journal(EventStream(), lambda: "2026-01-01T00:00:00Z")
        batches = Batches()

        def tell(run: str, kind: str, data: dict[str, Any]) -> None:
            batches.take(journal.note(run, kind, data))

        for run, unit in (("r1", "a"), ("r2", "b")):
            tell(run, "run.created", RUN)
            tell(run, "step.started", {"name": f"s-{run}", "kind": "press", "unit": unit, "lots": [f"lot {run}"]})
        assert batches.of_unit("a") == ("r1", "s-r1", ["lot r1"])
        assert batches.of_unit("b") == ("r2", "s-r2", ["lot r2"])
        tell("r1", "step.finished", {"name": "s-r1"})
        assert batches.of_unit("a") == (None, None, [])
        tell("r2", "step.interrupted", {"name": "s-r2", "result": {}})
        assert batches.of_unit("b") == (None, None, [])
        tell("unknown", "step.started", {"name": "x", "unit": "a"})
        assert batches.of_unit("a") == (None, None, [])

    run_virtual(play())


def test_a_record_that_waited_for_its_disk_is_told_before_those_that_overtook_it() -> None:
    recorded = Recorded()

    async def feed() -> None:
        journal = Journal(EventStream(), lambda: "2026-01-01T00:00:00Z")
        own = Feed({}, journal, Topics("s", "a", "l"), cast("Courier", recorded), utc_us=lambda: 0, values_hz=1.0)
        created = journal.note("r1", "run.created", RUN)
        started, held = (journal.note("r1", kind, {"unit": "a"}) for kind in ("step.phase", "command.sent"))
        for event in (held, created, started, journal.note("r1", "step.phase", {"unit": "a"})):
            own.take(event)

    run_virtual(feed())
    told_first = [json.loads(payload)["sequence"] for kind, _, payload in recorded.told if kind == "event"]
    assert told_first == [1, 2, 3, 4]


def test_a_record_that_memory_let_go_before_it_was_told_is_read_in_the_store() -> None:
    class Forgetful(Journal):
        """Holds nothing, and its store cannot be read at first."""

        is_readable = False

        def events(self, run: str | None = None) -> list[Event]:
            return []

        def everything(self) -> Past:
            if not self.is_readable:
                raise JournalError("the disk does not answer")
            return super().everything()

    recorded = Recorded()

    async def feed() -> None:
        journal = Forgetful(EventStream(), lambda: "2026-01-01T00:00:00Z")
        own = Feed({}, journal, Topics("s", "a", "l"), cast("Courier", recorded), utc_us=lambda: 0, values_hz=1.0)
        _, second, _, fourth, fifth = (journal.note("r1", "step.phase", {"unit": "a"}) for _ in range(5))
        own.take(second)
        own.take(fourth)
        assert recorded.told == []
        journal.is_readable = True
        own.take(fifth)

    run_virtual(feed())
    assert [json.loads(payload)["sequence"] for kind, _, payload in recorded.told if kind == "event"] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("given", "expected"),
    [("a\ud800b", "a?b"), (float("inf"), None), ("\0\u2028", "\0\u2028"), ("x" * 100_000, "x" * 100_000)],
)
def test_whatever_is_recorded_can_be_told(given: object, expected: object) -> None:
    assert json.loads(told(encoded({"value": [given]}), historical=True))["value"] == [expected]

"""A service that is killed again and again: the broker has every record of its journal, in order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from controller.events import Event, EventStream
from controller.journal import Journal, read_events
from controller.outbox import outbox_opened
from controller.telemetry.following import AGAIN, marks_of, told_before
from tests.telemetry.mosquitto import mosquitto, subscriber

PROGRAM = Path(__file__).parent / "killed.py"
ROOT = PROGRAM.parents[2]


async def test_every_record_of_a_service_that_is_killed_reaches_the_broker(tmp_path: Path) -> None:
    store, outbox = tmp_path / "store.sqlite", tmp_path / "outbox.sqlite"

    async def begun(events: int) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "tests.telemetry.killed", str(store), str(outbox), str(server.port)]
        return await asyncio.create_subprocess_exec(*command, str(events), cwd=ROOT)

    with mosquitto(tmp_path) as server:
        async with subscriber(server.port, "s/a/l/event/#") as heard:
            for _ in range(3):
                child, count = await begun(100_000), len(heard.messages)
                await heard.until(lambda count=count: len(heard.messages) > count + 100)
                child.kill()
                await child.wait()
            child = await begun(10)
            assert await child.wait() == 0
            records = {event.sequence: event.hash for event in read_events(store)}
            await heard.until(lambda: {m["sequence"] for m in heard.on("/event/")} >= records.keys())
    told = list(dict.fromkeys((m["sequence"], m["hash"]) for m in heard.on("/event/")))
    assert told == sorted(records.items())


def journal(earlier: Sequence[Event], *kinds: str) -> Journal:
    made = Journal(EventStream(), lambda: "2026-01-01T00:00:00Z", earlier)
    for kind in kinds:
        made.note("r1", kind, {})
    return made


async def test_a_record_that_a_kill_took_from_the_journal_does_not_hide_the_one_that_follows(tmp_path: Path) -> None:
    first = journal((), "a.a", "a.b").events()
    async with outbox_opened(f"sqlite:///{tmp_path / 'o.sqlite'}", "line") as outbox:

        async def untold(*kinds: str) -> list[str]:
            return [event.kind for event in (await told_before(outbox, journal(first, *kinds))).untold]

        assert await untold() == []
        assert await untold("a.c") == ["a.c"]
        for name, value in marks_of(journal(first, "a.lost").events()[-1]):
            await outbox.set_mark(name, value)
        assert await untold() == ["a.a", "a.b"]
        assert await untold("a.other", "a.more") == ["a.a", "a.b", "a.other", "a.more"]
        assert AGAIN > 4


async def test_what_runs_that_go_on_have_told_is_known_and_not_told_again(tmp_path: Path) -> None:
    async with outbox_opened(f"sqlite:///{tmp_path / 'o.sqlite'}", "line") as outbox:
        made = journal((), "run.created", "step.started")
        made.note("r2", "run.created", {})
        made.note("r2", "run.closed", {"state": "complete"})
        before = await told_before(outbox, made)
        assert ([event.sequence for event in before.known], before.untold) == ([1, 2], [])
        silent = await told_before(outbox, journal(made.events(), "a.a"), is_told=False)
        assert (silent.followed, silent.untold) == (5, [])
        assert (await told_before(outbox, journal(made.events(), "a.a"))).followed == 4

"""A live service, really killed: `python -m tests.crash.service_killing --kills 6`, on wall time, 20 times as fast.

`pressline up` serves a simulated line with trends and a broker, a run is ordered, and the service is killed with
SIGKILL at a drawn moment: while the broker is there, while it is away, or while it is caught up with. Then the store is
looked at, the service begins again, and somebody looks whether it is as before. What is promised is in docs/explanation
(journal.md, trends.md, telemetry.md, people-and-rights.md).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx

from controller.events import Event
from controller.historian.looking import StoredTrends, lines, look_at, trends_file
from controller.historian.model import Mark, MarkKind
from controller.journal import read_events, verify
from controller.outbox.look import looked_at
from tests.campaign.telemetry_campaign import digest
from tests.campaign.telemetry_judges import Judge
from tests.campaign.telemetry_plant import Plant, plant
from tests.controller.test_processes import ended, program, wait_for
from tests.serving.test_up import LIMIT_S, PASSWORD, SMALL, Person, Up, line_file, up

MISSING_S = 1.0
"""Seconds of trends that a kill may take."""
LATEST_S = 6.0
MOMENTS = ("the broker is there", "the broker is away", "the broker has just come back")


@dataclass
class Kill:
    """One kill, and what was wrong after it."""

    moment: str
    at_us: int = 0
    records: int = 0
    missing_s: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"killed while {self.moment}, {self.records} records: {self.missing_s:.3f} s of trends are missing"


@dataclass
class Stage:
    """What outlives the service: its files, the plant, and a person with a session."""

    line: Path
    store: Path
    plant: Plant
    client: httpx.Client
    kills: list[Kill] = field(default_factory=list)
    alarms: frozenset[str] = frozenset()

    @property
    def person(self) -> Person:
        return Person(self.client)

    def unseen_alarms(self) -> frozenset[str]:
        return frozenset(one["key"] for one in self.person.get("/alarms") if one["is_unseen"])

    def stored_trends(self) -> tuple[int, list[Mark]]:
        """The time of the newest sample, and all marks."""

        async def look() -> tuple[int, list[Mark]]:
            database = look_at(f"sqlite:///{trends_file(self.store)}")
            try:
                [line] = await database.run(lines)
                trends = StoredTrends(database, line)
                tags = await trends.tags()
                return max(one.last_us or 0 for one in tags), await trends.marks(0, time.time_ns() // 1000 + 10**9)
            finally:
                database.close()

        return asyncio.run(look())


@contextmanager
def staged(folder: Path, *, has_recipe: bool) -> Iterator[Stage]:
    """A line on real wires, a broker, a recipe that may be made if it is wanted, and nobody signed in yet."""
    with ExitStack() as stack:
        wires = folder / "wires.toml"
        stack.enter_context(program("simulate", "--speed", "20", "--line", wires))
        wait_for(lambda: wires.exists() or None, LIMIT_S)
        found = stack.enter_context(plant(folder))
        mqtt = f'[mqtt]\nurl = "mqtt://127.0.0.1:{found.broker.port}"\nsite = "s"\narea = "a"\nline = "l"\n'
        plug = '[mqtt.sparkplug]\ngroup = "plant"\nnode = "line"\n'
        line = line_file(folder, wires.read_text(encoding="utf-8"), more=mqtt + plug)
        store = folder / "store.sqlite"
        known = ("--store", store, "--line", line)
        if has_recipe:
            assert ended("recipes", "add", SMALL, "--by", "Ada", *known).returncode == 0
            for who in ("Ben", "Cara"):  # two, because it is comparative
                assert ended("recipes", "approve", "small@1", "--by", who, *known).returncode == 0
        client = stack.enter_context(httpx.Client(timeout=LIMIT_S, trust_env=False))
        yield Stage(line, store, found, client)


def killed(stage: Stage, service: Up, moment: str, after_s: float) -> Kill:
    """Kills the service at its moment, and says what is wrong with what it left."""
    if moment != MOMENTS[0]:
        stage.plant.kill()
    time.sleep(after_s)
    kill = Kill(moment)
    before = {event.sequence: event.hash for event in read_events(stage.store)}
    stage.alarms = stage.unseen_alarms()
    if moment == MOMENTS[2]:
        stage.plant.start()
        time.sleep(min(1.0, after_s))
    service.process.kill()
    kill.at_us = time.time_ns() // 1000
    service.process.wait()
    events = read_events(stage.store)
    kill.records = len(events)
    kill.faults += verify(events)
    if missing := before.items() - {(event.sequence, event.hash) for event in events}:
        kill.faults.append(f"{len(missing)} records are gone that were in the store before the kill")
    newest_us, _ = stage.stored_trends()
    kill.missing_s = (kill.at_us - newest_us) / 1e6
    if kill.missing_s > MISSING_S:
        kill.faults.append(f"{kill.missing_s:.2f} s of trends are missing")
    stage.kills.append(kill)
    return kill


def begun_again(stage: Stage, kill: Kill) -> None:
    """What is wrong with the service that began after a kill."""
    if not wait_for(lambda: stage.person.get("/line") or None, LIMIT_S):
        kill.faults.append("the session does not live on")
    if gone := stage.alarms - stage.unseen_alarms():
        kill.faults.append(f"alarms that nobody has seen are gone: {sorted(gone)}")

    def marked() -> bool | None:
        newest_us, marks = stage.stored_trends()
        stood = [mark for mark in marks if mark.kind is MarkKind.STOPPED and mark.from_us - 1_000_000 <= kill.at_us]
        is_over = any((mark.to_us or 0) >= kill.at_us for mark in stood)
        return True if is_over and newest_us > kill.at_us else None

    if not wait_for(marked, LIMIT_S):
        kill.faults.append("the gap in the trends is not marked")


def signed_in(stage: Stage, way_in: str) -> None:
    """The administrator makes an operator, who signs in."""
    with httpx.Client(base_url=stage.client.base_url, timeout=LIMIT_S, trust_env=False) as client:
        chief = Person(client)
        chief.post("/session/way-in", way_in=way_in, password=PASSWORD)
        chief.post("/users", 201, name="Olga", role="operator")
        given = chief.post("/users/Olga/way-in", 201, reason="first day")["way_in"]
    stage.person.post("/session/way-in", way_in=given, password=PASSWORD)


def played(kills: int, seed: int, folder: Path, *, has_runs: bool = True) -> list[Kill]:
    """Kills a service so often, then lets it end in order. has_runs: a run is always on the line."""
    chance = random.Random(seed)
    with staged(folder, has_recipe=has_runs) as stage:
        stage.plant.start()
        for number in range(kills + 1):
            with up("--line", stage.line) as service:
                stage.client.base_url = httpx.URL(f"{service.origin}/api/v1")
                if number == 0:
                    way_in = service.waited(r"one-time way in of administrator, until \S+: (\S+)")
                    signed_in(stage, way_in)
                else:
                    begun_again(stage, stage.kills[-1])
                if number < kills:
                    moment = MOMENTS[number % len(MOMENTS)]
                    if has_runs and not any(run["is_open"] for run in stage.person.get("/runs")):
                        stage.person.post("/runs", 201, recipe="small")
                    killed(stage, service, moment, chance.uniform(0.5, LATEST_S))
                    if moment == MOMENTS[1]:
                        stage.plant.start()
                    continue
                wait_for(lambda: _nothing_waits(stage.store), LIMIT_S)
                assert service.ended_by(signal.SIGTERM) == 0
        stage.plant.hushed()
        stage.kills[-1].faults += told(stage, read_events(stage.store))
        return stage.kills


def _nothing_waits(store: Path) -> bool | None:
    rows = looked_at(store.with_name(f"{store.stem}-outbox.sqlite"))
    return True if not any(count for row in rows for count in row["waiting"].values()) else None


def told(stage: Stage, events: list[Event]) -> list[str]:
    """What is wrong with what the plant was told over all kills."""
    judge = Judge("s/a/l", digest)
    births: list[int] = []
    for heard in stage.plant.heard():
        judge.take(heard)
        if "/NBIRTH/" in heard.topic and judge.host.bd_seq is not None:
            births.append(judge.host.bd_seq)
    first = min(sequence for sequence, _ in judge.events)  # what was before the first telemetry was promised to nobody
    last = next(event.sequence for event in reversed(events) if event.kind == "service.ending")
    promised = {(event.sequence, event.hash) for event in events if first <= event.sequence < last}
    once = list(dict.fromkeys(judge.events))
    stored = [one for one in once if one in {(event.sequence, event.hash) for event in events}]
    wrong = [f"{words} ({count} times)" for words, count in judge.faults.items()]
    if missing := promised - set(once):
        wrong.append(f"{len(missing)} of {len(promised)} promised records did not come: {sorted(missing)[:5]}")
    if stored != sorted(stored):
        wrong.append("records came out of their order")
    if any(not 0 < (after - before) % 256 < 128 for before, after in pairwise(births)):  # tries take numbers as well
        wrong.append(f"bdSeq does not go on: {births}")
    print(
        json.dumps(
            {
                "records": len(promised),
                "told": len(judge.events),
                "told twice": len(judge.events) - len(once),
                "told and taken by a kill": len(once) - len(stored),
                "bdSeq of the births": births,
            }
        )
    )
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kills = played(given.kills, given.seed, Path(folder))
    for kill in kills:
        print(kill, *kill.faults, sep="\n  ")
    return 1 if any(kill.faults for kill in kills) else 0


if __name__ == "__main__":
    sys.exit(main())

"""What a whole service takes from the line: `python benchmarks/service.py`.

The same four presses on real loopback wires (two on Modbus TCP, two on RTU pseudo-terminals, polled 20 times a second)
are supervised twice in one run. First by a bare line: drivers, executor's supervision, guard, interlocks and a journal.
Then by the whole of `pressline up`: beside them people, API, stream, trends and telemetry to a mosquitto, while other
processes listen as 50 dashboards (5 of them frozen), read the API, sign in, and have a certificate made as PDF.

Measured are how late a poll or heartbeat begins after it was due, and the time from the arrival of an answer that holds
a value outside its window to the bytes of the hold command. Beside them stands how late a sleep of 1 ms ends: on a
computer that is busy otherwise all of it measures that computer's scheduler. The exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.listener import frozen, listening
from benchmarks.reaction import EXAMPLE, SAMPLE, Ear, Nobody, Stand, share
from controller.app import wire_line
from controller.cli.clock import utc, utc_text
from controller.cli.recipes import capabilities
from controller.cli.up import on_loop
from controller.config import LineConfig, UnitConfig
from controller.dryrun import rehearsed
from controller.events import EventStream
from controller.executor.run import Run
from controller.journal import Journal, SqliteJournal
from controller.line import Line
from controller.service import LineService
from controller.service.by_hand import BY_HAND
from controller.service_config import HistorianConfig, MqttConfig, ServiceConfig, StoreConfig, WebConfig
from controller.serving import served
from controller.serving.logs import Log
from drivers.machine import Machine
from recipes.load import load_recipe
from recipes.plan import Plan, make_plan
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.ports import free_port
from tests.telemetry.mosquitto import mosquitto

POLL_S = 0.05
LATE_GOAL_MS, LATE_MOST_MS, REACTION_GOAL_MS = 3.0, 10.0, 20.0
DASHBOARDS, FROZEN = 50, 5
SIGN_IN_EVERY_S, READ_EVERY_S = 1.0, 0.1
PASSWORD = "a long sentence of the benchmark"  # noqa: S105  of a store that lives for a minute
READ = (
    "line",
    "units",
    "alarms",
    "runs",
    "lots",
    "trends",
    "runs/made-before/record",
    "trends/isostatic-1.pressure_a_mpa?points=1000&from={from_}&to={to}",
)


@dataclass
class Found:
    """Seconds that polls and beats were late, reactions took, sleeps were late; and the processor's share.

    held is the loop's own processor time within each of those sleeps: how long it was not there for whoever was due,
    whatever else the computer did.
    """

    late: list[float] = field(default_factory=list)
    reactions: list[float] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    cpu_share: float = 0.0


@contextmanager
def polls_watched(late: list[float]) -> Iterator[None]:
    """How late each machine wakes for what is due next, as long as the block."""
    sleep = Machine._sleep_until  # noqa: SLF001  the one place where a machine waits for its next poll

    async def timed(machine: Machine, when: float) -> None:
        has_to_wait = time.monotonic() < when
        await sleep(machine, when)
        after = time.monotonic() - when  # the clock of every loop, which uvloop itself reads in whole milliseconds
        if has_to_wait and is_on and after >= 0:  # else a command wanted it earlier
            late.append(after)

    is_on = True

    with mock.patch.object(Machine, "_sleep_until", timed):
        yield
    is_on = False


def units_of(urls: dict[str, str], folder: Path) -> dict[str, UnitConfig]:
    """The presses, with profiles that poll at the benchmark's rate."""
    found = {}
    for name, url in urls.items():
        kind = "isostatic_press" if name.startswith("iso") else "uniaxial_press"
        shipped = Path(__file__).parents[1] / "drivers" / "profiles" / f"{kind.replace('_', '-')}-generic.yaml"
        lines = shipped.read_text(encoding="utf-8").splitlines()
        rate = f"  poll_moving_s: {{value: {POLL_S}, reason: as often as the design asks}}"
        own = [rate if line.startswith("  poll_moving_s:") else line for line in lines]
        (folder / shipped.name).write_text("\n".join(own), encoding="utf-8")
        found[name] = UnitConfig(name, kind, str(folder / shipped.name), url)
    return found


async def sleeps(found: Found) -> None:
    """Sleeps of 1 ms, one after the other."""
    while True:
        begun_s, cpu_s = time.monotonic(), time.thread_time()
        await asyncio.sleep(0.001)
        found.sleeps.append(time.monotonic() - begun_s - 0.001)
        found.held.append(time.thread_time() - cpu_s)


async def tripped(
    line: Line, ear: Ear, journal: Journal, plan: Plan, server: Any, trips: int, found: Found, seed: int
) -> None:
    """Trips every press so many times while its polls and this computer's sleeps are watched."""
    places = {name: machine._link.layer.transport.place for name, machine in line.machines.items()}  # noqa: SLF001 - the tap tells places only
    ear.samples |= {places[name]: SAMPLE[machine.profile.kind] for name, machine in line.machines.items()}
    stands = [
        Stand(machine, places[name], Run(name, plan, line, journal, Nobody()), ear, server, trips,
              random.Random(f"{seed}{name}"))  # noqa: S311 - seeded on purpose
        for name, machine in line.machines.items()
    ]  # fmt: skip
    sleeping = asyncio.create_task(sleeps(found))
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    with polls_watched(found.late):
        async with asyncio.TaskGroup() as work:
            for stand in stands:
                work.create_task(stand.work())
    found.cpu_share = (time.process_time() - cpu_s) / (time.perf_counter() - wall_s)
    sleeping.cancel()
    await asyncio.wait([sleeping])
    found.reactions += [took for every in ear.took_s.values() for took in every]


async def connected(line: Line) -> None:
    """Returns once all machines answer. Raises SystemExit where one does not."""
    for name, machine in line.machines.items():
        try:
            await asyncio.wait_for(machine.wait_link(), 10.0)
        except TimeoutError:
            raise SystemExit(f"{name} does not answer: {machine._change}") from None  # noqa: SLF001  for whoever mends it


async def bare(config: LineConfig, plan: Plan, server: Any, options: argparse.Namespace, folder: Path) -> Found:
    """The line alone."""
    found, ear = Found(), Ear(defaultdict(lambda: b"nothing yet"))
    line = wire_line(config, tap=ear)
    journal = SqliteJournal(EventStream(), utc_text, folder / "bare.sqlite")
    machines = [asyncio.create_task(machine.run()) for machine in line.machines.values()]
    await connected(line)
    await tripped(line, ear, journal, plan, server, options.trips, found, options.seed)
    for task in machines:
        task.cancel()
    await asyncio.wait(machines)
    await journal.close()
    return found


@dataclass
class Up:
    """A service that has started."""

    service: LineService
    origin: str
    way_in: str


@asynccontextmanager
async def up(config: LineConfig, ear: Ear) -> AsyncIterator[Up]:
    """The whole of `pressline up` on a line whose wires are listened to."""
    made: list[LineService] = []
    announced: asyncio.Future[served.Started] = asyncio.get_running_loop().create_future()
    line_service = served.line_service

    @contextmanager
    def line_in_use(config: LineConfig, *_: object) -> Iterator[Line]:
        yield wire_line(config, tap=ear)

    @asynccontextmanager
    async def caught(*given: Any) -> AsyncIterator[LineService]:
        async with line_service(*given) as service:
            made.append(service)
            yield service

    log = Log("auto", "warning", utc_text)
    clock = served.Clock(utc, utc_text)
    with mock.patch.multiple(served, line_in_use=line_in_use, line_service=caught):
        serving = asyncio.create_task(served.serve(config, clock, log, announced.set_result, None))
        await asyncio.wait([serving, announced], return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        started = announced.result()
        try:
            yield Up(made[0], started.origin, started.way_in.token if started.way_in is not None else "")
        finally:
            serving.cancel()
            await asyncio.wait([serving])


def people(origin: str, token: str, told: Connection) -> None:
    """In a process of its own, until it is told to end: dashboards, readers, sign-ins, documents; counts of each."""
    counts = {"messages to dashboards": 0, "answers": 0, "sign-ins": 0, "PDF certificates": 0}

    def heard(_: bytes, __: float) -> None:
        counts["messages to dashboards"] += 1

    async def asks(name: str, client: httpx.AsyncClient, method: str, path: str, **given: Any) -> None:
        answer = await client.request(method, f"/api/v1/{path}", **given)
        told_as = name if answer.is_success else f"refused ({answer.status_code} for {path.partition('?')[0]})"
        counts[told_as] = counts.get(told_as, 0) + 1

    async def reads(client: httpx.AsyncClient) -> None:
        for path in cycle(READ):
            now = time.time()
            times = {name: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for name, at in
                     (("from_", now - 3600), ("to", now + 1))}  # fmt: skip
            await asks("answers", client, "GET", path.format(**times))
            await asyncio.sleep(READ_EVERY_S)

    async def signs_in(client: httpx.AsyncClient) -> None:
        while True:
            await asks("sign-ins", client, "POST", "session", json={"name": "administrator", "password": PASSWORD})
            await asyncio.sleep(SIGN_IN_EVERY_S)

    async def prints(client: httpx.AsyncClient) -> None:
        while True:
            await asks("PDF certificates", client, "GET", "runs/made-before/certificate?form=pdf")
            await asyncio.sleep(0.5)

    async def everybody() -> None:
        host, _, port = origin.removeprefix("http://").partition(":")
        quiet = [frozen(host, int(port), "/api/v1/stream", token) for _ in range(FROZEN)]
        for _ in range(DASHBOARDS - FROZEN):
            await listening(host, int(port), "/api/v1/stream", token, heard)
        named = {"headers": {"Authorization": f"Bearer {token}"}, "base_url": origin, "timeout": 60}
        async with httpx.AsyncClient(**named) as client, httpx.AsyncClient(base_url=origin) as stranger:
            work = [asyncio.create_task(one) for one in (reads(client), signs_in(stranger), prints(client))]
            told.send("there")
            await asyncio.to_thread(told.recv)
            for task in work:
                task.cancel()
            await asyncio.wait(work)
        for one in quiet:
            one.close()

    asyncio.run(everybody())
    told.send(counts)


async def token_of(started: Up) -> str:
    """A program's token, made as the first administrator."""
    async with httpx.AsyncClient(base_url=f"{started.origin}/api/v1") as client:
        form = {"way_in": started.way_in, "password": PASSWORD}
        session = (await client.post("/session/way-in", json=form)).raise_for_status().json()
        form = {"name": "benchmark", "role": "viewer", "days": 1}
        made = await client.post("/tokens", json=form, headers={"X-CSRF-Token": session["csrf"]})
        return str(made.raise_for_status().json()["token"])


async def whole(
    config: LineConfig, plan: Plan, server: Any, options: argparse.Namespace
) -> tuple[Found, dict[str, int]]:
    """The line within a service that is in use."""
    found, ear = Found(), Ear(defaultdict(lambda: b"nothing yet"))
    async with up(config, ear) as started:
        service = started.service
        for name in service.line.machines:
            service.line.allocation.owners[name] = f"{BY_HAND}: the benchmark"
        await connected(service.line)
        here, there = multiprocessing.Pipe()
        spawn = multiprocessing.get_context("spawn")
        process = spawn.Process(target=people, args=(started.origin, await token_of(started), there))
        process.start()
        there.close()  # so that its death ends the waiting
        await asyncio.to_thread(here.recv)
        await tripped(service.line, ear, service.journal, plan, server, options.trips, found, options.seed)
        here.send("enough")
        counts = await asyncio.to_thread(here.recv)
        process.join()
        for name in service.line.machines:
            service.line.allocation.owners.pop(name, None)
    return found, counts


def made_before(plan: Plan, store: Path) -> None:
    """A run that has ended, for whoever asks for a certificate."""

    async def main() -> Journal:
        simulated = SimulatedLine("nominal", 1, asyncio.get_running_loop().time)
        return await rehearsed(plan, simulated, EventStream(), "made-before", {"scenario": "nominal", "seed": 1})

    async def copied(events: Any) -> None:
        journal = SqliteJournal(EventStream(), utc_text, store)
        for event in events:
            journal.note(event.run, event.kind, event.data)
        await journal.close()

    asyncio.run(copied(run_virtual(main()).events()))


def told(name: str, found: Found) -> None:
    """Prints one part."""
    print(f"{name}: {found.cpu_share:.0%} of a core in this process")
    for what, values in (
        ("polls and beats begin late", found.late),
        ("a bad sample to its hold", found.reactions),
        ("a sleep of 1 ms ends late", found.sleeps),
        ("the loop works meanwhile", found.held),
    ):
        figures = ", ".join(f"{word} {1000 * share(values, part):.2f} ms" for word, part in _SHARES)
        print(f"  {what:26}  {figures}  ({len(values)})")


@contextmanager
def presses() -> Iterator[Any]:
    """Four presses that have done nothing yet, in a process of their own."""
    command = [sys.executable, str(Path(__file__).with_name("reaction_server.py"))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as server:  # type: ignore[call-overload]  # noqa: S603 - our own program
        try:
            yield server
        finally:
            server.stdin.close()


async def measured(options: argparse.Namespace, folder: Path, broker_port: int) -> int:
    plan = make_plan(load_recipe(EXAMPLE), capabilities(None))
    mqtt = MqttConfig(url=f"mqtt://127.0.0.1:{broker_port}", live_hz=10.0)
    store = StoreConfig(url=f"sqlite:///{folder / 'store.sqlite'}", folder=folder)
    service = ServiceConfig(WebConfig(port=free_port()), store, HistorianConfig(), mqtt)
    with presses() as server:
        units = units_of(json.loads(server.stdout.readline()), folder)
        line = await bare(LineConfig("bench", units), plan, server, options, folder)
    with presses() as server:
        units = units_of(json.loads(server.stdout.readline()), folder)
        full, counts = await whole(LineConfig("bench", units, service=service), plan, server, options)
    told("the bare line", line)
    told("the whole service in use", full)
    print("  meanwhile " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    late_ms, most_ms = 1000 * share(full.late, 0.99), 1000 * max(full.late)
    worst_ms = 1000 * share(full.reactions, 0.99)
    expected = options.trips * len(units)
    for what, ms, goal_ms in (
        ("lateness p99", late_ms, LATE_GOAL_MS),
        ("longest lateness", most_ms, LATE_MOST_MS),
        ("reaction p99", worst_ms, REACTION_GOAL_MS),
    ):
        print(f"{what} of the whole service: {ms:.2f} ms; goal {goal_ms:g} ms {'met' if ms <= goal_ms else 'MISSED'}")
    print(f"beside the bare line: lateness {share(full.late, 0.99) / share(line.late, 0.99):.1f} times,"
          f" reaction {share(full.reactions, 0.99) / share(line.reactions, 0.99):.1f} times")  # fmt: skip
    if min(len(line.reactions), len(full.reactions)) < expected:
        print(f"only {len(line.reactions)} and {len(full.reactions)} of {expected} trips were seen")
        return 1
    return 0 if late_ms <= LATE_GOAL_MS and most_ms <= LATE_MOST_MS and worst_ms <= REACTION_GOAL_MS else 1


_SHARES = (("p50", 0.5), ("p99", 0.99), ("most", 1.0))


def main() -> int:
    """Measures and prints; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trips", type=int, default=8, help="of each of the four presses, in each part")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made_before(make_plan(load_recipe(EXAMPLE), capabilities(None)), folder / "store.sqlite")
        with mosquitto(folder) as broker:
            found: list[int] = []

            async def work() -> None:
                found.append(await measured(options, folder, broker.port))

            on_loop(work(), 1.0)  # as `pressline up` has it
            return found[0]


if __name__ == "__main__":
    sys.exit(main())

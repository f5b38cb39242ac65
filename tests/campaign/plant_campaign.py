"""`make campaign-plant`: lines whose cables to the plant are really pulled, again and again, in network namespaces.

The plant's PostgreSQL stands in a namespace of its own; each line reaches it by a pair of virtual cables. A pulled one
carries nothing and tells nobody. Between the cuts lines record, copiers are killed, and in the end everything has to be
there once. Needs root and iproute2.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from controller.plant import Copier, CopyOptions
from tests.controller.historian.stores import START_US
from tests.plant.plants import Line, at_plant, line_samples, noise, open_plant, plant_samples
from tests.postgres import postgres_server

NETWORK = "10.213"
"""Of addresses that no network of ours has (engineering judgement)."""
OPTIONS = CopyOptions(
    every_s=0.05, pause_s=0, first_wait_s=0.1, most_wait_s=1, away_s=1, answer_s=3, records=20, blocks=2
)
CATCHES_UP_WITHIN_S = 120


def ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


@contextmanager
def namespace(lines: int) -> Iterator[str]:
    """A namespace with a cable for each line; line n reaches the plant at NETWORK.n.2."""
    name = f"plant-{os.getpid()}"
    ip("netns", "add", name)
    try:
        for number in range(lines):
            mine, theirs = f"pl{os.getpid() % 10_000}-{number}", f"line{number}"
            ip("link", "add", mine, "type", "veth", "peer", "name", theirs, "netns", name)
            ip("address", "add", f"{NETWORK}.{number}.1/24", "dev", mine)
            ip("link", "set", mine, "up")
            ip("-n", name, "address", "add", f"{NETWORK}.{number}.2/24", "dev", theirs)
            ip("-n", name, "link", "set", theirs, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        with suppress(RuntimeError):
            ip("netns", "delete", name)  # its ends of the cables go with it, and so ours


class Pulled:
    """One line with its copier, behind its own cable."""

    def __init__(self, folder: Path, number: int, database: str) -> None:
        self.number, self.name = number, f"plant/hall/line-{number}"
        self.line = Line(folder / str(number))
        self.url = database.replace(f"{NETWORK}.0.2", f"{NETWORK}.{number}.2")
        self.count = 0
        self.task: asyncio.Task[None] | None = None
        self.copier: Copier | None = None

    def start(self) -> None:
        self.copier = self.line.copier(self.url, name=self.name, options=OPTIONS)
        self.task = asyncio.create_task(self.copier.run())

    async def kill(self) -> None:
        """The copier ends wherever it is; another one will know from the plant alone where to go on."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None

    async def record(self, chance: random.Random) -> None:
        """Something happens at the line, whatever the network does."""
        await self.line.tell(chance.randint(1, 60))
        size = chance.randint(500, 4000)
        first = START_US + self.count * 50_000
        self.count += size
        made = noise(size, chance.randint(0, 1 << 30), first)
        await asyncio.to_thread(self.line.trends().store, {"press.a": made, "press.b": made})

    def pull(self, *, is_up: bool) -> None:
        ip("link", "set", f"pl{os.getpid() % 10_000}-{self.number}", "up" if is_up else "down")

    @property
    def is_whole(self) -> bool:
        copier = self.copier
        if copier is None or not copier.progress.is_reached:
            return False
        progress = copier.progress
        behind = progress.records_behind + progress.blocks_behind
        return not behind and progress.records == len(self.line.events())


async def play(database: str, folder: Path, lines: int, rounds: int, chance: random.Random) -> list[str]:
    """Cuts, kills and records; every fault that is found, in words."""
    known = [Pulled(folder, number, database) for number in range(lines)]
    for line in known:
        await line.record(chance)
        line.start()
    cuts = kills = 0
    for number in range(rounds):
        line = chance.choice(known)
        line.pull(is_up=False)
        cuts += 1
        for other in known:
            await other.record(chance)
        await asyncio.sleep(chance.choice((0.05, 0.5, 5)))
        if chance.random() < 0.4:
            await line.kill()
            kills += 1
            line.start()
        line.pull(is_up=True)
        await asyncio.sleep(chance.choice((0.05, 0.5, 2)))
        print(f"round {number + 1} of {rounds}: {line.name} was cut off", flush=True)
    faults = [fault for line in known for fault in await judged(line, database)]
    print(f"{cuts} cuts, {kills} copiers ended: {len(faults)} faults", flush=True)
    return faults


async def judged(line: Pulled, database: str) -> list[str]:
    """What is wrong with the copy of a line, after it had time to catch up."""
    try:
        async with asyncio.timeout(CATCHES_UP_WITHIN_S):
            while not line.is_whole:  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)
    except TimeoutError:
        return [f"{line.name} has not caught up: {line.copier and line.copier.progress}"]
    finally:
        await line.kill()
    faults, there = [], await at_plant(line.url, line.name)
    if there != line.line.events():
        faults.append(f"{line.name}: the records at the plant are not those of the line")
    async with open_plant(line.url) as plant:
        faults += [
            f"{line.name}: the samples of {tag} at the plant are not those of the line"
            for tag in ("press.a", "press.b")
            if plant_samples(plant, tag, line.name) != line_samples(line.line, tag)
        ]
    print(f"{line.name}: {len(there)} records and {2 * line.count} samples, each once", flush=True)
    line.line.close()
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if os.geteuid():
        print("campaign-plant makes network namespaces, which only root may", file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory() as folder,
        namespace(given.lines) as name,
        postgres_server(name, f"{NETWORK}.0.0/16") as server,
    ):
        url, chance = server.new_database(), random.Random(given.seed)
        faults = asyncio.run(play(url, Path(folder), given.lines, given.rounds, chance))
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

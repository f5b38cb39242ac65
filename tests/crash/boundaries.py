"""Every write boundary of a run: `make campaign-crash`, or `python -m tests.crash.boundaries --jobs 2`.

At each operation of the disk the images are made that a crash can leave just before it, and each is opened with the
real journal. The exit code is 1 if anything was found.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.controller.recipes_for_tests import EXAMPLE
from tests.crash.disk import Disk, Left
from tests.crash.judging import Fault, Judge
from tests.crash.recording import Recording, recorded

MEMORY_DISK = Path("/dev/shm")  # noqa: S108  a disk in memory where there is one; each image is gone after its judgement
SHARES = 16
"""Each process takes its boundaries in so many turns, so that it is seen how far a campaign is."""
EARLIER = 640
"""Records of former runs with which SQLite's checkpoint (each 1000 pages of its log) falls into the run."""


@dataclass(slots=True)
class Tally:
    """What was judged: boundaries, images by what was left, and what must not be."""

    boundaries: int = 0
    images: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.boundaries += other.boundaries
        self.images += other.images
        self.faults += other.faults


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which boundaries and how thoroughly: every `step`th from `first` on."""

    first: int = 0
    step: int = 1
    holes: int = 3
    every_tear: bool = True
    seed: int = 1


@contextmanager
def fast_folder() -> Iterator[Path]:
    """A folder on a disk in memory, if there is one."""
    where = MEMORY_DISK if MEMORY_DISK.is_dir() and os.access(MEMORY_DISK, os.W_OK) else None
    with TemporaryDirectory(prefix="crash-", dir=where) as folder:
        yield Path(folder)


def judged(recording: Recording, wanted: Wanted) -> Tally:
    """Judges the boundaries that are wanted."""
    with fast_folder() as folder:
        return asyncio.run(_judged(recording, wanted, folder))


async def _judged(recording: Recording, wanted: Wanted, folder: Path) -> Tally:
    judge, disk, tally = Judge(recording, folder), Disk(), Tally()
    for number in range(len(recording.operations) + 1):
        if number >= wanted.first and (number - wanted.first) % wanted.step == 0:
            tally.boundaries += 1
            rng = Random(f"{wanted.seed}:{number}")
            for image in disk.images(rng, tuple(Left), holes=wanted.holes, every_tear=wanted.every_tear):
                tally.images[image.left] += 1
                tally.faults += await judge.judge(number, image)
        if number < len(recording.operations):
            disk.apply(recording.operations[number])
    return tally


def recorded_runs() -> Iterator[tuple[str, Recording, int]]:
    """Example 1 into a new store, and into one with former runs; each with its first boundary that is judged."""
    with fast_folder() as folder:
        yield "a new store", recorded(EXAMPLE, folder), 0
    with fast_folder() as folder:
        recording = recorded(EXAMPLE, folder, earlier=EARLIER)
        yield f"a store with {EARLIER} records of former runs", recording, recording.written[EARLIER]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Cuts the power at every write of a run's journal.")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--step", type=int, default=1, help="only each of so many boundaries")
    parser.add_argument("--seed", type=int, default=1, help="draws what is left of unsynced writes")
    options = parser.parse_args(arguments)
    began, faults = time.monotonic(), 0
    for what, recording, first in recorded_runs():
        print(f"Example 1 into {what}: {recording.end_state}, {len(recording.events)} records,", end=" ")
        print(f"{len(recording.operations)} operations of the disk, {len(recording.told)} risks raised", flush=True)
        tally, count = Tally(), options.jobs * SHARES
        shares = [
            Wanted(first + share * options.step, options.step * count, seed=options.seed) for share in range(count)
        ]
        with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
            for part in pool.map(judged, [recording] * count, shares):
                tally.add(part)
                images = sum(tally.images.values())
                print(
                    f"  so far {tally.boundaries} boundaries, {images} images, {len(tally.faults)} faults", flush=True
                )
        print("\n".join(summary(tally)), flush=True)
        faults += len(tally.faults)
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if faults else 0


def summary(tally: Tally) -> Iterator[str]:
    """The figures in words."""
    yield f"  {tally.boundaries} boundaries, {sum(tally.images.values())} images opened"
    yield from (f"    {count:6} {left}" for left, count in sorted(tally.images.items()))
    yield f"  {len(tally.faults)} in which something was that must not be"
    yield from (f"    {fault}" for fault in tally.faults[:20])


if __name__ == "__main__":
    sys.exit(main())

"""Damaged answers by the million: `python -m tests.campaign.frame_campaign --frames 1000000 --jobs 2 --seed 1`.

Every frame is one answer to one request of ours, damaged in its bytes, its fields or its time, on a wire in memory and
on virtual time. Then a sound exchange has to succeed. An oracle written from the specifications decides what a result
may be (`frame_oracle.py`). The exit code is 1 if a value was returned that no valid answer carried, if anything but a
DriverError was raised, or if the line did not come back.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from random import Random

from simulators.clock import run_virtual
from tests.campaign.frame_exchange import Trial
from tests.campaign.frame_targets import TARGETS, target_of

CHUNK = 200
"""Frames on one transport; what one leaves behind can only harm the next ones of its chunk."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A frame after which something did not hold."""

    target: str
    frame: int
    fault: str


@dataclass(slots=True)
class Tally:
    """What became of some frames."""

    outcomes: Counter[str] = field(default_factory=Counter)
    damages: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    @property
    def frames(self) -> int:
        return self.outcomes.total()

    def add(self, other: Tally) -> None:
        self.outcomes += other.outcomes
        self.damages += other.damages
        self.failures += other.failures


def name_of(frame: int) -> str:
    """Which target a frame is for: every chunk has one."""
    return list(TARGETS)[frame // CHUNK % len(TARGETS)]


def tally(seed: int, frames: range) -> Tally:
    """Makes and judges frames of one chunk, from the chunk's first one on, so that each has the same past again."""
    first = frames.start // CHUNK * CHUNK
    return run_virtual(_chunk(seed, first, frames))


async def _chunk(seed: int, first: int, frames: range) -> Tally:
    name, result = name_of(first), Tally()
    rng = Random(f"{seed} {first}")
    target, wire = target_of(name)
    try:
        await Trial(target, wire, rng).begin()
        for frame in range(first, frames.stop):
            trial = Trial(target, wire, rng)
            await trial.run()
            if frame < frames.start:
                continue
            result.outcomes[f"{name} {trial.outcome}"] += 1
            result.damages[trial.damage] += 1
            result.failures += [Failure(name, frame, fault) for fault in trial.faults]
    finally:
        await target.transport.close()
    return result


def campaign(seed: int, first: int, frames: int, jobs: int) -> Iterator[Tally]:
    """Tallies of all frames as they come in."""
    end = first + frames
    starts = [first, *range((first // CHUNK + 1) * CHUNK, end, CHUNK)]
    chunks = [range(start, min(end, (start // CHUNK + 1) * CHUNK)) for start in starts]
    if jobs == 1:
        yield from (tally(seed, chunk) for chunk in chunks)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(tally, seed, chunk) for chunk in chunks]):
            yield future.result()


def told(failure: Failure, seed: int) -> str:
    replay = f"python -m tests.campaign.frame_campaign --seed {seed} --first {failure.frame} --frames 1"
    return f"{failure.target}, frame {failure.frame}: {failure.fault}\n  {replay}"


def summary(total: Tally) -> Iterator[str]:
    """One line for each target."""
    for target in TARGETS:
        counts = {k.removeprefix(f"{target} "): n for k, n in total.outcomes.items() if k.startswith(f"{target} ")}
        parts = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
        yield f"{target}: {sum(counts.values())} frames: {parts}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Damages answers and looks at what our side makes of them.")
    parser.add_argument("--frames", type=int, default=10_000, help="how many damaged answers")
    parser.add_argument("--first", type=int, default=0, help="the first frame")
    parser.add_argument("--seed", type=int, default=1, help="of the whole campaign")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--told", type=int, default=20, help="failures after which they are only counted")
    options = parser.parse_args(arguments)
    began, total, shown = time.monotonic(), Tally(), 0
    for part in campaign(options.seed, options.first, options.frames, options.jobs):
        before = total.frames
        total.add(part)
        for failure in part.failures:
            shown += 1
            if shown <= options.told:
                print(told(failure, options.seed), flush=True)
        if before * 20 // options.frames != total.frames * 20 // options.frames:
            seconds = time.monotonic() - began
            left = (options.frames - total.frames) * seconds / max(1, total.frames)
            progress = f"{total.frames} of {options.frames} frames, {len(total.failures)} failures, {left:.0f} s left"
            print(progress, file=sys.stderr, flush=True)
    for line in summary(total):
        print(line)
    print(f"{len(total.failures)} failures in {total.frames} frames, {time.monotonic() - began:.0f} s")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())

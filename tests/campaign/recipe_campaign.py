"""Mutants by the thousand: `python -m tests.campaign.recipe_campaign --seeds 100000 --jobs 2`.

Every seed is one file: most are recipes, every tenth is a rule pack or a line file. What does not hold is told at once
with the command that makes the same file again, and the file is written down. The exit code is 1 if anything was found.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from controller.cli.recipes import capabilities
from recipes.capability import UnitCapability
from tests.campaign.check import Verdict, distinct, line_verdict, pack_verdict, recipe_verdict
from tests.campaign.mutate import Mutant, mutant
from tests.campaign.other_mutants import line_mutant, pack_mutant

CHUNK = 100
MEMORY_BYTES = 3 << 30
"""Address space of one process; a file that needs more is a fault (MemoryError). An idle one has below 1 GB."""
SUFFIXES = {"recipe": "yaml", "pack": "csv", "line": "toml"}


@dataclass(frozen=True, slots=True)
class Failure:
    """A seed whose file broke what must hold."""

    seed: int
    kind: str
    faults: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """What became of some seeds."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, 0)
    memory_mb: int = 0

    def add(self, other: Tally) -> None:
        self.outcomes += other.outcomes
        self.failures += other.failures
        self.slowest = max(self.slowest, other.slowest)
        self.memory_mb = max(self.memory_mb, other.memory_mb)


def kind_of(seed: int) -> str:
    """Which kind of file a seed makes."""
    return {3: "pack", 13: "line"}.get(seed % 20, "recipe")


def made(seed: int) -> Mutant:
    """The file of a seed."""
    return {"recipe": mutant, "pack": pack_mutant, "line": line_mutant}[kind_of(seed)](seed)


@cache
def _units() -> Sequence[UnitCapability]:
    return capabilities(None)


def judged(file: Mutant, directory: Path) -> Verdict:
    """What became of the file of a seed."""
    match kind_of(file.seed):
        case "line":
            return line_verdict(file, directory)
        case "pack":
            return pack_verdict(file, directory, _units())
        case _:
            return recipe_verdict(file, directory, _units())


def tally(seeds: range) -> Tally:
    """Makes and judges the files of some seeds in this process."""
    result = Tally()
    with tempfile.TemporaryDirectory() as directory:
        for seed in seeds:
            verdict = judged(made(seed), Path(directory))
            kind = kind_of(seed)
            result.outcomes[verdict.outcome if kind == "recipe" else f"{kind} {verdict.outcome}"] += 1
            result.slowest = max(result.slowest, (verdict.seconds, seed))
            if verdict.faults:
                result.failures.append(Failure(seed, kind, verdict.faults))
    result.memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return result


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def campaign(first: int, seeds: int, jobs: int) -> Iterator[Tally]:
    """Tallies of all seeds as they come in; a process that dies is a failure of the seeds that it had."""
    chunks = [range(begin, min(begin + CHUNK, first + seeds)) for begin in range(first, first + seeds, CHUNK)]
    context = multiprocessing.get_context("spawn")
    while chunks:
        with ProcessPoolExecutor(jobs, context, _bounded) as pool:
            running: dict[Future[Tally], range] = {pool.submit(tally, chunk): chunk for chunk in chunks}
            for future in as_completed(running):
                try:
                    result = future.result()
                except BrokenProcessPool:
                    break
                chunks.remove(running[future])
                yield result
        if chunks and not any(chunk in chunks for chunk in running.values()):
            return
        if chunks and len(chunks) == len(running):  # nothing of it came through: the first seeds kill the process
            died = chunks.pop(0)
            yield Tally(failures=[Failure(died.start, "process", (f"died in seeds {died.start} to {died.stop - 1}",))])


def _told(failure: Failure, folder: Path) -> str:
    replay = f"python -m tests.campaign.recipe_campaign --first {failure.seed} --seeds 1"
    if failure.kind not in SUFFIXES:
        return f"seed {failure.seed}: {failure.faults[0]}; {replay}"
    folder.mkdir(parents=True, exist_ok=True)
    file = made(failure.seed)
    path = folder / f"{failure.seed}.{SUFFIXES[failure.kind]}"
    path.write_bytes(file.data)
    damages = ", ".join(file.damages)
    return f"seed {failure.seed} ({file.base}: {damages}): {failure.faults[0]}\n  {path}\n  {replay}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Tries to break the recipe reader and the planner.")
    parser.add_argument("--seeds", type=int, default=10_000, help="how many files")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument(
        "--told", type=int, default=20, help="failures of one kind after which the kind is only counted"
    )
    folder = Path(tempfile.gettempdir()) / "pressline-campaign"
    parser.add_argument("--folder", type=Path, default=folder, help="where failing files are written")
    options = parser.parse_args(arguments)
    began, total, kinds = time.monotonic(), Tally(), Counter[str]()
    for part in campaign(options.first, options.seeds, options.jobs):
        total.add(part)
        for failure in sorted(part.failures, key=lambda failure: failure.seed):
            kind = next(iter(distinct(failure.faults)))
            kinds[kind] += 1
            if kinds[kind] <= options.told:
                print(_told(failure, options.folder), flush=True)
        done, seconds = total.outcomes.total(), time.monotonic() - began
        left = (options.seeds - done) * seconds / max(1, done)
        print(
            f"{done} of {options.seeds} files, {len(total.failures)} failures, {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )
    print(", ".join(f"{count} {outcome}" for outcome, count in total.outcomes.most_common()))
    print(
        f"slowest {total.slowest[0]:.2f} s of CPU time (seed {total.slowest[1]}), largest process {total.memory_mb} MB"
    )
    print(f"{len(total.failures)} failures in {time.monotonic() - began:.0f} s")
    for kind, count in kinds.most_common():
        print(f"  {count} x {kind}")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())

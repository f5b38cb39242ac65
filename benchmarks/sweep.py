"""How a sweep's rate grows with the processes: `python benchmarks/sweep.py --samples 40`.

One and the same set of samples of Example 1 is dry run by one worker process and by two, in turn, so that what else
the computer does meets both. The rate is that of wall time between the first row and the last, without the workers'
start, which a sweep of thousands does not notice. The goal is 0.9 of twice the rate of one; it needs two cores that
nobody else uses. Whether they were is told by two processes that only count, at the same moment: what they reach of
twice one is all that the computer allows. What the sweep itself loses is told apart from that: the CPU time of a
sample alone and beside another one, and the share of the time in which a worker had a sample. The exit code is 1 if
the goal is not met.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from controller.cli.recipes import capabilities
from controller.sweep.local import run_locally
from controller.sweep.options import SweepOptions
from controller.sweep.run import Sweep, prepared
from controller.sweep.sample import DONE
from recipes.load import library_recipes

GOAL = 0.9
VARY = ("densify.pressure=940..1000MPa", "densify.temperature=110..130degC")
"""Near the recipe's own values, so that every sample is run to its end."""
COUNTING = "import time; t = time.perf_counter(); sum(i * i for i in range(20_000_000)); print(time.perf_counter() - t)"


@dataclass(frozen=True, slots=True)
class Pace:
    """Samples a second of wall time, CPU seconds of one sample, and the share of the time that workers had a sample."""

    rate: float
    cpu_s: float
    busy: float


@dataclass(frozen=True, slots=True)
class Round:
    """One process and two, and what two processes that only count reach of twice one."""

    one: Pace
    two: Pace
    floor: float

    @property
    def ratio(self) -> float:
        return self.two.rate / (2.0 * self.one.rate)

    @property
    def own(self) -> float:
        """The ratio as it would be on two cores of one's own."""
        return self.one.cpu_s / self.two.cpu_s * self.two.busy / self.one.busy


def pace(sweep: Sweep, count: int) -> Pace:
    """How fast so many processes get through the samples, between the first row and the last."""
    rows, times = [], []
    for row in run_locally(sweep.jobs(without=()), count):
        if row["status"] != DONE:
            raise RuntimeError(f"sample {row['sample']}: {row['message']}")
        rows.append(row)
        times.append(time.perf_counter())
    elapsed_s = times[-1] - times[0]
    later = rows[count:]  # the first ones of each worker load what it needs
    inside_s = sum(row["wall_s"] for row in later)
    span_s = times[-1] - times[count - 1]
    return Pace(
        (len(rows) - 1) / elapsed_s, median(row["cpu_s"] for row in later), min(1.0, inside_s / (count * span_s))
    )


def counting() -> float:
    """How fast each of two counting processes is beside one alone: 1 on two free cores."""

    def seconds(count: int) -> float:
        command = [sys.executable, "-c", COUNTING]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]  # noqa: S603  # ours
        return sum(float(process.communicate()[0]) for process in running) / count

    return seconds(1) / seconds(2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    recipe = next(file for file in library_recipes() if file.stem == "honda-example-1")
    sweep = prepared(SweepOptions(recipe, VARY, arguments.samples, 1, "realistic", 1), capabilities(None))
    rounds = []
    for number in range(1, arguments.rounds + 1):
        rounds.append(Round(pace(sweep, 1), pace(sweep, 2), counting()))
        last = rounds[-1]
        told = f"one process {last.one.rate:.2f}/s, two {last.two.rate:.2f}/s, {last.ratio:.2f} of twice one"
        cpu = f"CPU of a sample {last.one.cpu_s:.3f} s alone, {last.two.cpu_s:.3f} s beside another"
        busy = f"workers busy {100.0 * last.one.busy:.1f} % and {100.0 * last.two.busy:.1f} %"
        print(f"round {number}: {told}; {cpu}; {busy}; counting alone {last.floor:.2f}; load {os.getloadavg()[0]:.1f}")
    found, floor = median(item.ratio for item in rounds), median(item.floor for item in rounds)
    own = median(item.own for item in rounds)
    minutes = 2000.0 / median(item.two.rate for item in rounds) / 60.0
    print(f"two processes: {found:.2f} of twice one (goal {GOAL} {'met' if found >= GOAL else 'MISSED'})")
    print(f"by CPU time and idle time alone {own:.2f}; two processes that only count {floor:.2f}")
    print(f"2,000 samples in {minutes:.0f} min")
    return 0 if found >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())

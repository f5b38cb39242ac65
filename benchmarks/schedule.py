"""How near the schedule of many laminates comes to the best: `python benchmarks/schedule.py`.

Twenty laminates of Example 1 with maximum waits are carried out on virtual time by the executor, through two uniaxial
presses, one isostatic press and one coater. What each part of each step took is given to OR-tools' CP-SAT, which looks
for the shortest schedule of the same durations with the same units, people and maximum waits, and proves a bound below
which none can be. Once with the steps of a laminate one after the other, as a run has them, once as its lots allow.
The exit code is 1 if the executor needs more than 1.1 times the solver's best or a maximum wait was broken, 2 if
OR-tools is not installed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

GOAL = 1.1


def main() -> int:
    """Prints a table for each number of people; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, nargs="+", default=[2, 1, 3], help="how many people are at the line")
    parser.add_argument("--limit", type=float, default=4.0, help="the solver's deterministic time; 4 is half a minute")
    options = parser.parse_args()
    try:
        import ortools  # noqa: F401  (whether it is there)
    except ImportError:
        print("needs OR-tools: pip install --group dev", file=sys.stderr)
        return 2
    from tests.controller.twenty import COUNT, repeated

    missed = False
    print(
        "people  carried out  foreseen  solver's best  its bound  ratio  with overlap: bound  ratio  broken waits  wall"
    )
    for people in options.people:
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            found = repeated(Path(folder), people, options.limit)
        ratio = found.carried_out_s / found.solver.makespan_s
        free = found.carried_out_s / found.free.bound_s
        missed |= ratio > GOAL or bool(found.broken) or found.complete < COUNT
        print(
            f"{people:6}  {found.carried_out_s / 60:7.1f} min  {found.foreseen_s / 60:4.1f} min"
            f"  {found.solver.makespan_s / 60:9.1f} min  {found.solver.bound_s / 60:5.1f} min  {ratio:5.3f}"
            f"  {found.free.bound_s / 60:15.1f} min  {free:5.3f}  {len(found.broken):12}"
            f"  {time.perf_counter() - begun:.0f} s",
            flush=True,
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

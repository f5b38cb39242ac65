"""What a sign-in takes from the loop that polls: `python benchmarks/sign_in.py`.

A task sleeps 5 ms over and over and measures how late it wakes: with nobody signing in, while people sign in one after
the other, and the same with the four lanes that RFC 9106 names. The three take turns, so that what else the computer
does is in all of them. Told is the 99th percentile, and beside it that of the quiet turns. The exit code is 1 if a goal
is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from argon2 import Parameters

from controller.accounts.passwords import PARAMETERS, Passwords

EVERY_S = 0.005
GOAL_MS = 3.0  # p99 of lateness, as of polls (the design's figure)
PASSWORD = "correct horse battery staple"  # noqa: S105  of a benchmark


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def lateness_ms(for_s: float) -> list[float]:
    """How late a task wakes that sleeps over and over."""
    loop, late = asyncio.get_running_loop(), []
    end_s = loop.time() + for_s
    while (begun_s := loop.time()) < end_s:
        await asyncio.sleep(EVERY_S)
        late.append(1e3 * (loop.time() - begun_s - EVERY_S))
    return late


async def beside(parameters: Parameters | None, for_s: float) -> tuple[list[float], int, float]:
    """Lateness while people sign in, how many did, and the processor seconds of one."""
    if parameters is None:
        return await lateness_ms(for_s), 0, 0.0
    passwords, count = Passwords(parameters), 0
    stored = await passwords.hash(PASSWORD)

    async def signing_in() -> None:
        nonlocal count
        while True:
            await passwords.verify(stored, PASSWORD)
            count += 1

    task, spent_s = asyncio.create_task(signing_in()), time.process_time()
    try:
        return await lateness_ms(for_s), count, (time.process_time() - spent_s) / max(1, count)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        passwords.close()


async def measured(rounds: int, for_s: float) -> bool:
    kinds = {"nobody": None, "one lane (ours)": PARAMETERS, "four lanes": replace(PARAMETERS, parallelism=4)}
    p99: dict[str, list[float]] = {name: [] for name in kinds}
    told: dict[str, tuple[int, float]] = {}
    for _ in range(rounds):
        for name, parameters in kinds.items():
            late, count, each_s = await beside(parameters, for_s)
            p99[name].append(percentile(late, 0.99))
            told[name] = count, each_s
    quiet = median(p99["nobody"])
    for name, values in p99.items():
        count, each_s = told[name]
        ratio = median(value / base for value, base in zip(values, p99["nobody"], strict=True))
        work = f"; {count} in {for_s:g} s, {1e3 * each_s:.0f} ms of processor time each" if count else ""
        print(f"{name:<16} late by {median(values):6.2f} ms (p99), {ratio:5.2f} of nobody's{work}")
    own = median(p99["one lane (ours)"])
    is_met = own - quiet <= GOAL_MS
    print(f"goal: sign-ins add at most {GOAL_MS:g} ms to the p99; they add {own - quiet:.2f} ms")
    return is_met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args()
    return 0 if asyncio.run(measured(given.rounds, given.seconds)) else 1


if __name__ == "__main__":
    sys.exit(main())

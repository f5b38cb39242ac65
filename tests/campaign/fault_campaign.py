"""Every fault, many times: `python -m tests.campaign.fault_campaign --seeds 20 --jobs 2`.

Each fault of the catalogue is played once a seed on the real executor, drivers and simulators on virtual time, and an
observer that sees the simulated physics judges the seven points. The exit code is 1 if anything was found. A seed that
fails is told with the command that replays exactly it, and --again plays each run twice and compares both journals.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from hashlib import sha256

from tests.campaign.fault_cases import GAPS, NOT_PLAYED
from tests.campaign.fault_draw import drawn
from tests.campaign.fault_judges import judged
from tests.campaign.fault_stage import canonical_journal
from tests.campaign.fault_story import Point
from tests.campaign.fault_wire_cases import played_faults


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one run gave. findings must not be; gaps are findings that GAPS knows of."""

    fault: str
    seed: int
    people: str
    state: str
    reason: str
    wall_s: float
    journal_sha256: str
    findings: tuple[str, ...]
    gaps: tuple[str, ...] = ()

    @property
    def replay(self) -> str:
        return f"python -m tests.campaign.fault_campaign --fault {self.fault} --first {self.seed} --seeds 1"


def examined(fault: str, seed: int) -> Verdict:
    """Plays the run of a fault and a seed and judges it."""
    began = time.perf_counter()
    stage, case = drawn(fault, seed)
    story = stage.play()
    found = judged(story)
    state = story.record["state"]
    findings = [str(finding) for finding in found if not (finding.point is Point.ALARM and fault in GAPS)]
    if stage.begun_s is None:
        findings.append("the fault never came: the run did not reach its moment")
    if state not in case.ends and not (stage.people != "absent" and state in ("complete", "stopped", "held")):
        findings.append(f"the run is {state}, expected {' or '.join(sorted(case.ends))}: {story.record['reason']}")
    return Verdict(
        fault,
        seed,
        stage.people,
        state,
        story.record["reason"],
        time.perf_counter() - began,
        sha256(canonical_journal(story).encode()).hexdigest(),
        tuple(findings),
        tuple(str(finding) for finding in found if finding.point is Point.ALARM and fault in GAPS),
    )


def campaign(faults: Sequence[str], first: int, seeds: int, jobs: int) -> Iterator[Verdict]:
    """Verdicts as they come in."""
    wanted = [(fault, seed) for seed in range(first, first + seeds) for fault in faults]
    if jobs == 1:
        yield from (examined(fault, seed) for fault, seed in wanted)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(examined, fault, seed) for fault, seed in wanted]):
            yield future.result()


def summary(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The figures of a campaign in words."""
    states = Counter(verdict.state for verdict in verdicts)
    bad = [verdict for verdict in verdicts if verdict.findings]
    ends = ", ".join(f"{count} {state}" for state, count in states.most_common())
    yield f"{len(verdicts)} runs of {len({verdict.fault for verdict in verdicts})} faults ({ends})"
    yield f"{len(bad)} runs in which something was that must not be"
    yield from (f"  {verdict.fault} seed {verdict.seed}: {verdict.findings[0]}" for verdict in bad)
    gaps = Counter(verdict.fault for verdict in verdicts if verdict.gaps)
    yield from (f"known gap, {count} runs: {fault}: {GAPS[fault]}" for fault, count in gaps.items())
    yield from (f"not played: {fault}: {why}" for fault, why in NOT_PLAYED.items())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Plays every fault and holds what happened against the physics.")
    parser.add_argument("--seeds", type=int, default=3, help="how many runs of each fault")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--fault", action="append", choices=played_faults(), help="only this fault; may be repeated")
    parser.add_argument("--again", action="store_true", help="plays each run twice and compares both journals")
    options = parser.parse_args(arguments)
    began, verdicts, different = time.monotonic(), [], 0
    faults = options.fault or played_faults()
    for verdict in campaign(faults, options.first, options.seeds, options.jobs):
        verdicts.append(verdict)
        words = f"{verdict.fault} seed {verdict.seed}: {verdict.state} ({verdict.people}, {verdict.wall_s:.1f} s)"
        print(words, flush=True)
        if verdict.findings:
            print("\n".join(f"  {finding}" for finding in verdict.findings))
            print(f"  {verdict.replay}", flush=True)
        if options.again and examined(verdict.fault, verdict.seed).journal_sha256 != verdict.journal_sha256:
            different += 1
            print(f"  a second run has another journal\n  {verdict.replay} --again", flush=True)
    print("\n".join(summary(verdicts)))
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if different or any(verdict.findings for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())

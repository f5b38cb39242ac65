"""Certificates against the truth: `python -m tests.campaign.truth_campaign --seeds 1000 --jobs 2`.

Every seed is one variant of a Honda recipe near some bound, run once on virtual time under guarded acceptance at 95 %;
what simple acceptance would have said follows from the same certificate. Told are: passes where the truth fails the
bound by more than the certificate's expanded uncertainty, the share of false passes among passes near a bound for both
decision rules, and how often the expanded uncertainty holds the truth.

The exit code is 1 if guarded acceptance passes anything by more than its uncertainty, if more than 5 % of its passes
near a bound are wrong, or if a comparative meets claim 6. Simple acceptance may pass what is wrong by more than its
uncertainty as often as k = 2 says, 2.3 % on one side: no uncertainty of 95 % coverage can promise more of many runs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any

from controller.cli.exit_codes import ExitCode, code_of
from tests.campaign.truth import Compared, TrueRun, compared, variant_run
from tests.campaign.variants import variant

CHUNK = 5
CONFIDENCE = 0.95
LARGEST_SHARE = 1.0 - CONFIDENCE
TAIL = 0.0228
"""What a normal distribution has beyond two standard deviations on one side."""
BINDING = ("claim", "required")


@dataclass(frozen=True, slots=True)
class Line:
    """One rule of one run; near says how many expanded uncertainties the value lies inside its bound."""

    rule: str
    quantity: str
    binding: bool
    guarded: bool
    simple: bool
    false: bool
    covered: bool
    near: float


@dataclass(frozen=True, slots=True)
class Report:
    """What one seed gave: its kind, how its run ended, and the rules that were compared.

    faults must not be; beyond are simple passes that are wrong by more than their uncertainty.
    """

    seed: int
    kind: str
    state: str
    lines: tuple[Line, ...]
    faults: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()


def examined(seed: int) -> Report:
    """Runs the variant of a seed and compares its certificate with the truth."""
    made = variant(seed, guarded=True)
    run = variant_run(made.text, seed)
    all_of = tuple(compared(run))
    lines = tuple(_line(item) for item in all_of)
    faults = tuple(faults_of(run, all_of, made.kind))
    beyond = tuple(told(item) for item in all_of if item.simple == "pass" and item.is_beyond)
    return Report(seed, made.kind, run.record["state"], lines, faults, beyond)


def told(item: Compared) -> str:
    """A pass that is wrong, in words."""
    value = f"{item.rule.id}: {item.value:.6g} +- {item.expanded:.4g} {item.rule.unit} passes {item.rule.bound_words}"
    return f"{value}, true is {item.truth:.6g}, outside by {item.outside:.4g}"


def faults_of(run: TrueRun, all_of: Sequence[Compared], kind: str) -> Iterator[str]:
    """What must never be, in words: wrong passes, a comparative that meets claim 6, acceptance without a verdict."""
    yield from (told(item) for item in all_of if item.verdict == "pass" and item.is_beyond)
    rules: Sequence[Mapping[str, Any]] = run.record["certificate"]["rules"]
    verdicts = {rule["id"]: rule["verdict"] for rule in rules}
    if kind == "comparatives" and verdicts["H013"] != "fail":
        yield f"a comparative's claim 6 (H013) is {verdicts['H013']}"
    if code_of(run.record) is ExitCode.PASSED:
        open_rules = [rule["id"] for rule in rules if rule["severity"] in BINDING and rule["verdict"] != "pass"]
        if open_rules:
            yield f"accepted although {', '.join(open_rules)} are open"


def _line(item: Compared) -> Line:
    near = item.inside_by_value / item.expanded if item.expanded > 0.0 else float("inf")
    off = abs(item.value - item.truth)
    return Line(
        rule=item.rule.id,
        quantity=item.rule.quantity,
        binding=item.rule.severity.value in BINDING,
        guarded=item.verdict == "pass",
        simple=item.simple == "pass",
        false=item.outside > item.allowance,
        covered=off <= item.expanded + item.allowance,
        near=near,
    )


@dataclass(slots=True)
class Summary:
    """The figures of a campaign."""

    reports: list[Report] = field(default_factory=list)

    def lines(self) -> Iterator[Line]:
        for report in self.reports:
            yield from report.lines

    @property
    def wrong(self) -> list[str]:
        return [f"seed {report.seed} ({report.kind}): {fault}" for report in self.reports for fault in report.faults]

    @property
    def beyond(self) -> list[str]:
        return [f"seed {report.seed} ({report.kind}): {item}" for report in self.reports for item in report.beyond]

    def share(self, *, guarded: bool, within: float, rules: Iterable[str] | None = None) -> tuple[int, int]:
        """False passes and all passes of values at most so many expanded uncertainties inside their bound."""
        chosen = None if rules is None else set(rules)
        passes = [
            line
            for line in self.lines()
            if (line.guarded if guarded else line.simple)
            and line.near <= within
            and (chosen is None or line.rule in chosen)
        ]
        return sum(line.false for line in passes), len(passes)

    def words(self) -> Iterator[str]:
        kinds, states = Counter(report.kind for report in self.reports), Counter(r.state for r in self.reports)
        yield f"{len(self.reports)} runs ({', '.join(f'{n} {state}' for state, n in states.most_common())})"
        yield f"kinds: {', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}"
        yield f"{len(self.wrong)} things that must not be"
        yield from self.wrong
        yield f"{len(self.beyond)} passes of simple acceptance are wrong by more than their expanded uncertainty"
        yield from self.beyond
        yield "false passes among the passes near a bound, all rules and the binding ones:"
        binding = {line.rule for line in self.lines() if line.binding}
        for within in (1.0, 2.0):
            for name, guarded in (("simple", False), ("guarded at 95 %", True)):
                every, claims = (self.share(guarded=guarded, within=within, rules=chosen) for chosen in (None, binding))
                yield f"  within {within:g} U, {name}: {_share(*every)}, binding {_share(*claims)}"
        yield "by rule, within 2 U (simple | guarded), and how often U holds the truth:"
        held: dict[str, list[bool]] = defaultdict(list)
        for line in self.lines():
            held[line.rule].append(line.covered)
        for rule in sorted(held):
            simple, guarded_ = (self.share(guarded=guarded, within=2.0, rules=[rule]) for guarded in (False, True))
            quantity = next(line.quantity for line in self.lines() if line.rule == rule)
            covered = _share(sum(held[rule]), len(held[rule]))
            yield f"  {rule} {quantity}: {_share(*simple)} | {_share(*guarded_)}; U holds {covered}"

    @property
    def is_good(self) -> bool:
        """Nothing that must not be, and both decision rules as good as they say where a value is near its bound."""
        false, passes = self.share(guarded=True, within=1.0)
        _, near = self.share(guarded=False, within=1.0)
        is_in_tail = len(self.beyond) <= TAIL * near
        return not self.wrong and is_in_tail and false <= LARGEST_SHARE * passes


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({100.0 * part / whole:.1f} %)" if whole else "")


def _chunk(seeds: Sequence[int]) -> list[Report]:
    return [examined(seed) for seed in seeds]


def campaign(first: int, seeds: int, jobs: int) -> Iterator[Report]:
    """Reports as they come in."""
    every = range(first, first + seeds)
    chunks = [every[begin : begin + CHUNK] for begin in range(0, seeds, CHUNK)]
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_chunk, chunk) for chunk in chunks]):
            yield from future.result()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Holds certificates against the simulated truth.")
    parser.add_argument("--seeds", type=int, default=100, help="how many runs")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args(arguments)
    began, summary = time.monotonic(), Summary()
    for report in campaign(options.first, options.seeds, options.jobs):
        summary.reports.append(report)
        replay = f"python -m tests.campaign.truth_campaign --first {report.seed} --seeds 1"
        for fault in (*report.faults, *report.beyond):
            print(f"seed {report.seed} ({report.kind}): {fault}\n  {replay}", flush=True)
        done = len(summary.reports)
        if done % 20 == 0:
            left = (options.seeds - done) * (time.monotonic() - began) / done
            print(f"{done} of {options.seeds} runs, {len(summary.wrong)} wrong, {left:.0f} s left", file=sys.stderr)
    print("\n".join(summary.words()))
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if summary.is_good else 1


if __name__ == "__main__":
    sys.exit(main())

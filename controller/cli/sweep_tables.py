"""The summary of a sweep as text."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from controller.reports.run_table import number, print_text, table
from controller.sweep.run import Sweep
from controller.sweep.summary import Influence, Summary
from recipes.rules.explain import asks_words

MATTERS = 0.01
"""A variable that explains less than this of an outcome, or no more than chance would, is shown as a dash."""
_ARROWS = {1: "rises", -1: "falls", 0: ""}


def print_summary(sweep: Sweep, summary: Summary) -> None:
    """Prints which claims the samples meet and which variable matters for what."""
    print_text(*_parts(sweep, summary))


def _parts(sweep: Sweep, summary: Summary) -> Iterator[Table | str]:
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(summary.statuses.items()))
    yield f"{summary.samples} samples of {sweep.recipe.name}: {statuses}"
    for variable in sweep.variables:
        yield f"  {variable.label}: {variable.low:g}..{variable.high:g}"
    if sweep.options.estimate:
        yield "by the compaction law alone: other rules are not judged, and nothing is accepted by it"
    else:
        yield f"accepted: {summary.passed} of {summary.samples} ({_share(summary.passed, summary.samples)} %)"
    rules = {rule.id: rule for rule in sweep.rules.rules}
    subjects = {subject: words for pack in reversed(sweep.rules.packs) for subject, words in pack.subjects.items()}
    told = [item for item in summary.rules if item.failed or item.undetermined]
    if told:
        heads = (">pass %", ">fail %", ">open %", ">not judged %")
        shown = table("CLAIMS AND REQUIRED RULES THAT NOT ALL MEET", "rule", "asks", *heads)
        for item in told:
            counts = (item.passed, item.failed, item.undetermined, item.not_judged)
            asks = asks_words(rules[item.rule], subjects)
            shown.add_row(item.rule, asks, *(_share(count, summary.samples) for count in counts))
        yield shown
    if others := len(summary.rules) - len(told):
        yield f"{others} {'more ' if told else ''}claims and required rules are met wherever they were judged"
    final = [item for item in summary.influences if _is_final(item)]
    moved = [item for item in final if any(_matters(item, variable.column) for variable in sweep.variables)]
    if moved:
        yield _influence_table(sweep, moved)
    if still := [_words(item.outcome) for item in final if item not in moved]:
        yield f"nothing that was varied matters for {', '.join(still)}"


def _influence_table(sweep: Sweep, influences: list[Influence]) -> Table:
    heads = [f"by {variable.asked}" for variable in sweep.variables]
    shown = table(
        "WHAT MATTERS (share of the variance that a variable explains by itself, %)", "outcome", ">range", *heads
    )
    for item in influences:
        cells = [_cell(item, variable.column) for variable in sweep.variables]
        shown.add_row(_words(item.outcome), f"{item.low:.3g}..{item.high:.3g}", *cells)
    return shown


def _cell(item: Influence, column: str) -> str:
    if not _matters(item, column):
        return "-"
    return f"{number(100.0 * item.shares[column], 0)} {_ARROWS[item.signs[column]]}".rstrip()


def _matters(item: Influence, column: str) -> bool:
    return item.shares[column] >= max(MATTERS, item.chance)


def _is_final(item: Influence) -> bool:
    return not item.outcome.startswith("law.after_")


def _words(outcome: str) -> str:
    return "accepted" if outcome == "passed" else outcome.replace(".", " ").replace("_", " ")


def _share(count: int, total: int) -> str:
    return number(100.0 * count / total, 1)

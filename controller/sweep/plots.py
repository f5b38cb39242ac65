"""Pictures of a sweep. Loads matplotlib only here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from controller.sweep.sample import DONE, FAULT, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from controller.sweep.run import Sweep
    from controller.sweep.summary import Summary

MOST_OUTCOMES, MOST_VARIABLES = 6, 6
MOST_POINTS = 5000
"""More cannot be told apart, and make a drawing of many megabytes."""
_ENDS = (".porosity_pct", ".composite_modulus_gpa", ".coating_weight_mg_cm2", ".residual_solvent_pct")
_GROUPS = {  # how a sample ended -> colour and marker; told apart without colours too
    "accepted": ("#1b7837", "o"),
    "not accepted": ("#d95f02", "x"),
    "refused before it was run": ("#7f7f7f", "."),
    "fault": ("#000000", "s"),
    "by the laws": ("#2166ac", "."),
}


def draw(sweep: Sweep, summary: Summary, rows: Sequence[Row], folder: Path, form: str) -> list[Path]:
    """Writes every picture that there is something for; form is "png" or "svg". Raises OSError."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "pressline", "svg.fonttype": "none"}):  # the same rows give the same file
        return [_saved(figure, folder / f"{name}.{form}") for name, figure in _figures(sweep, summary, rows)]


def _figures(sweep: Sweep, summary: Summary, rows: Sequence[Row]) -> Iterator[tuple[str, Figure]]:
    if summary.rules:
        yield "rules", _rules(summary)
    stride = max(1, -(-len(rows) // MOST_POINTS))
    shown = rows[::stride]
    if len(sweep.variables) > 1:
        yield "map", _map(sweep, shown)
    outcomes = [item.outcome for item in summary.influences if item.outcome.count(".") == 2 and _final(item.outcome)]
    if outcomes:
        yield "outcomes", _outcomes(sweep, outcomes[:MOST_OUTCOMES], shown)


def _final(outcome: str) -> bool:
    return outcome.endswith(_ENDS) and not outcome.startswith("law.after_")


def _rules(summary: Summary) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 1.2 + 0.28 * len(summary.rules)), layout="constrained")
    axes = figure.subplots()
    names = [item.rule for item in summary.rules]
    left = [0.0] * len(names)
    parts = {
        "pass": ([item.passed for item in summary.rules], "#1b7837"),
        "fail": ([item.failed for item in summary.rules], "#d95f02"),
        "undetermined": ([item.undetermined for item in summary.rules], "#f2c14e"),
        "not judged": ([item.not_judged for item in summary.rules], "#d9d9d9"),
    }
    for word, (counts, colour) in parts.items():
        widths = [100.0 * count / summary.samples for count in counts]
        axes.barh(names, widths, left=left, color=colour, label=word)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel("% of the samples")
    axes.set_title("claims and required rules")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4, frameon=False)
    return figure


def _map(sweep: Sweep, rows: Sequence[Row]) -> Figure:
    """Where in the first two variables a laminate is accepted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 5.5), layout="constrained")
    axes = figure.subplots()
    first, second = sweep.variables[:2]
    _scatter(axes, rows, first.column, second.column)
    axes.set_xlabel(first.label)
    axes.set_ylabel(second.label)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4, frameon=False)
    return figure


def _outcomes(sweep: Sweep, outcomes: Sequence[str], rows: Sequence[Row]) -> Figure:
    from matplotlib.figure import Figure

    variables = sweep.variables[:MOST_VARIABLES]
    figure = Figure(figsize=(3.2 * len(variables) + 1.0, 2.4 * len(outcomes) + 0.8), layout="constrained")
    grid = figure.subplots(len(outcomes), len(variables), squeeze=False, sharex="col", sharey="row")
    for row, outcome in enumerate(outcomes):
        for column, variable in enumerate(variables):
            _scatter(grid[row][column], rows, variable.column, outcome)
            grid[-1][column].set_xlabel(variable.label)
        kind, layer, quantity = outcome.split(".")
        grid[row][0].set_ylabel(f"{kind} {layer}\n{quantity}".replace("_", " "))
    handles, names = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _scatter(axes: Axes, rows: Sequence[Row], across: str, up: str) -> None:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.get(up) is not None:
            groups.setdefault(_group(row), []).append(row)
    for name, (colour, marker) in _GROUPS.items():
        if members := groups.get(name):
            xs, ys = [row[across] for row in members], [row[up] for row in members]
            axes.scatter(
                xs, ys, s=14, color=colour, marker=marker, label=name, linewidths=0.8, rasterized=len(xs) > 500
            )


def _group(row: Row) -> str:
    if row["status"] == FAULT:
        return "fault"
    if row["status"] != DONE:
        return "refused before it was run"
    if "passed" not in row:
        return "by the laws"
    return "accepted" if row["passed"] else "not accepted"


def _saved(figure: Figure, file: Path) -> Path:
    draft = file.with_name(f"{file.name}.part")
    figure.savefig(
        draft, format=file.suffix.lstrip("."), dpi=150, metadata={"Date": None} if file.suffix == ".svg" else None
    )
    draft.replace(file)
    return file

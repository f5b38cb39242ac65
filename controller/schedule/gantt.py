"""A schedule for people: a text with one row for each unit, the same as SVG, and the figures as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from controller.schedule.live import Bar, Live, Phase
from controller.schedule.model import Job, LineModel
from controller.schedule.simulation import Simulation
from recipes.waits import WaitLimit

PEOPLE = "people"
MARKS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
NICE_MIN = (1, 2, 5, 10, 15, 20, 30, 60, 120, 240, 480, 1440)
SVG_ROW, SVG_WIDTH, SVG_LEFT = 22, 1000, 160


def schedule_data(line: LineModel, jobs: Sequence[Job], simulation: Simulation) -> dict[str, Any]:
    """The schedule as plain data; seconds from the beginning."""
    makespan_s = simulation.makespan_s
    return {
        "makespan_s": makespan_s,
        "people": line.people,
        "out_of_service": list(line.out),
        "laminates": [_job_data(job, simulation) for job in jobs],
        "units": [
            {"unit": unit, "busy_s": busy, "share": busy / makespan_s if makespan_s else 0.0}
            for unit in line.units
            for busy in [sum(bar.end_s - bar.begin_s for bar in simulation.bars if bar.unit == unit)]
        ],
        "maximum_waits": [_wait_data(job, limit, waited_s) for (job, limit), waited_s in simulation.waited_s.items()],
        "unfinished": unfinished(simulation),
    }


def _job_data(job: Job, simulation: Simulation) -> dict[str, Any]:
    bars = [bar for bar in simulation.bars if bar.job == job.name]
    return {
        "name": job.name,
        "begin_s": min((bar.begin_s for bar in bars), default=None),
        "end_s": max((bar.end_s for bar in bars), default=None),
        "steps": [
            {"step": bar.step, "unit": bar.unit, "ready_s": bar.asked_s, "begin_s": bar.begin_s, "end_s": bar.end_s}
            for bar in bars
        ],
    }


def _wait_data(job: str, limit: WaitLimit, waited_s: float) -> dict[str, Any]:
    return {
        "laminate": job,
        "step": limit.step,
        "after": limit.after,
        "limit_s": limit.time_s,
        "waited_s": waited_s,
        "kept": waited_s <= limit.time_s,
    }


def unfinished(simulation: Simulation) -> list[str]:
    """What never comes to its end, with the step that it waits before and the units that would be needed."""
    objections = {(job, step): because for _, job, step, because in simulation.objections}
    left = [live for live in simulation.lives if live.phase is not Phase.DONE]
    return [f"{live.job.name} never begins {live.now.name}: {_lacking(live, objections)}" for live in left]


def _lacking(live: Live, objections: Mapping[tuple[str, str], str]) -> str:
    """What a job that cannot go on would need."""
    match live.phase:
        case Phase.GATED:
            return objections.get((live.job.name, live.now.name), "it comes after others of its kind")
        case Phase.WAITING_FOR_SHEET:
            return f"it needs a sheet of {live.job.supply[live.now.name]}"
        case _:
            return f"it needs {' or '.join(live.at.units) or 'somebody'}"


def rows(line: LineModel, simulation: Simulation) -> dict[str, list[tuple[float, float, str]]]:
    """Begin, end and laminate of everything that a unit does, by unit; and of what people do."""
    found: dict[str, list[tuple[float, float, str]]] = {unit: [] for unit in line.units}
    found[PEOPLE] = []
    for bar in sorted(simulation.bars, key=lambda bar: bar.begin_s):
        if bar.unit is not None:
            found[bar.unit].append((bar.begin_s, bar.end_s, bar.job))
        found[PEOPLE] += [(begin, end, bar.job) for begin, end in bar.calls]
    return {name: bars for name, bars in found.items() if bars}


def gantt_text(line: LineModel, jobs: Sequence[Job], simulation: Simulation, width: int) -> str:
    """One row for each unit and for the people; a mark stands for a laminate, a dot for nobody.

    What is shorter than a column may share it: the column shows who is there longest. Of several people the row shows
    how many are busy most of the column.
    """
    marks = {job.name: MARKS[(number + 1) % len(MARKS)] for number, job in enumerate(jobs)}
    shown = rows(line, simulation)
    label = max(len(name) for name in shown) + 2
    columns = max(20, width - label - 1)
    column_s = _column_s(simulation.makespan_s, columns)
    columns = int(simulation.makespan_s // column_s) + 1
    lines = [" " * label + _axis(column_s, columns)]
    for name, bars in shown.items():
        if name == PEOPLE:
            text = "".join(_busy(bars, n * column_s, column_s) for n in range(columns))
        else:
            text = "".join(_most(bars, n * column_s, column_s, marks) for n in range(columns))
        lines.append(f"{name:<{label}}{text}")
    lines.append(f"{'':<{label}}one column is {column_s / 60:g} min; " + _legend(marks))
    return "\n".join(lines)


def _legend(marks: dict[str, str]) -> str:
    names = list(marks)
    return f"{marks[names[0]]} is {names[0]}" + (f" ... {marks[names[-1]]} is {names[-1]}" if len(names) > 1 else "")


def _column_s(makespan_s: float, columns: int) -> float:
    minutes = makespan_s / 60 / columns
    return 60.0 * next((nice for nice in NICE_MIN if nice >= minutes), NICE_MIN[-1])


def _axis(column_s: float, columns: int) -> str:
    text = ""
    for n in range(0, columns, 10):
        text = text.ljust(n) + f"|{n * column_s / 60:g} min"
    return text


def _overlap(begin_s: float, end_s: float, from_s: float, column_s: float) -> float:
    return max(0.0, min(end_s, from_s + column_s) - max(begin_s, from_s))


def _most(bars: Sequence[tuple[float, float, str]], from_s: float, column_s: float, marks: dict[str, str]) -> str:
    spent: dict[str, float] = {}
    for begin, end, job in bars:
        if (seconds := _overlap(begin, end, from_s, column_s)) > 0:
            spent[job] = spent.get(job, 0.0) + seconds
    if not spent or sum(spent.values()) < column_s / 4:
        return "."
    return marks[max(spent, key=lambda job: spent[job])]


def _busy(bars: Sequence[tuple[float, float, str]], from_s: float, column_s: float) -> str:
    busy = sum(_overlap(begin, end, from_s, column_s) for begin, end, _ in bars) / column_s
    return "." if busy < 0.25 else str(min(9, max(1, round(busy))))


def gantt_svg(line: LineModel, jobs: Sequence[Job], simulation: Simulation) -> str:
    """The rows as a picture; each laminate has its own hue, its name and times are shown on hovering."""
    shown = rows(line, simulation)
    hues = {job.name: round(360 * number / len(jobs)) for number, job in enumerate(jobs)}
    scale = (SVG_WIDTH - SVG_LEFT) / max(simulation.makespan_s, 1.0)
    height = SVG_ROW * (len(shown) + 2)
    size = f'width="{SVG_WIDTH}" height="{height}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">']
    step_s = 10 * _column_s(simulation.makespan_s, 100)
    for n in range(int(simulation.makespan_s // step_s) + 1):
        x = SVG_LEFT + n * step_s * scale
        parts.append(f'<text x="{x:.1f}" y="14" fill="#444">{n * step_s / 60:g} min</text>')
        parts.append(f'<line x1="{x:.1f}" y1="18" x2="{x:.1f}" y2="{height}" stroke="#ddd"/>')
    for row, (name, bars) in enumerate(shown.items(), start=1):
        y = SVG_ROW * row
        parts.append(f'<text x="4" y="{y + 15}">{escape(name)}</text>')
        for begin, end, job in bars:
            box = f'x="{SVG_LEFT + begin * scale:.1f}" y="{y + 2}" width="{(end - begin) * scale:.2f}"'
            told = f"{escape(job)}: {begin / 60:.1f} to {end / 60:.1f} min"
            parts.append(
                f'<rect {box} height="{SVG_ROW - 4}" fill="hsl({hues[job]},60%,60%)" fill-opacity="0.8"'
                f' stroke="#333" stroke-width="0.3"><title>{told}</title></rect>'
            )
    return "\n".join([*parts, "</svg>", ""])


def longest_waits(simulation: Simulation, jobs: Sequence[Job]) -> list[str]:
    """For each maximum wait of the recipe the longest that a laminate waited, in words."""
    found: list[str] = []
    for limit in dict.fromkeys(limit for job in jobs for limit in job.limits):
        waited = [seconds for (_, known), seconds in simulation.waited_s.items() if known == limit]
        if not waited:
            continue
        broken = sum(seconds > limit.time_s for seconds in waited)
        verdict = f"longest {max(waited) / 60:.1f} min, " + (
            f"broken for {broken} of {len(waited)}" if broken else "kept"
        )
        found.append(f"{limit.step} within {limit.time_s / 60:g} min of {limit.after}: {verdict}")
    return found


def waiting_share(bars: Sequence[Bar]) -> float:
    """The share of all laminates' time that they waited for a unit or a person."""
    waited = sum(bar.begin_s - bar.asked_s for bar in bars)
    return waited / max(sum(bar.end_s - bar.asked_s for bar in bars), 1e-9)

"""A run's record as text: the steps with what was reached, the layers, and the certificate."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from io import StringIO
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

WIDTH = 170  # columns; nothing is cut when the output is no terminal, and a log shows what a terminal shows
LAYERS = {
    "cathode": "cathode",
    "solid_electrolyte": "electrolyte",
    "intermediate": "intermediate",
    "heat_resistant": "heat-resistant",
    "negative_electrode": "negative electrode",
    "positive_electrode": "positive electrode",
    "electrode": "electrode",
}


def number(value: float | None, digits: int = 1) -> str:
    """A number for people; a dash for what is not known."""
    return "-" if value is None else f"{value:.{digits}f}"


def _span(limits: list[float] | None) -> str:
    return "-" if limits is None else f"{limits[0]:g}..{limits[1]:g}"


def _series(quantity: dict[str, Any] | None, *keys: str) -> str:
    """The setpoint as it was written, then what became of it."""
    values = quantity or {}
    first, *rest = (values.get(key) for key in keys)
    return " / ".join(["-" if first is None else f"{first:g}", *(number(value) for value in rest)])


def print_text(*parts: Table | str) -> None:
    """Prints tables and lines as plain text without trailing blanks.

    No value is cut: a table that a narrow terminal cannot take is wider than it, and the terminal breaks its lines.
    """
    text = StringIO()
    width = min(WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else WIDTH
    out = Console(file=text, width=width, highlight=False, markup=False)
    for part in parts:
        if isinstance(part, Table):
            _keep_words_whole(part)
        out.print(part, soft_wrap=isinstance(part, str), crop=False)
    print("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def _keep_words_whole(rows: Table) -> None:
    for column in rows.columns:
        column.min_width = max(
            (len(word) for cell in (column.header, *column.cells) for word in str(cell).split()), default=1
        )


def print_run(record: dict[str, Any]) -> None:
    """Prints a whole record."""
    coats = [step for step in record["steps"] if step["kind"] == "coat"]
    presses = [step for step in record["steps"] if step["kind"] == "press"]
    by_hand = [step for step in record["steps"] if step.get("entered")]
    print_text(
        "COMPARATIVE RUN: made to show what happens outside the claims" if record["purpose"] == "comparative" else "",
        *([_coating_table(coats)] if coats else []),
        *([_pressing_table(presses)] if presses else []),
        *([_entered_table(by_hand)] if by_hand else []),
        *([_layer_table(record)] if presses or "truth" in record else []),
        _certificate_table(record["certificate"]["rules"]),
        *_summary(record),
    )


def table(title: str, *columns: str) -> Table:
    """An empty table; a column whose name starts with ">" is set to the right."""
    result = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for name in columns:
        result.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left")
    return result


def in_order(layers: dict[str, Any]) -> list[tuple[str, Any]]:
    """Layers as they lie; the journal keeps them by their names."""
    known = list(LAYERS)
    return sorted(layers.items(), key=lambda layer: known.index(layer[0]) if layer[0] in known else len(known))


def _pressing_table(steps: list[dict[str, Any]]) -> Table:
    result = table(
        "PRESSING STEPS",
        "step",
        ">MPa set / reached / max",
        "window",
        ">degC set / reached",
        "window",
        ">s set / reached",
        "layer",
        ">porosity %",
        ">decrease %",
        "evidence",
    )
    for step in steps:
        pressure, temperature = step["pressure_mpa"], step["temperature_c"]
        head = [
            step["name"],
            _series(pressure, "set", "reached", "max"),
            _span((pressure or {}).get("window")),
            _series(temperature, "set", "reached"),
            _span((temperature or {}).get("window")),
            _series(step["dwell_s"], "set", "reached"),
        ]
        layers = in_order(step["porosity_pct"]) or [("-", {"before": None, "after": None})]
        for index, (layer, porosity) in enumerate(layers):
            result.add_row(
                *(head if index == 0 else [""] * len(head)),
                LAYERS.get(layer, layer),
                f"{number(porosity['before'])} -> {number(porosity['after'])}",
                number(step["decrease_pct"].get(layer)),
                step["evidence"].get(layer, "-"),
            )
    return result


def _coating_table(steps: list[dict[str, Any]]) -> Table:
    result = table("COATING STEPS", "step", ">mg/cm2 set", ">reached", "window", ">solvent left %", ">at most")
    for step in steps:
        weight, residual = step.get("coating_weight_mg_cm2") or {}, step.get("residual_solvent_pct") or {}
        result.add_row(
            step["name"],
            number(weight.get("set"), 2),
            number(weight.get("reached"), 2),
            _span(weight.get("window")),
            number(residual.get("reached"), 2),
            number(residual.get("max")),
        )
    return result


def _entered_table(steps: list[dict[str, Any]]) -> Table:
    result = table("BY HAND, as entered", "step", "quantity", ">reached", "window", "unit")
    for step in steps:
        for index, (name, found) in enumerate(step["entered"].items()):
            head = step["name"] if index == 0 else ""
            result.add_row(
                head, name.replace("_", " "), f"{found['reached']:.6g}", _span(found["window"]), found["unit"]
            )
    return result


def _layer_table(record: dict[str, Any]) -> Table:
    truth = record.get("truth", {}).get("layers", {})
    result = table(
        "LAMINATE" if record["state"] == "complete" else "LAMINATE, as far as it is known",
        "layer",
        ">porosity %",
        ">+- (k = 2)",
        "evidence",
        ">modulus GPa",
        *([">simulated truth %"] if truth else []),
    )
    for name, layer in in_order(record["layers"]):
        true = [number(truth.get(name, {}).get("porosity_pct"), 2)] if truth else []
        result.add_row(
            LAYERS.get(name, name),
            number(layer["porosity_pct"], 2),
            number(layer["uncertainty_pct"], 2),
            "-" if layer["porosity_pct"] is None else layer["evidence"],
            number(layer["composite_modulus_gpa"], 2),
            *true,
        )
    return result


def _is_binding(rule: dict[str, Any]) -> bool:
    return rule["severity"] in ("claim", "required")


def _certificate_table(rules: list[dict[str, Any]]) -> Table:
    """Every claim and required rule, and the advisory ones that fail; --json has all."""
    result = table("CERTIFICATE", "rule", "source", "verdict", "finding", ">+- (k = 2)", "evidence")
    for rule in rules:
        is_advice = rule["verdict"] == "fail" and not rule["severity"].startswith("grade_")
        if _is_binding(rule) or is_advice:
            verdict = rule["verdict"] if rule["verdict"] == "pass" else rule["verdict"].upper()
            advisory = "" if _is_binding(rule) else f" ({rule['severity'].replace('_', ' ')})"
            uncertainty = "" if rule["uncertainty"] is None else f"{rule['uncertainty']:.2g} {rule['unit']}".strip()
            result.add_row(
                rule["id"], rule["source"] + advisory, verdict, rule["words"], uncertainty, rule["evidence"] or "-"
            )
    return result


def _summary(record: dict[str, Any]) -> list[str]:
    rules = record["certificate"]["rules"]
    binding = Counter(rule["verdict"] for rule in rules if _is_binding(rule))
    advisory = Counter(
        rule["verdict"] for rule in rules if not _is_binding(rule) and not rule["severity"].startswith("grade_")
    )
    counts = f"claims and required rules: {_counted(binding)}; advisory rules: {_counted(advisory)}"
    lines = [f"{counts} (listed where they fail; --json has all)"]
    if left_out := record["certificate"].get("not_applicable"):
        lines.append(f"asked only of what this recipe does not have: {', '.join(rule['id'] for rule in left_out)}")
    lines += [f"graded: {grade}" for grade in grades(rules)]
    if rule := record["certificate"].get("decision_rule"):
        lines.append(f"decision rule: {rule}")
    reason = f": {record['reason']}" if record["state"] != "complete" and record["reason"] else ""
    wall = f" in {record['wall_seconds']:.1f} s" if record["wall_seconds"] is not None else ""
    lines.append(f"run {record['run']} of {record['recipe']} is {record['state']}{reason}")
    lines.append(f"{record['sim_seconds'] / 60:.1f} min of line time{wall}; plan {record['plan_hash']}")
    lines += [f"{name}: {words}" for name, words in record.get("choices", {}).items()]
    return lines + [f"note: {message}" for message in record["messages"]]


def _counted(verdicts: Counter[str]) -> str:
    return ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in ("pass", "fail", "undetermined"))


def grades(rules: list[dict[str, Any]]) -> list[str]:
    """What was graded, and the grade that it reached; "not known" where the laboratory has said nothing."""
    reached: dict[str, str] = {}
    for rule in rules:
        if rule["severity"].startswith("grade_"):
            reached.setdefault(rule["what"], "not known")
            if rule["verdict"] == "pass":
                reached[rule["what"]] = f"grade {rule['severity'].removeprefix('grade_')}"
    return [f"{name} {grade}" for name, grade in reached.items()]

"""A run's record as text: the steps with what was reached, the layers, and the certificate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH = 160  # a run's table is wider than a small terminal; when the output is no terminal it is not cut
LAYERS = {"cathode": "cathode", "solid_electrolyte": "electrolyte", "intermediate": "intermediate"}


def number(value: float | None, digits: int = 1) -> str:
    """A number for people; a dash for what is not known."""
    return "-" if value is None else f"{value:.{digits}f}"


def _span(limits: list[float] | None) -> str:
    return "-" if limits is None else f"{limits[0]:g}..{limits[1]:g}"


def console() -> Console:
    """Plain text of a fixed width, so that a log and a terminal show the same."""
    return Console(width=WIDTH, highlight=False, soft_wrap=False)


def print_run(record: dict[str, Any]) -> None:
    """Prints a whole record."""
    out = console()
    out.print()
    out.print(_pressing_table([step for step in record["steps"] if step["kind"] == "press"]))
    coats = [step for step in record["steps"] if step["kind"] == "coat"]
    if coats:
        out.print(_coating_table(coats))
    out.print(_layer_table(record))
    out.print(_certificate_table(record["certificate"]["rules"]))
    for line in _summary(record):
        out.print(line, markup=False)


def _table(title: str, columns: Iterable[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for name, justify in columns:
        table.add_column(name, justify="right" if justify == "right" else "left")
    return table


def _pressing_table(steps: list[dict[str, Any]]) -> Table:
    table = _table(
        "Pressing steps",
        [
            ("step", ""),
            ("pressure MPa: set", "right"),
            ("reached", "right"),
            ("max", "right"),
            ("window", ""),
            ("degC: set", "right"),
            ("reached", "right"),
            ("dwell s", "right"),
            ("layer", ""),
            ("porosity %", "right"),
            ("decrease %", "right"),
            ("evidence", ""),
        ],
    )
    for step in steps:
        pressure, temperature, dwell = (step[key] or {} for key in ("pressure_mpa", "temperature_c", "dwell_s"))
        head = [
            step["name"],
            number(pressure.get("set"), 0),
            number(pressure.get("reached")),
            number(pressure.get("max")),
            _span(pressure.get("window")),
            number(temperature.get("set"), 0),
            number(temperature.get("reached")),
            number(dwell.get("reached")),
        ]
        layers = list(step["porosity_pct"].items()) or [("-", {"before": None, "after": None})]
        for index, (layer, porosity) in enumerate(layers):
            change = f"{number(porosity['before'])} -> {number(porosity['after'])}"
            decrease = number(step["decrease_pct"].get(layer))
            evidence = step["evidence"].get(layer, "-")
            table.add_row(
                *(head if index == 0 else [""] * len(head)), LAYERS.get(layer, layer), change, decrease, evidence
            )
        table.add_section()
    return table


def _coating_table(steps: list[dict[str, Any]]) -> Table:
    table = _table(
        "Coating steps",
        [
            ("step", ""),
            ("weight mg/cm2: set", "right"),
            ("reached", "right"),
            ("window", ""),
            ("solvent left %", "right"),
        ],
    )
    for step in steps:
        weight, residual = step.get("coating_weight_mg_cm2") or {}, step.get("residual_solvent_pct") or {}
        table.add_row(
            step["name"],
            number(weight.get("set"), 2),
            number(weight.get("reached"), 2),
            _span(weight.get("window")),
            number(residual.get("reached"), 2),
        )
    return table


def _layer_table(record: dict[str, Any]) -> Table:
    table = _table(
        "Laminate" if record["state"] == "complete" else "Laminate as far as it is known",
        [
            ("layer", ""),
            ("porosity %", "right"),
            ("+- (k = 2)", "right"),
            ("evidence", ""),
            ("composite modulus GPa", "right"),
            ("simulated truth %", "right"),
        ],
    )
    truth = record.get("truth", {}).get("layers", {})
    for name, layer in record["layers"].items():
        true = truth.get(name, {}).get("porosity_pct")
        table.add_row(
            LAYERS.get(name, name),
            number(layer["porosity_pct"], 2),
            number(layer["uncertainty_pct"], 2),
            layer["evidence"],
            number(layer["composite_modulus_gpa"], 2),
            number(true, 2),
        )
    return table


def _certificate_table(rules: list[dict[str, Any]]) -> Table:
    table = _table(
        "Certificate",
        [
            ("rule", ""),
            ("source", ""),
            ("weight", ""),
            ("claimed", ""),
            ("found", "right"),
            ("evidence", ""),
            ("verdict", ""),
        ],
    )
    for rule in rules:
        if rule["severity"] not in ("claim", "required") and rule["verdict"] == "undetermined":
            continue
        table.add_row(
            rule["id"],
            rule["source"],
            rule["severity"].replace("_", " "),
            rule["words"],
            _found(rule),
            rule["evidence"] or "-",
            rule["verdict"].upper() if rule["verdict"] != "pass" else "pass",
        )
    return table


def _found(rule: dict[str, Any]) -> str:
    value = rule["value"]
    if value is None:
        return "-"
    if not isinstance(value, int | float):
        return "as claimed" if rule["verdict"] == "pass" else str(value)
    uncertainty = rule["uncertainty"]
    text = f"{value:.4g}" if not uncertainty else f"{value:.4g} +- {2 * uncertainty:.2g}"
    return f"{text} {rule['unit']}".strip()


def _summary(record: dict[str, Any]) -> list[str]:
    certificate = record["certificate"]
    rules = certificate["rules"]
    binding = [rule for rule in rules if rule["severity"] in ("claim", "required")]
    passed = sum(rule["verdict"] == "pass" for rule in binding)
    hidden = sum(rule["severity"] not in ("claim", "required") and rule["verdict"] == "undetermined" for rule in rules)
    lines = [
        f"claims and required rules: {passed} of {len(binding)} pass; all rules: {certificate['pass']} pass,"
        f" {certificate['fail']} fail, {certificate['undetermined']} undetermined"
        + (f" ({hidden} advisory ones without evidence are not listed)" if hidden else ""),
    ]
    if record["purpose"] == "comparative":
        lines.append("this is a comparative run: it was made to show what happens outside the claims")
    reason = f": {record['reason']}" if record["state"] != "complete" and record["reason"] else ""
    wall = f" in {record['wall_seconds']:.1f} s" if record["wall_seconds"] is not None else ""
    lines.append(f"run {record['run']} of {record['recipe']} is {record['state']}{reason}")
    lines.append(f"{record['sim_seconds'] / 60:.1f} min of line time{wall}; plan {record['plan_hash']}")
    return lines + [f"note: {message}" for message in record["messages"]]

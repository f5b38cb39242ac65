"""Lots and genealogies as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from controller.lots.model import UNSURE, Lot, Stay


def list_lines(lots: Iterable[Lot]) -> Iterator[str]:
    """One line a lot: status, name, what made it and when, and what keeps it back."""
    shown = list(lots)
    width = max((len(str(lot.id)) for lot in shown), default=0)
    for lot in shown:
        where = f"in {lot.used_in.name}" if lot.used_in is not None else lot.made_by.step
        told = f"  {'; '.join(lot.reasons)}" if lot.reasons else ""
        yield f"{lot.status:<10}  {lot.id!s:<{width}}  {lot.made_by.ended}  {where}{told}"


def lot_lines(lot: Lot) -> Iterator[str]:
    """Everything that is known of one lot."""
    simulated = " (SIMULATED LINE)" if lot.is_simulated else ""
    yield f"{lot.id}{simulated}: {lot.status}" + (f", by {lot.decided_by}" if lot.decided_by else "")
    yield from (f"  - {reason}" for reason in lot.reasons)
    if lot.used_in is not None:
        yield f"  went into {lot.used_in}, and shares its status"
    yield f"  made by {_stay(lot.made_by)} of recipe {lot.recipe}{_machine(lot)}"
    yield from (f"  pressed again on {unit}{_number(number)}" for unit, number in lot.also_on)
    parts = [str(part) for part in lot.made_from] + ([f"slurry {lot.slurry}"] if lot.slurry else []) + list(lot.foils)
    yield f"  made of {', '.join(parts) or 'nothing that the record names'}"
    yield f"  people: {', '.join(lot.people) or 'none answered'}"
    yield from (f"  {known.unit}: {known.words}" for known in lot.calibrated)
    for item in lot.measured:
        who = item.unit or "laboratory"
        how = f"; {item.calibrated.words}" if item.calibrated is not None else ""
        doubt = f"; QUALITY UNCERTAIN: {item.doubt}" if item.doubt else ""
        what = f"{item.quantity} {item.value:g} {item.in_unit}".strip()
        yield f"  measured by {who}: {what} at {item.utc}{how}{doubt}"
    yield from (f"  in {_stay(stay)}" for stay in lot.stays)
    if lot.out_s or lot.out_since:
        limit = "no limit is stated" if lot.max_out_s is None else f"at most {lot.max_out_s / 60:.0f} min"
        now = (f", out since {lot.out_since}" if lot.out_since else "") + (f"; {UNSURE}" if lot.is_out_unsure else "")
        yield f"  outside the dry room for {lot.out_s / 60:.0f} min ({limit}){now}"


def _machine(lot: Lot) -> str:
    if not lot.made_by.unit:
        return ""
    jobs = f", job {', '.join(str(job) for job in lot.jobs)}" if lot.jobs else ""
    return f" on {lot.made_by.unit}{_number(lot.serial_number)}{jobs}"


def _number(serial_number: str) -> str:
    return f", serial number {serial_number}" if serial_number else ""


def _stay(stay: Stay) -> str:
    unit = f" ({stay.unit})" if stay.unit else ""
    return f"{stay.step}{unit} from {stay.begun} to {stay.ended or 'now'}"


def tree_lines(tree: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """A genealogy as an indented tree."""
    name = tree["name"] if tree["kind"] == "lot" else f"{tree['kind']}: {tree['name']}"
    yield "  " * depth + name + (" (see above)" if tree.get("above") else "")
    for branch in tree.get("branches", ()):
        yield from tree_lines(branch, depth + 1)

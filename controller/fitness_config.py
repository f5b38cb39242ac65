"""The tables of a line file that say in which state a unit is: calibration, zero, cycles; and of lots, out-time;
which batch of each foil is on the line.

[units.thickness-gauge-1]
kind = "gauge"
...
[units.thickness-gauge-1.calibration]
date = 2026-03-02
due = 2027-03-01
certificate = "DKD 4711"
who = "Metrology Ltd"

[units.thickness-gauge-1.zero]
tolerance = 0.5
max_age_h = 8

[units.isostatic-press-1]
max_cycles = 20000

[lots]
max_out_h = 2

[foils]
copper = "CU-2026-118"
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from controller.calibration import Calibration, Fitness, ZeroTerms
from controller.line_keys import shown, toml_text

KEYS = ("calibration", "max_cycles", "zero")
"""What the table of a unit may hold beside its kind, profile and url."""

_CALIBRATION = ("date", "due", "certificate", "who")
_ZERO = ("tolerance", "max_age_h")
HOUR_S = 3600.0
MOST = 1e6
"""The largest number of hours (a century), or of an instrument's unit, that can be meant (engineering judgement)."""


def fitness(table: Mapping[str, Any], where: str, faults: list[str]) -> Fitness:
    """The fitness of one unit; `where` is its place in the file. What is wrong is added to `faults`."""
    cycles = table.get("max_cycles")
    if cycles is not None and (not isinstance(cycles, int) or isinstance(cycles, bool) or cycles < 1):
        faults.append(f"{where}.max_cycles is {shown(cycles)}; expected a whole number of cycles, at least 1")
        cycles = None
    return Fitness(
        _calibration(table.get("calibration"), f"{where}.calibration", faults),
        _zero(table.get("zero"), f"{where}.zero", faults),
        cycles,
    )


def max_out_s(table: Mapping[str, Any], where: str, faults: list[str]) -> float | None:
    """How long a lot may be outside the dry room altogether, s; None where the file gives no limit."""
    hours = table.get("max_out_h")
    if hours is None:
        return None
    if not _is_positive(hours):
        faults.append(f"{where}.max_out_h is {shown(hours)}; expected a number of hours above 0, at most {MOST:g}")
        return None
    return HOUR_S * float(hours)


def foil_batches(table: Mapping[str, Any], where: str, faults: list[str]) -> dict[str, str]:
    """The batch of each foil that is on the line, by the foil's name in recipes."""
    found: dict[str, str] = {}
    for foil, batch in table.items():
        if isinstance(batch, str) and batch.strip():
            found[foil] = batch.strip()
        else:
            faults.append(f"{where}.{foil} is {shown(batch)}; expected the number of its batch, as a text")
    return found


def _calibration(table: Any, where: str, faults: list[str]) -> Calibration | None:
    if table is None or not _is_table(table, where, faults, _CALIBRATION):
        return None
    before = len(faults)
    for key in ("date", "due"):
        if type(table.get(key)) is not date:  # a datetime is a date too, and names a time that nobody keeps
            said = str(table[key]) if isinstance(table.get(key), datetime) else repr(table.get(key))
            told = f"is {said}" if key in table else "is missing"
            faults.append(f"{where}.{key} {told}; expected a day such as 2026-03-02, without quotes")
    for key in ("certificate", "who"):
        if not isinstance(table.get(key), str) or not table[key].strip():
            told = f"is {table[key]!r}" if key in table else "is missing"
            faults.append(f"{where}.{key} {told}; expected a text")
    if len(faults) > before:
        return None
    if table["due"] < table["date"]:
        faults.append(f"{where}.due is {table['due']}, before the calibration itself on {table['date']}")
        return None
    return Calibration(table["date"], table["due"], table["certificate"], table["who"])


def _zero(table: Any, where: str, faults: list[str]) -> ZeroTerms:
    if table is None or not _is_table(table, where, faults, _ZERO):
        return ZeroTerms()
    tolerance, hours = table.get("tolerance"), table.get("max_age_h", 0)
    if tolerance is not None and not _is_positive(tolerance):
        faults.append(
            f"{where}.tolerance is {shown(tolerance)};"
            f" expected a number above 0, at most {MOST:g}, in the instrument's unit"
        )
        tolerance = None
    if (hours != 0 or isinstance(hours, bool)) and not _is_positive(hours):
        faults.append(
            f"{where}.max_age_h is {shown(hours)};"
            f" expected a number of hours, at most {MOST:g}; 0 looks before each use"
        )
        hours = 0
    return ZeroTerms(None if tolerance is None else float(tolerance), HOUR_S * hours)


def _is_table(table: Any, where: str, faults: list[str], keys: tuple[str, ...]) -> bool:
    if not isinstance(table, dict):
        faults.append(f"{where} is {shown(table)}; expected a table with {', '.join(keys)}")
        return False
    faults += [f"{where}.{key} is unknown; known: {', '.join(keys)}" for key in table if key not in keys]
    return True


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST


def foils_toml(batches: Mapping[str, str]) -> str:
    """The table that `foil_batches` reads back as the same."""
    return "\n".join(["[foils]", *(f"{toml_text(foil)} = {toml_text(batch)}" for foil, batch in batches.items())])


def fitness_toml(unit: str, known: Fitness) -> list[str]:
    """The lines and tables that `fitness` reads back as the same."""
    lines = [] if known.max_cycles is None else [f"max_cycles = {known.max_cycles}"]
    if (found := known.calibration) is not None:
        lines += ["", f"[units.{unit}.calibration]", f"date = {found.date}", f"due = {found.due}"]
        lines += [f"certificate = {toml_text(found.certificate)}", f"who = {toml_text(found.who)}"]
    if known.zero != ZeroTerms():
        lines += ["", f"[units.{unit}.zero]", f"max_age_h = {known.zero.max_age_s / HOUR_S!r}"]
        lines += [] if known.zero.tolerance is None else [f"tolerance = {known.zero.tolerance!r}"]
    return lines

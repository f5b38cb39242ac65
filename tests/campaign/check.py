"""What must hold for every file that calls itself a recipe, a rule pack or a line, and what does not hold for one."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from types import FrameType

import recipes.rules
from controller.cli.recipes import Unusable, capabilities
from recipes.capability import UnitCapability
from recipes.findings import Finding, RecipeErrors
from recipes.load import library_recipes, load_recipe
from recipes.model import Coat, Press, PressMethod, Recipe, Window
from recipes.plan import Plan, PlannedStep, Refused, make_plan
from recipes.rules.pack import read_pack
from tests.campaign.mutate import Mutant

LONGEST_MESSAGE = 600
"""Characters; more is not read by anybody."""
LIMIT_S = 2.0
"""CPU time for one file, planned twice."""
HANG_S = 20.0
"""CPU time after which a file is given up."""
LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""What YAML 1.1 calls a line break."""
INTERNAL = re.compile(
    r"Traceback|<\S+ object at|<(?:class|function|bound method) |\b(?:Window|Location|Finding|Fact)\("
)
"""What a program says of itself, and no person understands."""
ADVICE = frozenset({"would_refuse", "consistency", "advice"})
"""Levels of findings that keep no recipe from being planned."""


class Hung(BaseException):
    """A file took so long that it was given up; no handler for ordinary errors may hide it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a file.

    outcome is "unreadable", "unusable" (a rule pack, or a bound of its own), "refused", "planned" or "broken".
    """

    outcome: str
    faults: tuple[str, ...]
    seconds: float


@contextmanager
def given_up_after(seconds: float) -> Iterator[None]:
    """Raises Hung in the block once it has used this much CPU time. Only in the main thread."""

    def hang(number: int, frame: FrameType | None) -> None:
        raise Hung(f"no answer after {seconds:g} s of CPU time")

    before = signal.signal(signal.SIGVTALRM, hang)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def checked(check: Callable[[], tuple[str, list[str]]]) -> Verdict:
    """What a check says, with everything that it raises, warns of or takes too long for; raises nothing."""
    began = time.process_time()
    outcome, faults = "broken", list[str]()
    try:
        with given_up_after(HANG_S), warnings.catch_warnings():
            warnings.simplefilter("error")
            outcome, faults = check()
    except (Exception, Hung) as error:  # noqa: BLE001 - whatever else comes is the fault that is looked for
        faults = [_told(error)]
    seconds = time.process_time() - began
    if seconds > LIMIT_S:
        faults.append(f"took {seconds:.1f} s of CPU time")
    return Verdict(outcome, tuple(faults), seconds)


def recipe_verdict(mutant: Mutant, directory: Path, units: Sequence[UnitCapability]) -> Verdict:
    """Loads and plans a recipe that holds a mutant's bytes."""
    file = directory / "mutant.yaml"
    file.write_bytes(mutant.data)
    return checked(lambda: _recipe(file, mutant.data, units))


def pack_verdict(mutant: Mutant, directory: Path, units: Sequence[UnitCapability]) -> Verdict:
    """Reads a rule pack that holds a mutant's bytes, and plans a recipe of the library that names it."""
    file, shipped = directory / "mutant.csv", Path(recipes.rules.__file__).with_name("packs")
    file.write_bytes(mutant.data)
    file.with_suffix(".yaml").write_bytes((shipped / f"{mutant.base}.yaml").read_bytes())
    recipe = directory / "recipe.yaml"
    example = next(path for path in library_recipes() if path.stem == "honda-example-1").read_bytes()
    data = re.sub(rb"^basis:.*(\n  - .*)*", b"basis: ./mutant.csv", example, count=1, flags=re.MULTILINE)
    recipe.write_bytes(data)
    return checked(lambda: _pack(file, mutant.data, recipe, data, units))


def line_verdict(mutant: Mutant, directory: Path) -> Verdict:
    """Reads a line file that holds a mutant's bytes, and what its units can do."""
    file = directory / "line.toml"
    file.write_bytes(mutant.data)
    return checked(lambda: _line(file))


def _recipe(file: Path, data: bytes, units: Sequence[UnitCapability]) -> tuple[str, list[str]]:
    try:
        recipe = load_recipe(file)
    except RecipeErrors as errors:
        return "unreadable", list(_finding_faults(errors.findings, file, data, {"error"}))
    try:
        plan = make_plan(recipe, units)
    except RecipeErrors as errors:
        return "unusable", list(_finding_faults(errors.findings, file, data, {"error"}))
    except Refused as refused:
        faults = list(_finding_faults(refused.findings, file, data, {"refused", *ADVICE}))
        if all(finding.level != "refused" for finding in refused.findings):
            faults.append("refused without a refusal")
        return "refused", faults
    faults = list(_finding_faults(plan.findings, file, data, ADVICE, needed=False))
    faults += _plan_faults(plan, units)
    if make_plan(load_recipe(file), units).canonical_json != plan.canonical_json:
        faults.append("two plans of one file differ")
    return "planned", faults


def _pack(
    file: Path, data: bytes, recipe: Path, recipe_data: bytes, units: Sequence[UnitCapability]
) -> tuple[str, list[str]]:
    try:
        read_pack(file)
    except RecipeErrors as errors:
        return "unreadable", list(_finding_faults(errors.findings, file, data, {"error"}))
    outcome, faults = _recipe(recipe, recipe_data, units)
    return outcome, [*faults, *(["the example cannot be read"] if outcome == "unreadable" else [])]


def _line(file: Path) -> tuple[str, list[str]]:
    try:
        capabilities(file)
    except Unusable as error:
        lines = str(error).splitlines()
        faults = [f"not at the file: {line[:200]!r}" for line in lines if not line.startswith(f"{file}: ")]
        faults += [f"a message of {len(line)} characters" for line in lines if len(line) > LONGEST_MESSAGE]
        faults += [f"not printable: {line[:200]!r}" for line in lines if not line.isprintable()]
        return "unreadable", [*faults, *([] if lines else ["no message"])]
    return "planned", []


def _finding_faults(
    findings: Sequence[Finding], file: Path, data: bytes, levels: Collection[str], *, needed: bool = True
) -> Iterator[str]:
    if needed and not findings:
        yield "no finding"
    lines = len(LINE_BREAK.findall(data.decode("utf-8-sig", errors="replace"))) + 1 if findings else 0
    for finding in findings:
        text, place = finding.message, finding.location
        if finding.level not in levels:
            yield f"level {finding.level}: {text[:80]!r}"
        is_packs = place is not None and place.file != file and (place.file.suffix == ".csv" or "rule pack" in text)
        last = lines + 1 if not is_packs else sys.maxsize  # in a rule pack that the recipe names
        if place is None or not (is_packs or place.file == file) or not 1 <= place.line <= last or place.column < 1:
            yield f"place {place} in a file of {lines} lines: {text[:80]!r}"
        if not text or len(text) > LONGEST_MESSAGE:
            yield f"a message of {len(text)} characters: {text[:80]!r}"
        if not str(text).isprintable():
            yield f"not printable: {text[:200]!r}"
        if INTERNAL.search(text):
            yield f"speaks of the program: {text[:200]!r}"


def _plan_faults(plan: Plan, units: Sequence[UnitCapability]) -> Iterator[str]:
    try:
        json.loads(plan.canonical_json, parse_constant=_no_number)
    except ValueError as error:
        yield f"canonical_json: {error}"
    if plan.hash != hashlib.sha256(plan.canonical_json.encode()).hexdigest():
        yield "the hash is not that of canonical_json"
    if sorted(item.step.name for item in plan.steps) != sorted(step.name for step in plan.recipe.steps):
        yield "the plan's steps are not the recipe's"
    for item in plan.steps:
        yield from (f"{item.step.name[:80]!r}: {fault}" for fault in _step_faults(item, plan.recipe, units))
    pressed = {step.name for step in plan.recipe.steps if step.press is not None}
    for step, changes in plan.predictions.items():
        for layer, (before, after, uncertainty) in changes.items():
            highest = before + 1e-9 if step in pressed else 100.0  # a roll press can be asked for less than there is
            if not all(map(isfinite, (before, after, uncertainty))) or not 0.0 <= after <= highest or uncertainty < 0.0:
                yield f"{step[:80]!r}: predicted porosity of {layer} {(before, after, uncertainty)}"


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _step_faults(item: PlannedStep, recipe: Recipe, units: Sequence[UnitCapability]) -> Iterator[str]:
    step = item.step
    if not isfinite(item.predicted_s) or item.predicted_s < 0.0:
        yield f"predicted to take {item.predicted_s} s"
    unit = next((unit for unit in units if unit.name == item.unit), None)
    if step.press is not None or step.coat is not None:
        if unit is None:
            yield f"has no unit {item.unit}"
        elif step.press is not None:
            yield from _press_faults(step.press, item, unit, recipe.laminate.area_mm2)
        elif step.coat is not None:
            yield from _coat_faults(step.coat, item, unit)


def _press_faults(press: Press, item: PlannedStep, unit: UnitCapability, area_mm2: float) -> Iterator[str]:
    uniaxial = press.method is PressMethod.UNIAXIAL
    kn = area_mm2 / 1000.0 if uniaxial else 1.0  # uniaxial limits are forces
    yield from _outside(
        "pressure", press.pressure_mpa * kn, 0.0, unit.max_force_kn if uniaxial else unit.max_pressure_mpa
    )
    yield from _outside("ramp", press.ramp_mpa_s * kn, 0.0, unit.max_ramp)
    yield from _outside("release", press.release_mpa_s * kn, 0.0, unit.max_ramp)
    yield from _outside("dwell", press.dwell_s, 0.0, None)
    yield from _outside("soak", press.soak_s, 0.0, None)
    yield from _outside("hold limit", press.hold_limit_s, 0.0, None)
    yield from _outside_window("temperature", press.temperature_c, unit.temperature_c)
    if uniaxial:
        force = item.force_kn
        yield from ["no force"] if force is None else _outside("force", force, 0.0, unit.max_force_kn)
    if not press.pressure_window_mpa.holds(press.pressure_mpa):
        yield f"pressure {press.pressure_mpa} outside {press.pressure_window_mpa}"
    if not press.temperature_window_c.holds(press.temperature_c):
        yield f"temperature {press.temperature_c} outside {press.temperature_window_c}"


def _coat_faults(coat: Coat, item: PlannedStep, unit: UnitCapability) -> Iterator[str]:
    yield from ["no gap"] if item.gap_um is None else _outside("gap", item.gap_um, 0.0, unit.max_gap_um)
    yield from _outside_window("web speed", coat.web_speed_m_min, unit.web_speed_m_min)
    if unit.zones not in (None, len(coat.zone_temperatures_c)):
        yield f"{len(coat.zone_temperatures_c)} zones on a coater of {unit.zones}"
    for zone in coat.zone_temperatures_c:
        yield from _outside_window("zone", zone, unit.temperature_c)
    for name, value in (("length", coat.length_m), ("tension", coat.tension_n), ("zone window", coat.zone_window_k)):
        yield from _outside(name, value, 0.0, None)


def _outside(name: str, value: float, lower: float, upper: float | None) -> Iterator[str]:
    if not isfinite(value) or value < lower or (upper is not None and value > upper):
        yield f"{name} {value} outside {lower} to {upper}"


def _outside_window(name: str, value: float, window: Window | None) -> Iterator[str]:
    if not isfinite(value) or (window is not None and not window.holds(value)):
        yield f"{name} {value} outside {window}"


def _told(error: BaseException) -> str:
    """An exception in one line, with the innermost line of the program that it came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tests/" not in frame.filename]
    place = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}" if frames else ""
    return f"{type(error).__name__}{place}: {str(error)[:200]!r}"


def distinct(faults: Iterable[str]) -> Mapping[str, int]:
    """How often each kind of fault came; numbers and quoted texts do not make another kind."""
    counts: dict[str, int] = {}
    for fault in faults:
        kind = re.sub(r"'[^']*'|\"[^\"]*\"|\d[\d.e+-]*", "_", fault)[:120]
        counts[kind] = counts.get(kind, 0) + 1
    return counts

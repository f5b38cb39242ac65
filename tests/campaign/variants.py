"""Variants of the Honda recipes whose results lie near the bounds of claims: what is asked by the seed's number.

Setpoints are chosen by the law that everybody knows, as a process engineer would; the truth of a seed is drawn by the
simulators and is known to nobody before the run. All variants are comparative, so that no claim keeps them from being
run; the library's own recipes are among them as they are.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from recipes.load import library_recipes
from recipes.materials.compaction import advance, porosity_fraction
from recipes.materials.library import load_materials

GUARDED = "decision_rule: {acceptance: guarded, confidence: 95 %}"
ROOM_C = 25.0
LARGEST_MPA = 1090.0
"""A little below what the isostatic press reaches."""
INITIAL = {"cathode": 0.45, "solid_electrolyte": 0.40, "intermediate": 0.82}


@dataclass(frozen=True, slots=True)
class Variant:
    """A recipe's text, the seed of the world that it is run in, and which kind of variant it is."""

    seed: int
    kind: str
    text: str


def variant(seed: int, *, guarded: bool = False) -> Variant:
    """The variant of a seed."""
    chance = random.Random(f"variant {seed}")
    kind, make = chance.choices([(kind, make) for _, kind, make in KINDS], [weight for weight, _, _ in KINDS])[0]
    text = make(chance)
    if guarded:
        text = re.sub(r"^basis:", f"{GUARDED}\nbasis:", text, count=1, flags=re.MULTILINE)
    return Variant(seed, kind, text)


def shipped(name: str) -> str:
    """A recipe of the library."""
    return next(file for file in library_recipes() if file.stem == name).read_text(encoding="utf-8")


def comparative() -> str:
    """Example 1 as a recipe that may break claims."""
    reason = "purpose: comparative\nreason: its results lie near the bounds, to see what certificates say there"
    return shipped("honda-example-1").replace("purpose: production", reason)


def pressed(text: str, step: str, **keys: str) -> str:
    """The text with other values in one pressing step; the window of the pressure follows at +-2 %."""
    begin = text.index(f"- name: {step}\n")
    end = text.find("\n  - name:", begin)
    block = text[begin:end]
    if "pressure" in keys and "pressure_window" not in keys:
        mpa = float(keys["pressure"].split()[0])
        keys["pressure_window"] = f"{0.98 * mpa:.6f}..{1.02 * mpa:.6f} MPa"
    if "temperature" in keys:
        celsius = float(keys["temperature"].split()[0])
        keys["temperature_window"] = f"{celsius - 3:.6f}..{celsius + 14:.6f} degC"
    for key, value in keys.items():
        block = re.sub(rf"(?m)^(\s+{key}:) .*$", rf"\1 {value}", block)
    return text[:begin] + block + text[end:]


def expected(layer: str, presses: list[tuple[float, float, float]]) -> list[float]:
    """Porosity in % of a layer before and after each pressing (MPa, degC, s), by the shipped law without ramps."""
    parameters = load_materials()[layer].parameters
    densification, result = 0.0, [100.0 * INITIAL[layer]]
    for pressure_mpa, temperature_c, dwell_s in presses:
        densification = advance(densification, pressure_mpa, temperature_c, dwell_s, parameters)
        result.append(100.0 * porosity_fraction(INITIAL[layer], densification, parameters))
    return result


def solved(wanted: float, function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that falls is `wanted`, or the nearer end."""
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if function(middle) > wanted else (low, middle)
    return (low + high) / 2.0


def _densified(chance: random.Random, layer: str, wanted: Callable[[list[float]], float], aim: float) -> str:
    """Densifying set so that what is `wanted` of the layer's porosities meets the aim; first that is within reach."""
    temperature_c, dwell_s, pressure_mpa = ROOM_C, 300.0, LARGEST_MPA
    for _ in range(20):
        temperature_c = chance.choice((ROOM_C, 40.0, chance.uniform(55.0, 125.0)))
        dwell_s = chance.choice((300.0, chance.uniform(15.0, 600.0)))

        def reached(pressure: float, c: float = temperature_c, s: float = dwell_s) -> float:
            return wanted(expected(layer, [(90.0, ROOM_C, 180.0), (290.0, ROOM_C, 300.0), (pressure, c, s)]))

        pressure_mpa = solved(aim, reached, 200.0, LARGEST_MPA)
        if 210.0 < pressure_mpa < LARGEST_MPA - 1.0:
            break
    keys = {"pressure": f"{pressure_mpa:.3f} MPa", "temperature": f"{temperature_c:.3f} degC"}
    return pressed(comparative(), "densifying", **keys, dwell=f"{dwell_s:.2f} s")


def _porosity(chance: random.Random) -> str:
    """Claim 1: cathode or electrolyte at about 5 %, or the preferred 3 %."""
    layer, bound = chance.choice(("cathode", "solid_electrolyte")), chance.choice((5.0, 5.0, 5.0, 3.0))
    return _densified(chance, layer, lambda porosities: porosities[3], bound * chance.uniform(0.75, 1.25))


def _decrease(chance: random.Random) -> str:
    """Claim 5: a rate of decrease at about 77 % or 85 %."""
    layer, bound = chance.choice((("cathode", 77.0), ("solid_electrolyte", 85.0)))
    aim = -bound + chance.uniform(-5.0, 5.0)
    return _densified(chance, layer, lambda porosities: -100.0 * (1.0 - porosities[3] / porosities[2]), aim)


def _measured_porosity(chance: random.Random) -> str:
    """As claim 1, and the laboratory measures the porosity at the end."""
    text = _porosity(chance)
    old = "measures: [thickness, composite_modulus, porosity]\n      layers: intermediate "
    if old not in text:
        raise ValueError("the last inspection is not as it was")
    return text.replace(old, "measures: [thickness, porosity]\n      layers: [cathode, solid_electrolyte]  #")


def _few_inspections(chance: random.Random) -> str:
    """As claim 1 or 5, with fewer of the inspections on the way."""
    text = chance.choice((_porosity, _decrease))(chance)
    steps = re.findall(r"  - name: inspect .*\n(?:    .*\n)+\n?", text)
    for step in steps:
        if chance.random() < 0.4:
            text = text.replace(step, "")
    return text


def _temperature(chance: random.Random) -> str:
    """Claim 6: the laminate at about 60 degC."""
    keys = {"temperature": f"{chance.uniform(57.0, 61.0):.3f} degC", "dwell": f"{chance.uniform(60.0, 400.0):.1f} s"}
    return pressed(comparative(), "densifying", **keys, pressure=f"{chance.uniform(300.0, 1050.0):.1f} MPa")


def _modulus(chance: random.Random) -> str:
    """Claim 8: 1 GPa needs some 1233 MPa, which the uniaxial press reaches on a smaller area."""
    text = comparative().replace("area: 16 cm2", "area: 4 cm2").replace("expected: 16 cm2", "expected: 4 cm2")
    text = text.replace("tolerance: 0.5 cm2", "tolerance: 0.1 cm2")
    return pressed(text, "second joining", pressure=f"{chance.uniform(1190.0, 1290.0):.2f} MPa")


def _loose(chance: random.Random) -> str:
    """Claim 9: an intermediate layer of about 70 %, after hardly any pressure."""
    pressure_mpa = solved(
        chance.uniform(67.0, 73.0), lambda mpa: expected("intermediate", [(mpa, ROOM_C, 300.0)])[1], 5.0, 300.0
    )
    text = pressed(comparative(), "first joining", pressure="20 MPa")
    text = pressed(text, "second joining", pressure=f"{pressure_mpa:.3f} MPa")
    text = pressed(text, "densifying", pressure=f"{max(100.0, pressure_mpa):.3f} MPa", temperature="25 degC")
    text = pressed(text, "densifying", pressure_window="50..200 MPa")  # the press's sensors are right within 4 MPa
    return pressed(text, "third joining", pressure="10 MPa")


def _equal(chance: random.Random) -> str:
    """Claims 2 to 4: two pressings at nearly the same pressure."""
    first, second = 90.0, 290.0
    by = chance.uniform(-4.0, 4.0)
    step, pressure = chance.choice(
        (
            ("third joining", first + by),
            ("third joining", second + by),
            ("second joining", first + by),
            ("densifying", second + by),
            ("densifying", 180.0 + by),
        )
    )
    return pressed(comparative(), step, pressure=f"{pressure:.3f} MPa")


def _windows(chance: random.Random) -> str:
    """The examples' ranges of pressure, time and temperature of the joinings."""
    low, high = {"first": (50.0, 300.0), "second": (100.0, 600.0), "third": (60.0, 350.0)}[
        step := chance.choice(("first", "second", "third"))
    ]
    area, bound = ("16", low) if chance.random() < 0.6 else ("8", high)
    text = comparative().replace("area: 16 cm2", f"area: {area} cm2").replace("expected: 16", f"expected: {area}")
    keys = {
        "pressure": f"{bound + chance.uniform(-4.0, 4.0):.3f} MPa",
        "dwell": f"{chance.uniform(299.5, 300.5):.2f} s",
    }
    if chance.random() < 0.4:
        keys["temperature"] = f"{chance.uniform(20.0, 21.0):.3f} degC"
    return pressed(text, f"{step} joining", **keys)


def _coated(chance: random.Random) -> str:
    """Layers coated at about the porosity of 30 or 50 % that the examples' range ends at."""
    text = comparative().replace(
        "porosity: 45 %", f"porosity: {chance.choice((50.0, 30.0)) + chance.uniform(-2, 2):.2f} %"
    )
    return text.replace("porosity: 40 %", f"porosity: {chance.choice((50.0, 30.0)) + chance.uniform(-2, 2):.2f} %", 1)


def _examples(chance: random.Random) -> str:
    """The library's examples as they are."""
    return shipped(f"honda-example-{chance.randint(1, 3)}")


def _comparatives(chance: random.Random) -> str:
    """The library's comparatives as they are."""
    return shipped(f"honda-comparative-{chance.randint(1, 3)}")


KINDS: tuple[tuple[int, str, Callable[[random.Random], str]], ...] = (
    (22, "porosity", _porosity),
    (18, "decrease", _decrease),
    (8, "measured porosity", _measured_porosity),
    (6, "few inspections", _few_inspections),
    (10, "temperature", _temperature),
    (6, "modulus", _modulus),
    (5, "loose", _loose),
    (8, "equal pressures", _equal),
    (5, "windows", _windows),
    (4, "coated", _coated),
    (4, "examples", _examples),
    (4, "comparatives", _comparatives),
)
"""How often each kind is drawn, its name, and how its text is made."""

"""Mutants of the other files that people write: rule packs and line files."""

from __future__ import annotations

import csv
import io
import random
from functools import cache
from pathlib import Path

import recipes.rules
from tests.campaign import hostile, text_damages
from tests.campaign.mutate import Mutant, chosen

_PACKS = Path(recipes.rules.__file__).with_name("packs")
LINE = """\
[line]
name = "pilot line"
speed = 5

[operator]
url = "tcp://127.0.0.1:4000"

[units.uniaxial-press-1]
kind = "uniaxial_press"
profile = "uniaxial-press-generic"
url = "serial:///dev/ttyUSB0?baudrate=115200&unit=1"

[units.isostatic-press-1]
kind = "isostatic_press"
profile = "isostatic-press-generic"
url = "tcp://10.0.0.2:502?unit=1"

[units.coater-1]
kind = "coater"
profile = "coater-generic"
url = "ascii://10.0.0.3:4001"

[units.thickness-gauge-1]
kind = "gauge"
profile = "thickness-gauge-sics"
url = "serial:///dev/ttyUSB1"
"""
_TOML = (*hostile.VALUES["line_values"], "9" * 5000, f'"{"x" * 1000}"', "[" * 2000)


@cache
def _shipped_packs() -> tuple[tuple[str, bytes], ...]:
    return tuple((file.stem, file.read_bytes()) for file in sorted(_PACKS.glob("*.csv")))


def pack_mutant(seed: int) -> Mutant:
    """A damaged CSV file of a rule pack."""
    chance = random.Random(f"pack {seed}")
    base, data = chance.choice(_shipped_packs())
    damages: list[str] = []
    for _ in range(chance.choices((1, 2, 3, 4, 5), (50, 20, 10, 10, 10))[0]):
        if chance.random() < 0.7:
            data = _cells(data, chance)
            damages.append("cells")
        else:
            damage = chosen(text_damages.DAMAGES, chance)
            data = damage(data, chance)
            damages.append(damage.__name__)
    return Mutant(seed, base, tuple(damages), data)


def _cells(data: bytes, chance: random.Random) -> bytes:
    """A cell, a column or a row of a CSV file changed."""
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
    except (csv.Error, UnicodeDecodeError):
        return data
    if not rows or not any(rows):
        return data
    row = chance.choice([row for row in rows if row])
    column = chance.randrange(len(row))
    match chance.randrange(9):
        case 0:
            row[column] = chance.choice(hostile.TEXTS)
        case 1:
            row[column] = chance.choice(hostile.NUMBERS)
        case 2 | 3 | 4:
            row[column] = chance.choice(hostile.VALUES["pack_cells"])
        case 5:
            row[column] = chance.choice([other for other in rows if other])[-1 - column % 5]
        case 6:
            other = chance.choice(rows)
            rows.insert(chance.randint(0, len(rows)), list(other))
        case 7:
            row[column] = hostile.changed_number(row[column], chance)
        case _:
            del row[column]
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode("utf-8", "surrogatepass")


def line_mutant(seed: int) -> Mutant:
    """A damaged line file."""
    chance = random.Random(f"line {seed}")
    data, damages = LINE.encode(), list[str]()
    for _ in range(chance.choices((1, 2, 3, 4, 5), (40, 20, 15, 15, 10))[0]):
        rows = data.split(b"\n")
        named = [number for number, row in enumerate(rows) if b" = " in row]
        if named and chance.random() < 0.6:
            number = chance.choice(named)
            key = rows[number].partition(b" = ")[0]
            rows[number] = key + b" = " + chance.choice(_TOML).encode()
            data = b"\n".join(rows)
            damages.append("value")
        else:
            damage = chosen(text_damages.DAMAGES, chance)
            data = damage(data, chance)
            damages.append(damage.__name__)
    return Mutant(seed, "line", tuple(damages), data)

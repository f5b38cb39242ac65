"""Tables 1 to 3 of US 2025/0260067 A1, typed for the tests, with the tolerances that the law states for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ROOM_C = 25.0


@dataclass(frozen=True)
class Row:
    """rates: (step 1..3, layer) -> rate of decrease in percent; final: layer -> porosity in percent."""

    name: str
    densify_mpa: float
    densify_c: float
    rates: Mapping[tuple[int, str], float]
    final: Mapping[str, float]
    modulus_gpa: float
    claim_1: bool
    claim_5: bool

    def rate_tolerance(self, layer: str) -> float:
        return 2.6 if layer == "intermediate" else 2.0

    def final_tolerance(self, layer: str) -> float:
        if layer == "intermediate":
            return 1.0
        return 1.6 if (self.name, layer) == ("Comparative Example 2", "solid_electrolyte") else 0.9


def _row(
    name: str,
    mpa: float,
    temperature_c: float,
    densify: tuple[float, float, float],
    r2_intermediate: float,
    final: tuple[float, float, float],
    modulus_gpa: float,
    passes: bool,
) -> Row:
    rates = {
        (1, "cathode"): 16.0,
        (1, "solid_electrolyte"): 13.0,
        (2, "cathode"): 34.0,
        (2, "solid_electrolyte"): 37.0,
        (2, "intermediate"): r2_intermediate,
        (3, "cathode"): densify[0],
        (3, "solid_electrolyte"): densify[1],
        (3, "intermediate"): densify[2],
    }
    layers = ("cathode", "solid_electrolyte", "intermediate")
    return Row(name, mpa, temperature_c, rates, dict(zip(layers, final, strict=True)), modulus_gpa, passes, passes)


ROWS = (
    _row("Example 1", 980.0, 120.0, (92.0, 92.0, 5.0), 31.0, (2.0, 2.0, 54.0), 0.8, passes=True),
    _row("Example 2", 980.0, 100.0, (88.0, 92.0, 2.0), 34.0, (3.0, 2.0, 54.0), 0.8, passes=True),
    _row("Example 3", 980.0, 60.0, (82.0, 88.0, 4.0), 33.0, (4.5, 3.0, 54.0), 0.8, passes=True),
    _row("Comparative Example 1", 980.0, ROOM_C, (76.0, 84.0, 7.0), 30.0, (6.0, 3.0, 54.0), 0.8, passes=False),
    _row("Comparative Example 2", 784.0, ROOM_C, (68.0, 82.0, 4.0), 32.0, (8.0, 3.0, 54.0), 0.7, passes=False),
    _row("Comparative Example 3", 700.0, ROOM_C, (64.0, 78.0, 5.0), 31.0, (9.0, 5.5, 54.0), 0.6, passes=False),
)

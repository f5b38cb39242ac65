"""US 2025/0260067 A1, Tables 2 and 3, as printed: rates of decrease in %, porosities in %, modulus in GPa."""

from __future__ import annotations

TABLE_2: dict[str, dict[str, tuple[float | None, float, float]]] = {
    "honda-example-1": {"cathode": (16, 34, 92), "solid_electrolyte": (13, 37, 92), "intermediate": (None, 31, 5)},
    "honda-example-2": {"cathode": (16, 34, 88), "solid_electrolyte": (13, 37, 92), "intermediate": (None, 34, 2)},
    "honda-example-3": {"cathode": (16, 34, 82), "solid_electrolyte": (13, 37, 88), "intermediate": (None, 33, 4)},
    "honda-comparative-1": {"cathode": (16, 34, 76), "solid_electrolyte": (13, 37, 84), "intermediate": (None, 30, 7)},
    "honda-comparative-2": {"cathode": (16, 34, 68), "solid_electrolyte": (13, 37, 82), "intermediate": (None, 32, 4)},
    "honda-comparative-3": {"cathode": (16, 34, 64), "solid_electrolyte": (13, 37, 78), "intermediate": (None, 31, 5)},
}
"""By layer: first joining, second joining, densifying."""
TABLE_3 = {
    "honda-example-1": (2.0, 2.0, 54.0, 0.8),
    "honda-example-2": (3.0, 2.0, 54.0, 0.8),
    "honda-example-3": (4.5, 3.0, 54.0, 0.8),
    "honda-comparative-1": (6.0, 3.0, 54.0, 0.8),
    "honda-comparative-2": (8.0, 3.0, 54.0, 0.7),
    "honda-comparative-3": (9.0, 5.5, 54.0, 0.6),
}
"""Cathode, solid electrolyte, intermediate layer, modulus of the intermediate layer."""

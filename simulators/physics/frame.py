"""How a press's frame, dies and laminate yield under force, and what four displacement sensors make of it."""

from __future__ import annotations

from collections.abc import Sequence

FRAME_KN_UM = 2.0
"""Stiffness of columns and crossheads: a 600 kN laboratory frame gives 0.3 mm at full force (engineering judgement)."""
FRAME_BOUND = 0.002
"""The stiffness that the controller was calibrated with is right within this share (engineering judgement)."""
LAMINATE_GPA = 20.0
"""Through-thickness modulus of a laminate: within the 10 to 50 GPa of US 2025/0260067 A1 [0038]; judgement."""
OUTLINE = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
"""Places of the four sensors, at the die's corners."""


def stretch_um(force_kn: float, stiffness_kn_um: float = FRAME_KN_UM) -> float:
    """Length that the frame yields under a force; the ram has travelled by it without pressing anything thinner."""
    return force_kn / stiffness_kn_um


def loaded_thickness_um(thickness_um: float, pressure_mpa: float, modulus_gpa: float = LAMINATE_GPA) -> float:
    """Thickness under a pressure of what is thickness_um thick without one; it springs back when it is released."""
    return thickness_um * (1.0 - 1e-3 * pressure_mpa / modulus_gpa)


def corners_um(mean_um: float, tilt_um: float) -> tuple[float, ...]:
    """What stands at the four corners when the ram tilts about one axis; tilt_um is highest less lowest."""
    return tuple(mean_um + 0.5 * tilt_um * x for x, _ in OUTLINE)


def tilt_um(corners: Sequence[float]) -> float:
    """Highest less lowest of the sensors."""
    return max(corners) - min(corners)

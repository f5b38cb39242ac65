"""The geometry of a nip between two equal rolls: over what length and for how long a web is pressed."""

from __future__ import annotations

import math

ROLL_RADIUS_MM = 125.0
"""Rolls of 250 mm, usual for laboratory calenders (engineering judgement)."""


def contact_length_mm(entry_um: float, nip_um: float, exit_um: float, radius_mm: float = ROLL_RADIUS_MM) -> float:
    """Length on which the rolls touch the web: before the narrowest place until it is that thin, behind it until it has
    sprung back. Each roll goes in by half of the difference; a chord of a circle that is large beside it."""
    before = max(0.0, entry_um - nip_um) / 1000.0
    behind = max(0.0, exit_um - nip_um) / 1000.0
    return math.sqrt(radius_mm * before) + math.sqrt(radius_mm * behind)


def nip_time_s(contact_mm: float, speed_m_min: float) -> float:
    """How long a point of the web is in contact; endless for a web that stands."""
    return math.inf if speed_m_min <= 0.0 else contact_mm / (1000.0 * speed_m_min / 60.0)


def mean_pressure_mpa(load_n_mm: float, contact_mm: float) -> float:
    """Line load over contact length; 0 without contact."""
    return load_n_mm / contact_mm if contact_mm > 0.0 else 0.0

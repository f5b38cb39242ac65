"""A web through a coater's dryer: what is on it, how it dries, what the air carries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from recipes.materials.coating import dry, drying_rate_g_m2s, solvent

ZONE_LENGTH_M = 0.6
"""Length of each of the two zones: three minutes of drying at 0.4 m/min (engineering judgement)."""
OVEN_LENGTH_M = 2 * ZONE_LENGTH_M
WEB_WIDTH_M = 0.3
G_M2_PER_MG_CM2 = 10.0


@lru_cache(maxsize=4096)
def _rate(solvent_name: str, air_c: float) -> float:
    return drying_rate_g_m2s(solvent_name, air_c)[0]


def residual_g_m2(solvent_name: str, load_g_m2: float, zones_c: Sequence[float], speed_m_min: float) -> float:
    """Solvent left on the web after all zones at a steady speed (m/min, greater than 0).

    Air temperatures are taken to the tenth of a kelvin: drying rates change by less than 1 % in that.
    """
    left = load_g_m2
    for air_c in zones_c:
        left = dry(left, load_g_m2, _rate(solvent_name, round(air_c, 1)), 60.0 * ZONE_LENGTH_M / speed_m_min)
    return left


def lel_pct(
    solvent_name: str, evaporated_g_m2: float, speed_m_min: float, exhaust_m3_min: float, length_share: float = 1.0
) -> float:
    """Vapour in the exhaust as a share of the lower explosive limit; 0 for what does not burn.

    length_share (0..1) is the part of the oven that holds wet web. Without exhaust it is 100.
    """
    limit = solvent(solvent_name).lel_g_m3
    if limit is None or evaporated_g_m2 <= 0.0 or speed_m_min <= 0.0:
        return 0.0
    if exhaust_m3_min <= 0.0:
        return 100.0
    vapour_g_m3 = evaporated_g_m2 * WEB_WIDTH_M * speed_m_min * length_share / exhaust_m3_min
    return min(100.0, 100.0 * vapour_g_m3 / limit)

"""Porosity from weight and thickness, equation (2) of US 2025/0260067 A1 in the form e = 1 - m / (rho h)."""

from __future__ import annotations

import math

MG_CM2_PER_G_CM3_UM = 10.0
"""1 mg/cm2 of a solid of 1 g/cm3 is 10 um high."""


def porosity_pct(coating_weight_mg_cm2: float, true_density_g_cm3: float, thickness_um: float) -> float:
    """Porosity in percent; below 0 if the three values contradict each other, which the caller must judge.

    :raises ValueError: if density or thickness is not greater than 0.
    """
    if true_density_g_cm3 <= 0.0 or thickness_um <= 0.0:
        raise ValueError(f"density {true_density_g_cm3} and thickness {thickness_um} must be greater than 0")
    solid_height_um = MG_CM2_PER_G_CM3_UM * coating_weight_mg_cm2 / true_density_g_cm3
    return 100.0 * (1.0 - solid_height_um / thickness_um)


def porosity_uncertainty_pct(
    porosity: float, relative_weight: float, relative_density: float, relative_thickness: float
) -> float:
    """Standard uncertainty of a porosity in points, from the relative standard uncertainties of its three inputs.

    First order, inputs independent. porosity in percent. At 5 % it is about 2 points with 1 % in weight, 1.5 % in
    density and 1 um in 80 um: no rate of decrease should be built from two such values alone.
    """
    return (100.0 - porosity) * math.hypot(relative_weight, relative_density, relative_thickness)


def decrease_pct(before_pct: float, after_pct: float) -> float:
    """Rate of decrease in porosity in percent of what was there before, as in US 2025/0260067 A1 Table 2.

    :raises ValueError: if there was no porosity before.
    """
    if before_pct <= 0.0:
        raise ValueError(f"a rate of decrease needs a porosity before it, not {before_pct} %")
    return 100.0 * (before_pct - after_pct) / before_pct

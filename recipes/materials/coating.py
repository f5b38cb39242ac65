"""From coating weight to comma gap, and how a wet film dries.

Film and gap are geometry; the drying laws are textbook heat and mass transfer in air (film theory with the Lewis
relation), with constants from data sheets. They are good for one solvent at a time; differences between solvents are
not validated (published work finds water about 4.5 times as fast as NMP at equal air, this gives less). `outside_model`
says where a coating leaves what these laws were checked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from recipes.materials.porosity import MG_CM2_PER_G_CM3_UM
from recipes.model import Slurry

GAP_FACTOR = 0.6
"""Wet film over comma gap; 0.5 to 0.7 for comma and bar coaters, calibrated on the line (engineering judgement)."""
CRITICAL_SHARE = 0.25
"""Share of the solvent load below which the film's surface is no longer wet and the rate falls (judgement)."""
HEAT_TRANSFER_W_M2K = 20.0
"""Gentle air of an impingement-free laboratory dryer (engineering judgement)."""
TWO_SIDED = 1.5
"""Heated area over evaporating area: air on the film, and through the web by half (engineering judgement)."""
GAP_ACCURACY_UM = 2.0
"""A comma's gap is right within this on both sides (engineering judgement)."""
THIN_SHARE = 0.05
"""A gap's accuracy of more than this share of it makes a weight that no comma coater keeps (engineering judgement)."""
WATER_OVER_NMP = 4.5
"""How much faster water dries than NMP at equal air (Argonne National Laboratory, OSTI 1431318)."""
FAST_PART = 0.9
FAST_SHARE = 0.5
"""About 90 % of the solvent leaves in less than half of the drying time (OSTI 1431318; Processes 2023, 11, 3236)."""

_R = 8.314
_AIR_HEAT_CAPACITY_J_M3K = 1.2 * 1006.0 * 293.15  # at 1 K; divide by the temperature
_ATMOSPHERE_PA = 101325.0


class UnknownSolventError(ValueError):
    """There are no data for this solvent."""


@dataclass(frozen=True, slots=True)
class Solvent:
    """vapour_pressure takes degC and gives Pa; lewis is the Lewis number of its vapour in air.

    lel_g_m3 is the lower explosive limit as vapour density, None for what does not burn. boiling_point_c is at 1 atm;
    the vapour pressures need not meet it to the kelvin. vapour_range_c is where the vapour pressure's formula holds.
    """

    name: str
    molar_mass_kg: float
    latent_heat_j_kg: float
    lewis: float
    vapour_pressure_pa: Callable[[float], float]
    lel_g_m3: float | None
    boiling_point_c: float
    vapour_range_c: tuple[float, float]


def _water(temperature_c: float) -> float:
    return 610.94 * math.exp(17.625 * temperature_c / (temperature_c + 243.04))  # Magnus form


def _nmp(temperature_c: float) -> float:
    return 1000.0 * math.pow(10.0, 7.4 - 2570.0 / (temperature_c + 273.15))


def _butyl_butyrate(temperature_c: float) -> float:
    # through 132 Pa at 20 degC and the boiling point of 166 degC
    return _ATMOSPHERE_PA * math.exp(5858.0 * (1.0 / 439.15 - 1.0 / (temperature_c + 273.15)))


SOLVENTS: Mapping[str, Solvent] = MappingProxyType(
    {
        # the Magnus form is within 1 % up to some 60 degC, and 3 % high at 100 degC
        "water": Solvent("water", 0.01802, 2.43e6, 0.87, _water, None, 100.0, (-20.0, 60.0)),
        # 1.3 % by volume; 202 to 203 degC; the formula is a fit to 361 to 477 K
        "NMP": Solvent("NMP", 0.09913, 5.33e5, 3.0, _nmp, 53.0, 202.5, (88.0, 204.0)),
        "butyl butyrate": Solvent(  # 1 % by volume; 164 to 165 degC; a line through two points
            "butyl butyrate", 0.14421, 3.1e5, 2.6, _butyl_butyrate, 59.0, 164.5, (20.0, 166.0)
        ),
    }
)
_NAMES = {
    "water": "water",
    "nmp": "NMP",
    "nmethyl2pyrrolidone": "NMP",
    "nmethylpyrrolidone": "NMP",
    "butylbutyrate": "butyl butyrate",
    "nbutylbutyrate": "butyl butyrate",
}


def solvent(name: str) -> Solvent:
    """The solvent by its common name, whatever its case, blanks and hyphens.

    :raises UnknownSolventError: if there are no data for it.
    """
    key = "".join(character for character in name.lower() if character.isalnum())
    if key not in _NAMES:
        raise UnknownSolventError(f"no drying data for {name!r}, known are {', '.join(SOLVENTS)}")
    return SOLVENTS[_NAMES[key]]


def solvent_load_mg_cm2(coating_weight_mg_cm2: float, slurry: Slurry) -> float:
    """Solvent on the web per area of wet film; the coating weight is dry."""
    return coating_weight_mg_cm2 * (1.0 - slurry.solids_fraction) / slurry.solids_fraction


def wet_film_um(coating_weight_mg_cm2: float, slurry: Slurry, solids_density_g_cm3: float) -> float:
    """Thickness of the wet film that leaves this dry coating weight: volumes add up."""
    solids = coating_weight_mg_cm2 / solids_density_g_cm3
    liquid = solvent_load_mg_cm2(coating_weight_mg_cm2, slurry) / slurry.solvent_density_g_cm3
    return MG_CM2_PER_G_CM3_UM * (solids + liquid)


def gap_um(
    coating_weight_mg_cm2: float, slurry: Slurry, solids_density_g_cm3: float, factor: float = GAP_FACTOR
) -> float:
    """Comma gap to set for a dry coating weight."""
    return wet_film_um(coating_weight_mg_cm2, slurry, solids_density_g_cm3) / factor


def coating_weight_mg_cm2(gap: float, slurry: Slurry, solids_density_g_cm3: float, factor: float = GAP_FACTOR) -> float:
    """Dry coating weight that a comma gap in um leaves; the inverse of gap_um."""
    return gap / gap_um(1.0, slurry, solids_density_g_cm3, factor)


def drying_rate_g_m2s(
    solvent_name: str, air_c: float, heat_transfer_w_m2k: float = HEAT_TRANSFER_W_M2K
) -> tuple[float, float]:
    """Rate of evaporation from a wet film into dry air of air_c, and the film's temperature in degC.

    The film takes the temperature at which the air's heat evaporates just what mass transfer carries away.

    :raises UnknownSolventError: if there are no data for the solvent.
    """
    data = solvent(solvent_name)
    cold, hot = -20.0, air_c
    for _ in range(50):  # bisection: 50 halvings are below 1e-12 K
        film = (cold + hot) / 2.0
        heat_limited = heat_transfer_w_m2k * TWO_SIDED * (air_c - film) / data.latent_heat_j_kg
        if heat_limited > _mass_transfer(data, film, heat_transfer_w_m2k):
            cold = film
        else:
            hot = film
    film = (cold + hot) / 2.0
    return 1000.0 * heat_transfer_w_m2k * TWO_SIDED * (air_c - film) / data.latent_heat_j_kg, film


def _mass_transfer(data: Solvent, film_c: float, heat_transfer_w_m2k: float) -> float:
    """Evaporation in kg/(m2 s) that mass transfer carries away, with Stefan flow."""
    kelvin = film_c + 273.15
    share = min(0.999, data.vapour_pressure_pa(film_c) / _ATMOSPHERE_PA)
    heat_capacity_j_m3k = _AIR_HEAT_CAPACITY_J_M3K / kelvin
    coefficient_m_s = heat_transfer_w_m2k / (heat_capacity_j_m3k * math.pow(data.lewis, 2.0 / 3.0))
    return coefficient_m_s * _ATMOSPHERE_PA * data.molar_mass_kg / (_R * kelvin) * (-math.log1p(-share))


def dry(load_g_m2: float, initial_g_m2: float, rate_g_m2s: float, dt_s: float) -> float:
    """Solvent left after dt_s at a wet-surface rate: constant first, exponential below the critical share."""
    critical = CRITICAL_SHARE * initial_g_m2
    if rate_g_m2s <= 0.0 or critical <= 0.0:  # a share of the smallest number there is may be 0
        return load_g_m2
    constant_s = max(0.0, load_g_m2 - critical) / rate_g_m2s
    if dt_s <= constant_s:
        return load_g_m2 - rate_g_m2s * dt_s
    return min(load_g_m2, critical) * math.exp(-rate_g_m2s * (dt_s - constant_s) / critical)


def outside_model(
    solvent_name: str, zones_c: Sequence[float], residence_s: Sequence[float], load_g_m2: float, gap: float
) -> tuple[str, ...]:
    """Where a coating leaves what the model was checked for, a sentence each; none is not a proof that it is right.

    zones_c is the air of each zone, residence_s how long the web stays in it, load_g_m2 the solvent on the web, gap the
    comma's in um.

    :raises UnknownSolventError: if there are no data for the solvent.
    """
    data = solvent(solvent_name)
    said = [*_films(data, zones_c), *_between_solvents(data, zones_c), *_course(data, zones_c, residence_s, load_g_m2)]
    if gap < GAP_ACCURACY_UM / THIN_SHARE:
        share = 100.0 * GAP_ACCURACY_UM / gap if gap > 0.0 else 100.0
        said.append(
            f"a comma gap of {gap:.0f} um is set within {GAP_ACCURACY_UM:g} um, {share:.0f} % of it: the coating weight"
            " of so thin a film is not modelled better than that"
        )
    return tuple(said)


def _films(data: Solvent, zones_c: Sequence[float]) -> list[str]:
    """Film temperatures beyond the vapour pressure's formula, and air above the boiling point."""
    said = []
    low, high = data.vapour_range_c
    for number, air_c in enumerate(zones_c, start=1):
        film_c = drying_rate_g_m2s(data.name, air_c)[1]
        if not low <= film_c <= high:
            said.append(
                f"zone {number}: the wet film is at {film_c:.0f} degC, and the vapour pressure of {data.name} is a"
                f" formula for {low:g} to {high:g} degC"
            )
        if air_c >= data.boiling_point_c:
            said.append(
                f"zone {number}: air of {air_c:g} degC is above the boiling point of {data.name}, "
                f"{data.boiling_point_c:g} degC; the model knows no boiling film"
            )
    return said


def _between_solvents(data: Solvent, zones_c: Sequence[float]) -> list[str]:
    """The known disagreement about how solvents compare."""
    if data.name not in ("water", "NMP") or not zones_c:
        return []
    air_c = sum(zones_c) / len(zones_c)
    ratio = drying_rate_g_m2s("water", air_c)[0] / drying_rate_g_m2s("NMP", air_c)[0]
    said = (
        f"water dries {ratio:.1f} times as fast as NMP in this model at {air_c:.0f} degC, and about {WATER_OVER_NMP:g}"
        " times as published: times are not validated between solvents"
    )
    return [said]


def _course(data: Solvent, zones_c: Sequence[float], residence_s: Sequence[float], load_g_m2: float) -> list[str]:
    """The known course of drying: most of the solvent leaves early."""
    if load_g_m2 <= 0.0:
        return []
    passed_s, left, wanted = 0.0, load_g_m2, (1.0 - FAST_PART) * load_g_m2
    for air_c, stay_s in zip(zones_c, residence_s, strict=True):
        rate = drying_rate_g_m2s(data.name, air_c)[0]
        after = dry(left, load_g_m2, rate, stay_s)
        if after <= wanted:
            passed_s += _time_to(wanted, left, load_g_m2, rate)
            share = passed_s / sum(residence_s)
            if share <= FAST_SHARE:
                return []
            said = (
                f"90 % of the solvent leaves within {100.0 * share:.0f} % of the drying time in this model, and within"
                f" {100.0 * FAST_SHARE:.0f} % as published: the course of drying is not validated for so short a dryer"
            )
            return [said]
        passed_s, left = passed_s + stay_s, after
    return [
        f"{100.0 * left / load_g_m2:.0f} % of the solvent is left behind the dryer: the model was not checked so wet"
    ]


def _time_to(wanted: float, left: float, initial: float, rate: float) -> float:
    """Seconds from one load to a smaller one at a steady wet-surface rate; the inverse of dry."""
    critical = CRITICAL_SHARE * initial
    constant_s = max(0.0, left - max(critical, wanted)) / rate
    falling = min(left, critical)
    return constant_s + (critical / rate * math.log(falling / wanted) if wanted < falling else 0.0)

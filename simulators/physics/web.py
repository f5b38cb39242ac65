"""A web through a coater's dryer: what is on it, how it dries where it is, what the air carries.

Along the sheet the web is parcels of equal length. A parcel's path through the zones is followed exactly, however the
time is cut, so the time that it stays in a zone is that zone's length over the speed that it really had.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from recipes.materials.coating import dry, drying_rate_g_m2s, solvent

ZONE_LENGTH_M = 0.6
"""Length of each zone of the generic coaters: 45 s at 0.8 m/min (engineering judgement)."""
ZONES_M = (ZONE_LENGTH_M, ZONE_LENGTH_M)
WEB_WIDTH_M = 0.3
PARCEL_M = 0.02
MOVE_S = 3.0
"""Parcels are dried in steps of about this; zones change their temperature by less than 1 K in that time."""
OVEN_M3_PER_M = 0.25
"""Air in a metre of oven: half a metre wide and high (engineering judgement)."""
G_M2_PER_MG_CM2 = 10.0


@lru_cache(maxsize=4096)
def _rate(solvent_name: str, air_c: float) -> float:
    return drying_rate_g_m2s(solvent_name, air_c)[0]


def rate_g_m2s(solvent_name: str, air_c: float) -> float:
    """Evaporation of a wet surface, by the air's tenth of a kelvin: rates change by less than 1 % in that."""
    return _rate(solvent_name, round(air_c, 1))


def residual_g_m2(
    solvent_name: str,
    load_g_m2: float,
    zones_c: Sequence[float],
    speed_m_min: float,
    lengths_m: Sequence[float] | None = None,
) -> float:
    """Solvent left on the web after all zones at a steady speed (m/min, greater than 0); the closed form."""
    left = load_g_m2
    for air_c, length_m in zip(zones_c, lengths_m or (ZONE_LENGTH_M,) * len(zones_c), strict=True):
        left = dry(left, load_g_m2, rate_g_m2s(solvent_name, air_c), 60.0 * length_m / speed_m_min)
    return left


def lel_pct(
    solvent_name: str, evaporated_g_m2: float, speed_m_min: float, exhaust_m3_min: float, length_share: float = 1.0
) -> float:
    """Vapour in the exhaust of a steady web as a share of the lower explosive limit; 0 for what does not burn.

    length_share (0..1) is the part of the oven that holds wet web. Without exhaust it is 100.
    """
    limit = solvent(solvent_name).lel_g_m3
    if limit is None or evaporated_g_m2 <= 0.0 or speed_m_min <= 0.0:
        return 0.0
    if exhaust_m3_min <= 0.0:
        return 100.0
    vapour_g_m3 = evaporated_g_m2 * WEB_WIDTH_M * speed_m_min * length_share / exhaust_m3_min
    return min(100.0, 100.0 * vapour_g_m3 / limit)


@dataclass(slots=True)
class OvenAir:
    """Vapour in a stirred oven: what evaporates, less what the exhaust draws off. vented_g is what went that way."""

    volume_m3: float
    vapour_g_m3: float = 0.0
    vented_g: float = 0.0

    def step(self, source_g_s: float, exhaust_m3_min: float, dt_s: float) -> None:
        """dt_s at a steady source; exact for any dt_s."""
        if source_g_s == 0.0 and self.vapour_g_m3 == 0.0:
            return
        before, flow_m3_s = self.vapour_g_m3, exhaust_m3_min / 60.0
        if flow_m3_s <= 0.0:
            self.vapour_g_m3 += source_g_s * dt_s / self.volume_m3
            return
        steady = source_g_s / flow_m3_s
        self.vapour_g_m3 = steady + (before - steady) * math.exp(-flow_m3_s * dt_s / self.volume_m3)
        self.vented_g += source_g_s * dt_s - self.volume_m3 * (self.vapour_g_m3 - before)

    def lel_pct(self, solvent_name: str) -> float:
        """Share of the solvent's lower explosive limit, 0 for what does not burn."""
        limit = solvent(solvent_name).lel_g_m3
        return 0.0 if limit is None else min(100.0, 100.0 * self.vapour_g_m3 / limit)


@dataclass(slots=True)
class Parcel:
    """A piece of the sheet; middle_m is its middle's place along the sheet."""

    middle_m: float
    length_m: float
    weight_mg_cm2: float
    load_g_m2: float
    left_g_m2: float


@dataclass(slots=True)
class Web:
    """What was coated, until it has left the dryer; sums over what has left.

    Places in the oven follow from the way that the web has travelled since the coating began: a parcel enters when the
    web has travelled to its middle, and leaves the oven's length later.
    """

    zones_m: Sequence[float]
    solvent_name: str
    inside: list[Parcel] = field(default_factory=list)
    left_m: float = 0.0
    evaporation_g_s: float = 0.0
    evaporated_g: float = 0.0
    _fed_m: float = 0.0
    _weights: float = 0.0
    _residues: float = 0.0
    _travelled_m: float = 0.0
    _time_s: float = 0.0

    @property
    def oven_m(self) -> float:
        return sum(self.zones_m)

    def feed(self, coated_m: float, whole_m: float, weight_mg_cm2: float, load_g_m2: float) -> None:
        """The sheet is coated up to coated_m of its whole length; what is new on it has this weight and load."""
        while self._fed_m < coated_m - 1e-9:
            length = min(PARCEL_M, whole_m - self._fed_m)
            self.inside.append(Parcel(self._fed_m + 0.5 * length, length, weight_mg_cm2, load_g_m2, load_g_m2))
            self._fed_m += length

    def move(self, travelled_m: float, dt_s: float, zones_c: Sequence[float]) -> None:
        """dt_s until the web has travelled so far; parcels follow when enough of it has come together."""
        self._time_s += dt_s
        if self._time_s >= MOVE_S:
            self.settle(travelled_m, zones_c)

    def settle(self, travelled_m: float, zones_c: Sequence[float]) -> None:
        """Everything is where it is now."""
        if self._time_s <= 0.0:
            return
        rates = [rate_g_m2s(self.solvent_name, air_c) for air_c in zones_c]
        evaporated, staying = 0.0, []
        for parcel in self.inside:
            before = parcel.left_g_m2
            self._follow(parcel, travelled_m, rates)
            evaporated += (before - parcel.left_g_m2) * parcel.length_m * WEB_WIDTH_M
            if travelled_m - parcel.middle_m >= self.oven_m - 1e-9:
                self.left_m += parcel.length_m
                self._weights += parcel.weight_mg_cm2 * parcel.length_m
                self._residues += parcel.left_g_m2 * parcel.length_m
            else:
                staying.append(parcel)
        self.inside = staying
        self.evaporated_g += evaporated
        self.evaporation_g_s = evaporated / self._time_s
        self._travelled_m, self._time_s = travelled_m, 0.0

    def _follow(self, parcel: Parcel, travelled_m: float, rates: Sequence[float]) -> None:
        """One parcel on its way through the zones; where it stands, it dries in one place."""
        way_m, begin, end = (
            travelled_m - self._travelled_m,
            self._travelled_m - parcel.middle_m,
            travelled_m - parcel.middle_m,
        )
        entry = 0.0
        for length_m, rate in zip(self.zones_m, rates, strict=True):
            leave = entry + length_m
            if way_m > 0.0:
                stay_s = self._time_s * max(0.0, min(end, leave) - max(begin, entry)) / way_m
            else:
                stay_s = self._time_s if entry <= begin < leave else 0.0
            if stay_s > 0.0:
                parcel.left_g_m2 = dry(parcel.left_g_m2, parcel.load_g_m2, rate, stay_s)
            entry = leave

    def is_dry(self, share: float = 0.01) -> bool:
        """Whether nothing in the oven can evaporate any more that would matter."""
        return all(parcel.left_g_m2 <= share * parcel.load_g_m2 for parcel in self.inside)

    def scrap(self) -> None:
        """What is in the oven is thrown away."""
        self.inside, self.evaporation_g_s = [], 0.0

    @property
    def mean_weight_mg_cm2(self) -> float:
        """Of what has left, or of the first piece while none has."""
        if self.left_m > 0.0:
            return self._weights / self.left_m
        return self.inside[0].weight_mg_cm2 if self.inside else 0.0

    @property
    def mean_residue_g_m2(self) -> float:
        """Of what has left; 0 while nothing has."""
        return self._residues / self.left_m if self.left_m > 0.0 else 0.0

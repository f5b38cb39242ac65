"""Two heated rolls under a line load, and the web between them."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.physics.heat import HeatedBody, relax
from simulators.physics.hydraulics import ramped
from simulators.physics.laminate import TrueLayer
from simulators.physics.nip import contact_length_mm, mean_pressure_mpa, nip_time_s
from simulators.world import Lot

LOAD_TAU_S = 0.5
LOAD_RATE_N_MM_S = 400.0
"""The rolls' cylinders reach and lose their full load within five seconds (engineering judgement)."""
OPEN_UM = 5000.0
CLOSING_UM_S = 1250.0
"""The nip opens and closes within four seconds (engineering judgement)."""
ACCELERATION_M_MIN_S = 4.0
HEATING_K_S = 5.0 / 60.0
"""Heavy rolls heat at 5 K/min (engineering judgement)."""
ROLL_TAU_S = 60.0


@dataclass(slots=True)
class Calender:
    """Rolls, load and web as they are. gap_um is the gap's width, with a web in it or without."""

    rolls: list[HeatedBody]
    load_n_mm: float = 0.0
    gap_um: float = OPEN_UM
    speed_m_min: float = 0.0
    tension_n: float = 0.0
    exit_um: float = 0.0
    contact_mm: float = 0.0

    @classmethod
    def at(cls, room_c: float) -> Calender:
        """Cold rolls with an open nip."""
        return cls([HeatedBody(room_c, HEATING_K_S, ROLL_TAU_S) for _ in range(2)])

    @property
    def roll_c(self) -> float:
        return (self.rolls[0].temperature_c + self.rolls[1].temperature_c) / 2.0

    @property
    def is_open(self) -> bool:
        return self.gap_um >= OPEN_UM

    def close_on(self, lot: Lot, dt_s: float) -> bool:
        """Closes the nip onto the standing web; true once it touches."""
        self.gap_um = ramped(self.gap_um, min(OPEN_UM, lot.thickness_um), CLOSING_UM_S, dt_s)
        return self.gap_um <= lot.thickness_um

    def open(self, dt_s: float) -> bool:
        """Takes the load off, stops the web and opens; true once all is done."""
        self.set_load(0.0, dt_s)
        self.drive(0.0, dt_s)
        if self.load_n_mm <= 0.0:
            self.gap_um = ramped(self.gap_um, OPEN_UM, CLOSING_UM_S, dt_s)
        return self.is_open and self.speed_m_min == 0.0

    def set_load(self, wanted_n_mm: float, dt_s: float) -> None:
        """Brings the load towards what is wanted; below 1 N/mm the cylinders are off."""
        change = relax(self.load_n_mm, wanted_n_mm, dt_s, LOAD_TAU_S) - self.load_n_mm
        limit = LOAD_RATE_N_MM_S * dt_s
        self.load_n_mm += max(-limit, min(limit, change))
        if wanted_n_mm <= 0.0 and self.load_n_mm < 1.0:
            self.load_n_mm = 0.0

    def drive(self, wanted_m_min: float, dt_s: float) -> None:
        self.speed_m_min = ramped(self.speed_m_min, wanted_m_min, ACCELERATION_M_MIN_S, dt_s)

    def squeeze(self, lot: Lot, stop_um: float) -> float:
        """The web in the closed nip under the present load: gap, exit and contact length. Gives the load in N/mm that
        the web itself bears; the stops bear the rest."""
        load = self.load_n_mm
        if _nip_um(lot, load, self.roll_c) < stop_um:
            load = _load_at(lot, stop_um, load, self.roll_c)
        nip_um = _nip_um(lot, load, self.roll_c)
        self.exit_um = _exit_um(lot, load, self.roll_c)
        self.contact_mm = contact_length_mm(lot.thickness_um, nip_um, self.exit_um)
        self.gap_um = max(stop_um, nip_um)
        return load

    @property
    def nip_time_s(self) -> float:
        return nip_time_s(self.contact_mm, self.speed_m_min)

    @property
    def mean_pressure_mpa(self) -> float:
        return mean_pressure_mpa(self.load_n_mm, self.contact_mm)


def _foils_um(lot: Lot) -> float:
    return sum(foil.thickness_um for foil in lot.foils)


def _exit_um(lot: Lot, load_n_mm: float, roll_c: float) -> float:
    """Thickness of the whole web behind the rolls."""
    return _foils_um(lot) + sum(layer.rolled_thickness_um(load_n_mm, roll_c) for layer in lot.layers)


def _nip_um(lot: Lot, load_n_mm: float, roll_c: float) -> float:
    """Thickness of the whole web between the rolls; foils do not yield."""
    return _foils_um(lot) + sum(_squeezed(layer, load_n_mm, roll_c) for layer in lot.layers)


def _squeezed(layer: TrueLayer, load_n_mm: float, roll_c: float) -> float:
    return layer.nip_thickness_um(layer.rolled_thickness_um(load_n_mm, roll_c), load_n_mm)


def _load_at(lot: Lot, gap_um: float, highest_n_mm: float, roll_c: float) -> float:
    """The load that the web bears when the rolls rest on their stops: thickness falls with load, so by bisection."""
    low, high = 0.0, highest_n_mm
    for _ in range(30):
        middle = (low + high) / 2.0
        low, high = (middle, high) if _nip_um(lot, middle, roll_c) > gap_um else (low, middle)
    return low

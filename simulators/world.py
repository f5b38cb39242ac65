"""The lots of the line as they physically are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace

from recipes.model import Foil
from simulators.physics.laminate import TrueLayer
from simulators.scenarios import Scenario

FOIL_BOUND = 0.01
"""A rolled foil's thickness lies within 1 % of its nominal one (engineering judgement)."""
AREA_BOUND = 0.001
"""A die cuts an area within 0.1 % (engineering judgement)."""


class WorldError(ValueError):
    """A lot is not where somebody looked for it, or something cannot be done to it."""


@dataclass(slots=True)
class Lot:
    """A coated sheet or a laminate. area_mm2 is the true area, None before anyone has cut it.

    solvent_mg_cm2 is what drying has left in it; it weighs, and fills no pores in the law. medium_mg_cm2 is what came
    through a leaking bag; it weighs, and nobody gets it out again. rolled_m is the length that a roll pressing did
    which did not come to its end; 0 for a web that is the same all along.
    """

    name: str
    layers: list[TrueLayer] = field(default_factory=list)
    foils: list[Foil] = field(default_factory=list)
    area_mm2: float | None = None
    bagged: bool = False
    temperature_c: float = 25.0
    solvent_mg_cm2: float = 0.0
    medium_mg_cm2: float = 0.0
    rolled_m: float = 0.0

    @property
    def thickness_um(self) -> float:
        return sum(layer.thickness_um for layer in self.layers) + sum(foil.thickness_um for foil in self.foils)

    @property
    def mass_g(self) -> float:
        """Mass of everything in the lot.

        :raises WorldError: if it has no area yet.
        """
        if self.area_mm2 is None:
            raise WorldError(f"lot {self.name} has no area yet")
        solids = sum(layer.coating_weight_mg_cm2 for layer in self.layers)
        foils = sum(0.1 * foil.thickness_um * foil.density_g_cm3 for foil in self.foils)  # 1 um g/cm3 is 0.1 mg/cm2
        return (
            (solids + self.solvent_mg_cm2 + self.medium_mg_cm2 + foils) * self.area_mm2 * 1e-5
        )  # mg/cm2 times mm2 is 1e-5 g

    def press(self, pressure_mpa: float, dt_s: float) -> None:
        """dt_s under pressure at the lot's own temperature."""
        for layer in self.layers:
            layer.press(pressure_mpa, self.temperature_c, dt_s)

    def soak(self, density_g_cm3: float) -> None:
        """A liquid gets in and fills all pores that are there; what is in already stays."""
        pores_um = sum(layer.thickness_um * layer.porosity_pct / 100.0 for layer in self.layers)
        self.medium_mg_cm2 = max(self.medium_mg_cm2, 0.1 * pores_um * density_g_cm3)

    def porosities_pct(self) -> dict[str, float]:
        return {layer.name: layer.porosity_pct for layer in self.layers}


@dataclass(frozen=True, slots=True)
class Pressing:
    """One pressing that really took place, however it ended: porosity of each layer in percent before and after."""

    job_id: int
    unit: str
    lot: str
    before: Mapping[str, float]
    after: Mapping[str, float]


class World:
    """All lots by name, and what was pressed. A lot that was renamed or used up is gone under its old name."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.pressings: list[Pressing] = []
        self.told: list[str] = []
        self._lots: dict[str, Lot] = {}
        self._webs: dict[str, tuple[Lot, int]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The lots that are there now, the oldest first."""
        return tuple(self._lots)

    def tell(self, sentence: str) -> None:
        """Something that whoever trusts this simulation should know; the same thing once."""
        if sentence not in self.told:
            self.told.append(sentence)

    def has(self, name: str) -> bool:
        """Whether there is a lot of this name now."""
        return name in self._lots

    def lot(self, name: str) -> Lot:
        """:raises WorldError: if there is no such lot."""
        if name not in self._lots:
            raise WorldError(f"there is no lot {name!r}, there are {', '.join(sorted(self._lots)) or 'none'}")
        return self._lots[name]

    def put(self, lot: Lot) -> Lot:
        """Adds a new lot.

        :raises WorldError: if its name is taken.
        """
        if lot.name in self._lots:
            raise WorldError(f"there is already a lot {lot.name!r}")
        self._lots[lot.name] = lot
        return lot

    def keep_web(self, lot: Lot, sheets: int) -> None:
        """The rest of the web that a lot was cut off, under that lot's name: so many more sheets like it."""
        self._webs[lot.name] = deepcopy(lot), sheets

    def cut(self, web: str, product: str) -> Lot:
        """One more sheet off a web.

        :raises WorldError: if there is no such web, nothing is left of it, or the sheet's name is taken.
        """
        sheet, left = self._webs.get(web, (None, 0))
        if sheet is None or left < 1:
            raise WorldError(f"nothing is left of a web {web!r}")
        lot = self.put(replace(deepcopy(sheet), name=product))
        self._webs[web] = sheet, left - 1
        return lot

    def use_up(self, name: str) -> None:
        """A lot that is gone, such as a slurry on a web.

        :raises WorldError: if there is no such lot.
        """
        self.lot(name)
        del self._lots[name]

    def rename(self, old: str, new: str) -> Lot:
        """The same piece under the name that a step gives its product; equal names change nothing."""
        lot = self.lot(old)
        if new != old:
            if new in self._lots:
                raise WorldError(f"there is already a lot {new!r}")
            del self._lots[old]
            lot.name = new
            self._lots[new] = lot
        return lot

    def stack(self, names: Iterable[str], product: str, area_mm2: float | None) -> Lot:
        """Lays lots on each other; they become one lot of the area that is cut then, or of the smallest."""
        parts = [self.lot(name) for name in names]
        areas = [part.area_mm2 for part in parts if part.area_mm2 is not None]
        for part in parts:
            del self._lots[part.name]
        lot = Lot(
            product,
            [layer for part in parts for layer in part.layers],
            [foil for part in parts for foil in part.foils],
            min(areas) if areas else None,
            temperature_c=self.scenario.room_c,
            solvent_mg_cm2=sum(part.solvent_mg_cm2 for part in parts),
            medium_mg_cm2=sum(part.medium_mg_cm2 for part in parts),
        )
        if lot.area_mm2 is None and area_mm2 is not None:
            lot.area_mm2 = self.true_area_mm2(area_mm2)
        return self.put(lot)

    def true_area_mm2(self, declared_mm2: float) -> float:
        """What the die really cuts; one die, so one error for the whole line."""
        return declared_mm2 * (1.0 + self.scenario.error("area", AREA_BOUND))

    def true_foil(self, foil: Foil) -> Foil:
        """The foil as it was rolled."""
        error = self.scenario.error(f"foil:{foil.name}", FOIL_BOUND)
        return replace(foil, thickness_um=foil.thickness_um * (1.0 + error))

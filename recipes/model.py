"""What is to be made: the recipe as immutable values in canonical units.

A recipe names its laminate (the layers), its lots and the steps that consume and produce them. Nothing here
reads a file, knows a machine or has a clock; `recipes.load` makes these values, `recipes.plan` turns them into a Plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Purpose(StrEnum):
    """Why a recipe exists: production obeys every claim, a comparative one is run to show what happens otherwise."""

    PRODUCTION = "production"
    COMPARATIVE = "comparative"


class StepKind(StrEnum):
    """The four kinds of operation."""

    COAT = "coat"
    TASK = "task"
    PRESS = "press"
    INSPECT = "inspect"


class PressMethod(StrEnum):
    """How a pressing step applies its pressure."""

    UNIAXIAL = "uniaxial"
    ISOSTATIC = "isostatic"


@dataclass(frozen=True, slots=True)
class Location:
    """Where in a file something was written; line and column count from 1."""

    file: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Window:
    """Closed interval in the canonical unit of its quantity."""

    lower: float
    upper: float

    def holds(self, value: float) -> bool:
        return self.lower <= value <= self.upper


@dataclass(frozen=True, slots=True)
class Component:
    """One material of a layer. mass_parts is relative to its layer's other components."""

    material: str
    role: str
    mass_parts: float | None = None
    mean_particle_size_um: float | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A porous layer as coated, before any pressing.

    porosity_pct and its standard uncertainty are those declared; coating_weight_mg_cm2 and true_density_g_cm3 give
    the solid height that compaction keeps; quoted_thickness_um is what the source prints and is never used to derive
    a porosity.
    """

    name: str
    components: tuple[Component, ...]
    porosity_pct: float
    coating_weight_mg_cm2: float
    true_density_g_cm3: float
    composite_modulus_gpa: float | None = None
    quoted_thickness_um: float | None = None
    porosity_uncertainty_pct: float = 1.0

    @property
    def solid_height_um(self) -> float:
        """Height that the layer's solid would have without pores; 1 mg/cm2 at 1 g/cm3 is 10 um."""
        return 10.0 * self.coating_weight_mg_cm2 / self.true_density_g_cm3

    @property
    def coated_thickness_um(self) -> float:
        """Thickness that coating weight, true density and porosity give."""
        return self.solid_height_um / (1.0 - self.porosity_pct / 100.0)


@dataclass(frozen=True, slots=True)
class Foil:
    """A dense sheet: current collector, metal layer or support sheet."""

    name: str
    material: str
    thickness_um: float
    density_g_cm3: float


@dataclass(frozen=True, slots=True)
class Laminate:
    """The finished product: its area and everything in it, from cathode collector to negative electrode."""

    area_mm2: float
    layers: Mapping[str, Layer]
    foils: Mapping[str, Foil]
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slurry:
    """What is coated: solids share by mass (0..1) and the densities of solids and of the dispersion medium."""

    solvent: str
    solids_fraction: float
    solvent_density_g_cm3: float


@dataclass(frozen=True, slots=True)
class Press:
    """Wanted pressing: dwell-mean laminate pressure, temperature of the laminate, dwell, and the operating windows."""

    method: PressMethod
    pressure_mpa: float
    pressure_window_mpa: Window
    temperature_c: float
    temperature_window_c: Window
    dwell_s: float
    ramp_mpa_s: float
    release_mpa_s: float
    soak_s: float
    on_hold: str  # "keep" the pressure (limited by hold_limit_s) or "bleed" it
    hold_limit_s: float


@dataclass(frozen=True, slots=True)
class Coat:
    """Wanted coating of one layer on one foil."""

    layer: str
    substrate: str
    slurry: Slurry
    coating_weight_window_mg_cm2: Window
    web_speed_m_min: float
    zone_temperatures_c: tuple[float, float]
    zone_window_k: float
    length_m: float
    tension_n: float
    residual_solvent_max_pct: float


@dataclass(frozen=True, slots=True)
class Entry:
    """A value that a person enters with a task; it is asked again outside expected +- tolerance."""

    name: str
    unit: str
    expected: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a person does: stack, peel, bag, unbag_and_dry. adds and removes are foils by name."""

    action: str
    text: str
    entries: tuple[Entry, ...] = ()
    adds: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspect:
    """Measurements on a lot: "weight", "thickness", and from the lab "composite_modulus" or "porosity" of layers."""

    measures: tuple[str, ...]
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One operation. role ties a pressing step to the rules (join1, join2, densify, join3).

    A step uses up the lots that it consumes, except an inspection: that looks at its one lot and produces none. unit is
    the kind of machine where the recipe names it. locations maps keys of the step ("press.pressure") to their places.
    """

    name: str
    kind: StepKind
    location: Location
    consumes: tuple[str, ...]
    produces: str | None
    unit: str | None = None
    role: str | None = None
    press: Press | None = None
    coat: Coat | None = None
    task: Task | None = None
    inspect: Inspect | None = None
    locations: Mapping[str, Location] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe file. locations maps dotted paths of its keys to where they stand."""

    name: str
    title: str
    purpose: Purpose
    basis: tuple[str, ...]
    laminate: Laminate
    steps: tuple[Step, ...]
    location: Location
    comparative_reason: str | None = None
    locations: Mapping[str, Location] = field(default_factory=dict)

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
    """The kinds of operation. Roll pressing and resting are done by a person and entered, until a line has a unit."""

    COAT = "coat"
    TASK = "task"
    PRESS = "press"
    ROLL_PRESS = "roll_press"
    REST = "rest"
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
class Structure:
    """Substituents of a monomer of formula (1) of the binder claims: CH2=C(R1)-COO-(CHR3-CHR4-O)n-R2.

    r1 is "hydrogen", "alkyl" or "halogen", r2 "alkyl" or "aryl", r3 and r4 "hydrogen" or "methyl"; carbons are counted
    only of an alkyl or aryl group.
    """

    r1: str
    r2: str
    r3: str
    r4: str
    n: int
    r1_carbons: int | None = None
    r2_carbons: int | None = None


@dataclass(frozen=True, slots=True)
class Monomer:
    """One monomer of a polymer: its name (as in recipes.materials.monomers) and its share.

    Exactly one of mole_fraction (0..1) and mass_parts is given, the same one for all monomers of a polymer.
    """

    name: str
    mole_fraction: float | None = None
    mass_parts: float | None = None
    structure: Structure | None = None


@dataclass(frozen=True, slots=True)
class Polymer:
    """A polymer that is dispersed as particles in a liquid: a binder composition.

    mean_particle_size_um is the volume-average D50; content_pct is the polymer's share of the composition by mass.
    """

    name: str
    monomers: tuple[Monomer, ...]
    medium: str
    mean_particle_size_um: float | None = None
    content_pct: float | None = None


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One solid of a slurry in parts by mass. polymer names the recipe's polymer that it is, if it is one."""

    material: str
    role: str
    mass_parts: float
    mean_particle_size_um: float | None = None
    polymer: str | None = None


@dataclass(frozen=True, slots=True)
class Slurry:
    """What is coated: solids share by mass (0..1) and the density of the dispersion medium.

    name and ingredients are empty for a slurry that is written in place, without its composition.
    """

    solvent: str
    solids_fraction: float
    solvent_density_g_cm3: float
    name: str = ""
    ingredients: tuple[Ingredient, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredFact:
    """Something that the recipe's author knows of a material, in the terms of a rule pack.

    value is a number in `unit` (as the packs write it), or texts. uncertainty is one standard uncertainty in `unit`.
    """

    subject: str
    quantity: str
    value: float | tuple[str, ...]
    unit: str
    source: str
    uncertainty: float | None = None


@dataclass(frozen=True, slots=True)
class OwnBound:
    """What a recipe asks more strictly than the rule of a pack; only a comparative recipe may ask less.

    at_least and at_most are in `unit`, as written. required makes an advisory rule binding for this recipe.
    """

    rule_id: str
    location: Location
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """How a measured value is decided on (JCGM 106).

    confidence is None for simple acceptance: the value itself decides. Otherwise acceptance is guarded: a value passes
    only if it lies inside its bound with at least this probability (0.5..1, one-sided, normal distribution).
    """

    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class AcceptedEstimates:
    """Rules for which the author, by name, accepts a law's estimate where the pack asks for a laboratory's value."""

    rule_ids: tuple[str, ...]
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of the isostatic sequence that a recipe does without, and the reason."""

    what: str
    because: str


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
    leaves_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Coat:
    """Wanted coating of one layer on one foil, dried in one to four zones: what is of zones has a value for each.

    zone_residence_s is how long the web is to stay in each zone, as a source gives it; zone_length_m is the dryer's
    where it is known, and the two need not agree with the web speed (then a finding says so). thickness_um is wanted of
    the dry layer. sheets is into how many sheets the web is cut, one each for as many laminates; None for one.
    """

    layer: str
    substrate: str
    slurry: Slurry
    coating_weight_window_mg_cm2: Window
    web_speed_m_min: float
    zone_temperatures_c: tuple[float, ...]
    zone_window_k: float
    length_m: float
    tension_n: float
    residual_solvent_max_pct: float
    web_speed_window_m_min: Window | None = None
    zone_residence_s: tuple[float, ...] | None = None
    zone_residence_window_s: tuple[Window, ...] | None = None
    zone_length_m: float | None = None
    thickness_um: float | None = None
    thickness_window_um: Window | None = None
    sheets: int | None = None


@dataclass(frozen=True, slots=True)
class RollPress:
    """Wanted roll pressing of a coated web: line force over the web's width, layer density, room temperature."""

    line_force_n: float
    line_force_window_n: Window
    layer_density_g_cm3: float
    layer_density_window_g_cm3: Window
    environment_window_c: Window


@dataclass(frozen=True, slots=True)
class Rest:
    """Wanted rest of a lot in conditioned air."""

    time_s: float
    time_window_s: Window
    temperature_c: float
    temperature_window_c: Window
    humidity_pct: float | None = None
    humidity_window_pct: Window | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A value that a person enters with a task; it is asked again outside expected +- tolerance.

    subject is the rule packs' name of what it is a value of, "" for the laminate.
    """

    name: str
    unit: str
    expected: float
    tolerance: float
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What a person does: mix, stack, peel, bag, leak_test, unbag_and_dry. adds and removes are foils by name.

    slurry is what is mixed, by its name in the recipe.
    """

    action: str
    text: str
    entries: tuple[Entry, ...] = ()
    adds: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    slurry: str | None = None


@dataclass(frozen=True, slots=True)
class LabMeasure:
    """A value that the laboratory is asked for in a rule pack's terms, plausible from low to high (in `unit`)."""

    subject: str
    quantity: str
    unit: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Inspect:
    """Measurements on a lot: "weight", "thickness", and from the lab "composite_modulus" or "porosity" of layers.

    lab holds what else the laboratory is asked for.
    """

    measures: tuple[str, ...]
    layers: tuple[str, ...] = ()
    lab: tuple[LabMeasure, ...] = ()


class OnMiss(StrEnum):
    """What a gate does with a lot that has missed a target: go on, press it again, scrap it, or ask a person."""

    CONTINUE = "continue"
    RE_PRESS = "re-press"
    SCRAP = "scrap"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class PorosityTarget:
    """The porosity that a layer has to have after a step, %."""

    layer: str
    range_pct: Window


@dataclass(frozen=True, slots=True)
class Gate:
    """What a lot has to be after a step, and what happens otherwise.

    A coating has its targets in its own windows. A lot that is pressed again is pressed as its last pressing step was,
    `most` times at most, each time with more_pressure_mpa and more_dwell_s on top of what the time before had.
    """

    on_miss: OnMiss
    porosity: tuple[PorosityTarget, ...] = ()
    thickness_um: Window | None = None
    coating_weight_mg_cm2: Window | None = None
    most: int = 1
    more_pressure_mpa: float = 0.0
    more_dwell_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Within:
    """A maximum wait: the step begins within time_s (s) of the end of the step `of`.

    of is None where it counts from each step that made a lot which the step uses.
    """

    time_s: float
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One operation. role ties a pressing step to the rules (join1, join2, densify, join3).

    A step uses up the lots that it consumes, except an inspection: that looks at its one lot and produces none. unit is
    the kind of machine where the recipe names it. within are the maximum waits before it, gate is what its lot has to
    be after it. locations maps keys of the step ("press.pressure") to their places.
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
    roll_press: RollPress | None = None
    rest: Rest | None = None
    within: tuple[Within, ...] = ()
    gate: Gate | None = None
    locations: Mapping[str, Location] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe file. locations maps dotted paths of its keys to where they stand.

    basis names the rule packs that it is judged by: a shipped one by its name, another by the path of its CSV file,
    relative to the recipe. sources says in words where the recipe comes from. goes_into is what its product is for,
    such as "secondary battery".
    """

    name: str
    title: str
    purpose: Purpose
    basis: tuple[str, ...]
    laminate: Laminate
    steps: tuple[Step, ...]
    location: Location
    comparative_reason: str | None = None
    sources: tuple[str, ...] = ()
    goes_into: tuple[str, ...] = ()
    polymers: Mapping[str, Polymer] = field(default_factory=dict)
    slurries: Mapping[str, Slurry] = field(default_factory=dict)
    facts: tuple[DeclaredFact, ...] = ()
    own_bounds: tuple[OwnBound, ...] = ()
    decision_rule: DecisionRule = DecisionRule()
    accepted_estimates: AcceptedEstimates | None = None
    locations: Mapping[str, Location] = field(default_factory=dict)

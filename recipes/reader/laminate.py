"""The laminate of a recipe: its area, layers, foils and their order."""

from __future__ import annotations

from collections.abc import Mapping

from recipes.model import Component, Foil, Laminate, Layer
from recipes.reader.mapping import MappingReader
from recipes.units import Dimension

LAYERS = (
    "cathode",
    "solid_electrolyte",
    "intermediate",
    "heat_resistant",
    "negative_electrode",
    "positive_electrode",
    "electrode",
)
"""The porous layers that the line and the rules know; the first three have a compaction law."""
COMPONENT_ROLES = (
    "active_material",
    "solid_electrolyte",
    "conductive_aid",
    "binder",
    "amorphous_carbon",
    "metal",
    "nonconductive_particle",
    "water_soluble_polymer",
    "additive",
)
"""What a component does in its layer; rules on materials and particle sizes ask by role."""
EMPTY = Laminate(1.0, {}, {}, ())


def read_laminate(reader: MappingReader | None) -> Laminate:
    """The laminate, or an empty one where there is none to read."""
    if reader is None:
        return EMPTY
    area_mm2 = reader.quantity("area", Dimension.AREA, above=0.0)
    layers = _layers(reader.mapping("layers", "the porous layers by name"))
    foils = _foils(reader.mapping("foils", "the foils by name"))
    order = reader.texts("order", (*layers, *foils))
    for name in layers:
        if reader.has("order") and name not in order:
            reader.wrong("order", f"the layer {name!r} is missing")
    both = set(layers) & set(foils)
    for name in sorted(both):
        reader.wrong("foils", f"{name!r} is a layer and a foil")
    reader.finish()
    return Laminate(area_mm2, layers, foils, order)


def _layers(reader: MappingReader | None) -> Mapping[str, Layer]:
    if reader is None:
        return {}
    items = {name: reader.mapping(name, needed=False) for name in LAYERS}
    layers = {name: _layer(name, item) for name, item in items.items() if item is not None}
    reader.finish()
    return layers


def _layer(name: str, reader: MappingReader) -> Layer:
    layer = Layer(
        name=name,
        components=tuple(_component(item) for item in reader.mappings("components", "a list of materials", "material")),
        porosity_pct=reader.quantity("porosity", Dimension.SHARE, above=0.0, below=100.0),
        coating_weight_mg_cm2=reader.quantity("coating_weight", Dimension.COATING_WEIGHT, above=0.0),
        true_density_g_cm3=reader.quantity("true_density", Dimension.DENSITY, above=0.0),
        composite_modulus_gpa=_optional(reader, "composite_modulus", Dimension.MODULUS),
        quoted_thickness_um=_optional(reader, "quoted_thickness", Dimension.THICKNESS),
        porosity_uncertainty_pct=reader.quantity("porosity_uncertainty", Dimension.SHARE, 1.0, above=0.0, below=50.0),
    )
    reader.finish()
    return layer


def _optional(reader: MappingReader, key: str, dimension: Dimension) -> float | None:
    value = reader.quantity(key, dimension, 0.0, above=0.0)
    return value if reader.has(key) else None


def _component(reader: MappingReader) -> Component:
    parts = reader.number("mass_parts", 0.0, above=0.0)
    component = Component(
        material=reader.text("material"),
        role=reader.choice("role", COMPONENT_ROLES),
        mass_parts=parts if reader.has("mass_parts") else None,
        mean_particle_size_um=_optional(reader, "mean_particle_size", Dimension.THICKNESS),
    )
    reader.finish()
    return component


def _foils(reader: MappingReader | None) -> Mapping[str, Foil]:
    if reader is None:
        return {}
    foils: dict[str, Foil] = {}
    for name in reader.names():
        item = reader.mapping(name, "a foil: material, thickness, density")
        if item is None:
            continue
        foils[name] = Foil(
            name=name,
            material=item.text("material"),
            thickness_um=item.quantity("thickness", Dimension.THICKNESS, above=0.0),
            density_g_cm3=item.quantity("density", Dimension.DENSITY, above=0.0),
        )
        item.finish()
    return foils

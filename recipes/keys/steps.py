"""The keys of a step, in the order of the documentation."""

from __future__ import annotations

from recipes.keys.formulation import SLURRY_IN_PLACE
from recipes.keys.kinds import (
    Choice,
    Count,
    Key,
    Measure,
    Named,
    Part,
    Parts,
    Quantities,
    Quantity,
    Range,
    Ranges,
    Text,
    TextOrPart,
    Texts,
    optional,
)
from recipes.model import OnMiss, PressMethod
from recipes.reader.steps import ACTIONS, LEAVABLE, MEASURES, MOST_ZONES, ROLES, UNIT_KINDS
from recipes.units import Dimension

_SURROUNDS = "Operating range around it; outside, the run is held."

COAT = Part(
    "coat",
    (
        Key("layer", Text(), "Which layer of laminate.layers is coated."),
        Key("substrate", Text(), "On which foil of laminate.foils."),
        Key("slurry", TextOrPart(SLURRY_IN_PLACE), "What is coated: the name of one of the slurries, or one in place."),
        Key("coating_weight_window", Range(Dimension.COATING_WEIGHT), "Range around the layer's coating weight."),
        optional("thickness", Quantity(Dimension.THICKNESS), "Of the dry layer; needs thickness_window."),
        optional("thickness_window", Range(Dimension.THICKNESS), "Range around the thickness."),
        Key("web_speed", Quantity(Dimension.SPEED), "Speed of the web."),
        optional("web_speed_window", Range(Dimension.SPEED), _SURROUNDS),
        Key(
            "zones",
            Quantities(Dimension.TEMPERATURE, MOST_ZONES),
            "Air temperature of each drying zone, one to four, as many as the coater has.",
        ),
        Key("zone_window", Quantity(Dimension.TEMPERATURE_DIFFERENCE), "How far a zone may be off."),
        optional(
            "zone_residence",
            Quantities(Dimension.TIME, MOST_ZONES),
            "How long the web stays in each zone, as the source gives it; as many values as zones.",
        ),
        optional(
            "zone_residence_window",
            Ranges(Dimension.TIME, MOST_ZONES),
            "Range around the residence in each zone: one for all, or one each.",
        ),
        optional(
            "zone_length",
            Quantity(Dimension.LENGTH),
            "Length of a drying zone; if it does not fit web speed and residence, validate says so.",
        ),
        Key("length", Quantity(Dimension.LENGTH), "Length to coat."),
        optional(
            "sheets",
            Count(),
            "Into how many sheets the web is cut, one each for as many laminates that are made together; 1 if it is"
            " left out.",
        ),
        Key("tension", Quantity(Dimension.FORCE), "Tension of the web."),
        Key("residual_solvent_max", Quantity(Dimension.SHARE), "Share of the dry coating weight that may be left."),
    ),
)

AREA_ENTRY = Part(
    "area_entry",
    (
        Key("expected", Quantity(Dimension.AREA), "The area that is expected."),
        Key("tolerance", Quantity(Dimension.AREA), "How far the entered area may be off before it is asked again."),
    ),
)
ENTRY = Part(
    "entry",
    (
        Key("of", Text(), "What it is a value of, in a rule pack's terms: neg_slurry."),
        Key("expected", Measure(), "The value that is expected, with the rule's unit."),
        Key("tolerance", Measure(), "How far the entered value may be off before it is asked again; same unit."),
    ),
)
TASK = Part(
    "task",
    (
        Key("action", Choice(ACTIONS), "What the person does."),
        optional("slurry", Text(), "Which of the slurries is mixed; only with action: mix."),
        Key("text", Text(), "What the person reads."),
        optional("adds", Texts(may_be_empty=True), "Foils that a stack adds: a name or a list."),
        optional("removes", Texts(may_be_empty=True), "Foils that are peeled off: a name or a list; only with peel."),
        optional(
            "entries",
            Named(ENTRY, known={"area": AREA_ENTRY}),
            "Values that the person enters: area, or others by names of your own.",
        ),
    ),
)

LEFT_OUT = Part(
    "left_out",
    (
        Key("what", Choice(LEAVABLE), "Which part of the isostatic sequence the recipe does without."),
        Key("because", Text(), "Why; it is shown with the plan."),
    ),
)

PRESS = Part(
    "press",
    (
        Key("method", Choice(tuple(method.value for method in PressMethod)), "How the pressure is applied."),
        Key(
            "pressure",
            Quantity(Dimension.PRESSURE),
            "On the laminate; a uniaxial press gets it times laminate.area as force.",
        ),
        Key("pressure_window", Range(Dimension.PRESSURE), _SURROUNDS),
        Key("temperature", Quantity(Dimension.TEMPERATURE, zero_or_less=True), "Of the laminate."),
        Key("temperature_window", Range(Dimension.TEMPERATURE), _SURROUNDS),
        Key("dwell", Quantity(Dimension.TIME), "Time at pressure, counted by the machine."),
        Key("ramp", Quantity(Dimension.PRESSURE_RATE), "Rate of rise."),
        Key("release", Quantity(Dimension.PRESSURE_RATE), "Rate of fall."),
        optional(
            "soak",
            Quantity(Dimension.TIME, zero_or_less=True),
            "Time at temperature before pressurising; 0 s if it is left out.",
        ),
        Key("on_hold", Choice(("keep", "bleed")), "What happens to the pressure when the run is held."),
        Key("hold_limit", Quantity(Dimension.TIME, zero_or_less=True), "How long pressure is kept in a hold."),
        optional("leaves_out", Parts(LEFT_OUT), "What an isostatic pressing does without, and why; else it is told."),
    ),
)

ROLL_PRESS = Part(
    "roll_press",
    (
        Key("line_force", Quantity(Dimension.FORCE), "Force over the whole width of the web."),
        Key("line_force_window", Range(Dimension.FORCE), "Range around the force."),
        Key("layer_density", Quantity(Dimension.DENSITY), "Density of the layer after pressing."),
        Key("layer_density_window", Range(Dimension.DENSITY), "Range around the density."),
        Key("environment_window", Range(Dimension.TEMPERATURE), "Range of the room's temperature."),
    ),
)

REST = Part(
    "rest",
    (
        Key("time", Quantity(Dimension.TIME), "How long the lot rests."),
        Key("time_window", Range(Dimension.TIME), "Range around the time."),
        Key("temperature", Quantity(Dimension.TEMPERATURE, zero_or_less=True), "Of the air."),
        Key("temperature_window", Range(Dimension.TEMPERATURE), "Range around the temperature."),
        optional("humidity", Quantity(Dimension.SHARE), "Relative humidity of the air; needs humidity_window."),
        optional("humidity_window", Range(Dimension.SHARE), "Range around the humidity."),
    ),
)

LAB_MEASURE = Part(
    "lab_measure",
    (
        Key("of", Text(), "What is measured, in a rule pack's terms: heat_resistant_layer."),
        Key("quantity", Text(), "Which quantity, in a rule pack's terms: peel_strength."),
        Key("low", Measure(), "Lowest plausible value, with the rule's unit."),
        Key("high", Measure(), "Highest plausible value; same unit."),
    ),
)
INSPECT = Part(
    "inspect",
    (
        Key("lot", Text(), "Which lot is looked at; it is left as it is."),
        optional(
            "measures",
            Texts(MEASURES, may_be_empty=True),
            "weight (of a single coated sheet), thickness, and from the laboratory composite_modulus, porosity.",
        ),
        optional(
            "layers",
            Texts(may_be_empty=True),
            "The layers that the laboratory measures; with composite_modulus or porosity only.",
        ),
        optional("lab", Parts(LAB_MEASURE), "What else the laboratory is asked for, in a rule pack's terms."),
    ),
)

POROSITY_TARGET = Part(
    "porosity_target",
    (
        Key("layer", Text(), "Which layer of the lot."),
        Key("range", Range(Dimension.SHARE), "What its porosity has to be."),
    ),
)
GATE = Part(
    "gate",
    (
        Key("on_miss", Choice(tuple(OnMiss)), "What happens with a lot that has missed a target."),
        optional(
            "porosity",
            Parts(POROSITY_TARGET),
            "After a pressing by the law on what was reached, after an inspection by what was measured.",
        ),
        optional("thickness", Range(Dimension.THICKNESS), "After an inspection that measures it."),
        optional("coating_weight", Range(Dimension.COATING_WEIGHT), "After an inspection that weighs."),
        optional("most", Count(), "How often the lot is pressed again at most; 1 if it is left out."),
        optional("more_pressure", Quantity(Dimension.PRESSURE), "How much more pressure each re-pressing has."),
        optional("more_dwell", Quantity(Dimension.TIME), "How much more dwell each re-pressing has."),
    ),
)
WITHIN = Part(
    "within",
    (
        Key("time", Quantity(Dimension.TIME), "The step begins no later than this after the end of the other one."),
        optional("of", Text(), "The step whose end counts; without it each step that made a lot which is used."),
    ),
)
STEP = Part(
    "step",
    (
        Key("name", Text(), "Name of the step, its own in the recipe."),
        optional("role", Choice(ROLES), "Ties a pressing step to the rules; each role once."),
        optional("unit", Choice(UNIT_KINDS), "Kind of machine of a coating or pressing, if it is to be named."),
        optional("coat", COAT, "Coats a foil with one layer."),
        optional("task", TASK, "Something that a person does."),
        optional("press", PRESS, "Presses one lot; isostatically only if it is bagged, uniaxially only if not."),
        optional("roll_press", ROLL_PRESS, "Roll presses a coated web."),
        optional("rest", REST, "Lets a lot rest in conditioned air."),
        optional("inspect", INSPECT, "Looks at a lot and leaves it as it is."),
        optional("gate", GATE, "What the lot has to be after a coating, pressing or inspection, and what else."),
        optional("within", Parts(WITHIN), "Maximum waits before the step; one that is broken is an alarm."),
        optional("consumes", Texts(may_be_empty=True), "The lot that the step uses up, or a list of lots."),
        optional("produces", Text(), "Name of the lot that the step makes."),
    ),
)

"""What a rule is: a relation between facts, with its bounds, its severity and the source that says it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from recipes.facts import Evidence
from recipes.model import Location
from recipes.rules.words import exact_words, with_unit


class Severity(StrEnum):
    """How strongly the source says it, strongest first. A broken claim or required rule refuses.

    The grades come last: they only say in which class of a test a value is.
    """

    CLAIM = "claim"
    REQUIRED = "required"
    PARTICULARLY_PREFERRED = "particularly_preferred"
    EVEN_MORE_PREFERRED = "even_more_preferred"
    MORE_PREFERRED = "more_preferred"
    PREFERRED = "preferred"
    EXAMPLE_TOLERANCE = "example_tolerance"
    EXAMPLE_VALUE = "example_value"
    EXAMPLE = "example"
    NORMAL = "normal"
    TEST_CRITERION = "test_criterion"
    GRADE_A = "grade_A"
    GRADE_B = "grade_B"
    GRADE_C = "grade_C"

    @property
    def binding(self) -> bool:
        """Whether a rule that does not pass refuses; a grade is neither binding nor advice."""
        return self in (Severity.CLAIM, Severity.REQUIRED)

    @property
    def grade(self) -> bool:
        """Whether the rule only says in which class a value is."""
        return self in (Severity.GRADE_A, Severity.GRADE_B, Severity.GRADE_C)


class Stage(StrEnum):
    """When a rule is judged."""

    DESIGN = "design"
    BEFORE_STEP = "before_step"
    DURING_STEP = "during_step"
    AFTER_STEP = "after_step"
    RELEASE = "release"


class Relation(StrEnum):
    """What has to hold between a rule's subject and its bounds or the other fact."""

    RANGE = "range"
    RATIO = "ratio"
    GREATER_THAN = "greater_than"
    LESS_THAN = "less_than"
    LESS_OR_EQUAL = "less_or_equal"
    ORDER = "order"
    SEQUENCE = "sequence"
    STRUCTURE = "structure"
    CONTAINS = "contains"
    ONE_OF = "one_of"
    EQUALS = "equals"
    NOT = "not"


COMPARISONS = frozenset({Relation.GREATER_THAN, Relation.LESS_THAN, Relation.LESS_OR_EQUAL})
"""Relations to one other fact, named "subject:quantity" in relative_to."""
BOUNDED = frozenset({Relation.RANGE, Relation.RATIO})
"""Relations that need a lower or an upper bound."""
LISTED = {
    Relation.ORDER: "<",
    Relation.SEQUENCE: "<",
    Relation.STRUCTURE: "|",
    Relation.CONTAINS: "|",
    Relation.ONE_OF: "|",
    Relation.EQUALS: "|",
    Relation.NOT: "|",
}
"""Relations to texts, and what separates the texts in relative_to."""
RATIO_UNIT = "ratio"
"""What a ratio of two facts has as its unit."""
_SIDES = ("before_", "after_")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a pack.

    id is unique in its pack; ref is the claim or paragraph and source the document with it. stages and evidence are
    never empty. lower and upper are in `unit`; a bound that is not inclusive is itself outside. relative_to names the
    other fact ("subject:quantity"), lists texts, or is the number that an example has. when names a fact on which it
    depends whether the rule applies. What is judged is rounded to `resolution` first, but never a setpoint. location is
    the row's place in its file; it does not make two rules different.
    """

    id: str
    ref: str
    source: str
    severity: Severity
    stages: frozenset[Stage]
    evidence: frozenset[Evidence]
    relation: Relation
    subject: str
    quantity: str
    unit: str
    lower: float | None = None
    lower_inclusive: bool = True
    upper: float | None = None
    upper_inclusive: bool = True
    relative_to: str = ""
    resolution: float | None = None
    note: str = ""
    when: str = ""
    location: Location | None = field(default=None, compare=False, repr=False)

    @property
    def other(self) -> tuple[str, str]:
        """Subject and quantity of the other fact of a comparison or a ratio, ("", ...) where it cannot be read."""
        return fact_name(self.relative_to)

    @property
    def condition(self) -> tuple[str, str, str | None] | None:
        """The fact on which it depends whether the rule applies: subject, quantity and the text that it must hold.

        Without a text the fact must be known and be neither 0 nor empty. None for a rule that always applies.
        """
        if not self.when:
            return None
        name, equals, text = self.when.partition("=")
        subject, _, quantity = name.partition(":")
        return subject.strip(), quantity.strip(), text.strip() if equals else None

    @property
    def listed(self) -> tuple[str, ...]:
        """The texts of relative_to, in their order."""
        return tuple(part.strip() for part in self.relative_to.split(LISTED[self.relation]))

    @property
    def example_value(self) -> float | None:
        """The number of an `equals` rule with a unit, in that unit: what a source's example had. None for texts."""
        return number_in(self.relative_to) if self.relation is Relation.EQUALS and self.unit else None

    @property
    def numeric(self) -> bool:
        """Whether numbers are judged; otherwise texts."""
        return self.relation in BOUNDED | COMPARISONS or self.relation is Relation.ORDER or bool(self.unit)

    @property
    def role(self) -> str | None:
        """The step that the rule speaks of, if a step has that role: "densify" for "cathode_layer@after_densify".

        It is the place behind the "@", or the whole subject of a rule without one; None for the finished laminate.
        """
        _, at, place = self.subject.rpartition("@")
        for side in _SIDES if at else ():
            place = place.removeprefix(side)
        return None if place == "laminate" else place

    @property
    def bound_words(self) -> str:
        """The bounds or the other side in words, such as "at most 5 %" or "pressure of join1"."""
        if self.relation in COMPARISONS:
            return f"{self.other[1]} of {self.other[0]}"
        if self.relation not in BOUNDED:
            return with_unit(self.relative_to, self.unit) if self.example_value is not None else self.relative_to
        low, high = (
            "at least" if self.lower_inclusive else "more than",
            "at most" if self.upper_inclusive else "less than",
        )
        ends = (low, self.lower), (high, self.upper)
        words = " and ".join(f"{word} {exact_words(bound)}" for word, bound in ends if bound is not None)
        return words if self.unit == RATIO_UNIT else with_unit(words, self.unit)


def fact_name(text: str) -> tuple[str, str]:
    """Subject and quantity of "subject:quantity"; without a colon the last dot separates them."""
    subject, _, quantity = text.partition(":") if ":" in text else text.rpartition(".")
    return subject.strip(), quantity.strip()


def number_in(text: str) -> float | None:
    """The number that a text is; None for anything that is no finite number."""
    try:
        value = float(text.replace("_", "x"))  # Python's 1_000 is no number to anyone else
    except ValueError:
        return None
    return value if math.isfinite(value) else None

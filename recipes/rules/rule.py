"""What a rule is: a relation between facts, with its bounds, its severity and the source that says it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from recipes.facts import Evidence


class Severity(StrEnum):
    """How strongly the source says it, strongest first. A broken claim or required rule refuses."""

    CLAIM = "claim"
    REQUIRED = "required"
    PREFERRED = "preferred"
    MORE_PREFERRED = "more_preferred"
    EXAMPLE = "example"
    TEST_CRITERION = "test_criterion"

    @property
    def binding(self) -> bool:
        return self in (Severity.CLAIM, Severity.REQUIRED)


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


COMPARISONS = frozenset({Relation.GREATER_THAN, Relation.LESS_THAN, Relation.LESS_OR_EQUAL})
"""Relations to one other fact, named "subject.quantity" in relative_to."""
BOUNDED = frozenset({Relation.RANGE, Relation.RATIO})
"""Relations that need a lower or an upper bound."""
LISTED = {
    Relation.ORDER: "<",
    Relation.SEQUENCE: "<",
    Relation.STRUCTURE: "|",
    Relation.CONTAINS: "|",
    Relation.ONE_OF: "|",
    Relation.EQUALS: "|",
}
"""Relations to texts, and what separates the texts in relative_to."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a pack.

    id is unique in its pack; ref is the claim or paragraph and source the document with it. stages and evidence are
    never empty. lower and upper are in `unit`; a bound that is not inclusive is itself outside. relative_to names the
    other fact ("subject.quantity") or lists texts. Measured values are rounded to `resolution` before a range is
    judged.
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

    @property
    def other(self) -> tuple[str, str]:
        """Subject and quantity of the other fact of a comparison or a ratio."""
        subject, _, quantity = self.relative_to.rpartition(".")
        return subject, quantity

    @property
    def listed(self) -> tuple[str, ...]:
        """The texts of relative_to, in their order."""
        return tuple(part.strip() for part in self.relative_to.split(LISTED[self.relation]))

    @property
    def role(self) -> str | None:
        """The step that the rule speaks of ("densify", "join2"), or None if it speaks of the laminate or a material."""
        place = self.subject.rpartition("@")[2].removeprefix("before_").removeprefix("after_")
        return place if place in ("join1", "join2", "densify", "join3") else None

    @property
    def bound_words(self) -> str:
        """The bounds or the other side in words, such as "at most 5 %" or "join1.pressure"."""
        if self.relation not in BOUNDED:
            return self.relative_to
        unit = "" if self.unit == "ratio" else f" {self.unit}"
        low = f"{'at least' if self.lower_inclusive else 'more than'} {self.lower:g}" if self.lower is not None else ""
        high = f"{'at most' if self.upper_inclusive else 'less than'} {self.upper:g}" if self.upper is not None else ""
        return " and ".join(part for part in (low, high) if part) + unit

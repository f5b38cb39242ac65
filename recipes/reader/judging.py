"""How a recipe is judged: its rule packs, its own stricter bounds, its decision rule, the estimates it accepts."""

from __future__ import annotations

import math

from recipes.model import AcceptedEstimates, DecisionRule, OwnBound
from recipes.reader.mapping import MappingReader
from recipes.units import Dimension

SIMPLE = DecisionRule()


def read_decision_rule(reader: MappingReader | None) -> DecisionRule:
    """Simple acceptance unless the recipe asks for guarded acceptance."""
    if reader is None:
        return SIMPLE
    guarded = reader.choice("acceptance", ("simple", "guarded")) == "guarded"
    confidence = reader.quantity("confidence", Dimension.SHARE, None if guarded else 0.0, above=50.0, below=100.0)
    if reader.has("confidence") and not guarded:
        reader.wrong("confidence", "simple acceptance has no confidence", "acceptance: guarded")
    reader.finish()
    return DecisionRule(confidence / 100.0 if guarded else None)


def read_accepted_estimates(reader: MappingReader | None) -> AcceptedEstimates | None:
    """Rules for which an estimate is accepted, by whom and why."""
    if reader is None:
        return None
    accepted = AcceptedEstimates(reader.texts("rules"), reader.text("by"), reader.text("reason"))
    reader.finish()
    return accepted


def read_own_bounds(reader: MappingReader | None) -> tuple[OwnBound, ...]:
    """The recipe's own bounds by rule; which rules there are, and their units, is known when the packs are."""
    if reader is None:
        return ()
    found: list[OwnBound] = []
    for rule_id in reader.names():
        item = reader.mapping(rule_id, "at_least, at_most or required")
        if item is None:
            continue
        place = item.place
        low, high = (
            item.measure(key, "a number with the rule's unit", (math.nan, "")) for key in ("at_least", "at_most")
        )
        own = OwnBound(
            rule_id,
            place,
            low[0] if item.has("at_least") else None,
            high[0] if item.has("at_most") else None,
            low[1] or high[1],
            item.flag("required"),
        )
        if not item.names():
            item.document.error(place, "nothing is asked", item.path, "at_least, at_most or required: yes")
        if item.has("at_least") and item.has("at_most"):
            if low[1] != high[1]:
                item.wrong("at_most", f"{high[1]!r} is not the unit of at_least", low[1])
            elif low[0] > high[0]:
                item.wrong("at_most", f"{high[0]:g} is below at_least {low[0]:g}")
        item.finish()
        found.append(own)
    return tuple(found)

"""What goes into the store in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from controller.historian.model import Mark, Tag
from controller.historian.samples import Samples


@dataclass(frozen=True, slots=True)
class Batch:
    """What is stored together: samples by tag as they came, what tags are, marks that have ended.

    now_us is when it was handed over; left_out says how many samples exception reporting left out of which tag.
    """

    now_us: int
    samples: Mapping[str, Samples]
    tags: Mapping[str, Tag] = field(default_factory=dict)
    marks: Sequence[Mark] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

"""Whether a device's description of itself names the model that its profile wants."""

from __future__ import annotations

import re

_BETWEEN = r"[\s,;]"
"""What stands between the parts of a description: blanks in MT-SICS, commas in the answer to *IDN?."""


def names_model(description: str, model: str) -> bool:
    """Whether `model` stands in a description as a part of its own: not as the beginning or end of another word."""
    return re.search(rf"(?:\A|{_BETWEEN}){re.escape(model)}(?:\Z|{_BETWEEN})", description) is not None

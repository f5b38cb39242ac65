"""Names as levels of topics."""

from __future__ import annotations

import re

_UNFIT = re.compile(r"[+#/\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
LONGEST = 200
"""Characters of one level: with all levels a topic stays far below MQTT's 65,535 bytes."""


def level(name: str) -> str:
    """A name as one level of a topic (MQTT 5, 4.7): without + # / and control characters, not empty, no $ first."""
    fit = _UNFIT.sub("-", name.strip())[:LONGEST]
    if fit.startswith("$"):
        fit = "-" + fit[1:]
    return fit or "-"


def topic(*levels: str) -> str:
    """A topic of these names."""
    return "/".join(level(name) for name in levels)

"""The permissive and interlock matrix with bypasses and first-out: what must be true of a machine, and what follows."""

from __future__ import annotations

from controller.interlocks.bypass import Bypass, Bypasses, BypassRefused
from controller.interlocks.coverage import Unwatched, unwatched
from controller.interlocks.judging import (
    MAINTENANCE_SIGNALS,
    at_rest_words,
    has_handshake,
    is_pressurised,
    is_proven_at_rest,
    missing,
    missing_for_maintenance,
    tripped,
)
from controller.interlocks.matrix import KINDS, MATRIX, row_named, rows_of
from controller.interlocks.row import Effect, Group, Latch, Row, Use
from controller.interlocks.watch import InterlockWatch, Trip

__all__ = [
    "KINDS",
    "MAINTENANCE_SIGNALS",
    "MATRIX",
    "Bypass",
    "BypassRefused",
    "Bypasses",
    "Effect",
    "Group",
    "InterlockWatch",
    "Latch",
    "Row",
    "Trip",
    "Unwatched",
    "Use",
    "at_rest_words",
    "has_handshake",
    "is_pressurised",
    "is_proven_at_rest",
    "missing",
    "missing_for_maintenance",
    "row_named",
    "rows_of",
    "tripped",
    "unwatched",
]

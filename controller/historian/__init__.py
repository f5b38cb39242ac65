"""Trends: every number that the machines show, for months, with its quality, and quickly at any width of a screen."""

from controller.historian.errors import (
    ExportRefused,
    HistorianError,
    RangeRefused,
    SamplesRefused,
    TagUnknown,
    TrendsDamaged,
    TrendsTaken,
)
from controller.historian.historian import Historian, recording
from controller.historian.model import (
    Bucket,
    ExceptionReport,
    HistorianOptions,
    Mark,
    MarkKind,
    StoredTag,
    Tag,
    Trend,
)
from controller.historian.sealing import Seal, Sealed
from controller.historian.tables import TABLES

__all__ = [
    "TABLES",
    "Bucket",
    "ExceptionReport",
    "ExportRefused",
    "Historian",
    "HistorianError",
    "HistorianOptions",
    "Mark",
    "MarkKind",
    "RangeRefused",
    "SamplesRefused",
    "Seal",
    "Sealed",
    "StoredTag",
    "Tag",
    "TagUnknown",
    "Trend",
    "TrendsDamaged",
    "TrendsTaken",
    "recording",
]

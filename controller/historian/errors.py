"""What can go wrong with trends.

HistorianError
    TagUnknown         nobody ever recorded this tag; not retryable
    RangeRefused       a range of time or a number of points that cannot be answered; not retryable as it is
    SamplesRefused     a batch whose columns do not fit together; a fault of the caller, nothing was taken
    TrendsTaken        another program records the trends of this line; a retry makes sense when that one has ended
    TrendsDamaged      stored bytes are not what was written; not retryable, other blocks can be read
    ExportRefused      the file cannot be written or holds something else; a retry makes sense with another name

The database's own trouble is controller.database.DatabaseUnusable.
"""

from __future__ import annotations


class HistorianError(Exception):
    """The root of what this room raises; the message is for a person."""


class TagUnknown(HistorianError):
    """Nobody ever recorded this tag. Not retryable."""


class RangeRefused(HistorianError):
    """A range of time or a number of points that cannot be answered. Not retryable as it is."""


class SamplesRefused(HistorianError):
    """The columns of a batch do not fit together. A fault of the caller; nothing of it was taken."""


class TrendsTaken(HistorianError):
    """Another program records the trends of this line. A retry makes sense when that one has ended."""


class TrendsDamaged(HistorianError):
    """Stored bytes are not what was written. Not retryable; other blocks can still be read."""


class ExportRefused(HistorianError):
    """A file cannot be written or holds something else. A retry makes sense with another name."""

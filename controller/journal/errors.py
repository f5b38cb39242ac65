"""What can be wrong with a journal.

JournalError              it cannot be trusted or written
  StoreUnusable           the file is no journal of this version, or cannot be opened
    RecordUnreadable      a record is no record any more
    StoreAway             the store's server takes no connection now; a plain retry makes sense
  StoreBusy               another process writes to it; a plain retry makes sense
"""

from __future__ import annotations

from pathlib import Path


class JournalError(Exception):
    """The journal cannot be trusted or written. Nothing may start; retry only after the cause is mended."""


class StoreUnusable(JournalError):
    """The file is not a journal of this version, or cannot be opened."""


class RecordUnreadable(StoreUnusable):
    """A record is no JSON any more: somebody or something changed the file. Not retryable."""

    def __init__(self, path: Path | str, what: str) -> None:
        super().__init__(f"{path}: the journal is damaged: {what}")
        self.what = what


class StoreAway(StoreUnusable):
    """The server of a store takes no connection now. A retry makes sense as it is."""


class StoreBusy(JournalError):
    """Another process writes to this store. A retry makes sense when that process has ended."""

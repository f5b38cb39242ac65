"""What keeps a line from being copied into the plant's database.

PlantError           nothing is copied now; the line itself works on
  CopyMoved          another process copies the same line; a retry makes sense
  HistoryDiffers     the line's records or trends do not continue the copy; not retryable until a person has decided

A database that cannot be reached or refuses is DatabaseUnusable, a store of the line that cannot be read is that or
StoreUnusable; with each of these a retry makes sense.
"""

from __future__ import annotations


class PlantError(Exception):
    """Nothing is copied now. The message is a sentence for people at the line."""


class CopyMoved(PlantError):
    """The copy is not where it was a moment ago. Retryable."""


class HistoryDiffers(PlantError):
    """What the line holds does not continue what the plant holds. Not retryable until a person has decided."""

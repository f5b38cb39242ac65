"""What can be wrong with stored recipes; every message is for the user and says what to do.

JournalError (controller.journal)
  StoreUnusable        the file is no store, or cannot be read or written
    StoreDamaged       what is stored was changed by other means
  StoreBusy            another process is writing; a retry makes sense
RecipeStoreError
  WordsUnusable        a name, a comment or a reference that cannot be used
  VersionUnknown       there is no such recipe or version
  ApprovalRefused      the rules of approval refuse; a retry makes sense by another person
  NotApproved          what is to be run is not what somebody approved
"""

from __future__ import annotations

from controller.journal import StoreUnusable


class StoreDamaged(StoreUnusable):
    """What is stored does not fit its hashes: somebody changed it outside of this program. Not retryable."""


class RecipeStoreError(Exception):
    """Something that is asked of stored recipes cannot be done. Retry only with other words or another person."""


class WordsUnusable(RecipeStoreError):
    """A name, a comment or a reference that cannot be used."""


class VersionUnknown(RecipeStoreError):
    """There is no such recipe or version in the store."""


class ApprovalRefused(RecipeStoreError):
    """The rules of approval refuse: the wrong person, or nothing to approve or to withdraw."""


class NotApproved(RecipeStoreError):
    """What is to be run has no valid approval, or is not what was approved."""

"""Idempotency keys: a command that is sent again is answered again and not done again, also after a restart."""

from controller.api.idempotency.keys import Answered, Asked, Keys
from controller.api.tables import TABLES, idempotency_keys

__all__ = ["TABLES", "Answered", "Asked", "Keys", "idempotency_keys"]

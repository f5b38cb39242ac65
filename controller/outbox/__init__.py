"""Messages that must outlast a broker's absence and our own death: kept in order, bounded, drops counted.

What is promised: a message that was put in and written is delivered at least once, in the order of its lane, over a
kill of this process and a broker's absence, unless more waits than may. Then the least important go first (values,
then states, then events), the oldest of them first, and how many of which time went is told.
"""

from controller.outbox.model import Drop, Entry, Limits, OutboxStatus, Priority, Waiting
from controller.outbox.outbox import Outbox, outbox_opened

__all__ = ["Drop", "Entry", "Limits", "Outbox", "OutboxStatus", "Priority", "Waiting", "outbox_opened"]

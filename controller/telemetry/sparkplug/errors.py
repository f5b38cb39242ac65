"""What can be wrong with Sparkplug B; none of it is worth a retry with the same data.

SparkplugError
├── NameRefused      an id or a metric name that must not be used
├── ValueRefused     a value that its datatype cannot hold
├── PayloadDamaged   bytes that are no payload
└── OutOfTurn        the connection's owner asked for something in the wrong order
"""

from __future__ import annotations


class SparkplugError(Exception):
    """Any of the faults above."""


class NameRefused(SparkplugError):
    """A group, edge node, device, host or metric that cannot be called so."""


class ValueRefused(SparkplugError):
    """The value does not fit its datatype."""


class PayloadDamaged(SparkplugError):
    """What came is no Sparkplug B payload, or contradicts itself."""


class OutOfTurn(SparkplugError):
    """A call that the state of the session does not admit; a fault of the program that makes it."""

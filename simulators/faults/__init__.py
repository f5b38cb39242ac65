"""Everything that can go wrong on a simulated line, by name: what it is, when it comes, and what it changes."""

from simulators.faults.catalogue import FAULTS
from simulators.faults.fault import (
    BadParameterError,
    Fault,
    FaultError,
    Injection,
    NotApplicableError,
    Parameter,
    Trigger,
    UnknownFaultError,
    UnknownInjectionError,
)
from simulators.faults.panel import Active, FaultPanel, Switched
from simulators.faults.sequences import SEQUENCES, sequence_for

__all__ = [
    "FAULTS",
    "SEQUENCES",
    "Active",
    "BadParameterError",
    "Fault",
    "FaultError",
    "FaultPanel",
    "Injection",
    "NotApplicableError",
    "Parameter",
    "Switched",
    "Trigger",
    "UnknownFaultError",
    "UnknownInjectionError",
    "sequence_for",
]

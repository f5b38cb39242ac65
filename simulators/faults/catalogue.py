"""Every fault by its name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from simulators.faults.fault import Fault, UnknownFaultError
from simulators.faults.machine_faults import MACHINE_FAULTS
from simulators.faults.people_faults import CLOCK_FAULTS, EVIDENCE_FAULTS, PEOPLE_FAULTS
from simulators.faults.wire_faults import WIRE_FAULTS

FAULTS: Mapping[str, Fault] = MappingProxyType(
    {fault.name: fault for fault in (*WIRE_FAULTS, *MACHINE_FAULTS, *EVIDENCE_FAULTS, *PEOPLE_FAULTS, *CLOCK_FAULTS)}
)


def fault_named(name: str) -> Fault:
    """The fault of this name.

    :raises UnknownFaultError: with what is near it.
    """
    if name in FAULTS:
        return FAULTS[name]
    group, _, last = name.partition(".")
    near = [known for known in FAULTS if known.startswith(f"{group}.")]
    near = near or [known for known in FAULTS if (last or group) in known]
    known = f"known are {', '.join(near)}" if near else "`pressline faults list` names them"
    raise UnknownFaultError(f"there is no fault {name!r}; {known}")

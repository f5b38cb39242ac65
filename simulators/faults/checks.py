"""Whether an injection is possible: its unit, its words, its trigger. Every error says what would be."""

from __future__ import annotations

import math
from collections.abc import Mapping

from drivers.profile import Profile
from simulators.faults.fault import BadParameterError, Fault, Injection, NotApplicableError, Value


def unit_for(fault: Fault, unit: str | None, profiles: Mapping[str, Profile]) -> str | None:
    """The unit that the fault happens to; the only one that it can happen to if none is named.

    :raises NotApplicableError: if there is no such unit, the fault cannot happen to it, or it is not clear which.
    """
    if not fault.needs_unit:
        if unit is not None:
            raise NotApplicableError(f"{fault.name} happens to the whole line; name no unit")
        return None
    fitting = [name for name, profile in profiles.items() if not fault.kinds or profile.kind in fault.kinds]
    there = f"it can happen to {', '.join(fitting)}" if fitting else "this line has none that it can happen to"
    if unit is not None:
        if unit not in profiles:
            raise NotApplicableError(f"{fault.name}: there is no unit {unit!r}; {there}")
        if unit not in fitting:
            raise NotApplicableError(f"{fault.name} cannot happen to {unit}, a {profiles[unit].kind}; {there}")
        return unit
    if len(fitting) == 1:
        return fitting[0]
    raise NotApplicableError(f"{fault.name} needs a unit; {there}")


def check_words(fault: Fault, parameters: Mapping[str, Value], profile: Profile) -> None:
    """Whether tag, reason and command are words of the unit's profile.

    :raises BadParameterError: if not.
    """
    known = {
        "tag": tuple(profile.signals),
        "reason": tuple(profile.enums.get("reason", ())),
        "command": ("", *profile.enums.get("command", ())),
    }
    for name, words in known.items():
        if name in parameters and parameters[name] not in words:
            listed = ", ".join(word for word in words if word)
            raise BadParameterError(f"{fault.name}: {name} is {parameters[name]!r}; expected one of {listed}")


def check_wire(fault: Fault, profile: Profile, carrier: str | None) -> None:
    """Whether what the fault changes is there on the unit's wire; `carrier` is None where it is not known yet.

    :raises NotApplicableError: if not.
    """
    has_transactions = profile.protocol == "modbus" and carrier in (None, "tcp")
    if fault.name == "wire.no_transaction" and not has_transactions:
        raise NotApplicableError(f"{fault.name} needs Modbus TCP; {profile.name} has no transactions on this wire")
    if fault.name == "wire.half_open" and carrier in ("rtu", "ascii"):
        raise NotApplicableError(f"{fault.name} needs TCP; a serial line has no connections")
    if fault.name == "wire.other_unit" and profile.line is not None and "{unit" not in profile.line.reply:
        raise NotApplicableError(f"{fault.name}: the answers of {profile.name} name no unit")


def check_trigger(fault: Fault, injection: Injection, unit: str | None, profiles: Mapping[str, Profile]) -> None:
    """Whether the trigger can come true and the duration is one.

    :raises BadParameterError: if not.
    """
    trigger, duration_s = injection.trigger, injection.duration_s
    if duration_s is not None and not 0.0 < duration_s < math.inf:
        raise BadParameterError(f"{fault.name}: the duration is {duration_s!r}; expected seconds above 0")
    if not 0.0 <= trigger.after_s < math.inf or (trigger.at_s is not None and not math.isfinite(trigger.at_s)):
        raise BadParameterError(f"{fault.name}: the time of the trigger is no time; expected seconds from 0 up")
    if trigger.phase is None:
        if trigger.unit is not None:
            raise BadParameterError(f"{fault.name}: a trigger with a unit needs the phase that it waits for")
        return
    if trigger.at_s is not None:
        raise BadParameterError(f"{fault.name}: a trigger waits for a time or for a phase, not for both")
    of = trigger.unit or unit
    if of is None or of not in profiles:
        raise BadParameterError(f"{fault.name}: whose phase is {trigger.phase!r}? name one of {', '.join(profiles)}")
    phases = tuple(profiles[of].enums.get("phase", ()))
    if trigger.phase not in phases:
        known = f"expected one of {', '.join(phases)}" if phases else "it has no phases"
        raise BadParameterError(f"{fault.name}: {of} has no phase {trigger.phase!r}; {known}")

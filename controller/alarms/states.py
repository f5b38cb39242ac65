"""The states of an alarm and the one table of what may follow what (ANSI/ISA-18.2-2016 and IEC 62682, alarm states).

What is not in the table is refused. Two choices are ours: suppression by design hides nothing that nobody has seen, so
it takes only normal and acknowledged alarms; and who ends a shelving, a suppression or an outage finds a normal alarm,
which is raised anew at once if its condition is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class AlarmState(StrEnum):
    """Where an alarm is: the standard's seven states, and the two of one that latches."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned unacknowledged"
    LATCHED_UNACKNOWLEDGED = "latched unacknowledged"
    LATCHED_ACKNOWLEDGED = "latched acknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed by design"
    OUT_OF_SERVICE = "out of service"


class AlarmEvent(StrEnum):
    """What moves an alarm. LATCH is the return of one that latches."""

    RAISE = "raise"
    RETURN = "return"
    LATCH = "latch"
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    REMOVE = "take out of service"
    RESTORE = "return to service"


_S, _E = AlarmState, AlarmEvent

UNSEEN = frozenset({_S.UNACKNOWLEDGED, _S.RETURNED, _S.LATCHED_UNACKNOWLEDGED})
"""Nobody has acknowledged it yet."""
STANDING = UNSEEN | {_S.ACKNOWLEDGED, _S.LATCHED_ACKNOWLEDGED}
"""Shown to an operator as an alarm."""
HIDDEN = frozenset({_S.SHELVED, _S.SUPPRESSED, _S.OUT_OF_SERVICE})
"""Not shown as an alarm; its condition is followed all the same."""

_SHELVABLE = (_S.NORMAL, _S.UNACKNOWLEDGED, _S.ACKNOWLEDGED, _S.RETURNED)
_REMOVABLE = (*_SHELVABLE, _S.SHELVED, _S.SUPPRESSED)

TABLE: Mapping[tuple[AlarmState, AlarmEvent], AlarmState] = {
    (_S.NORMAL, _E.RAISE): _S.UNACKNOWLEDGED,
    (_S.RETURNED, _E.RAISE): _S.UNACKNOWLEDGED,
    (_S.LATCHED_UNACKNOWLEDGED, _E.RAISE): _S.UNACKNOWLEDGED,
    (_S.LATCHED_ACKNOWLEDGED, _E.RAISE): _S.UNACKNOWLEDGED,
    (_S.UNACKNOWLEDGED, _E.RETURN): _S.RETURNED,
    (_S.ACKNOWLEDGED, _E.RETURN): _S.NORMAL,
    (_S.UNACKNOWLEDGED, _E.LATCH): _S.LATCHED_UNACKNOWLEDGED,
    (_S.ACKNOWLEDGED, _E.LATCH): _S.LATCHED_ACKNOWLEDGED,
    (_S.UNACKNOWLEDGED, _E.ACKNOWLEDGE): _S.ACKNOWLEDGED,
    (_S.RETURNED, _E.ACKNOWLEDGE): _S.NORMAL,
    (_S.LATCHED_UNACKNOWLEDGED, _E.ACKNOWLEDGE): _S.LATCHED_ACKNOWLEDGED,
    (_S.LATCHED_ACKNOWLEDGED, _E.RESET): _S.NORMAL,
    **{(state, _E.SHELVE): _S.SHELVED for state in _SHELVABLE},
    (_S.SHELVED, _E.UNSHELVE): _S.NORMAL,
    (_S.NORMAL, _E.SUPPRESS): _S.SUPPRESSED,
    (_S.ACKNOWLEDGED, _E.SUPPRESS): _S.SUPPRESSED,
    (_S.SUPPRESSED, _E.UNSUPPRESS): _S.NORMAL,
    **{(state, _E.REMOVE): _S.OUT_OF_SERVICE for state in _REMOVABLE},
    (_S.OUT_OF_SERVICE, _E.RESTORE): _S.NORMAL,
}


class AlarmRefused(Exception):
    """What somebody wanted of an alarm is not possible as it is. Not retryable before the alarm or the wish changes."""


def next_state(state: AlarmState, event: AlarmEvent) -> AlarmState:
    """The state after `event`; raises AlarmRefused where the table has no row."""
    try:
        return TABLE[state, event]
    except KeyError:
        raise AlarmRefused(f"cannot {event} what is {state}") from None


def drawn() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    names = {state: state.value.title().replace(" ", "") for state in AlarmState}
    lines = ["stateDiagram-v2", f"    [*] --> {names[AlarmState.NORMAL]}"]
    lines += [f"    {names[state]}: {state}" for state in AlarmState]
    lines += [f"    {names[state]} --> {names[after]}: {event}" for (state, event), after in TABLE.items()]
    return "\n".join(lines)

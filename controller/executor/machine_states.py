"""What a machine's PackML state says about a command or a job (states of ISA-TR88.00.02)."""

from __future__ import annotations

from drivers.errors import BadQuality
from drivers.reading import Snapshot

ENDED_ITSELF = frozenset({"ABORTING", "ABORTED", "STOPPING", "STOPPED"})
LOST_JOB = frozenset({"IDLE", "CLEARING", "RESETTING"})
AT_REST = frozenset({"STOPPED", "ABORTED", "IDLE", "COMPLETE"})
OBEYED = {
    "hold": ENDED_ITSELF | AT_REST | {"HOLDING", "HELD"},
    "stop": ENDED_ITSELF | AT_REST,
    "abort": ENDED_ITSELF | AT_REST,
}
"""Machine states in which a command has taken effect. A hold during a controlled release has nothing left to hold."""


def obeys(snapshot: Snapshot, command: str) -> bool:
    """Whether a hold, stop or abort has taken effect; a value that cannot be trusted says no."""
    try:
        state, phase = snapshot.text("machine_state"), snapshot.text("phase")
    except BadQuality:
        return False
    return state in OBEYED[command] or (command == "hold" and phase == "release")


def alarms(snapshot: Snapshot) -> str:
    """The machine's latched alarms in words."""
    names = [name.replace("_", " ") for name in snapshot.bits("alarm_bits")]
    return ", ".join(names) or "no alarm is shown"

"""What a machine's PackML state says about a command or a job (states of ISA-TR88.00.02)."""

from __future__ import annotations

from collections.abc import Mapping

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


SWITCHES: Mapping[str, str] = {
    "estop_ok": "the safety chain is open",
    "guard_closed": "the guard is open",
    "nip_guard_closed": "the guard of the nip is open",
    "two_hand_ok": "the two-hand control is released",
    "fan_running": "the fan stands",
    "exhaust_ok": "the exhaust is low",
    "web_ok": "the web is not whole",
}
"""Status bits that are on while a machine may work, and what is told when one is off."""


def obeys(snapshot: Snapshot, command: str) -> bool:
    """Whether a hold, stop or abort has taken effect; a value that cannot be trusted says no."""
    try:
        state, phase = snapshot.text("machine_state"), snapshot.text("phase")
    except BadQuality:
        return False
    return state in OBEYED[command] or (command == "hold" and phase == "release")


def alarms(snapshot: Snapshot) -> str:
    """The machine's latched alarms in words; without any, which of its safety switches are open."""
    names = [name.replace("_", " ") for name in snapshot.bits("alarm_bits")]
    return ", ".join(names or ["no alarm is shown", *_open_switches(snapshot)])


def _open_switches(snapshot: Snapshot) -> list[str]:
    found = []
    for bit, words in SWITCHES.items():
        try:
            is_on = snapshot.bit(bit)
        except KeyError:  # another kind of machine
            continue
        found += [] if is_on else [words]
    return found

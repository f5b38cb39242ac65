"""What the matrix says of a snapshot: what is missing for a command, which rows a working machine breaks.

A value that cannot be read, is stale or is bad satisfies no condition. A working machine whose values cannot be judged
is held; that a danger was seen, which stops it, can only be said of good values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from string import Formatter

from controller.interlocks.conditions import (
    MAINTENANCE_MODE,
    SENSORS_UNLOADED,
    UNLOADED_KN,
    UNOWNED,
)
from controller.interlocks.matrix import MATRIX, rows_of
from controller.interlocks.row import Effect, Row, Use
from drivers import coater, isostatic_press, roll_press, uniaxial_press
from drivers.errors import BadQuality
from drivers.profile import Profile
from drivers.reading import Snapshot

NOT_JUDGED = "cannot be judged"
MAINTENANCE_SIGNALS = ("mode", "machine_state", "lease_owner")
"""What the rows for a write by hand read."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that does not hold. doubt says why it cannot be judged, None if it was seen not to hold."""

    row: Row
    doubt: str | None = None

    @property
    def effect(self) -> Effect:
        """What follows for a working machine."""
        return self.row.effect if self.doubt is None else Effect.HOLD


def broken(rows: Iterable[Row], snapshot: Snapshot) -> list[Broken]:
    """The rows that do not hold, in the matrix's order. One that reads what the machine does not show is left out."""
    found = []
    for row in rows:
        try:
            holds, doubt = row.condition.holds(snapshot), None
        except BadQuality as error:
            holds, doubt = False, str(error)
        except KeyError:  # this machine does not show it; what it must show, its profile cannot be without
            continue
        if not holds:
            found.append(Broken(row, doubt))
    return found


def missing(kind: str, snapshot: Snapshot, use: Use, bypassed: Collection[str] = ()) -> list[str]:
    """What keeps a unit of this kind from a command, in words; rows whose names are bypassed do not count."""
    rows = (row for row in rows_of(kind) if use in row.permits and row.name not in bypassed)
    words = [item.row.words if item.doubt is None else _doubtful(item) for item in broken(rows, snapshot)]
    return list(dict.fromkeys(words))


def tripped(kind: str, snapshot: Snapshot, phase: str, bypassed: Collection[str] = ()) -> list[Broken]:
    """The interlocks that a machine in this phase of a job breaks, in the matrix's order."""
    rows = (row for row in rows_of(kind) if phase in row.phases and row.name not in bypassed)
    return broken(rows, snapshot)


def told(items: Iterable[Broken], snapshot: Snapshot) -> str:
    """Broken interlocks in one sentence; doubts of one cause are told together."""
    seen = [_filled(item.row, snapshot) for item in items if item.doubt is None]
    doubts: dict[str, list[str]] = {}
    for item in items:
        if item.doubt is not None:
            doubts.setdefault(item.doubt, []).append(item.row.name)
    return "; ".join([*seen, *(f"{', '.join(names)} {NOT_JUDGED}: {why}" for why, names in doubts.items())])


def _filled(row: Row, snapshot: Snapshot) -> str:
    """The words of a tripped row, with the values that it names."""
    words = row.trip_words or row.words
    names = [name for _, name, _, _ in Formatter().parse(words) if name]
    return words.format(**{name: snapshot.reading(name).value for name in names})


def _doubtful(item: Broken) -> str:
    return f"{item.row.name} {NOT_JUDGED}: {item.doubt}"


def has_handshake(profile: Profile) -> bool:
    """Whether commands, lease and mode of a unit mean what they mean in a machine.

    They do in every machine, and wherever a mode for maintenance shows that the profile was written for one, whatever
    it calls its kind. An instrument's `mode` is its own affair (a temperature controller's off, auto and manual).
    """
    mode = profile.signals.get("mode")
    words = profile.enums.get(mode.enum, {}) if mode is not None and mode.enum is not None else {}
    return profile.is_machine or MAINTENANCE_MODE in words


def missing_for_maintenance(profile: Profile, snapshot: Snapshot, lease: int = 0) -> list[str]:
    """What keeps a unit of this profile from being written to by hand, in words.

    A value that cannot be read is a missing permissive. Of what has no handshake nothing is missing. `lease` is the
    number of whoever writes, who may have the unit meanwhile; 0 for somebody without one.
    """
    if not has_handshake(profile):
        return []
    rows = (
        row
        for row in MATRIX
        if Use.WRITE in row.permits and not (row.condition is UNOWNED and _is_held_by(lease, snapshot))
    )
    return [item.row.words if item.doubt is None else _doubtful(item) for item in broken(rows, snapshot)]


def _is_held_by(lease: int, snapshot: Snapshot) -> bool:
    """Whether a machine is seen to be held by this number; what cannot be seen is not."""
    try:
        return snapshot.value("lease_owner") == lease
    except BadQuality:
        return False


def is_pressurised(kind: str, snapshot: Snapshot) -> bool:
    """Whether the machine may still carry a dangerous pressure; raises BadQuality where nothing can be said.

    Zero is proven by what the machine's register document names for it and by sensors that do not say otherwise.
    """
    match kind:
        case "uniaxial_press":
            return not (uniaxial_press.depressurised(snapshot) and abs(snapshot.value("force_pv_kn")) < UNLOADED_KN)
        case "isostatic_press":
            return not (isostatic_press.depressurised(snapshot) and SENSORS_UNLOADED.holds(snapshot))
        case "roll_press":
            return not roll_press.depressurised(snapshot)
        case _:
            return False


def is_proven_at_rest(kind: str, snapshot: Snapshot) -> bool:
    """Whether the machine is proven to do no harm where it stands; raises BadQuality where nothing can be said.

    A press is without pressure, a coater's web stands and its head is open, a roll press has both: no load, no motion.
    """
    match kind:
        case "coater":
            return coater.stopped(snapshot)
        case "roll_press":
            return roll_press.depressurised(snapshot) and roll_press.stopped(snapshot)
        case _:
            return not is_pressurised(kind, snapshot)


def at_rest_words(kind: str) -> str:
    """What a machine of this kind is proven to be when it is proven to be at rest."""
    return "without pressure" if kind in ("uniaxial_press", "isostatic_press") else "at rest"

"""Which rows of the matrix a machine cannot have, as its profile does not show what they read."""

from __future__ import annotations

from dataclasses import dataclass

from controller.interlocks.matrix import rows_of
from controller.interlocks.row import Row
from drivers.errors import BadQuality
from drivers.profile import Profile
from drivers.reading import Snapshot


@dataclass(frozen=True, slots=True)
class Unwatched:
    """Rows that are not watched at a machine: what it does not show, and why that is so, "" where nobody said why."""

    signal: str
    rows: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return f"{', '.join(self.rows)} not watched, there is no {self.signal}{why}"


def unwatched(profile: Profile) -> list[Unwatched]:
    """What the matrix asks of this kind of machine and this profile does not show, in the matrix's order."""
    nothing = Snapshot.of("", profile, 0.0, dict.fromkeys(profile.signals, 0.0))
    rows: dict[str, list[str]] = {}
    for row in rows_of(profile.kind):
        if (name := _missing(row, nothing)) is not None:
            rows.setdefault(name, []).append(row.name)
    return [Unwatched(name, tuple(names), profile.without.get(name, "")) for name, names in rows.items()]


def _missing(row: Row, snapshot: Snapshot) -> str | None:
    """What a row reads that is not there; whether it holds does not matter here."""
    try:
        row.condition.holds(snapshot)
    except BadQuality:
        return None
    except KeyError as error:
        return str(error.args[0])
    return None

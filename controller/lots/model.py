"""What is known of a lot: a read model, made anew from the journal whenever it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

BATCH = " batch "
"""Between a foil's name in its recipe and the number of its batch."""
UNSURE = "the clock was set back meanwhile: nobody knows for how long it was out"


class LotStatus(StrEnum):
    """What may be done with a lot. Only a released one may leave the line as what it was made to be."""

    IN_WORK = "in work"
    QUARANTINE = "quarantine"
    RELEASED = "released"
    SCRAP = "scrap"


@dataclass(frozen=True, slots=True, order=True)
class LotId:
    """A lot by its run and its name in that run's recipe; two runs may both have a "cathode sheet"."""

    run: str
    name: str

    def __str__(self) -> str:
        return f"{self.run}/{self.name}"


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The calibration that a unit had when it was used, and what it said then; doubt is "" for nothing against it."""

    unit: str
    state: str
    certificate: str = ""
    due: str = ""
    doubt: str = ""

    @property
    def words(self) -> str:
        if not self.certificate:
            return "no calibration is stated"
        return f"calibration {self.certificate}, {self.state}, due {self.due}"


@dataclass(frozen=True, slots=True)
class Measured:
    """One value that an instrument showed of a lot, or that a laboratory told (unit "")."""

    unit: str
    quantity: str
    value: float
    in_unit: str
    utc: str
    calibrated: Calibrated | None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Stay:
    """A lot in a step: the one that made it, one that measured it, the one that used it up. ended "" if it has not."""

    step: str
    kind: str
    unit: str
    begun: str
    ended: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a lot is kept back, and by which record of the journal that is known."""

    words: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot with everything that the journal says of it.

    made_from are the lots that it was made of; slurry names the slurry that was filled where no lot of it is known;
    foils are those that came in with the making step, with their batches where the line file stated them. unit,
    serial_number and jobs are of the machine that made it, "" and () where people did; also_on are units, with their
    serial numbers, that pressed it again later. people are those who answered in that step and in those that measured
    the lot. used_in is the lot that it went into: it shares that one's status. out_s is the time outside the dry room,
    its parts' longest included; is_out_unsure says that it may be more, because the clock was set back meanwhile;
    out_since is when it (or a part of it) left, "" while it is inside. reasons say why it is in quarantine or scrap;
    decided_by is who (or what) released or scrapped it.
    """

    id: LotId
    recipe: str
    made_by: Stay
    made_from: tuple[LotId, ...]
    slurry: str
    foils: tuple[str, ...]
    serial_number: str
    also_on: tuple[tuple[str, str], ...]
    jobs: tuple[int, ...]
    calibrated: tuple[Calibrated, ...]
    people: tuple[str, ...]
    measured: tuple[Measured, ...]
    stays: tuple[Stay, ...]
    used_in: LotId | None
    status: LotStatus
    reasons: tuple[str, ...]
    decided_by: str
    out_s: float
    is_out_unsure: bool
    out_since: str
    max_out_s: float | None
    is_simulated: bool

    @property
    def is_out_too_long(self) -> bool:
        """Whether it was, or may have been, outside the dry room for longer than the line file of its run allowed."""
        return self.max_out_s is not None and (self.out_s > self.max_out_s or self.is_out_unsure)


Lots = Mapping[LotId, Lot]


class LotUnknown(Exception):
    """No lot, or more than one, is called that; the message says which there are."""


def named(lots: Lots, text: str) -> Lot:
    """The lot that is called RUN/LOT, or LOT where only one run has it. Raises LotUnknown."""
    found = [lot for lot in lots.values() if text in (str(lot.id), lot.id.name)]
    if len(found) == 1:
        return found[0]
    if found:
        which = ", ".join(str(lot.id) for lot in found[-5:])
        raise LotUnknown(f"{text!r} is a lot of {len(found)} runs; name the run too, for example {which}")
    near = get_close_matches(text, [str(lot.id) if "/" in text else lot.id.name for lot in lots.values()])
    hint = f"; perhaps {', '.join(repr(name) for name in dict.fromkeys(near))}" if near else ""
    raise LotUnknown(f"there is no lot {text!r}{hint}; `pressline lots list --all` names all there are")


def lot_data(lot: Lot) -> dict[str, Any]:
    """A lot as JSON can hold it."""
    return {
        "lot": str(lot.id),
        "run": lot.id.run,
        "name": lot.id.name,
        "recipe": lot.recipe,
        "status": lot.status.value,
        "reasons": list(lot.reasons),
        "decided_by": lot.decided_by,
        "used_in": None if lot.used_in is None else str(lot.used_in),
        "made_by": _stay(lot.made_by),
        "serial_number": lot.serial_number or None,
        "also_on": [{"unit": unit, "serial_number": number or None} for unit, number in lot.also_on],
        "jobs": list(lot.jobs),
        "made_from": [str(part) for part in lot.made_from],
        "slurry": lot.slurry or None,
        "foils": list(lot.foils),
        "people": list(lot.people),
        "calibrations": [_calibrated(known) for known in lot.calibrated],
        "measured": [
            {
                "unit": item.unit or None,
                "quantity": item.quantity,
                "value": item.value,
                "in": item.in_unit,
                "utc": item.utc,
                "calibration": None if item.calibrated is None else _calibrated(item.calibrated),
                "quality": "uncertain" if item.doubt else "good",
                "doubt": item.doubt,
            }
            for item in lot.measured
        ],
        "stays": [_stay(stay) for stay in lot.stays],
        "out_s": lot.out_s,
        "out_unsure": lot.is_out_unsure,
        "out_since": lot.out_since or None,
        "max_out_s": lot.max_out_s,
        "simulated": lot.is_simulated,
    }


def _stay(stay: Stay) -> dict[str, Any]:
    return {
        "step": stay.step,
        "kind": stay.kind,
        "unit": stay.unit or None,
        "begun": stay.begun,
        "ended": stay.ended or None,
    }


def _calibrated(known: Calibrated) -> dict[str, Any]:
    return {
        "unit": known.unit,
        "state": known.state,
        "certificate": known.certificate or None,
        "due": known.due or None,
        "doubt": known.doubt,
    }

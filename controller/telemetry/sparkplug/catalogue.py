"""Which metrics a line and its units have: the folders of their names, datatypes, units and ranges."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from controller.telemetry.sparkplug.datatypes import DataType, Scalar, to_wire
from controller.telemetry.sparkplug.errors import NameRefused, ValueRefused
from controller.telemetry.sparkplug.payload import Property, QualityCode
from controller.telemetry.sparkplug.topics import check_distinct, checked_id
from drivers.profile import Profile, Signal
from drivers.reading import Quality, Reading

Key = tuple[str | None, str]
"""Device (None for the node) and name of a metric."""

BD_SEQ: Final = "bdSeq"
NODE_REBIRTH: Final = "Node Control/Rebirth"
DEVICE_REBIRTH: Final = "Device Control/Rebirth"
PROCESS: Final = "Process"
UNTOLD: Final = frozenset({"heartbeat_machine"})
"""Counts all the time and says nothing; that it stands still shows in the quality of everything else."""

QUALITY_OF: Final[Mapping[Quality, QualityCode]] = {
    Quality.GOOD: QualityCode.GOOD,
    Quality.UNCERTAIN: QualityCode.STALE,
    Quality.BAD: QualityCode.BAD,
}
"""A reading is uncertain because it is old or the machine's heartbeat is late: that is stale."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric: its name with folders before slashes, what it holds, and what a birth says of it.

    `initial` is published until something else is known.
    """

    name: str
    datatype: DataType
    meaning: str = ""
    unit: str = ""
    range: tuple[float, float] | None = None
    initial: Scalar | None = None

    def properties(self) -> dict[str, Property]:
        """Unit, range and meaning by the keys that SCADA hosts look for; empty where there is none."""
        said: dict[str, Property] = {}
        if self.unit:
            said["engUnit"] = Property(DataType.STRING, self.unit)
        if self.range is not None:
            said["engLow"] = Property(DataType.DOUBLE, float(self.range[0]))
            said["engHigh"] = Property(DataType.DOUBLE, float(self.range[1]))
        if self.meaning:
            said["documentation"] = Property(DataType.STRING, self.meaning)
        return said


NODE: Final = (
    Definition("Properties/Software", DataType.STRING, "the program that speaks", initial="pressline"),
    Definition("Properties/Version", DataType.STRING, "its version"),
    Definition("Health/State", DataType.STRING, "the health of the service in one word"),
    Definition("Outbox/Waiting", DataType.UINT64, "messages that wait for the broker"),
    Definition("Outbox/Dropped", DataType.UINT64, "messages given up for want of room, the least important first"),
)
"""What a line says of itself, besides bdSeq and the rebirth."""

UNIT: Final = (
    Definition("Unit/PackML State", DataType.STRING, "state of the machine by its own controller"),
    Definition("Unit/In Service", DataType.BOOLEAN, "whether runs are given the unit"),
    Definition("Batch/Run", DataType.STRING, "the run that holds the unit"),
    Definition("Batch/Run State", DataType.STRING, "state of that run by ISA-88"),
    Definition("Batch/Step", DataType.STRING, "the step that works on the unit"),
    Definition("Batch/Lot", DataType.STRING, "the lot in the unit"),
    Definition("Batch/Plan Hash", DataType.STRING, "hash of the plan that is carried out"),
    Definition("Batch/Recipe", DataType.STRING, "the recipe of the plan"),
    Definition("Batch/Recipe Version", DataType.STRING, "its version"),
)
"""What every unit says besides its process values; null where no run holds it."""

_CONTROL: Final = frozenset({BD_SEQ, NODE_REBIRTH, DEVICE_REBIRTH})
_WHOLE: Final[Mapping[str, DataType]] = {
    "bool": DataType.BOOLEAN,
    "uint16": DataType.UINT16,
    "int16": DataType.INT16,
    "uint32": DataType.UINT32,
    "int32": DataType.INT32,
    "integer": DataType.INT64,
}


def process_name(signal: str) -> str:
    """The metric of a signal of the machine."""
    return f"{PROCESS}/{signal}"


def datatype_of(signal: Signal) -> DataType:
    """How a signal is published: words of an enumeration as text, what is scaled as Double."""
    if signal.enum is not None or signal.type == "text":
        return DataType.STRING
    if signal.integer:
        return _WHOLE[signal.type]
    return DataType.FLOAT if signal.type == "float32" and signal.scale == 1 and signal.offset == 0 else DataType.DOUBLE


def unit_metrics(profile: Profile) -> tuple[Definition, ...]:
    """What a unit of this profile publishes: context first, then every signal that is polled."""
    fixed = (
        Definition("Unit/Kind", DataType.STRING, "kind of machine", initial=profile.kind),
        Definition("Unit/Profile", DataType.STRING, "controller model", initial=profile.name),
    )
    polled = [profile.signals[name] for block in profile.polled for name in block.signals if name not in UNTOLD]
    signals = tuple(
        Definition(process_name(s.name), datatype_of(s), s.meaning, s.unit, None if s.enum else s.range) for s in polled
    )
    return (*fixed, *UNIT, *signals)


def process_value(definition: Definition, reading: Reading) -> tuple[Scalar | None, QualityCode]:
    """A reading as it is published; what its datatype cannot hold, or did not come, is null and bad."""
    value: Scalar = reading.value
    if definition.datatype is DataType.BOOLEAN and value in (0, 1):
        value = bool(value)
    if definition.datatype in _WHOLE.values() and isinstance(value, float) and value.is_integer():
        value = int(value)
    if reading.quality is Quality.BAD and definition.datatype is DataType.STRING:
        value = str(value)  # a word that the enumeration does not have
    try:
        to_wire(definition.datatype, value)
    except ValueRefused:
        return None, QualityCode.BAD
    if isinstance(value, float) and math.isnan(value):
        return None, QualityCode.BAD
    return value, QUALITY_OF[reading.quality]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every metric that a node and its devices will ever publish, and the aliases of all.

    Raises NameRefused for ids that cannot stand in a topic, names that two metrics of one device share, in whatever
    case, and names that belong to Sparkplug itself.
    """

    node: tuple[Definition, ...]
    devices: Mapping[str, tuple[Definition, ...]]
    aliases: Mapping[Key, int] = field(init=False)
    definitions: Mapping[Key, Definition] = field(init=False)

    def __post_init__(self) -> None:
        check_distinct("device", self.devices)
        for device in self.devices:
            checked_id("device", device)
        found: dict[Key, Definition] = {(None, metric.name): metric for metric in self.node}
        found.update({(device, metric.name): metric for device, metrics in self.devices.items() for metric in metrics})
        _check_names("the node", (metric.name for metric in self.node))
        for device, metrics in self.devices.items():
            _check_names(device, (metric.name for metric in metrics))
        controls: tuple[Key, ...] = ((None, BD_SEQ), *((device, DEVICE_REBIRTH) for device in self.devices))
        object.__setattr__(self, "definitions", found)
        object.__setattr__(self, "aliases", {key: alias for alias, key in enumerate((*controls, *found), start=1)})


def _check_names(owner: str, names: Iterable[str]) -> None:
    listed = list(names)
    check_distinct(f"{owner}: metric", [*listed, *_CONTROL])
    for name in listed:
        if not all(name.split("/")) or not name.isprintable():
            raise NameRefused(f"{owner}: metric {name!r} has a folder without a name or a control character")


def line_catalogue(units: Mapping[str, Profile]) -> Catalogue:
    """The metrics of a line whose units have these profiles; raises NameRefused."""
    return Catalogue(NODE, {unit: unit_metrics(profile) for unit, profile in units.items()})

"""What a host asks for. Only a rebirth is listened to; any other command is told and has no effect."""

from __future__ import annotations

from dataclasses import dataclass

from controller.telemetry.sparkplug.catalogue import DEVICE_REBIRTH, NODE_REBIRTH, Catalogue
from controller.telemetry.sparkplug.datatypes import DataType
from controller.telemetry.sparkplug.errors import PayloadDamaged
from controller.telemetry.sparkplug.payload import Metric, decode
from controller.telemetry.sparkplug.topics import MessageType

NAMED_WRITES = 5  # engineering judgement: a notice is for a person, and a command may name thousands of metrics


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether a birth is wanted, and what else was asked for and ignored."""

    rebirth: bool = False
    notices: tuple[str, ...] = ()


def read_command(kind: MessageType, device: str | None, payload: bytes, catalogue: Catalogue) -> Asked:
    """What an NCMD or a DCMD asks for."""
    if device is not None and device not in catalogue.devices:
        return Asked(notices=(f"a command for a unit that this line does not have was ignored ({kind})",))
    owner = device or "the node"
    try:
        metrics = decode(payload).metrics
    except PayloadDamaged as error:
        return Asked(notices=(f"{kind} for {owner} was ignored: {error}",))
    names = {alias: name for (owned_by, name), alias in catalogue.aliases.items() if owned_by == device}
    wanted, ignored = False, []
    for metric in metrics:
        name = metric.name or names.get(metric.alias or 0, f"alias {metric.alias}")
        if name == (NODE_REBIRTH if device is None else DEVICE_REBIRTH):
            wanted = wanted or _true(metric)
        else:
            ignored.append(name)
    if not ignored:
        return Asked(wanted)
    more = f" and {len(ignored) - NAMED_WRITES} more" if len(ignored) > NAMED_WRITES else ""
    listed = ", ".join(repr(name) for name in ignored[:NAMED_WRITES])
    return Asked(wanted, (f"a host wrote to {listed}{more} of {owner}; nothing is written over MQTT",))


def _true(metric: Metric) -> bool:
    return metric.value is True and metric.datatype in (DataType.BOOLEAN, DataType.UNKNOWN)

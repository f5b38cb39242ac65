"""What an edge node sends: births, data and deaths from samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from controller.telemetry.sparkplug.catalogue import BD_SEQ, DEVICE_REBIRTH, NODE_REBIRTH, Catalogue, Definition, Key
from controller.telemetry.sparkplug.datatypes import DataType
from controller.telemetry.sparkplug.payload import Metric, Payload, Property, QualityCode
from controller.telemetry.sparkplug.samples import Sample

DISCONNECT_WITH_WILL: Final = 0x04
"""The reason code that a DISCONNECT of MQTT 5 must have."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to publish. `number` counts up over all messages of the node object, see `EdgeNode.proved`."""

    topic: str
    payload: bytes
    number: int = 0
    qos: int = 0
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """What a CONNECT has to say, and what to subscribe to (topic, QoS) before `EdgeNode.connected`.

    The session starts clean and ends with the connection.
    """

    will: Outgoing
    subscriptions: tuple[tuple[str, int], ...]
    clean_start: bool = True
    session_expiry_s: int = 0
    disconnect_reason: int = DISCONNECT_WITH_WILL


def death(bd_seq: int, now_ms: int) -> Payload:
    """NDEATH: bdSeq alone, no seq."""
    return Payload(now_ms, None, (Metric(BD_SEQ, None, now_ms, DataType.INT64, bd_seq),))


def birth(
    catalogue: Catalogue, current: Mapping[Key, Sample], device: str | None, now_ms: int, seq: int, bd_seq: int
) -> Payload:
    """NBIRTH (device None) or DBIRTH: every metric with name, alias, type, value, and what is said of it.

    What is not known is null and stale. Metrics stand in the order of their times.
    """
    metrics = [
        _born(definition, current.get(key), catalogue.aliases[key], now_ms)
        for key, definition in catalogue.definitions.items()
        if key[0] == device
    ]
    if device is None:
        alias = catalogue.aliases[None, BD_SEQ]
        metrics.append(Metric(BD_SEQ, alias, now_ms, DataType.INT64, bd_seq))
        metrics.append(Metric(NODE_REBIRTH, None, now_ms, DataType.BOOLEAN, value=False))
    else:
        alias = catalogue.aliases[device, DEVICE_REBIRTH]
        metrics.append(Metric(DEVICE_REBIRTH, alias, now_ms, DataType.BOOLEAN, value=False))
    return Payload(now_ms, seq, tuple(sorted(metrics, key=_time)))


def data(
    catalogue: Catalogue,
    samples: Iterable[Sample],
    now_ms: int,
    seq: int,
    *,
    historical: frozenset[int],
    with_quality: frozenset[int],
) -> Payload:
    """NDATA or DDATA of samples of one device, in the order of their times; the two sets hold their places."""
    metrics = [
        Metric(
            None,
            catalogue.aliases[sample.device, sample.name],
            sample.time_ms,
            catalogue.definitions[sample.device, sample.name].datatype,
            sample.value,
            is_historical=place in historical,
            declared=False,
            properties=_quality(sample.quality) if place in with_quality else {},
        )
        for place, sample in enumerate(samples)
    ]
    return Payload(now_ms, seq, tuple(sorted(metrics, key=_time)))


def _born(definition: Definition, sample: Sample | None, alias: int, now_ms: int) -> Metric:
    if sample is None:
        known = definition.initial is not None
        sample = Sample(
            None, definition.name, definition.initial, now_ms, QualityCode.GOOD if known else QualityCode.STALE
        )
    said = {**_quality(sample.quality), **definition.properties()}
    return Metric(definition.name, alias, sample.time_ms, definition.datatype, sample.value, properties=said)


def _quality(code: QualityCode) -> dict[str, Property]:
    return {"Quality": Property(DataType.INT32, int(code))}


def _time(metric: Metric) -> int:
    return metric.timestamp_ms or 0

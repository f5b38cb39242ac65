"""A Sparkplug B payload as immutable values, to and from its bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from google.protobuf.message import DecodeError

from controller.telemetry.sparkplug.datatypes import FIELD_OF, OPAQUE, DataType, Scalar, Value, from_wire, to_wire
from controller.telemetry.sparkplug.errors import PayloadDamaged, ValueRefused
from controller.telemetry.sparkplug.wire import PayloadMessage


class QualityCode(IntEnum):
    """The only codes of the property `Quality` (6.4.6)."""

    BAD = 0
    GOOD = 192
    STALE = 500


@dataclass(frozen=True, slots=True)
class Property:
    """Something said about a metric, as its engineering unit or its quality."""

    type: DataType
    value: Value


@dataclass(frozen=True, slots=True)
class Metric:
    """One value. `name` or `alias` tell which; `timestamp_ms` is UTC; a value of None is null.

    `datatype` is needed to write a value, and is sent only where `declared`: births say it, data do not.
    """

    name: str | None = None
    alias: int | None = None
    timestamp_ms: int | None = None
    datatype: DataType = DataType.UNKNOWN
    value: Value = None
    is_historical: bool = False
    declared: bool = True
    properties: Mapping[str, Property] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payload:
    """What one message carries. `seq` counts 0 to 255 over a node's messages; a death and commands have none."""

    timestamp_ms: int | None = None
    seq: int | None = None
    metrics: tuple[Metric, ...] = ()


def encode(payload: Payload) -> bytes:
    """The bytes of a payload; raises ValueRefused for a value that its datatype cannot hold."""
    message = PayloadMessage()
    if payload.timestamp_ms is not None:
        message.timestamp = payload.timestamp_ms
    if payload.seq is not None:
        message.seq = payload.seq
    for metric in payload.metrics:
        _write(message.metrics.add(), metric)
    return bytes(message.SerializeToString())


def decode(data: bytes, datatype_of: Callable[[int | str], DataType] | None = None) -> Payload:
    """The payload of some bytes; raises PayloadDamaged if they are none.

    `datatype_of` says what an alias or a name was declared as; without it a value of undeclared type stays as it was
    sent (a negative number as its complement). Fields that this version does not know are passed over.
    """
    message = PayloadMessage()
    try:
        message.ParseFromString(data)
        metrics = tuple(_read(metric, datatype_of) for metric in message.metrics)
    except (DecodeError, UnicodeDecodeError) as error:
        raise PayloadDamaged(f"{len(data)} bytes are no Sparkplug B payload") from error
    return Payload(_given(message, "timestamp"), _given(message, "seq"), metrics)


def _write(into: Any, metric: Metric) -> None:
    if metric.name is not None:
        into.name = metric.name
    if metric.alias is not None:
        into.alias = metric.alias
    if metric.timestamp_ms is not None:
        into.timestamp = metric.timestamp_ms
    if metric.declared:
        into.datatype = metric.datatype
    if metric.is_historical:
        into.is_historical = True
    for name, attribute in metric.properties.items():
        into.properties.keys.append(name)
        value = into.properties.values.add()
        value.type = attribute.type
        _put(value, attribute.type, attribute.value)
    _put(into, metric.datatype, metric.value)


def _put(into: Any, kind: DataType, value: Value) -> None:
    if value is None:
        into.is_null = True
        return
    place = FIELD_OF.get(kind)
    if place is None or kind in OPAQUE or place not in into.DESCRIPTOR.fields_by_name:
        raise ValueRefused(f"{kind.name} cannot be written here")
    setattr(into, place, to_wire(kind, value))


def _read(metric: Any, datatype_of: Callable[[int | str], DataType] | None) -> Metric:
    name, alias = _given(metric, "name"), _given(metric, "alias")
    kind, declared = _kind(metric.datatype), metric.HasField("datatype")
    key = alias if alias is not None else name
    if not declared and datatype_of is not None and key is not None:
        kind = datatype_of(key)
    if len(metric.properties.keys) != len(metric.properties.values):
        raise PayloadDamaged("a property set has not as many values as keys")
    properties = {
        key: Property(_kind(one.type), _value(one, _kind(one.type)))
        for key, one in zip(metric.properties.keys, metric.properties.values, strict=True)
    }
    value = _value(metric, kind)
    return Metric(name, alias, _given(metric, "timestamp"), kind, value, metric.is_historical, declared, properties)


def _value(message: Any, kind: DataType) -> Value:
    place = message.WhichOneof("value")
    if place is None or message.is_null:
        return None
    raw: Any = getattr(message, place)
    if not isinstance(raw, Scalar):
        return bytes(raw.SerializeToString())
    if kind is DataType.UNKNOWN:
        return raw
    if FIELD_OF[kind] != place:
        raise PayloadDamaged(f"a {kind.name} stands in {place}")
    return from_wire(kind, raw)


def _kind(number: int) -> DataType:
    try:
        return DataType(number)
    except ValueError as error:
        raise PayloadDamaged(f"{number} is no datatype") from error


def _given(message: Any, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None

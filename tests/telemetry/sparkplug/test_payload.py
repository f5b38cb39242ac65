"""The payload's bytes, read and written by a library that is not ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pysparkplug
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pysparkplug._protobuf import sparkplug_b_pb2

from controller.telemetry.sparkplug.datatypes import FIELD_OF, OPAQUE, DataType, Scalar, Value, from_wire, to_wire
from controller.telemetry.sparkplug.errors import PayloadDamaged, ValueRefused
from controller.telemetry.sparkplug.payload import Metric, Payload, Property, QualityCode, decode, encode
from controller.telemetry.sparkplug.samples import Sample, pack, unpack
from controller.telemetry.sparkplug.wire import PayloadMessage

NOW_MS = 1_800_000_000_123
INTEGERS = {DataType.INT8: (-128, 127), DataType.INT16: (-(2**15), 2**15 - 1), DataType.INT32: (-(2**31), 2**31 - 1)}
INTEGERS |= {DataType.INT64: (-(2**63), 2**63 - 1), DataType.UINT8: (0, 255), DataType.UINT16: (0, 2**16 - 1)}
INTEGERS |= {DataType.UINT32: (0, 2**32 - 1), DataType.UINT64: (0, 2**64 - 1)}
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def _values() -> dict[DataType, st.SearchStrategy[Any]]:
    singles: dict[DataType, st.SearchStrategy[Any]] = {
        kind: st.integers(low, high) for kind, (low, high) in INTEGERS.items()
    }
    singles |= {
        DataType.FLOAT: st.floats(width=32, allow_nan=False),
        DataType.DOUBLE: st.floats(allow_nan=False),
        DataType.BOOLEAN: st.booleans(),
        DataType.STRING: TEXT,
        DataType.TEXT: TEXT,
        DataType.UUID: st.uuids().map(str),
        DataType.BYTES: st.binary(),
        DataType.FILE: st.binary(),
        DataType.DATETIME: st.integers(0, 4_000_000_000_000),
    }
    several = {DataType[f"{kind.name}_ARRAY"]: singles[kind] for kind in (*INTEGERS, DataType.FLOAT, DataType.DOUBLE)}
    several[DataType.BOOLEAN_ARRAY] = st.booleans()
    several[DataType.STRING_ARRAY] = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    several[DataType.DATETIME_ARRAY] = singles[DataType.DATETIME]
    return singles | {kind: st.lists(each, max_size=20).map(tuple) for kind, each in several.items()}


VALUES = _values()
ANY_VALUE = st.sampled_from(list(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind] | st.none()))


def _as_foreign(kind: DataType, value: Value) -> Any:
    """Their times are objects of datetime; ours are milliseconds."""

    def moment(ms: Any) -> datetime:
        return datetime.fromtimestamp(ms * 1e-3, tz=UTC)

    if kind is DataType.DATETIME and value is not None:
        return moment(value)
    if kind is DataType.DATETIME_ARRAY and isinstance(value, tuple):
        return tuple(datetime.fromtimestamp(ms / 1000, UTC) for ms in value if isinstance(ms, int))
    return value


@given(ANY_VALUE, st.integers(0, 255), st.booleans())
def test_a_foreign_library_reads_every_value_that_we_write(
    typed: tuple[DataType, Value], seq: int, historical: bool
) -> None:
    kind, value = typed
    written = encode(Payload(NOW_MS, seq, (Metric("Folder/One", 7, NOW_MS, kind, value, historical),)))
    read = pysparkplug.NBirth.decode(written)
    assert (read.timestamp, read.seq) == (NOW_MS, seq)
    [metric] = read.metrics
    assert (metric.name, metric.alias, metric.timestamp) == ("Folder/One", 7, NOW_MS)
    assert (int(metric.datatype), metric.is_historical, metric.is_null) == (int(kind), historical, value is None)
    assert metric.value == _as_foreign(kind, value)


@given(ANY_VALUE, st.integers(0, 255))
def test_we_read_every_value_that_a_foreign_library_writes(typed: tuple[DataType, Value], seq: int) -> None:
    kind, value = typed
    assume((kind, value) != (DataType.STRING_ARRAY, ()))  # theirs writes it as one empty string
    foreign: Any = _as_foreign(kind, value)
    sent = pysparkplug.Metric(NOW_MS, "Folder/One", pysparkplug.DataType(kind), value=foreign, alias=7)
    read = decode(pysparkplug.DBirth(timestamp=NOW_MS, seq=seq, metrics=(sent,)).encode())
    [metric] = read.metrics
    assert (read.timestamp_ms, read.seq, metric.name, metric.alias, metric.datatype) == (
        NOW_MS,
        seq,
        "Folder/One",
        7,
        kind,
    )
    times = {DataType.DATETIME, DataType.DATETIME_ARRAY}  # theirs goes through a float of seconds
    assert metric.value == value if kind not in times else metric.value is None or _near(metric.value, value)


def _near(ours: Any, sent: Any) -> bool:
    pairs = zip(ours, sent, strict=True) if isinstance(ours, tuple) else [(ours, sent)]
    return all(abs(one - other) <= 1 for one, other in pairs)


@given(ANY_VALUE)
def test_what_is_written_is_read_again(typed: tuple[DataType, Value]) -> None:
    kind, value = typed
    said = {"Quality": Property(DataType.INT32, 500), "engUnit": Property(DataType.STRING, "kN")}
    payload = Payload(NOW_MS, 255, (Metric("a", 1, NOW_MS, kind, value, is_historical=True, properties=said),))
    assert decode(encode(payload)) == payload
    bare = Payload(NOW_MS, 0, (Metric(None, 1, NOW_MS, kind, value, declared=False),))
    assert decode(encode(bare), lambda alias: {1: kind}[int(alias)]) == bare


@given(st.binary())
def test_damaged_bytes_are_refused_or_read_and_nothing_else(data: bytes) -> None:
    try:
        read = decode(data)
    except PayloadDamaged:
        return
    assert isinstance(read, Payload)


def test_our_messages_have_the_fields_of_the_published_definition() -> None:
    """Names, numbers, types and labels of every message, against the descriptor of a foreign package."""

    def fields(descriptor: Any, seen: dict[str, Any]) -> dict[str, Any]:
        if descriptor.name not in seen:
            seen[descriptor.name] = {
                field.number: (field.name, field.type, field.is_repeated, (field.message_type or descriptor).name)
                for field in descriptor.fields
                if field.name != "extension_value"
            }
            for field in descriptor.fields:
                if field.message_type is not None and field.name != "extension_value":
                    fields(field.message_type, seen)
        return seen

    assert fields(PayloadMessage.DESCRIPTOR, {}) == fields(sparkplug_b_pb2.Payload.DESCRIPTOR, {})  # type: ignore[attr-defined]  # made when loaded


def test_the_datatypes_have_their_published_numbers() -> None:
    assert {kind.name.replace("_", ""): kind.value for kind in DataType} == {
        kind.name.replace("_", ""): kind.value for kind in pysparkplug.DataType
    }


GOLDEN: dict[DataType, tuple[tuple[Scalar, ...], str]] = {
    DataType.INT8_ARRAY: ((-23, 123), "e9 7b"),
    DataType.INT16_ARRAY: ((-30000, 30000), "d0 8a 30 75"),
    DataType.INT32_ARRAY: ((123456789, 987654321), "15 cd 5b 07 b1 68 de 3a"),
    DataType.UINT32_ARRAY: ((52, 3293969225), "34 00 00 00 49 fb 55 c4"),
    DataType.FLOAT_ARRAY: ((1.5,), "00 00 c0 3f"),
    DataType.BOOLEAN_ARRAY: (
        (False, False, True, True, False, True, False, False, True, True, False, True),
        "0c 00 00 00 34 d0",
    ),
    DataType.STRING_ARRAY: (("ABC", "hello"), "41 42 43 00 68 65 6c 6c 6f 00"),
    DataType.DATETIME_ARRAY: ((1256102875335,), "c7 d0 90 75 24 01 00 00"),
}


@pytest.mark.parametrize("kind", GOLDEN)
def test_arrays_are_packed_little_endian(kind: DataType) -> None:
    values, written = GOLDEN[kind]
    assert to_wire(kind, values) == bytes.fromhex(written)
    assert from_wire(kind, bytes.fromhex(written)) == values


@pytest.mark.parametrize(
    ("kind", "raw"), [(DataType.INT8, 0xFFFFFFFF), (DataType.INT8, 0xFF), (DataType.INT16, 0xFFFF)]
)
def test_a_negative_number_is_read_in_either_habit(kind: DataType, raw: int) -> None:
    assert from_wire(kind, raw) == -1


@pytest.mark.parametrize(
    ("kind", "value"), [(DataType.INT8, 255), (DataType.INT32, 2**32 - 1), (DataType.INT64, 2**64 - 1)]
)
def test_a_negative_number_is_the_complement_of_its_own_width(kind: DataType, value: int) -> None:
    assert to_wire(kind, -1) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((kind, low - 1) for kind, (low, _) in INTEGERS.items()),
        *((kind, high + 1) for kind, (_, high) in INTEGERS.items()),
        (DataType.FLOAT, 1e39),
        (DataType.BOOLEAN, 1),
        (DataType.UINT8, True),
        (DataType.DOUBLE, "1"),
        (DataType.STRING, "\ud800"),
        (DataType.STRING_ARRAY, ("a\0b",)),
        (DataType.INT8_ARRAY, (200,)),
        (DataType.BYTES, "text"),
        (DataType.UNKNOWN, 1),
    ],
)
def test_what_a_datatype_cannot_hold_is_refused(kind: DataType, value: Any) -> None:
    with pytest.raises(ValueRefused):
        to_wire(kind, value)


@pytest.mark.parametrize("kind", OPAQUE)
def test_what_is_not_published_is_read_as_bytes_and_never_written(kind: DataType) -> None:
    message = PayloadMessage()
    metric = message.metrics.add(name="x", datatype=kind)
    if kind is DataType.DATASET:
        metric.dataset_value.num_of_columns = 1
    elif kind is DataType.TEMPLATE:
        metric.template_value.version = "1"
    else:
        metric.string_value = "no such field"
        with pytest.raises(PayloadDamaged):
            decode(message.SerializeToString())
        return
    assert isinstance(decode(message.SerializeToString()).metrics[0].value, bytes)
    with pytest.raises(ValueRefused):
        encode(Payload(metrics=(Metric("x", datatype=kind, value=b""),)))


def test_a_value_in_the_wrong_field_and_an_unknown_datatype_are_damage() -> None:
    message = PayloadMessage()
    message.metrics.add(name="x", datatype=DataType.INT32, string_value="1")
    with pytest.raises(PayloadDamaged, match="INT32 stands in string_value"):
        decode(message.SerializeToString())
    message.metrics[0].datatype = 99
    with pytest.raises(PayloadDamaged, match="99 is no datatype"):
        decode(message.SerializeToString())
    uneven = PayloadMessage()
    uneven.metrics.add(name="x").properties.keys.append("engUnit")
    with pytest.raises(PayloadDamaged, match="as many values as keys"):
        decode(uneven.SerializeToString())


def test_null_is_null_whatever_stands_beside_it() -> None:
    message = PayloadMessage()
    message.metrics.add(name="x", datatype=DataType.INT32, is_null=True, int_value=1)
    assert decode(message.SerializeToString()).metrics[0].value is None


def test_every_datatype_but_unknown_has_its_field() -> None:
    assert set(DataType) - set(FIELD_OF) == {DataType.UNKNOWN}


def test_samples_survive_the_outbox() -> None:
    kept = (
        Sample("press", "a", 1.5, NOW_MS),
        Sample(None, "b", None, NOW_MS, QualityCode.BAD),
        Sample("p", "c", True, 0),
    )
    assert unpack(pack(kept)) == kept
    for damaged in (b"", b"[1]", b'[["a","b",1,2,7]]', b"\xff"):
        with pytest.raises(PayloadDamaged):
            unpack(damaged)

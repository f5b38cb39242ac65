"""The datatypes of Sparkplug B: numbers, the field that carries each, and values to and from that field."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final

from controller.telemetry.sparkplug.errors import PayloadDamaged, ValueRefused

Scalar = bool | int | float | str | bytes
Value = Scalar | tuple[Scalar, ...] | None
"""None is null. DateTime is whole milliseconds since 1970 in UTC; an array is a tuple."""


class DataType(IntEnum):
    """Numbers of the specification (6.4.16)."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    DATASET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19
    PROPERTY_SET = 20
    PROPERTY_SET_LIST = 21
    INT8_ARRAY = 22
    INT16_ARRAY = 23
    INT32_ARRAY = 24
    INT64_ARRAY = 25
    UINT8_ARRAY = 26
    UINT16_ARRAY = 27
    UINT32_ARRAY = 28
    UINT64_ARRAY = 29
    FLOAT_ARRAY = 30
    DOUBLE_ARRAY = 31
    BOOLEAN_ARRAY = 32
    STRING_ARRAY = 33
    DATETIME_ARRAY = 34


_BITS: Final[Mapping[DataType, int]] = {
    **dict(zip((DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64), (8, 16, 32, 64), strict=True)),
    **dict(zip((DataType.UINT8, DataType.UINT16, DataType.UINT32, DataType.UINT64), (8, 16, 32, 64), strict=True)),
    DataType.DATETIME: 64,
}
_SIGNED: Final = frozenset({DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64})
_TEXTS: Final = frozenset({DataType.STRING, DataType.TEXT, DataType.UUID})
_BYTES: Final = frozenset({DataType.BYTES, DataType.FILE})
OPAQUE: Final[Mapping[DataType, str]] = {
    DataType.DATASET: "dataset_value",
    DataType.TEMPLATE: "template_value",
    DataType.PROPERTY_SET: "propertyset_value",
    DataType.PROPERTY_SET_LIST: "propertysets_value",
}
"""What a line neither publishes nor obeys: read as its bytes, never written."""
_ARRAY_CODES: Final[Mapping[DataType, str]] = dict(
    zip(
        (
            *(DataType.INT8_ARRAY, DataType.INT16_ARRAY, DataType.INT32_ARRAY, DataType.INT64_ARRAY),
            *(DataType.UINT8_ARRAY, DataType.UINT16_ARRAY, DataType.UINT32_ARRAY, DataType.UINT64_ARRAY),
            *(DataType.FLOAT_ARRAY, DataType.DOUBLE_ARRAY, DataType.DATETIME_ARRAY),
        ),
        "bhiqBHIQfdQ",
        strict=True,
    )
)
"""struct's letters. All little-endian, as the specification says; its examples of floats are printed the other way."""

FIELD_OF: Final[Mapping[DataType, str]] = {
    **{kind: "int_value" if bits <= 32 else "long_value" for kind, bits in _BITS.items()},
    DataType.FLOAT: "float_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
    **dict.fromkeys(_TEXTS, "string_value"),
    **dict.fromkeys(_BYTES, "bytes_value"),
    **dict.fromkeys((*_ARRAY_CODES, DataType.BOOLEAN_ARRAY, DataType.STRING_ARRAY), "bytes_value"),
    **OPAQUE,
}
"""The protobuf field of each datatype. Arrays are packed into bytes."""


def to_wire(kind: DataType, value: Scalar | tuple[Scalar, ...]) -> Scalar:
    """What goes into `FIELD_OF[kind]`; raises ValueRefused if the datatype cannot hold the value.

    A negative number is two's complement of its own width: -1 as Int8 is 255, which receivers of either habit read.
    """
    if kind in _BITS and isinstance(value, int) and not isinstance(value, bool):
        return _unsigned(kind, value)
    if kind in (DataType.FLOAT, DataType.DOUBLE) and isinstance(value, int | float) and not isinstance(value, bool):
        return _floating(kind, value)
    if (kind is DataType.BOOLEAN and isinstance(value, bool)) or (kind in _BYTES and isinstance(value, bytes)):
        return value
    if isinstance(value, tuple):
        return _packed(kind, value)
    if kind in _TEXTS and isinstance(value, str):
        return _text(value)
    raise ValueRefused(f"{value!r} is no {kind.name}")


def from_wire(kind: DataType, raw: Scalar) -> Scalar | tuple[Scalar, ...]:
    """The value of what stands in `FIELD_OF[kind]`; raises PayloadDamaged if the datatype has no such value."""
    if kind in _BITS and isinstance(raw, int):
        bits = _BITS[kind]
        number = raw & (1 << bits) - 1  # some senders extend the sign to 32 bits
        return number - (1 << bits) if kind in _SIGNED and number >> bits - 1 else number
    if isinstance(raw, bytes):
        return _unpacked(kind, raw)
    return raw


def _unsigned(kind: DataType, value: int) -> int:
    bits = _BITS[kind]
    low = -(1 << bits - 1) if kind in _SIGNED else 0
    if not low <= value < low + (1 << bits):
        raise ValueRefused(f"{value} is beyond {kind.name}")
    return value & (1 << bits) - 1


def _floating(kind: DataType, value: float) -> float:
    try:
        struct.pack("<f" if kind is DataType.FLOAT else "<d", value)
    except (OverflowError, struct.error) as error:
        raise ValueRefused(f"{value} is beyond {kind.name}") from error
    return float(value)


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueRefused(f"{value!r} is no UTF-8") from error
    return value


def _packed(kind: DataType, values: Sequence[Scalar]) -> bytes:
    try:
        if kind is DataType.BOOLEAN_ARRAY and all(isinstance(value, bool) for value in values):
            bits = "".join("1" if value else "0" for value in values)
            return struct.pack("<I", len(values)) + bytes(
                int(bits[start : start + 8].ljust(8, "0"), 2) for start in range(0, len(bits), 8)
            )
        if kind is DataType.STRING_ARRAY:
            return b"".join(_terminated(value) for value in values)
        return struct.pack(f"<{len(values)}{_ARRAY_CODES[kind]}", *values)
    except (KeyError, struct.error, OverflowError) as error:
        raise ValueRefused(f"{tuple(values)!r} is no {kind.name}") from error


def _terminated(value: Scalar) -> bytes:
    if not isinstance(value, str) or "\0" in value:
        raise ValueRefused(f"{value!r} cannot stand in an array of strings")
    return _text(value).encode() + b"\0"


def _unpacked(kind: DataType, raw: bytes) -> Scalar | tuple[Scalar, ...]:
    if kind in _BYTES or kind in OPAQUE or kind is DataType.UNKNOWN:
        return raw
    if kind is DataType.BOOLEAN_ARRAY:
        count = int.from_bytes(raw[:4], "little")
        if len(raw) != 4 + math.ceil(count / 8):
            raise PayloadDamaged("an array of booleans is not as long as it says")
        return tuple(bool(raw[4 + place // 8] >> (7 - place % 8) & 1) for place in range(count))
    if kind is DataType.STRING_ARRAY:
        if raw and not raw.endswith(b"\0"):
            raise PayloadDamaged("an array of strings does not end with its terminator")
        try:
            return tuple(text.decode() for text in raw.split(b"\0")[:-1])
        except UnicodeDecodeError as error:
            raise PayloadDamaged("an array of strings is no UTF-8") from error
    code = _ARRAY_CODES.get(kind)
    if code is None or len(raw) % struct.calcsize(f"<{code}"):
        raise PayloadDamaged(f"{len(raw)} bytes are no {kind.name}")
    return struct.unpack(f"<{len(raw) // struct.calcsize(f'<{code}')}{code}", raw)

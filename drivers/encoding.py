"""Values of signals as Modbus registers (or coils), and back: type, scale and offset, word and byte order.

Drivers and simulators share it; the register documents and golden frames in the tests are typed apart from it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any

from drivers.errors import OutOfRange
from drivers.profile import Signal
from drivers.wording import apart

_FORMATS: Mapping[str, str] = {
    "bool": "H",
    "uint16": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "float32": "f",
    "float64": "d",
}
INTEGER_LIMITS: Mapping[str, tuple[int, int]] = {
    "bool": (0, 1),
    "uint16": (0, 0xFFFF),
    "int16": (-0x8000, 0x7FFF),
    "uint32": (0, 0xFFFFFFFF),
    "int32": (-0x80000000, 0x7FFFFFFF),
}
_FLOAT32_MAX = 3.4028234663852886e38

Value = float | int
Raw = Callable[[Sequence[int]], Any]


def type_limits(kind: str, scale: float = 1.0, offset: float = 0.0) -> tuple[float, float]:
    """The least and the greatest value that a Modbus type reaches with this scale and offset."""
    if kind in INTEGER_LIMITS:
        ends = [_scaled(raw, *_ratios(scale, offset)) for raw in INTEGER_LIMITS[kind]]
    else:
        most = _FLOAT32_MAX if kind == "float32" else float("inf")
        ends = [-most * scale + offset, most * scale + offset]
    return min(ends), max(ends)


def check_setpoint(signal: Signal, value: float) -> None:
    """Raises OutOfRange unless `value` is a number within the signal's limits."""
    if not math.isfinite(value):
        raise OutOfRange(f"{signal.name} = {value} is not a number")
    if signal.integer and value != int(value):
        raise OutOfRange(f"{signal.name} = {value} must be a whole number")
    if signal.limits is not None and not signal.limits[0] <= value <= signal.limits[1]:
        low, high = signal.limits
        raise OutOfRange(
            f"{signal.name} = {apart(value, low, high)} {signal.unit} is outside"
            f" {low:g} to {high:g} {signal.unit}".rstrip()
        )


def encode_value(signal: Signal, value: float) -> list[int]:
    """Registers of one value, an integer type rounded to its nearest step.

    Raises OutOfRange where the type cannot hold the value.
    """
    try:
        raw = _to_raw(signal, value)
        packed = struct.pack(">" + _FORMATS[signal.type], raw)
    except (struct.error, OverflowError, ValueError) as error:
        raise OutOfRange(f"{signal.name} = {value:g} does not fit into {signal.type}") from error
    if signal.type == "bool" and raw > 1:
        raise OutOfRange(f"{signal.name} = {value:g} is neither 0 nor 1")
    words = [int.from_bytes(packed[i : i + 2], "big") for i in range(0, len(packed), 2)]
    return _reordered(signal, words)


def decode_value(signal: Signal, words: Sequence[int]) -> Value:
    """One value of its registers; a float may be NaN or infinite."""
    value: Value = decoder_of(signal, 0)(words)
    return value


def decoder_of(signal: Signal, offset: int) -> Callable[[Sequence[int]], Value]:
    """A function that takes one signal out of a block's registers; made once, called at every look."""
    raw, convert = _raw_decoder(signal, offset), _scaling(signal)
    if convert is None:
        return raw
    return lambda registers: convert(raw(registers))


def block_decoder(signals: Sequence[Signal], start: int, count: int) -> Callable[[Sequence[int]], list[Value]]:
    """A function that takes all `signals` out of a block of `count` registers from address `start`.

    One unpack serves whatever stands in the registers as it is. The signals come by address and do not overlap. The
    function raises struct.error for another number of registers.
    """
    layout, position = ">", 0
    scaled: list[tuple[int, Callable[[Value], Value]]] = []
    reordered: list[tuple[int, Callable[[Sequence[int]], Value]]] = []
    for index, signal in enumerate(signals):
        offset = (signal.address or 0) - start
        layout += f"{2 * (offset - position)}x"
        position = offset + signal.words
        if _bytes_are_swapped(signal) or (signal.words > 1 and signal.word_order == "little"):
            layout += f"H{2 * signal.words - 2}x"
            reordered.append((index, decoder_of(signal, offset)))
        else:
            layout += _FORMATS[signal.type]
            if (convert := _scaling(signal)) is not None:
                scaled.append((index, convert))
    to_bytes = struct.Struct(f">{count}H").pack
    from_bytes = struct.Struct(layout + f"{2 * (count - position)}x").unpack

    def decode(registers: Sequence[int]) -> list[Value]:
        values: list[Value] = list(from_bytes(to_bytes(*registers)))
        for index, convert in scaled:
            values[index] = convert(values[index])
        for index, take in reordered:
            values[index] = take(registers)
        return values

    return decode


def encoder_of(signals: Iterable[Signal], start: int, count: int) -> Callable[[Mapping[str, float]], list[int]]:
    """A function that lays tags out as `count` registers from address `start`: one pack for the whole block.

    Registers without a signal are 0. Counters wrap, as they do in a controller; a tag that is missing reads as raw 0.
    """
    ordered = sorted(signals, key=lambda s: s.address or 0)
    layout, position = ">", 0
    places = list(range(count))
    swapped: list[int] = []
    for signal in ordered:
        offset = (signal.address or 0) - start
        layout += f"{2 * (offset - position)}x{_FORMATS[signal.type]}"
        position = offset + signal.words
        if signal.word_order == "little":
            places[offset:position] = reversed(places[offset:position])
        if _bytes_are_swapped(signal):
            swapped += range(offset, position)
    pack = struct.Struct(layout + f"{2 * (count - position)}x").pack
    words = struct.Struct(f">{count}H").unpack
    raws = [(s.name, _wrapping(s)) for s in ordered]
    names = [s.name for s in ordered]
    is_raw = all(s.scale == 1 and s.offset == 0 and s.type != "bool" for s in ordered)
    plain = places == list(range(count))

    def packed(tags: Mapping[str, float]) -> bytes:
        if is_raw:
            try:
                return pack(*[tags[name] for name in names])
            except (KeyError, struct.error):
                pass  # a tag is missing, a counter is past its end, or a whole number is not an int: one by one then
        return pack(*[wrap(tags[name]) if name in tags else 0 for name, wrap in raws])

    def encode(tags: Mapping[str, float]) -> list[int]:
        registers = words(packed(tags))
        laid = list(registers) if plain else [registers[i] for i in places]
        for i in swapped:
            laid[i] = _bytes_swapped(laid[i])
        return laid

    return encode


def _raw_decoder(signal: Signal, offset: int) -> Raw:
    """The number in the registers, before scale and offset."""
    plain = not _bytes_are_swapped(signal)
    if signal.words == 1 and plain:
        if signal.type != "int16":
            return itemgetter(offset)
        return lambda registers: (registers[offset] ^ 0x8000) - 0x8000
    order = list(range(offset, offset + signal.words))
    if signal.word_order == "little":
        order.reverse()
    if signal.type == "uint32" and plain:
        high, low = order
        return lambda registers: registers[high] << 16 | registers[low]
    to_bytes = struct.Struct(f"{'>' if plain else '<'}{len(order)}H").pack
    from_bytes = struct.Struct(">" + _FORMATS[signal.type]).unpack
    if len(order) == 2:
        first, second = order
        return lambda registers: from_bytes(to_bytes(registers[first], registers[second]))[0]
    return lambda registers: from_bytes(to_bytes(*[registers[i] for i in order]))[0]


def _scaling(signal: Signal) -> Callable[[Value], Value] | None:
    """The value of a raw number; None where they are the same."""
    if signal.scale == 1 and signal.offset == 0:
        return None
    if signal.type not in INTEGER_LIMITS:
        scale, shift = signal.scale, signal.offset
        return lambda raw: raw * scale + shift
    factor, shift_by, divisor = _ratios(signal.scale, signal.offset)
    return lambda raw: (raw * factor + shift_by) / divisor


def _to_raw(signal: Signal, value: float) -> Value:
    if signal.type not in INTEGER_LIMITS:
        return value if signal.scale == 1 and signal.offset == 0 else (value - signal.offset) / signal.scale
    if signal.scale == 1 and signal.offset == 0:
        return int(value)
    factor, shift_by, divisor = _ratios(signal.scale, signal.offset)
    return round((value * divisor - shift_by) / factor)


def _wrapping(signal: Signal) -> Callable[[float], Value]:
    """The raw number of a tag; a counter past the end of an integer type goes on from its beginning."""
    if signal.type == "bool":
        return lambda value: int(bool(value))
    if signal.type not in INTEGER_LIMITS:
        return lambda value: _to_raw(signal, value)
    low, high = INTEGER_LIMITS[signal.type]
    whole = signal.scale == 1 and signal.offset == 0
    if low == 0 and whole:
        return lambda value: int(value) & high
    return lambda value: ((int(value) if whole else int(_to_raw(signal, value))) - low & (high - low)) + low


def _ratios(scale: float, offset: float) -> tuple[int, int, int]:
    """Factor, shift and divisor of the same step in whole numbers: 3 steps of 0.1 are then 0.3, not nearly 0.3."""
    scale_top, scale_bottom = Decimal(repr(scale)).as_integer_ratio()
    offset_top, offset_bottom = Decimal(repr(offset)).as_integer_ratio()
    return scale_top * offset_bottom, offset_top * scale_bottom, scale_bottom * offset_bottom


def _scaled(raw: int, factor: int, shift_by: int, divisor: int) -> float:
    return (raw * factor + shift_by) / divisor


def _reordered(signal: Signal, words: list[int]) -> list[int]:
    if _bytes_are_swapped(signal):
        words = [_bytes_swapped(word) for word in words]
    return words[::-1] if signal.word_order == "little" else words


def _bytes_are_swapped(signal: Signal) -> bool:
    return signal.byte_order == "little" and signal.type != "bool"  # a coil is no register and has no bytes


def _bytes_swapped(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8

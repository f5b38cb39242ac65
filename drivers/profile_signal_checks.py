"""What each signal of a profile must be, and where it may lie among the registers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from drivers.encoding import INTEGER_LIMITS, type_limits
from drivers.profile import REGISTER_TABLES, TEXT_TYPES, WORDS, WRITABLE_TABLES
from drivers.profile_kinds import HANDSHAKE, MACHINES
from drivers.profile_shape import ModbusShape, ProfileShape, SignalShape
from drivers.profile_yaml import Place
from drivers.units import unit_mistake, unit_of_name

Found = Iterator[tuple[Place, str]]
_LAST_ADDRESS = 0xFFFF
_WORD_BITS = 16
_COUNTED_FROM = (("holding", 40001), ("input", 30001), ("discrete", 10001))
"""Manuals that count from 1 put the table's digit in front: 40013 is the thirteenth holding register."""
_COUNTED = 9999
_MODBUS_KEYS = ("table", "address", "word_order", "byte_order", "poll")


def signal_mistakes(shape: ProfileShape) -> Found:
    """What is wrong with single signals, whatever the protocol."""
    for i, signal in enumerate(shape.signals):
        for key, text in (*_value(signal), *_ranges(shape, signal), *_words(shape, signal), *_echo(shape, signal)):
            yield ("signals", i, *key), text
        if (signal.type in TEXT_TYPES) != (shape.protocol == "ascii"):
            yield ("signals", i, "type"), f"{signal.type} does not belong to {shape.protocol}"
        if shape.protocol == "ascii":
            for name in _MODBUS_KEYS:
                if getattr(signal, name) is not None:
                    yield ("signals", i, name), "belongs to registers: a text line has its blocks"


def signal_advice(shape: ProfileShape) -> Found:
    """What is allowed in a signal and probably not meant."""
    for i, signal in enumerate(shape.signals):
        if signal.access == "w" and not _is_handshake(shape, signal):
            yield ("signals", i, "access"), "nobody can read back what was written"
        unit = unit_of_name(signal.name.removesuffix("_echo"))
        if unit is not None and unit != signal.unit:
            yield ("signals", i), f"{signal.name} is named as if it were in {unit}"
        if signal.access == "r" and signal.unit and signal.range is None and not _is_echo(shape, signal):
            yield ("signals", i), f"{signal.name} has no range: whatever is read is trusted"


def _value(signal: SignalShape) -> Found:
    if (text := unit_mistake(signal.unit)) is not None:
        yield ("unit",), text
    if signal.scale == 0:
        yield ("scale",), "must not be 0"
    if signal.type in ("bool", "text"):
        for key in ("unit", "range", "write_range", "accuracy", "bits"):
            if getattr(signal, key):
                yield (key,), f"a {signal.type} has no {key}"
    shifted = signal.scale != 1 or signal.offset != 0
    if shifted and (signal.enum or signal.bits or signal.type in ("bool", "text")):
        yield (), "words, bits and texts have neither scale nor offset"
    if shifted and signal.type in TEXT_TYPES and signal.access != "r":
        yield (), "a value that is written in a text line is sent as it is: no scale, no offset"


def _ranges(shape: ProfileShape, signal: SignalShape) -> Found:
    for key in ("range", "write_range"):
        limits = getattr(signal, key)
        if limits is None:
            continue
        if not limits[0] < limits[1]:
            yield (key,), "the lower limit must be below the upper"
        if signal.type in WORDS and signal.scale != 0:
            low, high = type_limits(signal.type, signal.scale, signal.offset)
            if min(limits) < low or max(limits) > high:
                yield (key,), f"{signal.type} with this scale and offset reaches {low:.9g} to {high:.9g} only"
    if signal.write_range is not None and signal.access == "r":
        yield ("write_range",), "can never be written: the access is r"
    trusted, written = signal.range, signal.write_range
    if signal.access == "rw" and trusted and written and not trusted[0] <= written[0] <= written[1] <= trusted[1]:
        yield ("write_range",), f"reaches past the range {trusted[0]:g} to {trusted[1]:g} that is trusted when read"
    free = signal.enum or signal.bits or signal.type in ("bool", "text") or _is_handshake(shape, signal)
    if signal.access != "r" and not free and trusted is None and written is None:
        yield (), "can be written without limit: range or write_range is missing"


def _words(shape: ProfileShape, signal: SignalShape) -> Found:
    """Enumerations and bits."""
    whole = signal.type in INTEGER_LIMITS or signal.type == "integer"
    if signal.enum is not None and signal.enum not in shape.enums and (signal.enum != "command" or not shape.commands):
        yield ("enum",), f"there is no enumeration {signal.enum}"
    if signal.enum is not None and not whole:
        yield ("enum",), f"a {signal.type} has no words"
    if signal.enum is not None and signal.type in INTEGER_LIMITS:
        low, high = INTEGER_LIMITS[signal.type]
        for word, number in shape.enums.get(signal.enum, {}).items():
            if not low <= number <= high:
                yield ("enum",), f"{word} is {number}, which {signal.type} does not reach"
    if not signal.bits:
        return
    if not whole:
        yield ("bits",), f"a {signal.type} has no bits"
    if signal.enum is not None:
        yield ("bits",), "a signal has words or bits, not both"
    wide = _WORD_BITS * WORDS.get(signal.type, 4)
    if whole and len(signal.bits) > wide:
        yield ("bits",), f"{len(signal.bits)} bits do not fit into the {wide} of {signal.type}"


def _echo(shape: ProfileShape, signal: SignalShape) -> Found:
    if signal.echo is None:
        return
    echo = next((s for s in shape.signals if s.name == signal.echo), None)
    if echo is None:
        yield ("echo",), f"there is no signal {signal.echo}"
    elif (echo.type, echo.unit, echo.scale, echo.offset) != (signal.type, signal.unit, signal.scale, signal.offset):
        yield ("echo",), f"{signal.echo} differs in type, unit, scale or offset"
    elif echo.access == "w":
        yield ("echo",), f"{signal.echo} cannot be read"
    if sum(s.echo == signal.echo for s in shape.signals) > 1:
        yield ("echo",), f"{signal.echo} cannot be the echo of two values"
    if signal.access == "r":
        yield ("access",), "a value of the job is written: access is rw or w"


def register_mistakes(shape: ProfileShape) -> Found:
    """What is wrong with the places of signals among registers and coils."""
    taken: dict[tuple[str, int], str] = {}
    modbus = shape.modbus or ModbusShape()
    for low, high in modbus.unreadable:
        if low > high:
            yield ("modbus", "unreadable"), f"{low} is above {high}"
    for i, signal in enumerate(shape.signals):
        if signal.table is None or signal.address is None:
            yield ("signals", i), "table and address are missing"
            continue
        for key, text in _place(signal, modbus):
            yield ("signals", i, key), text
        for word in range(WORDS.get(signal.type, 1)):
            other = taken.setdefault((signal.table, signal.address + word), signal.name)
            if other != signal.name:
                yield ("signals", i, "address"), f"overlaps {other}"
                break
    yield from _job_place(shape, modbus)
    if shape.kind in MACHINES:
        yield from _handshake_places(shape)


def register_advice(shape: ProfileShape) -> Found:
    """Addresses that look as if they were counted from 1; each table once, as all of it is counted alike."""
    told: set[str] = set()
    for i, signal in enumerate(shape.signals):
        if signal.table is None or signal.address is None or signal.table in told:
            continue
        for table, first in _COUNTED_FROM:
            alike = (table in REGISTER_TABLES) == (signal.table in REGISTER_TABLES)
            if alike and first <= signal.address < first + _COUNTED:
                told.add(signal.table)
                where = "" if table == signal.table else f" in the table {table}"
                counted = f"{str(first)[0]}xxxx"
                yield ("signals", i, "address"), f"counted as in {counted}? then it is {signal.address - first}{where}"


def _place(signal: SignalShape, modbus: ModbusShape) -> Iterator[tuple[str, str]]:
    words, address = WORDS.get(signal.type, 1), signal.address or 0
    registers = signal.table in REGISTER_TABLES
    if (signal.type == "bool") == registers:
        yield "type", f"a {signal.type} does not lie in the table {signal.table}"
    if signal.access != "r" and signal.table not in WRITABLE_TABLES:
        yield "access", f"the table {signal.table} cannot be written"
    if address + words - 1 > _LAST_ADDRESS:
        yield "address", f"reaches past the last address {_LAST_ADDRESS}"
    if signal.access == "w" and signal.poll:
        yield "poll", "what is only written cannot be polled"
    if signal.access != "w" and any(low <= address + words - 1 and address <= high for low, high in modbus.unreadable):
        yield "address", "lies where the map says that nothing can be read"
    if registers and signal.access != "w" and words > modbus.max_registers:
        yield "type", f"takes {words} registers, one request reads {modbus.max_registers}"
    if registers and signal.access != "r":
        if words > modbus.max_write:
            yield "type", f"takes {words} registers, one request writes {modbus.max_write}"
        elif words > 1 and modbus.write_with == 6:
            yield "type", f"takes {words} registers, function 6 writes one"


def _job_place(shape: ProfileShape, modbus: ModbusShape) -> Found:
    """One request writes the job: half a job must never be in a machine."""
    job = sorted(
        ((s.address or 0, WORDS.get(s.type, 1), i) for i, s in enumerate(shape.signals) if s.echo is not None),
    )
    for (address, words, _), (following, _, i) in pairwise(job):
        if address + words != following:
            yield ("signals", i, "address"), "the job's registers must be contiguous: one request writes them"
    if sum(words for _, words, _ in job) > modbus.max_write:
        yield ("modbus",), f"the job is longer than the {modbus.max_write} registers that one request writes"
    if job and modbus.write_with == 6:
        yield ("modbus", "write_with"), "function 6 writes one register, a job needs one request"


def _handshake_places(shape: ProfileShape) -> Found:
    places = {s.name: (i, s) for i, s in enumerate(shape.signals) if s.name in HANDSHAKE}
    for i, signal in places.values():
        if signal.type != "uint16" or signal.table != "holding" or signal.access == "r":
            yield ("signals", i), f"{signal.name} must be a uint16 in a holding register that can be written"
    for first, second in (("command_code", "command_sequence"), ("heartbeat_controller", "lease_request")):
        if first in places and second in places:
            (_, before), (i, after) = places[first], places[second]
            if after.address != (before.address or 0) + 1:
                yield ("signals", i, "address"), f"{second} must follow {first}: one request writes both"


def _is_handshake(shape: ProfileShape, signal: SignalShape) -> bool:
    """Whether the driver itself writes the signal; the names mean nothing in an instrument."""
    return shape.kind in MACHINES and signal.name in HANDSHAKE


def _is_echo(shape: ProfileShape, signal: SignalShape) -> bool:
    return any(s.echo == signal.name for s in shape.signals)

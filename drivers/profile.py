"""The declarative signal map of a controller model: names, addresses, types, units, limits, timing, enumerations.

`drivers.profile_file.load_profile` reads it. Drivers and simulators share the
encoding below; the register documents and golden frames in the tests are typed apart from it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from drivers.errors import OutOfRange

Table = Literal["input", "holding"]
Protocol = Literal["modbus", "ascii", "mt_sics"]
WORDS: Mapping[str, int] = {"uint16": 1, "int16": 1, "uint32": 2, "float32": 2}
_FORMATS: Mapping[str, str] = {"uint16": "H", "int16": "h", "uint32": "I", "float32": "f"}
_LIMITS: Mapping[str, tuple[int, int]] = {"uint16": (0, 0xFFFF), "int16": (-0x8000, 0x7FFF), "uint32": (0, 0xFFFFFFFF)}


@dataclass(frozen=True, slots=True)
class Signal:
    """One value of a machine.

    `range` is in `unit`: outside it a reading is bad and a setpoint is refused. `accuracy` is the data sheet's bound
    in `unit`. `echo` names the signal in which the machine repeats a job value. `table` and `address` are for Modbus.
    """

    name: str
    type: str
    meaning: str
    table: Table | None = None
    address: int | None = None
    access: Literal["r", "rw"] = "r"
    unit: str = ""
    range: tuple[float, float] | None = None
    accuracy: float | None = None
    enum: str | None = None
    bits: tuple[str, ...] = ()
    echo: str | None = None

    @property
    def words(self) -> int:
        """Registers that the value takes (Modbus types only)."""
        return WORDS[self.type]

    @property
    def integer(self) -> bool:
        return self.type not in ("float32", "decimal")


@dataclass(frozen=True, slots=True)
class Block:
    """Signals that one request reads. `poll` blocks are read at every poll, the others when asked for."""

    name: str
    signals: tuple[str, ...]
    table: Table | None = None
    address: int = 0
    count: int = 0
    poll: bool = True


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds on the event loop's clock; `reasons` says for each why. 0 where a protocol has no use for it."""

    response_timeout_s: float
    quiet_s: float
    acknowledge_timeout_s: float = 0.0
    heartbeat_period_s: float = 0.0
    watchdog_s: float = 0.0
    stale_after_s: float = 0.0
    decompression_s: float = 0.0
    poll_moving_s: float = 0.0
    poll_dwelling_s: float = 0.0
    poll_idle_s: float = 0.0
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """A controller model, checked: every name that is referred to exists, no two signals overlap."""

    name: str
    kind: str
    protocol: Protocol
    identity: Mapping[str, int | str]
    timing: Timing
    signals: Mapping[str, Signal]
    blocks: tuple[Block, ...] = ()
    enums: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    word_order: Literal["big", "little"] = "big"
    address: str = ""
    enum_words: Mapping[str, Mapping[int, str]] = field(init=False)
    bit_places: Mapping[str, tuple[str, int]] = field(init=False)
    block_of: Mapping[str, Block] = field(init=False)
    polled: tuple[Block, ...] = field(init=False)
    job: tuple[Signal, ...] = field(init=False)

    def __post_init__(self) -> None:
        words = {name: {number: word for word, number in table.items()} for name, table in self.enums.items()}
        places = {bit: (s.name, i) for s in self.signals.values() for i, bit in enumerate(s.bits)}
        job = sorted((s for s in self.signals.values() if s.echo), key=lambda s: s.address or 0)
        derived = {
            "enum_words": words,
            "bit_places": places,
            "block_of": {name: block for block in self.blocks for name in block.signals},
            "polled": tuple(block for block in self.blocks if block.poll),
            "job": tuple(job),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def block(self, name: str) -> Block:
        """The block called `name`; KeyError if there is none."""
        for block in self.blocks:
            if block.name == name:
                return block
        raise KeyError(name)

    def number(self, enum: str, word: str) -> int:
        """The number of a word of an enumeration; KeyError if it has none."""
        return self.enums[enum][word]

    def word(self, enum: str, number: int) -> str | None:
        """The word of a number of an enumeration; None for a number that the profile does not know."""
        return self.enum_words[enum].get(number)


def check_setpoint(signal: Signal, value: float) -> None:
    """Raises OutOfRange unless `value` is a number within the signal's range."""
    if not math.isfinite(value):
        raise OutOfRange(f"{signal.name} = {value} is not a number")
    if signal.integer and value != int(value):
        raise OutOfRange(f"{signal.name} = {value} must be a whole number")
    if signal.range is not None and not signal.range[0] <= value <= signal.range[1]:
        low, high = signal.range
        raise OutOfRange(
            f"{signal.name} = {value:g} {signal.unit} is outside {low:g} to {high:g} {signal.unit}".strip()
        )


def encode_value(signal: Signal, value: float, word_order: str) -> list[int]:
    """Registers of one value.

    Raises OutOfRange where the type cannot hold the value.
    """
    if signal.integer:
        low, high = _LIMITS[signal.type]
        if not low <= value <= high:
            raise OutOfRange(f"{signal.name} = {value:g} does not fit into {signal.type}")
        value = int(value)
    try:
        raw = struct.pack(">" + _FORMATS[signal.type], value)
    except (struct.error, OverflowError) as error:
        raise OutOfRange(f"{signal.name} = {value:g} does not fit into {signal.type}") from error
    words = [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]
    return words[::-1] if word_order == "little" else words


def decode_value(signal: Signal, words: Sequence[int], word_order: str) -> float | int:
    """One value of its registers; a float32 may be NaN or infinite."""
    if signal.type == "uint16":
        return words[0]
    ordered = words[::-1] if word_order == "little" else words
    raw = b"".join(word.to_bytes(2, "big") for word in ordered)
    value: float | int = struct.unpack(">" + _FORMATS[signal.type], raw)[0]
    return value


def decoder_of(signal: Signal, offset: int, word_order: str) -> Callable[[Sequence[int]], float | int]:
    """A function that takes one signal out of a block's registers; made once, called at every look."""
    if signal.type == "uint16":
        return lambda registers: registers[offset]
    first, second = (offset, offset + 1) if word_order == "big" else (offset + 1, offset)
    if signal.type == "uint32":
        return lambda registers: registers[first] << 16 | registers[second]
    if signal.type == "float32":
        to_bytes, from_bytes = struct.Struct(">HH").pack, struct.Struct(">f").unpack

        def float32(registers: Sequence[int]) -> float:
            value: float = from_bytes(to_bytes(registers[first], registers[second]))[0]
            return value

        return float32
    return lambda registers: (registers[offset] ^ 0x8000) - 0x8000


def encoder_of(
    signals: Iterable[Signal], start: int, count: int, word_order: str
) -> Callable[[Mapping[str, float]], list[int]]:
    """A function that lays tags out as `count` registers from address `start`: one pack for the whole block.

    Registers without a signal are 0. Counters wrap, as they do in a controller; a tag that is missing reads as 0.
    """
    ordered = sorted(signals, key=lambda s: s.address or 0)
    layout, names, position = ">", [], 0
    swap = list(range(count))
    for signal in ordered:
        offset = (signal.address or 0) - start
        layout += f"{2 * (offset - position)}x{_FORMATS[signal.type]}"
        mask = {"uint16": 0xFFFF, "uint32": 0xFFFFFFFF}.get(signal.type)
        names.append((signal.name, mask, signal.type == "int16"))
        position = offset + signal.words
        if word_order == "little" and signal.words == 2:
            swap[offset], swap[offset + 1] = offset + 1, offset
    pack = struct.Struct(layout + f"{2 * (count - position)}x").pack
    words = struct.Struct(f">{count}H").unpack
    plain = word_order == "big"

    def encode(tags: Mapping[str, float]) -> list[int]:
        values = [
            int(tags.get(name, 0)) & mask if mask else int(tags.get(name, 0)) if whole else tags.get(name, 0.0)
            for name, mask, whole in names
        ]
        registers = words(pack(*values))
        return list(registers) if plain else [registers[i] for i in swap]

    return encode

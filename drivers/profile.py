"""A controller model as data: its signals, how they are read together, its commands, times, enumerations and line.

`drivers.profile_file.load_profile` reads it from YAML and checks it; `drivers.encoding` lays values out as registers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Table = Literal["input", "holding", "coil", "discrete"]
Protocol = Literal["modbus", "ascii"]
Order = Literal["big", "little"]
Means = Literal["refused", "busy", "overload", "underload"]

WORDS: Mapping[str, int] = {
    "bool": 1,
    "uint16": 1,
    "int16": 1,
    "uint32": 2,
    "int32": 2,
    "float32": 2,
    "float64": 4,
}
"""Registers (or coils) that a value of each Modbus type takes."""
TEXT_TYPES = ("integer", "decimal", "scientific", "text")
"""Types of the values in an ASCII line."""
REGISTER_TABLES: tuple[Table, ...] = ("input", "holding")
WRITABLE_TABLES: tuple[Table, ...] = ("holding", "coil")
_INTEGERS = frozenset({"bool", "uint16", "int16", "uint32", "int32", "integer"})


@dataclass(frozen=True, slots=True)
class Signal:
    """One value of a machine: in `unit`, value = raw x `scale` + `offset`.

    Outside `range` a reading is bad; outside `write_range` (or `range`, where there is no other) a setpoint is refused.
    `accuracy` is the data sheet's bound in `unit`. `echo` names the signal in which the machine repeats a job value.
    `poll` signals are read at every poll, the others when asked for. Table, address and orders are for Modbus:
    `word_order` says which register of a value comes first, `byte_order` which byte of a register.
    """

    name: str
    type: str
    meaning: str
    table: Table | None = None
    address: int | None = None
    access: Literal["r", "rw", "w"] = "r"
    unit: str = ""
    range: tuple[float, float] | None = None
    write_range: tuple[float, float] | None = None
    accuracy: float | None = None
    enum: str | None = None
    bits: tuple[str, ...] = ()
    echo: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    word_order: Order = "big"
    byte_order: Order = "big"
    poll: bool = True

    @property
    def words(self) -> int:
        """Registers, or coils, that the value takes (Modbus types only)."""
        return WORDS[self.type]

    @property
    def integer(self) -> bool:
        """Whether every value is a whole number."""
        return self.type in _INTEGERS and self.scale == 1 and self.offset == 0

    @property
    def limits(self) -> tuple[float, float] | None:
        """What may be written, in `unit`."""
        return self.range if self.write_range is None else self.write_range


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
class ModbusMap:
    """What holds for all registers of a controller.

    At most `max_registers` are read and `max_write` written with one request; two signals are read together if at most
    `max_gap` unused registers lie between them, and never over an address of `unreadable` (first and last of each
    stretch, in every table). `write_with` is the function code that writes one register; `unit` the usual unit id.
    """

    word_order: Order = "big"
    byte_order: Order = "big"
    max_registers: int = 125
    max_gap: int = 16
    max_write: int = 123
    write_with: Literal[6, 16] = 16
    unit: int = 1
    unreadable: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class AsciiRequest:
    """What is sent and what a good answer looks like; `pair` is one of the parts that `separator` joins."""

    send: str
    reply: str
    separator: str = ""
    pair: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no value: what it means, and the code and sentence that a person is told."""

    reply: str
    means: Means
    code: int = 0
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class AsciiLine:
    """How a line of text is framed, and each request that the controller knows; None where it does not know it.

    `request` and `reply` wrap every body; the check characters are taken over what stands between `check_between`.
    """

    terminator: str = "\r\n"
    request: str = "{body}"
    reply: str = "{body}"
    check_kind: Literal["none", "xor", "sum8", "lrc", "crc16"] = "none"
    check_between: tuple[str, str] = ("", "")
    read: AsciiRequest | None = None
    write_job: AsciiRequest | None = None
    write: AsciiRequest | None = None
    command: AsciiRequest | None = None
    heartbeat: AsciiRequest | None = None
    identify: AsciiRequest | None = None
    actions: Mapping[str, AsciiRequest] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A numbered command. One that `lowers_risk` is never kept waiting by polls or by other commands."""

    name: str
    code: int
    lowers_risk: bool = False
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class SafeState:
    """How the machine is made safe: `command` brings it into one of `states` within the time that `within_s` names."""

    command: str
    states: tuple[str, ...]
    within_s: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds on the event loop's clock; `reasons` says for each why. 0 where a controller has no use for it."""

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
    """A controller model, checked: every name that is referred to exists, no two signals overlap.

    `modbus` is there for a Modbus controller, `line` for one that speaks lines of text. A machine has commands, an
    instrument has none. `enums` holds words and their numbers, the commands among them as "command".
    """

    name: str
    kind: str
    protocol: Protocol
    identity: Mapping[str, int | str]
    timing: Timing
    signals: Mapping[str, Signal]
    blocks: tuple[Block, ...] = ()
    enums: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    meaning: str = ""
    document: str = ""
    modbus: ModbusMap | None = None
    line: AsciiLine | None = None
    commands: Mapping[str, Command] = field(default_factory=dict)
    safe_state: SafeState | None = None
    without: Mapping[str, str] = field(default_factory=dict)
    enum_words: Mapping[str, Mapping[int, str]] = field(init=False)
    bit_places: Mapping[str, tuple[str, int]] = field(init=False)
    block_of: Mapping[str, Block] = field(init=False)
    polled: tuple[Block, ...] = field(init=False)
    job: tuple[Signal, ...] = field(init=False)
    safe_commands: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        codes = {"command": {c.name: c.code for c in self.commands.values()}} if self.commands else {}
        enums = {**self.enums, **codes}
        job = sorted((s for s in self.signals.values() if s.echo), key=lambda s: s.address or 0)
        derived = {
            "enums": enums,
            "enum_words": {name: {number: word for word, number in table.items()} for name, table in enums.items()},
            "bit_places": {bit: (s.name, i) for s in self.signals.values() for i, bit in enumerate(s.bits)},
            "block_of": {name: block for block in self.blocks for name in block.signals},
            "polled": tuple(block for block in self.blocks if block.poll),
            "job": tuple(job),
            "safe_commands": frozenset(c.name for c in self.commands.values() if c.lowers_risk),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    @property
    def is_machine(self) -> bool:
        """Whether it obeys commands; an instrument is only read and set."""
        return bool(self.commands)

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

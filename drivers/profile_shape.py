"""The shape of a profile's YAML file: every key with its type and meaning, as pydantic and JSON Schema know it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.profile import AsciiLine, AsciiRequest, Order, Refusal, Table

KINDS = Literal[
    "uniaxial_press", "isostatic_press", "coater", "roll_press", "temperature_controller", "gauge", "balance"
]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Address = Annotated[int, Field(ge=0, le=65535)]
Range = tuple[Number, Number]
Meaning = Annotated[str, Field(min_length=1)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class DurationShape(_Shape):
    """A time with its reason."""

    value: Annotated[Number, Field(ge=0)]
    """Seconds."""
    reason: Annotated[str, Field(min_length=5)]
    """Why it is this long, for the next one who wants to change it."""


class TimingShape(_Shape):
    """All times of the controller. An instrument needs the first two only."""

    response_timeout_s: DurationShape
    """How long an answer may take."""
    quiet_s: DurationShape
    """How long a line must be silent after a fault before it is used again."""
    acknowledge_timeout_s: DurationShape | None = None
    """How long a command may stay without acknowledge."""
    heartbeat_period_s: DurationShape | None = None
    """How often our counter is written."""
    watchdog_s: DurationShape | None = None
    """How long our counter may stand still before the machine makes itself safe."""
    stale_after_s: DurationShape | None = None
    """How long the machine's values are trusted without a new answer."""
    decompression_s: DurationShape | None = None
    """The longest way from full load to zero."""
    poll_moving_s: DurationShape | None = None
    """How often the machine is read while it moves."""
    poll_dwelling_s: DurationShape | None = None
    """How often the machine is read while it dwells, heats or is held."""
    poll_idle_s: DurationShape | None = None
    """How often the machine or instrument is read while nothing happens."""


class SignalShape(_Shape):
    """One value of the controller."""

    name: Name
    """Small letters, digits and underscores, the unit at the end: `force_pv_kn`."""
    type: Literal[
        "bool",
        "uint16",
        "int16",
        "uint32",
        "int32",
        "float32",
        "float64",
        "integer",
        "decimal",
        "scientific",
        "text",
    ]
    """How the value is sent: bool in a coil or discrete input, the numbers in registers, the last four in lines."""
    meaning: Meaning
    """What it is, in a few words."""
    table: Table | None = None
    """The Modbus table: input and holding registers, coils, discrete inputs."""
    address: Address | None = None
    """The first register or coil as it stands in the frame; the first of a table is 0."""
    access: Literal["r", "rw", "w"] = "r"
    """Read, read and written, or only written."""
    unit: str = ""
    """The unit of the value after scale and offset; none for a pure number."""
    range: Range | None = None
    """Least and greatest value that is trusted when it is read."""
    write_range: Range | None = None
    """Least and greatest value that may be written, if it is not `range`."""
    accuracy: Annotated[Number, Field(gt=0)] | None = None
    """The data sheet's bound of the error, in the unit."""
    enum: str | None = None
    """The enumeration whose words the numbers stand for."""
    bits: tuple[Name, ...] = ()
    """The names of the bits, the least significant first."""
    echo: str | None = None
    """Makes this a value of the job; the signal in which the machine repeats it."""
    scale: Number = 1.0
    """One step of the register in the unit: value = register x scale + offset."""
    offset: Number = 0.0
    """The value of a register that holds 0."""
    word_order: Order | None = None
    """Which register of this value comes first, if it is not the map's."""
    byte_order: Order | None = None
    """Which byte of this value's registers comes first, if it is not the map's."""
    poll: bool | None = None
    """Whether it is read at every poll; if not said, what is only read is, what can be written is not."""


class BlockShape(_Shape):
    """Signals that one request of a text line reads, in the order of the answer."""

    name: Annotated[str, Field(min_length=1)]
    """The name by which the request asks for them."""
    signals: Annotated[tuple[str, ...], Field(min_length=1)]
    """The signals, in the order of the answer."""
    poll: bool = True
    """Whether it is read at every poll."""


class ModbusShape(_Shape):
    """What holds for all registers of a controller."""

    word_order: Order = "big"
    """Which register of a long value comes first: big is the high word."""
    byte_order: Order = "big"
    """Which byte of a register comes first: big is Modbus's own."""
    max_registers: Annotated[int, Field(ge=1, le=125)] = 125
    """The most registers that one request reads."""
    max_gap: Annotated[int, Field(ge=0, le=125)] = 16
    """The most unused registers that are read to save a request; 0 if the controller refuses them."""
    max_write: Annotated[int, Field(ge=1, le=123)] = 123
    """The most registers that one request writes."""
    write_with: Literal[6, 16] = 16
    """The function code that writes one register."""
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    """The unit id that the controller has when nobody changed it."""
    unreadable: tuple[tuple[Address, Address], ...] = ()
    """First and last address of each stretch that a read must not touch."""


class RequestShape(_Shape):
    """One request of a text line and its answer."""

    send: Annotated[str, Field(min_length=1)]
    """The body that is sent, with {placeholders}."""
    reply: str
    """The body of a good answer, with {placeholders}."""
    separator: str = ""
    """What stands between the values or pairs."""
    pair: str = ""
    """One name with its value, in a request that writes several."""


class CheckShape(_Shape):
    """The check characters of a text line, as upper-case hexadecimal digits."""

    kind: Literal["none", "xor", "sum8", "lrc", "crc16"] = "none"
    """How they are computed."""
    between: tuple[str, str] = ("", "")
    """The characters before and after what they are computed of; "" is the beginning or the end."""


class RefusalShape(_Shape):
    """An answer that is no value."""

    reply: Annotated[str, Field(min_length=1)]
    """The body of the answer."""
    means: Literal["refused", "busy", "overload", "underload"]
    """What it tells: refused, not ready yet, above or below what can be measured."""
    code: Annotated[int, Field(ge=0)] = 0
    """The number by which the document lists it."""
    meaning: str = ""
    """A sentence for a person."""


class LineShape(_Shape):
    """How lines of text are framed, and the requests that the controller knows."""

    terminator: Annotated[str, Field(min_length=1)] = "\r\n"
    """The end of every line."""
    request: str = "{body}"
    """How the body of a request is wrapped."""
    reply: str = "{body}"
    """How the body of an answer is wrapped."""
    check: CheckShape = CheckShape()
    """The check characters."""
    read: RequestShape | None = None
    """Reads one block."""
    write_job: RequestShape | None = None
    """Writes all job values."""
    write: RequestShape | None = None
    """Writes one value."""
    command: RequestShape | None = None
    """Gives a command with its number."""
    heartbeat: RequestShape | None = None
    """Tells our counter."""
    identify: RequestShape | None = None
    """Asks for the model."""
    actions: dict[Name, RequestShape] = {}
    """What else it does when asked: zero, tare."""
    refusals: tuple[RefusalShape, ...] = ()
    """Answers that are no values."""

    def built(self) -> AsciiLine:
        """The same as the drivers take it."""
        single = ("read", "write_job", "write", "command", "heartbeat", "identify")
        requests = {name: _request(shape) for name in single if (shape := getattr(self, name)) is not None}
        return AsciiLine(
            terminator=self.terminator,
            request=self.request,
            reply=self.reply,
            check_kind=self.check.kind,
            check_between=self.check.between,
            actions={name: _request(action) for name, action in self.actions.items()},
            refusals=tuple(Refusal(**dict(refusal)) for refusal in self.refusals),
            **requests,
        )


def _request(shape: RequestShape) -> AsciiRequest:
    return AsciiRequest(**dict(shape))


class CommandShape(_Shape):
    """A command of a machine."""

    code: Annotated[int, Field(ge=0, le=65535)]
    """Its number."""
    lowers_risk: bool = False
    """Whether it goes ahead of everything else, as hold, stop and abort do."""
    meaning: str = ""
    """What the machine does then."""


class SafeStateShape(_Shape):
    """How the machine is made safe."""

    command: str
    """The command that does it."""
    states: Annotated[tuple[str, ...], Field(min_length=1)]
    """The machine states in which it is safe."""
    within_s: str
    """The name of the time within which it gets there."""
    meaning: str = ""
    """What is safe about it."""


class ProfileShape(_Shape):
    """A profile: one controller model, as the drivers need to know it."""

    profile: Annotated[str, Field(min_length=1)]
    """Its name."""
    kind: KINDS
    """What it is; a press, coater or roll press obeys commands, the others are instruments."""
    protocol: Literal["modbus", "ascii"]
    """What it speaks, on whatever line."""
    meaning: str = ""
    """What it is, in a sentence."""
    document: str = ""
    """Where its registers or lines are described."""
    identity: dict[str, int | str] = {}
    """What it must answer before it is used: a signal and its value, `firmware_min`, or `model` in a text line."""
    timing: TimingShape
    """All times."""
    modbus: ModbusShape | None = None
    """What holds for all registers; Modbus only."""
    line: LineShape | None = None
    """The framing and the requests; text lines only."""
    blocks: tuple[BlockShape, ...] = ()
    """What one request reads; text lines only."""
    signals: Annotated[tuple[SignalShape, ...], Field(min_length=1)]
    """All values."""
    commands: dict[Name, CommandShape] = {}
    """All commands of a machine."""
    safe_state: SafeStateShape | None = None
    """How a machine is made safe."""
    without: dict[Name, Annotated[str, Field(min_length=1)]] = {}
    """What a machine of this kind is usually watched by and this one does not have, each with the reason."""
    enums: dict[str, dict[str, int]] = {}
    """Words and their numbers."""

    def polls(self, signal: SignalShape) -> bool:
        """Whether every poll reads the signal: as it says or is accessed in registers, as its block says in a line."""
        if self.protocol == "ascii":
            return any(block.poll for block in self.blocks if signal.name in block.signals)
        return signal.access == "r" if signal.poll is None else signal.poll

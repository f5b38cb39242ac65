"""Reading a profile's YAML file: shape by pydantic, references and overlaps by hand, every mistake with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.errors import ProfileError
from drivers.profile import WORDS, Block, Profile, Signal, Timing

Place = tuple[int | str, ...]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_REGISTER_LIMIT = 125  # Modbus application protocol V1.1b3, 6.3: at most 125 registers a read
_NEEDED = ("acknowledge_timeout_s", "heartbeat_period_s", "watchdog_s", "stale_after_s", "decompression_s")
_RATES = ("poll_moving_s", "poll_dwelling_s", "poll_idle_s")
_NEEDED_SIGNALS = ("heartbeat_machine", "machine_state", "mode", "phase", "status_bits", "alarm_bits")
_ACKNOWLEDGE = ("acknowledged_sequence", "acknowledge_result", "acknowledge_reason")


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Duration(_Shape):
    value: Annotated[float, Field(ge=0)]
    reason: Annotated[str, Field(min_length=5)]


class _SignalShape(_Shape):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    type: Literal["uint16", "int16", "uint32", "float32", "integer", "decimal"]
    meaning: str
    table: Literal["input", "holding"] | None = None
    address: Annotated[int, Field(ge=0, le=65535)] | None = None
    access: Literal["r", "rw"] = "r"
    unit: str = ""
    range: tuple[float, float] | None = None
    accuracy: Annotated[float, Field(gt=0)] | None = None
    enum: str | None = None
    bits: tuple[str, ...] = ()
    echo: str | None = None


class _BlockShape(_Shape):
    name: str
    table: Literal["input", "holding"] | None = None
    address: Annotated[int, Field(ge=0, le=65535)] = 0
    count: Annotated[int, Field(ge=0, le=_REGISTER_LIMIT)] = 0
    signals: tuple[str, ...] = ()
    poll: bool = True


class _ProfileShape(_Shape):
    profile: str
    kind: str
    protocol: Literal["modbus", "ascii", "mt_sics"]
    word_order: Literal["big", "little"] = "big"
    address: str = ""
    identity: dict[str, int | str]
    timing: dict[str, _Duration]
    blocks: tuple[_BlockShape, ...] = ()
    signals: Annotated[tuple[_SignalShape, ...], Field(min_length=1)]
    enums: dict[str, dict[str, int]] = {}


def load_profile(name_or_path: str | Path) -> Profile:
    """A shipped profile by its name, or a user's by its path.

    Raises ProfileError, with file:line:column of every mistake.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and path.suffix not in (".yaml", ".yml"):
        path = Path(__file__).parent / "profiles" / f"{name_or_path}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml")))
            raise ProfileError(f"there is no profile {name_or_path!r}; shipped are {known}")
    return read_profile(path)


def read_profile(path: Path) -> Profile:
    """The checked profile of one file; raises ProfileError with file:line:column of every mistake."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: {error}") from error
    except yaml.YAMLError as error:
        raise ProfileError(_syntax_error(path, error)) from error
    if not isinstance(node, yaml.MappingNode):
        raise ProfileError(f"{path}:1:1: a profile is a mapping")
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 (a safe loader, in C where it can)
    try:
        shape = _ProfileShape.model_validate(data)
    except ValidationError as error:
        mistakes = [(tuple(e["loc"]), e["msg"]) for e in error.errors()]
        raise ProfileError(_told(path, node, mistakes)) from error
    mistakes = list(_mistakes(shape))
    if mistakes:
        raise ProfileError(_told(path, node, mistakes))
    return _built(shape)


def _syntax_error(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark is not None else str(path)
    return f"{where}: {getattr(error, 'problem', error)}"


def _told(path: Path, root: yaml.Node, mistakes: list[tuple[Place, str]]) -> str:
    return "\n".join(f"{path}:{_mark(root, place)}: {_dotted(place)}: {text}" for place, text in mistakes)


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place) or "profile"


def _mark(node: yaml.Node, place: Place) -> str:
    """line:column of the deepest node on the way to `place`."""
    for part in place:
        inner: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in node.value if key.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            inner = node.value[part]
        if inner is None:
            break
        node = inner
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _mistakes(shape: _ProfileShape) -> Iterator[tuple[Place, str]]:
    yield from _name_mistakes(shape)
    yield from _signal_mistakes(shape)
    needed = ("response_timeout_s", "quiet_s") if shape.protocol == "mt_sics" else (*_NEEDED, *_RATES)
    for name in needed:
        if name not in shape.timing:
            yield ("timing",), f"{name} is missing"
    for name in shape.timing:
        if name not in Timing.__dataclass_fields__ or name == "reasons":
            yield ("timing", name), "is not a known time"
    if shape.protocol == "modbus":
        yield from _register_mistakes(shape)
    if shape.protocol == "ascii":
        yield from _group_mistakes(shape)


def _name_mistakes(shape: _ProfileShape) -> Iterator[tuple[Place, str]]:
    counts = Counter(s.name for s in shape.signals) + Counter(bit for s in shape.signals for bit in s.bits)
    for i, signal in enumerate(shape.signals):
        for name in (signal.name, *signal.bits):
            if counts[name] > 1:
                yield ("signals", i), f"the name {name} is there {counts[name]} times"
    for name, count in Counter(b.name for b in shape.blocks).items():
        if count > 1:
            yield ("blocks",), f"the block {name} is there {count} times"
    if shape.protocol != "mt_sics":
        names = {s.name for s in shape.signals}
        for name in (*_NEEDED_SIGNALS, *_ACKNOWLEDGE):
            if name not in names:
                yield ("signals",), f"{name} is missing"
        for enum in ("command", "result", "reason", "phase"):
            if enum not in shape.enums:
                yield ("enums",), f"{enum} is missing"


def _signal_mistakes(shape: _ProfileShape) -> Iterator[tuple[Place, str]]:
    by_name = {s.name: s for s in shape.signals}
    for i, signal in enumerate(shape.signals):
        if signal.enum is not None and signal.enum not in shape.enums:
            yield ("signals", i, "enum"), f"there is no enumeration {signal.enum}"
        if signal.range is not None and not signal.range[0] < signal.range[1]:
            yield ("signals", i, "range"), "the lower limit must be below the upper"
        if signal.echo is not None and (signal.echo not in by_name or by_name[signal.echo].type != signal.type):
            yield ("signals", i, "echo"), f"{signal.echo} is no signal of type {signal.type}"
        if signal.echo is not None and (signal.access != "rw" or signal.range is None):
            yield ("signals", i), "a job value needs access rw and a range"
        if (signal.type in WORDS) != (shape.protocol == "modbus"):
            yield ("signals", i, "type"), f"{signal.type} does not belong to {shape.protocol}"


def _register_mistakes(shape: _ProfileShape) -> Iterator[tuple[Place, str]]:
    taken: dict[tuple[str, int], str] = {}
    for i, signal in enumerate(shape.signals):
        if signal.table is None or signal.address is None:
            yield ("signals", i), "table and address are missing"
            continue
        for word in range(WORDS.get(signal.type, 1)):
            other = taken.setdefault((signal.table, signal.address + word), signal.name)
            if other != signal.name:
                yield ("signals", i, "address"), f"overlaps {other}"
        if (signal.access == "rw") != (signal.table == "holding"):
            yield ("signals", i, "access"), "holding registers are rw, input registers are r"
        if signal.table == "input" and not any(_inside(b, signal) for b in shape.blocks):
            yield ("signals", i, "address"), "is in no block"
    for i, block in enumerate(shape.blocks):
        if block.table is None or block.count == 0 or block.signals:
            yield ("blocks", i), "a Modbus block has table, address and count, and no signals"
    job = sorted((s.address or 0, WORDS.get(s.type, 1)) for s in shape.signals if s.echo is not None)
    if any(a + words != b for (a, words), (b, _) in pairwise(job)):
        yield ("signals",), "the job's registers must be contiguous: one request writes them"
    for name in ("command_code", "command_sequence", "heartbeat_controller"):
        if name not in {s.name for s in shape.signals}:
            yield ("signals",), f"{name} is missing"
    by_name = {s.name: s.address for s in shape.signals}
    if by_name.get("command_sequence") != (by_name.get("command_code") or 0) + 1:
        yield ("signals",), "command_sequence must follow command_code: one request writes both"


def _group_mistakes(shape: _ProfileShape) -> Iterator[tuple[Place, str]]:
    names = {s.name for s in shape.signals}
    if len(shape.address) != 2 or not shape.address.isdigit():
        yield ("address",), "must be two digits in quotes"
    for i, block in enumerate(shape.blocks):
        for name in block.signals:
            if name not in names:
                yield ("blocks", i, "signals"), f"there is no signal {name}"


def _inside(block: _BlockShape, signal: _SignalShape) -> bool:
    address, words = signal.address or 0, WORDS.get(signal.type, 1)
    return block.table == signal.table and block.address <= address and address + words <= block.address + block.count


def _built(shape: _ProfileShape) -> Profile:
    times: dict[str, Any] = {name: duration.value for name, duration in shape.timing.items()}
    reasons = {name: duration.reason for name, duration in shape.timing.items()}
    signals: Mapping[str, Signal] = {
        s.name: Signal(**{k: getattr(s, k) for k in _SignalShape.model_fields}) for s in shape.signals
    }
    blocks = tuple(
        Block(
            name=b.name,
            signals=b.signals or tuple(s.name for s in shape.signals if _inside(b, s)),
            table=b.table,
            address=b.address,
            count=b.count,
            poll=b.poll,
        )
        for b in shape.blocks
    )
    return Profile(
        name=shape.profile,
        kind=shape.kind,
        protocol=shape.protocol,
        identity=shape.identity,
        timing=Timing(**times, reasons=reasons),
        signals=signals,
        blocks=blocks,
        enums=shape.enums,
        word_order=shape.word_order,
        address=shape.address,
    )

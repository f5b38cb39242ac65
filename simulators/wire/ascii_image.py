"""A simulated controller's side of an ASCII line: frames in, frames out, silence where a real one is silent.

It obeys the same patterns as the driver, with code of its own: a frame is laid out with Python's format strings and is
good if laying it out again from its parts gives the same text.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from string import Formatter
from typing import NamedTuple

from drivers.errors import DeviceRefused, ProfileError
from drivers.profile import AsciiLine, AsciiRequest, Profile, Signal
from simulators.wire.image import Plc
from simulators.wire.modbus_server import crc16

_UNKNOWN_REQUEST, _UNKNOWN_NAME, _OUT_OF_RANGE, _READ_ONLY = 1, 2, 3, 4
_MODBUS_BUSY = 6  # a controller refuses both another master's heartbeat and what it is too busy for with it
_OWNED, _BUSY = 5, 6  # lines of text tell them apart, and count on from "read only"
_LAST_COUNT = 0xFFFF
_DIGITS = {"none": 0, "xor": 2, "sum8": 2, "lrc": 2, "crc16": 4}
_REMEMBERED = 2048  # reads: those of all blocks with all tags of two digits
_LAST_TAKEN = frozenset({"body", "pairs", "values", "text"})  # may hold the characters that follow them

_PLAIN = {10: frozenset("0123456789"), 16: frozenset("0123456789ABCDEF")}
Fields = dict[str, str]
_Obey = Callable[[AsciiRequest, Fields], Fields | None]


class _Said(NamedTuple):
    """What a line says: its tag, its verb, and the requests that its body may be, with their placeholders' texts."""

    tag: int
    verb: str
    meant: tuple[tuple[AsciiRequest, _Obey, Fields], ...]


class _Right(str):
    """A value that stands on the right of its field."""

    __slots__ = ()

    def __format__(self, width: str) -> str:
        return self.rjust(int(width or 0))


class AsciiImage:
    """Answers one controller's lines as its profile says; `clock` gives the line's time in seconds.

    :raises ProfileError: if the profile has no line of text.
    """

    def __init__(self, profile: Profile, plc: Plc, clock: Callable[[], float], unit: int = 1) -> None:
        if profile.line is None:
            raise ProfileError(f"{profile.name} has no line of text")
        self._profile, self._line, self._unit = profile, profile.line, unit
        self._plc = plc
        self._clock = clock
        self._blocks = {block.name: [profile.signals[name] for name in block.signals] for block in profile.blocks}
        self._known = tuple((known.send.partition("{")[0], known, obey) for known, obey in self._requests())
        self._formats: dict[str, str] = {}
        self._reads: dict[bytes, _Said] = {}  # what a request says is always the same; only reads come again

    def answer(self, request: bytes) -> bytes | None:
        """The answer to one line with its end, or None: wrong checksum, another unit, no frame."""
        said = self._reads.get(request) or self._said(request)
        if said is None:
            return None
        self._plc.advance(self._clock())
        try:
            told: str | None = self._obeyed(said)
        except DeviceRefused as refusal:
            told = self._refused(self._code(refusal.code, said), said.verb)
        if told is None:
            return None
        return (self._framed(self._line.reply, said.tag, told) + self._line.terminator).encode("ascii")

    def _said(self, request: bytes) -> _Said | None:
        """What a line says, None if it is not for us."""
        end = self._line.terminator
        text = request.decode("latin-1")
        if not text.isascii() or not text.endswith(end):
            return None
        parts = unframed(self._line, self._line.request, text[: -len(end)])
        if parts is None or self._framed(self._line.request, parts[1], parts[2]) + end != text:
            return None
        _, tag, body = parts
        begun = [(known, obey) for literal, known, obey in self._known if body.startswith(literal)]
        fits = ((known, obey, scanned(known.send, body)) for known, obey in begun)
        meant = tuple((known, obey, fields) for known, obey, fields in fits if fields is not None)
        said = _Said(tag, body.split(" ", maxsplit=1)[0], meant)
        if [known for known, _, _ in meant] == [self._line.read] and len(self._reads) < _REMEMBERED:
            self._reads[request] = said
        return said

    def _framed(self, pattern: str, tag: int, body: str) -> str:
        return framed(self._line, pattern, self._unit, tag, body)

    def _obeyed(self, said: _Said) -> str:
        """The body of the answer; raises DeviceRefused."""
        code = _UNKNOWN_REQUEST
        for request, obey, fields in said.meant:
            told = obey(request, fields)
            if told is not None:
                return request.reply.format_map({"verb": said.verb, **fields, **told})
            if not request.send.startswith("{"):
                code = _UNKNOWN_NAME  # it knows the verb
        raise DeviceRefused(code)

    def _requests(self) -> Iterator[tuple[AsciiRequest, _Obey]]:
        line = self._line
        for request in line.actions.values():
            yield request, self._act
        for maybe, obey in (
            (line.identify, self._identify),
            (line.command, self._count),
            (line.heartbeat, self._count),
            (line.write_job, self._write_job),
            (line.write, self._write),
            (line.read, self._read),
        ):
            if maybe is not None:
                yield maybe, obey

    # ---- each gives what the reply's placeholders stand for, or None for a name that is not known ----

    def _read(self, request: AsciiRequest, fields: Fields) -> Fields | None:
        signals = self._blocks.get(fields["block"])
        if signals is None:
            return None
        tags = self._plc.tags
        if "{value" in request.reply and "{values}" not in request.reply:
            return {"value": _Right(_text(signals[0], tags.get(signals[0].name, 0))), "unit_text": signals[0].unit}
        return {"values": self._written_out(fields["block"], request.separator), "unit_text": signals[0].unit}

    def _written_out(self, block: str, separator: str) -> str:
        """All values of a block, with one format where each is written as it is."""
        tags, signals = self._plc.tags, self._blocks[block]
        form = self._formats.get(block)
        if form is None:
            is_plain = all(s.type != "text" and s.scale == 1 and s.offset == 0 for s in signals)
            forms = separator.join("{:d}" if s.type == "integer" else "{:.7g}" for s in signals)
            form = self._formats[block] = forms if is_plain and not set(separator) & {"{", "}", "e"} else ""
        if form:
            try:
                text = form.format(*[tags[signal.name] for signal in signals])
            except (KeyError, ValueError):
                pass  # a tag is missing, or a whole number is not an int: one by one then
            else:
                if "e" not in text:
                    return text
        return separator.join([_text(signal, tags.get(signal.name, 0)) for signal in signals])

    def _write_job(self, request: AsciiRequest, fields: Fields) -> Fields | None:
        pairs = [scanned(request.pair, pair) for pair in fields["pairs"].split(request.separator)]
        return self._written({pair["name"]: pair["value"] for pair in pairs if pair is not None}, len(pairs))

    def _write(self, request: AsciiRequest, fields: Fields) -> Fields | None:  # noqa: ARG002
        if self._written({fields["name"]: fields["value"]}, 1) is None:
            return None
        return {"unit_text": self._profile.signals[fields["name"]].unit}

    def _written(self, texts: Fields, count: int) -> Fields | None:
        if len(texts) != count or not self._profile.signals.keys() >= texts.keys():
            return None
        signals = {name: self._profile.signals[name] for name in texts}
        if any(signal.access == "r" for signal in signals.values()):
            raise DeviceRefused(_READ_ONLY)
        self._plc.write({name: _number(signals[name], text) for name, text in texts.items()})
        return {}

    def _count(self, request: AsciiRequest, fields: Fields) -> Fields:  # noqa: ARG002
        """A command with its sequence, or a heartbeat with its lease: whole numbers of 16 bits."""
        counts = {name: _counted(text) for name, text in fields.items()}
        if any(count is None or count > _LAST_COUNT for count in counts.values()):
            raise DeviceRefused(_OUT_OF_RANGE)
        self._plc.write({name: count for name, count in counts.items() if count is not None})
        return {}

    def _identify(self, request: AsciiRequest, fields: Fields) -> Fields:  # noqa: ARG002
        return {"text": f"{self._profile.identity.get('model', self._profile.name)} simulated"}

    def _act(self, request: AsciiRequest, fields: Fields) -> Fields:  # noqa: ARG002
        signals = list(self._profile.signals.values())
        signal = next((signal for signal in signals if signal.unit), signals[0])
        value = _text(signal, self._plc.tags.get(signal.name, 0))
        return {"value": _Right(value), "unit_text": signal.unit, "text": "done"}

    def _code(self, code: int, said: _Said) -> int:
        """The line's own number for a controller's."""
        if code != _MODBUS_BUSY:
            return code
        return _OWNED if any(request is self._line.heartbeat for request, _, _ in said.meant) else _BUSY

    def _refused(self, code: int, verb: str) -> str | None:
        """The refusal with this code, or the first one there is; None, silence, if the line has none."""
        refusals = [refusal for refusal in self._line.refusals if refusal.means == "refused"]
        found = next((refusal for refusal in refusals if refusal.code == code), refusals[0] if refusals else None)
        return None if found is None else found.reply.format(verb=verb, text="refused")


@functools.lru_cache(maxsize=256)  # a profile has about twenty patterns
def _pieces(pattern: str) -> tuple[tuple[str, str | None, str | None, str | None], ...]:
    """Literal text, and the placeholder after it with its format."""
    return tuple(Formatter().parse(pattern))


def framed(line: AsciiLine, pattern: str, unit: int, tag: int, body: str) -> str:
    """A request or a reply around its body, with its check characters and without its end."""
    before, _, after = pattern.partition("{check}")
    values = {"unit": unit, "tag": tag, "body": body}
    left = before.format_map(values)
    first, second = line.check_between
    start = left.find(first) + len(first) if first and first in left else 0
    stop = left.rfind(second) if second and second in left else len(left)
    check = _check(line.check_kind, left[start:stop])
    return left + check + (after.format_map(values) if "{" in after else after)


def unframed(line: AsciiLine, pattern: str, text: str) -> tuple[int, int, str] | None:
    """Unit and tag (0 where it has none) and body of a frame without its end, its check unread; None for no frame."""
    before, _, after = pattern.partition("{check}")
    fields = scanned(before, text[: len(text) - len(after) - _DIGITS[line.check_kind]])
    if fields is None or not fields["body"]:
        return None
    unit = _counted(fields.get("unit"), _base(before, "unit")) or 0
    return unit, _counted(fields.get("tag"), _base(before, "tag")) or 0, fields["body"]


def scanned(pattern: str, text: str) -> Fields | None:
    """The placeholders' texts, taken from the left, each up to what follows it; None if the text does not fit."""
    pieces = _pieces(pattern)
    found: Fields = {}
    for i, (literal, field, spec, _) in enumerate(pieces):
        if not text.startswith(literal):
            return None
        text = text[len(literal) :]
        if field is None:
            continue
        following = pieces[i + 1][0] if i + 1 < len(pieces) else ""
        if spec:
            cut = int(spec[1:-1])
        elif not following:
            cut = len(text)
        else:
            cut = text.rfind(following) if field in _LAST_TAKEN else text.find(following)
        if cut < 0 or len(text) < cut:
            return None
        found[field], text = text[:cut], text[cut:]
    return None if text else found


@functools.lru_cache(maxsize=256)
def _base(pattern: str, name: str) -> int:
    """16 for a placeholder that is written in hexadecimal digits."""
    return 16 if any(field == name and str(spec).endswith("X") for _, field, spec, _ in _pieces(pattern)) else 10


def _check(kind: str, text: str) -> str:
    """The check characters of what stands between the marks."""
    data = text.encode("ascii")
    if kind == "none":
        return ""
    if kind == "crc16":
        return crc16(data)[::-1].hex().upper()
    total = functools.reduce(operator.xor, data, 0) if kind == "xor" else sum(data)
    return f"{(256 - total % 256) % 256 if kind == 'lrc' else total % 256:02X}"


def _counted(text: str | None, base: int = 10) -> int | None:
    """A whole number of plain digits, or None."""
    return int(text, base) if text and len(text) <= 20 and _PLAIN[base].issuperset(text) else None


def _number(signal: Signal, text: str) -> float:
    whole, point, fraction = text.strip(" ").removeprefix("-").removeprefix("+").partition(".")
    sound = _counted(whole) is not None and (not point or _counted(fraction) is not None)
    if not sound or (point and signal.type == "integer"):
        raise DeviceRefused(_OUT_OF_RANGE)
    return float(text)


def _text(signal: Signal, value: float) -> str:
    """A value as the controller sends it: seven significant digits, an exponent where the type has one."""
    if signal.type == "text":
        return str(value)
    if signal.type == "integer" and signal.integer:
        return str(int(value))
    raw = (value - signal.offset) / signal.scale
    if signal.type == "scientific":
        return f"{raw:+.6E}"
    if signal.type == "integer":
        return str(round(raw))
    text = f"{raw:.7g}"
    return text if "e" not in text else f"{raw:.15f}".rstrip("0").rstrip(".")

"""Frames of an ASCII line: a request's bytes, and what an answer to it says. Pure; it knows nothing of a port."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from drivers.ascii_pattern import SCIENTIFIC, Pattern, Value, check, split_wrapper
from drivers.errors import CorruptAnswer, OutOfRange, ProfileError, WrongAnswer
from drivers.line_ends import other_end, quoted
from drivers.profile import AsciiLine, AsciiRequest, Refusal

_NUMBER = re.compile(SCIENTIFIC, re.ASCII)
_UNBOUND_TAGS = 0x10000  # a tag without a format counts to here; far more than answers can be late


def _crc16(data: bytes) -> int:
    """The checksum of Modbus RTU: polynomial 0xA001 reflected, starting from 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


_CHECKS: Mapping[str, tuple[int, Callable[[bytes], int]]] = {
    "none": (0, lambda _: 0),
    "xor": (2, lambda data: functools.reduce(operator.xor, data, 0)),
    "sum8": (2, lambda data: sum(data) & 0xFF),
    "lrc": (2, lambda data: -sum(data) & 0xFF),
    "crc16": (4, _crc16),
}


def check_text(kind: str, data: bytes) -> str:
    """The check characters of `data`: two, or four for crc16, upper-case hexadecimal digits."""
    digits, calculate = _CHECKS[kind]
    return f"{calculate(data):0{digits}X}" if digits else ""


class Answer(NamedTuple):
    """What a sound answer says: the reply's placeholders, or the refusal that it is."""

    fields: Mapping[str, str]
    refusal: Refusal | None = None


class _Wrapper:
    """What stands around every body, with its check characters."""

    def __init__(self, text: str, line: AsciiLine) -> None:
        self._kind = line.check_kind
        self._head, self._inner, self._tail = (Pattern(part) for part in split_wrapper(text, line.check_between))
        self.pattern = Pattern(text)
        special = {"check": f"[0-9A-F]{{{_CHECKS[self._kind][0]}}}"}
        head, inner, tail = (part.source(special) for part in (self._head, self._inner, self._tail))
        self._whole = re.compile(f"{head}(?P<checked>{inner}){tail}", re.ASCII)

    def build(self, values: Mapping[str, Value]) -> str:
        inner = self._inner.build(values)
        check = check_text(self._kind, inner.encode("ascii"))
        around = {**values, "check": check} if check else values
        return self._head.build(around) + inner + self._tail.build(around)

    def take(self, text: str) -> dict[str, str]:
        """The placeholders of a frame; raises CorruptAnswer if it is none or its check characters are wrong."""
        found = self._whole.fullmatch(text)
        if found is None:
            raise CorruptAnswer(f"not a frame: {text!r}")
        fields = found.groupdict()
        wanted = check_text(self._kind, fields.pop("checked").encode("ascii"))
        if fields.pop("check", "") != wanted:
            raise CorruptAnswer(f"wrong check characters, {wanted} were expected: {text!r}")
        return fields


class LineCodec:
    """Builds the requests of one profile's line. Raises ProfileError if the line's patterns are wrong."""

    def __init__(self, line: AsciiLine) -> None:
        mistakes = [f"line.{'.'.join(map(str, place))}: {text}" for place, text in check(line)]
        if mistakes:
            raise ProfileError("\n".join(mistakes))
        self.line = line
        self.reply = _Wrapper(line.reply, line)
        self.refusals = tuple((refusal, Pattern(refusal.reply)) for refusal in line.refusals)
        self._may_refuse = re.compile("|".join(pattern.shape for _, pattern in self.refusals) or r"(?!)", re.ASCII)
        self._request = _Wrapper(line.request, line)
        self._patterns: dict[str, Pattern] = {}

    @property
    def tags(self) -> int:
        """How many tags there are before they begin again."""
        tag = self._request.pattern.placeholders.get("tag")
        if tag is None or not tag.width:
            return _UNBOUND_TAGS
        return tag.end

    def ask(
        self, request: AsciiRequest, values: Mapping[str, Value], *, unit: int, tag: int, text: bool = False
    ) -> Question:
        """One request, ready to be sent; with `text` the {value} of its answer is no number.

        Raises ProfileError where a value is missing or has no room in its format, OutOfRange for a text that no line
        can carry.
        """
        body = self.built(request.send, values)
        if not body.isascii() or not body.isprintable() or self.line.terminator in body:
            raise OutOfRange(f"{body!r} has characters that no line can carry")
        frame: dict[str, Value] = {"unit": unit, "tag": tag, "body": body}
        data = (self._request.build(frame) + self.line.terminator).encode("ascii")
        sent = {**values, "verb": body.split(" ", 1)[0], "unit": unit, "tag": tag}
        reply = self._pattern(request.reply)
        repeated = {**self.reply.pattern.fitted(sent), **reply.fitted(sent)}
        return Question(self, data, body, reply, sent, repeated, text)

    def refused(self, body: str) -> bool:
        """Whether some refusal may have this body."""
        return self._may_refuse.fullmatch(body) is not None

    def built(self, pattern: str, values: Mapping[str, Value]) -> str:
        """A part of a request, such as one pair of a job."""
        return self._pattern(pattern).build(values)

    def _pattern(self, text: str) -> Pattern:
        return self._patterns.get(text) or self._patterns.setdefault(text, Pattern(text))


class Question(NamedTuple):
    """A request as it goes out, and the judge of what comes back; `repeated` is what of it an answer may repeat."""

    codec: LineCodec
    data: bytes
    body: str
    reply: Pattern
    sent: Mapping[str, Value]
    repeated: Mapping[str, str]
    text: bool = False

    def judge(self, answer: bytes) -> Answer:
        """What the answer says.

        Raises CorruptAnswer for a line that is broken (no terminator, no printable ASCII, no frame, wrong check
        characters, no number where one must stand), WrongAnswer for a sound one that does not answer this request, or
        for the request itself.
        """
        if answer == self.data:
            raise WrongAnswer(
                f"asked {self.body!r}, the same came back; for an adapter that repeats: echo=1 in the URL"
            )
        frame = self.codec.reply.take(self._text(answer))
        body = frame.pop("body")
        self._repeats(frame)
        if self.codec.refused(body):
            for refusal, pattern in self.codec.refusals:
                found = pattern.match(body)
                if found is not None and found.get("verb", self.sent["verb"]) == self.sent["verb"]:
                    return Answer(found, refusal)
        fields = self.reply.match(body, loose=self.text)
        if fields is not None:
            self._repeats(fields)
            return Answer(fields)
        if self.reply.match(body, loose=True) is not None:
            raise CorruptAnswer(f"no number where one must stand: {body!r}")
        raise WrongAnswer(f"asked {self.body!r}, answered {body!r}")

    def _text(self, answer: bytes) -> str:
        end = self.codec.line.terminator.encode("ascii")
        if not answer.endswith(end):
            raise CorruptAnswer(f"the line has no end: {quoted(answer)}{other_end(answer, end)}")
        text = answer[: -len(end)].decode("ascii", errors="replace")
        if not text.isascii() or not text.isprintable() or self.codec.line.terminator in text:
            raise CorruptAnswer(f"not one line of printable ASCII: {quoted(answer)}{other_end(answer, end)}")
        return text

    def _repeats(self, fields: Mapping[str, str]) -> None:
        """Raises WrongAnswer unless what was sent and comes back is the same."""
        for name, text in fields.items():
            if name in self.repeated and not _same(text, self.repeated[name]):
                raise WrongAnswer(f"asked with {name} {self.sent[name]}, answered {name} {text}")


def _same(one: str, two: str) -> bool:
    if one == two:
        return True
    return bool(_NUMBER.fullmatch(one) and _NUMBER.fullmatch(two)) and Decimal(one) == Decimal(two)

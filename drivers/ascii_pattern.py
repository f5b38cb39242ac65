"""The patterns of ASCII lines: literal text and {placeholders}, built into a line or matched against a whole one.

A number may have a format, `{unit:02d}` or `{tag:02X}`: exactly so many decimal or upper-case hexadecimal digits.
`docs/reference/ascii-lines.md` lists the placeholders and where they may stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from drivers.errors import ProfileError
from drivers.profile import AsciiLine, AsciiRequest

Place = tuple[str | int, ...]
Mistake = tuple[Place, str]
Value = str | int

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)(?::(?:0([1-9])([dX])|([1-9]\d?)))?\}")
DIGITS = 20
"""Before and behind a number's point: more than any controller has, and far from what a float cannot hold."""
NUMBER = rf" *[+-]?\d{{1,{DIGITS}}}(?:\.\d{{1,{DIGITS}}})?"
"""A plain decimal, right-aligned in its field: no exponent, no separators, never nan or inf."""
SCIENTIFIC = rf"{NUMBER}(?:[Ee][+-]0?\d{{1,2}})?"
"""A number that may have an exponent, which must have its sign: one lost or damaged byte makes none of a decimal."""
_COUNTED = ("unit", "tag", "command_code", "command_sequence", "heartbeat_controller", "lease_request")
_SHAPES: Mapping[str, str] = {
    **dict.fromkeys(_COUNTED, rf"\d{{1,{DIGITS}}}"),
    **dict.fromkeys(("block", "name", "unit_text", "verb"), r"\S+"),
    **dict.fromkeys(("body", "values", "pairs", "text"), r".*"),
    "value": SCIENTIFIC,
}
_LOOSE = {"value": r".*"}
_SAMPLES: Mapping[str, Value] = {
    **dict.fromkeys(_COUNTED, 1),
    "block": "B",
    "name": "n",
    "unit_text": "u",
    "verb": "V",
    "text": "t",
    "value": "1.5",
    "values": "1.5,2",
    "pairs": "n=1.5",
}
_REQUESTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    # what must stand in `send`; what may stand in `reply`; of which one must
    "read": (("block",), ("verb", "block", "value", "values", "unit_text"), ("value", "values")),
    "write_job": (("pairs",), ("verb", "pairs"), ()),
    "write": (("name", "value"), ("verb", "name", "value", "unit_text"), ()),
    "command": (("command_code", "command_sequence"), ("verb", "command_code", "command_sequence"), ()),
    "heartbeat": (("heartbeat_controller",), ("verb", "heartbeat_controller", "lease_request"), ()),
    "identify": ((), ("verb", "text"), ("text",)),
    "actions": ((), ("verb", "value", "unit_text", "text"), ()),
}
_MAY_BE_SENT = {"heartbeat": ("lease_request",)}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A value's place; `width` 0 is a number or text as it is. A {value} may stand right-aligned in a `field`."""

    name: str
    width: int = 0
    style: str = ""
    field: int = 0

    @property
    def fixed(self) -> bool:
        """Whether its text has always the same length."""
        return self.width > 0 or self.name == "check"

    @property
    def end(self) -> int:
        """The least number that has no room."""
        return int((16 if self.style == "X" else 10) ** self.width)

    def fitted(self, value: Value) -> str:
        """The value's text; raises ProfileError where it has not the format's number of digits."""
        if not self.width:
            return str(value).rjust(self.field)
        text = f"{int(value):0{self.width}{self.style}}"
        if len(text) != self.width:
            raise ProfileError(f"{{{self.name}:0{self.width}{self.style}}} has no room for {value}")
        return text

    def shape(self, special: Mapping[str, str]) -> str:
        if self.field and self.name not in special:  # a character lost or doubled in it does not fit any more
            return rf"(?=[ +\-.\d]{{{self.field - 1}}}\d(?![+\-.\d])){NUMBER}"
        if not self.width:
            return special.get(self.name) or _SHAPES.get(self.name, r".*")
        return (r"[0-9A-F]" if self.style == "X" else r"\d") + f"{{{self.width}}}"


class Pattern:
    """One compiled pattern; raises ValueError, with a sentence, for one that is not written properly."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts = tuple(_parts(text))
        self.placeholders: Mapping[str, Placeholder] = {p.name: p for p in self.parts if isinstance(p, Placeholder)}
        if len(self.placeholders) != sum(isinstance(p, Placeholder) for p in self.parts):
            raise ValueError(f"{text!r} has a placeholder twice")
        self._strict = re.compile(self.source({}), re.ASCII)
        self._loose = re.compile(self.source(_LOOSE), re.ASCII)
        # what Python's own formatting writes alike: all but a right-aligned value, and numbers that have no room
        self._formats = not any(place.field for place in self.placeholders.values())
        self._ends = [(place.name, place.end) for place in self.placeholders.values() if place.width]

    def source(self, special: Mapping[str, str]) -> str:
        """The regular expression, not anchored, with a named group for each placeholder; `special` shapes go first."""
        return "".join(
            re.escape(part) if isinstance(part, str) else f"(?P<{part.name}>{part.shape(special)})"
            for part in self.parts
        )

    @property
    def shape(self) -> str:
        """The regular expression without groups, for a look at several patterns at once."""
        return "".join(re.escape(part) if isinstance(part, str) else f"(?:{part.shape({})})" for part in self.parts)

    def fitted(self, values: Mapping[str, Value]) -> dict[str, str]:
        """The text of each placeholder whose value is known; raises ProfileError for one that has no room."""
        return {name: part.fitted(values[name]) for name, part in self.placeholders.items() if name in values}

    def build(self, values: Mapping[str, Value]) -> str:
        """The text with every placeholder's value; raises ProfileError for a value that is missing or has no room."""
        try:
            if self._fits(values):
                return self.text.format_map(values)
            return "".join([part if isinstance(part, str) else part.fitted(values[part.name]) for part in self.parts])
        except KeyError as error:
            raise ProfileError(f"{self.text!r}: nothing is known for {{{error.args[0]}}}") from error

    def _fits(self, values: Mapping[str, Value]) -> bool:
        """Whether Python's own formatting writes the same."""
        for name, end in self._ends:
            number = values[name]
            if type(number) is not int or not 0 <= number < end:
                return False
        return self._formats

    def match(self, text: str, *, loose: bool = False) -> dict[str, str] | None:
        """The placeholders' texts if the whole text fits; `loose` takes anything for a {value}."""
        found = (self._loose if loose else self._strict).fullmatch(text)
        return None if found is None else found.groupdict()

    def side_by_side(self) -> str | None:
        """Two placeholders of which nobody can say where the first one ends, or None."""
        for one, two in zip(self.parts, self.parts[1:], strict=False):
            if isinstance(one, Placeholder) and isinstance(two, Placeholder) and not (one.fixed or two.fixed):
                return f"{{{one.name}}}{{{two.name}}}"
        return None


def _parts(text: str) -> Iterator[str | Placeholder]:
    position = 0
    for found in _PLACEHOLDER.finditer(text):
        if found.start() > position:
            yield _literal(text, text[position : found.start()])
        name, width, style, field = found.groups()
        if (width and name not in _COUNTED) or (field and name != "value"):
            raise ValueError(f"{text!r}: {{{name}}} takes no format")
        yield Placeholder(name, int(width or 0), style or "", int(field or 0))
        position = found.end()
    if position < len(text):
        yield _literal(text, text[position:])


def _literal(text: str, literal: str) -> str:
    if "{" in literal or "}" in literal:
        raise ValueError(f"{text!r}: a brace stands alone, or is not written as {{name}}, {{name:02d}} or {{name:02X}}")
    if not literal.isascii() or not literal.isprintable():
        raise ValueError(f"{text!r} has characters that are not printable ASCII")
    return literal


def split_wrapper(text: str, between: tuple[str, str]) -> tuple[str, str, str]:
    """A frame's pattern in three: up to the first mark (with it), what is checked, from the second mark on.

    An empty mark is the frame's beginning, or the place where {check} stands. Raises ValueError if a mark is missing.
    """
    hidden = _PLACEHOLDER.sub(lambda found: "\0" * len(found[0]), text)
    place = text.find("{check}")
    last = len(text) if place < 0 else place
    first = hidden.find(between[0]) if between[0] else 0
    second = hidden.rfind(between[1], 0, last) if between[1] else last
    if first < 0 or second < first + len(between[0]):
        raise ValueError(f"{text!r} has not the marks {between[0]!r} and {between[1]!r} around what is checked")
    start = first + len(between[0])
    return text[:start], text[start:second], text[second:]


# ---- is a profile's line written properly? ----


def check(line: AsciiLine) -> Iterator[Mistake]:
    """Every mistake in the line's patterns, with its place in the profile's `line`."""
    if not line.terminator or not line.terminator.isascii():
        yield ("terminator",), "a line ends with at least one ASCII character"
    for name, text in (("request", line.request), ("reply", line.reply)):
        yield from _wrapper_mistakes(line, name, text)
    for kind, place, request in _requests(line):
        yield from _request_mistakes(line, kind, place, request)
    seen: set[str] = set()
    for i, refusal in enumerate(line.refusals):
        yield from _pattern_mistakes(line, ("refusals", i, "reply"), refusal.reply, allowed=("verb", "text"))
        if refusal.reply in seen:
            yield ("refusals", i, "reply"), f"{refusal.reply!r} is there twice"
        seen.add(refusal.reply)


def _requests(line: AsciiLine) -> Iterator[tuple[str, Place, AsciiRequest]]:
    for kind in _REQUESTS:
        if kind == "actions":
            yield from ((kind, (kind, name), request) for name, request in line.actions.items())
        elif (request := getattr(line, kind)) is not None:
            yield kind, (kind,), request


def _wrapper_mistakes(line: AsciiLine, name: str, text: str) -> Iterator[Mistake]:
    checked = line.check_kind != "none"
    needed = ("body", "check") if checked else ("body",)
    found = list(_pattern_mistakes(line, (name,), text, allowed=(*needed, "unit", "tag"), needed=needed))
    yield from found
    if not found and checked:
        try:
            inner = split_wrapper(text, line.check_between)[1]
        except ValueError as error:
            yield ("check", "between"), f"{name}: {error}"
        else:
            if "{body}" not in inner:
                yield ("check", "between"), f"{name}: {text!r} has its body outside of what is checked"
            if "{check}" in inner:
                yield ("check", "between"), f"{name}: {text!r} has {{check}} inside of what is checked"


def _request_mistakes(line: AsciiLine, kind: str, place: Place, request: AsciiRequest) -> Iterator[Mistake]:
    needed, allowed, one_of = _REQUESTS[kind]
    may_send = (*needed, *_MAY_BE_SENT.get(kind, ()))
    found = list(_pattern_mistakes(line, (*place, "send"), request.send, allowed=may_send, needed=needed))
    found += _pattern_mistakes(line, (*place, "reply"), request.reply, allowed=allowed)
    if one_of and not any(re.search(rf"\{{{name}[:}}]", request.reply) for name in one_of):
        wanted = " or ".join(f"{{{name}}}" for name in one_of)
        found.append(((*place, "reply"), f"{request.reply!r} has no {wanted}"))
    if re.search(r"\{value[:}]", request.reply) and "{values}" in request.reply:
        found.append(((*place, "reply"), f"{request.reply!r} has {{value}} and {{values}}: one of them is enough"))
    joined = "{values}" in request.reply or "{pairs}" in request.send
    if joined and (not request.separator or re.search(r"[0-9.+\-]", request.separator)):
        found.append(((*place, "separator"), f"{request.separator!r} cannot be told from a number's characters"))
    if kind == "write_job":
        names = ("name", "value")
        found += _pattern_mistakes(line, (*place, "pair"), request.pair, allowed=names, needed=names)
    yield from found
    if not found:
        yield from _ambiguities(line, place, request)


def _pattern_mistakes(
    line: AsciiLine, place: Place, text: str, *, allowed: Iterable[str], needed: Iterable[str] = ()
) -> Iterator[Mistake]:
    try:
        pattern = Pattern(text)
    except ValueError as error:
        yield place, str(error)
        return
    for name in sorted(set(pattern.placeholders) - set(allowed)):
        yield place, f"{text!r}: {{{name}}} is not known here; it may have {_braced(allowed)}"
    for name in needed:
        if name not in pattern.placeholders:
            yield place, f"{text!r} has no {{{name}}}"
    pair = pattern.side_by_side()
    if pair is not None:
        yield place, f"{text!r} is ambiguous: nothing stands between {pair}"
    if line.terminator and line.terminator in text:
        yield place, f"{text!r} contains the terminator"


def _ambiguities(line: AsciiLine, place: Place, request: AsciiRequest) -> Iterator[Mistake]:
    """What could be an answer and something else too, tried with a sample of each."""
    send, reply = Pattern(request.send), Pattern(request.reply)
    sent = send.build(_SAMPLES)
    samples = {**_SAMPLES, "verb": sent.split(" ", 1)[0]}
    numbers = rf"{SCIENTIFIC}(?:{re.escape(request.separator)}{SCIENTIFIC})*"
    answer = re.compile(reply.source({"values": numbers}), re.ASCII)
    described = place == ("identify",)  # no device is called like the question, and what equals it is refused
    if line.request == line.reply and not described and answer.fullmatch(sent) is not None:
        told = "an echo of the request would be taken for the answer; write what only the answer has"
        yield (*place, "reply"), f"{request.reply!r} is ambiguous: {told}"
    for refusal in line.refusals:
        try:
            refused = Pattern(refusal.reply)
            both = answer.fullmatch(refused.build(samples)) or refused.match(reply.build(samples))
        except (ValueError, ProfileError):
            continue  # told where the refusal stands
        if both is not None:
            told = f"the refusal {refusal.reply!r} fits too; write what every good answer begins or ends with"
            yield (*place, "reply"), f"{request.reply!r} is ambiguous: {told}"


def _braced(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names) or "none"

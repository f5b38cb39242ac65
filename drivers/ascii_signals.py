"""A machine's or an instrument's signals over an ASCII line, as the profile's patterns say."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from decimal import Decimal
from typing import TypeVar

from drivers.ascii_codec import Answer, LineCodec, Question
from drivers.ascii_pattern import DIGITS, NUMBER, SCIENTIFIC, Value
from drivers.errors import (
    CorruptAnswer,
    DeviceRefused,
    DriverError,
    InstrumentBusy,
    OutcomeUnknown,
    OutOfRange,
    ProfileError,
    ResponseTimeout,
    WrongAnswer,
)
from drivers.profile import AsciiRequest, Block, Profile, Refusal, Signal
from drivers.transport.base import LineTransport

T = TypeVar("T")
_NO_UNITS: Set[str] = frozenset()
_REMEMBERED_TAGS = 0x100  # requests of a tag with two digits are made once; more would fill the memory
_FORMS = {
    "integer": re.compile(rf" *[+-]?\d{{1,{DIGITS}}}", re.ASCII),
    "decimal": re.compile(NUMBER, re.ASCII),
    "scientific": re.compile(SCIENTIFIC, re.ASCII),
}


class AsciiSignals:
    """The SignalLayer of a line of text.

    Reads raise LinkDown, ResponseTimeout, CorruptAnswer, WrongAnswer, or what the refusal means: DeviceRefused,
    InstrumentBusy, OutOfRange. Writes go out once and raise LinkDown (nothing was sent), a refusal, or OutcomeUnknown
    where no proper answer came. A request that the profile does not have is a ProfileError, and nothing was sent.
    """

    def __init__(self, profile: Profile, transport: LineTransport) -> None:
        if profile.line is None:
            raise ProfileError(f"{profile.name} has no line of text")
        self.transport: LineTransport = transport
        self._profile = profile
        self._line = profile.line
        self._codec = LineCodec(profile.line)
        self._units = {signal.unit for signal in profile.signals.values()}
        self._tag = 0
        self._reads: dict[str, _Read] = {}
        self._questions: dict[tuple[str, int, int], Question] = {}

    async def read(self, block: Block, *, priority: bool = False) -> Sequence[str]:
        """The values' texts in the block's order, each a plain number if its signal is one."""
        request = self._need("read", self._line.read)
        read = self._reads.get(block.name)
        if read is None:
            signals = [self._profile.signals[name] for name in block.signals]
            read = self._reads[block.name] = _Read(block.name, signals, request.separator)
        tag, unit = self._next_tag(), self.transport.unit
        question = self._questions.get((block.name, tag, unit))
        if question is None:
            question = self._codec.ask(request, {"block": block.name}, unit=unit, tag=tag, text=read.is_text)
            if self._codec.tags <= _REMEMBERED_TAGS:
                self._questions[block.name, tag, unit] = question
        return await self._exchanged(question, read.taken, priority=priority)

    async def write_job(self, job: Mapping[str, float]) -> None:
        """All job values with one request."""
        request = self._need("write_job", self._line.write_job)
        pairs = (
            self._codec.built(request.pair, {"name": signal.name, "value": value_text(signal, job[signal.name])})
            for signal in self._profile.job
        )
        await self._tell(request, {"pairs": request.separator.join(pairs)})

    async def write_command(self, code: int, sequence: int, *, priority: bool = False) -> None:
        """Code and sequence with one request."""
        request = self._need("command", self._line.command)
        await self._tell(request, {"command_code": code, "command_sequence": sequence}, priority=priority)

    async def write_heartbeat(self, count: int, lease: int) -> None:
        """Our counter, and our lease number where the request has it."""
        request = self._need("heartbeat", self._line.heartbeat)
        await self._tell(request, {"heartbeat_controller": count, "lease_request": lease})

    async def write_signal(self, signal: Signal, value: float | str, *, priority: bool = False) -> None:
        """One value, once."""
        request = self._need("write", self._line.write)
        values = {"name": signal.name, "value": value_text(signal, value)}
        await self._tell(request, values, {signal.unit}, text=_is_text(signal), priority=priority)

    async def act(self, name: str) -> str:
        """Carries out one of the profile's actions, once; the text or value of its answer, "" if it has none."""
        request = self._need(f"actions.{name}", self._line.actions.get(name))
        fields = await self._tell(request, {}, self._units)
        return fields.get("text", fields.get("value", "")).strip()

    async def identify(self) -> str:
        """The device's own description; "" where the profile has no request for it."""
        if self._line.identify is None:
            return ""
        return await self._ask(self._line.identify, {}, lambda fields: fields["text"])

    def _need(self, name: str, request: AsciiRequest | None) -> AsciiRequest:
        if request is None:
            raise ProfileError(f"{self._profile.name} has no request line.{name}")
        return request

    async def _tell(
        self,
        request: AsciiRequest,
        values: Mapping[str, Value],
        units: Set[str] = _NO_UNITS,
        *,
        text: bool = False,
        priority: bool = False,
    ) -> Mapping[str, str]:
        """A request that changes the device: without a proper answer nobody knows what became of it."""

        def taken(fields: Mapping[str, str]) -> Mapping[str, str]:
            _check_unit(fields, units)
            return fields

        try:
            return await self._ask(request, values, taken, text=text, priority=priority, again=False)
        except (ResponseTimeout, CorruptAnswer, WrongAnswer) as error:
            verb = request.send.partition("{")[0].strip() or "a line"
            raise OutcomeUnknown(f"{verb} was sent, its answer was lost: {error}") from error

    async def _ask(
        self,
        request: AsciiRequest,
        values: Mapping[str, Value],
        taken: Callable[[Mapping[str, str]], T],
        *,
        text: bool = False,
        priority: bool = False,
        again: bool = True,
    ) -> T:
        """One exchange; `taken` judges the answer's fields while the line is still ours, and makes the result."""
        question = self._codec.ask(request, values, unit=self.transport.unit, tag=self._next_tag(), text=text)
        return await self._exchanged(question, taken, priority=priority, again=again)

    def _next_tag(self) -> int:
        self._tag = (self._tag + 1) % self._codec.tags
        return self._tag

    async def _exchanged(
        self, question: Question, taken: Callable[[Mapping[str, str]], T], *, priority: bool, again: bool = True
    ) -> T:
        judged: Answer | None = None
        result: list[T] = []

        def check(data: bytes) -> None:
            nonlocal judged
            judged = question.judge(data)
            if judged.refusal is None:
                result[:] = [taken(judged.fields)]

        answer = await self.transport.exchange(question.data, check=check, priority=priority, again=again)
        if judged is None:
            check(answer)
        if judged is not None and judged.refusal is not None:
            raise _error_of(judged.refusal, question.body, judged.fields.get("text", ""))
        return result[0]


def value_text(signal: Signal, value: float | str) -> str:
    """A value as the line carries it; nine significant digits hold every float32.

    Raises OutOfRange for what is no number, or one with more digits than a line's numbers have.
    """
    if signal.type == "text":
        return str(value)
    number = float(value)
    if not math.isfinite(number) or abs(number) >= 10.0**DIGITS:
        raise OutOfRange(f"{signal.name} = {value} is not a number that a line can carry")
    if signal.type == "integer":
        return str(round(number))
    text = f"{Decimal(f'{number:.9g}'):.{DIGITS}f}"
    return text.rstrip("0").rstrip(".")


def _is_text(*signals: Signal) -> bool:
    return all(signal.type == "text" for signal in signals)


def _checked(signal: Signal, text: str) -> str:
    form = _FORMS.get(signal.type)
    if form is not None and form.fullmatch(text) is None:
        exponent = "E" in text.upper() and _FORMS["scientific"].fullmatch(text) is not None
        hint = "; a number with an exponent has the type scientific" if exponent else ""
        raise CorruptAnswer(f"{signal.name}: {text!r} is no {signal.type}{hint}")
    return text if form is None else text.lstrip(" ")


class _Read:
    """What a block's answer must be; taken out of it."""

    def __init__(self, block: str, signals: Sequence[Signal], separator: str) -> None:
        self.is_text = _is_text(*signals)
        self._block, self._signals, self._separator = block, signals, separator
        self._units = {signal.unit for signal in signals}
        forms = [_FORMS.get(signal.type) for signal in signals]
        numbers = [form.pattern for form in forms if form is not None]
        is_told_apart = separator.strip(" ") and len(numbers) == len(signals)  # a number may begin with spaces
        self._all = re.compile(re.escape(separator).join(numbers), re.ASCII) if is_told_apart else None

    def taken(self, fields: Mapping[str, str]) -> list[str]:
        """The values' texts; raises WrongAnswer or CorruptAnswer."""
        whole = fields.get("values")
        texts = [fields["value"]] if whole is None else whole.split(self._separator)
        if len(texts) != len(self._signals):
            raise WrongAnswer(f"{self._block} has {len(self._signals)} values, {len(texts)} came")
        _check_unit(fields, self._units)
        if whole is not None and " " not in whole and self._all is not None and self._all.fullmatch(whole) is not None:
            return texts
        return [_checked(signal, text) for signal, text in zip(self._signals, texts, strict=True)]


def _check_unit(fields: Mapping[str, str], units: Set[str]) -> None:
    unit = fields.get("unit_text")
    if unit is not None and unit not in units:
        raise WrongAnswer(f"the value comes in {unit}, {' or '.join(sorted(units)) or 'no unit'} was expected")


def _error_of(refusal: Refusal, asked: str, told: str) -> DriverError:
    text = f"{asked.split(' ', 1)[0]}: {refusal.meaning or refusal.means}{f' ({told})' if told else ''}"
    if refusal.means == "busy":
        return InstrumentBusy(text)
    if refusal.means in ("overload", "underload"):
        return OutOfRange(text)
    return DeviceRefused(refusal.code, f"the machine refused {text}")

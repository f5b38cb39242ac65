"""What our side asks over lines of text in the frame campaign: the coater, and an instrument without checksum."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from drivers.ascii_signals import AsciiSignals
from drivers.profile import Profile
from drivers.transport.base import LineTransport
from tests.campaign import frames
from tests.campaign.frame_damages import Scene
from tests.campaign.frame_oracle import Answered, coater_answer, sics_answer
from tests.campaign.frame_target import Result
from tests.campaign.frames import END, Line, RequestFault, coater_framed, sics_value


@dataclass(frozen=True, slots=True)
class LineQuestion:
    """One call of our side: its body as the document writes it, and the block that it reads."""

    body: str
    block: str = ""
    numbers: tuple[int, ...] = ()


class CoaterTarget:
    """AsciiSignals of the coater; every request is answered with values of its own."""

    def __init__(self, profile: Profile, transport: LineTransport) -> None:
        self.transport = transport
        self.timeout_s, self.quiet_s = profile.timing.response_timeout_s, profile.timing.quiet_s
        self._signals = AsciiSignals(profile, transport)
        self._profile = profile
        self._blocks = {block.name: block for block in profile.blocks}
        self._request = 0
        self._line = Line(b"01", b"00", b"")
        self._kinds: tuple[str, ...] = ()
        self._values: tuple[str, ...] = ()

    def question(self, rng: Random) -> LineQuestion:
        match rng.randrange(8):
            case 0:
                code, sequence = rng.randint(1, 8), rng.randint(1, 65535)
                return LineQuestion(f"CM {code},{sequence}", numbers=(code, sequence))
            case 1:
                count, lease = rng.randrange(65536), rng.randrange(65536)
                return LineQuestion(f"HB {count},{lease}", numbers=(count, lease))
            case _:
                block = rng.choice(list(self._blocks))
                return LineQuestion(f"RD {block}", block)

    def like(self, rng: Random, question: LineQuestion) -> LineQuestion:
        block = question.block or "ST"
        return LineQuestion(f"RD {block}", block)

    async def ask(self, question: LineQuestion) -> Result:
        if question.block:
            return tuple(str(value).strip() for value in await self._signals.read(self._blocks[question.block]))
        if question.body.startswith("CM"):
            await self._signals.write_command(*question.numbers)
        else:
            await self._signals.write_heartbeat(*question.numbers)
        return None

    def is_write(self, question: LineQuestion) -> bool:
        return not question.block

    def scene(self, question: LineQuestion, frame: bytes) -> Scene:
        self._line = line = frames.coater_line(frame)
        if line.body != question.body.encode("ascii") or line.unit != b"01":
            raise RequestFault(f"{question.body} became {frame!r}")
        self._request += 1
        self._kinds = self._kinds_of(question)
        self._values = _values(self._kinds, self._request)
        return Scene(
            frame,
            coater_framed(line.unit, line.tag, _coater_body(self._values)),
            lambda rng: _changed(rng, line, self._values),
            lambda rng: self._other(rng, line),
            lambda rng: _refusal(rng, line),
            self.timeout_s,
            self.quiet_s,
            can_be_lost=False,
        )

    def truth(self) -> Result:
        return self._values or None

    def allowed(self, heard: bytes) -> Answered | None:
        return coater_answer(self._line, self._kinds, heard)

    def _kinds_of(self, question: LineQuestion) -> tuple[str, ...]:
        names = self._blocks[question.block].signals if question.block else ()
        return tuple(self._profile.signals[name].type for name in names)

    def _other(self, rng: Random, line: Line) -> bytes:
        """A sound answer to another request: an earlier tag, another unit, another group."""
        kinds = self._kinds_of(LineQuestion("", rng.choice(list(self._blocks))))
        body = _coater_body(_values(kinds, self._request - 1))
        unit, tag = line.unit, line.tag
        if rng.random() < 0.8:
            tag = b"%02X" % ((int(tag, 16) - rng.randint(1, 3)) & 0xFF)
        else:
            unit = b"%02d" % rng.randrange(100)
        return coater_framed(unit, tag, body)


def _values(kinds: tuple[str, ...], request: int) -> tuple[str, ...]:
    return tuple(
        str(request * 16 + place) if kind == "integer" else f"{request % 977 + place / 16:.4f}"
        for place, kind in enumerate(kinds)
    )


def _coater_body(values: tuple[str, ...]) -> bytes:
    return f"OK {','.join(values)}".encode("ascii") if values else b"OK"


def _refusal(rng: Random, line: Line) -> bytes:
    code = rng.choice(("1", "2", "3", "4", "5", "9", "", "x", "12", "-1"))
    tag = line.tag if rng.random() < 0.8 else b"%02X" % rng.randrange(256)
    return coater_framed(line.unit, tag, f"ER {code}".encode("ascii"))


def _changed(rng: Random, line: Line, values: tuple[str, ...]) -> bytes:
    """An answer with one thing wrong; its checksum is mended unless it is that thing."""
    body = _coater_body(values)
    unit, tag = line.unit, line.tag
    match rng.randrange(9):
        case 0:
            unit = rng.choice((b"02", b"00", b"1 ", b"0", b"010"))
        case 1:
            tag = rng.choice((tag.lower() + b"0", b"%02X" % rng.randrange(256), tag[:1], b""))
        case 2:  # fewer or more values
            body = rng.choice((body.rpartition(b",")[0] or b"OK 1", body + b",1", body + b",", b"OK", b"OK "))
        case 3:
            body = body.replace(b"OK", rng.choice((b"ok", b"OK OK", b"", b"NO", b"OK  ")), 1)
        case 4:  # a value that is no number
            body += rng.choice((b"nan", b"e5", b"inf", b"_0", b"..", b"-", b"\x80", b"\0", b"\t", b"0x1F"))
        case 5:  # another digit
            place = rng.randrange(len(body))
            body = body[:place] + rng.choice((b"0", b"7", b".", b",", b" ", b"*")) + body[place + 1 :]
        case 6:
            frame = coater_framed(unit, tag, body)
            return frame[:-4] + frame[-4:-2].lower() + END
        case 7:
            frame = coater_framed(unit, tag, body)
            return rng.choice((frame[:-2], frame[:-1], frame[:-2] + b"\n\r", frame[:-2] + b"\r\r\n", frame + END))
        case _:
            frame = coater_framed(unit, tag, body)
            return frame[:-4] + b"%02X" % rng.randrange(256) + END
    return coater_framed(unit, tag, body)


# ---------------------------------------------------------------- MT-SICS


class SicsTarget:
    """AsciiSignals of a balance: no tag, no checksum; the form of a line and silence keep answers apart."""

    def __init__(self, profile: Profile, transport: LineTransport) -> None:
        self.transport = transport
        self.timeout_s, self.quiet_s = profile.timing.response_timeout_s, profile.timing.quiet_s
        self._signals = AsciiSignals(profile, transport)
        (self._block,) = profile.blocks
        (signal,) = profile.signals.values()
        self._unit = signal.unit
        self._request = 0
        self._command = "S"
        self._value = ""

    def question(self, rng: Random) -> LineQuestion:
        return rng.choice((*[LineQuestion("S", "S")] * 6, LineQuestion("Z"), LineQuestion("T")))

    def like(self, rng: Random, question: LineQuestion) -> LineQuestion:
        return LineQuestion("S", "S")

    async def ask(self, question: LineQuestion) -> Result:
        if question.block:
            return tuple(str(value).strip() for value in await self._signals.read(self._block))
        told = await self._signals.act({"Z": "zero", "T": "tare"}[question.body])
        return (told.strip(),) if question.body == "T" else None

    def is_write(self, question: LineQuestion) -> bool:
        return not question.block

    def scene(self, question: LineQuestion, frame: bytes) -> Scene:
        if frame != question.body.encode("ascii") + END:
            raise RequestFault(f"{question.body} became {frame!r}")
        self._command = command = question.body
        self._request += 1
        self._value = value = f"{self._request % 219 + 0.0001 * (self._request % 10000):.4f}"
        return Scene(
            frame,
            b"Z A\r\n" if command == "Z" else sics_value(value, self._unit, command),
            lambda rng: _sics_changed(rng, command, value, self._unit),
            lambda rng: rng.choice(
                (b'I2 A "PL-AB210 220 g"\r\n', b"Z A\r\n", b"T S        1.0 g\r\n", b"S D   1.0000 g\r\n")
            ),
            lambda rng: _sics_refusal(rng, command),
            self.timeout_s,
            self.quiet_s,
            can_be_lost=False,
        )

    def truth(self) -> Result:
        return None if self._command == "Z" else (self._value,)

    def allowed(self, heard: bytes) -> Answered | None:
        return sics_answer(self._command, self._unit, heard)


def _sics_refusal(rng: Random, command: str) -> bytes:
    verb = command if rng.random() < 0.8 else rng.choice("STZ")
    plain = [f"{verb} {word}" for word in ("I", "+", "-", "L", "?", "")]
    return rng.choice((*plain, "ES", "ET", "EL", "EE", "E")).encode("ascii") + END


def _sics_changed(rng: Random, command: str, value: str, unit: str) -> bytes:
    """A line with one thing wrong."""
    line = f"{command} S {value:>10} {unit}"
    match rng.randrange(7):
        case 0:
            line = line.replace(unit, rng.choice(("kg", "mg", "lb", "", "G", "gg")))
        case 1:
            line = line.replace(" S ", rng.choice((" D ", " I ", " s ", " ", "  S ")), 1)
        case 2:  # a lost or doubled character in the number
            place = rng.randrange(4, 14)
            line = line[:place] + line[place : place + 1] * rng.choice((0, 2)) + line[place + 1 :]
        case 3:
            line = line.replace(".", rng.choice(("", ",", "..", " ")))
        case 4:
            line = rng.choice((line.lower(), line + " ", " " + line, line + " 1"))
        case 5:
            line = line.replace(value, rng.choice(("nan", "1e3", "-", ".", "1.", "0x10", "-0.0001")))
        case _:
            return line.encode("ascii") + rng.choice((b"\n", b"\r", b"\r\n\r\n", b"\n\r", b""))
    return line.encode("ascii") + END

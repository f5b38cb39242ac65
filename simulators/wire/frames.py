"""What a frame is about, and frames that are wrong in one thing and sound otherwise: for Modbus and for lines of text.

Every function takes whole frames, as they are on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Literal, Protocol

from drivers.profile import AsciiRequest, Profile
from simulators.wire.ascii_image import framed, scanned, unframed
from simulators.wire.modbus_server import crc16

Asked = Literal["reads", "commands", "jobs", "heartbeats"]
_COMMAND = frozenset({"command_code", "command_sequence"})
_HEARTBEAT = frozenset({"heartbeat_controller", "lease_request"})
_READS = frozenset({1, 2, 3, 4, 0x2B})
_WRITES_MANY, _DEVICE_FAILURE = 16, 4


class Frames(Protocol):
    """One protocol, as one unit speaks it."""

    def is_for(self, request: bytes, unit: int) -> bool:
        """Whether the unit of this number is asked."""
        ...

    def asked(self, request: bytes) -> Asked:
        """What a request is about."""
        ...

    def corrupt(self, answer: bytes, rng: Random) -> bytes:
        """With a bit that its checksum or its form gives away."""
        ...

    def other_unit(self, answer: bytes) -> bytes:
        """As another unit would send it."""
        ...

    def other_function(self, answer: bytes) -> bytes:
        """As the answer to another kind of request."""
        ...

    def other_length(self, answer: bytes) -> bytes:
        """With one value less, or one more where there is only one."""
        ...

    def no_transaction(self, answer: bytes) -> bytes:
        """With 0 in place of the request's number; as it is where it has none."""
        ...

    def refused(self, answer: bytes) -> bool:
        """Whether it is an exception."""
        ...

    def refusal(self, answer: bytes) -> bytes:
        """An exception in its place."""
        ...

    def echo_differs(self, answer: bytes) -> bytes:
        """Repeating something else than was asked."""
        ...

    def fewer(self, request: bytes) -> Iterator[bytes]:
        """The same write of ever fewer values, the last ones left out."""
        ...

    def for_all(self, request: bytes, answer: bytes) -> bytes:
        """The answer to a write of fewer values, as if it were to this one."""
        ...


class ModbusFrames:
    """Modbus TCP ("tcp") or RTU ("rtu")."""

    def __init__(self, profile: Profile, framing: Literal["tcp", "rtu"]) -> None:
        self._head = 7 if framing == "tcp" else 1
        self._numbered = framing == "tcp"
        self._names = {(s.table, s.address): s.name for s in profile.signals.values()}

    def _split(self, frame: bytes) -> tuple[bytes, bytes]:
        return frame[: self._head], frame[self._head :] if self._numbered else frame[self._head : -2]

    def _joined(self, head: bytes, pdu: bytes) -> bytes:
        if self._numbered:
            return head[:4] + (len(pdu) + 1).to_bytes(2, "big") + head[6:7] + pdu
        return head + pdu + crc16(head + pdu)

    def is_for(self, request: bytes, unit: int) -> bool:
        return len(request) > self._head and request[self._head - 1] == unit

    def asked(self, request: bytes) -> Asked:
        pdu = self._split(request)[1]
        if not pdu or pdu[0] in _READS:
            return "reads"
        name = self._names.get(("holding", int.from_bytes(pdu[1:3], "big")), "")
        return "commands" if name in _COMMAND else "heartbeats" if name in _HEARTBEAT else "jobs"

    def corrupt(self, answer: bytes, rng: Random) -> bytes:
        # without a checksum only the number, the protocol and the unit tell: the rest is TCP's to keep
        place = rng.choice((0, 1, 2, 3)) if self._numbered else rng.randrange(len(answer))
        return _with(answer, place, answer[place] ^ 1 << rng.randrange(8))

    def other_unit(self, answer: bytes) -> bytes:
        head, pdu = self._split(answer)
        return self._joined(head[:-1] + bytes([head[-1] % 247 + 1]), pdu)

    def other_function(self, answer: bytes) -> bytes:
        head, pdu = self._split(answer)
        function = {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5, 15: 16, 16: 15}.get(pdu[0] & 0x7F, 3)
        return self._joined(head, bytes([function | pdu[0] & 0x80]) + pdu[1:])

    def other_length(self, answer: bytes) -> bytes:
        head, pdu = self._split(answer)
        if pdu[0] not in (3, 4):
            return self._joined(head, pdu + b"\0")
        if pdu[1] > 2:
            return self._joined(head, bytes([pdu[0], pdu[1] - 2]) + pdu[2:-2])
        return self._joined(head, bytes([pdu[0], pdu[1] + 2]) + pdu[2:] + b"\0\0")

    def no_transaction(self, answer: bytes) -> bytes:
        return b"\0\0" + answer[2:] if self._numbered else answer

    def refused(self, answer: bytes) -> bool:
        return bool(self._split(answer)[1][0] & 0x80)

    def refusal(self, answer: bytes) -> bytes:
        head, pdu = self._split(answer)
        return self._joined(head, bytes([pdu[0] | 0x80, _DEVICE_FAILURE]))

    def echo_differs(self, answer: bytes) -> bytes:
        head, pdu = self._split(answer)
        return self._joined(head, pdu[:-1] + bytes([pdu[-1] ^ 1]))

    def fewer(self, request: bytes) -> Iterator[bytes]:
        head, pdu = self._split(request)
        if pdu[0] != _WRITES_MANY:
            return
        for count in range(int.from_bytes(pdu[3:5], "big") - 1, 0, -1):
            less = pdu[:3] + count.to_bytes(2, "big") + bytes([2 * count]) + pdu[6 : 6 + 2 * count]
            yield self._joined(head, less)

    def for_all(self, request: bytes, answer: bytes) -> bytes:
        head, pdu = self._split(answer)
        return answer if pdu[0] & 0x80 else self._joined(head, pdu[:3] + self._split(request)[1][3:5])


class TextFrames:
    """Lines of text, as a profile lays them out.

    :raises ValueError: for a profile without lines of text.
    """

    def __init__(self, profile: Profile) -> None:
        if profile.line is None:
            raise ValueError(f"{profile.name} has no line of text")
        self._line = profile.line

    def is_for(self, request: bytes, unit: int) -> bool:
        parts = unframed(self._line, self._line.request, self._text(request))
        return parts is not None and ("{unit" not in self._line.request or parts[0] == unit)

    def asked(self, request: bytes) -> Asked:
        parts = unframed(self._line, self._line.request, self._text(request))
        body, line = "" if parts is None else parts[2], self._line

        def fits(known: AsciiRequest | None) -> bool:
            return known is not None and scanned(known.send, body) is not None

        if fits(line.command):
            return "commands"
        if fits(line.heartbeat):
            return "heartbeats"
        return "jobs" if fits(line.write_job) or fits(line.write) or any(map(fits, line.actions.values())) else "reads"

    def corrupt(self, answer: bytes, rng: Random) -> bytes:
        place = rng.randrange(len(answer) - len(self._line.terminator))
        # without check characters a wrong digit would be sound: the bit that no character has tells instead
        bit = 0x80 if self._line.check_kind == "none" else 1 << rng.randrange(8)
        return _with(answer, place, answer[place] ^ bit)

    def other_unit(self, answer: bytes) -> bytes:
        return self._changed(answer, unit=1)

    def other_function(self, answer: bytes) -> bytes:
        body = self._parts(answer)[2]
        other = self._line.command.reply if self._line.command is not None else "I4"
        return self._changed(answer, body=f"{other} 1" if body == other else other)

    def other_length(self, answer: bytes) -> bytes:
        body = self._parts(answer)[2]
        return self._changed(answer, body=body.rpartition(",")[0] or f"{body},1")

    def no_transaction(self, answer: bytes) -> bytes:
        return answer

    def refused(self, answer: bytes) -> bool:
        body = self._parts(answer)[2]
        return any(scanned(refusal.reply, body) is not None for refusal in self._line.refusals)

    def refusal(self, answer: bytes) -> bytes:
        refusals = [refusal for refusal in self._line.refusals if refusal.means == "refused"]
        return self._changed(answer, body=refusals[0].reply.format(verb="S", text="refused")) if refusals else b""

    def echo_differs(self, answer: bytes) -> bytes:
        return self._changed(answer, tag=1) if "{tag" in self._line.reply else self.other_length(answer)

    def fewer(self, request: bytes) -> Iterator[bytes]:
        parts = unframed(self._line, self._line.request, self._text(request))
        job = self._line.write_job
        if parts is None or job is None or (found := scanned(job.send, parts[2])) is None:
            return
        pairs = found["pairs"].split(job.separator)
        for count in range(len(pairs) - 1, 0, -1):
            body = job.send.format(pairs=job.separator.join(pairs[:count]))
            text = framed(self._line, self._line.request, parts[0], parts[1], body)
            yield (text + self._line.terminator).encode("latin-1")

    def for_all(self, request: bytes, answer: bytes) -> bytes:  # noqa: ARG002  an answer does not say how many
        return answer

    def _text(self, frame: bytes) -> str:
        return frame.decode("latin-1").removesuffix(self._line.terminator)

    def _parts(self, answer: bytes) -> tuple[int, int, str]:
        return unframed(self._line, self._line.reply, self._text(answer)) or (0, 0, "")

    def _changed(self, answer: bytes, *, unit: int = 0, tag: int = 0, body: str | None = None) -> bytes:
        """unit and tag are added to what is there."""
        has = self._parts(answer)
        text = framed(self._line, self._line.reply, (has[0] + unit) % 100, (has[1] + tag) % 256, body or has[2])
        return (text + self._line.terminator).encode("latin-1")


def frames_of(profile: Profile, carrier: str) -> Frames:
    """The frames of a unit on a carrier: "tcp", "rtu", "rtu+tcp", "ascii", "ascii+tcp"."""
    if profile.protocol != "modbus":
        return TextFrames(profile)
    return ModbusFrames(profile, "tcp" if carrier == "tcp" else "rtu")


def _with(data: bytes, place: int, byte: int) -> bytes:
    return data[:place] + bytes([byte]) + data[place + 1 :]

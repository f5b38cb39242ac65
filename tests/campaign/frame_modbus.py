"""What our Modbus side asks in the frame campaign, and what a machine, sound or not, could say to it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from random import Random

from drivers.profile import Table
from drivers.transport.base import RegisterTransport
from tests.campaign import frames
from tests.campaign.frame_damages import Scene
from tests.campaign.frame_oracle import Answered, modbus_answer
from tests.campaign.frame_target import Result
from tests.campaign.frames import WRITE_COIL, WRITE_COILS, WRITE_REGISTER, WRITE_REGISTERS, Asked, Framing

UNIT = 1
TIMEOUT_S, QUIET_S = 0.5, 0.2
_TABLES: dict[int, Table] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_COUNTS = (1, 1, 2, 2, 4, 10, 60, 125)
_FUNCTIONS = (1, 2, 3, 3, 3, 4, 4, 4, 4, WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS, WRITE_REGISTERS)


@dataclass(frozen=True, slots=True)
class ModbusQuestion:
    """One call of our side."""

    function: int
    address: int
    count: int
    values: tuple[int, ...] = ()


class ModbusTarget:
    """Our Modbus side. can_be_lost: its connection can end."""

    def __init__(self, framing: Framing, transport: RegisterTransport, *, can_be_lost: bool = False) -> None:
        self.transport = transport
        self.timeout_s, self.quiet_s = TIMEOUT_S, QUIET_S
        self._framing: Framing = framing
        self._can_be_lost = can_be_lost
        self._asked = Asked(UNIT, 3, 0)

    def question(self, rng: Random) -> ModbusQuestion:
        function = rng.choice(_FUNCTIONS)
        if function in (WRITE_COIL, WRITE_REGISTER):
            limit = 2 if function == WRITE_COIL else 0x10000
            return ModbusQuestion(function, rng.randrange(0x10000), 1, (rng.randrange(limit),))
        count = rng.choice(_COUNTS)
        address = rng.randrange(0x10000 - 2 * count)
        if function == WRITE_COILS:
            return ModbusQuestion(function, address, count, tuple(rng.choices((0, 1), k=count)))
        if function == WRITE_REGISTERS:
            count = min(count, 123)
            return ModbusQuestion(function, address, count, tuple(rng.randrange(0x10000) for _ in range(count)))
        return ModbusQuestion(function, address, count)

    def like(self, rng: Random, question: ModbusQuestion) -> ModbusQuestion:
        """The read whose answer looks most like that question's, from another address."""
        function = question.function if question.function in _TABLES else 3
        address = (question.address + rng.choice((1, 2, 3, 7, 100))) % (0x10000 - question.count)
        return ModbusQuestion(function, address, question.count)

    async def ask(self, question: ModbusQuestion) -> Result:
        function, address = question.function, question.address
        if function in _TABLES:
            return tuple(await self.transport.read(_TABLES[function], address, question.count))
        table: Table = "coil" if function in (WRITE_COIL, WRITE_COILS) else "holding"
        single = function in (WRITE_COIL, WRITE_REGISTER)
        await self.transport.write(address, list(question.values), table=table, single=single)
        return None

    def is_write(self, question: ModbusQuestion) -> bool:
        return question.function not in _TABLES

    def scene(self, question: ModbusQuestion, frame: bytes) -> Scene:
        """Raises RequestFault if `frame` is not the request that was to be made."""
        self._asked = asked = frames.request(self._framing, frame)
        data = asked.data
        if asked.function == WRITE_COIL:
            wanted = b"\xff\0" if question.values[0] else b"\0\0"
        elif asked.function == WRITE_COILS:
            wanted = frames.packed_bits(question.values)
        else:
            wanted = struct.pack(f">{len(question.values)}H", *question.values)
        if replace(asked, transaction=0, data=b"") != Asked(UNIT, question.function, question.address, question.count):
            raise frames.RequestFault(f"{question} became {asked}")
        if data != wanted:
            raise frames.RequestFault(f"{question} carries {data.hex()}")
        return Scene(
            frame,
            frames.answer(self._framing, asked),
            lambda rng: _changed(rng, self._framing, asked),
            lambda rng: _other(rng, self._framing, asked),
            lambda rng: _refusal(rng, self._framing, asked),
            self.timeout_s,
            self.quiet_s,
            self._can_be_lost,
        )

    def truth(self) -> Result:
        return tuple(frames.truth(self._asked)) if self._asked.is_read else None

    def allowed(self, heard: bytes) -> Answered | None:
        return modbus_answer(self._framing, self._asked, heard)


def _other(rng: Random, framing: Framing, asked: Asked) -> bytes:
    """A sound answer to something else: another unit, transaction, table, count or address."""
    changes = rng.sample(("unit", "transaction", "function", "count", "address"), rng.choice((1, 1, 2)))
    if framing == "tcp" and "transaction" not in changes and rng.random() < 0.5:
        changes.append("transaction")  # an answer to an earlier request of ours
    other = asked
    for change in changes:
        match change:
            case "unit":
                other = replace(other, unit=rng.choice((0, 2, 17, 255)))
            case "transaction":
                other = replace(other, transaction=(asked.transaction - rng.randint(1, 5)) & 0xFFFF)
            case "function":
                other = replace(other, function=rng.choice((1, 2, 3, 4)))
            case "count":
                other = replace(other, count=max(1, min(125, asked.count + rng.choice((-8, -2, -1, 1, 2, 8)))))
            case _:
                other = replace(other, address=rng.randrange(0x8000))
    return frames.answer(framing, other)


def _refusal(rng: Random, framing: Framing, asked: Asked) -> bytes:
    function = asked.function if rng.random() < 0.6 else rng.choice((1, 2, 3, 4, 5, 6, 15, 16, 43))
    unit = asked.unit if rng.random() < 0.9 else asked.unit + 1
    pdu = bytes([function | 0x80, rng.choice((1, 2, 3, 4, 5, 6, 8, 10, 11, rng.randrange(256)))])
    if rng.random() < 0.15:
        pdu += rng.randbytes(rng.randint(1, 4))
    return frames.framed(framing, asked.transaction, unit, pdu)


def _changed(rng: Random, framing: Framing, asked: Asked) -> bytes:
    """An answer with one wrong field, whose length and checksum are mended as far as they are not that field."""
    pdu = bytearray(frames.answer_pdu(asked))
    fields = ["unit", "function", "data"] + (["size", "shape"] if asked.is_read else ["echo"])
    if framing == "tcp":
        fields += ["transaction", "protocol", "length"]
    field = rng.choice(fields)
    transaction, unit, protocol, lie = asked.transaction, asked.unit, 0, 0
    match field:
        case "unit":
            unit = rng.randrange(256)
        case "function":
            pdu[0] = rng.randrange(256)
        case "data":
            pdu[rng.randrange(1, len(pdu))] = rng.randrange(256)
        case "size":  # the byte count says something else than what follows
            pdu[1] = (pdu[1] + rng.choice((-4, -2, -1, 1, 2, 4, 100))) & 0xFF
        case "shape":  # a sound answer with fewer or more values
            pdu = _reshaped(rng, pdu)
        case "echo":
            place = rng.randrange(1, len(pdu))
            pdu[place] = (pdu[place] + rng.choice((-1, 1, 128))) & 0xFF
        case "transaction":
            transaction = (transaction + rng.choice((-1, 1, 256, rng.randrange(0x10000)))) & 0xFFFF
        case "protocol":
            protocol = rng.randrange(0x10000)
        case _:
            lie = rng.choice((-2, -1, 1, 2, 250, 60000))
    if framing == "rtu":
        return frames.framed("rtu", 0, unit, bytes(pdu))
    return struct.pack(">HHHB", transaction, protocol, (len(pdu) + 1 + lie) & 0xFFFF, unit) + bytes(pdu)


def _reshaped(rng: Random, pdu: bytearray) -> bytearray:
    size = max(0, min(250, pdu[1] + rng.choice((-2, -1, 1, 2))))
    return bytearray([pdu[0], size]) + (pdu[2:] + rng.randbytes(2))[:size]

"""A wire tap between a client and a broker: the client's MQTT packets as they are, read without any library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CONNECT, PUBLISH, SUBSCRIBE, DISCONNECT = 1, 3, 8, 14


@dataclass(frozen=True)
class Packet:
    """Type and flags of the first byte, and what follows the length."""

    kind: int
    flags: int
    body: bytes

    @property
    def topic(self) -> str:
        """Of a PUBLISH."""
        return self.body[2 : 2 + int.from_bytes(self.body[:2], "big")].decode()


@dataclass(frozen=True)
class Connect:
    """What a CONNECT says."""

    level: int
    clean: bool
    will_qos: int
    will_retain: bool
    will_topic: str
    will_payload: bytes
    session_expiry_s: int


@dataclass
class Tap:
    """`port` is where the client goes; `sessions` are the bytes it sent, connection by connection."""

    port: int = 0
    sessions: list[bytearray] = field(default_factory=list)

    def packets(self, session: int) -> list[Packet]:
        """Whole packets of one connection."""
        return list(_packets(bytes(self.sessions[session])))


def _number(data: bytes, place: int) -> tuple[int, int]:
    """A length of MQTT: seven bits a byte, the lowest first; and where it ends."""
    value = shift = 0
    while True:
        value |= (data[place] & 127) << shift
        shift, place = shift + 7, place + 1
        if not data[place - 1] & 128:
            return value, place


def _packets(data: bytes) -> Iterator[Packet]:
    place = 0
    while place < len(data):
        first = data[place]
        length, start = _number(data, place + 1)
        yield Packet(first >> 4, first & 15, data[start : start + length])
        place = start + length


def _text(data: bytes, place: int) -> tuple[bytes, int]:
    end = place + 2 + int.from_bytes(data[place : place + 2], "big")
    return data[place + 2 : end], end


def connect(packet: Packet) -> Connect:
    """The fields of a CONNECT with a will, MQTT 3.1.1 or 5 (sections 3.1 of both)."""
    body = packet.body
    assert (packet.kind, body[:6]) == (CONNECT, b"\0\x04MQTT")
    level, flags, place, expiry = body[6], body[7], 10, 0
    assert flags & 4, "no will"
    if level == 5:
        length, place = _number(body, place)
        properties, place = body[place : place + length], place + length
        if properties[:1] == b"\x11":  # the first that a client writes, if at all
            expiry = int.from_bytes(properties[1:5], "big")
    _, place = _text(body, place)
    if level == 5:
        length, place = _number(body, place)
        place += length
    topic, place = _text(body, place)
    payload, place = _text(body, place)
    return Connect(level, bool(flags & 2), flags >> 3 & 3, bool(flags & 32), topic.decode(), payload, expiry)


@asynccontextmanager
async def tapped(broker_port: int) -> AsyncIterator[Tap]:
    """A tap before the broker as long as the block."""
    tap = Tap()

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, heard: bytearray | None) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if heard is not None:
                    heard += data
                sink.write(data)
                await sink.drain()
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tap.sessions.append(bytearray())
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", broker_port)
        heard = tap.sessions[-1]
        await asyncio.gather(carry(reader, broker_writer, heard), carry(broker_reader, writer, None))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    tap.port = server.sockets[0].getsockname()[1]
    try:
        yield tap
    finally:
        server.close()
        await asyncio.sleep(0.05)

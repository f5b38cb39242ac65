"""A recording as a packet capture, so that a protocol decoder (Wireshark, tshark) can read along.

Whatever carried the bytes, they are shown as TCP to port 502: each place is a server of its own, each opening a
connection.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from drivers.transport.wire import WireEvent

_PORT, _FIRST_CLIENT_PORT = 502, 49152
_CLIENT_IP = bytes([10, 0, 0, 1])
_CLIENT_MAC, _SERVER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
_SYN, _ACK, _PUSH = 0x02, 0x10, 0x08
_MAGIC, _ETHERNET, _LONGEST = 0xA1B2C3D4, 1, 65535


def to_pcap(events: Iterable[WireEvent], path: str | Path, framing: Literal["tcp", "rtu", "ascii"]) -> None:
    """Writes what was sent and heard; raises OSError.

    Bytes of "rtu" and "ascii" that came in pieces are one packet, because decoders take a packet for a frame there;
    for RTU the decoder has to be told what it sees (`tshark -d tcp.port==502,mbrtu`).
    """
    packets = [struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _LONGEST, _ETHERNET)]
    talks: dict[str, _Talk] = {}
    opened = 0
    for event in events if framing == "tcp" else _joined(events):
        if event.what == "open" or event.place not in talks:
            servers = list(talks).index(event.place) if event.place in talks else len(talks)
            talks[event.place] = _Talk(bytes([10, 0, 1 + servers // 200, 2 + servers % 200]), opened)
            opened += 1
            packets += talks[event.place].handshake(event.time_s)
        if event.data:
            packets.append(talks[event.place].segment(event.time_s, event.data, sent=event.what == "sent"))
    Path(path).write_bytes(b"".join(packets))


def _joined(events: Iterable[WireEvent]) -> list[WireEvent]:
    """The events, pieces of the same direction at the same place put together."""
    joined: list[WireEvent] = []
    last: dict[str, int] = {}
    for event in events:
        at = last.get(event.place)
        if at is not None and joined[at].what == event.what and event.data:
            joined[at] = WireEvent(event.time_s, event.place, event.what, joined[at].data + event.data)
        else:
            last[event.place] = len(joined)
            joined.append(event)
    return joined


class _Talk:
    """One TCP connection's packets."""

    def __init__(self, server_ip: bytes, number: int) -> None:
        self._server_ip = server_ip
        self._client_port = _FIRST_CLIENT_PORT + number % (65536 - _FIRST_CLIENT_PORT)
        self._next = {True: 1, False: 1}  # sequence numbers, ours and theirs

    def handshake(self, time_s: float) -> list[bytes]:
        self._next = {True: 0, False: 0}
        packets = [self._packet(time_s, b"", _SYN, sent=True)]
        self._next[True] = 1
        packets.append(self._packet(time_s, b"", _SYN | _ACK, sent=False))
        self._next[False] = 1
        packets.append(self._packet(time_s, b"", _ACK, sent=True))
        return packets

    def segment(self, time_s: float, data: bytes, *, sent: bool) -> bytes:
        packet = self._packet(time_s, data, _ACK | _PUSH, sent=sent)
        self._next[sent] += len(data)
        return packet

    def _packet(self, time_s: float, data: bytes, flags: int, *, sent: bool) -> bytes:
        ips = (_CLIENT_IP, self._server_ip) if sent else (self._server_ip, _CLIENT_IP)
        ports = (self._client_port, _PORT) if sent else (_PORT, self._client_port)
        acknowledged = self._next[not sent] if flags & _ACK else 0
        tcp = struct.pack(">HHIIBBHHH", *ports, self._next[sent], acknowledged, 5 << 4, flags, 8192, 0, 0) + data
        pseudo = ips[0] + ips[1] + struct.pack(">BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack(">H", _checksum(pseudo + tcp)) + tcp[18:]
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + ips[0] + ips[1]
        ip = ip[:10] + struct.pack(">H", _checksum(ip)) + ip[12:]
        macs = _SERVER_MAC + _CLIENT_MAC if sent else _CLIENT_MAC + _SERVER_MAC
        frame = macs + b"\x08\x00" + ip + tcp
        seconds = max(0.0, time_s)
        whole = int(seconds)
        return struct.pack("<IIII", whole, int((seconds - whole) * 1e6), len(frame), len(frame)) + frame


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 2}H", padded)
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

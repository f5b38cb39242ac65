"""A Modbus RTU line that is as slow as a real one: `python paced_line.py BAUDRATE BITS PAUSE_S`, for `polling.py`.

A pseudo-terminal has no baud rate. This program has the far end of one: it takes what the client sends as if every
byte needed its bits on the wire, waits the pause that ends a frame, and answers at once; the answer arrives as a UART
hands it on, in pieces of a FIFO's trigger level, each when its last byte would have come. A request that comes
sooner than a pause after the last answer is counted as hasty, and the wire takes it no sooner than allowed.

Standard input: the registers ("VALUE VALUE ..."), then a line for each wanted report; the answers on standard output
are the terminal's name, then "REQUESTS HASTY SHORTEST_PAUSE_US" since the last report. It ends with its input.
"""

from __future__ import annotations

import os
import select
import sys
import time
import tty
from dataclasses import dataclass

PIECE = 8  # bytes; where Linux sets the receive trigger of a 16550A's FIFO
_SPIN_S = 0.0002  # a sleep may end this much too late, so the rest is waited awake
_REQUEST = 8  # bytes of a read request with its CRC


@dataclass(slots=True)
class Wire:
    """The line's timing, and when its last answer ended."""

    byte_s: float
    pause_s: float
    free_at: float = 0.0
    requests: int = 0
    hasty: int = 0
    shortest_s: float = 1e9

    def took(self, size: int) -> float:
        """When the request that came now has been on the wire, its closing pause included."""
        now = time.perf_counter()
        if self.requests:
            self.shortest_s = min(self.shortest_s, now - self.free_at)
            self.hasty += now - self.free_at < self.pause_s
        self.requests += 1
        return max(now, self.free_at + self.pause_s) + size * self.byte_s + self.pause_s

    def report(self) -> str:
        words = f"{self.requests} {self.hasty} {1e6 * self.shortest_s:.0f}"
        self.requests, self.hasty, self.shortest_s = 0, 0, 1e9
        return words


def crc16(data: bytes) -> bytes:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc.to_bytes(2, "little")


def answer_to(request: bytes, registers: list[int]) -> bytes:
    """The answer to a read of input registers; nothing to anything else."""
    if len(request) != _REQUEST or crc16(request[:-2]) != request[-2:] or request[1] != 4:
        return b""
    first, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
    words = registers[first : first + count]
    body = bytes([request[0], 4, 2 * len(words)]) + b"".join(word.to_bytes(2, "big") for word in words)
    return body + crc16(body)


def wait_until(when: float) -> None:
    if (rest := when - time.perf_counter() - _SPIN_S) > 0:
        time.sleep(rest)
    while time.perf_counter() < when:
        pass


def main() -> None:
    baudrate, bits, pause_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    registers = [int(word) for word in sys.stdin.readline().split()]
    wire = Wire(bits / baudrate, pause_s)
    near, far = os.openpty()
    tty.setraw(far)
    print(os.ttyname(far), flush=True)
    prepared: dict[bytes, bytes] = {}  # a table of answers, so that this program's own work costs the line nothing
    while True:
        ready, _, _ = select.select([near, sys.stdin.fileno()], [], [])
        if near in ready:
            request = os.read(near, 1024)
            answer_at = wire.took(len(request))
            if request not in prepared:
                prepared[request] = answer_to(request, registers)
            answer = prepared[request]
            for start in range(0, len(answer), PIECE):
                piece = answer[start : start + PIECE]
                wait_until(answer_at + (start + len(piece)) * wire.byte_s)
                os.write(near, piece)
            wire.free_at = answer_at + len(answer) * wire.byte_s
        elif not os.read(sys.stdin.fileno(), 64):
            return
        else:
            print(wire.report(), flush=True)


if __name__ == "__main__":
    main()

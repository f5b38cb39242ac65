"""The numbers that tell one Modbus TCP answer from another, and the late answers that nobody waits for any more."""

from __future__ import annotations

from drivers.errors import CorruptAnswer

_REMEMBERED = 64  # a gateway queues fewer; the late answer to an older request counts as a wrong one
_HEADER = 6  # transaction, protocol, length: two bytes each
LENGTHS = range(3, 255)
"""What the header's length field can say: unit, function and 1 to 252 bytes."""


class Transactions:
    """Transaction numbers of one connection; those of requests that were given up are not used again."""

    def __init__(self) -> None:
        self._last = 0
        self._given_up: dict[int, None] = {}

    @property
    def any_late(self) -> bool:
        """Whether a late answer may come."""
        return bool(self._given_up)

    def next(self) -> int:
        """A number that no request has that may still be answered."""
        number = (self._last + 1) & 0xFFFF
        while number in self._given_up:
            number = (number + 1) & 0xFFFF
        self._last = number
        return number

    def give_up(self, number: int) -> None:
        """Its answer may still come, and is nobody's."""
        self._given_up[number] = None
        if len(self._given_up) > _REMEMBERED:
            del self._given_up[next(iter(self._given_up))]

    def forget(self) -> None:
        """A new connection carries no old answers."""
        self._last = 0
        self._given_up.clear()

    def without_late(self, data: bytes) -> tuple[bytes, bool]:
        """What is left of `data` without the late answers it begins with, and whether one of them is still coming in.

        Raises CorruptAnswer for what has a late answer's number and no header.
        """
        while self._given_up and len(data) >= _HEADER:
            number = int.from_bytes(data[:2], "big")
            if number not in self._given_up:
                break
            length = int.from_bytes(data[4:6], "big")
            if data[2:4] != b"\0\0" or length not in LENGTHS:
                raise CorruptAnswer(f"no Modbus frame: {data[:8].hex()}")
            if len(data) < _HEADER + length:
                return data, True
            data = data[_HEADER + length :]
            del self._given_up[number]
        return data, False

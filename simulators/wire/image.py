"""A simulated controller as Modbus registers: tags in, registers out, writes back into the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

from drivers.encoding import decoder_of, encoder_of
from drivers.errors import DeviceRefused
from drivers.profile import ModbusMap, Profile, Signal, Table

_ILLEGAL_ADDRESS, _ILLEGAL_VALUE = 2, 3  # Modbus application protocol V1.1b3, section 7


_Take = tuple[str, Callable[[Sequence[int]], float]]
"""A signal's name, and how its value is taken out of what was written."""


class Plc(Protocol):
    """A simulated controller: tags by the profile's signal names, integrated up to the time of the look."""

    @property
    def profile(self) -> Profile: ...

    @property
    def tags(self) -> Mapping[str, Any]: ...

    def advance(self, now_s: float) -> None: ...

    def write(self, values: Mapping[str, float]) -> None:
        """Takes commands, heartbeats and job values; raises DeviceRefused."""
        ...


class RegisterImage:
    """The register view of one controller; `clock` gives the line's time in seconds.

    Reading integrates the controller up to now. A write must cover whole signals; it reaches the controller as one
    call, so that a command's code and sequence stay together.
    """

    def __init__(self, profile: Profile, plc: Plc, clock: Callable[[], float]) -> None:
        self._profile = profile
        self._plc = plc
        self._clock = clock
        self._decoders: dict[tuple[Table, int, int], Sequence[_Take]] = {}
        self._encoders: dict[tuple[str, int, int], Callable[[Mapping[str, float]], list[int]]] = {}
        self._there = {
            table: _there([s for s in profile.signals.values() if s.table == table], profile.modbus or ModbusMap())
            for table in {s.table for s in profile.signals.values()}
        }
        self._writable = {(s.table, s.address): s for s in profile.signals.values() if s.access != "r"}

    @property
    def identification(self) -> Mapping[int, str]:
        """What it says of itself when it is asked (Modbus function 43, type 14)."""
        return {0: "pressline", 1: self._profile.name, 2: "simulated", 5: self._profile.kind}

    def read(self, table: Table, address: int, count: int) -> list[int]:
        """`count` registers or bits from `address`, 0 in the gaps that the profile lets a request read over.

        Raises DeviceRefused for any other address that the profile does not declare.
        """
        encode = self._encoders.get((table, address, count)) or self._encoder(table, address, count)
        self._plc.advance(self._clock())
        return encode(self._plc.tags)

    def write(self, address: int, values: Sequence[int]) -> None:
        """Writes holding registers.

        Raises DeviceRefused: 2 where there is no register or only half of a value is written, 3 for a refused value.
        """
        self._write("holding", address, values)

    def write_coils(self, address: int, values: Sequence[int]) -> None:
        """Writes coils, each 0 or 1; raises what write() raises."""
        self._write("coil", address, values)

    def _write(self, table: Table, address: int, values: Sequence[int]) -> None:
        decode = self._decoders.get((table, address, len(values))) or self._decoder(table, address, len(values))
        written = {name: take(values) for name, take in decode}
        self._plc.advance(self._clock())
        self._plc.write(written)

    def _decoder(self, table: Table, address: int, count: int) -> Sequence[_Take]:
        """How the signals of a write are taken out of its values."""
        takes: list[_Take] = []
        position = 0
        while position < count:
            signal = self._writable.get((table, address + position))
            if signal is None or position + signal.words > count:
                raise DeviceRefused(_ILLEGAL_ADDRESS)
            takes.append((signal.name, decoder_of(signal, position)))
            position += signal.words
        if not takes:
            raise DeviceRefused(_ILLEGAL_VALUE)
        self._decoders[table, address, count] = takes
        return takes

    def _encoder(self, table: Table, address: int, count: int) -> Callable[[Mapping[str, float]], list[int]]:
        if count < 1 or not self._there.get(table, frozenset()).issuperset(range(address, address + count)):
            raise DeviceRefused(_ILLEGAL_ADDRESS)
        end = address + count
        signals = [
            s
            for s in self._profile.signals.values()
            if s.table == table and (s.address or 0) < end and (s.address or 0) + s.words > address
        ]
        # a value that is only half asked for is laid out whole, and cut
        first = min([address, *((s.address or 0) for s in signals)])
        last = max([end, *((s.address or 0) + s.words for s in signals)])
        whole = encoder_of(signals, first, last - first)

        def encode(tags: Mapping[str, float]) -> list[int]:
            laid = whole(tags)
            return laid if len(laid) == count else laid[address - first : end - first]

        self._encoders[table, address, count] = encode
        return encode


def _there(signals: Sequence[Signal], modbus: ModbusMap) -> frozenset[int]:
    """The addresses of one table that can be read: the signals, and gaps that no read has to keep out of."""
    spans = sorted(((s.address or 0), (s.address or 0) + s.words) for s in signals)
    there = {address for start, end in spans for address in range(start, end)}
    for (_, end), (start, _) in pairwise(spans):
        if start - end <= modbus.max_gap:
            there.update(range(end, start))
    return frozenset(there.difference(*(range(first, last + 1) for first, last in modbus.unreadable)))

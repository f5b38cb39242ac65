"""Request frames, made by pymodbus; what they ask for is checked first, so that nothing senseless is ever sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pymodbus.framer.rtu import FramerRTU
from pymodbus.framer.socket import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadDiscreteInputsRequest,
    WriteMultipleCoilsRequest,
    WriteSingleCoilRequest,
)
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from drivers.errors import OutOfRange
from drivers.profile import Table
from drivers.transport.modbus_answer import Expected, expected_answer

Framing = Literal["tcp", "rtu"]

_LAST_ADDRESS = 0xFFFF
_READS: dict[str, tuple[type[ModbusPDU], int]] = {  # the limits: V1.1b3, sections 6.1 to 6.4
    "coil": (ReadCoilsRequest, 2000),
    "discrete": (ReadDiscreteInputsRequest, 2000),
    "holding": (ReadHoldingRegistersRequest, 125),
    "input": (ReadInputRegistersRequest, 125),
}
_WRITE_LIMITS = {"coil": 1968, "holding": 123}  # sections 6.11 and 6.12
_FRAMERS: dict[Framing, Callable[[ModbusPDU], bytes]] = {
    "tcp": FramerSocket(DecodePDU(is_server=False)).buildFrame,
    "rtu": FramerRTU(DecodePDU(is_server=False)).buildFrame,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A frame (over TCP without the transaction's two bytes) and the answer that it must get."""

    frame: bytes
    expected: Expected


def read_request(framing: Framing, unit: int, table: Table, address: int, count: int) -> Asked:
    """Functions 1 to 4. Raises OutOfRange for what no machine can have."""
    make, limit = _READS[table]
    _check(table, address, count, limit)
    return _asked(framing, unit, make(address=address, count=count, dev_id=unit))


def write_request(
    framing: Framing, unit: int, table: Table, address: int, values: Sequence[int], *, single: bool
) -> Asked:
    """Functions 15 and 16, or 5 and 6 for a `single` value. Raises OutOfRange for what cannot be written."""
    if table not in _WRITE_LIMITS:
        raise OutOfRange(f"{table} {address} cannot be written in Modbus")
    _check(table, address, len(values), 1 if single else _WRITE_LIMITS[table])
    highest = 1 if table == "coil" else 0xFFFF
    for value in values:
        if value != int(value) or not 0 <= value <= highest:
            raise OutOfRange(f"{table} {address}: {value} does not fit, 0 to {highest} does")
    make: type[ModbusPDU]
    if table == "coil":
        make = WriteSingleCoilRequest if single else WriteMultipleCoilsRequest
        return _asked(framing, unit, make(address=address, bits=[bool(value) for value in values], dev_id=unit))
    make = WriteSingleRegisterRequest if single else WriteMultipleRegistersRequest
    return _asked(framing, unit, make(address=address, registers=[int(value) for value in values], dev_id=unit))


def identify_request(framing: Framing, unit: int, level: int, first: int) -> Asked:
    """Function 43, type 14: the texts of a conformity level from object number `first` on."""
    return _asked(framing, unit, ReadDeviceInformationRequest(read_code=level, object_id=first, dev_id=unit))


def _check(table: str, address: int, count: int, limit: int) -> None:
    if not 1 <= count <= limit:
        raise OutOfRange(f"{table} {address}: {count} values in one request, 1 to {limit} are possible")
    if not 0 <= address <= address + count - 1 <= _LAST_ADDRESS:
        raise OutOfRange(f"{table} {address} to {address + count - 1}: the addresses end at {_LAST_ADDRESS}")


def _asked(framing: Framing, unit: int, pdu: ModbusPDU) -> Asked:
    frame = _FRAMERS[framing](pdu)
    if framing == "tcp":
        return Asked(frame[2:], expected_answer(unit, frame[7:]))
    return Asked(frame, expected_answer(unit, frame[1:-2]))

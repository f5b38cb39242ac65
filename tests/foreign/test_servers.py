"""Our side reads and writes Modbus servers that others wrote: pyModbusTCP, modbus-tk and libmodbus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.encoding import decode_value
from drivers.errors import DeviceRefused, ResponseTimeout
from drivers.profile import Order, Signal
from drivers.profile_file import load_profile
from drivers.transport.modbus import ModbusUnit
from drivers.transport.urls import open_transport
from tests.foreign.peers import (
    CONTENTS,
    IDENTITY,
    Peer,
    Starts,
    libmodbus_rtu,
    libmodbus_tcp,
    modbus_tk_rtu,
    modbus_tk_tcp,
    pymodbustcp,
)

FAMILIES: dict[str, Starts] = {
    "pymodbustcp": pymodbustcp,
    "modbus-tk-tcp": modbus_tk_tcp,
    "modbus-tk-rtu": modbus_tk_rtu,
    "libmodbus-tcp": libmodbus_tcp,
    "libmodbus-rtu": libmodbus_rtu,
}
Open = tuple[ModbusUnit, Peer]
_REFUSES_S = 2.0  # libmodbus waits 0.5 s before it refuses a function that it does not know

pytestmark = pytest.mark.filterwarnings("ignore:isSet:DeprecationWarning")  # modbus-tk 1.1.5


def unit_of(peer: Peer) -> ModbusUnit:
    profile = load_profile("uniaxial-press-generic")
    timing = replace(profile.timing, response_timeout_s=_REFUSES_S)
    transport = open_transport(peer.url, replace(profile, timing=timing))
    assert isinstance(transport, ModbusUnit)
    return transport


@pytest.fixture(params=FAMILIES)
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    async with FAMILIES[request.param](tmp_path) as peer:
        transport = unit_of(peer)
        try:
            await transport.open()
            yield transport, peer
        finally:
            await transport.close()


@pytest.mark.parametrize("table", ["holding", "input"])
async def test_registers_are_read(opened: Open, table: str) -> None:
    transport, _ = opened
    for address, count in ((0, 1), (17, 2), (0, 100), (75, 125), (199, 1)):
        words = await transport.read(table, address, count)  # type: ignore[arg-type]
        assert words == CONTENTS[table][address : address + count]


@pytest.mark.parametrize("table", ["coil", "discrete"])
async def test_bits_are_read(opened: Open, table: str) -> None:
    transport, _ = opened
    for address, count in ((0, 1), (3, 8), (5, 9), (0, 2000), (2099, 1)):
        bits = await transport.read(table, address, count)  # type: ignore[arg-type]
        assert bits == CONTENTS[table][address : address + count]


async def test_what_is_written_stands_there(opened: Open) -> None:
    transport, peer = opened
    await transport.write(10, [1, 65535, 600])
    assert await peer.held("holding", 10, 3) == [1, 65535, 600]
    await transport.write(40, [77], single=True)
    assert await peer.held("holding", 40, 1) == [77]
    await transport.write(60, list(range(1000, 1123)))
    assert await peer.held("holding", 60, 123) == list(range(1000, 1123))
    assert await transport.read("holding", 9, 4) == [28, 1, 65535, 600]


async def test_coils_that_are_written_stand_there(opened: Open) -> None:
    transport, peer = opened
    pattern = [1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1]
    await transport.write(100, pattern, table="coil")
    assert await peer.held("coil", 100, 11) == pattern
    for value in (1, 0):
        await transport.write(200, [value], table="coil", single=True)
        assert await peer.held("coil", 200, 1) == [value]
    assert await transport.read("coil", 100, 11) == pattern


async def test_a_refusal_is_told_with_its_number_and_the_line_goes_on(opened: Open) -> None:
    transport, _ = opened
    for table in ("holding", "input", "coil", "discrete"):
        with pytest.raises(DeviceRefused) as caught:
            await transport.read(table, 5000, 2)
        assert caught.value.code == 2
    with pytest.raises(DeviceRefused) as caught:
        await transport.write(5000, [1, 2])
    assert caught.value.code == 2
    assert await transport.read("holding", 5, 1) == [16]


async def test_a_connection_that_is_opened_again_serves_again(opened: Open) -> None:
    transport, _ = opened
    for _ in range(3):
        await transport.close()
        await transport.open()
        assert await transport.read("holding", 0, 2) == [1, 4]


@pytest.mark.parametrize("family", FAMILIES)
async def test_identification_is_read_or_refused(family: str, tmp_path: Path) -> None:
    async with FAMILIES[family](tmp_path) as peer:
        transport = unit_of(peer)
        try:
            await transport.open()
            if family == "pymodbustcp":
                told = await transport.identification()
                assert {text.decode("ascii") for text in IDENTITY.values()} <= set(told.values())
            else:
                with pytest.raises(ResponseTimeout if family == "libmodbus-rtu" else DeviceRefused):
                    await transport.identification()  # libmodbus's RTU server drops what it does not know in silence
            assert await transport.read("holding", 0, 1) == [1]
        finally:
            await transport.close()


@pytest.mark.parametrize(
    ("address", "words", "octets"),
    [(200, "big", "big"), (202, "little", "little"), (204, "big", "little"), (206, "little", "big")],
)
async def test_a_float_is_read_in_every_order(tmp_path: Path, address: int, words: Order, octets: Order) -> None:
    signal = Signal("f", "float32", "", table="input", address=address, word_order=words, byte_order=octets)
    async with libmodbus_tcp(tmp_path) as peer:
        transport = unit_of(peer)
        try:
            await transport.open()
            registers = await transport.read("input", address, 2)
            assert decode_value(signal, registers) == pytest.approx(123.456, rel=1e-6)
        finally:
            await transport.close()

"""Why a serial port cannot be opened, in words."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.errors import LinkDown
from drivers.transport.serial_wire import SerialSettings, SerialWire, UsbId, UsbPort, find_usb


async def opened(path: str | Path) -> SerialWire:
    wire = SerialWire(SerialSettings(str(path), 9600))
    await wire.open(lambda data: None, lambda reason: None)
    return wire


async def test_a_missing_port_and_one_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(LinkDown, match=r"no-port: there is no such port; is the adapter plugged in\?"):
        await opened(tmp_path / "no-port")
    (tmp_path / "file").write_text("text")
    with pytest.raises(LinkDown, match="file: this is no serial port"):
        await opened(tmp_path / "file")


async def test_a_port_has_one_master() -> None:
    master, slave = os.openpty()
    try:
        first = await opened(os.ttyname(slave))
        with pytest.raises(LinkDown, match="another process uses the port"):
            await opened(os.ttyname(slave))
        await first.close()
        await (await opened(os.ttyname(slave))).close()
    finally:
        os.close(master)
        os.close(slave)


@dataclass
class Port:
    """An adapter as pyserial lists it."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None


def test_an_adapter_is_found_by_its_id() -> None:
    ports: list[UsbPort] = [
        Port("/dev/ttyS0", None, None, None),
        Port("/dev/ttyUSB3", 0x0403, 0x6001, "A1"),
        Port("/dev/ttyUSB4", 0x0403, 0x6001, "B2"),
        Port("/dev/ttyACM0", 0x2341, 0x0043, None),
    ]
    assert find_usb(UsbId(0x0403, 0x6001, "b2"), lambda: ports) == "/dev/ttyUSB4"
    assert find_usb(UsbId(0x2341, 0x0043), lambda: ports) == "/dev/ttyACM0"
    with pytest.raises(LinkDown, match="ttyUSB3, /dev/ttyUSB4 all fit; add the serial number"):
        find_usb(UsbId(0x0403, 0x6001), lambda: ports)
    with pytest.raises(LinkDown, match="usb 0403:6001:C3: no adapter with this id"):
        find_usb(UsbId(0x0403, 0x6001, "C3"), lambda: ports)


async def test_an_adapter_that_comes_back_under_another_name_is_found() -> None:
    ends = [os.openpty() for _ in range(2)]
    names = [os.ttyname(slave) for _, slave in ends]
    ports: list[UsbPort] = [Port(names[0], 0x0403, 0x6001, None)]
    lost: list[str] = []
    wire = SerialWire(SerialSettings(UsbId(0x0403, 0x6001)), ports=lambda: ports)
    await wire.open(lambda data: None, lost.append)
    os.close(ends[0][1])
    os.close(ends[0][0])
    await asyncio.sleep(0.02)
    assert not wire.is_open
    assert len(lost) == 1
    ports.clear()
    with pytest.raises(LinkDown, match="usb 0403:6001"):
        await wire.open(lambda data: None, lost.append)
    ports.append(Port(names[1], 0x0403, 0x6001, None))
    await wire.open(lambda data: None, lost.append)
    wire.write(b"hello")
    assert os.read(ends[1][0], 10) == b"hello"
    await wire.close()
    for end in ends[1]:
        os.close(end)

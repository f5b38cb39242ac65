"""Why a serial port cannot be opened, in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drivers.errors import LinkDown
from drivers.transport.serial_port import SerialPort


def opened(path: str | Path) -> SerialPort:
    return SerialPort(
        str(path), baudrate=9600, parity="N", stopbits=1, on_data=lambda data: None, on_lost=lambda reason: None
    )


async def test_a_missing_port_and_one_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(LinkDown, match=r"no-port: there is no such port; is the adapter plugged in\?"):
        opened(tmp_path / "no-port")
    (tmp_path / "file").write_text("text")
    with pytest.raises(LinkDown, match="file: this is no serial port"):
        opened(tmp_path / "file")


async def test_a_port_has_one_master() -> None:
    master, slave = os.openpty()
    try:
        first = opened(os.ttyname(slave))
        with pytest.raises(LinkDown, match="another process uses the port"):
            opened(os.ttyname(slave))
        first.close()
        opened(os.ttyname(slave)).close()
    finally:
        os.close(master)
        os.close(slave)

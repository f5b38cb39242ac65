"""URLs: what they mean, which lines they share, and what is told of a wrong one."""

from __future__ import annotations

import pytest

from drivers.errors import ProfileError
from drivers.profile_file import load_profile
from drivers.transport.ascii_line import AsciiUnit
from drivers.transport.modbus import ModbusUnit
from drivers.transport.urls import Lines, open_transport

PRESS, COATER = load_profile("uniaxial-press-generic"), load_profile("coater-generic")


@pytest.mark.parametrize(
    ("url", "place", "unit"),
    [
        ("tcp://press.plant:1502?unit=3", "press.plant:1502", 3),
        ("tcp://press.plant", "press.plant:502", 1),
        ("tcp://[::1]:1502?unit=255", "::1:1502", 255),
        ("rtu+tcp://press.plant:4001?unit=247", "press.plant:4001", 247),
        ("serial:///dev/ttyUSB0?baudrate=9600&parity=E&stopbits=2&unit=9", "/dev/ttyUSB0", 9),
        ("serial://?usb=0403:6001", "usb 0403:6001", 1),
        ("serial://?usb=0403:6001:A50285BI&unit=2", "usb 0403:6001:A50285BI", 2),
    ],
)
def test_urls_of_registers(url: str, place: str, unit: int) -> None:
    transport = open_transport(url, PRESS)
    assert isinstance(transport, ModbusUnit)
    assert (transport.place, transport.unit, transport.is_open, transport.session) == (place, unit, False, 0)


@pytest.mark.parametrize("url", ["tcp://coater.plant:4001?unit=2", "serial:///dev/ttyS1?unit=2"])
def test_urls_of_lines_of_text(url: str) -> None:
    transport = open_transport(url, COATER)
    assert isinstance(transport, AsciiUnit)
    assert (transport.unit, transport.terminator) == (2, b"\r\n")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("udp://press:502", "use tcp://, rtu"),
        ("press:502", "use tcp://"),
        ("tcp://", "host:port is needed"),
        ("rtu+tcp://press", "host:port is needed"),
        ("tcp://press:99999", "port 99999 is no whole number from 1 to 65535"),
        ("tcp://press:abc", "port abc is no whole number"),
        ("tcp://press:0?unit=1", "port 0 is no whole number"),
        ("tcp://[::1", "an IPv6 address stands in brackets"),
        ("tcp://press?nit=1", "unknown nit; there are echo, unit; is unit meant?"),
        (
            "serial:///dev/ttyS0?baud=9600",
            "unknown baud; there are baudrate, echo, parity, stopbits, unit, usb; is baud",
        ),
        ("tcp://press?unit=3&unit=4", "unit stands twice, 3 and 4"),
        ("tcp://press?unit=", "unit has no value; expected unit=..."),
        ("tcp://press?unit", "unit has no value"),
        ("tcp://press?unit=-1", "unit -1 is no whole number"),
        ("tcp://press?baudrate=9600", "unknown baudrate"),
        ("tcp://press?unit=256", "no unit 256, only 0 to 255"),
        ("serial:///dev/ttyS0?unit=0", "no unit 0, only 1 to 247"),
        ("serial:///dev/ttyS0?unit=one", "unit one is no whole number"),
        ("serial:///dev/ttyS0?baudrate=0", "baudrate 0 is no speed, such as 9600"),
        ("serial:///dev/ttyS0?baudrate=96e2", "baudrate 96e2 is no speed"),
        ("serial:///dev/ttyS0?stopbits=3", "stopbits 3"),
        ("serial:///dev/ttyS0?stopbits=one", "stopbits one is neither 1 nor 2"),
        ("serial:///dev/ttyS0?parity=X", "parity X"),
        ("serial:///dev/ttyS0?echo=yes", "echo is 0 or 1"),
        ("tcp://press?echo=1", "Modbus TCP has none"),
        ("serial://?usb=ftdi", "usb ftdi is not VID:PID"),
        ("serial:///dev/ttyS0?usb=0403:6001", "is needed"),
        ("serial://", "is needed"),
    ],
)
def test_a_wrong_url_is_told(url: str, told: str) -> None:
    with pytest.raises(ProfileError) as caught:
        open_transport(url, PRESS)
    assert str(caught.value).startswith(f"{url}: ")
    assert told in str(caught.value)


def test_lines_of_text_do_not_go_over_rtu() -> None:
    with pytest.raises(ProfileError, match="speaks ascii"):
        open_transport("rtu+tcp://coater:4001", COATER)


def test_units_on_one_port_share_its_line() -> None:
    lines = Lines()
    urls = [f"serial:///dev/ttyS0?baudrate=9600&unit={unit}" for unit in (1, 2)] + ["tcp://press?unit=1"]
    one, two, other = (lines.transport(url, PRESS) for url in urls)
    assert one.line is two.line
    assert one.line is not other.line
    assert set(lines.lines) == {"/dev/ttyS0", "press:502"}
    with pytest.raises(ProfileError, match="another unit uses /dev/ttyS0 with other settings"):
        lines.transport("serial:///dev/ttyS0?baudrate=19200&unit=3", PRESS)
    with pytest.raises(ProfileError, match="other settings"):
        lines.transport("rtu+tcp://press:502?unit=3", PRESS)


def test_a_slow_line_gives_an_answer_the_time_that_its_bytes_take() -> None:
    from drivers.transport.serial_wire import SerialSettings, SerialWire

    assert SerialWire(SerialSettings("/dev/ttyS0", 1200)).byte_s == pytest.approx(0.01)

"""What a service manager hears, on a real socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.vitals.service_manager import ServiceManager, service_manager


@contextmanager
def listening(address: str | bytes) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.settimeout(2.0)
        yield heard


def test_fields_come_as_lines_of_one_datagram(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with listening(path) as heard:
        ServiceManager(path).tell(READY="1", STATUS="run r1 is running")
        assert heard.recv(1000) == b"READY=1\nSTATUS=run r1 is running"


def test_an_abstract_name_is_reached() -> None:
    name = f"pressline-test-{os.getpid()}"
    with listening(b"\0" + name.encode()) as heard:
        ServiceManager("@" + name).tell(WATCHDOG="1")
        assert heard.recv(1000) == b"WATCHDOG=1"


def test_a_line_end_in_a_status_makes_no_second_field(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with listening(path) as heard:
        ServiceManager(path).tell(STATUS="held\nWATCHDOG=1")
        assert heard.recv(1000) == b"STATUS=held WATCHDOG=1"


def test_a_reason_that_is_no_text_costs_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with listening(path) as heard:
        ServiceManager(path).tell(STATUS="held: \udcff")
        assert heard.recv(1000) == b"STATUS=held: ?"


def test_a_manager_that_is_gone_or_full_costs_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    ServiceManager(path).tell(WATCHDOG="1")
    with listening(path):
        for _ in range(2000):  # more than the kernel queues for one that does not listen
            ServiceManager(path).tell(WATCHDOG="1")


def test_without_a_socket_nobody_is_there() -> None:
    manager = service_manager({"WATCHDOG_USEC": "2000000"})
    assert (manager.is_there, manager.feed_period_s) == (False, None)
    manager.tell(READY="1")


@pytest.mark.parametrize("address", ["", "relative", "vsock:2:1234"])
def test_an_address_of_another_kind_is_nobody(address: str) -> None:
    assert not service_manager({"NOTIFY_SOCKET": address}).is_there


@pytest.mark.parametrize(
    ("variables", "period_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "4000000"}, 2.0),
        ({"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": str(os.getpid())}, 2.0),
        ({"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_it_is_fed_twice_in_its_time_when_it_watches_us(variables: dict[str, str], period_s: float | None) -> None:
    assert service_manager({"NOTIFY_SOCKET": "/run/notify", **variables}).feed_period_s == period_s

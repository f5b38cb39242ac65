"""A write by hand goes to the machine whose permissives were looked at, or nowhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from controller.devices.target import Target
from controller.devices.writing import Writer, wanted_change, write
from controller.journal import read_events
from drivers.errors import LinkDown
from drivers.profile_file import load_profile
from drivers.writing import Outcome
from simulators.any_machine import AnyMachine
from simulators.wire.modbus_server import TcpAnswers

PRESS = load_profile("isostatic-press-generic")
WRITE = 16


def a_press(serial_number: int, **tags: int) -> AnyMachine:
    press = AnyMachine(PRESS, asyncio.get_running_loop().time, 1)
    press.controller.tags.update({"model_code": 4202, "firmware": 100, "serial_number": serial_number, "mode": 2})
    press.controller.tags.update({"machine_state": 4, "pressure_sp_mpa": 100, **tags})
    return press


@pytest.mark.parametrize("cut", ["after the look", "after the write"])
async def test_a_press_that_answers_in_place_of_the_one_that_was_looked_at_gets_nothing(
    tmp_path: Path, cut: str
) -> None:
    first, second = a_press(111), a_press(222, mode=1, machine_state=6, lease_owner=77)
    connections: list[asyncio.StreamWriter] = []
    functions: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        press = first if len(connections) == 1 else second
        answers = TcpAnswers({1: press.registers})
        while request := await reader.read(500):
            functions.append(request[7])
            writer.write(answers(request) or b"")
            if press is first and cut == "after the write" and request[7] == WRITE:
                await writer.drain()
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}?unit=1"
    target = Target("press", PRESS, url)
    change = wanted_change(PRESS, "pressure_sp_mpa=900")

    def utc() -> str:
        if cut == "after the look" and len(connections) == 1:  # the journal asks, between the look and the write
            connections[0].transport.abort()
        return "2026-01-01T00:00:00Z"

    writing = write(target, change, Writer("A. Person", tmp_path / "store.sqlite", utc), lambda: None)
    if cut == "after the look":
        with pytest.raises(LinkDown, match="nothing was written"):
            await writing
        assert WRITE not in functions
    else:
        written = await writing
        assert written.outcome is Outcome.UNKNOWN
        assert "222" in written.why
        assert functions.count(WRITE) == 1
    assert second.controller.tags["pressure_sp_mpa"] == 100
    server.close()


@pytest.mark.parametrize(
    ("cancelled", "outcome"), [("while it is journalled", "not sent"), ("when it goes out", "unknown")]
)
async def test_the_journal_knows_whether_a_write_that_was_given_up_went_out(
    tmp_path: Path, cancelled: str, outcome: str
) -> None:
    press = a_press(111)
    functions: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = TcpAnswers({1: press.registers})
        while request := await reader.read(500):
            functions.append(request[7])
            writer.write(answers(request) or b"")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    target = Target("press", PRESS, f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}?unit=1")
    on_its_way: list[str] = []

    def utc() -> str:  # the journal asks, between the look and the write
        if cancelled == "while it is journalled":
            work.cancel()
        return "2026-01-01T00:00:00Z"

    def sending() -> None:
        on_its_way.append("sent")
        work.cancel()

    writer = Writer("A. Person", store := tmp_path / "store.sqlite", utc)
    work = asyncio.create_task(write(target, wanted_change(PRESS, "pressure_sp_mpa=900"), writer, sending))
    with pytest.raises(asyncio.CancelledError):
        await work
    server.close()
    assert [(event.kind, event.data.get("outcome")) for event in read_events(store)] == [
        ("write.requested", None),
        ("write.done", outcome),
    ]
    assert on_its_way == ([] if outcome == "not sent" else ["sent"])
    if outcome == "not sent":
        assert WRITE not in functions

"""Printing that nobody takes keeps nothing waiting."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from controller.cli import progress as progress_module
from controller.cli.printing import LINES, LOST, Printer
from controller.cli.progress import Progress
from controller.events import EventStream
from controller.journal import Journal


def test_lines_come_in_their_order() -> None:
    seen: list[str] = []
    printer = Printer(seen.append)
    for number in range(100):
        printer.print(str(number))
    printer.close()
    assert seen == [str(number) for number in range(100)]
    assert (printer.printed, printer.dropped, printer.waits) == (100, 0, False)


def test_a_terminal_that_takes_nothing_keeps_nobody_waiting() -> None:
    release = threading.Event()

    def takes_nothing(text: str) -> None:
        release.wait()

    printer = Printer(takes_nothing)
    begun_s = time.monotonic()
    for number in range(LINES + 5):
        printer.print(str(number))
    assert time.monotonic() - begun_s < 1.0
    assert (printer.waits, printer.dropped) == (True, 5)
    release.set()
    printer.close()
    assert printer.printed == LINES


def test_output_that_is_lost_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(text: str) -> None:
        raise BrokenPipeError

    printer = Printer(broken)
    for _ in range(3):
        printer.print("a line")
    printer.close()
    printer.print("another")
    assert capsys.readouterr().err == LOST + "\n"
    assert (printer.printed, printer.waits) == (0, False)


async def test_progress_that_nobody_takes_is_told_and_the_rest_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "HANG_S", 0.1)
    release = threading.Event()
    seen: list[str] = []

    def write(text: str) -> None:
        release.wait()
        seen.append(text)

    journal = Journal(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00")
    async with Progress(journal, quiet=False, write=write).shown():
        journal.note("run", "run.problem", {"reason": "one"})
        await asyncio.sleep(0.5)
        told: Any = [event.data for event in journal.events() if event.kind == "condition"]
        release.set()
        journal.note("run", "run.problem", {"reason": "two"})
        await asyncio.sleep(0.1)
    assert told[0]["name"] == "progress_hung"
    assert told[0]["message"] == "the progress display made no progress for 0.1 s; it is started again"
    assert [line.split()[-1] for line in seen] == ["one", "two"]

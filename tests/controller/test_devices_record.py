"""`pressline devices record` for a day: what is on the wire goes to the file, and is not kept."""

from __future__ import annotations

import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.devices.watching import LinkNews
from drivers.transport.wire import Tap, WireEvent
from tests.controller.test_cli import pressline

EVENTS = 5000


def kept() -> int:
    """How many events are somewhere in memory."""
    return sum(type(item) is WireEvent for item in gc.get_objects())


@pytest.mark.parametrize("frames", [[], ["--frames"]])
def test_a_recording_keeps_no_event_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: list[str]
) -> None:
    seen: list[int] = []

    class Silent:
        async def identify(self, *, thoroughly: bool) -> None: ...

    @asynccontextmanager
    async def looking(target: Any, tap: Tap) -> AsyncIterator[Silent]:
        before = kept()
        for number in range(EVENTS):
            tap(WireEvent(float(number), "press", "heard", bytes(9)))
        seen.append(kept() - before)
        yield Silent()

    async def changes(look: Any, names: Any, every_s: float) -> AsyncIterator[LinkNews]:
        yield LinkNews(True, "connected and identified", True)

    monkeypatch.setattr("controller.cli.devices_bench.looking", looking)
    monkeypatch.setattr("controller.cli.devices_bench.changes", changes)
    file = tmp_path / "wire.jsonl"
    recording = ("devices", "record", file, "tcp://127.0.0.1:9", "--profile", "uniaxial-press-generic", "--json")
    result = pressline(*recording, *frames)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["events"] == EVENTS
    assert len(file.read_text().splitlines()) == EVENTS + 1
    assert seen[0] < 10

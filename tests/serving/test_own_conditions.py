"""The log has what the journal may not be able to keep: that it takes nothing, and what of the service died."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import suppress

from controller.events import Event, EventStream
from controller.serving.logs import Log
from controller.serving.own_conditions import logged

NOW = "2026-11-22T02:00:00Z"


async def test_the_journal_and_deaths_are_logged_and_machines_are_not() -> None:
    out, stream = io.StringIO(), EventStream()
    task = asyncio.create_task(logged(stream, Log("json", "info", lambda: NOW, out).about("service")))
    await asyncio.sleep(0)
    told = (("journal_unwritable", True), ("link_down", True), ("trends_died", True), ("journal_unwritable", False))
    for number, (name, active) in enumerate(told):
        data = {"name": name, "message": f"{name} now", "active": active}
        stream.publish(Event(number, "line", "condition", data, 0.0, NOW, "", ""))
    for _ in range(len(told)):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line["condition"], line["level"]) for line in found] == [
        ("journal_unwritable", "error"),
        ("trends_died", "error"),
        ("journal_unwritable", "info"),
    ]
    assert found[0]["event"] == "journal_unwritable now"

"""The demo's broker: on loopback, for the line and for who looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.telemetry.embedded import BrokerUnusable, embedded_broker
from tests.telemetry.hosted import Plant
from tests.telemetry.mosquitto import newcomer


async def test_the_line_talks_through_the_broker_in_its_own_process(tmp_path: Path) -> None:
    async with embedded_broker() as port:
        plant = Plant(tmp_path, port, version="3.1.1")
        async with newcomer(port) as heard, plant.hosted() as line:
            await line.connected()
            line.journal.note("r1", "run.created", {"recipe": "e", "plan_hash": "h", "steps": []})
            await heard.until(lambda: heard.on("/event/run/created"))


async def test_a_port_that_is_taken_is_told() -> None:
    async with embedded_broker() as port:
        with pytest.raises(BrokerUnusable, match=f"port {port}"):
            async with embedded_broker(port):
                pass

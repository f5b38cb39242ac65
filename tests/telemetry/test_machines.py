"""Machines as they are read from their wire: the simulated line's registers become states, values and images."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

from controller.dryrun import memory_line
from controller.events import EventStream
from controller.journal import Journal
from controller.telemetry.server import Sources, telemetry
from controller.telemetry.settings import Broker, MqttSettings, SparkplugSettings
from simulators.line import SimulatedLine
from tests.telemetry.hosted import Clock
from tests.telemetry.mosquitto import mosquitto, newcomer, subscriber

PRESS = "uniaxial-press-1"


async def test_a_simulated_line_is_seen_at_the_broker(tmp_path: Path) -> None:
    clock = Clock()
    simulated = SimulatedLine(seed=1, clock=asyncio.get_running_loop().time)
    machines = memory_line(simulated).machines
    journal = Journal(EventStream(), clock.utc)
    with mosquitto(tmp_path) as server:
        broker = Broker("127.0.0.1", server.port, "line")
        settings = MqttSettings(broker, "s", "a", "l", sparkplug=SparkplugSettings("plant", "line 1"), values_hz=20.0)
        url = f"sqlite:///{tmp_path / 'outbox.sqlite'}"
        async with subscriber(server.port, "s/#") as heard, newcomer(server.port, "spBv1.0/#") as plant:
            async with AsyncExitStack() as stack:
                tasks = [asyncio.create_task(machine.run()) for machine in machines.values()]
                stack.callback(lambda: [task.cancel() for task in tasks])
                await stack.enter_async_context(
                    telemetry(settings, url, Sources(machines, journal, tuple, clock.utc_us))
                )
                await heard.until(lambda: "IDLE" in {m["state"] for m in heard.on(f"{PRESS}/state")})
                await heard.until(lambda: len(heard.on(f"{PRESS}/values")) > 1)
                await heard.until(lambda: {m["unit"] for m in heard.on("/image")} == machines.keys())
                images = {m["unit"]: m["values"] for m in heard.on("/image")}
                assert {"force_pv_kn", "platen_top_c", "status_bits"} <= images[PRESS].keys()
                assert "heartbeat_machine" not in images[PRESS]
                cast("Any", simulated.machines[PRESS]).plc.estop_ok = False
                await heard.until(
                    lambda: any("status_bits" in m["values"] for m in heard.on(f"{PRESS}/values")[1:]), within_s=5.0
                )
                later = heard.on(f"{PRESS}/values")[1:]
                assert all(len(m["values"]) < len(images[PRESS]) for m in later), "only what has changed is told"
                born = {str(m.topic).split("/")[-1] for m in plant.messages if "/DBIRTH/" in str(m.topic)}
                assert born == machines.keys()
            await asyncio.wait(tasks)

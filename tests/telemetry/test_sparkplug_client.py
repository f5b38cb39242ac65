"""The edge node over the line's own client: births of what the feed sees, a killed broker, bdSeq, a primary host."""

from __future__ import annotations

import asyncio
from pathlib import Path

from controller.outbox import Priority
from controller.telemetry.settings import SparkplugSettings
from tests.telemetry.hosted import Hosted, Plant
from tests.telemetry.mosquitto import mosquitto, newcomer
from tests.telemetry.sparkplug.plant import primary_host, until
from tests.telemetry.sparkplug.scene import HOST

FORCE = "Process/force_pv_kn"
NODE = SparkplugSettings("plant", "line 1", HOST)


def shows(line: Hosted, time_s: float, force: float) -> None:
    line.clock.passes(1)
    line.press.show(time_s, machine_state=6, force_pv_kn=force)


async def test_a_host_sees_the_line_and_after_a_killed_broker_everything_once(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        plant = Plant(tmp_path, broker.port, changes={"sparkplug": NODE})
        async with primary_host(broker.port) as (host, messages, broken), plant.hosted() as line:
            line.press.link(up=True)
            await until(lambda: bool(host.devices.get("press-1")), "the birth")
            line.journal.note("r1", "run.created", {"recipe": "example", "plan_hash": "abc", "steps": []})
            started = {"name": "first", "kind": "press", "unit": "press-1", "lots": ["lot 1"], "commanded": {}}
            line.journal.note("r1", "step.started", started)
            for number in range(5):
                shows(line, 1.0 + number, float(number))
                await asyncio.sleep(0.01)
            await until(lambda: host.tags["press-1", FORCE].value == 4.0, "the force")
            await until(lambda: host.tags["press-1", "Batch/Lot"].value == "lot 1", "the lot")
            broker.kill()
            node = line.telemetry.node
            assert node is not None
            await until(lambda: not node.is_online, "the loss")
            before = len(messages)
            for number in range(5, 300):
                shows(line, 1.0 + number, float(number))
                await asyncio.sleep(0)
            broker.start()
            await until(lambda: host.births >= 2 and bool(host.devices.get("press-1")), "the second birth")
            wanted = {float(number) for number in range(5, 299)}
            await until(lambda: wanted <= {value for _, name, _, value in host.history if name == FORCE}, "the past")
            assert host.tags["press-1", FORCE].value == 299.0
            assert broken == []
            kinds = [str(message.topic).split("/")[2] for message in messages[before:]]
            assert [kind for kind in kinds if kind[1:] == "BIRTH"][:2] == ["NBIRTH", "DBIRTH"]
            await until(lambda: line.telemetry.outbox.waits("sparkplug", Priority) == 0, "the proof")


async def test_bd_seq_goes_on_after_a_restart_and_nothing_is_sent_while_the_host_is_away(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        plant = Plant(tmp_path, broker.port, changes={"sparkplug": NODE, "json": False})
        for expected in (0, 1):
            async with newcomer(broker.port, "spBv1.0/plant/#") as heard, plant.hosted() as line:
                node = line.telemetry.node
                assert node is not None
                line.press.link(up=True)
                shows(line, 1.0, 1.0)
                await asyncio.sleep(0.3)
                assert heard.messages == []
                assert line.telemetry.outbox.mark("bdseq") == expected
        async with newcomer(broker.port, "spBv1.0/plant/#") as heard, plant.hosted() as line:
            line.press.link(up=True)
            async with primary_host(broker.port) as (host, _, broken):
                await until(lambda: host.births == 1, "the birth")
                await until(lambda: any(name == FORCE for _, name, _, _ in host.history), "what was kept")
                assert broken == []
        assert plant.journal.events()[-1].kind == "telemetry.notice"

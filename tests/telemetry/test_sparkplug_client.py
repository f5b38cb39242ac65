"""The edge node over the line's own client: births of what the feed sees, a killed broker, bdSeq, a primary host."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from controller.outbox import Limits, Priority
from controller.telemetry.settings import SparkplugSettings
from tests.telemetry.hosted import Hosted, Plant
from tests.telemetry.mosquitto import mosquitto, newcomer
from tests.telemetry.sparkplug.plant import primary_host, until
from tests.telemetry.sparkplug.scene import HOST

FORCE = "Process/force_pv_kn"
FORCE_TAG = ("press-1", FORCE)
NODE = SparkplugSettings("plant", "line 1", HOST)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks once a second would be most of what these tests take."""
    monkeypatch.setattr("controller.telemetry.server.HEALTH_S", 0.05)
    monkeypatch.setattr("controller.telemetry.node_courier.PROVED_S", 0.05)


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


async def test_what_an_absent_unit_showed_waits_for_it_over_losses_and_restarts(tmp_path: Path) -> None:
    """It stays in the outbox until its unit is born: also when the connection ends while all else is sent."""
    wanted = {1.0, 2.0, 3.0}
    with mosquitto(tmp_path) as broker:
        broker.kill()
        plant = Plant(tmp_path, broker.port, changes={"sparkplug": NODE, "json": False})
        async with plant.hosted() as line:
            line.press.link(up=True)
            for value in sorted(wanted):
                shows(line, value, value)
                await asyncio.sleep(0.01)
            line.press.link(up=False)
            await line.telemetry.outbox.flushed()
        broker.start()
        async with primary_host(broker.port) as (host, _, broken):
            async with plant.hosted() as line:
                await until(lambda: host.births == 1, "the birth of the line alone")
                await asyncio.sleep(0.1)
                assert line.telemetry.outbox.waits("sparkplug", Priority) > 0
            async with plant.hosted() as line:
                line.press.link(up=True)
                await until(lambda: wanted <= {value for _, _, _, value in host.history}, "what was kept")
                await until(lambda: line.telemetry.outbox.waits("sparkplug", Priority) == 0, "the proof")
            assert broken == []


async def test_a_clock_that_is_set_back_makes_nothing_of_the_present_the_past(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        plant = Plant(tmp_path, broker.port, changes={"sparkplug": NODE})
        async with primary_host(broker.port) as (host, _, broken), plant.hosted() as line:
            line.press.link(up=True)
            shows(line, 1.0, 1.0)
            await until(lambda: (FORCE_TAG in host.tags) and host.tags[FORCE_TAG].value == 1.0, "the force")
            plant.clock.passes(-3600)
            shows(line, 2.0, 2.0)
            await until(lambda: host.tags[FORCE_TAG].value == 2.0, "the force of now")
            assert broken == []


async def test_dropped_samples_are_counted_told_and_an_alarm_until_they_are(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        broker.kill()
        changes = {"sparkplug": NODE, "json": False}
        plant = Plant(tmp_path, broker.port, limits=Limits(messages=5), changes=changes)
        async with plant.hosted() as line:
            line.press.link(up=True)
            for value in range(20):
                shows(line, float(value), float(value))
                await asyncio.sleep(0.005)
            await until(lambda: ("telemetry_dropped", True) in line.conditions(), "the alarm")
            broker.start()
            async with primary_host(broker.port) as (host, _, broken):
                dropped = (None, "Outbox/Dropped")
                await until(lambda: dropped in host.tags and (host.tags[dropped].value or 0) > 10, "the count")
                await until(lambda: line.conditions()[-1] == ("telemetry_dropped", False), "the end of the alarm")
                assert broken == []
        async with plant.hosted() as line:
            await asyncio.sleep(0.1)
            assert line.conditions()[-1] == ("telemetry_dropped", False)

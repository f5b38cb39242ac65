"""Through a real broker: births, changes, the will, rebirth, a broker that is killed, and Wireshark's opinion."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path
from typing import Any

import aiomqtt

from controller.telemetry.sparkplug.messages import Outgoing
from controller.telemetry.sparkplug.node import NodeState
from controller.telemetry.sparkplug.samples import Sample
from tests.foreign.peers import needed
from tests.telemetry.sparkplug.host import Host
from tests.telemetry.sparkplug.plant import edge_client, mosquitto, primary_host, until, utc_ms
from tests.telemetry.sparkplug.scene import CATALOGUE, FORCE, HOST, NCMD, Scene, force, rebirth


def kinds(messages: list[aiomqtt.Message]) -> list[str]:
    """What kinds of messages a node sent."""
    parts = [str(message.topic).split("/") for message in messages]
    return [part[2] for part in parts if part[1] != "STATE"]


def told(host: Host) -> Any:
    """The force as the host has it; None before the press is born."""
    tag = host.tags.get(("press", FORCE))
    return None if tag is None else tag.value


async def test_a_host_behind_mosquitto_sees_births_data_and_the_will(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        async with primary_host(broker.port) as (host, messages, broken):
            async with edge_client(broker.port, CATALOGUE, HOST) as edge:
                edge.do(edge.node.device_came("press"))
                await until(lambda: edge.node.state is NodeState.ONLINE, "the node going online")
                edge.do(edge.node.update([force(250.0, utc_ms())]))
                await until(lambda: told(host) == 250.0, "the force")
                edge.cut()
                await until(lambda: host.births == 2 and host.devices.get("press", False), "the next birth")
                edge.do(edge.node.leaving())
                await until(lambda: not host.online, "the death")
                assert all(tag.stale for tag in host.tags.values())
            assert broken == []
            seen = [kind for kind in kinds(messages) if kind != "DDATA"]
            assert seen[:6] == ["NBIRTH", "DBIRTH", "NDEATH", "NBIRTH", "DBIRTH", "NDEATH"]


async def test_a_rebirth_is_asked_for_and_nothing_else_is_obeyed(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        async with primary_host(broker.port) as (host, _, broken), edge_client(broker.port, CATALOGUE, HOST) as edge:
            edge.do(edge.node.device_came("press"))
            await until(lambda: host.devices.get("press", False), "the birth")
            async with aiomqtt.Client("127.0.0.1", broker.port) as person:
                await person.publish(NCMD, rebirth("Node Control/Reboot"))
                await until(lambda: any("Reboot" in notice for notice in edge.notices), "the notice")
                assert host.births == 1
                await person.publish(NCMD, rebirth())
            await until(lambda: host.births == 2, "the rebirth")
            assert broken == []


async def test_after_a_killed_broker_the_host_has_everything_and_what_is_old_as_historical(tmp_path: Path) -> None:
    """Frozen first, so that data go into a connection that swallows them."""
    with mosquitto(tmp_path) as broker:
        async with (
            primary_host(broker.port) as (host, messages, broken),
            edge_client(broker.port, CATALOGUE, HOST) as edge,
        ):
            edge.do(edge.node.device_came("press"))
            await until(lambda: host.devices.get("press", False), "the birth")
            seen: list[Sample] = []

            def observe() -> None:
                seen.append(force(float(len(seen)), utc_ms()))
                edge.do(edge.node.update(seen[-1:]))

            for _ in range(5):
                observe()
                await asyncio.sleep(0.01)
            broker.process.send_signal(signal.SIGSTOP)
            for _ in range(20):
                observe()
                await asyncio.sleep(0.01)
            broker.kill()
            await until(lambda: edge.node.state is not NodeState.ONLINE, "the loss")
            for _ in range(5):
                observe()
                await asyncio.sleep(0.01)
            before = len(messages)
            broker.start()
            await until(lambda: host.births == 2, "the second birth")
            expected = {("press", FORCE, sample.time_ms, sample.value) for sample in seen}
            await until(lambda: expected <= host.history, "the history")
            assert host.tags["press", FORCE].value == seen[-1].value
            assert broken == []
            assert kinds(messages[before:])[:3] == ["NBIRTH", "DBIRTH", "DDATA"]


def publish_packet(message: Outgoing) -> bytes:
    """An MQTT PUBLISH at QoS 0."""
    topic = message.topic.encode()
    rest = len(topic).to_bytes(2, "big") + topic + message.payload
    length, left = bytearray(), len(rest)
    while True:
        left, low = divmod(left, 128)
        length.append(low | (0x80 if left else 0))
        if not left:
            return bytes([0x30, *length]) + rest


def test_wiresharks_sparkplug_dissector_reads_our_messages(tmp_path: Path) -> None:
    scene = Scene()
    sent = [*scene.connect(), *scene.update(force(1.5, utc_ms())).messages, *scene.node.device_went("press").messages]
    dump = tmp_path / "dump.txt"
    dump.write_text("".join(f"0000 {publish_packet(message).hex(' ')}\n" for message in sent), encoding="ascii")
    pcap = tmp_path / "sent.pcap"
    done = subprocess.run(
        [needed("text2pcap"), "-q", "-T", "50000,1883", str(dump), str(pcap)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    fields = ("groupid", "messagetype", "edgenodeid", "deviceid")
    options = [word for name in fields for word in ("-e", f"sparkplugb.{name}")]
    command = [needed("tshark"), "-r", str(pcap), "-T", "fields", "-E", "separator=|", *options, "-e", "_ws.malformed"]
    read = subprocess.run(command, capture_output=True, check=True)
    assert read.stdout.decode().splitlines() == [
        "plant|NBIRTH|line 1||",
        "plant|DBIRTH|line 1|press|",
        "plant|DDATA|line 1|press|",
        "plant|DDEATH|line 1|press|",
    ]

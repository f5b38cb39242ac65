"""What the line's own client really writes on the wire, packet by packet."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pysparkplug._protobuf import Payload as ForeignPayload

from controller.telemetry.settings import SparkplugSettings
from tests.telemetry.hosted import Plant
from tests.telemetry.mosquitto import mosquitto
from tests.telemetry.sparkplug.listening import CONNECT, DISCONNECT, PUBLISH, SUBSCRIBE, Tap, connect, tapped
from tests.telemetry.sparkplug.plant import until

LEVEL = {"3.1.1": 4, "5": 5}
NAMES = SparkplugSettings("plant", "line 1", "")


async def played(folder: Path, version: Literal["3.1.1", "5"]) -> Tap:
    """A connection with births and data that is broken by the broker, and one that ends by intention."""
    with mosquitto(folder) as broker:
        async with tapped(broker.port) as tap:
            plant = Plant(folder, tap.port, changes={"sparkplug": NAMES, "json": False}, version=version)
            async with plant.hosted() as line:
                node = line.telemetry.node
                assert node is not None
                line.press.link(up=True)
                line.press.show(1.0, machine_state=6, force_pv_kn=1.0)
                await until(lambda: node.is_online and node.sent > 1, "the births")
                broker.kill()
                await until(lambda: not node.is_online, "the loss")
                broker.start()
                await until(lambda: node.is_online, "the next births")
                line.press.show(2.0, machine_state=6, force_pv_kn=2.0)
                await until(lambda: b"DDATA" in tap.sessions[-1], "data")
    return tap


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_packets_of_a_session_are_as_the_specification_has_them(
    tmp_path: Path, version: Literal["3.1.1", "5"]
) -> None:
    tap = await played(tmp_path, version)
    sessions = [tap.packets(place) for place in range(len(tap.sessions))]
    lived = [packets for packets in sessions if any(packet.kind == PUBLISH for packet in packets)]
    numbers = []
    for packets in lived:
        said = connect(packets[0])
        assert (said.level, said.clean, said.session_expiry_s) == (LEVEL[version], True, 0)
        assert (said.will_topic, said.will_qos, said.will_retain) == ("spBv1.0/plant/NDEATH/line 1", 1, False)
        numbers.append(ForeignPayload.FromString(said.will_payload).metrics[0].long_value)
        kinds = [packet.kind for packet in packets]
        assert kinds.count(CONNECT) == 1
        assert kinds.index(SUBSCRIBE) < kinds.index(PUBLISH)
        published = [packet for packet in packets if packet.kind == PUBLISH]
        assert {packet.flags for packet in published} == {0}  # QoS 0, not retained, no duplicate
        assert [packet.topic.split("/")[2] for packet in published[:2]] == ["NBIRTH", "DBIRTH"]
    assert numbers[0] == 0
    assert numbers == sorted(set(numbers))
    *_, last = [packet for packet in lived[-1] if packet.kind == PUBLISH]
    assert last.topic == "spBv1.0/plant/NDEATH/line 1"
    assert [p.body for p in lived[-1] if p.kind == DISCONNECT] in ([], [b"\x04"] if version == "5" else [b""])

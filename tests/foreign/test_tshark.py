"""Wireshark's dissectors read what our recorder captured, and agree with what was asked and what came."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceRefused
from drivers.profile_file import load_profile
from drivers.transport.recording import Recorder, read_capture, to_pcap
from drivers.transport.urls import open_transport
from tests.foreign.peers import CONTENTS, Starts, libmodbus_rtu, libmodbus_tcp, needed

PORT = 502


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame as tshark sees it."""

    unit: int
    function: int
    address: int | None
    count: int | None
    registers: tuple[int, ...]
    exception: int | None
    transaction: int | None


async def dissected(pcap: Path, protocol: str) -> list[Seen]:
    """Every Modbus frame of a capture; a malformed one, or a wrong checksum of any layer, fails the test."""
    settings = ["tcp.check_checksum:TRUE", "ip.check_checksum:TRUE"]
    if protocol == "mbrtu":
        settings += [f"mbrtu.tcp.port:{PORT}", "mbrtu.crc_verification:TRUE"]
    options = [word for setting in settings for word in ("-o", setting)]
    process = await asyncio.create_subprocess_exec(
        *(
            needed("tshark"),
            "-r",
            str(pcap),
            "-d",
            f"tcp.port=={PORT},{protocol}",
            *options,
            "-T",
            "json",
            "--no-duplicate-keys",
        ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, told = await process.communicate()
    assert process.returncode == 0, told.decode()
    packets = [packet["_source"]["layers"] for packet in json.loads(output)]
    for layers in packets:
        assert "_ws.malformed" not in layers, layers
        assert layers["ip"].get("ip.checksum.status", "1") == "1", layers["ip"]
        assert layers["tcp"].get("tcp.checksum.status", "1") == "1", layers["tcp"]
    return [seen for layers in packets for seen in _seen(layers, protocol)]


def _seen(layers: dict[str, Any], protocol: str) -> Iterator[Seen]:
    frame, modbus = layers.get(protocol), layers.get("modbus")
    if frame is None or modbus is None:
        return
    if protocol == "mbrtu":
        assert frame.get("mbrtu.crc16.status", "1") == "1", frame
    flat = dict(_flat(modbus))
    registers = tuple(int(value) for name, value in _flat(modbus) if name == "modbus.regval_uint16")
    whole = {name: int(flat[name], 0) for name in flat if isinstance(flat[name], str) and flat[name].isdigit()}
    yield Seen(
        int(frame[f"{protocol}.unit_id"]),
        int(flat["modbus.func_code"]),
        whole.get("modbus.reference_num"),
        whole.get("modbus.word_cnt"),
        registers,
        whole.get("modbus.exception_code"),
        int(frame["mbtcp.trans_id"]) if protocol == "mbtcp" else None,
    )


def _flat(tree: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(tree, dict):
        return
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value)
        elif isinstance(value, list):
            for item in value:
                yield from _flat(item) if isinstance(item, dict) else iter([(name, item)])
        else:
            yield name, value


async def captured(starts: Starts, folder: Path) -> Path:
    """Reads, writes and a refusal on a wire to a server that others wrote, as our recorder has them."""
    path = folder / "wire.jsonl"
    recorder = Recorder(path)
    async with starts(folder) as peer:
        transport = open_transport(peer.url, load_profile("uniaxial-press-generic"), tap=recorder)
        try:
            await transport.open()
            assert await transport.read("holding", 5, 3) == CONTENTS["holding"][5:8]  # type: ignore[union-attr]
            assert await transport.read("input", 60, 2) == CONTENTS["input"][60:62]  # type: ignore[union-attr]
            await transport.write(10, [1, 65535])  # type: ignore[union-attr]
            with pytest.raises(DeviceRefused):
                await transport.read("holding", 5000, 2)  # type: ignore[union-attr]
        finally:
            await transport.close()
            recorder.close()
    return path


@pytest.mark.parametrize(
    ("starts", "framing", "protocol"),
    [(libmodbus_tcp, "tcp", "mbtcp"), (libmodbus_rtu, "rtu", "mbrtu")],
    ids=["tcp", "rtu"],
)
async def test_wireshark_sees_what_we_asked_and_what_came(
    tmp_path: Path, starts: Starts, framing: Any, protocol: str
) -> None:
    events = read_capture(await captured(starts, tmp_path))
    pcap = tmp_path / "wire.pcap"
    to_pcap(events, pcap, framing)
    seen = await dissected(pcap, protocol)
    assert [frame.unit for frame in seen] == [1] * 8
    assert [frame.function for frame in seen] == [3, 3, 4, 4, 16, 16, 3, 3]
    asked, answered = seen[::2], seen[1::2]
    assert [(frame.address, frame.count) for frame in asked] == [(5, 3), (60, 2), (10, 2), (5000, 2)]
    assert asked[2].registers == (1, 65535)
    assert answered[0].registers == tuple(CONTENTS["holding"][5:8])
    assert answered[1].registers == tuple(CONTENTS["input"][60:62])
    assert (answered[2].address, answered[2].count) == (10, 2)
    assert answered[3].exception == 2
    if framing == "tcp":
        assert [frame.transaction for frame in asked] == [frame.transaction for frame in answered]
        assert len({frame.transaction for frame in asked}) == 4

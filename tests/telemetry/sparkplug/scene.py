"""A small line as an edge node, its clocks in the test's hand, and a decoder that is not ours."""

from __future__ import annotations

from typing import Any

from pysparkplug._protobuf import Payload as ForeignPayload

from controller.telemetry.sparkplug.catalogue import UNIT, Catalogue, Definition
from controller.telemetry.sparkplug.datatypes import DataType, Scalar
from controller.telemetry.sparkplug.messages import Opening, Outgoing
from controller.telemetry.sparkplug.node import EdgeNode, Reaction
from controller.telemetry.sparkplug.payload import Metric, Payload, QualityCode, encode
from controller.telemetry.sparkplug.samples import Sample
from controller.telemetry.sparkplug.topics import NodeName

EPOCH_MS = 1_800_000_000_000
FORCE = "Process/force_pv_kn"
COUNT = "Process/cycle_count"
HOST = "scada"
STATE = f"spBv1.0/STATE/{HOST}"
NCMD = "spBv1.0/plant/NCMD/line 1"
DCMD = "spBv1.0/plant/DCMD/line 1/press"

PRESS = (
    *UNIT,
    Definition(FORCE, DataType.FLOAT, "load cell", "kN", (-20, 700)),
    Definition(COUNT, DataType.UINT32, "press cycles"),
)
CATALOGUE = Catalogue(
    (
        Definition("Properties/Software", DataType.STRING, initial="pressline"),
        Definition("Health/State", DataType.STRING),
    ),
    {"press": PRESS, "coater": (*UNIT, Definition("Process/speed", DataType.DOUBLE, unit="m/min"))},
)


def foreign(message: Outgoing) -> Any:
    """The payload as the peer's protobuf classes read it; fields that are not there are seen as such."""
    return ForeignPayload.FromString(message.payload)


def names(message: Outgoing) -> dict[str, Any]:
    """The metrics of a birth or a death by name, as the peer reads them."""
    return {metric.name: metric for metric in foreign(message).metrics}


def force(kn: float | None, time_ms: int, quality: QualityCode = QualityCode.GOOD) -> Sample:
    """A reading of the press."""
    return Sample("press", FORCE, kn, time_ms, quality)


def rebirth(name: str = "Node Control/Rebirth", *, value: Scalar = True) -> bytes:
    """What a host sends to have everything told again."""
    return encode(Payload(EPOCH_MS, None, (Metric(name, None, EPOCH_MS, DataType.BOOLEAN, value),)))


def state(online: bool, timestamp_ms: int) -> bytes:
    """A STATE payload of the primary host."""
    return b'{"online":%s,"timestamp":%d}' % (b"true" if online else b"false", timestamp_ms)


class Scene:
    """A node with two units; time stands still until it is set."""

    def __init__(self, host: str | None = None, *, present: tuple[str, ...] = ("press",), doubt_s: float = 0.0) -> None:
        self.time_s = 0.0
        self.node = EdgeNode(
            NodeName("plant", "line 1"),
            CATALOGUE,
            utc_ms=self.utc_ms,
            now_s=lambda: self.time_s,
            primary_host=host,
            host_doubt_s=doubt_s,
        )
        self.bd_seq = -1
        for device in present:
            self.node.device_came(device)

    def utc_ms(self) -> int:
        """The clock on the wall, which goes with the loop's."""
        return EPOCH_MS + round(self.time_s * 1000)

    def open(self) -> Opening:
        """The next CONNECT."""
        self.bd_seq = (self.bd_seq + 1) % 256
        return self.node.connecting(self.bd_seq)

    def connect(self) -> tuple[Outgoing, ...]:
        """A connection that the broker takes; gives what is published then."""
        self.open()
        return self.node.connected().messages

    def update(self, *samples: Sample) -> Reaction:
        """Values that were seen."""
        return self.node.update(samples)

    def later(self, seconds: float) -> None:
        """Time passes."""
        self.time_s += seconds


def topics(messages: tuple[Outgoing, ...]) -> list[str]:
    """Type and device of messages, as "DDATA press"."""
    return [" ".join(message.topic.split("/")[2::2]) for message in messages]

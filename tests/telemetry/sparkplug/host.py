"""A host application by the specification's rules for hosts: it takes messages and says what is wrong with them.

It decodes with a foreign library, knows aliases only from births, counts seq, matches deaths by bdSeq, and keeps the
live value of every tag apart from its history.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pysparkplug import DataType as ForeignType
from pysparkplug._protobuf import Payload as ForeignPayload


class HostMistrusts(AssertionError):
    """A message that breaks a rule; a real host would ask for a rebirth or mark values as stale."""


@dataclass
class Tag:
    """One metric as the host sees it."""

    datatype: int
    value: Any = None
    quality: int = 192
    stale: bool = False


@dataclass
class Host:
    """Sees one edge node. `history` holds (device, name, time_ms, value) of everything that ever arrived."""

    online: bool = False
    bd_seq: int | None = None
    seq: int = 0
    births: int = 0
    aliases: dict[int, tuple[str | None, str]] = field(default_factory=dict)
    devices: dict[str, bool] = field(default_factory=dict)
    tags: dict[tuple[str | None, str], Tag] = field(default_factory=dict)
    history: set[tuple[str | None, str, int, Any]] = field(default_factory=set)

    def take(self, topic: str, raw: bytes, qos: int = 0, *, retain: bool = False) -> None:
        """A message that arrived; raises HostMistrusts if it breaks a rule."""
        space, _, kind, _, *rest = topic.split("/")
        device = rest[0] if rest else None
        payload = ForeignPayload.FromString(raw)
        self._rule(space == "spBv1.0" and len(rest) == (1 if kind.startswith("D") else 0), f"topic {topic}")
        self._rule(not retain, "retained")
        if kind == "NDEATH":
            self._death(payload)
            return
        self._rule(qos == 0, f"{kind} at QoS {qos}")
        self._rule(payload.HasField("timestamp"), f"{kind} without a timestamp")
        self._rule(payload.HasField("seq"), f"{kind} without seq")
        if kind == "NBIRTH":
            self._node_birth(payload)
        else:
            self._rule(self.online, f"{kind} before NBIRTH")
            self._rule(payload.seq == self.seq, f"{kind} has seq {payload.seq} after {self.seq - 1}")
            self.seq = (self.seq + 1) % 256
            {"DBIRTH": self._device_birth, "DDEATH": self._device_death}.get(kind, self._data)(device, payload)

    def _node_birth(self, payload: Any) -> None:
        self._rule(payload.seq == 0, "NBIRTH whose seq is not 0")
        self.aliases.clear()
        self.devices.clear()
        self.tags.clear()
        self.online, self.seq, self.births = True, 1, self.births + 1
        self._born(None, payload)
        by_name = {metric.name: metric for metric in payload.metrics}
        self._rule("bdSeq" in by_name, "NBIRTH without bdSeq")
        self.bd_seq = by_name["bdSeq"].long_value
        control = by_name.get("Node Control/Rebirth")
        self._rule(control is not None and control.boolean_value is False, "NBIRTH without its rebirth control")

    def _device_birth(self, device: str | None, payload: Any) -> None:
        assert device is not None
        self.devices[device] = True
        self.aliases = {alias: key for alias, key in self.aliases.items() if key[0] != device}
        self._born(device, payload)

    def _born(self, device: str | None, payload: Any) -> None:
        self._in_order(payload)
        for metric in payload.metrics:
            self._rule(metric.HasField("name") and metric.HasField("timestamp"), "a metric without name or timestamp")
            self._rule(metric.HasField("datatype") and metric.datatype != 0, f"{metric.name} without a datatype")
            self._rule(metric.WhichOneof("value") is not None or metric.is_null, f"{metric.name} without a value")
            if metric.HasField("alias"):
                self._rule(metric.alias not in self.aliases, f"alias {metric.alias} stands for two metrics")
                self.aliases[metric.alias] = device, metric.name
            self.tags[device, metric.name] = Tag(metric.datatype)
            self._set(device, metric.name, metric)

    def _data(self, device: str | None, payload: Any) -> None:
        self._rule(device is None or self.devices.get(device, False), f"data of {device} before its birth")
        self._in_order(payload)
        for metric in payload.metrics:
            self._rule(not metric.HasField("name"), "data with a name although aliases are used")
            self._rule(metric.alias in self.aliases, f"unknown alias {metric.alias}")
            self._rule(metric.HasField("timestamp"), "a metric without a timestamp")
            owner, name = self.aliases[metric.alias]
            self._rule(owner == device, f"{name} of {owner} in a message of {device}")
            self._set(device, name, metric)

    def _set(self, device: str | None, name: str, metric: Any) -> None:
        tag, place = self.tags[device, name], metric.WhichOneof("value")
        kind = ForeignType(tag.datatype)
        self._rule(place is None or place == kind.field, f"{name}: {kind.name} in {place}")
        value = None if place is None else kind.decode(getattr(metric, place))
        self.history.add((device, name, metric.timestamp, value))
        if not metric.is_historical:
            said = dict(zip(metric.properties.keys, metric.properties.values, strict=True))
            tag.value, tag.stale = value, False
            tag.quality = said["Quality"].int_value if "Quality" in said else tag.quality

    def _device_death(self, device: str | None, payload: Any) -> None:
        assert device is not None
        self._rule(self.devices.get(device, False), f"death of {device}, which was not born")
        self.devices[device] = False
        self._stale(device)

    def _death(self, payload: Any) -> None:
        self._rule(not payload.HasField("seq"), "NDEATH with seq")
        self._rule([metric.name for metric in payload.metrics] == ["bdSeq"], "NDEATH with other metrics than bdSeq")
        if self.online and payload.metrics[0].long_value == self.bd_seq:
            self.online = False
            self.devices = dict.fromkeys(self.devices, False)
            for device in (None, *self.devices):
                self._stale(device)

    def _stale(self, device: str | None) -> None:
        for (owner, _), tag in self.tags.items():
            tag.stale = tag.stale or owner == device

    def _in_order(self, payload: Any) -> None:
        times = [metric.timestamp for metric in payload.metrics if not metric.is_historical]
        self._rule(times == sorted(times), "metrics out of the order of their times")

    def _rule(self, kept: bool, broken: str) -> None:
        if not kept:
            raise HostMistrusts(broken)

"""Where the telemetry goes, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from controller.outbox import Limits
from controller.service_config import HOST_KEEP_ALIVE_S, KEEP_ALIVE_S, VALUES_HZ

REPLAY_PER_S = 1_000.0
"""Kept messages a second after a broker's return: 13 hours of four machines within some minutes, at a tenth of a core
(engineering judgement)."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The authority that signed the broker's certificate (None: the computer's), and a certificate of our own."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker. `version` is MQTT's. client_id is unique at the broker: a second one with it takes over.

    acknowledge_s is how long a message may go unacknowledged, connect_s how long connecting may take. Between two tries
    to connect retry_s pass, doubled each time up to retry_most_s, and up to half of it less by chance, so that the
    lines of a plant do not all come at once. speed is how many loop seconds pass in a second of the broker's: what it
    may take is as long on a simulated line's faster clock.
    """

    host: str
    port: int = 1883
    client_id: str = "pressline"
    version: Literal["3.1.1", "5"] = "5"
    tls: Tls | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    keep_alive_s: float = KEEP_ALIVE_S
    acknowledge_s: float = 10.0
    connect_s: float = 5.0
    retry_s: float = 1.0
    retry_most_s: float = 60.0
    speed: float = 1.0

    @property
    def place(self) -> str:
        """How it is called in messages."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SparkplugSettings:
    """The names of the line as an edge node, and the host application that it waits for; "" waits for none.

    host_keep_alive_s is that of the host's own connection: a host that dies unseen is told of by its broker after one
    and a half of these, and what it was told meanwhile is told again.
    """

    group: str
    node: str
    primary_host: str = ""
    host_keep_alive_s: float = HOST_KEEP_ALIVE_S


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The whole of it. site, area and line are the first levels of every topic, made fit for MQTT where they are not.

    json says whether the JSON topics are published, sparkplug whether and as whom Sparkplug B is.
    """

    broker: Broker
    site: str
    area: str
    line: str
    json: bool = True
    sparkplug: SparkplugSettings | None = None
    values_hz: float = VALUES_HZ
    replay_per_s: float = REPLAY_PER_S
    limits: Limits = field(default_factory=Limits)

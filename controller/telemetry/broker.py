"""One connection to a broker, from CONNECT to its end, on aiomqtt.

aiomqtt says that a message with QoS 0 is published when it is written into a socket that nobody reads, and does not say
how a broker judged one with QoS 1 (MQTT 5 reason codes). So every message that counts goes out with QoS 1, its
acknowledgement is waited for here with its reason, and a broker that is silent for too long counts as gone.

BrokerGone     there is no connection, or no more: a retry makes sense, its text says why
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, MQTT_ERR_SUCCESS
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from controller.telemetry.cancellable import CancellableClient
from controller.telemetry.settings import Broker
from controller.telemetry.tls import tls_context

WINDOW = 100
"""Messages that may wait for their acknowledgement; a broker may want fewer. Ten milliseconds there and back are then
10,000 messages a second (engineering judgement)."""
LEAVES_WITHIN_S = 2.0
LARGEST = 268_435_455
"""Bytes of a packet that MQTT can write; a broker may want smaller ones (MQTT 5, 3.2.2.3.6)."""
AROUND = 12
"""Bytes of a PUBLISH around topic and payload, at most: header, length, length of the topic, id, no properties."""
LOST = 128
"""What paho says of a connection that ended without a word: an unspecified error."""
TAKEN_OVER = 142
"""Reason code of MQTT 5: another client has connected with the same id."""
_PROTOCOLS = {"3.1.1": aiomqtt.ProtocolVersion.V311, "5": aiomqtt.ProtocolVersion.V5}
_NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
"""Otherwise Nagle's algorithm keeps a small message until the one before is acknowledged, up to 40 ms."""
_SILENT = logging.getLogger("controller.telemetry.paho")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class BrokerGone(Exception):
    """No connection, or no more. taken_over: another client with the same id has it. A retry makes sense."""

    def __init__(self, words: str, *, taken_over: bool = False) -> None:
        super().__init__(words)
        self.taken_over = taken_over


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes when it loses us without a word."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True


@dataclass(slots=True)
class _Sent:
    item: Any
    at_s: float


Acknowledged = Callable[[Any, str | None], None]
"""Called with what was sent and why the broker refused it; None: it has it."""


class Link:
    """A connection that is made. `send` never waits; `on_acknowledged` is called for every message with QoS 1."""

    def __init__(self, client: _Client, broker: Broker) -> None:
        self._client, self._broker = client, broker
        self._clock = asyncio.get_running_loop().time
        self._sent: dict[int, _Sent] = {}
        self.on_acknowledged: Acknowledged = lambda *_: None
        self.window = min(WINDOW, client.receive_maximum)
        self.version = broker.version
        client.on_acknowledged = self._acknowledged

    @property
    def in_flight(self) -> int:
        """Messages that wait for their acknowledgement."""
        return len(self._sent)

    def send(self, topic: str, payload: bytes, item: Any, *, qos: int = 1, retain: bool = False) -> None:
        """Writes a message; `item` comes back with its acknowledgement (QoS 1). Raises BrokerGone.

        One that is larger than the broker takes is not written: it would end this connection and every later one.
        """
        if len(topic.encode()) + len(payload) + AROUND > self._client.maximum_packet:
            asyncio.get_running_loop().call_soon(self._too_large, item)
            return
        info = self._client.paho.publish(topic, payload, qos, retain)
        if qos:
            self._sent[info.mid] = _Sent(item, self._clock())
        if info.rc != MQTT_ERR_SUCCESS:
            raise BrokerGone(f"{self._broker.place}: the connection is lost")

    def unacknowledged(self) -> list[Any]:
        """What nobody knows of whether the broker has it, in the order in which it was sent."""
        return [sent.item for sent in self._sent.values()]

    async def subscribe(self, *topics: str) -> list[str]:
        """Asks for messages, QoS 1; a sentence for each topic that the broker does not give. Raises BrokerGone."""
        try:
            answers = await self._client.subscribe([(topic, 1) for topic in topics])
        except aiomqtt.MqttError as error:
            raise BrokerGone(f"{self._broker.place}: cannot subscribe ({_words(error)})") from error
        return [
            f"the broker refuses the subscription to {topic}: {answer}"
            for topic, answer in zip(topics, answers, strict=False)
            if _is_refusal(answer)
        ]

    async def received(self) -> AsyncIterator[aiomqtt.Message]:
        """What comes in; raises BrokerGone at the end of the connection."""
        try:
            async for message in self._client.messages:
                yield message
        except aiomqtt.MqttError as error:
            cause = error.__cause__ if isinstance(error.__cause__, aiomqtt.MqttError | OSError) else error
            raise BrokerGone(f"{self._broker.place}: {_words(cause)}", taken_over=_is_taken_over(cause)) from error

    async def watch(self) -> None:
        """Raises BrokerGone when the broker has not acknowledged for too long."""
        limit_s = self._broker.acknowledge_s * self._broker.speed
        while True:
            await asyncio.sleep(limit_s / 5)
            oldest = next(iter(self._sent.values()), None)
            if oldest is not None and self._clock() - oldest.at_s > limit_s:
                silent = f"has acknowledged nothing for {self._broker.acknowledge_s:g} s"
                raise BrokerGone(f"{self._broker.place}: {silent}")

    def _too_large(self, item: Any) -> None:
        self.on_acknowledged(item, f"the broker takes {self._client.maximum_packet} bytes at most")

    def _acknowledged(self, mid: int, reason: ReasonCode) -> None:
        sent = self._sent.pop(mid, None)
        if sent is not None:
            self.on_acknowledged(sent.item, str(reason) if reason.is_failure else None)


class _Client(CancellableClient):
    """The client with the reasons of acknowledgements, and an end that waits for nobody."""

    def __init__(self, broker: Broker, context: ssl.SSLContext | None, will: Will | None) -> None:
        version5 = broker.version == "5"
        super().__init__(
            broker.host,
            broker.port,
            username=broker.user,
            password=broker.password,
            identifier=broker.client_id,
            protocol=_PROTOCOLS[broker.version],
            will=None if will is None else aiomqtt.Will(will.topic, will.payload, will.qos, will.retain),
            clean_session=None if version5 else True,
            clean_start=True if version5 else MQTT_CLEAN_START_FIRST_ONLY,
            keepalive=max(1, round(broker.keep_alive_s)),
            timeout=broker.connect_s * broker.speed,
            tls_context=context,
            max_inflight_messages=0,  # no limit of paho's, which would look through all of them at each acknowledgement
            max_queued_incoming_messages=1_000,
            socket_options=_NO_DELAY,
            logger=_SILENT,
        )
        self.receive_maximum = WINDOW
        self.maximum_packet = LARGEST
        self.ended: ReasonCode | None = None
        self.on_acknowledged: Callable[[int, ReasonCode], None] = lambda *_: None
        self.paho = self._client
        self.paho.connect_timeout = broker.connect_s

    def _on_connect(
        self, client: Any, userdata: Any, flags: Any, reason_code: ReasonCode, properties: Properties | None = None
    ) -> None:
        self.receive_maximum = int(getattr(properties, "ReceiveMaximum", WINDOW))
        self.maximum_packet = int(getattr(properties, "MaximumPacketSize", LARGEST))
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_publish(
        self, client: Any, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        super()._on_publish(client, userdata, mid, reason_code, properties)
        self.on_acknowledged(mid, reason_code)

    def _on_disconnect(
        self, client: Any, userdata: Any, flags: Any, reason_code: ReasonCode, properties: Properties | None = None
    ) -> None:
        self.ended = reason_code
        super()._on_disconnect(client, userdata, flags, reason_code, properties)
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # seen: whoever listens is told, and it is no fault if nobody does yet

    def drop(self) -> None:
        """Ends the connection at once and without a word: the broker publishes the will."""
        held = self.paho.socket()
        if held is not None:
            loop = asyncio.get_running_loop()
            with suppress(OSError, ValueError):
                loop.remove_reader(held.fileno())
                loop.remove_writer(held.fileno())
            with suppress(OSError):
                held.close()
        if self._misc_task is not None:
            self._misc_task.cancel()


def reason_is_transient(reason: str) -> bool:
    """Whether a broker that refused a message may take it later."""
    return reason in {
        str(ReasonCode(PacketTypes.PUBACK, name))
        for name in ("Quota exceeded", "Unspecified error", "Implementation specific error")
    }


@asynccontextmanager
async def linked(broker: Broker, will: Will | None) -> AsyncIterator[Link]:
    """A connection to the broker for the length of the block, with a clean session: what is kept is kept here.

    When the block is left with an exception the connection ends without a word, so that the will is published.
    Raises BrokerGone if there is none.
    """
    loop = asyncio.get_running_loop()
    try:
        context = None if broker.tls is None else await loop.run_in_executor(None, tls_context, broker.tls)
    except OSError as error:
        raise BrokerGone(f"{broker.place}: a certificate cannot be read ({error})") from error
    client = _Client(broker, context, will)
    entering = asyncio.create_task(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        await asyncio.wait([entering])  # a thread works on it, which cannot be stopped
        entering.exception()  # whether it came about does not matter any more
        client.drop()
        raise
    except (aiomqtt.MqttError, OSError, ValueError) as error:
        await asyncio.sleep(0)  # paho's thread has told the loop of its socket
        client.drop()
        if context is not None:
            context.close()
        raise BrokerGone(f"{broker.place}: {_words(error)}") from error
    if client.paho.socket() is None:  # aiomqtt forgets an end that comes right after the beginning
        client.drop()
        ended = aiomqtt.MqttCodeError(client.ended)
        raise BrokerGone(f"{broker.place}: {_words(ended)}", taken_over=_is_taken_over(ended))
    try:
        yield Link(client, broker)
    except BaseException:
        client.drop()
        raise
    with suppress(aiomqtt.MqttError, TimeoutError):
        async with asyncio.timeout(LEAVES_WITHIN_S):
            await client.__aexit__(None, None, None)
    client.drop()


def _words(error: BaseException) -> str:
    code = getattr(error, "rc", None)
    if isinstance(code, ReasonCode):
        return "the connection is lost" if code.value == LOST else str(code)
    words = str(error)
    return words.replace("[code:7] ", "").replace("[Errno 111] ", "") or type(error).__name__


def _is_refusal(answer: Any) -> bool:
    """Of a reason code, or of MQTT 3.1.1's number."""
    return bool(getattr(answer, "value", answer) >= LOST)


def _is_taken_over(error: BaseException) -> bool:
    code = getattr(error, "rc", None)
    return isinstance(code, ReasonCode) and code.value == TAKEN_OVER

"""A real broker, a host and the shortest client that an edge node can have, on aiomqtt."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiomqtt
import pytest

from controller.telemetry.cancellable import CancellableClient
from controller.telemetry.sparkplug.catalogue import Catalogue
from controller.telemetry.sparkplug.messages import Outgoing
from controller.telemetry.sparkplug.node import EdgeNode, NodeState, Reaction
from controller.telemetry.sparkplug.numbers import next_death_number
from controller.telemetry.sparkplug.samples import Sample
from controller.telemetry.sparkplug.topics import NodeName
from tests.ports import free_port
from tests.telemetry.sparkplug.host import Host
from tests.telemetry.sparkplug.scene import NCMD, STATE, state

PATIENCE_S = 20.0  # for a busy machine; all of it takes some tenths


def utc_ms() -> int:
    """The wall's clock."""
    return time.time_ns() // 1_000_000


class Mosquitto:
    """One broker that keeps nothing over a restart."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            pytest.fail("mosquitto is not installed; `make system` installs what the tests need", pytrace=False)
        self.port = free_port()
        file = folder / "mosquitto.conf"
        file.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n", encoding="utf-8")
        self._command = [program, "-c", str(file)]
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Another one at the same port."""
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self.process

    def kill(self) -> None:
        """With SIGKILL."""
        self.process.kill()
        self.process.wait()


@contextmanager
def mosquitto(folder: Path) -> Iterator[Mosquitto]:
    """A broker as long as the block."""
    broker = Mosquitto(folder)
    try:
        yield broker
    finally:
        broker.kill()


async def until(happened: Callable[[], bool], what: str) -> None:
    """Waits for something that has to happen."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not happened():  # noqa: ASYNC110 - a condition of several objects, which know no event
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"{what} did not happen")


class Kept:
    """The bdSeq of a test that restarts nothing."""

    number: int | None = None

    async def load(self) -> int | None:
        return self.number

    async def save(self, number: int) -> None:
        self.number = number


class EdgeClient:
    """Publishes what the node says, in its order; replays what was kept whenever the node is online."""

    def __init__(self, port: int, catalogue: Catalogue, host: str | None) -> None:
        self._port = port
        self.node = EdgeNode(
            NodeName("plant", "line 1"),
            catalogue,
            utc_ms=utc_ms,
            now_s=asyncio.get_running_loop().time,
            primary_host=host,
            host_doubt_s=90,
        )
        self.kept = Kept()
        self.outbox: deque[Sample] = deque()
        self.notices: list[str] = []
        self._out: asyncio.Queue[Outgoing | None] = asyncio.Queue()
        self._client: aiomqtt.Client | None = None

    def do(self, reaction: Reaction) -> None:
        """What follows of a reaction."""
        self.outbox.extend(reaction.kept)
        self.notices.extend(reaction.notices)
        for message in reaction.messages:
            self._out.put_nowait(message)
        if reaction.disconnect:
            self._out.put_nowait(None)

    def cut(self) -> None:
        """The connection ends without a word of MQTT."""
        assert self._client is not None
        wire = self._client._client.socket()
        assert isinstance(wire, socket.socket)
        wire.shutdown(socket.SHUT_RDWR)

    async def run(self) -> None:
        """Connects until it is cancelled."""
        while True:
            opening = self.node.connecting(await next_death_number(self.kept))
            will = aiomqtt.Will(opening.will.topic, opening.will.payload, opening.will.qos, opening.will.retain)
            try:
                async with CancellableClient("127.0.0.1", self._port, will=will, clean_session=True) as client:
                    self._client = client
                    await client.subscribe(list(opening.subscriptions))
                    self.do(self.node.connected())
                    await self._session(client)
            except aiomqtt.MqttError:
                pass
            finally:
                self.outbox.extend(self.node.lost())
                self._out = asyncio.Queue()
            await asyncio.sleep(0.05)

    async def _session(self, client: aiomqtt.Client) -> None:
        tasks = [
            asyncio.create_task(work) for work in (self._publish(client), self._listen(client), self._prove(client))
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _publish(self, client: aiomqtt.Client) -> None:
        while (message := await self._out.get()) is not None:
            await client.publish(message.topic, message.payload, message.qos, message.retain)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            self.do(self.node.received(str(message.topic), message.payload))

    async def _prove(self, client: aiomqtt.Client) -> None:
        """A subscription that is acknowledged proves that everything before it has arrived."""
        while True:
            self.do(self.node.elapsed())
            if self.node.state is NodeState.ONLINE and self.outbox:
                waiting, self.outbox = self.outbox, deque()
                self.do(self.node.replay(waiting))
            if self._out.empty():
                number = self.node.last_number
                await client.subscribe(NCMD, 1)
                self.node.proved(number)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def edge_client(port: int, catalogue: Catalogue, host: str | None = None) -> AsyncIterator[EdgeClient]:
    """A client as long as the block."""
    edge = EdgeClient(port, catalogue, host)
    task = asyncio.create_task(edge.run())
    try:
        yield edge
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def primary_host(port: int) -> AsyncIterator[tuple[Host, list[aiomqtt.Message], list[str]]]:
    """A primary host that comes back whenever the broker does; what it sees, all messages, what broke a rule."""
    host, messages, broken = Host(), list[aiomqtt.Message](), list[str]()

    async def listen() -> None:
        while True:
            since_ms = utc_ms()
            will = aiomqtt.Will(STATE, state(False, since_ms), 1, retain=True)
            try:
                async with CancellableClient("127.0.0.1", port, will=will) as client:
                    await client.subscribe("spBv1.0/#", 1)
                    host.online = False
                    await client.publish(STATE, state(True, since_ms), 1, retain=True)
                    async for message in client.messages:
                        messages.append(message)
                        topic, payload = str(message.topic), message.payload
                        assert isinstance(payload, bytes)
                        if topic.split("/")[2] in ("NCMD", "DCMD") or topic == STATE:
                            continue
                        try:
                            host.take(topic, payload, message.qos, retain=message.retain)
                        except AssertionError as error:
                            broken.append(str(error))
            except aiomqtt.MqttError:
                await asyncio.sleep(0.02)

    task = asyncio.create_task(listen())
    try:
        yield host, messages, broken
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

"""A mosquitto of a test's own, on a free loopback port, that can be killed and started again; and a subscriber."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt

from controller.telemetry.cancellable import CancellableClient
from tests.ports import free_port

STARTS_WITHIN_S = 20.0
PROGRAM = "/usr/sbin/mosquitto"


class Mosquitto:
    """One broker; `lines` are added to its configuration."""

    def __init__(self, folder: Path, lines: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self._file = folder / f"mosquitto-{self.port}.conf"
        self._file.write_text(f"user root\nlistener {self.port} 127.0.0.1\n{lines}\n", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [PROGRAM, "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError("mosquitto does not start")
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """With SIGKILL: no word to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections and does nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def mosquitto(folder: Path, lines: str = "allow_anonymous true") -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, lines)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@dataclass
class Heard:
    """What a subscriber was given, in order."""

    messages: list[aiomqtt.Message] = field(default_factory=list)

    def on(self, part: str) -> list[dict[str, Any]]:
        """The JSON messages under topics with this in them."""
        return [
            json.loads(bytes(message.payload))
            for message in self.messages
            if part in str(message.topic) and message.payload
        ]

    async def until(self, is_enough: Any, within_s: float = 10.0) -> None:
        async with asyncio.timeout(within_s):
            while not is_enough():  # noqa: ASYNC110  what is waited for may be anything
                await asyncio.sleep(0.02)


@asynccontextmanager
async def subscriber(port: int, topic: str = "#", heard: Heard | None = None) -> AsyncIterator[Heard]:
    """Somebody of the plant who subscribes as soon as the broker is there, and again when it is there again."""
    heard = heard or Heard()
    ready = asyncio.Event()

    async def listen() -> None:
        while True:
            try:
                async with CancellableClient("127.0.0.1", port, identifier="plant", clean_session=False) as client:
                    await client.subscribe(topic, qos=1)
                    ready.set()
                    async for message in client.messages:
                        heard.messages.append(message)
            except aiomqtt.MqttError:
                ready.clear()
                await asyncio.sleep(0.02)

    task = asyncio.create_task(listen())
    try:
        await asyncio.wait_for(ready.wait(), 20)
        yield heard
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def newcomer(port: int, topic: str = "#") -> AsyncIterator[Heard]:
    """Somebody who subscribes for the first time, and is given what is retained."""
    heard = Heard()
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(topic, qos=1)

        async def listen() -> None:
            async for message in client.messages:
                heard.messages.append(message)

        task = asyncio.create_task(listen())
        try:
            yield heard
        finally:
            task.cancel()
            await asyncio.wait([task])

"""Controllers without a machine, served beside a test by a thread of their own, so that commands can be run on them."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.profile_file import load_profile
from simulators.any_machine import AnyMachine
from simulators.wire.ascii_server import LineAnswers
from simulators.wire.modbus_server import RtuAnswers, TcpAnswers
from simulators.wire.pty import PtyPort
from simulators.wire.stream_server import Answers, StreamServer


@dataclass
class Served:
    """A served controller: what it holds, and every byte that came in. `mute` lets nothing out any more."""

    url: str
    profile: str
    tags: dict[str, Any]
    heard: list[bytes] = field(default_factory=list)
    mute: bool = False

    @property
    def writes(self) -> int:
        """Modbus TCP requests with function 5, 6, 15 or 16."""
        return sum(data[7] in (5, 6, 15, 16) for data in self.heard if len(data) > 7)


@contextmanager
def served(
    profile: str, *, link: Path | None = None, rtu: bool = False, unit: int = 1, **tags: float
) -> Iterator[Served]:
    """A controller that obeys a profile, on a free loopback port, or on a pseudo-terminal behind `link`."""
    loop = asyncio.new_event_loop()
    machine = AnyMachine(load_profile(profile), loop.time, unit)
    machine.controller.tags.update(tags)
    shown = Served("", profile, machine.controller.tags)

    def answers() -> Answers:
        inner: Answers
        if not hasattr(machine, "registers"):
            inner = LineAnswers(machine)
        elif rtu or link is not None:
            inner = RtuAnswers({unit: machine.registers}, loop.time)
        else:
            inner = TcpAnswers({unit: machine.registers})

        def heard(data: bytes) -> bytes | None:
            shown.heard.append(data)
            answer = inner(data)
            return None if shown.mute else answer

        return heard

    async def start() -> Any:
        if link is not None:
            port = PtyPort(link, answers())
            port.plug()
            shown.url = f"serial://{link}?baudrate=115200&unit={unit}"
            return port
        server = StreamServer(answers)
        await server.start()
        shown.url = f"{'rtu+tcp' if rtu else 'tcp'}://127.0.0.1:{server.port}?unit={unit}"
        return server

    async def stop(server: Any) -> None:
        if isinstance(server, PtyPort):
            server.unplug()
        else:
            await server.stop()

    thread = threading.Thread(target=loop.run_forever, name="served", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield shown
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def line_file(path: Path, **units: Served) -> Path:
    """A line file with these units."""
    parts = ['[line]\nname = "bench"']
    for name, unit in units.items():
        kind = load_profile(unit.profile).kind
        parts.append(f'[units.{name}]\nkind = "{kind}"\nprofile = "{unit.profile}"\nurl = "{unit.url}"')
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return path


@contextmanager
def program(command: Sequence[str], **how: Any) -> Iterator[subprocess.Popen[Any]]:
    """A program that is ended with the block: one that a failed test left alone would be waited for without end."""
    with subprocess.Popen(command, **how) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise

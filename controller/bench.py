"""The composition root for the bench: a controller without a machine, or a recording, on a port of this computer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.profile import Profile
from drivers.transport.wire import WireEvent

LOOPBACK = "127.0.0.1"


class PlaceTaken(Exception):
    """What shall be served at cannot be used; the message is for the user. Another port or name can be."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is served: a loopback port (0: a free one), or a serial port without hardware under `pty`.

    `rtu` puts RTU frames on the TCP port, as serial device servers do; `unit` is the number that answers.
    """

    tcp: int | None = 0
    pty: Path | None = None
    rtu: bool = False
    unit: int = 1


@asynccontextmanager
async def serve_controller(profile: Profile, place: Place, tags: Mapping[str, Any]) -> AsyncIterator[str]:
    """A controller that obeys a profile and has nothing behind it; yields its URL. `tags` is what it shows at first.

    Raises PlaceTaken.
    """
    from simulators.any_machine import AnyMachine
    from simulators.wire.ascii_server import LineAnswers
    from simulators.wire.modbus_server import RtuAnswers, TcpAnswers
    from simulators.wire.stream_server import Answers

    clock = asyncio.get_running_loop().time
    machine = AnyMachine(profile, clock, place.unit)
    machine.controller.tags.update(tags)

    def answers() -> Answers:
        if profile.line is not None:
            return LineAnswers(machine, end=profile.line.terminator.encode("ascii"))
        units = {place.unit: machine.registers}
        return RtuAnswers(units, clock) if place.rtu or place.pty is not None else TcpAnswers(units)

    async with _served(answers, place) as where:
        scheme = "rtu+tcp" if place.rtu else "tcp"
        yield f"{where}unit={place.unit}" if place.pty is not None else f"{scheme}://{where}?unit={place.unit}"


@asynccontextmanager
async def serve_recording(
    events: Sequence[WireEvent], place: Place, recorded: str | None, told: Callable[[str], None]
) -> AsyncIterator[str]:
    """A recording of the wire at one `recorded` place; yields its URL.

    `told` hears of every request that is not in it. Raises PlaceTaken, and ValueError if it cannot be served.
    """
    from simulators.wire.replay import ReplayServer

    server = ReplayServer(events, place=recorded, told=told)
    first = next(event.data for event in events if event.what == "sent" and event.place == server.place)
    text = first.isascii() and first.decode().strip().isprintable()
    unit = 1 if text else first[6] if server.numbered else first[0]
    try:
        if place.pty is not None:
            server.start_pty(_free(place.pty))
            url = f"serial://{place.pty.absolute()}?baudrate=115200&unit={unit}"
        else:
            scheme = "tcp" if text or server.numbered else "rtu+tcp"
            url = f"{scheme}://{LOOPBACK}:{await server.start_tcp(LOOPBACK, place.tcp or 0)}?unit={unit}"
    except OSError as error:
        raise PlaceTaken(f"{place.pty or place.tcp}: cannot be used ({error.strerror})") from error
    try:
        yield url
    finally:
        await server.stop()


@asynccontextmanager
async def _served(answers: Any, place: Place) -> AsyncIterator[str]:
    """Something that answers, on its port; yields the beginning of its URL."""
    from simulators.wire.pty import PtyPort
    from simulators.wire.stream_server import StreamServer

    if place.pty is not None:
        port = PtyPort(_free(place.pty), answers())
        try:
            port.plug()
        except OSError as error:
            raise PlaceTaken(f"{place.pty}: cannot be made ({error.strerror})") from error
        try:
            yield f"serial://{place.pty.absolute()}?baudrate=115200&"
        finally:
            port.unplug()
        return
    server = StreamServer(answers, host=LOOPBACK, port=place.tcp or 0)
    try:
        await server.start()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise PlaceTaken(f"port {place.tcp}: cannot be used ({why}); --tcp 0 takes a free one") from error
    try:
        yield f"{LOOPBACK}:{server.port}"
    finally:
        await server.stop()


def _free(link: Path) -> Path:
    """The name for a serial port; raises PlaceTaken for a file that is something else."""
    if link.is_symlink() and str(link.readlink()).startswith("/dev/pts/"):
        return link  # one that an earlier server left behind
    if link.is_symlink() or link.exists():
        raise PlaceTaken(f"{link}: is there already, and is no port that was served here; take another name")
    return link

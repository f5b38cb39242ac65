"""Serves what was recorded on a real wire: the same answers to the same requests, as late and as broken as then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from simulators.wire.pty import PtyPort
from simulators.wire.stream_server import StreamServer

_REPLUG_S = 0.1  # after a recorded loss the pseudo-terminal is back so soon
_HEADER = 6  # of Modbus TCP: transaction, protocol, length


class Recorded(Protocol):
    """An event of a recording, as the drivers' recorder keeps it."""

    @property
    def time_s(self) -> float: ...
    @property
    def place(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def data(self) -> bytes: ...


@dataclass(slots=True)
class _Exchange:
    """A request, what came after it and how much later, and whether the connection was lost then."""

    request: bytes
    at_s: float
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    lost_after_s: float | None = None


class ReplayServer:
    """Answers from one place's recording, on a TCP port or on pseudo-terminals.

    A request is looked for from where the last one was found onwards; with Modbus TCP the transaction's number may
    differ. What is found gets the recorded bytes after the recorded delays. What is not is met with silence and told:
    `told` is called with a sentence, and `unknown` keeps the request.
    """

    def __init__(
        self, events: Iterable[Recorded], *, place: str | None = None, told: Callable[[str], None] | None = None
    ) -> None:
        """Raises ValueError if the recording has no request at the place, or several places and none is named."""
        chosen = _of_place(list(events), place)
        self.place = chosen[0].place
        self.unknown: list[bytes] = []
        self.skipped = 0
        """How many recorded requests were passed over because a later one was asked."""
        self._script = _exchanges(chosen)
        self._numbered = all(_is_numbered(exchange.request) for exchange in self._script)
        self._told = told
        self._next = 0
        self._players: set[_Player] = set()
        self._server: StreamServer | None = None
        self._ports: list[PtyPort] = []

    @property
    def remaining(self) -> int:
        """Recorded requests that have not been asked yet."""
        return len(self._script) - self._next

    @property
    def numbered(self) -> bool:
        """Whether this is a recording of Modbus TCP."""
        return self._numbered

    async def start_tcp(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listens, and returns the port."""

        def player() -> _Player:
            made = _Player(self)
            self._players.add(made)
            return made

        self._server = StreamServer(player, host=host, port=port)
        await self._server.start()
        return self._server.port

    def start_pty(self, link: Path) -> Path:
        """Makes a pseudo-terminal behind `link`, and returns the link."""
        player = _Player(self)
        port = PtyPort(link, player)

        def replug() -> None:
            port.unplug()
            player.later(_REPLUG_S, port.plug)

        player.send, player.cut = port.send, replug
        port.plug()
        self._players.add(player)
        self._ports.append(port)
        return link

    async def stop(self) -> None:
        """Ends everything that this server has started."""
        for player in self._players:
            player.stop()
        if self._server is not None:
            await self._server.stop()
        for port in self._ports:
            port.unplug()

    def find(self, heard: bytes) -> _Exchange | bool:
        """The recorded exchange that this request is, True if more has to come to know, False if there is none."""
        begins = False
        for at in range(self._next, len(self._script)):
            exchange = self._script[at]
            if self._same(heard, exchange.request):
                self.skipped += at - self._next
                self._next = at + 1
                return exchange
            begins = begins or self._same(heard, exchange.request[: len(heard)])
        return begins

    def tell_unknown(self, heard: bytes) -> None:
        """A request that is not in the rest of the recording."""
        self.unknown.append(heard)
        if self._told is not None:
            self._told(f"{self.place}: not in the recording from here on: {heard.hex(' ')}")

    def _same(self, heard: bytes, recorded: bytes) -> bool:
        return heard[2:] == recorded[2:] and len(heard) == len(recorded) if self._numbered else heard == recorded


class _Player:
    """One connection's side: bytes in; the recorded ones out, as timers say."""

    def __init__(self, server: ReplayServer) -> None:
        self.send: Callable[[bytes], None] = _nobody
        self.cut: Callable[[], None] = _nobody
        self._server = server
        self._heard = b""
        self._numbers: dict[bytes, bytes] = {}
        self._timers: set[asyncio.TimerHandle] = set()

    def __call__(self, data: bytes) -> bytes | None:
        self._heard += data
        found = self._server.find(self._heard)
        if found is True:
            return None
        heard, self._heard = self._heard, b""
        if isinstance(found, _Exchange):
            self._play(found, heard)
        else:
            self._server.tell_unknown(heard)
        return None

    def connected(self, send: Callable[[bytes], None], cut: Callable[[], None]) -> None:
        """How to send on this connection, and how to end it."""
        self.send, self.cut = send, cut

    def later(self, delay_s: float, call: Callable[[], None]) -> None:
        """Calls after a time, unless the server is stopped before."""
        loop = asyncio.get_running_loop()

        def due() -> None:
            self._timers.discard(timer)
            call()

        timer = loop.call_later(max(0.0, delay_s), due)
        self._timers.add(timer)

    def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _play(self, exchange: _Exchange, heard: bytes) -> None:
        answers = [data for _, data in exchange.pieces]
        if self._server.numbered:
            self._numbers[exchange.request[:2]] = heard[:2]
            answers = _renumbered(answers, self._numbers)
        for (delay_s, _), data in zip(exchange.pieces, answers, strict=True):
            self.later(delay_s, partial(self.send, data))
        if exchange.lost_after_s is not None:
            self.later(exchange.lost_after_s, self.cut)


def _nobody(*_: object) -> None:
    """Before a connection there is nobody to send to."""


def _of_place(events: Sequence[Recorded], place: str | None) -> list[Recorded]:
    places = sorted({event.place for event in events if event.what == "sent"})
    if place is None and len(places) > 1:
        raise ValueError(f"the recording has several places, choose one: {', '.join(places)}")
    wanted = place or (places[0] if places else "")
    if wanted not in places:
        raise ValueError(f"the recording has no request at {wanted}" if wanted else "the recording has no request")
    return [event for event in events if event.place == wanted]


def _exchanges(events: Iterable[Recorded]) -> list[_Exchange]:
    script: list[_Exchange] = []
    for event in events:
        if event.what == "sent":
            script.append(_Exchange(event.data, event.time_s))
        elif script and event.what == "heard":
            script[-1].pieces.append((event.time_s - script[-1].at_s, event.data))
        elif script and event.what == "lost" and script[-1].lost_after_s is None:
            script[-1].lost_after_s = event.time_s - script[-1].at_s
    return script


def _is_numbered(request: bytes) -> bool:
    """Whether a request has Modbus TCP's header."""
    return (
        len(request) > _HEADER + 1
        and request[2:4] == b"\0\0"
        and int.from_bytes(request[4:6], "big") == len(request) - _HEADER
    )


def _renumbered(pieces: Sequence[bytes], numbers: dict[bytes, bytes]) -> list[bytes]:
    """The answers with the transactions that were asked now; what is no frame stays as it was."""
    whole = bytearray(b"".join(pieces))
    at = 0
    while at + _HEADER <= len(whole) and whole[at + 2 : at + 4] == b"\0\0":
        whole[at : at + 2] = numbers.get(bytes(whole[at : at + 2]), whole[at : at + 2])
        at += _HEADER + int.from_bytes(whole[at + 4 : at + 6], "big")
    cut, start = [], 0
    for piece in pieces:
        cut.append(bytes(whole[start : start + len(piece)]))
        start += len(piece)
    return cut

"""The pages and the API as one task of the service's loop: uvicorn on a socket that outlives it.

CannotListen     the address cannot be had; a retry makes sense when what the message names is mended
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn

GRACE_S = 8.0
"""Loop seconds that the server may take to end, its own time for answers under way included (engineering judgement)."""
BACKLOG = 128


class CannotListen(Exception):
    """Nothing can listen at an address. The message says why and what would do."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises CannotListen."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"service.host {host} is no address of this computer ({error})") from None
    family, kind, number, _, address = found[0]
    listening = socket.socket(family, kind | socket.SOCK_CLOEXEC, number)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise CannotListen(_why(host, port, error)) from None
    return listening


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken by another program; end it, or change service.port"
    if error.errno == errno.EACCES:
        return f"port {port} of {host} is kept for the system; take one above 1023, or AmbientCapabilities of systemd"
    return f"{host} port {port} cannot be listened on ({error.strerror}); service.host and service.port say where"


def origin_of(listening: socket.socket, *, tls: bool) -> str:
    """The address of the pages, for people."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  compared, not listened on
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    return f"http{'s' if tls else ''}://{shown}:{port}"


class Web:
    """The server of the pages and the API. `serve` is its task, which may be begun again after its death.

    `make` gives a server for each time that it is begun, which leaves signals alone.
    """

    def __init__(self, make: Callable[[], uvicorn.Server], listening: socket.socket) -> None:
        self._make, self._listening = make, listening
        self._server: uvicorn.Server | None = None

    async def serve(self) -> None:
        """Serves until it is cancelled; what is being answered is then given its time."""
        server = self._make()
        serving = asyncio.create_task(server.serve([self._listening.dup()]), name="uvicorn")
        self._server = server
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            with suppress(asyncio.CancelledError, TimeoutError):
                await asyncio.wait_for(serving, GRACE_S)

    @property
    def is_serving(self) -> bool:
        """Whether it takes requests now."""
        return self._server is not None and self._server.started and not self._server.should_exit

    def close(self) -> None:
        """Nobody can connect any more."""
        self._listening.close()

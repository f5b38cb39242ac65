"""A broker in this process for the simulated line of the demo: amqtt, on loopback alone.

It keeps nothing over a restart; a plant has a broker of its own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LOOPBACK = "127.0.0.1"


class BrokerUnusable(Exception):
    """The port is taken. A retry makes sense with another one."""


@asynccontextmanager
async def embedded_broker(port: int = 0) -> AsyncIterator[int]:
    """A broker of MQTT 3.1.1 on a port of loopback (0: a free one) for the length of the block; yields the port.

    Raises BrokerUnusable.
    """
    from amqtt.broker import Broker
    from amqtt.contexts import BrokerConfig, ListenerConfig

    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.ERROR)
    found = port or _free()
    config = BrokerConfig(
        listeners={"default": ListenerConfig(bind=f"{LOOPBACK}:{found}", max_connections=50)},
        plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    )
    broker = Broker(config, loop=asyncio.get_running_loop())
    try:
        await broker.start()
    except Exception as error:  # amqtt wraps what the system says in errors of its own, and has no common one
        raise BrokerUnusable(f"port {found}: no broker can be served there ({error})") from error
    try:
        yield found
    finally:
        await broker.shutdown()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])

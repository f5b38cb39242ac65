"""aiomqtt's client for tasks that are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import aiomqtt

T = TypeVar("T")


class CancellableClient(aiomqtt.Client):
    """A task that waits for the broker's answer ends when it is cancelled, also if the answer comes just then.

    aiomqtt waits with asyncio.wait_for, which until Python 3.12 gives the answer and forgets the cancellation: a task
    that asks again and again would go on for ever.
    """

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None

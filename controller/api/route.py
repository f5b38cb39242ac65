"""What becomes of a request once it was read: a question has its time, a command comes to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from controller.api.limits import Limits
from controller.api.origins import SAFE_METHODS
from controller.api.parts import parts_of
from controller.api.problems import Problem
from controller.api.telling import instance_of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
AGAIN_S = "10"  # Retry-After of a question that took too long (engineering judgement)


class Route(APIRoute):
    """GET asks, anything else commands."""

    @property
    def is_question(self) -> bool:
        """Whether it only looks; then it may be given up."""
        return (self.methods or set()) <= SAFE_METHODS

    def limit_s(self, limits: Limits) -> float:
        """Wall-clock seconds that a question's answer may take until it begins."""
        return limits.answer_s

    def get_route_handler(self) -> Handler:
        handle = self.handler()
        return self._in_time(handle) if self.is_question else _to_its_end(handle)

    def handler(self) -> Handler:
        """What carries the request out."""
        return super().get_route_handler()

    def _in_time(self, handle: Handler) -> Handler:
        async def limited(request: Request) -> Response:
            limit_s = self.limit_s(parts_of(request).limits)
            pace = float(getattr(asyncio.get_running_loop(), "speed", 1.0))
            limit = asyncio.timeout(limit_s * pace)
            try:
                async with limit:
                    return await handle(request)
            except TimeoutError:
                if not limit.expired():
                    raise
                words = f"the answer was not there within {limit_s:g} s; ask for less, or again when less is asked"
                raise Problem("late-answer", words, headers={"Retry-After": AGAIN_S}) from None

        return limited


class Question(Route):
    """Asks, although it is sent by POST because it brings a text."""

    @property
    def is_question(self) -> bool:
        return True


class Download(Question):
    """Asks for a file that is made first, beside everything else and with more time."""

    def limit_s(self, limits: Limits) -> float:
        return limits.download_s


def _to_its_end(handle: Handler) -> Handler:
    async def finished(request: Request) -> Response:
        return await parts_of(request).begun.to_its_end(handle(request), instance_of(request.scope))

    return finished

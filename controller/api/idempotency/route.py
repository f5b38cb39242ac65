"""Routes whose commands are known by their keys."""

from __future__ import annotations

from fastapi import Request, Response

from controller.api.errors import problem_of
from controller.api.idempotency.keys import Answered, Asked, Keys
from controller.api.identity import May, action_of, asker
from controller.api.parts import parts_of
from controller.api.problems import Problem
from controller.api.route import Handler, Route
from controller.authority import AT_ONCE, Actor
from controller.database import DatabaseUnusable

HEADER = "Idempotency-Key"
KEY_OF_A_COMMAND, KEY_OF_A_STOP = "required", "optional"


class CommandRoute(Route):
    """A command that raises risk or makes something: it needs a key."""

    needs_key = True

    def handler(self) -> Handler:
        handle = super().handler()

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None and self.needs_key:
                what = f"this command needs the header {HEADER}: any text of your own, a new one for each command"
                await self._allowed(request)  # who may not is told that first
                raise Problem("key-missing", what)
            if key is None:
                return await handle(request)
            return await self._once(request, key, handle)

        return once

    async def _once(self, request: Request, key: str, handle: Handler) -> Response:
        """The command's answer, from the command itself or from what was stored of it."""
        asked, keys = await self._asked(request, key), parts_of(request).keys
        try:
            before = await keys.take(asked)
        except DatabaseUnusable:
            if self.needs_key:
                raise
            return await handle(request)
        if before is not None:
            return _again(before)
        try:
            response = await handle(request)
        except BaseException as error:
            await _without_answer(keys, asked, error)
            raise
        await _kept(keys, asked, _answered(response))
        return response

    async def _asked(self, request: Request, key: str) -> Asked:
        actor = await self._allowed(request)
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return Asked.of(actor.name, key, request.method, address, await request.body())

    async def _allowed(self, request: Request) -> Actor:
        """Who asks, where they may: nobody else has a key looked at or stored."""
        action = action_of(self.dependant)
        return await asker(request) if action is None else await May(action)(request)


class LoweringRoute(CommandRoute):
    """A command that lowers risk: a stop button must not fail for a header, nor for a store that does not answer.

    Hold, stop and abort do not even wait for it: their keys are remembered by this process alone, and not for long, as
    they do no harm when they are done once more.
    """

    needs_key = False

    async def _once(self, request: Request, key: str, handle: Handler) -> Response:
        if action_of(self.dependant) not in AT_ONCE:
            return await super()._once(request, key, handle)
        asked, keys = await self._asked(request, key), parts_of(request).keys
        if (before := keys.begin_here(asked)) is not None:
            return _again(before)
        answered: Answered | None = None
        try:
            response = await handle(request)
            answered = _answered(response)
            return response
        finally:
            keys.end_here(asked, answered)


def _again(before: Answered) -> Response:
    headers = {"Idempotency-Replayed": "true"} | ({"Location": before.location} if before.location else {})
    return Response(before.body, before.status, headers, before.media_type or None)


def _answered(response: Response) -> Answered:
    kind, location = response.headers.get("content-type", ""), response.headers.get("location")
    return Answered(response.status_code, kind, bytes(response.body), location)


async def _without_answer(keys: Keys, asked: Asked, error: BaseException) -> None:
    """A refusal did nothing, so that the same key may be used again; of anything else nobody knows what it did."""
    try:
        if problem_of(error) is not None:
            await keys.forget(asked)
        else:
            await keys.lose(asked)
    except DatabaseUnusable:
        return  # the command's own error is what counts


async def _kept(keys: Keys, asked: Asked, answered: Answered) -> None:
    """The command was carried out: a store that does not take its answer changes nothing of that."""
    try:
        await keys.keep(asked, answered)
    except DatabaseUnusable:
        return  # a repetition is told that nobody knows, and does nothing twice

"""Passwords as argon2id hashes, made and compared beside the loop.

The parameters are the second recommendation of RFC 9106 (64 MiB, 3 passes) with one lane instead of four: its first
asks for 2 GiB, which a computer at a press does not have for a sign-in, and four lanes take every core and the memory's
bandwidth from the loop that polls machines. The work for whoever guesses is the same. A hash that was made with others
is made anew at the next sign-in. One is made at a time, at a low priority.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from typing import TypeVar

from argon2 import Parameters, PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from controller.accounts.errors import LockedOut
from controller.accounts.password_rules import LONGEST, is_text, normal

T = TypeVar("T")
PARAMETERS = Parameters(
    type=Type.ID, version=0x13, salt_len=16, hash_len=32, time_cost=3, memory_cost=64 * 1024, parallelism=1
)
WAITING = 16
"""Sign-ins that may wait for those before them: some two seconds of work (engineering judgement)."""
STRANGERS = 8
"""Of these for somebody from a place where they never signed in: strangers' tries leave room for who works here."""
NICENESS = 19
"""The lowest that there is: a sign-in may take longer on a busy computer, a poll may not."""


class Passwords:
    """Makes hashes and compares with them, in a thread of its own."""

    def __init__(self, parameters: Parameters = PARAMETERS, waiting: int = WAITING, strangers: int = STRANGERS) -> None:
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._waiting, self._limit = 0, waiting
        self._strangers, self._strangers_limit = 0, min(strangers, waiting)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords", initializer=_lower_priority)
        self._nobodys = self._thread.submit(self._hasher.hash, os.urandom(16).hex())

    async def hash(self, password: str) -> str:
        """A new hash with a salt of its own. Raises LockedOut where too many wait."""
        return await self._beside(lambda: self._hasher.hash(normal(password)))

    async def verify(self, stored: str | None, password: str, *, is_known: bool = True) -> bool:
        """Whether a password fits to a hash; without one it does not, after the same work.

        is_known: it is tried where its owner has signed in before. Raises LockedOut where too many wait.
        """
        is_possible = stored is not None and len(password) <= LONGEST and is_text(password)
        against = stored if is_possible else None
        tried = normal(password) if is_possible else "nobody's"
        with nullcontext() if is_known else self._a_strangers():
            return await self._beside(lambda: self._fits(against or self._nobodys.result(), tried)) and is_possible

    @contextmanager
    def _a_strangers(self) -> Iterator[None]:
        if self._strangers >= self._strangers_limit:
            raise LockedOut(1.0)
        self._strangers += 1
        try:
            yield
        finally:
            self._strangers -= 1

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Waits for what has begun."""
        self._thread.shutdown(cancel_futures=True)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _beside(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._limit:
            raise LockedOut(1.0)
        loop = asyncio.get_running_loop()
        self._waiting += 1
        future = self._thread.submit(work)
        future.add_done_callback(lambda _: self._done(loop))
        return await asyncio.wrap_future(future)

    def _done(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self._count_down)

    def _count_down(self) -> None:
        self._waiting -= 1


def _lower_priority() -> None:
    """Of this thread and of those that it starts; a system that refuses loses nothing but the priority."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)

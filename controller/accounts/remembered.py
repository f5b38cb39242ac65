"""Who was proven lately, in memory: so that a request costs no store, and a stop waits for none.

What is remembered is read anew after some seconds, because another process may have changed it; what this process
changes is forgotten at once. Where the store does not answer, who is remembered may still see the line and lower risk
(`controller.authority.WITHOUT_STORE`), until their session or token is over by its own time.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

from controller.accounts.desk import Desk
from controller.accounts.lockout import MADE_UP, MADE_UP_EVERY_S, Throttle
from controller.authority import AT_ONCE, WITHOUT_STORE, Action, Actor
from controller.database import DatabaseUnusable

READ_ANEW_S = 10.0  # loop seconds; also how long a store that did not answer is not asked about who is remembered
KEPT = 1_000


class Live(Protocol):
    """What is remembered of a session or a token; read_s is the loop's time at which the store said so."""

    @property
    def actor(self) -> Actor: ...
    @property
    def read_s(self) -> float: ...


L = TypeVar("L", bound=Live)


class Remembered(Generic[L]):
    """Sessions, or tokens, by a key that is no secret; the latest used are kept."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._of: OrderedDict[str, L] = OrderedDict()
        self._unknown = Throttle(MADE_UP, MADE_UP_EVERY_S)
        self._away_s = -math.inf
        self.changes = 0
        """How often something was forgotten: what was read before that is not kept."""

    def get(self, key: str) -> L | None:
        """What is remembered of a key."""
        return self._of.get(key)

    def is_away(self, action: Action | None) -> bool:
        """Whether the store is not to be asked for this action, because it waits for none, or it did not answer."""
        is_lately = self._desk.now_s() - self._away_s <= READ_ANEW_S
        return action in AT_ONCE or (action in WITHOUT_STORE and is_lately)

    async def found(self, key: str, read: Callable[[Connection], L | None], action: Action | None) -> L | None:
        """What counts of a key now, from memory or from the store; None where there is nothing.

        Raises LockedOut where too much that is made up is asked for, and DatabaseUnusable.
        """
        now_s, known = self._desk.now_s(), self._of.get(key)
        if known is None:
            self._unknown.check("", now_s)
        elif now_s - known.read_s <= READ_ANEW_S or self.is_away(action):
            return known
        changes, is_patient = self.changes, known is None or action not in WITHOUT_STORE
        try:
            found = await (self._desk.database.run(read) if is_patient else self._desk.soon(read))
        except DatabaseUnusable:
            self._away_s = now_s
            if is_patient or changes != self.changes:
                raise
            return known
        if found is None:
            self._of.pop(key, None)
            self._unknown.count("", now_s)
        return found

    async def noted(self, work: Callable[[Connection], None], action: Action | None) -> bool:
        """Whether the store took a note of a use. Raises DatabaseUnusable where the action is not done without it."""
        if self.is_away(action):
            return False
        try:
            await (self._desk.soon(work) if action in WITHOUT_STORE else self._desk.database.run(work))
        except DatabaseUnusable:
            self._away_s = self._desk.now_s()
            if action not in WITHOUT_STORE:
                raise
            return False
        return True

    def keep(self, key: str, live: L, changes: int) -> None:
        """Remembers it, unless something was forgotten since `changes` was read."""
        if changes != self.changes:
            return
        self._of[key] = live
        self._of.move_to_end(key)
        while len(self._of) > KEPT:
            self._of.popitem(last=False)

    def forget(self, keys: Iterable[str]) -> None:
        """These count no more before they are looked up anew."""
        self.changes += 1
        for key in keys:
            self._of.pop(key, None)

    def forget_user(self, user: str) -> None:
        """Everything of a user is looked up anew."""
        self.forget([key for key, live in self._of.items() if live.actor.name == user])

    def forget_all(self) -> None:
        """Everything is looked up anew."""
        self.changes += 1
        self._of.clear()

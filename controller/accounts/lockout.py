"""Against guessing: each failed try makes the next one later, for a name and for an address, and never for good.

A try is counted before its password is looked at, so that many at once are no way round. Where somebody has signed in
before, only tries for this name from this very address count: whoever guesses elsewhere keeps nobody from the panel
that they always use. Names that are nobody's are counted like others, so that nothing tells them apart.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from controller.accounts.errors import LockedOut
from controller.accounts.secret import sha256
from controller.accounts.tables import places, tries

S = 1_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """free tries, then a delay of 1 s that doubles with each failure up to longest_s; forgotten after a quiet time."""

    free: int
    longest_s: int
    forgotten_after_s: int


RULES: Mapping[str, Rule] = {
    "pair": Rule(5, 900, 24 * 3600),
    "name": Rule(5, 900, 24 * 3600),
    "address": Rule(20, 300, 3600),
}
"""With 15 minutes at the longest a name is tried some hundred times a day, which finds no password of twelve
characters that is not common. Longer would serve whoever wants to keep others out (engineering judgement)."""

MADE_UP, MADE_UP_EVERY_S = 100, 0.05
"""Sessions and tokens that are none: so many at once, then 20 a second are looked up, beside the journal."""
KEPT = 10_000  # names and addresses that tries are counted for; the oldest go first
KEPT_PLACES = 10  # addresses of one person; the oldest goes first


@dataclass(frozen=True, slots=True)
class Try:
    """A try that may be made. locks says that it locks what it counts for, if it fails.

    is_known: this person has signed in from this place before.
    """

    keys: tuple[str, ...]
    locks: bool
    is_known: bool = False


def place_of(address: str) -> str:
    """What of an address is one place: of IPv6 the network of 64 bits that one customer has."""
    try:
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def begin_try(connection: Connection, name: str, address: str, now_us: int) -> Try:
    """Counts a try as failed until `succeeded` says otherwise. Raises LockedOut; such a try counts nothing."""
    place = place_of(address)
    known = select(places.c.last_us).where(places.c.user == name, places.c.address == place)
    is_known = connection.execute(known).first() is not None
    keys = (_key("pair", name, place),) if is_known else (_key("name", name), _key("address", place))
    found = {row.key: row for row in connection.execute(select(tries).where(tries.c.key.in_(keys)).with_for_update())}
    until_us = max((row.until_us for row in found.values()), default=0)
    if until_us > now_us:
        raise LockedOut((until_us - now_us) / S)
    locks = False
    for key in keys:
        rule = RULES[key.split(":", 1)[0]]
        row = found.get(key)
        is_recent = row is not None and now_us - row.last_us < rule.forgotten_after_s * S
        failed = 1 + (row.failed if row is not None and is_recent else 0)
        delay_s = 0 if failed < rule.free else min(rule.longest_s, 2 ** min(30, failed - rule.free))
        values = {"failed": failed, "last_us": now_us, "until_us": now_us + delay_s * S}
        if row is None:
            connection.execute(insert(tries).values(key=key, **values))
        else:
            connection.execute(update(tries).where(tries.c.key == key).values(values))
        locks = locks or delay_s > 0
    _forget_oldest(connection)
    return Try(keys, locks, is_known)


def succeeded(connection: Connection, made: Try, name: str, address: str, now_us: int, kept_us: int) -> None:
    """A try proved who somebody is: nothing counts against the name any more, and this place is known from now on.

    An address keeps its count: one good password is no excuse for a thousand bad ones.
    """
    own = [key for key in made.keys if not key.startswith("address:")]
    connection.execute(delete(tries).where(tries.c.key.in_(own)))
    for key in set(made.keys) - set(own):
        connection.execute(update(tries).where(tries.c.key == key).values(failed=tries.c.failed - 1, until_us=0))
    place = place_of(address)
    connection.execute(delete(places).where(places.c.user == name, places.c.address == place))
    connection.execute(delete(places).where(places.c.last_us < now_us - kept_us))
    connection.execute(insert(places).values(user=name, address=place, last_us=now_us))
    newest = select(places.c.address).where(places.c.user == name).order_by(places.c.last_us.desc())
    kept = list(connection.execute(newest).scalars())[:KEPT_PLACES]
    connection.execute(delete(places).where(places.c.user == name, places.c.address.not_in(kept)))


def undone(connection: Connection, made: Try, now_us: int) -> None:
    """A try whose password was never looked at, because too many waited, counts nothing."""
    mine = tries.c.key.in_(made.keys) & (tries.c.last_us == now_us)
    connection.execute(update(tries).where(mine).values(failed=tries.c.failed - 1, until_us=0))


def unlock(connection: Connection, name: str) -> None:
    """Nothing counts against a name any more, wherever it was tried from."""
    here = connection.execute(select(places.c.address).where(places.c.user == name)).scalars()
    keys = [_key("name", name), *(_key("pair", name, place) for place in here)]
    connection.execute(delete(tries).where(tries.c.key.in_(keys)))


def _key(kind: str, *parts: str) -> str:
    """Hashed: what is typed as a name may be a password."""
    return f"{kind}:{sha256(chr(0).join(parts))}"


def _forget_oldest(connection: Connection) -> None:
    count = connection.execute(select(func.count()).select_from(tries)).scalar_one()
    if count > KEPT:
        oldest = select(tries.c.key).order_by(tries.c.last_us).limit(count - KEPT)
        connection.execute(delete(tries).where(tries.c.key.in_(oldest.scalar_subquery())))


class Throttle:
    """At most so many requests of one place in a while, counted in memory, before anything is looked up for them.

    burst may come at once, and then one every `every_s`.
    """

    def __init__(self, burst: int = 30, every_s: float = 2.0, kept: int = KEPT) -> None:
        self._burst, self._every_s, self._kept = burst, every_s, kept
        self._full_at_s: OrderedDict[str, float] = OrderedDict()

    def check(self, address: str, now_s: float) -> None:
        """Raises LockedOut for a place that asked too often."""
        wait_s = self._full_at_s.get(place_of(address), 0.0) - now_s - (self._burst - 1) * self._every_s
        if wait_s > 0:
            raise LockedOut(wait_s)

    def count(self, address: str, now_s: float) -> None:
        """One request of a place."""
        place = place_of(address)
        self._full_at_s[place] = max(now_s, self._full_at_s.pop(place, 0.0)) + self._every_s
        while len(self._full_at_s) > self._kept:
            self._full_at_s.popitem(last=False)

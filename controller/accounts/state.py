"""The state of users and tokens as a number and a hash, which the audit vouches for at every change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from controller.accounts.errors import AccountsAltered
from controller.accounts.tables import accounts_state, tokens, users
from controller.journal import canonical

ROW = 1


@dataclass(frozen=True, slots=True)
class State:
    """How often users and tokens were changed, and the SHA-256 of what they are now."""

    version: int
    sha256: str

    @property
    def data(self) -> dict[str, Any]:
        """As it stands in a record."""
        return asdict(self)


NOTHING = {"version": 0}


def state_of(connection: Connection) -> State:
    """What the tables hold; whoever writes next waits until this transaction is over."""
    locked = select(accounts_state.c.version).where(accounts_state.c.id == ROW).with_for_update()
    version = connection.execute(locked).scalar_one_or_none()
    if version is None:
        connection.execute(insert(accounts_state).values(id=ROW, version=0, latest_us=0))
        version = 0
    return State(version, _sha256(connection))


def counted_on(connection: Connection, before: State, now_us: int) -> State:
    """The state after a change that began from `before`; the tables hold its number from now on."""
    values = {"version": before.version + 1, "latest_us": max(latest_us(connection), now_us)}
    connection.execute(update(accounts_state).where(accounts_state.c.id == ROW).values(values))
    return State(before.version + 1, _sha256(connection))


def latest_us(connection: Connection) -> int:
    """The latest time that these tables know to have been."""
    return connection.execute(select(func.max(accounts_state.c.latest_us))).scalar_one() or 0


def vouched(found: State, last: Mapping[str, Any] | None) -> bool:
    """Whether the latest record vouches for what the tables hold; False if only its own change is missing in them.

    That is what a crash between the record and the tables leaves. Raises AccountsAltered for anything else.
    """
    if last is None:
        if found.version == 0:
            return True
        raise AccountsAltered("there are users, but the audit knows of none: the journal belongs to another store")
    if (last["version"], last["sha256"]) == (found.version, found.sha256):
        return True
    before = last.get("before")
    if before is not None and (before["version"], before["sha256"]) == (found.version, found.sha256):
        return False
    if found.version < last["version"]:
        words = f"they are as they were {last['version'] - found.version} changes ago: an older copy was restored"
    else:
        words = "they were changed by other means than this program"
    raise AccountsAltered(f"users and tokens are not what the audit says: {words}; `pressline users accept` takes them")


def _sha256(connection: Connection) -> str:
    kept = [
        [list(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
        for table in (users, tokens)
    ]
    return hashlib.sha256(canonical(kept).encode()).hexdigest()

"""What the API is given: everything that it needs, and nothing that it finds by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from starlette.requests import HTTPConnection

from controller.accounts import Accounts, OpenId
from controller.api.backups import Backups
from controller.api.begun import Begun
from controller.api.idempotency.keys import Keys
from controller.api.limits import Limits
from controller.api.records import Records
from controller.api.stream.hub import Hub
from controller.api.workers import Workers
from controller.historian import StoredTag, Trend
from controller.place import Place
from controller.service.service import LineService
from controller.store.recipes import RecipeStore
from recipes.plan import UnitCapability


@dataclass(frozen=True, slots=True)
class RecipeDesk:
    """Stored recipes with the line that they are planned on. place is the store that holds them."""

    store: RecipeStore
    place: Place
    line: str
    capabilities: Sequence[UnitCapability]


class TrendSource(Protocol):
    """Who has trends: the historian, or what stands for it while it is begun anew. Raises DatabaseUnusable."""

    async def tags(self) -> list[StoredTag]:
        """Every tag that was recorded."""
        ...

    async def trend(self, tag: str, from_us: int, to_us: int, points: int) -> Trend:
        """One tag from from_us up to to_us (UTC microseconds). Raises TagUnknown, RangeRefused."""
        ...

    async def stored(self) -> tuple[str, str]:
        """Stores what waits, and says where another process reads it: the database's URL and the line's name there."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The service as the API sees it.

    trends is None where there is no historian, openid where people come in with passwords only. configuration is what
    may be shown of it: no secret is in it. ready says in words what keeps the service from its work (nothing: it is
    ready). allowed_origins are further origins whose pages may ask; hosts are the names that the service is called by,
    empty for any (a name that a browser was made to resolve to this computer then passes; the configuration should give
    them). unexpected is told of faults of ours. begun has the commands that are carried out; whoever gives it waits for
    it when the service ends.
    """

    line: LineService
    people: Accounts
    records: Records
    recipes: RecipeDesk
    trends: TrendSource | None
    keys: Keys
    hub: Hub
    workers: Workers
    configuration: Mapping[str, Any]
    ready: Callable[[], Sequence[str]]
    utc: Callable[[], str]
    unexpected: Callable[[str, BaseException], None]
    begun: Begun
    openid: OpenId | None = None
    backups: Backups | None = None
    allowed_origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    tls: bool = False
    limits: Limits = field(default_factory=Limits)


def parts_of(connection: HTTPConnection) -> Parts:
    """Those of the app that got the request."""
    return cast("Parts", connection.app.state.parts)

"""The composition root of `pressline up`: store, people, the hosted line, trends, telemetry, pages, in one process.

They begin in this order: what cannot be used is told before any machine is touched, and pages open when the line can be
asked. They end in the opposite order. Pages, trends and telemetry may die and come back; the runs do not notice.

ServeRefused     the service does not start as things stand; the message says what to change
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from controller.accounts import TABLES as ACCOUNT_TABLES
from controller.accounts import Accounts, WayIn, listening_allowed
from controller.accounts.model import Limits as AccountLimits
from controller.accounts.tls import TlsFiles, load_tls
from controller.api import Hub, Keys, Limits, Parts, RecipeDesk, Records, Workers, create_app, topics_of
from controller.api.idempotency import TABLES as KEY_TABLES
from controller.api.server import server
from controller.app import line_in_use, remote_truth
from controller.config import LineConfig
from controller.database import Database, open_database
from controller.events import EventStream
from controller.historian import Historian
from controller.journal import Journal, SqliteJournal
from controller.line import capability, unit_profile
from controller.people import RemoteOperator
from controller.service import Leave, LineService, ServiceSettings, line_service
from controller.service_config import StoreConfig, WebConfig
from controller.serving.logs import Log
from controller.serving.outlets import Around, Telemetry, Trends
from controller.serving.own_conditions import logged
from controller.serving.plans import StoredPlans
from controller.serving.reloading import Reloading
from controller.serving.shown import configuration
from controller.serving.signals import Signals
from controller.serving.web import Web, listen, origin_of
from controller.store.recipes import RecipeStore
from controller.vitals.background import Health, background
from controller.vitals.deaths import Restart, conditions_in
from controller.vitals.service_manager import service_manager
from controller.vitals.watch import SelfWatch, self_watched

ANSWERS_WITHIN_S = 10.0
"""Loop seconds within which the pages have to be there after everything else is (engineering judgement)."""
AGAIN = Restart(times=None)
RECIPES = "recipes.sqlite"
THIS_COMPUTER = ("127.0.0.1", "localhost", "::1")


class ServeRefused(Exception):
    """The service does not start. Retryable when what the message names is changed."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of records: UTC as a moment, as text, and in microseconds."""

    now: Callable[[], datetime]
    text: Callable[[], str]

    def us(self) -> int:
        """UTC microseconds."""
        return round(self.now().timestamp() * 1e6)


@dataclass(frozen=True, slots=True)
class Started:
    """What whoever started the service is told: where the pages are, and at the first start a one-time way in."""

    origin: str
    way_in: WayIn | None


@dataclass(frozen=True, slots=True)
class _Base:
    """What stands before the line is touched."""

    config: LineConfig
    clock: Clock
    log: Log
    journal: Journal
    health: Health
    database: Database
    accounts: Accounts
    tls: TlsFiles | None
    watch: SelfWatch


async def serve(
    config: LineConfig,
    clock: Clock,
    log: Log,
    announce: Callable[[Started], None],
    simulation: Mapping[str, Any] | None,
) -> None:
    """Serves a line until a signal ends it. `simulation` is what a record says of simulated machines.

    Raises ServeRefused, ConfigError, SecretUnusable, TlsUnusable, ListeningRefused, CannotListen, LineTaken,
    JournalError, DatabaseUnusable or AccountsError where it cannot start, and TaskDied where it cannot go on.
    """
    about = log.about("service")
    async with AsyncExitStack() as stack:
        stack.callback(log.take_over())
        base = await stack.enter_async_context(_standing(config, clock, log))
        web_config = config.service.service
        listening_allowed(web_config.host, tls=base.tls is not None, has_users=await base.accounts.has_users())
        listening = listen(web_config.host, web_config.port)
        stack.callback(listening.close)
        line = stack.enter_context(line_in_use(config, clock.text(), None, about.warning))
        service = await stack.enter_async_context(
            line_service(line, base.journal, _settings(config, clock, simulation), base.health)
        )
        reloading = Reloading(config, service, log, clock.now, base.tls)
        signals = stack.enter_context(Signals(reloading.asked, lambda: _left(base.journal, about)))
        around = Around(config.name, service, lambda: reloading.config, clock.us)
        reloading.outlets(trends := Trends(around), telemetry := Telemetry(around))
        tasks = await stack.enter_async_context(background(conditions_in(base.journal), base.health))
        tasks.start("the log of conditions", partial(logged, base.journal.stream, about), AGAIN, condition="log")
        hub = Hub(lambda: topics_of(service), clock.text)
        workers = Workers(Limits().blocking, Limits().waiting)
        stack.callback(workers.close)
        parts = _parts(base, service, hub, workers, trends, signals)
        context = None if base.tls is None else reloading.context
        app = create_app(parts)
        web = Web(lambda: server(app, parts.limits, tls=context), listening)
        tasks.start("trends", trends.run, AGAIN, condition="trends")
        tasks.start("telemetry", telemetry.run, AGAIN, condition="telemetry")
        tasks.start("the stream of the pages", hub.run, AGAIN, condition="stream")
        tasks.start("the pages", web.serve, AGAIN, condition="pages")
        reloading.start(tasks)
        await _answering(web)
        origin = origin_of(listening, tls=base.tls is not None)
        base.journal.note("line", "service.started", {"version": version("pressline"), "origin": origin})
        base.watch.ready()
        about.info("ready", origin=origin, line=config.name, units=len(config.units))
        announce(Started(origin, await base.accounts.first_way_in()))
        await signals.wanted()
        await _end(service, hub, signals, config, about)


@asynccontextmanager
async def _standing(config: LineConfig, clock: Clock, log: Log) -> AsyncIterator[_Base]:
    """Store, watch over itself and people; secrets and certificates are looked at before anything is opened."""
    web, store = config.service.service, config.service.store
    url = store.whole_url()
    tls = None if web.certificate is None or web.key is None else load_tls(web.certificate, web.key, clock.now())
    if tls is not None and tls.ends_soon(clock.now()):
        log.about("service").warning("the certificate ends soon", certificate=str(tls.certificate), ends=str(tls.ends))
    async with AsyncExitStack() as stack:
        journal = _journal(store, url, clock)
        stack.push_async_callback(journal.close)
        health = Health()
        watched = self_watched(journal, health, service_manager(), speed=config.speed)
        watch = await stack.enter_async_context(watched)
        database = open_database(url, [*ACCOUNT_TABLES, *KEY_TABLES])
        stack.callback(database.close)
        limits = AccountLimits(
            idle=timedelta(minutes=web.session_idle_min), absolute=timedelta(hours=web.session_max_h)
        )
        accounts = await Accounts.open(database, journal, clock.text, limits=limits)
        stack.push_async_callback(accounts.close)
        yield _Base(config, clock, log, journal, health, database, accounts, tls, watch)


def _journal(store: StoreConfig, url: str, clock: Clock) -> Journal:
    """Raises JournalError, and ServeRefused for a folder that cannot be made."""
    if store.file is not None:
        return SqliteJournal(EventStream(), clock.text, store.file)
    from controller.journal.postgres import PostgresJournal

    try:
        store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ServeRefused(f"store.folder: {store.folder} cannot be made ({error.strerror})") from error
    return PostgresJournal(EventStream(), clock.text, url, store.folder)


def recipes_file(store: StoreConfig) -> Path:
    """Where stored recipes are: in the store, or beside what a PostgreSQL store keeps in its folder."""
    return store.folder / RECIPES if store.file is None else store.file


def _settings(config: LineConfig, clock: Clock, simulation: Mapping[str, Any] | None) -> ServiceSettings:
    operator = None if config.operator_url is None else RemoteOperator(config.operator_url)
    told = simulation if simulation is not None or operator is None else {"operator": config.operator_url}
    units = [capability(unit.name, unit_profile(unit)) for unit in config.units.values()]
    return ServiceSettings(
        config.name,
        lambda: f"{clock.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        plans=StoredPlans(recipes_file(config.service.store), units),
        simulation=told,
        operator=operator,
        truth=None if operator is None else remote_truth(operator),
        people=config.service.people.at_once,
        speed=config.speed,
        leave=Leave(config.service.service.at_stop),
    )


def _parts(base: _Base, service: LineService, hub: Hub, workers: Workers, trends: Trends, signals: Signals) -> Parts:
    config, clock = base.config, base.clock
    about = base.log.about("api")
    store = recipes_file(config.service.store)

    def reasons() -> list[str]:
        ending = [f"the service ends ({signals.name})"] if signals.name else []
        broken = [] if base.journal.broken is None else [base.journal.broken]
        return [*ending, *broken, *base.health.faults]

    return Parts(
        line=service,
        people=base.accounts,
        records=Records(base.journal, workers),
        recipes=RecipeDesk(
            RecipeStore(store, clock.text),
            store,
            config.name,
            [capability(unit.name, unit_profile(unit)) for unit in config.units.values()],
        ),
        trends=cast("Historian", trends),  # the historian of now, whichever it is
        keys=Keys(base.database, clock.us),
        hub=hub,
        workers=workers,
        configuration=configuration(config),
        ready=reasons,
        utc=clock.text,
        unexpected=lambda what, error: about.error("a fault of the program", request=what, exc_info=error),
        allowed_origins=config.service.service.origins,
        tls=base.tls is not None,
        limits=Limits(),
        hosts=own_names(config.service.service),
    )


def own_names(web: WebConfig) -> tuple[str, ...]:
    """The names that requests may call the service by; none for any, where a certificate proves the name.

    Without TLS it listens on this computer only, and a page of another site could have its own name lead here.
    """
    if web.certificate is not None:
        return ()
    origins = (urlsplit(origin).hostname for origin in web.origins)
    return tuple(dict.fromkeys((*THIS_COMPUTER, web.host, *(name for name in origins if name is not None))))


async def _answering(web: Web) -> None:
    """Returns when the pages can be asked. Raises ServeRefused where they are not there in time."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            while not web.is_serving:  # noqa: ASYNC110  uvicorn tells nobody
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise ServeRefused("the pages did not begin to answer; the log says why") from None


async def _end(service: LineService, hub: Hub, signals: Signals, config: LineConfig, about: Any) -> None:
    """Nothing new is begun; what becomes of the runs is said, and done while the pages can still be asked."""
    leave = Leave(config.service.service.at_stop)
    open_runs = [run.name for run in service.runs() if run.is_open]
    words = {
        Leave.HOLD: "runs are held and left open for the next start; their machines are made safe",
        Leave.STOP: "runs are stopped, and waited for until their machines are at rest",
    }[leave]
    about.warning(f"ending: {words if open_runs else 'no run is open'}", signal=signals.name, runs=open_runs)
    await service.shut_down(leave, f"told to end by {signals.name}", "pressline")
    hub.end()


def _left(journal: Journal, about: Any) -> None:
    words = "told to end again: left at once; a machine that works is brought down by its own controller; look at it"
    journal.note("line", "service.left", {"message": words})
    about.error(words)

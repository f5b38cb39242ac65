"""The composition root of `pressline up`: store, people, the hosted line, trends, telemetry, pages, in one process.

They begin in this order: what cannot be used is told before any machine is touched, and pages open when the line can be
asked. The line ends first, while trends, telemetry and pages still see what its machines do, and the store last. Pages,
trends and telemetry may die and come back; the runs do not notice.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from controller.accounts import WayIn, listening_allowed
from controller.api import (
    BackupPlace,
    Backups,
    Begun,
    Hub,
    Keys,
    Limits,
    Parts,
    RecipeDesk,
    Records,
    Workers,
    create_app,
    topics_of,
)
from controller.api.server import server
from controller.app import line_in_use, remote_truth
from controller.config import LineConfig
from controller.journal import Journal
from controller.line import capability, unit_profile
from controller.people import RemoteOperator
from controller.place import Place
from controller.service import Leave, LineService, ServiceSettings, line_service
from controller.service_config import StoreConfig, WebConfig
from controller.serving.base import Base, Clock, ServeRefused, standing
from controller.serving.logs import Log
from controller.serving.outlets import Around, Telemetry, Trends
from controller.serving.own_conditions import logged
from controller.serving.plans import StoredPlans
from controller.serving.plant import Plant
from controller.serving.reloading import Reloading
from controller.serving.shown import configuration
from controller.serving.signals import Signals
from controller.serving.web import Web, listen, origin_of
from controller.store.recipes import RecipeStore
from controller.vitals.background import background
from controller.vitals.deaths import Restart, conditions_in

ANSWERS_WITHIN_S = 10.0
"""Seconds within which the pages have to be there after everything else is (engineering judgement)."""
AGAIN = Restart(times=None)
BACKUPS = "backups"
THIS_COMPUTER = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Started:
    """What whoever started the service is told: where the pages are, and at the first start a one-time way in."""

    origin: str
    way_in: WayIn | None


async def serve(
    config: LineConfig,
    clock: Clock,
    log: Log,
    announce: Callable[[Started], None],
    simulation: Mapping[str, Any] | None,
) -> None:
    """Serves a line until a signal ends it. `simulation` is what a record says of simulated machines.

    Raises ServeRefused, ConfigError, SecretUnusable, OpenIdUnusable, TlsUnusable, ListeningRefused, CannotListen,
    LineTaken, JournalError, DatabaseUnusable or AccountsError where it cannot start, and TaskDied where it cannot go
    on.
    """
    about = log.about("service")
    gc.collect()  # now, while no machine waits: with all that is imported it takes a tenth of a second
    async with AsyncExitStack() as stack:
        stack.callback(log.take_over())
        base = await stack.enter_async_context(standing(config, clock, log))
        web_config = config.service.service
        listening_allowed(web_config.host, tls=base.tls is not None, has_users=await base.accounts.has_users())
        listening = listen(web_config.host, web_config.port)
        stack.callback(listening.close)
        line = stack.enter_context(line_in_use(config, clock.text(), None, about.warning))
        reloading = Reloading(config, base.journal, log, clock.now, base.tls)
        signals = stack.enter_context(Signals(reloading.asked, lambda: _left(base.journal, about)))
        workers = Workers(Limits().blocking, Limits().waiting)
        stack.push_async_callback(asyncio.to_thread, workers.close)  # it waits; machines are still beaten to
        backups = Backups(_backup_place(config.service.store), workers, clock.text)
        stack.push_async_callback(backups.close)
        tasks = await stack.enter_async_context(background(conditions_in(base.journal), base.health))
        tasks.start("the log of conditions", partial(logged, base.journal.stream, about), AGAIN, condition="log")
        service = await stack.enter_async_context(
            line_service(line, base.journal, _settings(config, clock, simulation, base.recipes), base.health)
        )
        begun = Begun(
            lambda what, error: log.about("api").error("a fault of the program", request=what, exc_info=error)
        )
        stack.push_async_callback(begun.settled)
        around = Around(config.name, service, lambda: reloading.config, clock.us, config.speed)
        plant = Plant(around, base.journal)
        trends, telemetry = Trends(around, plant.copied_block), Telemetry(around)
        reloading.concerns(service, trends, telemetry, plant)
        hub = Hub(lambda: topics_of(service), clock.text)
        parts = _parts(base, service, hub, workers, trends, signals, begun, backups)
        context = None if base.tls is None else reloading.context
        app = create_app(parts)
        app.state.registry.register(plant)
        web = Web(lambda: server(app, parts.limits, tls=context), listening)
        tasks.start("trends", trends.run, AGAIN, condition="trends")
        tasks.start("telemetry", telemetry.run, AGAIN, condition="telemetry")
        tasks.start("the plant", plant.run, AGAIN, condition="plant")
        tasks.start("the stream of the pages", hub.run, AGAIN, condition="stream")
        tasks.start("the pages", web.serve, AGAIN, condition="pages")
        tasks.run_to_its_end("the check of the journal", base.journal.keep_checking, AGAIN, condition="journal_check")
        reloading.start(tasks)
        await _answering(web, config.speed)
        origin = origin_of(listening, tls=base.tls is not None)
        base.journal.note("line", "service.started", {"version": version("pressline"), "origin": origin})
        gc.freeze()  # what is there now stays as long as the service: no collection looks through it again
        base.watch.ready()
        about.info("ready", origin=origin, line=config.name, units=len(config.units))
        announce(Started(origin, await base.accounts.first_way_in()))
        await signals.wanted()
        await _end(service, hub, signals, config, about)


def _settings(
    config: LineConfig, clock: Clock, simulation: Mapping[str, Any] | None, recipes: Place
) -> ServiceSettings:
    operator = None if config.operator_url is None else RemoteOperator(config.operator_url)
    told = simulation if simulation is not None or operator is None else {"operator": config.operator_url}
    units = [capability(unit.name, unit_profile(unit)) for unit in config.units.values()]
    return ServiceSettings(
        config.name,
        lambda: f"{clock.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        plans=StoredPlans(recipes, units),
        simulation=told,
        operator=operator,
        truth=None if operator is None else remote_truth(operator),
        people=config.service.people.at_once,
        speed=config.speed,
        leave=Leave(config.service.service.at_stop),
    )


def _parts(
    base: Base,
    service: LineService,
    hub: Hub,
    workers: Workers,
    trends: Trends,
    signals: Signals,
    begun: Begun,
    backups: Backups,
) -> Parts:
    config, clock = base.config, base.clock
    about = base.log.about("api")

    def reasons() -> list[str]:
        ending = [f"the service ends ({signals.name})"] if signals.name else []
        return [*ending, *base.journal.faults, *base.health.faults]

    return Parts(
        line=service,
        people=base.accounts,
        openid=base.openid,
        records=Records(base.journal, workers),
        recipes=RecipeDesk(
            RecipeStore(base.recipes, clock.text),
            base.recipes,
            config.name,
            [capability(unit.name, unit_profile(unit)) for unit in config.units.values()],
        ),
        trends=trends,
        keys=Keys(base.database, clock.us),
        hub=hub,
        workers=workers,
        configuration=configuration(config),
        ready=reasons,
        utc=clock.text,
        unexpected=lambda what, error: about.error("a fault of the program", request=what, exc_info=error),
        begun=begun,
        backups=backups,
        allowed_origins=config.service.service.origins,
        tls=base.tls is not None,
        limits=Limits(),
        hosts=own_names(config.service.service),
    )


def _backup_place(store: StoreConfig) -> BackupPlace:
    """Backups lie beside the store: a copy elsewhere is for whoever looks after the computer."""
    if store.file is not None:
        return BackupPlace(str(store.file), store.file.absolute().parent / BACKUPS)
    return BackupPlace(store.whole_url(), store.folder / BACKUPS, store.folder)


def own_names(web: WebConfig) -> tuple[str, ...]:
    """The names that requests may call the service by; none for any, where a certificate proves the name.

    Without TLS it listens on this computer only, and a page of another site could have its own name lead here.
    """
    if web.certificate is not None:
        return ()
    origins = (urlsplit(origin).hostname for origin in web.origins)
    return tuple(dict.fromkeys((*THIS_COMPUTER, web.host, *(name for name in origins if name is not None))))


async def _answering(web: Web, speed: float) -> None:
    """Returns when the pages can be asked. Raises ServeRefused where they are not there in time.

    They begin no faster where a simulated line's clock runs `speed` times as fast.
    """
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S * speed):
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

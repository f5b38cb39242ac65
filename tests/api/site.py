"""The API over a hosted line in memory, with real accounts and a real store: the stage of the tests of the API."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from argon2.profiles import CHEAPEST
from fastapi import FastAPI

from controller.accounts import TABLES as ACCOUNT_TABLES
from controller.accounts import Accounts, Passwords
from controller.api import (
    BackupPlace,
    Backups,
    Begun,
    Hub,
    HubLimits,
    Keys,
    Parts,
    RecipeDesk,
    Records,
    Workers,
    create_app,
    topics_of,
)
from controller.api.idempotency import TABLES as KEY_TABLES
from controller.api.server import server
from controller.authority import Actor, Role
from controller.cli.runs import approval_data
from controller.database import Database, open_database
from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import Event, EventStream
from controller.journal import SqliteJournal
from controller.service import LineService, RunOrder, ServiceSettings, line_service
from controller.store.recipes import RecipeStore, approved_plan
from controller.vitals.background import background
from controller.vitals.deaths import EndBlock
from recipes.plan import Plan
from simulators.line import SimulatedLine
from tests.controller.many import CAPABILITIES, PROFILES, plan_of

SMALL = Path(__file__).parents[1] / "controller" / "small.yaml"
PASSWORD = "correct horse battery staple"  # noqa: S105  of a test
PEOPLE = {role: f"{role.value}-1" for role in Role}
ORIGIN = "http://line.example"


class StoredPlans:
    """Approved plans of a store file."""

    def __init__(self, store: Path) -> None:
        self._store = store

    async def approved(self, recipe: str, version: int | None) -> tuple[Plan, Mapping[str, Any]]:
        plan, approval = await asyncio.get_running_loop().run_in_executor(
            None, approved_plan, self._store, recipe, version, CAPABILITIES
        )
        return plan, approval_data(approval)


@dataclass
class Site:
    """Everything that the API stands on. `client` asks as somebody, or as nobody."""

    parts: Parts
    app: FastAPI
    service: LineService
    accounts: Accounts
    database: Database
    plan: Plan
    faults: list[BaseException]
    tokens: dict[Role, str] = field(default_factory=dict)

    def client(self, role: Role | None = None, **headers: str) -> httpx.AsyncClient:
        """A program with a role's token, or without one. What fails in the service fails the test."""
        given = {"Authorization": f"Bearer {self.tokens[role]}"} if role is not None else {}
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=given | headers)

    async def page(self, role: Role | None, name: str = "") -> httpx.AsyncClient:
        """Somebody at a page: a person signs and manages users, a token never does."""
        if role is None:
            return self.client()
        session = await self.accounts.sign_in(name or PEOPLE[role], PASSWORD, "10.0.0.7")
        return self.client(None, **{"Cookie": f"pressline_session={session.token}", "X-CSRF-Token": session.csrf})

    async def run(self) -> str:
        """Starts a run of the small recipe, beside the API."""
        return await self.service.start_run(RunOrder(plan=self.plan), by=Actor("Ada", Role.OPERATOR))


@asynccontextmanager
async def site(folder: Path, **changes: Any) -> AsyncIterator[Site]:
    """A line that is connected, one person of each role, and the API on them."""
    loop = asyncio.get_running_loop()
    numbers = itertools.count(1)
    store = folder / "store.sqlite"
    simulated = SimulatedLine(seed=1, clock=loop.time, units=PROFILES, people=4)
    journal = SqliteJournal(EventStream(), lambda: virtual_utc(loop.time()), store)
    line = memory_line(simulated)
    settings = ServiceSettings(
        "pilot line",
        lambda: f"run-{next(numbers)}",
        plans=StoredPlans(store),
        simulation={"scenario": "nominal", "seed": 1},
        operator=SimulatedPerson(simulated) if changes.pop("has_operator", True) else None,
        people=2,
    )
    faults: list[BaseException] = []
    hub_limits = changes.pop("hub_limits", HubLimits())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(journal.close)
        database = open_database(f"sqlite:///{folder / 'accounts.sqlite'}", [*ACCOUNT_TABLES, *KEY_TABLES])
        stack.callback(database.close)
        accounts = await Accounts.open(database, journal, journal.now, passwords=Passwords(CHEAPEST))
        stack.push_async_callback(accounts.close)
        service = await stack.enter_async_context(line_service(line, journal, settings))
        while line.allocation.absent:  # noqa: ASYNC110  as somebody would who looks
            await asyncio.sleep(0.01)
        begun = Begun(lambda _, error: faults.append(error))
        stack.push_async_callback(begun.settled)
        workers = Workers(2, 16)
        stack.callback(workers.close)
        backups = Backups(BackupPlace(str(store), folder / "backups"), workers, journal.now)
        stack.push_async_callback(backups.close)
        hub = Hub(lambda: topics_of(service), journal.now, hub_limits)
        parts = Parts(
            line=service,
            people=accounts,
            records=Records(journal, workers),
            recipes=RecipeDesk(RecipeStore(store, journal.now), store, "pilot line", CAPABILITIES),
            trends=None,
            keys=Keys(database, lambda: round(loop.time() * 1e6)),
            hub=hub,
            workers=workers,
            configuration={"line": {"name": "pilot line"}, "mqtt": {"password": "(from a file)"}},
            ready=list,
            utc=journal.now,
            unexpected=lambda _, error: faults.append(error),
            begun=begun,
            backups=backups,
        )
        parts = replace(parts, **changes)
        tasks = await stack.enter_async_context(background(lambda *_: None))
        tasks.start("the stream", hub.run, EndBlock(), condition="stream")
        stack.callback(hub.end)
        made = Site(parts, create_app(parts), service, accounts, database, plan_of(SMALL), faults)
        await _people(made)
        yield made
        assert faults == []


async def _people(made: Site) -> None:
    way_in = await made.accounts.first_way_in()
    assert way_in is not None
    session = await made.accounts.use_way_in(way_in.token, PASSWORD, "10.0.0.1")
    for role, name in PEOPLE.items():
        await made.accounts.users.add(name, role.value, by=session.actor)
        given = await made.accounts.users.way_in(name, by=session.actor)
        own = await made.accounts.use_way_in(given.token, PASSWORD, "10.0.0.1")
        token = await made.accounts.make_token("tests", role.value, timedelta(days=1), by=own.actor)
        made.tokens[role] = token.token


def events_of(site: Site, kind: str) -> list[Event]:
    return [event for event in site.service.journal.events() if event.kind == kind]


@asynccontextmanager
async def served(made: Site) -> AsyncIterator[str]:
    """The API on a real socket of loopback; its address, as HOST:PORT."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    http = server(made.app, made.parts.limits)
    task = asyncio.create_task(http.serve([listening]))
    try:
        while not http.started:  # noqa: ASYNC110  uvicorn tells nobody
            await asyncio.sleep(0.005)
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        made.parts.hub.end()
        http.should_exit = True
        await task
        listening.close()

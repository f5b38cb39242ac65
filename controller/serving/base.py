"""What stands before the line is touched: store, watch over itself, people; and what it is made of.

ServeRefused     the service does not start as things stand; the message says what to change
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.accounts import TABLES as ACCOUNT_TABLES
from controller.accounts import Accounts, OpenId
from controller.accounts.model import Limits as AccountLimits
from controller.accounts.tls import TlsFiles, load_tls
from controller.api.idempotency import TABLES as KEY_TABLES
from controller.config import LineConfig
from controller.database import Database, database_opened
from controller.events import EventStream
from controller.journal import SqliteJournal, StoredJournal
from controller.place import Place, place_of
from controller.service_config import StoreConfig
from controller.serving.folder import FolderOpen, close_files, look_at_folder, made_own
from controller.serving.logs import Log
from controller.serving.people import openid_settings
from controller.vitals.background import Health
from controller.vitals.service_manager import service_manager
from controller.vitals.watch import SelfWatch, self_watched


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
class Base:
    """What stands before the line is touched. recipes is where they are stored: in the store, whichever it is."""

    config: LineConfig
    clock: Clock
    log: Log
    journal: StoredJournal
    health: Health
    database: Database
    accounts: Accounts
    openid: OpenId | None
    tls: TlsFiles | None
    watch: SelfWatch
    recipes: Place


@asynccontextmanager
async def standing(config: LineConfig, clock: Clock, log: Log) -> AsyncIterator[Base]:
    """Secrets and certificates are looked at before anything is opened; the journal is closed last.

    Raises ServeRefused, SecretUnusable, OpenIdUnusable, TlsUnusable, JournalError, DatabaseUnusable or AccountsError.
    """
    web, store = config.service.service, config.service.store
    about = log.about("service")
    url = store.whole_url()
    if config.service.plant is not None:
        config.service.plant.whole_url()  # what it is nobody needs yet; that it can be had, at once
    tls = None if web.certificate is None or web.key is None else load_tls(web.certificate, web.key, clock.now())
    if tls is not None and tls.ends_soon(clock.now()):
        about.warning("the certificate ends soon", certificate=str(tls.certificate), ends=str(tls.ends))
    look_at_store(store, about.warning)
    async with AsyncExitStack() as stack:
        journal = _journal(store, url, clock)  # it brings the database to this program's schema, after a backup
        stack.push_async_callback(journal.close)
        health = Health()
        watched = self_watched(journal, health, service_manager(), speed=config.speed)
        watch = await stack.enter_async_context(watched)
        database = await stack.enter_async_context(database_opened(url, [*ACCOUNT_TABLES, *KEY_TABLES]))
        limits = AccountLimits(
            idle=timedelta(minutes=web.session_idle_min), absolute=timedelta(hours=web.session_max_h)
        )
        accounts = await Accounts.open(database, journal, clock.text, limits=limits)
        stack.push_async_callback(accounts.close)
        oidc = config.service.people.oidc
        openid = None if oidc is None else accounts.by_openid(openid_settings(oidc))
        yield Base(config, clock, log, journal, health, database, accounts, openid, tls, watch, place_of(url))


def look_at_store(store: StoreConfig, warn: Callable[[str], object]) -> None:
    """Nobody else may change what is kept. Raises ServeRefused."""
    folders = {store.folder} if store.file is None else {store.file.parent, store.folder}
    try:
        made_own(store.folder)
        for folder in folders:
            if folder.is_dir():  # a missing one is told where the store is opened
                look_at_folder(folder, warn)
        if store.file is not None:
            close_files(store.file, warn)
    except FolderOpen as error:
        raise ServeRefused(str(error)) from error
    except OSError as error:
        raise ServeRefused(f"store.folder: {store.folder} cannot be made or looked at ({error.strerror})") from error


def _journal(store: StoreConfig, url: str, clock: Clock) -> StoredJournal:
    """Raises JournalError."""
    if store.file is not None:
        return SqliteJournal(EventStream(), clock.text, store.file)
    from controller.journal.postgres import PostgresJournal

    return PostgresJournal(EventStream(), clock.text, url, store.folder)

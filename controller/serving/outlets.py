"""What may die and come back, or begin anew with other settings, without touching the runs: trends and telemetry.

Each is one task that works as long as it is wanted. When it fails it is told and begun again by its supervisor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from controller.database import Database, DatabaseUnusable, database_opened
from controller.historian import TABLES, ExceptionReport, Historian, HistorianOptions, StoredTag, Trend, recording
from controller.historian.feed import fed
from controller.outbox import Limits
from controller.service import LineService
from controller.service_config import HistorianConfig, MqttConfig, ServiceConfig, SparkplugConfig, StoreConfig
from controller.serving.run_seals import RunSeals
from controller.telemetry.server import Sources, telemetry
from controller.telemetry.settings import Broker, MqttSettings, SparkplugSettings, Tls
from controller.vitals.background import background
from controller.vitals.deaths import Restart, conditions_in

DAY_S, GB, MB = 86_400.0, 1_000_000_000, 1_000_000
MQTT_PORT, MQTTS_PORT = 1883, 8883
NOT_WANTED = "the line file says that no trends are kept"


@dataclass(frozen=True, slots=True)
class Around:
    """What an outlet tells of: config gives the settings of now, utc_us the time of records, speed is the loop's."""

    name: str
    service: LineService
    config: Callable[[], ServiceConfig]
    utc_us: Callable[[], int]
    speed: float = 1.0


class Outlet:
    """Something that works with settings; `renew` begins it anew with those of now."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._again = asyncio.Event()

    def renew(self) -> None:
        """What works ends in order, and begins anew."""
        self._again.set()

    async def run(self) -> None:
        """Works until it is cancelled. Raises what keeps it from working."""
        while True:
            self._again.clear()
            await self.work()

    async def work(self) -> None:
        """Works until `renewed`."""
        raise NotImplementedError

    async def renewed(self) -> None:
        """Returns when it shall begin anew."""
        await self._again.wait()


class Trends(Outlet):
    """The historian of a line, while there is one: what the API asks about trends."""

    def __init__(self, around: Around, copied: Callable[[], int | None] = lambda: None) -> None:
        """copied: see HistorianOptions."""
        super().__init__(around)
        self._copied = copied
        self._historian: Historian | None = None
        self._why_none = "they are being opened"

    async def work(self) -> None:
        config = self._around.config()
        settings = config.historian
        if not settings.enabled:
            self._why_none = NOT_WANTED
            await self.renewed()
            return
        async with database_opened(beside(config.store, "trends"), TABLES) as database:
            await self._record(database, settings)

    async def _record(self, database: Database, settings: HistorianConfig) -> None:
        tell = conditions_in(self._around.service.journal)
        options = HistorianOptions(
            keep_s=None if settings.keep_days is None else settings.keep_days * DAY_S,
            keep_bytes=None if settings.max_gb is None else round(settings.max_gb * GB),
            exceptions={tag: ExceptionReport(band) for tag, band in settings.deadband},
            copied=self._copied,
        )
        around, service = self._around, self._around.service
        recorded = recording(
            database, around.name, utc_us=around.utc_us, tell=tell, options=options, health=service.health
        )
        async with recorded as historian, background(tell, service.health) as tasks:
            folder = sealed_folder(around.config().store)
            seals = RunSeals(historian, service.journal, folder, tell, self._profiles, self._open_since)
            historian.needed_us = seals.needed_us
            with fed(historian, service.line.machines):
                tasks.start("the sealing of trends", seals.run, Restart(times=None), condition="trend_sealing")
                self._historian = historian
                try:
                    await self.renewed()
                finally:
                    self._historian, self._why_none = None, "they are begun anew"

    def _profiles(self) -> dict[str, str]:
        return {name: machine.profile.name for name, machine in self._around.service.line.machines.items()}

    def _open_since(self) -> list[str]:
        return [run.created_utc for run in self._around.service.runs() if run.is_open]

    def _there(self) -> Historian:
        if self._historian is None:
            raise DatabaseUnusable(f"there are no trends now: {self._why_none}")
        return self._historian

    async def tags(self) -> list[StoredTag]:
        """Every tag that was recorded. Raises DatabaseUnusable."""
        return await self._there().tags()

    async def trend(self, tag: str, from_us: int, to_us: int, points: int) -> Trend:
        """See Historian.trend. Raises DatabaseUnusable besides."""
        return await self._there().trend(tag, from_us, to_us, points)

    async def stored(self) -> tuple[str, str]:
        """See Historian.stored. Raises DatabaseUnusable besides."""
        return await self._there().stored()


class Telemetry(Outlet):
    """What is published over MQTT; without settings nothing is."""

    async def work(self) -> None:
        config, service = self._around.config(), self._around.service
        if config.mqtt is None:
            await self.renewed()
            return
        alarms = service.alarms
        sources = Sources(
            service.line.machines,
            service.journal,
            lambda: [*alarms.standing(), *alarms.hidden()],
            self._around.utc_us,
            service.health,
        )
        settings = mqtt_settings(config.mqtt, self._around.name, self._around.speed)
        async with telemetry(settings, beside(config.store, "outbox"), sources):
            await self.renewed()


def mqtt_settings(config: MqttConfig, line: str, speed: float = 1.0) -> MqttSettings:
    """What the telemetry is told of [mqtt]; its password is read now. Raises SecretUnusable."""
    parts = urlsplit(config.url)
    is_tls = parts.scheme == "mqtts"
    where = (config.site, config.area, config.line or line)
    broker = Broker(
        parts.hostname or "",
        parts.port or (MQTTS_PORT if is_tls else MQTT_PORT),
        client_id=config.client_id or "-".join(("pressline", *where)),
        version="3.1.1" if config.version == "3.1.1" else "5",
        tls=Tls(config.ca, config.certificate, config.key) if is_tls else None,
        user=config.user,
        password=None if config.password is None else config.password.read(),
        keep_alive_s=config.keep_alive_s,
        speed=speed,
    )
    plug = config.sparkplug
    return MqttSettings(
        broker,
        *where,
        json=config.json,
        sparkplug=None if plug is None else _sparkplug(plug),
        values_hz=config.live_hz,
        limits=Limits(size=config.outbox_max_mb * MB),
    )


def _sparkplug(config: SparkplugConfig) -> SparkplugSettings:
    return SparkplugSettings(config.group, config.node, config.primary_host or "", config.host_keep_alive_s)


def beside(store: StoreConfig, what: str) -> str:
    """The database that is kept beside an SQLite store; on PostgreSQL it is the same one. Raises SecretUnusable."""
    file = store.file
    return store.whole_url() if file is None else f"sqlite:///{file.with_name(f'{file.stem}-{what}.sqlite').absolute()}"


def sealed_folder(store: StoreConfig) -> Path:
    """Where sealed trends of runs are: beside an SQLite store, or in the folder of one in PostgreSQL."""
    file = store.file
    return store.folder / "runs" if file is None else file.with_name(f"{file.stem}-runs").absolute()

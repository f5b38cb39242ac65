"""SIGHUP: the line file and the certificates are read again, beside the loop, and what is safe is taken over."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from controller.accounts.tls import TlsFiles, TlsUnusable, load_tls
from controller.config import ConfigError, LineConfig, load_line
from controller.journal import Journal
from controller.service import LineService
from controller.service_config import ServiceConfig
from controller.serving.logs import Log
from controller.serving.outlets import Outlet
from controller.serving.reload import Reload, compared
from controller.vitals.background import Background
from controller.vitals.deaths import Restart


class Reloading:
    """Reads again when it is asked. `config` is how the line is served now; `context` is what new connections get."""

    def __init__(
        self, config: LineConfig, journal: Journal, log: Log, now: Callable[[], datetime], tls: TlsFiles | None
    ) -> None:
        self._line, self._journal, self._log, self._now = config, journal, log, now
        self._wanted = asyncio.Event()
        self._service: LineService | None = None
        self._trends: Outlet | None = None
        self._telemetry: Outlet | None = None
        self._plant: Outlet | None = None
        self.context: ssl.SSLContext | None = None if tls is None else tls.context()

    @property
    def config(self) -> ServiceConfig:
        """How the line is served now."""
        return self._line.service

    def concerns(self, service: LineService, trends: Outlet, telemetry: Outlet, plant: Outlet) -> None:
        """What is told of other settings, and what begins anew with them."""
        self._service, self._trends, self._telemetry, self._plant = service, trends, telemetry, plant

    def asked(self) -> None:
        """Somebody wants it read again."""
        self._wanted.set()

    def start(self, tasks: Background) -> None:
        """From now on it is read again when it is asked for; what fails changes nothing."""
        tasks.start("the reading of the line file", self._read_again, Restart(times=None), condition="reload")

    async def _read_again(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            about = self._log.about("reload")
            if (file := self._line.file) is None:
                about.warning("this line has no file to be read again")
                continue
            try:
                new = await asyncio.to_thread(load_line, file)
                tls = await asyncio.to_thread(self._certificate, new)
            except (ConfigError, TlsUnusable) as error:
                about.error("nothing was changed", why=str(error))
                self._journal.note("line", "service.reload_refused", {"message": str(error)})
                continue
            self._take(compared(self._line, new), tls)

    def _certificate(self, new: LineConfig) -> TlsFiles | None:
        """The new files, checked; None without TLS. Raises TlsUnusable."""
        web = new.service.service
        if self.context is None or web.certificate is None or web.key is None:
            return None
        return load_tls(web.certificate, web.key, self._now())

    def _take(self, found: Reload, tls: TlsFiles | None) -> None:
        if self.context is not None and tls is not None:
            self.context.load_cert_chain(tls.certificate, tls.key)
        self._line = replace(self._line, service=found.config)
        self._log.level = found.config.service.log_level
        if self._service is not None:
            self._service.people = found.config.people.at_once
        if found.trends and self._trends is not None:
            self._trends.renew()
        if found.telemetry and self._telemetry is not None:
            self._telemetry.renew()
        if found.plant and self._plant is not None:
            self._plant.renew()
        self._log.about("reload").warning(found.words())
        self._journal.note("line", "service.reloaded", {"taken": list(found.taken), "restart": list(found.waiting)})

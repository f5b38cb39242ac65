"""The outlet that copies the line into the plant's database; what it says of itself there, and its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.journal import StoredJournal
from controller.plant import Copied, Copier
from controller.service import LineService
from controller.service_config import PlantConfig
from controller.serving.outlets import Around, Outlet, beside
from controller.vitals.background import background
from controller.vitals.deaths import Restart, conditions_in

ALARM = ("key", "name", "subject", "priority", "text", "is_unseen", "raised_s_ago")


class Plant(Outlet, Collector):
    """Copies the line as long as its file names a plant. The runs do not notice it, whatever becomes of it."""

    def __init__(self, around: Around, journal: StoredJournal) -> None:
        super().__init__(around)
        self._journal = journal
        self._copier: Copier | None = None

    def copied_block(self) -> int | None:
        """The newest block of trends that the plant is known to have; None where the line is not copied."""
        if self._around.config().plant is None:
            return None
        return 0 if self._copier is None else self._copier.copied_block

    async def work(self) -> None:
        """Copies until it shall begin anew. Raises SecretUnusable."""
        config = self._around.config().plant
        if config is None:
            await self.renewed()
            return
        service = self._around.service
        tell = conditions_in(service.journal)
        self._copier = copier = Copier(self._copied(config), config.whole_url(), tell)
        try:
            async with background(tell, service.health) as tasks:
                again = Restart(times=None)
                tasks.start("the copy for the plant", copier.run, again, condition="plant_copy")
                await self.renewed()
        finally:
            self._copier = None

    def _copied(self, config: PlantConfig) -> Copied:
        journal, around = self._journal, self._around
        return Copied(
            config.line,
            around.name,
            newest=lambda: journal.newest,
            reading=journal.reading,
            trends=self._trends,
            status=lambda: status_of(around.service),
        )

    def _trends(self) -> str | None:
        """Where trends are, once there are any."""
        config = self._around.config()
        if not config.historian.enabled:
            return None
        url = beside(config.store, "trends")
        is_there = config.store.file is None or Path(url.removeprefix("sqlite:///")).is_file()
        return url if is_there else None

    def collect(self) -> Iterable[Metric]:
        """For Prometheus; nothing where the line is not copied."""
        if (copier := self._copier) is None:
            return
        now = copier.progress
        gauges = {
            "pressline_plant_reached": ("1 where the plant's database took the last copy", float(now.is_reached)),
            "pressline_plant_refused": ("1 where the line does not continue its copy", float(bool(now.refused))),
            "pressline_plant_records_behind": ("Records that the plant does not have yet", now.records_behind),
            "pressline_plant_blocks_behind": ("Blocks of trends that the plant does not have yet", now.blocks_behind),
        }
        for name, (words, value) in gauges.items():
            yield GaugeMetricFamily(name, words, value=value)
        lost = "Blocks of trends that went here before the plant had them"
        yield CounterMetricFamily("pressline_plant_blocks_lost", lost, value=now.lost_blocks)


def status_of(service: LineService) -> Mapping[str, Any]:
    """What a line tells the plant of itself: its overview, and its alarms by name."""
    view = asdict(service.overview())
    alarms = [{name: getattr(alarm, name) for name in ALARM} for alarm in service.alarm_list()]
    return {**view, "standing": alarms, "program": version("pressline")}

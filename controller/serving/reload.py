"""A line file read again while the line works: what is taken over at once, and what needs a restart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from controller.config import LineConfig
from controller.line_keys import Table, keys_of
from controller.service_config import SERVICE_TABLES, HistorianConfig, MqttConfig, PlantConfig, ServiceConfig

UNITS = ("name", "units", "speed", "operator_url", "max_out_s", "foil_batches")
WORDS = {"name": "line.name", "speed": "line.speed", "operator_url": "operator.url", "max_out_s": "lots.max_out_h"}


@dataclass(frozen=True, slots=True)
class Reload:
    """What a reading found. `config` is how the line is served from now on; its other parts are as they were."""

    config: ServiceConfig
    taken: tuple[str, ...]
    waiting: tuple[str, ...]
    trends: bool
    telemetry: bool
    plant: bool

    def words(self) -> str:
        """For the log and the journal; values are not shown."""
        taken = f"taken over: {', '.join(self.taken)}" if self.taken else "nothing is different that can be taken over"
        return f"{taken}; needs a restart: {', '.join(self.waiting)}" if self.waiting else taken


def compared(now: LineConfig, new: LineConfig) -> Reload:
    """What of a line file that was read again counts at once."""
    taken: list[str] = []
    waiting = [WORDS.get(name, name) for name in UNITS if getattr(now, name) != getattr(new, name)]
    tables: dict[str, Any] = {}
    for name, table in SERVICE_TABLES.items():
        before, after = getattr(now.service, name), getattr(new.service, name)
        changed = list(_changed(name, table, before, after))
        if table in (HistorianConfig, MqttConfig, PlantConfig):
            tables[name] = after
            taken += changed
            continue
        live = {key for key, (found, _) in keys_of(table).items() if found.live}
        tables[name] = replace(before, **{key: getattr(after, key) for key in live})
        for place in changed:
            (taken if place.partition(".")[2] in live else waiting).append(place)
    config = ServiceConfig(**tables)
    return Reload(
        config,
        tuple(taken),
        tuple(waiting),
        trends=config.historian != now.service.historian,
        telemetry=config.mqtt != now.service.mqtt,
        plant=config.plant != now.service.plant,
    )


def _changed(name: str, table: type[Table], before: Any, after: Any) -> Iterator[str]:
    if before is None or after is None:
        if before is not after:
            yield f"[{name}]"
        return
    for field in fields(table):  # type: ignore[arg-type]  # each table is a dataclass
        if getattr(before, field.name) != getattr(after, field.name):
            yield f"{name}.{field.name}"

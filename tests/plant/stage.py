"""Lines of a plant as whole programs: each with its simulated machines, its store, and its own cables to the plant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from controller.config import LineConfig, line_toml, load_line
from controller.events import Event
from controller.historian.looking import look_at, trends_file
from controller.historian.reading import TrendReader
from controller.journal import read_events
from controller.plant import LineAtPlant, copied_records, fleet
from controller.service_config import MqttConfig, PlantConfig, ServiceConfig, StoreConfig, WebConfig
from tests.controller.historian.stores import bits
from tests.controller.test_processes import program, wait_for
from tests.plant.network import Cable, cables
from tests.ports import free_port
from tests.serving.test_up import LIMIT_S, Up

EVER = (0, 250_000_000_000_000_000)


@dataclass(slots=True)
class PlantLine:
    """One line: its name at the plant, its file and store, and the service while it runs."""

    name: str
    line_file: Path
    store: Path
    cables: Sequence[Cable]
    service: Up

    def cut(self) -> None:
        for cable in self.cables:
            cable.cut()

    def mend(self) -> None:
        for cable in self.cables:
            cable.mend()

    def events(self) -> list[Event]:
        return read_events(self.store)


@contextmanager
def simulated(folder: Path, speed: float) -> Iterator[LineConfig]:
    """The machines of a line, in a process of their own."""
    file = folder / "wires.toml"
    with program("simulate", "--speed", str(speed), "--line", file):
        wait_for(lambda: file.exists() or None, LIMIT_S)
        yield load_line(file)


@contextmanager
def plant_line(
    folder: Path, name: str, wires: LineConfig, units: Sequence[str], ports: tuple[int, int], database: str
) -> Iterator[PlantLine]:
    """A service of these units; ports are those of the plant's PostgreSQL and broker."""
    folder.mkdir(exist_ok=True)
    with cables(*ports) as (postgres, broker):
        site, area, line = name.split("/")
        service = ServiceConfig(
            WebConfig(port=free_port()),
            StoreConfig(url=f"sqlite:///{folder / 'store.sqlite'}", folder=folder),
            mqtt=MqttConfig(url=f"mqtt://127.0.0.1:{broker.port}", site=site, area=area, line=line, keep_alive_s=5),
            plant=PlantConfig(url=f"postgresql://pressline@127.0.0.1:{postgres.port}/{database}", line=name),
        )
        chosen = {unit: config for unit, config in wires.units.items() if not units or unit in units}
        file = folder / "line.toml"
        file.write_text(line_toml(replace(wires, name=line, units=chosen, service=service)), encoding="utf-8")
        up = Up("--line", file)
        try:
            yield PlantLine(name, file, folder / "store.sqlite", (postgres, broker), up)
        finally:
            up.process.kill()
            up.process.wait()


def fleet_of(url: str) -> dict[str, LineAtPlant]:
    """What `pressline fleet` is made from, by line."""
    database = look_at(url)
    try:
        return {line.line: line for line in database.run_now(fleet)}
    finally:
        database.close()


def copied(url: str, line: str) -> tuple[int, str]:
    """The last record that the plant has of a line, and its hash."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT sequence, hash FROM plant_lines WHERE line = %s", (line,)).fetchone()
    return (0, "") if row is None else (row[0], row[1])


def records_at_plant(url: str, line: str) -> list[tuple[int, str]]:
    with copied_records(url, line) as records:
        return [(row[0], row[-1]) for row in records.each(0, 1 << 60)]


def trends_of(url: str, line: str) -> dict[str, list[tuple[int, int, int]]]:
    """Every sample of every tag of a line in a database."""
    database = look_at(url)
    reader = TrendReader(line)

    def every(connection: Any) -> dict[str, list[tuple[int, int, int]]]:
        names = [stored.tag.name for stored in reader.tags(connection)]
        return {name: bits(reader.samples(connection, name, *EVER)) for name in names}

    try:
        return database.run_now(every)
    finally:
        database.close()


def trends_url(store: Path) -> str:
    return f"sqlite:///{trends_file(store)}"


def waited(look: Callable[[], Any]) -> Any:
    return wait_for(look, LIMIT_S)

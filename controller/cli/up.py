"""`pressline up`: a line as a service, from its line file or as a demonstration."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from controller.accounts import AccountsError, ListeningRefused
from controller.accounts.tls import TlsUnusable
from controller.alarms.table import shipped_table
from controller.app import on_clock, simulated_wires
from controller.cli.clock import utc, utc_text
from controller.cli.demo_recipes import shelve
from controller.cli.exit_codes import ExitCode
from controller.cli.runs import known_scenario
from controller.config import ConfigError, LineConfig, load_line
from controller.database import DatabaseAway, DatabaseUnusable
from controller.journal import JournalError, StoreAway, StoreBusy
from controller.line_lock import LineTaken
from controller.line_secrets import SecretUnusable
from controller.service_config import HistorianConfig, MqttConfig, ServiceConfig, StoreConfig, WebConfig
from controller.serving.base import Clock, ServeRefused
from controller.serving.logs import LEVELS, Log
from controller.serving.people import OpenIdUnusable
from controller.serving.served import Started, serve
from controller.serving.web import CannotListen
from controller.telemetry.embedded import BrokerUnusable, embedded_broker
from controller.vitals.deaths import TaskDied
from drivers.errors import ProfileError

OWN_ONLY = 0o077
"""What a store holds is for nobody else's eyes: passwords' hashes, and what a plant makes."""
UNUSABLE = (
    ConfigError,
    ProfileError,
    SecretUnusable,
    OpenIdUnusable,
    TlsUnusable,
    ListeningRefused,
    CannotListen,
    ServeRefused,
    JournalError,
    DatabaseUnusable,
    AccountsError,
    BrokerUnusable,
)
"""Why a service does not start: something has to be mended first, and it is not started again until then."""
AWAY = (DatabaseAway, StoreAway)
"""The server of the store: it may be there soon, as after a power cut; a service manager tries again."""
TAKEN = (LineTaken, StoreBusy)
"""Another program has the line or the store; when that has ended, a service manager's next try comes through."""
CLOCK = Clock(utc, utc_text)
YIELDS_S = 0.001
"""Wall seconds after which a thread that computes (a trend, text) gives the interpreter to the loop that polls.
Python's own 5 ms are more than a poll may be late; the threads lose little by it (engineering judgement)."""
STORE = "pressline.sqlite"
DEMO_DAYS = 7
"""For so long a demonstration keeps its trends (engineering judgement)."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What is asked of `pressline up --demo`."""

    folder: Path
    port: int
    speed: float
    scenario: str
    seed: int
    log_level: str | None


def serve_line_file(line: Path, log_level: str | None) -> ExitCode:
    """Serves the line of a file until it is told to end."""
    try:
        config = load_line(line)
        if log_level is not None:
            config = _at_level(config, log_level)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    os.umask(OWN_ONLY)
    web = config.service.service
    log = Log(web.log_format, web.log_level, utc_text)
    way_in = config.service.store.folder / "way-in"

    async def main() -> None:
        await serve(config, CLOCK, log, lambda started: _announce(started, way_in), None)

    return _ended(lambda: on_loop(main(), config.speed), log)


def serve_demo(options: DemoOptions) -> ExitCode:
    """Serves a simulated line on real sockets, for this computer only, with what may be tried."""
    if not known_scenario(options.scenario):
        return ExitCode.UNUSABLE
    os.umask(OWN_ONLY)
    try:
        options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        print(f"--folder {options.folder}: cannot be made ({error.strerror}); name another one", file=sys.stderr)
        return ExitCode.UNUSABLE
    log = Log("auto", options.log_level or "warning", utc_text)

    async def main() -> None:
        wires = simulated_wires(options.scenario, options.seed, options.speed)
        async with wires as simulated, embedded_broker() as broker_port:
            config = _demo_config(simulated, options, broker_port)
            told = {"scenario": options.scenario, "seed": options.seed}
            recipes = await asyncio.to_thread(shelve, options.folder / STORE, config)
            await serve(config, CLOCK, log, lambda started: _welcome(started, config, options, recipes), told)

    return _ended(lambda: on_loop(main(), options.speed), log)


def _demo_config(simulated: LineConfig, options: DemoOptions, broker_port: int) -> LineConfig:
    store = StoreConfig(url=f"sqlite:///{(options.folder / STORE).absolute()}", folder=options.folder)
    mqtt = MqttConfig(url=f"mqtt://127.0.0.1:{broker_port}", version="3.1.1", site="demo", area="hall", line="line")
    web = WebConfig(port=options.port)
    return replace(simulated, service=ServiceConfig(web, store, HistorianConfig(keep_days=DEMO_DAYS), mqtt))


def _at_level(config: LineConfig, level: str) -> LineConfig:
    if level not in LEVELS:
        raise ConfigError(f"--log-level is {level!r}; expected one of {', '.join(LEVELS)}")
    web = replace(config.service.service, log_level=level)
    return replace(config, service=replace(config.service, service=web))


def on_loop(main: Coroutine[Any, Any, None], speed: float) -> None:
    """Runs to its end: on uvloop, which is on time more closely; a simulated line that is faster on its own loop."""
    if speed != 1.0:
        on_clock(main, speed)
        return
    import uvloop

    shipped_table()  # it is kept; a loop that reads it while machines wait for their heartbeat is late
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(YIELDS_S)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    finally:
        sys.setswitchinterval(before_s)


def _ended(run: Any, log: Log) -> ExitCode:
    about = log.about("service")
    try:
        run()
    except AWAY as error:
        about.error(str(error))
        return ExitCode.UNREACHABLE
    except TAKEN as error:
        about.error(str(error))
        return ExitCode.REFUSED
    except UNUSABLE as error:
        for line in str(error).splitlines():
            about.error(line)
        return ExitCode.UNUSABLE
    except (TaskDied, asyncio.CancelledError) as error:
        about.error(f"the service cannot go on: {error}" if isinstance(error, TaskDied) else "left")
        return ExitCode.REFUSED
    about.info("ended")
    return ExitCode.PASSED


def _announce(started: Started, file: Path) -> None:
    """Where the pages are; a way in goes to a terminal or a pipe, but into no system's log."""
    print(f"pressline serves {started.origin}", flush=True)
    if started.way_in is None:
        with suppress(OSError):
            file.unlink()
        return
    who, ends = started.way_in.user, started.way_in.ends
    if not _is_logged():
        print(
            f"nobody has a password yet; the one-time way in of {who}, until {ends}: {started.way_in.token}", flush=True
        )
        return
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(handle, "w", encoding="utf-8") as written:
            written.write(started.way_in.token + "\n")
    except OSError as error:
        words = "end the service and `pressline users way-in` gives another, or mend store.folder and start it again"
        print(f"the way in of {who} cannot be put into {file.absolute()} ({error.strerror}); {words}", flush=True)
        return
    print(f"nobody has a password yet; the one-time way in of {who}, until {ends}, is in {file.absolute()}", flush=True)


def _is_logged() -> bool:
    """Whether what is printed goes to systemd's journal, which others may read."""
    state = os.fstat(sys.stdout.fileno())
    return os.environ.get("JOURNAL_STREAM") == f"{state.st_dev}:{state.st_ino}"


def _welcome(started: Started, config: LineConfig, options: DemoOptions, recipes: Sequence[str]) -> None:
    origin, faults = started.origin, (config.operator_url or "").replace("tcp://", "http://")
    print(f"a simulated line of {len(config.units)} units, {options.speed:g} times as fast as real")
    print(f"  service        {origin}/api/v1/ (this computer only; its store: {options.folder})")
    broker = config.service.mqtt.url if config.service.mqtt is not None else ""
    print(f"  broker         {broker} (this computer only)")
    print(f"  faults         {faults}/ (a page with which machines can be broken)")
    print(f"  recipes        {', '.join(recipes)} (approved for this line)")
    if started.way_in is not None:
        print(f"  your way in    {started.way_in.token} (once, as {started.way_in.user})")
        print("what to try, in another terminal:")
        way_in = f'{{"way_in": "{started.way_in.token}", "password": "a long sentence of yours"}}'
        print(f"  curl -c jar -H 'Content-Type: application/json' -d '{way_in}' {origin}/api/v1/session/way-in")
    else:
        print("what to try, in another terminal:")
    print(f"  pressline status --url {origin}")
    print(f"  curl {origin}/api/v1/openapi.json")
    print(f"  mosquitto_sub -V 311 -p {broker.rpartition(':')[2]} -t 'demo/#' -v")
    print("Ctrl-C ends it", flush=True)

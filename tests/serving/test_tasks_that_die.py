"""A live service whose tasks die, whose loop stands still, and who is told to end twice: all of it in this process."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from controller.app import simulated_wires
from controller.cli.up import CLOCK
from controller.events import Event
from controller.journal import read_events
from controller.service import LineService
from controller.service_config import HistorianConfig, MqttConfig, ServiceConfig, StoreConfig, WebConfig
from controller.serving.logs import Log
from controller.serving.served import Started, serve
from tests.ports import free_port

LIMIT_S = 20.0
MAY_DIE = {"trends": "trends", "telemetry": "telemetry", "the pages": "pages", "the stream of the pages": "stream"}


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not happened():  # noqa: ASYNC110  what is waited for is in a file, or a task's name
            await asyncio.sleep(0.02)


@asynccontextmanager
async def live(folder: Path) -> AsyncIterator[tuple[asyncio.Task[None], str, Path]]:
    """A service of a simulated line on real wires, where it listens, and its store."""
    store = folder / "store.sqlite"
    async with simulated_wires("nominal", 1, 1.0) as simulated:
        own = ServiceConfig(
            WebConfig(port=free_port()),
            StoreConfig(url=f"sqlite:///{store}", folder=folder),
            HistorianConfig(),
            MqttConfig(url=f"mqtt://127.0.0.1:{free_port()}", site="s", area="a", line="l"),
        )
        told: list[Started] = []
        log = Log("json", "info", CLOCK.text, io.StringIO())
        serving = asyncio.create_task(serve(replace(simulated, service=own), CLOCK, log, told.append, {}))
        try:
            await until(lambda: bool(told) or serving.done())
            assert not serving.done(), serving.result()
            yield serving, told[0].origin, store
        finally:
            serving.cancel()
            await asyncio.wait([serving])


def conditions(store: Path, name: str) -> list[bool]:
    found: list[Event] = [event for event in read_events(store) if event.kind == "condition"]
    return [event.data["active"] for event in found if event.data["name"] == name]


def task(name: str) -> asyncio.Task[None] | None:
    return next((one for one in asyncio.all_tasks() if one.get_name() == name and not one.done()), None)


async def test_what_may_die_is_told_and_begins_again_and_the_line_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.vitals.background.FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr("controller.vitals.background.CALM_AFTER_S", 0.3)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        async with live(tmp_path) as (serving, origin, store), httpx.AsyncClient(trust_env=False) as client:
            before = {name: task(name) for name in MAY_DIE}
            assert None not in before.values()
            assert conditions(store, "trends_died") == conditions(store, "telemetry_died") == []
            for victim in before.values():
                assert victim is not None
                victim.cancel()
            await until(lambda: all(task(name) not in (None, before[name]) for name in MAY_DIE))
            died = [f"{condition}_died" for condition in MAY_DIE.values()]
            await until(lambda: all(conditions(store, one) == [True, False] for one in died))
            ready = await client.get(f"{origin}/health/ready", timeout=LIMIT_S)
            assert ready.json()["ready"]
            assert not serving.done()

            said = heard(manager)
            await until(lambda: b"WATCHDOG=1" in heard(manager))
            assert b"READY=1" in said
            time.sleep(1.3)  # noqa: ASYNC251  the loop stands still, which is what is tried
            await until(lambda: conditions(store, "watchdog_unfed")[:1] == [True])
            await until(lambda: conditions(store, "watchdog_unfed") == [True, False])
            await until(lambda: b"WATCHDOG=1" in heard(manager))
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait([serving], timeout=LIMIT_S)
            assert serving.result() is None
    assert [event.data for event in read_events(store) if event.kind == "service.left"] == []


def heard(manager: socket.socket) -> list[bytes]:
    """Everything that a service manager was told since the last time."""
    told: list[bytes] = []
    while True:
        try:
            told += manager.recv(4096).split(b"\n")
        except BlockingIOError:
            return told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_who_is_told_to_end_again_leaves_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    ending = asyncio.Event()

    async def never(*_: object) -> None:
        ending.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(LineService, "shut_down", never)
    async with live(tmp_path) as (serving, _, store):
        os.kill(os.getpid(), number)
        await asyncio.wait_for(ending.wait(), LIMIT_S)
        assert not serving.done()
        monkeypatch.undo()
        os.kill(os.getpid(), number)
        await asyncio.wait([serving], timeout=LIMIT_S)
        assert serving.cancelled()
    kinds = [event.kind for event in read_events(store)]
    assert kinds.count("service.left") == 1

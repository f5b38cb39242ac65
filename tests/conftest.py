"""What every test gets: a leaked task or thread fails the test that leaked it. And in which order they come."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.postgres import PostgresServer, postgres_server

WALL_TIME = (
    "tests/controller/test_processes.py",  # the longest begin first
    "tests/controller/test_lab.py",
    "tests/controller/test_determinism.py",
    "tests/controller/test_faults_command.py",
    "tests/controller/test_run_told.py",
    "tests/crash/test_killing.py",
    "tests/crash/test_service_killing.py",
    "tests/controller/test_devices",
    "tests/contract/",
    "tests/drivers/",
    "tests/foreign/",
    "tests/plant/test_network_gone.py",
    "tests/plant/test_three_lines.py",
    "tests/serving/test_tasks_that_die.py",
    "tests/serving/test_up",
    "tests/simulators/test_faults_served.py",
    "tests/telemetry/sparkplug/test_broker.py",
    "tests/telemetry/sparkplug/test_packets.py",
    "tests/telemetry/test_broker.py",
    "tests/telemetry/test_embedded.py",
    "tests/telemetry/test_killed.py",
    "tests/telemetry/test_machines.py",
    "tests/telemetry/test_sparkplug_client.py",
    "tests/telemetry/test_telemetry.py",
    "tests/wire/",
)
"""Where tests wait for real time to pass: programs and servers on real wires (`python -m tests` runs them apart)."""


def pytest_configure() -> None:
    """What tests start and interrupt inherits how SIGINT is taken; a shell's background job would ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What only the other part runs is not read: several processes would each do it."""
    part = config.option.markexpr
    if part not in ("wall_time", "not wall_time") or collection_path.is_dir():
        return None
    waits = collection_path.relative_to(config.rootpath).as_posix().startswith(WALL_TIME)
    return True if waits != (part == "wall_time") else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(WALL_TIME):
            item.add_marker("wall_time")
    items.sort(key=lambda item: not item.nodeid.startswith(WALL_TIME[0]))


@pytest.fixture(autouse=True)
async def no_leaked_tasks(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Fails an asynchronous test that leaves a task running behind it."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    leaked = [task for task in asyncio.all_tasks() - before if not task.done() and task is not asyncio.current_task()]
    for task in leaked:
        task.cancel()
    if leaked:
        pytest.fail(f"{request.node.name} leaked tasks: {[task.get_name() for task in leaked]}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, started for the first test that asks for it."""
    with postgres_server() as server:
        yield server

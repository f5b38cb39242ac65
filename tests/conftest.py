"""What every test gets: a leaked task or thread fails the test that leaked it. And in which order they come."""

from __future__ import annotations

import asyncio
import inspect
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.postgres import PostgresServer, postgres_server

WALL_TIME = (
    "tests/controller/test_processes.py",  # the longest begin first
    "tests/controller/test_lab.py",
    "tests/controller/test_determinism.py",
    "tests/controller/test_faults_command.py",
    "tests/controller/test_run_told.py",
    "tests/crash/test_killing.py",
    "tests/controller/test_devices",
    "tests/contract/",
    "tests/drivers/",
    "tests/foreign/",
    "tests/serving/test_demo.py",
    "tests/serving/test_up",
    "tests/simulators/test_faults_served.py",
    "tests/telemetry/test_broker.py",
    "tests/telemetry/test_embedded.py",
    "tests/telemetry/test_killed.py",
    "tests/telemetry/test_machines.py",
    "tests/telemetry/test_sparkplug_client.py",
    "tests/telemetry/test_telemetry.py",
    "tests/wire/",
)
"""Where tests wait for real time to pass: programs and servers on real wires (`python -m tests` runs them apart)."""

COMPUTING = (
    "tests/campaign/test_fault_campaign.py",
    "tests/campaign/test_observer.py",
    "tests/campaign/test_truth.py",
    "tests/controller/test_dry_run.py",
)
"""Tests on virtual time that write nothing to a disk: they may run beside those that wait."""


def pytest_configure() -> None:
    """What tests start and interrupt inherits how SIGINT is taken; a shell's background job would ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(WALL_TIME):
            item.add_marker("wall_time")
        if item.nodeid.startswith(COMPUTING):
            item.add_marker("computing")
    items.sort(key=lambda item: not item.nodeid.startswith(WALL_TIME[0]))


@pytest.fixture(autouse=True)
def nothing_leaked(request: pytest.FixtureRequest) -> None:
    """Every asynchronous test is looked after; the others need no loop for it."""
    if inspect.iscoroutinefunction(getattr(request.node, "function", None)):
        request.getfixturevalue("no_leaked_tasks")


@pytest.fixture
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

"""What every test gets: a leaked task or thread fails the test that leaked it. And in which order they come."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

_WAITING = "tests/controller/test_processes.py"
"""Tests that wait for real time to pass: begun first, they wait beside the others and not after them."""


def pytest_configure() -> None:
    """What tests start and interrupt inherits how SIGINT is taken; a shell's background job would ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(_WAITING))


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

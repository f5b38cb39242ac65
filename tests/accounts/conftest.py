"""The same tests on both kinds of store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.events import EventStream
from controller.journal import Journal
from tests.accounts.office import Office, Wall, office
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'people.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
async def people(url: str, tmp_path: Path) -> AsyncIterator[Office]:
    wall = Wall()
    async with office(url, tmp_path, wall, journal=Journal(EventStream(), wall)) as opened:
        yield opened

"""The same tests on both kinds of store; what says nothing of the store is tried on one (`SQLITE`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from controller.accounts import TABLES
from controller.events import EventStream
from controller.journal import Journal
from tests.accounts.office import Office, Wall, office
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of people."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'people.sqlite'}"
    database: str = request.getfixturevalue("postgres_of_people")
    with psycopg.connect(database, autocommit=True) as connection:
        made = {name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        if made:
            names = SQL(", ").join(Identifier(table.name) for table in TABLES)
            connection.execute(SQL("TRUNCATE {}").format(names))
    return database


@pytest.fixture(scope="session")
def postgres_of_people(postgres: PostgresServer) -> str:
    """One database for all these tests: making one takes longer than most of them."""
    return postgres.new_database()


@pytest.fixture
async def people(url: str, tmp_path: Path) -> AsyncIterator[Office]:
    wall = Wall()
    async with office(url, tmp_path, wall, journal=Journal(EventStream(), wall)) as opened:
        yield opened

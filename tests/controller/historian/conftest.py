"""A store of trends of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controller.historian.stores import Store, opened, sqlite_url
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer) -> str:
    return sqlite_url(tmp_path) if request.param == "sqlite" else postgres.new_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with opened(url) as found:
        yield found

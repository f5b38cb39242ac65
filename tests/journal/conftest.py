"""Both kinds of store; everything here has to be the same in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journal.stores import Store
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer) -> Store:
    return Store(tmp_path, None if request.param == "sqlite" else postgres.new_database())

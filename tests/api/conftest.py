"""A site of each test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.site import Site
from tests.api.site import site as opened


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """The API over a connected line, with one person of each role."""
    async with opened(tmp_path) as made:
        yield made

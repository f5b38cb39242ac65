"""A live service that is really killed, once; more kills, and brokers that are away, are in `make campaign-crash`."""

from __future__ import annotations

from pathlib import Path

from tests.crash.service_killing import MOMENTS, played


def test_a_service_that_is_killed_loses_a_second_of_trends_at_most_and_nothing_else(tmp_path: Path) -> None:
    [kill] = played(1, 1, tmp_path, has_runs=False)  # with a run: tests/serving/test_up.py
    assert kill.faults == []
    assert kill.moment == MOMENTS[0]

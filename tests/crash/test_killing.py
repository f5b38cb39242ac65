"""A real controller that is really killed; phases at pressure are in `make campaign-crash` and in test_processes."""

from __future__ import annotations

from pathlib import Path

from tests.crash.killing import session


def test_a_controller_that_is_killed_twice_loses_nothing_and_its_run_can_be_closed(tmp_path: Path) -> None:
    kills, end = session([12, 30], tmp_path, to_the_end=False)
    assert [kill.faults for kill in kills] == [[], []]
    assert [kill.records >= wanted for kill, wanted in zip(kills, (12, 30), strict=True)] == [True, True]
    assert all(kill.highest.keys() == {"uniaxial-press-1", "isostatic-press-1"} for kill in kills)
    assert end == "closed"

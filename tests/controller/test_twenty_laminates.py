"""Twenty laminates through two uniaxial presses, one isostatic press and one coater: near the best, no wait broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.controller.twenty import COUNT, twenty

NEAR = 1.10  # of the best that a solver finds


@pytest.mark.timeout(300)
def test_twenty_laminates_take_hardly_longer_than_a_solvers_best_and_break_no_maximum_wait(tmp_path: Path) -> None:
    found = twenty(tmp_path, people=2, limit_s=1.0)
    assert found.complete == COUNT
    assert found.broken == ()
    assert found.solver.bound_s <= found.solver.makespan_s
    assert found.carried_out_s <= NEAR * found.solver.bound_s  # no solver can find anything below its bound
    assert found.carried_out_s <= NEAR * found.free.bound_s  # not even with a laminate's steps beside each other
    assert found.foreseen_s == pytest.approx(found.carried_out_s, rel=0.03)

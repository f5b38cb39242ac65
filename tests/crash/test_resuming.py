"""A controller whose power is cut: its machines come down alone, its run is found, held, and finished or closed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import apsw
import pytest

from drivers.profile_file import load_profile
from tests.campaign.observer import Pressed, Seen
from tests.crash.disk import Left
from tests.crash.resuming import CutRecorder, End, Resumed, _silence, resumed


@pytest.mark.parametrize(
    ("at", "left", "gap_s", "end"),
    [
        (9, Left.DROPPED, 2.0, End.FINISH),  # while the store is made
        (300, Left.KEPT, 2.0, End.CLOSE),
        (424, Left.DROPPED, 60.0, End.FINISH),
        (640, Left.KEPT, 1800.0, End.FINISH),
        (820, Left.DROPPED, 2.0, End.FINISH),
    ],
)
def test_a_run_whose_controller_lost_its_power_is_held_and_can_be_ended(
    at: int, left: Left, gap_s: float, end: End
) -> None:
    story = resumed(at, left, gap_s, end)
    assert story.faults == []
    if at < 20:
        assert not story.was_created
        return
    assert story.was_created
    if end is End.FINISH:
        assert story.first_state == "held"
        assert story.choices, "a person is told what can be done"
        assert story.state == "complete", story.reason
    else:
        assert story.state == "stopped"


def test_nothing_is_done_after_the_power_is_cut() -> None:
    cuts = []
    recorder = CutRecorder(at=2)
    recorder.cut = lambda: cuts.append(len(recorder.operations))
    recorder.creates("a-wal")
    recorder.syncs("a-wal")
    for _ in range(3):
        with pytest.raises(apsw.IOError, match="there is no power"):
            recorder.writes("a-wal", 0, b"x")
    assert (cuts, len(recorder.operations)) == ([2], 2)


def seen(*loads: tuple[float, float]) -> Any:
    """An isostatic press with these times and loads, and the last heartbeat at 0 s."""
    scans = [
        Pressed(time_s, 0.1, load, load, 25.0, 25.0, 25.0, is_shut=True, is_permitted=True, lot="a")
        for time_s, load in loads
    ]
    profile = load_profile("isostatic-press-generic")
    return SimpleNamespace(seen={"iso": Seen("iso", profile, scans, [0.0])})


def silence(*loads: tuple[float, float], now_s: float = 1e6) -> list[str]:
    return list(_silence(Resumed(1, Left.KEPT, 0.0, End.FINISH), seen(*loads), now_s))


def test_a_press_that_goes_on_alone_is_found() -> None:
    timing = load_profile("isostatic-press-generic").timing
    after_s, zero_s = timing.watchdog_s + 1.0, timing.watchdog_s + timing.decompression_s + 1.0
    assert silence((0.0, 500.0), (after_s, 500.0), (after_s + 10.0, 100.0), (zero_s, 0.0)) == []
    assert "rises to 520.0" in silence((0.0, 500.0), (after_s, 500.0), (after_s + 1.0, 520.0), (zero_s, 0.0))[0]
    assert "is at 50.0" in silence((0.0, 500.0), (after_s, 400.0), (zero_s, 50.0))[0]
    assert "was not seen" in silence((0.0, 500.0))[0]

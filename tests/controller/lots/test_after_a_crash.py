"""Calibration and zero after a controller has died: what was in doubt stays so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.dryrun import memory_line
from controller.events import Event
from simulators.faults import Injection
from tests.controller import killing
from tests.controller.killing import Killed, MortalJournal
from tests.controller.lots.stage import GAUGE, calibrated
from tests.controller.recipes_for_tests import quick


def dying_with(journal: MortalJournal, *, kind: str, **data: Any) -> None:
    journal.dies_with = lambda event: event.kind == kind and {**event.data, **data} == dict(event.data)


def killed(tmp_path: Path, kind: str, data: Mapping[str, Any], **given: Any) -> Killed:
    """A run that is killed with the first record of this kind and data."""

    async def kill(journal: MortalJournal) -> None:
        dying_with(journal, kind=kind, **data)
        await journal.died.wait()

    return Killed([kill], recipe=quick(tmp_path / "quick.yaml"), **given).play()


def of_gauge(played: Killed, kind: str) -> list[Event]:
    """What the second controller told of the gauge."""
    later = played.events[played.deaths[0] :]
    return [event for event in later if event.kind == kind and event.data["unit"] == GAUGE]


PLACED = {"action": "place", "unit": GAUGE, "lots": ["cathode sheet"]}


def test_where_the_lot_lies_on_the_gauge_already_its_zero_is_looked_at_afterwards(tmp_path: Path) -> None:
    played = killed(tmp_path, "prompt.answered", PLACED)
    zeros, measured = of_gauge(played, "zero.checked"), of_gauge(played, "measurement")
    assert played.record["state"] == "complete"
    removed = next(
        e for e in played.events[played.deaths[0] :] if e.kind == "prompt.answered" and e.data["action"] == "remove"
    )
    assert removed.sequence < zeros[0].sequence < measured[0].sequence < zeros[1].sequence < measured[1].sequence
    assert "quality" not in measured[0].data


def test_a_gauge_that_is_off_its_zero_then_has_measured_in_doubt(tmp_path: Path) -> None:
    def drift(played: Killed) -> None:
        played.simulated.faults.inject(Injection("evidence.not_zeroed", GAUGE, parameters={"offset": 1.5}))

    async def leave(run: Any, events: Any) -> None:
        while True:
            event = await events.get()
            if event.kind == "run.state" and event.data["state"] == "held":
                if event.data.get("recovered"):
                    run.restart("go on", "shift lead")
                else:
                    await run.stop("no", "shift lead")

    played = killed(tmp_path, "prompt.answered", PLACED, between=drift, attendant=leave)
    (measured, *_) = of_gauge(played, "measurement")
    assert measured.data["quality"] == "uncertain"
    assert f"{GAUGE} is off its zero" in measured.data["doubt"]


def test_a_doubt_outlives_the_controller_that_had_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    papers = [calibrated("2025-12-31"), calibrated("2026-12-31", "DKD 4712")]

    def line(simulated: Any) -> Any:
        made = memory_line(simulated)
        made.fitness = {GAUGE: papers.pop(0)}
        return made

    monkeypatch.setattr(killing, "memory_line", line)
    played = killed(tmp_path, "step.started", {"name": "first joining"})
    assert played.record["state"] == "complete"
    open_rules = [rule for rule in played.record["certificate"]["rules"] if "quality is uncertain" in rule["words"]]
    assert all(rule["verdict"] != "pass" for rule in open_rules)
    assert all("(DKD 4711) was due on 2025-12-31" in rule["words"] for rule in open_rules)
    assert len(open_rules) >= 3
    told = [e.data for e in played.events if e.kind == "condition" and e.data["name"] == "calibration_not_valid"]
    assert [data["active"] for data in told] == [True, False], "the next controller tells that it is over"

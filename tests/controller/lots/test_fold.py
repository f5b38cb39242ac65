"""Small journals made by hand: what no whole run shows quickly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from controller.calibration import Fitness
from controller.config import UnitConfig
from controller.devices.calibration_check import calibration_check
from controller.devices.checks import State
from controller.events import Event
from controller.journal import GENESIS
from controller.lots.acts import forbidding
from controller.lots.fold import lots_of
from controller.lots.model import Lot, LotId, LotStatus
from tests.controller.lots.stage import calibrated

Told = tuple[str, Mapping[str, Any]]

PLAN = {
    "steps": [
        {"step": {"name": "mix", "produces": "slurry", "task": {"slurry": "paste"}}},
        {"step": {"name": "coat", "produces": "sheet", "coat": {"substrate": "foil", "slurry": {"solvent": "NMP"}}}},
        {"step": {"name": "press", "produces": "cell", "task": None}},
    ]
}
CREATED: Told = ("run.created", {"recipe": "r", "plan": json.dumps(PLAN), "serial_numbers": {"press-1": 7.0}})


def rule(verdict: str) -> dict[str, str]:
    return {"id": "H1", "verdict": verdict, "severity": "claim"}


def judged(verdict: str) -> Told:
    return ("certificate", {"rules": [rule(verdict)]})


def closed(state: str = "complete") -> Told:
    return ("run.closed", {"state": state})


def started(name: str, *lots: str, unit: str | None = None) -> Told:
    return ("step.started", {"name": name, "kind": "task", "unit": unit, "lots": list(lots)})


def finished(name: str, produces: str | None) -> Told:
    return ("step.finished", {"name": name, "kind": "task", "produces": produces, "result": {}})


def estimated(porosity: float | None) -> Told:
    return ("porosity.estimated", {"steps": {}, "layers": {"cathode": {"porosity_pct": porosity}}})


MADE = (
    CREATED,
    started("mix"),
    finished("mix", "slurry"),
    started("coat", "slurry", unit="coater-1"),
    finished("coat", "sheet"),
    started("press", "sheet", unit="press-1"),
)
DONE = (*MADE, finished("press", "cell"))


def events(*told: Told) -> list[Event]:
    return [
        Event(n, "r", kind, data, 0.0, f"2026-01-01T00:{n:02d}:00.000+00:00", GENESIS, "")
        for n, (kind, data) in enumerate(told, start=1)
    ]


def lot(name: str, *told: Told) -> Lot:
    return lots_of(events(*told))[LotId("r", name)]


def status(lot: str, to: str, who: str = "QA") -> Told:
    return ("lot.status", {"lot": lot, "status": to, "why": "because", "who": who})


def test_a_mixed_slurry_is_a_lot_of_its_own_and_no_other_is_named() -> None:
    sheet = lot("sheet", *DONE)
    assert sheet.made_from == (LotId("r", "slurry"),)
    assert (sheet.slurry, sheet.foils) == ("", ("foil",))
    assert lot("cell", *DONE).serial_number == "7"


def test_a_gate_scraps_what_its_step_has_made_before_the_step_is_finished() -> None:
    gate: Told = ("lot.status", {"lot": "cell", "status": "scrap", "why": "too porous"})
    cell = lot(
        "cell", *MADE, gate, ("run.state", {"state": "stopped", "reason": "", "who": "pressline"}), closed("stopped")
    )
    assert (cell.status, cell.reasons, cell.decided_by) == (LotStatus.SCRAP, ("too porous",), "pressline")
    assert cell.made_by.unit == "press-1"
    sheet = lot("sheet", *MADE, gate, closed("stopped"))
    assert (sheet.used_in, sheet.status) == (LotId("r", "cell"), LotStatus.SCRAP)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((judged("pass"), closed()), LotStatus.RELEASED),
        ((judged("pass"),), LotStatus.IN_WORK),
        ((judged("fail"), closed()), LotStatus.QUARANTINE),
        ((judged("undetermined"), closed()), LotStatus.QUARANTINE),
        ((judged("undetermined"), closed(), judged("pass")), LotStatus.RELEASED),
        ((judged("pass"), closed(), judged("fail")), LotStatus.QUARANTINE),
        ((closed(),), LotStatus.QUARANTINE),
        ((("certificate", {"rules": []}), closed()), LotStatus.QUARANTINE),
        ((judged("pass"), closed("held")), LotStatus.QUARANTINE),
        ((judged("pass"), closed("held"), ("run.resumed", {})), LotStatus.IN_WORK),
        ((judged("pass"), closed(), status("cell", "quarantine")), LotStatus.QUARANTINE),
        ((status("cell", "quarantine"),), LotStatus.QUARANTINE),
        ((judged("pass"), closed(), status("cell", "quarantine"), status("cell", "released")), LotStatus.RELEASED),
        ((judged("fail"), closed(), status("cell", "released")), LotStatus.QUARANTINE),
        ((status("cell", "released"), judged("pass"), closed()), LotStatus.RELEASED),
        ((status("cell", "released"),), LotStatus.IN_WORK),
        ((judged("pass"), closed(), status("cell", "scrap"), status("cell", "released")), LotStatus.SCRAP),
        ((judged("pass"), closed(), status("sheet", "quarantine")), LotStatus.RELEASED),
        ((("track.lost", {"layers": ["cathode"]}), judged("pass"), closed()), LotStatus.RELEASED),
    ],
)
def test_the_status_follows_from_what_is_told(told: tuple[Told, ...], expected: LotStatus) -> None:
    assert lot("cell", *DONE, *told).status is expected


@pytest.mark.parametrize(
    ("porosity", "expected"), [(None, LotStatus.QUARANTINE), (4.0, LotStatus.RELEASED)], ids=["unknown", "by the lab"]
)
def test_what_contradicts_keeps_a_lot_back_until_something_is_known_again(
    porosity: float | None, expected: LotStatus
) -> None:
    lost: Told = ("track.lost", {"layers": ["cathode"]})
    until = (*MADE, estimated(None), lost)
    assert lot("sheet", *until).status is LotStatus.QUARANTINE, "also while the run goes on"
    assert lot("slurry", *until).status is LotStatus.QUARANTINE
    cell = lot("cell", *until, finished("press", "cell"), estimated(porosity), judged("pass"), closed())
    assert cell.status is expected
    if porosity is None:
        assert cell.reasons == ("of cathode nothing is known any more since press",)


def test_a_lost_layer_of_another_lot_says_nothing_of_this_one() -> None:
    other = (started("coat", "slurry"), ("track.lost", {"layers": ["cathode"]}), estimated(None))
    assert lot("slurry", *MADE[:3], *other).status is LotStatus.QUARANTINE
    apart = (*MADE[:5], started("look", "nothing"), ("track.lost", {"layers": ["cathode"]}), estimated(None))
    assert lot("sheet", *apart).status is LotStatus.IN_WORK


def test_what_forbids_a_release_is_said_in_words() -> None:
    for told, words in (
        ((judged("pass"), closed()), "it is released already, by the certificate"),
        ((), "its run goes on"),
        ((status("cell", "quarantine"),), "its run goes on"),
        ((judged("fail"), closed()), "the certificate of its run is not accepted: H1 fails"),
        ((judged("undetermined"), closed()), "the certificate of its run is not accepted: H1 is undetermined"),
        ((closed(),), "the certificate of its run is not accepted: no rule was judged"),
        ((judged("pass"), closed(), status("cell", "quarantine")), ""),
    ):
        journal = events(*DONE, *told)
        assert forbidding(lots_of(journal)[LotId("r", "cell")], journal) == words


def test_a_clock_that_was_set_back_counts_nothing() -> None:
    out, back = ("lot.out", {"lot": "cell", "who": "QA"}), ("lot.back", {"lot": "cell", "who": "QA"})
    journal = events(*DONE, out, back)
    assert lots_of(journal)[LotId("r", "cell")].out_s == 60.0
    assert not lots_of(journal)[LotId("r", "cell")].is_out_unsure
    early = Event(99, "r", "lot.back", back[1], 0.0, "2025-12-31T00:00:00.000+00:00", GENESIS, "")
    cell = lots_of([*events(*DONE, out), early])[LotId("r", "cell")]
    assert (cell.out_s, cell.is_out_unsure) == (0.0, True)


def test_doctor_tells_a_stated_calibration() -> None:
    unit = UnitConfig("g", "gauge", "p", "u", calibrated("2026-12-31"))
    (fine,) = calibration_check(unit, "2026-12-31T12:00:00.000+00:00")
    assert (fine.state, fine.text) == (State.OK, "DKD 4711 by Metrology Ltd, holds until 2026-12-31")
    (over,) = calibration_check(unit, "2027-01-01T00:00:00.000+00:00")
    assert over.state is State.BROKEN
    assert over.text == "the calibration of g (DKD 4711) was due on 2026-12-31"
    assert list(calibration_check(UnitConfig("g", "gauge", "p", "u"), "2027-01-01T00:00:00.000+00:00")) == []


def test_doctor_tells_cycles_that_nobody_counts() -> None:
    utc = "2026-12-31T12:00:00.000+00:00"
    gauge = UnitConfig("g", "gauge", "thickness-gauge-sics", "u", Fitness(max_cycles=5))
    (none,) = calibration_check(gauge, utc)
    assert (none.state, none.text) == (
        State.BROKEN,
        "max_cycles is 5, but thickness-gauge-sics has no signal cycle_count",
    )
    press = UnitConfig("p", "uniaxial_press", "uniaxial-press-generic", "u", Fitness(max_cycles=5))
    assert [check.state for check in calibration_check(press, utc)] == [State.OK]
    assert list(calibration_check(UnitConfig("x", "gauge", "no profile", "u", Fitness(max_cycles=5)), utc)) == []

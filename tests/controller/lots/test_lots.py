"""Lots of whole runs: what they are made of, their status, and what people say of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.cli.main import app
from controller.events import Event, EventStream
from controller.executor.run import Run
from controller.journal import Journal, SqliteJournal
from controller.journal.lock import locked
from controller.lots import acts
from controller.lots.fold import lots_of
from controller.lots.genealogy import Kind, Node, genealogy, lot_node, node_named
from controller.lots.model import Lot, LotId, LotStatus, LotUnknown, named
from controller.lots.page import list_lines, lot_lines
from simulators.clock import run_virtual
from tests.controller.lots.stage import GAUGE, Stage, calibrated, staged

CELL, SHEET = "electrode laminate", "cathode sheet"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Two runs of one recipe in one journal; the gauge is calibrated."""
    fitness = {GAUGE: calibrated("2026-12-31")}
    return staged(tmp_path_factory.mktemp("two"), runs=("one", "two"), fitness=fitness, foil_batches={"copper": "CU 7"})


def lot(stage: Stage, name: str, run: str = "one") -> Lot:
    return lots_of(stage.events)[LotId(run, name)]


def test_a_lot_knows_what_made_it_of_what_with_whom_and_when(two: Stage) -> None:
    sheet = lot(two, SHEET)
    assert (sheet.made_by.step, sheet.made_by.unit, sheet.jobs) == ("coat cathode", "coater-1", (1,))
    assert sheet.serial_number.isdigit()
    assert sheet.foils == ("aluminum",)
    assert sheet.slurry == "one/butyl butyrate slurry of coat cathode"
    assert sheet.people == ("simulated operator",)
    assert sheet.made_by.begun < sheet.made_by.ended
    assert [stay.step for stay in sheet.stays] == [
        "coat cathode",
        "inspect cathode sheet",
        "stack cathode and solid electrolyte",
    ]
    assert sheet.used_in == LotId("one", "first stack")


def test_a_measurement_names_its_instrument_and_the_calibration_that_it_had(two: Stage) -> None:
    by_balance, by_gauge = lot(two, SHEET).measured
    assert (by_balance.unit, by_balance.in_unit, by_balance.calibrated) == ("balance-1", "g", None)
    assert by_gauge.value == pytest.approx(152.9, abs=2.0)
    assert by_gauge.calibrated is not None
    assert by_gauge.calibrated.words == "calibration DKD 4711, valid, due 2026-12-31"
    assert by_gauge.doubt == ""


def test_a_laminate_with_an_accepted_certificate_is_released_and_its_parts_with_it(two: Stage) -> None:
    assert two.record()["certificate"]["fail"] == 0
    for name in (CELL, SHEET):
        assert lot(two, name).status is LotStatus.RELEASED
        assert lot(two, name).decided_by == "the certificate"


def test_while_its_run_goes_on_a_lot_is_in_work(two: Stage) -> None:
    until = next(n for n, e in enumerate(two.events) if e.kind == "step.started" and e.data["name"] == "first joining")
    known = lots_of(two.events[: until + 5])
    assert {str(one.id): one.status for one in known.values()} == {
        "one/cathode sheet": LotStatus.IN_WORK,
        "one/solid electrolyte sheet": LotStatus.IN_WORK,
        "one/intermediate sheet": LotStatus.IN_WORK,
        "one/first stack": LotStatus.IN_WORK,
    }
    assert known[LotId("one", "first stack")].stays[-1].ended == ""


def test_lots_of_two_runs_with_one_name_are_told_apart(two: Stage) -> None:
    known = lots_of(two.events)
    assert named(known, f"two/{CELL}").id == LotId("two", CELL)
    with pytest.raises(LotUnknown, match=r"lot of 2 runs; name the run too.*one/electrode laminate"):
        named(known, CELL)
    with pytest.raises(LotUnknown, match="no lot 'nothing'; `pressline lots list --all` names"):
        named(known, "nothing")
    with pytest.raises(LotUnknown, match="no lot 'cathode shet'; perhaps 'cathode sheet'; "):
        named(known, "cathode shet")
    assert lot(two, CELL, "two").made_from == (LotId("two", "third stack"),)


def test_back_from_a_cell_to_everything_and_forward_to_every_cell(two: Stage) -> None:
    graph = genealogy(lots_of(two.events))
    cell = lot_node(lot(two, CELL))
    behind = {(node.kind, node.name) for node in graph.reached(cell)}
    assert {
        (Kind.LOT, "one/cathode sheet"),
        (Kind.LOT, "one/intermediate sheet"),
        (Kind.SLURRY, "one/NMP slurry of coat intermediate"),
        (Kind.FOIL, "aluminum"),
        (Kind.FOIL, "copper batch CU 7"),
        (Kind.INSTRUMENT, "balance-1"),
        (Kind.INSTRUMENT, GAUGE),
        (Kind.CALIBRATION, f"DKD 4711 of {GAUGE}"),
        (Kind.PERSON, "simulated operator"),
    } <= behind
    units = {name.partition(" no. ")[0] for kind, name in behind if kind is Kind.MACHINE}
    assert units == {"coater-1", "uniaxial-press-1", "isostatic-press-1"}
    assert not any(name.startswith("two/") for _, name in behind)
    for found in ("coater-1", "DKD 4711", "person simulated operator", "copper", "CU 7"):
        ahead = graph.reached(node_named(graph, found), forward=True)
        assert {node.name for node in ahead if node.name.endswith(CELL)} == {f"one/{CELL}", f"two/{CELL}"}
    sheet = node_named(graph, f"two/{SHEET}")
    assert {node.name for node in graph.reached(sheet, forward=True) if node.name.endswith(CELL)} == {f"two/{CELL}"}
    with pytest.raises(LotUnknown, match="can be 'one/cathode sheet', 'two/cathode sheet'; name one of them"):
        node_named(graph, SHEET)
    with pytest.raises(LotUnknown, match="perhaps"):
        node_named(graph, "sheet")


# ---------------------------------------------------------------------- status


async def _stopping(run: Run, events: asyncio.Queue[Event]) -> None:
    """Somebody stops the run in its first pressing."""
    while True:
        event = await events.get()
        if event.kind == "step.phase" and event.data["phase"] == "dwell":
            await run.stop("a noise", "shift lead")


def test_what_a_stopped_run_leaves_is_in_quarantine(tmp_path: Path) -> None:
    stage = staged(tmp_path, attendant=_stopping)
    stack = lot(stage, "first stack")
    assert stack.status is LotStatus.QUARANTINE
    assert stack.used_in is None
    assert any("its run ended stopped: a noise" in reason for reason in stack.reasons)
    assert any("nothing is known any more since first joining" in reason for reason in stack.reasons)
    assert lot(stage, SHEET).status is LotStatus.QUARANTINE, "a part shares the fate of what it went into"
    assert lot(stage, "intermediate sheet").used_in is None
    assert CELL not in {one.name for one in lots_of(stage.events)}


Saying = Callable[[Journal], Awaitable[None]]


def said(two: Stage, say: Saying, *, max_out_s: float | None = None) -> Lot:
    """The cell of the first run after people have said something of it."""

    async def main() -> list[Event]:
        loop = asyncio.get_running_loop()

        def utc() -> str:
            return f"2026-02-01T{int(loop.time()) // 3600:02d}:{int(loop.time()) // 60 % 60:02d}:00.000+00:00"

        journal = Journal(EventStream(), utc, limited(two.events, max_out_s))
        await say(journal)
        return [*journal.earlier, *journal.events()]

    return named(lots_of(run_virtual(main())), f"one/{CELL}")


def limited(events: list[Event], max_out_s: float | None) -> list[Event]:
    """The same records, as a line file with a limit would have made them."""
    made = [Event(*(getattr(e, name) for name in Event.__slots__)) for e in events]
    return [
        Event(e.sequence, e.run, e.kind, {**e.data, "max_out_s": max_out_s}, e.time_s, e.utc, e.previous_hash, e.hash)
        if e.kind == "run.created" and max_out_s is not None
        else e
        for e in made
    ]


def test_a_person_scraps_a_lot_for_good(two: Stage) -> None:
    async def say(journal: Journal) -> None:
        await acts.scrap(journal, f"one/{CELL}", "QA", "dropped")
        with pytest.raises(acts.NotAllowed, match=r"is scrap: dropped \(QA\)"):
            await acts.release(journal, f"one/{CELL}", "QA", "no")

    cell = said(two, say)
    assert (cell.status, cell.reasons, cell.decided_by) == (LotStatus.SCRAP, ("dropped",), "QA")


def test_a_person_keeps_a_lot_back_and_releases_it(two: Stage) -> None:
    kept: list[Lot] = []

    async def say(journal: Journal) -> None:
        with pytest.raises(acts.NotAllowed, match="released already, by the certificate"):
            await acts.release(journal, f"one/{CELL}", "QA", "again")
        kept.append(await acts.quarantine(journal, f"one/{CELL}", "QA", "a scratch?"))
        with pytest.raises(acts.NotAllowed, match="the reason is empty"):
            await acts.release(journal, f"one/{CELL}", "QA", " ")
        with pytest.raises(acts.NotAllowed, match="--who is empty"):
            await acts.release(journal, f"one/{CELL}", "", "fine")
        await acts.release(journal, f"one/{CELL}", "QA", "looked at it: none")

    cell = said(two, say)
    assert kept[0].status is LotStatus.QUARANTINE
    assert kept[0].reasons == ("a scratch? (QA)",)
    assert (cell.status, cell.decided_by) == (LotStatus.RELEASED, "QA")


def test_nobody_decides_on_a_lot_that_went_into_another(two: Stage) -> None:
    async def say(journal: Journal) -> None:
        with pytest.raises(acts.NotAllowed, match="went into one/first stack"):
            await acts.scrap(journal, f"one/{SHEET}", "QA", "torn")

    assert said(two, say).status is LotStatus.RELEASED


def test_a_person_cannot_release_what_a_claim_speaks_against(tmp_path: Path) -> None:
    async def say(journal: Journal) -> None:
        with pytest.raises(acts.NotAllowed, match="the certificate of its run is not accepted: H"):
            await acts.release(journal, "first stack", "QA", "looks good")

    staged(tmp_path, attendant=_stopping, afterwards=say)


def test_time_outside_the_dry_room_counts_from_out_to_back(two: Stage) -> None:
    seen: list[Lot] = []

    async def say(journal: Journal) -> None:
        with pytest.raises(acts.NotAllowed, match="is not out"):
            await acts.say_back(journal, f"one/{CELL}", "QA")
        await acts.say_out(journal, f"one/{CELL}", "QA")
        with pytest.raises(acts.NotAllowed, match="is out already"):
            await acts.say_out(journal, f"one/{CELL}", "QA")
        await asyncio.sleep(600)
        seen.append(await acts.say_back(journal, f"one/{CELL}", "QA"))
        await asyncio.sleep(3600)
        await acts.say_out(journal, f"one/{CELL}", "QA")
        await asyncio.sleep(300)
        seen.append(await acts.say_back(journal, f"one/{CELL}", "QA"))
        assert not [e for e in journal.events() if e.kind == "condition"]

    cell = said(two, say)
    assert [one.out_s for one in seen] == [600.0, 900.0]
    assert cell.status is LotStatus.RELEASED, "no source gives a limit, so without one nothing follows"


def test_a_lot_that_was_out_too_long_is_kept_back_and_told_until_a_person_releases_it(two: Stage) -> None:
    seen: list[Lot] = []

    async def say(journal: Journal) -> None:
        await acts.say_out(journal, f"one/{CELL}", "QA")
        await asyncio.sleep(601)
        seen.append(await acts.say_back(journal, f"one/{CELL}", "QA"))
        (told,) = [e.data for e in journal.events() if e.kind == "condition"]
        assert told["name"] == "lot_out_too_long"
        assert told["active"]
        assert "10 min, more than 5 min" in told["message"]
        await acts.release(journal, f"one/{CELL}", "QA", "weighed again: dry")

    cell = said(two, say, max_out_s=300.0)
    assert seen[0].status is LotStatus.QUARANTINE
    assert seen[0].reasons == ("outside the dry room for 10 min, more than 5 min",)
    assert (cell.status, cell.decided_by) == (LotStatus.RELEASED, "QA")


def test_what_is_out_counts_until_now_and_reaches_what_it_is_made_into(two: Stage) -> None:
    until = next(n for n, e in enumerate(two.events) if e.kind == "step.started" and e.data["name"] == "first joining")

    async def main() -> list[Event]:
        clock = ["2026-01-01T00:07:30.000+00:00"]
        journal = Journal(EventStream(), lambda: clock[0], two.events[:until])
        await acts.say_out(journal, "first stack", "QA")
        clock[0] = "2026-01-01T00:10:30.000+00:00"
        return [*two.events[:until], *journal.events()]

    events = run_virtual(main())
    later = lots_of([*events, *two.events[until:]], "2026-01-01T03:00:00.000+00:00")
    assert lots_of(events, "2026-01-01T00:08:30.000+00:00")[LotId("one", "first stack")].out_s == 60.0
    cell, stack = later[LotId("one", CELL)], later[LotId("one", "first stack")]
    assert (cell.out_since, stack.out_since) == ("2026-01-01T00:07:30.000+00:00", "")
    assert cell.out_s == pytest.approx(3 * 3600.0 - 450.0, abs=1.0)
    assert 0.0 < stack.out_s < cell.out_s

    async def back() -> Lot:
        journal = Journal(EventStream(), lambda: "2026-01-01T03:00:00.000+00:00", [*events, *two.events[until:]])
        return await acts.say_back(journal, f"one/{CELL}", "QA")

    assert run_virtual(back()).out_since == "", "its part cannot be brought back any more"


def test_time_outside_after_a_release_speaks_against_the_lot_again(two: Stage) -> None:
    async def say(journal: Journal) -> None:
        for _ in range(2):
            await acts.say_out(journal, f"one/{CELL}", "QA")
            await asyncio.sleep(601)
            await acts.say_back(journal, f"one/{CELL}", "QA")
            if len([e for e in journal.events() if e.kind == "lot.back"]) == 1:
                await acts.release(journal, f"one/{CELL}", "QA", "weighed again: dry")

    cell = said(two, say, max_out_s=300.0)
    assert (cell.status, cell.reasons) == (
        LotStatus.QUARANTINE,
        ("outside the dry room for 20 min, more than 5 min",),
    )


@pytest.mark.parametrize(("max_out_s", "status"), [(7200.0, LotStatus.QUARANTINE), (None, LotStatus.RELEASED)])
def test_a_clock_that_was_set_back_while_a_lot_was_out_hides_no_time(
    two: Stage, max_out_s: float | None, status: LotStatus
) -> None:
    events = limited(two.events, max_out_s)
    clock = ["2026-03-01T10:00:00.000+00:00"]
    journal = Journal(EventStream(), lambda: clock[0], events)

    async def main() -> Lot:
        await acts.say_out(journal, f"one/{CELL}", "QA")
        for clock[0] in ("2026-03-01T10:30:00.000+00:00", "2026-03-01T09:30:00.000+00:00"):
            journal.note("two", "run.problem", {"reason": "something else"})
        clock[0] = "2026-03-01T10:15:00.000+00:00"
        return await acts.say_back(journal, f"one/{CELL}", "QA")

    cell = run_virtual(main())
    assert (cell.out_s, cell.is_out_unsure, cell.status) == (75 * 60.0, True, status)
    told = [event.data["message"] for event in journal.events() if event.kind == "condition"]
    words = "outside the dry room for 75 min, the clock was set back meanwhile: nobody knows for how long it was out"
    assert told == ([] if max_out_s is None else [f"one/{CELL} was {words}"])


# ---------------------------------------------------------------------- as text and JSON, from a store


@pytest.fixture(scope="module")
def store(two: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store on a disk with the same records."""
    path = tmp_path_factory.mktemp("store") / "pressline.sqlite"

    async def main() -> None:
        journal = SqliteJournal(EventStream(), lambda: "2026-01-02T00:00:00.000+00:00", path)
        for event in two.events:
            await journal.append(event.run, event.kind, event.data)
        await journal.close()

    asyncio.run(main())
    return path


def invoked(store: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*words, "--store", str(store)])
    return result.exit_code, result.output


def test_the_commands_tell_lots_and_genealogies(store: Path) -> None:
    code, text = invoked(store, "lots", "list")
    assert code == 0
    assert [line.startswith("released") for line in text.splitlines()] == [True, True]
    assert [f"{run}/{CELL}" in line for run, line in zip(("one", "two"), text.splitlines(), strict=True)] == [
        True,
        True,
    ]
    code, text = invoked(store, "lots", "list", "--all", "--status", "released", "--json")
    assert {f"{run}/{name}" for run in ("one", "two") for name in (CELL, SHEET)} <= {
        found["lot"] for found in json.loads(text)["lots"]
    }
    code, text = invoked(store, "lots", "show", f"one/{SHEET}")
    assert "went into one/first stack" in text
    assert "calibration DKD 4711, valid, due 2026-12-31" in text
    assert "on coater-1, serial number" in text
    code, text = invoked(store, "genealogy", f"one/{CELL}")
    assert text.splitlines()[0] == f"one/{CELL}"
    assert "  slurry: one/NMP slurry of coat intermediate" in text
    code, text = invoked(store, "genealogy", "DKD 4711", "--forward", "--json")
    document = json.loads(text)
    assert {"kind": "lot", "name": f"two/{CELL}"} in document["nodes"]
    assert document["tree"]["kind"] == "calibration"


def test_the_commands_refuse_with_their_codes(store: Path, tmp_path: Path) -> None:
    assert invoked(store, "lots", "show", CELL)[0] == 2
    assert invoked(store, "genealogy", "nothing")[0] == 2
    assert invoked(store, "lots", "list", "--status", "new")[0] == 2
    assert invoked(store, "lots", "status", f"one/{CELL}", "gold", "--who", "QA", "--reason", "x")[0] == 2
    assert invoked(tmp_path / "none", "lots", "list")[0] == 2
    assert invoked(tmp_path / "none", "lots", "out", CELL, "--who", "QA")[0] == 2
    assert invoked(store, "lots", "back", f"one/{CELL}", "--who", "QA")[0] == 1
    code, text = invoked(store, "lots", "status", f"one/{CELL}", "released", "--who", "QA", "--reason", "x")
    assert (code, "`pressline lots release` releases a lot" in text) == (2, True)


def test_a_store_that_another_program_writes_to_takes_nothing_and_the_message_says_so(store: Path) -> None:
    with locked(store):
        assert invoked(store, "lots", "list")[0] == 0
        code, text = invoked(store, "lots", "out", f"one/{CELL}", "--who", "QA")
    assert code == 2
    instead = "while a service has the store, POST /api/v1/lots/{run}/{lot}/... of its API does it"
    assert text.endswith(f"is using this store; {instead}; nothing was recorded\n")


def test_what_people_say_is_kept_in_the_store_and_speaks_against_the_certificate(store: Path) -> None:
    code, text = invoked(store, "lots", "status", f"two/{CELL}", "scrap", "--who", "QA", "--reason", "dropped")
    assert code == 0
    assert f"two/{CELL}: scrap, by QA" in text
    code, text = invoked(store, "certificate", "two")
    assert code == 1
    assert f"lot {CELL} is scrap: dropped (QA)" in text
    assert (
        "calibration of thickness-gauge-1: DKD 4711, 2025-01-01, due 2026-12-31: valid"
        in json.loads(invoked(store, "certificate", "two", "--json")[1])["messages"]
    )
    assert invoked(store, "certificate", "one")[0] == 0


def test_lines_of_text_tell_what_is_known(two: Stage) -> None:
    known = lots_of(two.events)
    assert len(list(list_lines(known.values()))) == len(known)
    assert any("people: simulated operator" in line for line in lot_lines(lot(two, CELL)))
    assert Node(Kind.PERSON, "QA") not in genealogy(known).forward

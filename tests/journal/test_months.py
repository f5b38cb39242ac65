"""A journal of months: what a start reads, what it asks for, what it forgets, and what it finds beside its work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from controller.events import Event
from controller.journal import HeldPast, Past, StoreUnusable, read_rescue, rescue_path, verify
from controller.journal.anchor import anchor_path, write_anchor
from controller.journal.database import row_of
from tests.journal.stores import RUNS, Store, filled

QUESTIONS: dict[str, Callable[[Past], Any]] = {
    "of a run": lambda past: [list(past.of_run(run)) for run in (*RUNS, "none")],
    "of kinds": lambda past: list(past.of_kinds(("condition", "run.closed"), 20)),
    "newest": lambda past: [
        [list(past.newest_of("run.created", before, limit)) for before in (2**62, 60, 1)] for limit in (1, 3, 1000)
    ],
    "of a run and kinds": lambda past: list(past.of_run_and_kinds(RUNS[0], ("condition", "run.closed"))),
    "naming": lambda past: [list(past.naming("condition", name, "name")) for name in ("n1", "none")],
    "runs": lambda past: list(past.runs_told(("run.created", "run.closed"))),
    "latest": lambda past: list(past.latest_of(("condition",), ("name", "unit"))),
    "highest": lambda past: [past.highest(("command.requested",), "job", "job_id"), past.highest(("none",), "job")],
    "utc": lambda past: [past.latest_utc(), past.latest_utc(50), past.latest_utc(1000)],
    "set back": lambda past: [list(past.set_back(1)), list(past.set_back(42))],
    "all": list,
    "backwards": lambda past: list(reversed(past)),
    "one": lambda past: [past[0], past[-1], past[5:8]],
    "how many": len,
}


async def whole(store: Store) -> list[Event]:
    journal = store.journal()
    await journal.close()
    return list(journal.earlier)


def spoil(store: Store, sequence: int) -> None:
    store.execute("UPDATE events SET run = 'other' WHERE sequence = ?", sequence)


async def test_a_large_store_gives_the_same_answers_as_one_that_is_held(store: Store) -> None:
    await filled(store, 100)
    held = await whole(store)
    journal = store.journal(held=10)
    assert journal.unverified == 90
    for name, question in QUESTIONS.items():
        assert question(journal.earlier) == question(HeldPast(held)), name
    assert journal.latest_utc == held[-1].utc
    own = journal.note("one", "condition", {"name": "n1", "unit": "press", "job": {"job_id": 7}})
    for name, question in QUESTIONS.items():
        if name != "set back":
            assert question(journal.everything()) == question(HeldPast([*held, own])), name
    await journal.close()
    assert verify(await whole(store)) == []


async def test_clocks_that_were_set_back_are_told_wherever_they_were(store: Store) -> None:
    times = [f"2026-01-01T0{hour}:00:00.000+00:00" for hour in (3, 1, 2, 2, 0)]
    for held, (first, *others) in ((4096, times), (2, ["2026-01-01T09:00:00.000+00:00", *times])):
        journal = store.journal(held=held)
        for time in (first, *others):
            journal._utc = lambda time=time: time  # type: ignore[misc]
            journal.note("one", "k", {})
            journal.leaps(1)  # what was looked at is not looked at again
        everything = list(journal.everything())
        back = [event for one, two in pairwise(everything) if two.utc < one.utc for event in (one, two)]
        assert list(journal.everything().set_back(1)) == list(journal.leaps(1)) == back
        assert journal.everything().latest_utc() == max(event.utc for event in everything)
        await journal.close()


async def test_the_newest_records_are_verified_at_the_start(store: Store) -> None:
    await filled(store, 100)
    spoil(store, 95)
    with pytest.raises(StoreUnusable, match="the journal is damaged"):
        store.journal(held=10)


async def test_an_anchor_that_is_older_than_them_is_reached(store: Store) -> None:
    await filled(store, 100)
    write_anchor(anchor_path(store.beside), (await whole(store))[39])
    write = anchor_path(store.beside).read_text()
    journal = store.journal(held=10)
    assert journal.unverified == 39
    await journal.close()
    anchor_path(store.beside).write_text(write)
    spoil(store, 45)
    with pytest.raises(StoreUnusable, match="record 45"):
        store.journal(held=10)


async def test_an_end_that_was_cut_off_is_found(store: Store) -> None:
    await filled(store, 100)
    store.execute("DELETE FROM events WHERE sequence > 98")
    with pytest.raises(StoreUnusable, match="it ends with record 98, but record 100 was written"):
        store.journal(held=10)


async def test_the_rest_is_verified_beside_the_work(store: Store) -> None:
    await filled(store, 100)
    journal = store.journal(held=10)
    assert await journal.check_rest(0) == []
    assert (journal.unverified, journal.damaged) == (0, None)
    await journal.close()


@pytest.mark.parametrize(
    "how", ["UPDATE events SET kind = 'k' WHERE sequence = ?", "DELETE FROM events WHERE sequence = ?"]
)
@pytest.mark.parametrize("sequence", [1, 30, 89])
async def test_what_was_done_to_old_records_is_told_and_stays(store: Store, how: str, sequence: int) -> None:
    await filled(store, 100)
    store.execute(how, sequence)
    journal = store.journal(held=10)
    (fault, *_) = await journal.check_rest(0)
    assert str(sequence) in fault
    assert "the journal is damaged" in str(journal.damaged)
    await journal.check_rest(0)
    (told,) = journal.events("line")
    assert (told.kind, told.data["name"], told.data["active"]) == ("condition", "journal_damaged", True)
    await journal.close()
    assert journal.broken is None


async def test_a_closed_run_goes_from_memory_and_is_found_in_the_store(store: Store) -> None:
    await filled(store, 30)
    journal = store.journal(held=10)
    for number in range(40):
        await journal.append(("left", "closed")[number % 2], "condition", {"name": "n", "unit": None, "n": number})
    before = list(journal.everything())
    journal.forget("closed")
    await journal.append("left", "k", {})
    assert {event.run for event in journal.events()} == {"left"}
    assert list(journal.everything())[:-1] == before
    assert list(journal.record("closed")) == [event for event in before if event.run == "closed"]
    assert [event.data["n"] for event in journal.told(("condition",), 30)] == list(range(40))
    journal.forget("nobody")
    await journal.close()
    assert journal.broken is None
    assert [event.hash for event in await whole(store)][:70] == [event.hash for event in before]


async def test_what_the_store_does_not_hold_is_not_forgotten(store: Store) -> None:
    journal = store.journal()
    for number in range(5):
        await journal.append("closed", "k", {"n": number})
    store.execute("UPDATE events SET kind = 'other' WHERE sequence = 3")
    journal.forget("closed")
    await journal.append("left", "k", {})
    assert len(journal.events("closed")) == 5
    assert "does not hold what was written to it" in str(journal.damaged)
    await journal.close()
    rescued, faults = read_rescue(rescue_path(store.beside))
    assert (faults, [event.kind for event in rescued][:6]) == ([], ["k"] * 6), "the evidence is kept"


async def test_what_is_rescued_after_something_was_forgotten_goes_in_again(store: Store) -> None:
    journal = store.journal()
    for run in ("left", "closed", "closed", "left"):
        await journal.append(run, "k", {})
    journal.forget("closed")
    await journal.append("left", "k", {})
    assert len(journal.events()) == 3
    journal._medium.insert = _refused  # type: ignore[method-assign]
    journal.note("left", "stop", {})
    await journal.close()
    assert "1 records were not written; all 3 of this process are in" in str(journal.broken)
    again = store.journal()
    assert again.rescued >= 1
    await again.close()
    events = await whole(store)
    assert verify(events) == []
    assert "stop" in [event.kind for event in events]
    assert [row_of(event)[0] for event in events] == list(range(1, len(events) + 1))


def _refused(rows: Any) -> None:
    raise OSError("no")


async def test_everything_goes_but_what_is_told_of_open_runs(store: Store) -> None:
    """The line, the audit, and what is told of a run after its end; whoever asks backwards still finds all of it."""
    journal = store.journal()
    for run in ("open", "line", "interlocks", "maintenance", "audit", "over", "open"):
        await journal.append(run, "k", {"run": run})
    before = list(journal.everything())
    journal.forget_but({"open": None})
    last = await journal.append("open", "k", {})
    assert [event.run for event in journal.events()] == ["open"] * 3
    assert list(reversed(journal.everything())) == [last, *reversed(before)]
    await journal.close()
    assert journal.broken is None


async def test_the_check_goes_on_from_day_to_day(store: Store) -> None:
    """What was in order at the start and is changed later is found by the next look; then there is no other."""
    await filled(store, 30)
    journal = store.journal(held=10)
    checking = asyncio.create_task(journal.keep_checking(every_s=0.01))
    while journal.unverified != 29:  # noqa: ASYNC110  it tells nobody that it has found nothing
        await asyncio.sleep(0.005)
    spoil(store, 7)
    await asyncio.wait_for(checking, 20)
    assert "record 7" in str(journal.damaged)
    assert journal.faults == [journal.damaged]
    await journal.close()


async def test_a_page_that_cannot_be_read_is_damage(tmp_path: Path) -> None:
    store = Store(tmp_path, None)
    await filled(store, 400)
    journal = store.journal(held=10)
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (tmp_path / "s.sqlite").open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xff" * 8192)
    await asyncio.wait_for(journal.keep_checking(), 20)
    assert "the journal is damaged" in str(journal.damaged)
    await journal.close()


async def test_a_store_that_is_out_of_reach_is_no_damage_and_is_asked_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(store, 20)
    journal = store.journal(held=10)
    monkeypatch.setattr("controller.journal.forgetting.UNREADABLE_S", 0.001)
    reading, tries = journal._medium.reading, iter(range(3))

    def away() -> Any:
        if next(tries, None) is not None:
            raise StoreUnusable("the server cannot be reached")
        return reading()

    monkeypatch.setattr(journal._medium, "reading", away)
    checking = asyncio.create_task(journal.keep_checking())
    while journal.unverified:  # noqa: ASYNC110  it tells nobody
        await asyncio.sleep(0.005)
    assert journal.damaged is None
    checking.cancel()
    await asyncio.wait([checking])
    await journal.close()

"""Bypasses: who may, what can never be; journalled first, ended by themselves, told in every run that they touch."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.authority import Role
from controller.dryrun import virtual_utc
from controller.events import Event, EventStream
from controller.executor.run import Run
from controller.guard import Guard, PermissiveMissing
from controller.interlocks import MATRIX, Bypass, Bypasses, BypassRefused, Row, Use
from controller.interlocks.bypass import RUN, moment, told_bypasses
from controller.journal import Journal, JournalError, SqliteJournal, verify
from simulators.clock import run_virtual
from tests.controller.interlock_snapshots import PROFILES, well, with_bit
from tests.controller.recipes_for_tests import quick
from tests.controller.scene import Scene
from tests.controller.test_cli import pressline
from tests.controller.test_interlocks import FakeMachine

BEGUN = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
UNIT = "isostatic-press-1"


def bypass(row: str = "bag tight", role: Role = Role.ENGINEER, minutes: float = 30.0, **more: str) -> Bypass:
    texts = {"unit": UNIT, "who": "A. Person", "reason": "a dummy without a bag", **more}
    until = (BEGUN + timedelta(minutes=minutes)).isoformat()
    return Bypass(row=row, role=role, begun=BEGUN.isoformat(), until=until, **texts)


class Clock:
    """A time of day that is moved by hand."""

    def __init__(self) -> None:
        self.now = BEGUN

    def __call__(self) -> str:
        return self.now.isoformat()


def journal_at(clock: Clock) -> Journal:
    return Journal(EventStream(), clock)


async def begun(bypasses: Bypasses, journal: Journal, wanted: Bypass, kind: str = "isostatic_press") -> None:
    await bypasses.begin(journal, kind, wanted)


# ---------------------------------------------------------------------- who may, and what


@pytest.mark.parametrize("row", [row for row in MATRIX if row.kind], ids=lambda row: f"{row.kind}: {row.name}")
async def test_each_row_is_bypassed_exactly_by_whom_the_matrix_names(row: Row) -> None:
    for role in Role:
        clock, bypasses = Clock(), Bypasses()
        journal = journal_at(clock)
        if role in row.bypassed_by:
            await begun(bypasses, journal, bypass(row.name, role), row.kind)
            assert [item.row for item in bypasses.in_force(journal, UNIT)] == [row.name]
            continue
        with pytest.raises(BypassRefused, match="cannot be bypassed from here" if row.why_never else "may not bypass"):
            await begun(bypasses, journal, bypass(row.name, role), row.kind)
        assert bypasses.in_force(journal) == []
        (refused,) = journal.events()
        assert (refused.kind, refused.data["row"], refused.data["role"]) == ("bypass.refused", row.name, role.value)
        assert row.why_never in refused.data["why"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (bypass("no such row"), "has no row 'no such row'; these can be bypassed: bag tight"),
        (bypass(who=" "), "without who"),
        (bypass(reason=""), "without a reason"),
        (bypass(minutes=0.0), "is over already"),
        (bypass(minutes=-5.0), "is over already"),
        (bypass(minutes=12 * 60 + 1), "at most 12 h at a time"),
    ],
)
async def test_a_bypass_needs_a_row_who_why_and_an_end(wanted: Bypass, words: str) -> None:
    with pytest.raises(BypassRefused, match=words):
        await begun(Bypasses(), journal_at(Clock()), wanted)


async def test_the_longest_bypass_is_a_shift_with_its_handover() -> None:
    await begun(Bypasses(), journal_at(Clock()), bypass(minutes=12 * 60))


def test_it_counts_from_its_beginning_until_before_its_end() -> None:
    wanted = bypass(minutes=30)
    assert [wanted.counts_at(utc) for utc in (wanted.begun, wanted.until)] == [True, False]


# ---------------------------------------------------------------------- journalled first, ends by itself


async def test_it_does_not_count_before_it_is_journalled() -> None:
    clock, bypasses = Clock(), Bypasses()

    class Broken(Journal):
        """A journal whose disk is full."""

        async def _store(self, event: Event) -> None:
            assert bypasses.in_force(self) == []
            raise JournalError("the disk is full")

    journal = Broken(EventStream(), clock)
    with pytest.raises(JournalError):
        await begun(bypasses, journal, bypass())
    assert bypasses.in_force(journal) == []


async def test_it_ends_by_itself_to_the_second_and_the_end_is_told() -> None:
    clock, bypasses = Clock(), Bypasses()
    journal = journal_at(clock)
    await begun(bypasses, journal, bypass(minutes=30))
    clock.now = BEGUN + timedelta(minutes=30) - timedelta(milliseconds=1)
    assert len(bypasses.in_force(journal, UNIT)) == 1
    clock.now = BEGUN + timedelta(minutes=30)
    assert bypasses.in_force(journal, UNIT) == []
    kinds = [(event.kind, event.data.get("active")) for event in journal.events(RUN)]
    assert kinds == [("bypass.begun", None), ("condition", True), ("bypass.ended", None), ("condition", False)]
    assert journal.events(RUN)[2].data["why"] == "its time is over"
    assert bypasses.in_force(journal, UNIT) == []
    assert len(journal.events(RUN)) == 4, "the end is told once"


async def test_it_counts_for_its_unit_only_and_not_before_it_begins() -> None:
    clock, bypasses = Clock(), Bypasses()
    journal = journal_at(clock)
    await begun(bypasses, journal, bypass())
    assert bypasses.in_force(journal, "isostatic-press-2") == []
    clock.now = BEGUN - timedelta(seconds=1)
    assert bypasses.in_force(journal, UNIT) == []
    assert bypasses.end(journal, UNIT, "bag tight", "B. Other", "asked for"), "what does not count yet can be ended"


async def test_somebody_can_end_it_before_its_time() -> None:
    clock, bypasses = Clock(), Bypasses()
    journal = journal_at(clock)
    await begun(bypasses, journal, bypass())
    assert bypasses.end(journal, UNIT, "bag tight", "B. Other", "asked for")
    assert bypasses.in_force(journal, UNIT) == []
    assert not bypasses.end(journal, UNIT, "bag tight", "B. Other", "asked for")
    ((item, at, who),) = told_bypasses(journal.events())
    assert (item.row, at, who) == ("bag tight", clock(), "B. Other")
    assert verify(journal.events()) == []


async def test_what_is_over_by_itself_was_ended_by_nobody_else() -> None:
    clock, bypasses = Clock(), Bypasses()
    journal = journal_at(clock)
    await begun(bypasses, journal, bypass(minutes=30))
    clock.now = BEGUN + timedelta(minutes=31)
    assert not bypasses.end(journal, UNIT, "bag tight", "B. Other", "asked for")
    assert [event.data["why"] for event in journal.events() if event.kind == "bypass.ended"] == ["its time is over"]


async def test_beginning_one_takes_over_those_of_earlier_processes() -> None:
    clock, bypasses = Clock(), Bypasses()
    first = journal_at(clock)
    await begun(Bypasses(), first, bypass())
    journal = Journal(EventStream(), clock, first.events())
    await begun(bypasses, journal, bypass("alarm tilt"), "uniaxial_press")
    assert [item.row for item in bypasses.in_force(journal)] == ["bag tight", "alarm tilt"]


async def test_a_restarted_program_knows_what_the_store_holds(tmp_path: Path) -> None:
    clock = Clock()
    for minutes in (10.0, 30.0):
        journal = SqliteJournal(EventStream(), clock, tmp_path / "store.sqlite")
        await begun(Bypasses(), journal, bypass("bag tight" if minutes == 30.0 else "alarm tilt", minutes=minutes),
                    "isostatic_press" if minutes == 30.0 else "uniaxial_press")  # fmt: skip
        await journal.close()
    clock.now = BEGUN + timedelta(minutes=20)
    later = SqliteJournal(EventStream(), clock, tmp_path / "store.sqlite")
    bypasses = Bypasses()
    bypasses.recall(later)
    assert [item.row for item in bypasses.in_force(later)] == ["bag tight"]
    bypasses.recall(later)
    assert len(bypasses.in_force(later)) == 1
    await later.close()


# ---------------------------------------------------------------------- clocks


def test_a_clock_that_is_set_back_does_not_lengthen_it() -> None:
    async def main() -> list[bool]:
        clock, bypasses = Clock(), Bypasses()
        journal = journal_at(clock)
        await begun(bypasses, journal, bypass(minutes=30))
        counts = []
        for minutes in (29.0, 1.0):
            await asyncio.sleep(60.0 * minutes)
            clock.now = BEGUN + timedelta(minutes=1)  # whatever the time of day says
            counts.append(bool(bypasses.in_force(journal, UNIT)))
        assert [event.data["why"] for event in journal.events() if event.kind == "bypass.ended"] == ["its time is over"]
        return counts

    assert run_virtual(main()) == [True, False]


def test_beginning_another_one_does_not_lengthen_it_with_a_clock_that_was_set_back() -> None:
    async def main() -> list[str]:
        clock, bypasses = Clock(), Bypasses()
        journal = journal_at(clock)
        await begun(bypasses, journal, bypass(minutes=30))
        await asyncio.sleep(60.0 * 29)
        clock.now = BEGUN + timedelta(minutes=1)
        await begun(bypasses, journal, bypass("alarm tilt", minutes=30), "uniaxial_press")
        await asyncio.sleep(60.0 * 2)
        return [item.row for item in bypasses.in_force(journal)]

    assert run_virtual(main()) == ["alarm tilt"]


@pytest.mark.parametrize(("then", "sleeps_min", "counts"), [(20.0, 9.0, True), (20.0, 11.0, False), (31.0, 0.0, False)])
def test_a_clock_that_was_set_back_between_two_programs_does_not_lengthen_it(
    then: float, sleeps_min: float, counts: bool
) -> None:
    """What is left of it is counted from the latest time that the journal has seen since it began."""

    async def main() -> bool:
        clock = Clock()
        clock.now = BEGUN + timedelta(days=900)
        first = journal_at(clock)
        first.note("run", "before", {})  # a clock that was far ahead, and was put right before the bypass
        clock.now = BEGUN
        await begun(Bypasses(), first, bypass(minutes=30))
        clock.now = BEGUN + timedelta(minutes=then)
        first.note("run", "later", {})
        clock.now = BEGUN + timedelta(minutes=1)
        bypasses, second = Bypasses(), Journal(EventStream(), clock, first.events())
        bypasses.recall(second)
        await asyncio.sleep(60.0 * sleeps_min)
        return bool(bypasses.in_force(second, UNIT))

    assert run_virtual(main()) is counts


async def test_the_end_of_one_of_two_is_neither_the_others_end_nor_the_alarms() -> None:
    """Two rows of a unit, and one row twice: the alarm of a row goes when the last bypass of it ends."""
    clock, bypasses = Clock(), Bypasses()
    journal = journal_at(clock)
    longer = Bypass(**{**asdict(bypass(minutes=40)), "begun": (BEGUN + timedelta(minutes=1)).isoformat()})
    for wanted in (bypass(minutes=10), longer):
        await begun(bypasses, journal, wanted)
    tilt = bypass("alarm tilt", minutes=20)
    await begun(bypasses, journal, tilt, "uniaxial_press")
    told = []
    for minutes in (15, 25, 45):
        clock.now = BEGUN + timedelta(minutes=minutes)
        live = bypasses.in_force(journal, UNIT)
        again = Bypasses()
        again.recall(Journal(EventStream(), clock, journal.events()))
        assert set(again._ends_s) == set(live)
        assert [item for item, at, _ in told_bypasses(journal.events()) if at is None] == live
        last = [event.data for event in journal.events() if event.kind == "condition"][-1]
        told.append((last["item"], last["active"], last["message"]))
        assert (last["name"], last["unit"]) == ("interlock_bypassed", UNIT)
    assert told == [
        (longer.row, True, longer.words),
        (tilt.row, False, tilt.words),
        (longer.row, False, longer.words),
    ]
    assert bypasses.are_none


async def test_an_end_of_an_older_journal_ends_all_of_its_row() -> None:
    """Such an end does not say which one it means."""
    journal = journal_at(Clock())
    for minutes in (10, 20):
        journal.note(RUN, "bypass.begun", bypass(minutes=minutes).data)
    journal.note(RUN, "bypass.ended", {"unit": UNIT, "row": "bag tight", "who": "A", "why": "asked for"})
    bypasses = Bypasses()
    bypasses.recall(journal)
    assert bypasses.are_none


@pytest.mark.parametrize("rows", [["bag tight"], ["bag tight", "alarm tilt"]])
async def test_what_another_program_ended_meanwhile_is_in_force_no_more(rows: list[str]) -> None:
    clock, bypasses = Clock(), Bypasses()
    first = journal_at(clock)
    kinds = {"bag tight": "isostatic_press", "alarm tilt": "uniaxial_press"}
    for row in rows:
        await begun(bypasses, first, bypass(row), kinds[row])
    other = Bypasses()
    elsewhere = Journal(EventStream(), clock, first.events())
    other.recall(elsewhere)
    assert other.end(elsewhere, UNIT, "bag tight", "B. Other", "done")
    later = Journal(EventStream(), clock, [*first.events(), *elsewhere.events()])
    bypasses.recall(later)
    assert [item.row for item in bypasses.in_force(later, UNIT)] == rows[1:]


def test_a_time_without_an_offset_is_utc() -> None:
    assert moment("2026-01-01T12:00:00") == moment("2026-01-01T13:00:00+01:00")


# ---------------------------------------------------------------------- what it does


async def guard_with(row: str, kind: str) -> tuple[Guard, Journal]:
    clock, bypasses = Clock(), Bypasses()
    journal = journal_at(clock)
    await bypasses.begin(journal, kind, bypass(row, unit="press"))
    return Guard(journal, "run", bypasses=bypasses), journal


def test_a_bypassed_permissive_lets_the_command_through_and_the_run_says_so() -> None:
    async def work() -> tuple[Any, list[Event]]:
        guard, journal = await guard_with("bag tight", "isostatic_press")
        profile = PROFILES["isostatic_press"]
        machine = FakeMachine("isostatic_press", with_bit(profile, well(profile), "bag_ok", on=False))
        await guard.start(machine)  # type: ignore[arg-type]
        return machine.sent, journal.events("run")

    sent, events = run_virtual(work())
    assert sent == ["start"]
    met = [event.data for event in events if event.kind == "bypass.met"]
    assert [data["counted"] for data in met] == [False, True]
    assert all((data["who"], data["row"]) == ("A. Person", "bag tight") for data in met)


def test_a_bypass_that_was_not_needed_is_told_as_met_and_not_as_counted() -> None:
    async def work() -> list[Event]:
        guard, journal = await guard_with("bag tight", "isostatic_press")
        await guard.start(FakeMachine("isostatic_press", well(PROFILES["isostatic_press"])))  # type: ignore[arg-type]
        return journal.events("run")

    assert [event.data["counted"] for event in run_virtual(work()) if event.kind == "bypass.met"] == [False]


def test_a_bypassed_row_helps_no_other_row() -> None:
    async def work() -> list[Event]:
        guard, journal = await guard_with("bag tight", "isostatic_press")
        profile = PROFILES["isostatic_press"]
        values = with_bit(profile, well(profile), "bag_ok", on=False)
        machine = FakeMachine("isostatic_press", with_bit(profile, values, "estop_ok", on=False))
        with pytest.raises(PermissiveMissing, match=r"^press has an open safety chain$"):
            await guard.start(machine)  # type: ignore[arg-type]
        assert machine.sent == []
        return journal.events("run")

    assert not [event for event in run_virtual(work()) if event.data.get("counted")]


def test_a_bypass_shows_in_every_run_that_it_touches(tmp_path: Path) -> None:
    """In the run's journal, in its record and, by its messages, on its certificate."""
    now = datetime.fromisoformat(virtual_utc(0.0))
    wanted = Bypass(
        UNIT,
        "bag tight",
        Role.ENGINEER,
        "A. Person",
        "a dummy",
        now.isoformat(),
        (now + timedelta(hours=8)).isoformat(),
    )

    async def act(scene: Scene, run: Run) -> None:
        scene.line.bypasses._count(wanted, now)  # as if an earlier process had journalled it

    scene = Scene("coater-1", "coat", act, recipe=quick(tmp_path / "quick.yaml")).play()
    (entry,) = scene.record["bypasses"]
    assert (entry["unit"], entry["row"], entry["who"], entry["counted"]) == (UNIT, "bag tight", "A. Person", False)
    assert wanted.words in scene.record["messages"]
    assert scene.record["state"] == "complete"
    assert [event.data["counted"] for event in scene.kinds("bypass.met")] == [False]


# ---------------------------------------------------------------------- the command


def test_the_command_journals_lists_and_ends_a_bypass(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    ask: list[str | Path] = ["interlocks", "bypass", UNIT, "bag tight", "--reason", "a dummy"]
    ask += ["--by", "A. Person", "--store", store]
    begun = pressline(*ask, "--role", "engineer", "--for", "30")
    assert begun.exit_code == 0
    assert "bag tight is bypassed by A. Person (engineer) until " in begun.output
    (told,) = json.loads(pressline("interlocks", "bypassed", "--store", store, "--json").output)["bypasses"]
    assert (told["in_force"], told["reason"], told["ended"]) == (True, "a dummy", None)
    assert "[in force]" in pressline("interlocks", "bypassed", "--store", store).output
    ended = pressline("interlocks", "end", UNIT, "bag tight", "--by", "B. Other", "--store", store)
    assert (ended.exit_code, ended.output) == (0, f"{UNIT}: bag tight counts again\n")
    assert pressline("interlocks", "end", UNIT, "bag tight", "--store", store).exit_code == 1
    assert "by B. Other]" in pressline("interlocks", "bypassed", "--store", store).output


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"--role": "operator"}, 1, "the role operator may not bypass a row; engineer may"),
        ({"--role": "king"}, 2, "there is no role 'king'; there are viewer, operator, engineer, administrator"),
        ({"row": "closure locked"}, 1, "cannot be bypassed from here: an open closure under pressure kills"),
        ({"unit": "press-9"}, 2, "the line has no press-9"),
        ({"--for": "0"}, 1, "is over already"),
        ({"--for": "1e12"}, 2, "no time of day is that far away"),
        ({"--line": "missing.toml"}, 2, "missing.toml"),
    ],
)
def test_what_is_refused_is_told_in_words(change: dict[str, str], code: int, words: str, tmp_path: Path) -> None:
    options = {"--reason": "r", "--role": "engineer", "--for": "30", "--store": str(tmp_path / "s.sqlite")} | change
    unit, row = options.pop("unit", UNIT), options.pop("row", "bag tight")
    ended = pressline("interlocks", "bypass", unit, row, *(part for pair in options.items() for part in pair))
    assert ended.exit_code == code, ended.output
    assert words in ended.output + ended.stderr


def test_a_store_that_a_service_writes_to_is_that_services(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"

    async def work() -> int:
        journal = SqliteJournal(EventStream(), Clock(), store)
        options = ["--reason", "r", "--role", "engineer", "--for", "1", "--store", str(store)]
        try:
            return await asyncio.to_thread(
                lambda: pressline("interlocks", "bypass", UNIT, "bag tight", *options).exit_code
            )
        finally:
            await journal.close()

    assert asyncio.run(work()) == 2
    assert pressline("interlocks", "bypassed", "--store", tmp_path / "none.sqlite").exit_code == 2


def test_use_is_named() -> None:
    assert {use.value for use in Use} == {"load", "start", "restart", "reset", "write by hand"}

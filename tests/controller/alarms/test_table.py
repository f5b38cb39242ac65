"""The alarm table: complete for what the machines show and the program tells, and no row in vain."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import pytest

from controller.alarms.definition import Definition, FromBit, FromCondition, FromEvent, FromValue, FromWatch, Priority
from controller.alarms.mapping import CONDITION, EventMapping
from controller.alarms.record import KINDS
from controller.alarms.server import AlarmServer
from controller.alarms.table import ANY_CONDITION, TABLE_FILE, AlarmTable, TableWrong, shipped_table, table_of
from controller.alarms.watch import ANY_BIT, MachineWatch, Measured, Seen
from controller.events import Event, EventStream
from controller.journal import Journal
from drivers.profile import Profile
from drivers.profile_file import load_profile, shipped_profiles
from drivers.reading import LinkChange, Snapshot
from simulators.clock import run_virtual
from tests.controller.alarms.told import conditions_told, kinds_told

TABLE = shipped_table()
ROWS = TABLE.definitions
MACHINES = {profile.kind: profile for name in shipped_profiles() if (profile := load_profile(name)).is_machine}
BITS = [(profile, bit) for profile in MACHINES.values() for bit in profile.signals["alarm_bits"].bits]


def names_of(source: type, **having: Any) -> list[Definition]:
    return [
        row
        for row in ROWS.values()
        if isinstance(row.source, source) and all(getattr(row.source, k) == v for k, v in having.items())
    ]


def values_of(profile: Profile, **given: float) -> dict[str, float]:
    """Values that a machine of this profile could show: everything off and zero, but for what is given."""
    quiet = {
        name: 0.0 if signal.range is None else max(0.0, signal.range[0]) for name, signal in profile.signals.items()
    }
    return {**quiet, **given}


def word(profile: Profile, *bits: str) -> dict[str, float]:
    """The words in which these bits are on; what is on in peace is on."""
    found: dict[str, float] = {}
    for bit in {*bits, "estop_ok"} - ({"estop_ok"} if "-estop_ok" in bits else set()) - {"-estop_ok"}:
        signal, place = profile.bit_places[bit]
        found[signal] = int(found.get(signal, 0)) | 1 << place
    return found


def shown(profile: Profile, **values: float) -> set[str]:
    """The names of the alarms whose conditions a machine that shows these values has."""
    watch = MachineWatch("unit-1", profile, TABLE)
    watch.setpoints = {"zone1_sp_c": 90.0, "zone2_sp_c": 90.0}
    snapshot = Snapshot.of("unit-1", profile, 1000.0, values)
    found = set()
    for one in watch.changes(snapshot):
        if (isinstance(one, Seen) and one.active) or (isinstance(one, Measured) and abs(one.value) > 4.0):
            found.add(one.key.name)
    return found


# ---------------------------------------------------------------- what there is has a row


@pytest.mark.parametrize(("profile", "bit"), BITS, ids=[f"{p.kind}-{b}" for p, b in BITS])
def test_every_alarm_bit_of_every_shipped_machine_raises_an_alarm_of_its_own(profile: Profile, bit: str) -> None:
    rows = [row.name for row in names_of(FromBit, signal="alarm_bits", bit=bit) if profile.kind in row.source.kinds]  # type: ignore[union-attr]
    assert len(rows) == 1
    peace = shown(profile, **values_of(profile, **word(profile)))
    assert shown(profile, **values_of(profile, **word(profile, bit))) - peace == set(rows)


def test_every_told_condition_has_a_row() -> None:
    mapping = EventMapping(TABLE)
    told = conditions_told()
    assert {"interlock_bypassed", "journal_unwritable", "prompt_unanswered"} <= set(told), "the reading finds them"
    without = {
        name: place for name, place in told.items() if mapping.row_of(name).source == FromCondition(ANY_CONDITION)
    }
    assert without == {}, "give each a row in controller/alarms/table.yaml"


def test_every_kind_of_event_raises_an_alarm_or_is_said_to_need_none() -> None:
    told = kinds_told()
    assert {"run.state", "command.refused", "condition", "lab.entered"} <= set(told), "the reading finds them"
    known = {row.source.raised.kind for row in names_of(FromEvent)} | set(TABLE.quiet) | {CONDITION}  # type: ignore[union-attr]
    without = {kind: place for kind, place in told.items() if kind not in known | KINDS}
    assert without == {}, "give each a row, or say under `quiet` in controller/alarms/table.yaml why it needs none"


def test_no_row_waits_for_a_kind_or_a_condition_that_nobody_tells() -> None:
    rows = [row.source for row in names_of(FromEvent)]
    matches = [match for source in rows for match in (source.raised, *source.until)]  # type: ignore[union-attr]
    assert {match.kind for match in matches} | set(TABLE.quiet) <= set(kinds_told())
    told = [EventMapping(TABLE).row_of(name).name for name in conditions_told()]
    waiting = {row.name for row in names_of(FromCondition)} - {*told, "condition_told"}
    assert waiting <= {"journal_rescued"}


def test_no_kind_has_a_row_and_is_quiet() -> None:
    raising = {row.source.raised.kind for row in names_of(FromEvent)}  # type: ignore[union-attr]
    assert raising & set(TABLE.quiet) == set()


# ---------------------------------------------------------------- no row is in vain


def event(kind: str, data: Mapping[str, Any], run: str = "run-1") -> Event:
    return Event(1, run, kind, data, 0.0, "2026-01-01T00:00:00+00:00", "", "")


def reached(row: Definition) -> set[str]:
    """The names of the alarms that the row's own source raises."""
    mapping = EventMapping(TABLE)
    match row.source:
        case FromBit(kinds, _, bit, on):
            profile = MACHINES[kinds[0]]
            if bit == ANY_BIT:
                return {row.name}  # shown by the test of a profile with bits of its own
            given = word(profile, bit) if on else word(profile, "-estop_ok")
            return shown(profile, **values_of(profile, **given))
        case FromValue(kinds, signal):
            profile = MACHINES[kinds[0]]
            return shown(profile, **values_of(profile, **word(profile), **{signal: 50.0}))
        case FromEvent(raised, _, _, example):
            found = [c for c in mapping.changes(event(raised.kind, example)) if c.active is not False]
            return {change.key.name for change in found}
        case FromCondition(name):
            told = {"name": _example(name), "unit": None, "active": True, "message": "m"}
            return {change.key.name for change in mapping.changes(event(CONDITION, told))}
        case FromWatch("link", reason):
            watch = MachineWatch("u", MACHINES["coater"], TABLE)
            change = LinkChange("u", up=False, reason=reason or "no answer", time_s=0.0)
            return {seen.key.name for seen in watch.linked(change) if seen.active}
        case FromWatch("values"):
            profile = MACHINES["uniaxial_press"]
            return shown(profile, **values_of(profile, **word(profile), force_pv_kn=float("nan")))
        case FromWatch("flood"):
            return {row.name} if _floods(row.name) else set()
    return set()


def _example(name: str) -> str:
    if name == ANY_CONDITION:
        return "never_heard_of"
    if not name.startswith("~"):
        return name
    found = [told for told in conditions_told() if re.search(name[1:], told)]
    return found[0] if found else "x" + name.strip("~^$")


def _floods(name: str) -> bool:
    async def main() -> bool:
        journal = Journal(EventStream(), lambda: "2026-01-01T00:00:00+00:00")
        server = AlarmServer({}, journal, TABLE)
        for number in range(11):
            told = {"name": f"odd_{number}", "unit": "u", "active": True, "message": "m"}
            server.take(event(CONDITION, told))
        return any(alarm.key.name == name for alarm in server.standing())

    return run_virtual(main())


@pytest.mark.parametrize("name", list(ROWS))
def test_every_row_is_reached_by_its_source(name: str) -> None:
    assert name in reached(ROWS[name])


def test_a_bit_that_only_a_users_profile_has_is_an_alarm_too(tmp_path: Any) -> None:
    text = re.sub(r"(name: alarm_bits,.*bits: \[)", r"\g<1>coolant_low, ", load_text("uniaxial-press-generic"))
    file = tmp_path / "press.yaml"
    file.write_text(text.replace("profile: uniaxial-press-generic", "profile: press"))
    profile = load_profile(file)
    text = re.sub(r"coolant_low, ", r"coolant_low, door_open, ", text)
    file.write_text(text.replace("profile: uniaxial-press-generic", "profile: press"))
    profile = load_profile(file)
    assert shown(profile, **values_of(profile, **word(profile, "coolant_low"))) - {"value_bad"} == {"machine_alarm"}
    watch = MachineWatch("u", profile, TABLE)
    for bits, told in ((("coolant_low",), "u/coolant_low"), (("coolant_low", "door_open"), "u/door_open")):
        values = values_of(profile, **word(profile, *bits))
        watch.wants(snapshot := Snapshot.of("u", profile, 1.0, values))
        found = [one.key for one in watch.changes(snapshot) if isinstance(one, Seen) and one.active]
        assert [key.subject for key in found if key.name == "machine_alarm"] == [told]


def load_text(profile: str) -> str:
    from drivers import profile_file

    return (profile_file._FOLDER / f"{profile}.yaml").read_text(encoding="utf-8")


def test_a_machine_in_peace_has_no_alarm() -> None:
    for kind in ("uniaxial_press", "isostatic_press", "roll_press"):
        profile = MACHINES[kind]
        assert shown(profile, **values_of(profile, **word(profile), machine_state=4.0)) - {"value_bad"} == set()


@pytest.mark.parametrize("bad", [{"phase": 99.0}, {"status_bits": float("nan")}])
def test_a_word_that_cannot_be_read_hides_no_alarm_of_another_word(bad: dict[str, float]) -> None:
    profile = MACHINES["coater"]
    assert "coater_lel_high" in shown(profile, **{**values_of(profile, **word(profile, "lel_high")), **bad})


def test_what_cannot_be_read_is_looked_at_in_every_snapshot_until_it_can() -> None:
    profile = MACHINES["coater"]
    watch = MachineWatch("u", profile, TABLE)
    good = values_of(profile, **word(profile, "lel_warning"))

    def names(time_s: float, **bad: float) -> set[str] | None:
        snapshot = Snapshot.of("u", profile, time_s, {**good, **bad})
        watch._excerpt = lambda _: [1]  # the raw words stay as they are
        found = watch.changes(snapshot) if watch.wants(snapshot) else None
        return found if found is None else {one.key.name for one in found if isinstance(one, Seen) and one.active}

    assert names(1.0, status_bits=float("nan")) == {"value_bad"}
    assert names(2.0, status_bits=float("nan")) == set()
    assert names(3.0) == {"coater_lel_warning"}
    assert names(4.0) is None


def test_each_bad_value_is_an_alarm_of_its_own_and_a_lost_machine_is_not_one_for_each() -> None:
    profile = MACHINES["uniaxial_press"]
    watch = MachineWatch("u", profile, TABLE)
    good = values_of(profile, **word(profile), machine_state=4.0, command_code=1.0)

    def bad(time_s: float, **values: float) -> dict[str, bool]:
        snapshot = Snapshot.of("u", profile, time_s, {**good, **values})
        found = [one for one in watch.changes(snapshot) if isinstance(one, Seen) and one.key.name == "value_bad"]
        return {one.key.subject: one.active for one in found}

    nan = float("nan")
    first = bad(0.0, force_pv_kn=nan)
    assert [subject for subject, active in first.items() if active] == ["u/force_pv_kn"]
    assert bad(200.0, force_pv_kn=nan, oil_pressure_mpa=nan) == {"u/oil_pressure_mpa": True}
    assert bad(400.0) == {"u/force_pv_kn": False, "u/oil_pressure_mpa": False}
    assert bad(600.0, **dict.fromkeys(good, nan)) == {}


# ---------------------------------------------------------------- what a row may say


def test_what_protects_people_is_never_shelved_nor_out_of_service() -> None:
    protected = [row for row in ROWS.values() if row.alarm_class == "safety"]
    assert {"vessel_closure_fault", "coater_lel_high", "press_guard_opened", "vessel_over_pressure"} <= {
        row.name for row in protected
    }
    assert [row.name for row in protected if row.shelve_max_s or row.removable] == []


def test_a_lost_watchdog_is_shelved_for_ten_minutes_at_most_and_never_out_of_service() -> None:
    for name in ("link_down", "heartbeat_still"):
        assert 0 < ROWS[name].shelve_max_s <= 600
    for row in ROWS.values():
        if row.alarm_class == "link" and row.name != "value_bad":
            assert not row.removable
            assert row.shelve_max_s <= 600


def test_whoever_may_be_hurt_has_a_critical_or_high_alarm() -> None:
    for row in ROWS.values():
        if row.severity == "people":
            assert row.priority in (Priority.CRITICAL, Priority.HIGH)


def test_the_critical_ones_are_the_safety_class_or_a_command_that_did_not_arrive() -> None:
    critical = {row.name for row in ROWS.values() if row.priority is Priority.CRITICAL}
    assert {name for name in critical if ROWS[name].alarm_class != "safety"} == {"command_undelivered"}


def test_every_row_says_what_to_do_in_words_of_its_own() -> None:
    for row in ROWS.values():
        for words in (row.cause, row.consequence, row.automatic, row.action):
            assert words
            assert not words.endswith(".")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("priority: high", "priority: low", "its priority is low"),
        ("class: safety", "class: odd", "its class odd is not described"),
        ("severity: machine", "severity: odd", "its severity odd"),
        ("respond_s: 300", "respond_s: 30", "leaves 30 s"),
        ("respond_s: 300", "shelve_max_s: -1\n    respond_s: 300", "is negative"),
        ("respond_s: 300", "deadband: 1\n    respond_s: 300", "a deadband and no value"),
        ("respond_s: 300", "suppressed_by: odd\n    respond_s: 300", "suppressed by odd"),
        ("respond_s: 300", "odd: 1\n    respond_s: 300", "which is no column"),
        ("    cause: the proportional", "    ", "lacks cause"),
        ("{bit: over_force", "{bot: over_force", "no source"),
        ("name: press_tilt", "name: press_over_force", "two rows"),
    ],
)
def test_a_wrong_row_is_told(old: str, new: str, complaint: str) -> None:
    text = TABLE_FILE.read_text(encoding="utf-8")
    start = text.index("- name: press_over_force")
    changed = text[:start] + text[start:].replace(old, new, 1)
    if old.startswith("    cause"):
        changed = re.sub(r"\n    cause: the proportional[^\n]*", "", text, count=1)
    with pytest.raises(TableWrong, match=complaint):
        table_of(changed)


def test_the_table_is_the_same_however_often_it_is_read() -> None:
    assert isinstance(TABLE, AlarmTable)
    assert table_of(TABLE_FILE.read_text(encoding="utf-8")) == TABLE
    assert asyncio.iscoroutinefunction(AlarmServer.run)

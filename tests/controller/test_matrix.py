"""The matrix, said a second time: what each row permits, where it is watched, what follows, and what it protects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.authority import Role
from controller.interlocks import MATRIX, Group, InterlockWatch, Use, missing, row_named, rows_of, tripped
from controller.interlocks.row import NEVER
from drivers.profile import Profile
from drivers.reading import Snapshot
from tests.controller.interlock_snapshots import PROFILES, snapshot, well, with_bit

ALL = "prepare approach ramp dwell release held coat run_out roll"
NO_LOCK = "prepare approach release held coat run_out roll"
NO_HOLD = "prepare approach ramp dwell release coat run_out roll"
COMMON = f"""
remote mode        | load start restart reset | {ALL} | hold   | run | STATE
idle               | load start               |       | refuse | no  | STATE
finished           | reset                    |       | refuse | no  | STATE
no machine alarm   | load start               |       | refuse | no  | STATE
no other alarm     | restart                  |       | refuse | no  | STATE
safety chain       | load start restart reset | {ALL} | stop   | run | SAFETY
machine hears us   | load start restart reset | {ALL} | hold   | run | LINK
"""
ROWS = {
    "uniaxial_press": f"""{COMMON}
guard closed              | load start restart | {ALL}           | stop   | run     | SAFETY
two-hand control          |                    | approach        | stop   | run     | SAFETY
unloaded                  | load start reset   |                 | refuse | no      | PRESSURE
ram at the top            | load start reset   |                 | refuse | no      | PRESSURE
relief valve closed       | load start restart | ramp dwell held | stop   | run     | PRESSURE
alarm over force          |                    | {ALL}           | stop   | machine | PRESSURE
alarm over temperature    |                    | {ALL}           | stop   | machine | HEAT
alarm tilt                |                    | {ALL}           | stop   | machine | GEOMETRY
alarm force leak          |                    | {ALL}           | stop   | machine | PRESSURE
alarm link lost           |                    | {ALL}           | hold   | machine | LINK
alarm guard opened        |                    | {ALL}           | stop   | machine | SAFETY
alarm two hand released   |                    | {ALL}           | stop   | machine | SAFETY
""",
    "isostatic_press": f"""{COMMON}
closure locked            |                    | ramp dwell      | stop   | run     | CLOSURE
closure locked until zero | restart            | {NO_LOCK}       | stop   | run     | CLOSURE
zero proven               | load start reset   |                 | refuse | no      | PRESSURE
sensors at zero           | load start reset   |                 | refuse | no      | PRESSURE
sensors agree             | load start restart | {ALL}           | stop   | run     | PRESSURE
relief valve closed       | load start restart | ramp dwell held | stop   | run     | PRESSURE
bag tight                 | load start         | ramp dwell      | hold   | run     | MATERIAL
alarm over pressure       |                    | {ALL}           | stop   | machine | PRESSURE
alarm over temperature    |                    | {ALL}           | stop   | machine | HEAT
alarm sensor disagreement |                    | {ALL}           | stop   | machine | PRESSURE
alarm pressure leak       |                    | {ALL}           | stop   | machine | PRESSURE
alarm link lost           |                    | {ALL}           | hold   | machine | LINK
alarm closure fault       |                    | {ALL}           | stop   | machine | CLOSURE
""",
    "coater": f"""{COMMON}
guards closed             | load start         | {ALL}           | hold   | run     | SAFETY
exhaust                   | load start         | {ALL}           | hold   | run     | AIR
fan                       | load start         | {ALL}           | hold   | run     | AIR
no vapour                 | load start         |                 | refuse | no      | AIR
vapour below its trip     |                    | {ALL}           | hold   | run     | AIR
web                       | load start         | {NO_HOLD}       | hold   | run     | MATERIAL
web at rest               | load start reset   |                 | refuse | no      | STATE
alarm lel high            |                    | {ALL}           | hold   | machine | AIR
alarm web break           |                    | {ALL}           | hold   | machine | MATERIAL
alarm over temperature    |                    | {ALL}           | hold   | machine | HEAT
alarm exhaust low         |                    | {ALL}           | hold   | machine | AIR
alarm link lost           |                    | {ALL}           | hold   | machine | LINK
alarm guard opened        |                    | {ALL}           | hold   | machine | SAFETY
alarm web stopped         |                    | {ALL}           | hold   | machine | AIR
alarm tension low         |                    | {ALL}           | hold   | machine | MATERIAL
""",
    "roll_press": f"""{COMMON}
nip guard closed          | load start restart | {ALL}           | stop   | run     | SAFETY
nip open                  | load start reset   |                 | refuse | no      | PRESSURE
web at rest               | load start reset   |                 | refuse | no      | STATE
web                       | load start restart | {NO_HOLD}       | hold   | run     | MATERIAL
alarm over load           |                    | {ALL}           | stop   | machine | PRESSURE
alarm over temperature    |                    | {ALL}           | stop   | machine | HEAT
alarm gap uneven          |                    | {ALL}           | hold   | machine | GEOMETRY
alarm line load lost      |                    | {ALL}           | hold   | machine | MATERIAL
alarm link lost           |                    | {ALL}           | hold   | machine | LINK
alarm nip guard opened    |                    | {ALL}           | stop   | machine | SAFETY
alarm web break           |                    | {ALL}           | hold   | machine | MATERIAL
""",
    "": """
maintenance mode          | write              |                 | refuse | no      | STATE
at rest                   | write              |                 | refuse | no      | STATE
nobody's                  | write              |                 | refuse | no      | LINK
""",
}
"""Each row of each kind in its order: its name, permissive for (write: by hand), watched in, effect, latched, group."""


@pytest.mark.parametrize("kind", list(ROWS))
def test_every_row_is_as_it_is_said_here(kind: str) -> None:
    said = [[cell.strip() for cell in line.split("|")] for line in ROWS[kind].splitlines() if line]
    rows = [row for row in MATRIX if row.kind == kind]
    assert [row.name for row in rows] == [cells[0] for cells in said]
    for row, (_, permits, phases, *others) in zip(rows, said, strict=True):
        assert {use.value.split()[0] for use in row.permits} == set(permits.split()), row.name
        assert row.phases == set(phases.split()), row.name
        assert [row.effect.value, row.latch.value, row.group.name] == others, row.name
        assert bool(row.trip_words) == bool(row.phases), f"{row.name}: the words of a working machine are its own"


def test_what_keeps_a_row_from_being_bypassed_is_said_for_its_own_group() -> None:
    words = {
        Group.SAFETY: "safety chain",
        Group.CLOSURE: "open closure",
        Group.PRESSURE: "pressure is proven",
        Group.AIR: "vapour",
        Group.LINK: "hear us",
        Group.STATE: "not ready",
        Group.HEAT: "heater",
    }
    assert set(NEVER) == set(words)
    assert [group for group, word in words.items() if word not in NEVER[group]] == []
    for row in MATRIX:
        assert row.bypassed_by == (set() if row.group in words else {Role.ENGINEER})


def test_a_kind_has_no_row_of_one_whose_name_is_in_its_own() -> None:
    assert {row.kind for row in rows_of("coater_and_dryer")} == {""}
    assert row_named("coater_and_dryer", "fan") is None
    assert row_named("coater_and_dryer", "at rest") is not None


# ---------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("kind", "row", "signal", "most"),
    [
        ("uniaxial_press", "unloaded", "force_pv_kn", 4.99),
        ("uniaxial_press", "unloaded", "force_pv_kn", -4.99),
        ("isostatic_press", "sensors at zero", "pressure_a_mpa", 11.99),
        ("isostatic_press", "sensors at zero", "pressure_b_mpa", 11.99),
        ("coater", "no vapour", "lel_pct", 24.99),
        ("coater", "vapour below its trip", "lel_pct", 49.99),
    ],
)
def test_a_value_holds_until_its_limit_and_not_at_it(kind: str, row: str, signal: str, most: float) -> None:
    profile, found = PROFILES[kind], row_named(kind, row)
    assert found is not None
    assert found.condition.holds(snapshot(profile, {**well(profile), signal: most}))
    assert not found.condition.holds(snapshot(profile, {**well(profile), signal: most + (0.01 if most > 0 else -0.01)}))


@pytest.mark.parametrize("state", sorted(PROFILES["coater"].enums["packml_state"]))
def test_a_job_is_over_and_a_machine_at_rest_in_these_states_only(state: str) -> None:
    profile = PROFILES["coater"]
    seen = snapshot(profile, {**well(profile), "machine_state": float(profile.number("packml_state", state))})
    for name, states in (
        ("finished", {"STOPPED", "ABORTED", "COMPLETE"}),
        ("at rest", {"STOPPED", "ABORTED", "COMPLETE", "IDLE"}),
        ("idle", {"IDLE"}),
    ):
        row = row_named("coater", name)
        assert row is not None
        assert row.condition.holds(seen) == (state in states), name


@pytest.mark.parametrize(("alarm", "words"), [("link_lost", 0), ("tilt", 1)])
def test_a_machine_is_restarted_with_no_alarm_but_that_of_the_link(alarm: str, words: int) -> None:
    profile = PROFILES["uniaxial_press"]
    held = with_bit(profile, well(profile, "HELD", "held"), alarm, on=True)
    assert len(missing("uniaxial_press", snapshot(profile, held), Use.RESTART)) == words


def test_a_row_whose_value_a_machine_does_not_show_does_not_apply() -> None:
    """Nor is anything raised of it: a watch that ends watches nothing."""
    profile = PROFILES["coater"]
    own = replace(profile, signals={name: signal for name, signal in profile.signals.items() if name != "lel_pct"})
    seen = snapshot(own, well(own, "EXECUTE", "coat"))
    assert tripped("coater", seen, "coat") == []
    assert watching(own).look(seen) is None
    stands = with_bit(own, well(own, "EXECUTE", "coat"), "fan_running", on=False)
    trip = watching(own).look(snapshot(own, stands))
    assert trip is not None
    assert trip.rows == ("fan",)


def watching(profile: Profile) -> InterlockWatch:
    return InterlockWatch("unit", profile, lambda *_: None)


def test_alarm_bits_and_words_agree_with_their_rows() -> None:
    """A trip is told by the word of the register document, whatever the row is called."""
    profile = PROFILES["uniaxial_press"]
    seen: Snapshot = snapshot(profile, with_bit(profile, well(profile, "EXECUTE", "ramp"), "force_leak", on=True))
    trip = watching(profile).look(seen)
    assert trip is not None
    assert trip.reason == "unit: reports force_leak"

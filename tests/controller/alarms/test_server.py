"""What machines show and what is told becomes alarms, alarms become events, and both outlive the program."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from controller.alarms.alarm import AlarmKey
from controller.alarms.flood import BEGINS_ABOVE, WINDOW_S
from controller.alarms.server import Item
from controller.alarms.states import AlarmRefused, AlarmState
from controller.dryrun import virtual_utc
from controller.events import EventStream
from controller.journal import SqliteJournal, read_events
from drivers.reading import Snapshot
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.controller.alarms.stage import Stage, play

PRESS, VESSEL, COATER = "uniaxial-press-1", "isostatic-press-1", "coater-1"


def test_a_machines_alarm_bit_raises_its_alarm_and_its_reset_returns_it() -> None:
    async def act(stage: Stage) -> None:
        plc = stage.simulated.machines[PRESS].plc
        plc.alarms.add("tilt")
        await asyncio.sleep(3.0)
        alarm = stage.alarm("press_tilt", PRESS)
        assert alarm.state is AlarmState.UNACKNOWLEDGED
        assert alarm.text == f"{PRESS}: the ram is tilted by more than 20 um"
        assert alarm.first_out
        plc.alarms.add("force_leak")
        await asyncio.sleep(3.0)
        assert not stage.alarm("press_force_leak", PRESS).first_out
        plc.alarms.clear()
        await asyncio.sleep(3.0)
        assert stage.alarm("press_tilt", PRESS).state is AlarmState.RETURNED
        stage.server.acknowledge([AlarmKey("press_tilt", PRESS)], "maria")
        assert stage.alarm("press_tilt", PRESS).state is AlarmState.NORMAL

    events = play(act)
    raised, acknowledged = (
        next(event for event in events if event.kind == f"alarm.{kind}") for kind in ("raised", "acknowledged")
    )
    assert raised.data["priority"] == "high"
    assert raised.data["state"] == "unacknowledged"
    assert acknowledged.data["who"] == "maria"


def test_a_bit_that_is_off_in_danger_raises_its_alarm() -> None:
    async def act(stage: Stage) -> None:
        stage.simulated.machines[VESSEL].plc.estop_ok = False
        await asyncio.sleep(3.0)
        assert stage.alarm("safety_chain_open", VESSEL).state is AlarmState.UNACKNOWLEDGED
        assert stage.server.standing()[0].key == AlarmKey("safety_chain_open", VESSEL)

    play(act)


def test_a_lost_link_is_an_alarm_until_it_is_back() -> None:
    async def act(stage: Stage) -> None:
        stage.unplug(PRESS)
        await asyncio.sleep(10.0)
        assert stage.alarm("link_down", PRESS).state is AlarmState.UNACKNOWLEDGED
        assert not stage.alarm("link_down", VESSEL).is_standing
        stage.plug(PRESS)
        await asyncio.sleep(10.0)
        assert stage.alarm("link_down", PRESS).state is AlarmState.RETURNED
        assert stage.told().count("link_down") == 1

    play(act)


def test_a_heartbeat_that_stands_still_is_its_own_alarm() -> None:
    async def act(stage: Stage) -> None:
        wrong = stage.simulated.machines[PRESS].plc.control_disturbances
        wrong.heartbeat_frozen = True
        await asyncio.sleep(20.0)
        assert stage.alarm("heartbeat_still", PRESS).state is AlarmState.UNACKNOWLEDGED
        assert not stage.alarm("link_down", PRESS).is_standing
        wrong.heartbeat_frozen = False
        await asyncio.sleep(10.0)
        assert stage.alarm("heartbeat_still", PRESS).state is AlarmState.RETURNED

    play(act)


def test_what_is_told_raises_and_returns_alarms() -> None:
    async def act(stage: Stage) -> None:
        note = stage.journal.note
        note("r1", "machine.unproven", {"unit": VESSEL, "message": "it could not be reached"})
        note("r1", "command.failed", {"unit": PRESS, "command": "start", "error": "rejected: guard_open"})
        note("r1", "run.state", {"state": "holding", "reason": f"{PRESS} reports tilt", "who": "pressline"})
        note("r2", "condition", {"name": "loop_late", "unit": None, "active": True, "message": "0.4 s late"})
        await asyncio.sleep(1.0)
        assert stage.alarm("machine_unproven", VESSEL).text == "it could not be reached"
        assert stage.alarm("command_failed", PRESS).state is AlarmState.RETURNED
        assert stage.alarm("run_held_machine", "r1").state is AlarmState.UNACKNOWLEDGED
        assert stage.alarm("loop_late", "line").state is AlarmState.UNACKNOWLEDGED
        note("r1", "machine.safe", {"unit": VESSEL, "message": "it is"})
        note("r1", "run.state", {"state": "restarting", "reason": "looked", "who": "maria"})
        await asyncio.sleep(1.0)
        assert stage.alarm("machine_unproven", VESSEL).state is AlarmState.LATCHED_UNACKNOWLEDGED
        assert stage.alarm("run_held_machine", "r1").state is AlarmState.RETURNED

    play(act)


def test_a_condition_that_no_row_knows_is_an_alarm_all_the_same() -> None:
    async def act(stage: Stage) -> None:
        for name in ("odd_one", "odd_two"):
            data = {"name": name, "unit": PRESS, "active": True, "message": f"{name} is there"}
            stage.journal.note("r", "condition", data)
        await asyncio.sleep(1.0)
        found = {alarm.key.subject: alarm.text for alarm in stage.server.standing()}
        assert found == {f"{PRESS}/odd_one": "odd_one is there", f"{PRESS}/odd_two": "odd_two is there"}

    play(act)


def test_a_zone_that_drifts_is_silent_while_no_slurry_runs_and_told_when_it_does() -> None:
    async def act(stage: Stage) -> None:
        watch = stage.server._watches[COATER]
        profile = watch.profile
        stage.journal.note(
            "r", "command.requested", {"unit": COATER, "command": "load_job", "job": {"zone1_sp_c": 90.0}}
        )
        phases = {word: number for number, word in profile.enum_words["phase"].items()}
        bits = {"alarm_bits": 0, "status_bits": 1, "machine_state": 6, "zone2_c": 50.0}

        async def shown(phase: str, zone_c: float) -> None:
            values = {**bits, "phase": phases[phase], "zone1_c": zone_c}
            for _ in range(2):
                snapshot = Snapshot.of(COATER, profile, asyncio.get_running_loop().time(), values)
                assert watch.wants(snapshot)
                stage.server.take(snapshot)
                await asyncio.sleep(12.0)

        stage.machines[COATER].release()
        await asyncio.sleep(1.0)
        await shown("prepare", 40.0)
        assert stage.alarm("coater_zone1_off", COATER).state is AlarmState.SUPPRESSED
        await shown("coat", 40.0)
        assert stage.alarm("coater_zone1_off", COATER).state is AlarmState.UNACKNOWLEDGED
        await shown("coat", 86.5)
        assert stage.alarm("coater_zone1_off", COATER).condition, "86.5 degC is within the deadband"
        await shown("coat", 89.0)
        assert stage.alarm("coater_zone1_off", COATER).state is AlarmState.RETURNED
        assert "coater_zone2_off" not in stage.told(), "there is no setpoint to hold it against"

    play(act)


def test_a_bad_value_of_a_machine_that_rests_is_an_alarm() -> None:
    async def act(stage: Stage) -> None:
        await asyncio.sleep(1.0)
        plc = stage.simulated.machines[PRESS].plc
        values = plc._values
        plc._values = lambda: {**values(), "oil_pressure_mpa": float("nan")}
        await asyncio.sleep(250.0)
        alarm = stage.alarm("value_bad", f"{PRESS}/oil_pressure_mpa")
        assert alarm.state is AlarmState.UNACKNOWLEDGED
        assert "oil_pressure_mpa" in alarm.text

    play(act)


def test_two_conditions_of_one_name_with_items_of_their_own_are_two_alarms() -> None:
    async def act(stage: Stage) -> None:
        def told(row: str, *, active: bool) -> None:
            data = {"name": "interlock_bypassed", "unit": PRESS, "item": row, "active": active, "message": row}
            stage.journal.note("interlocks", "condition", data)

        told("no alarm", active=True)
        told("idle", active=True)
        told("no alarm", active=False)
        await asyncio.sleep(1.0)
        assert stage.alarm("interlock_bypassed", f"{PRESS}/no-alarm").state is AlarmState.RETURNED
        assert stage.alarm("interlock_bypassed", f"{PRESS}/idle").state is AlarmState.UNACKNOWLEDGED

    play(act)


@pytest.mark.parametrize("name", ["lot_out_too_long", "journal_rescued"])
def test_a_condition_that_is_over_as_it_is_told_stays_until_it_is_acknowledged(name: str) -> None:
    async def act(stage: Stage) -> None:
        data = {"name": name, "unit": None, "item": "r1/sheet 3", "active": True, "message": "as told"}
        stage.journal.note("r1", "condition", data)
        await asyncio.sleep(1.0)
        [alarm] = stage.server.standing()
        assert (alarm.key, alarm.state) == (AlarmKey(name, "line/r1/sheet-3"), AlarmState.RETURNED)
        stage.server.acknowledge([alarm.key], "maria")
        assert stage.server.standing() == []

    play(act)


def test_a_persons_reason_is_not_taken_for_one_of_the_programs() -> None:
    async def act(stage: Stage) -> None:
        held = {"state": "holding", "reason": "the disk brake has an odd port", "who": "maria"}
        stage.journal.note("r1", "run.state", held)
        await asyncio.sleep(1.0)
        assert stage.told() == ["run_held_person"]

    play(act)


# ---------------------------------------------------------------- time


def test_a_shelved_alarm_comes_back_by_itself_on_the_loops_clock() -> None:
    key = AlarmKey("link_down", PRESS)

    async def act(stage: Stage) -> None:
        stage.server.shelve(key, 60.0, "maria", "the cable is being changed")
        stage.unplug(PRESS)
        await asyncio.sleep(59.0)
        assert stage.server.standing() == []
        assert [alarm.key for alarm in stage.server.hidden()] == [key]
        await asyncio.sleep(2.0)
        assert [alarm.key for alarm in stage.server.standing()] == [key]

    play(act)


def test_a_command_that_is_refused_changes_and_tells_nothing() -> None:
    async def act(stage: Stage) -> None:
        with pytest.raises(AlarmRefused, match="may not be shelved"):
            stage.server.shelve(AlarmKey("vessel_closure_fault", VESSEL), 60.0, "maria", "noise")
        with pytest.raises(AlarmRefused, match="may not be taken out of service"):
            stage.server.remove(AlarmKey("coater_lel_high", COATER), "maria", "noise")
        assert stage.events() == []

    play(act)


def test_a_flood_is_told_and_ends() -> None:
    async def act(stage: Stage) -> None:
        for number in range(BEGINS_ABOVE + 1):
            data = {"name": f"odd_{number}", "unit": PRESS, "active": True, "message": "odd"}
            stage.journal.note("r", "condition", data)
            await asyncio.sleep(10.0)
        assert stage.alarm("alarm_flood", "line").state is AlarmState.UNACKNOWLEDGED
        await asyncio.sleep(WINDOW_S)
        assert stage.alarm("alarm_flood", "line").state is AlarmState.RETURNED
        assert stage.told().count("alarm_flood") == 1

    play(act)


# ---------------------------------------------------------------- the server's own life


def test_a_server_that_dies_is_told_and_works_on() -> None:
    async def act(stage: Stage) -> None:
        stage.server.inbox.put_nowait(object())  # type: ignore[arg-type]
        take = stage.server.take

        def fails(item: object) -> None:
            if type(item) is object:
                raise ValueError("a defect")
            take(item)  # type: ignore[arg-type]

        stage.server.take = fails  # type: ignore[method-assign]
        await asyncio.sleep(2.0)  # it is started again after a second
        died = stage.alarm("task_died", "line/alarm_server_died")
        assert died.is_standing
        assert "a defect" in died.text
        stage.unplug(PRESS)
        await asyncio.sleep(10.0)
        assert stage.alarm("link_down", PRESS).is_standing

    play(act)


def test_it_is_woken_by_a_few_of_the_snapshots_only() -> None:
    async def act(stage: Stage) -> None:
        taken: list[object] = []
        take = stage.server.take

        def noted(item: Item) -> None:
            taken.append(item)
            take(item)

        stage.server.take = noted  # type: ignore[method-assign]
        with stage.machines[PRESS].subscribe() as every:
            await asyncio.sleep(600.0)
            polls = every.qsize()
        mine = [item for item in taken if getattr(item, "unit", "") == PRESS]
        assert polls > 500
        assert len(mine) <= 7

    play(act)


# ---------------------------------------------------------------- after a restart


def test_alarms_survive_a_restart(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"

    async def first(stage: Stage) -> None:
        stage.simulated.machines[PRESS].plc.alarms.update({"tilt", "over_force"})
        stage.journal.note("r", "command.failed", {"unit": VESSEL, "command": "start", "error": "no"})
        stage.journal.note(
            "r", "condition", {"name": "loop_late", "unit": None, "active": True, "message": "0.4 s late"}
        )
        await asyncio.sleep(3.0)
        stage.server.acknowledge([AlarmKey("press_tilt", PRESS)], "maria")
        stage.server.shelve(AlarmKey("link_down", COATER), 500.0, "jan", "cable")

    async def second(stage: Stage) -> None:
        assert stage.alarm("press_tilt", PRESS).who == "maria"
        assert stage.alarm("command_failed", VESSEL).state is AlarmState.RETURNED
        until_s = stage.alarm("link_down", COATER).until_s
        assert until_s is not None
        now_s = asyncio.get_running_loop().time()
        assert 395.0 < until_s - now_s < 401.0, "100 s of 500 s have passed"
        await asyncio.sleep(3.0)
        assert stage.alarm("press_tilt", PRESS).state is AlarmState.NORMAL, "it was reset meanwhile"
        assert stage.alarm("press_over_force", PRESS).state is AlarmState.UNACKNOWLEDGED
        await asyncio.sleep(400.0)
        assert stage.alarm("link_down", COATER).state is AlarmState.NORMAL
        assert stage.alarm("loop_late", "line").state is AlarmState.RETURNED, "it ended with the program"

    play(first, store)
    earlier = read_events(store)

    def still_tripped(simulated: SimulatedLine) -> None:
        simulated.machines[PRESS].plc.alarms.add("over_force")  # type: ignore[union-attr]

    play(second, store, start=70_000.0, epoch_s=103.0 - 70_000.0, found=still_tripped)
    again = [event.data["name"] for event in read_events(store)[len(earlier) :] if event.kind == "alarm.raised"]
    assert again == [], "what was there before the restart is not raised anew"


def test_a_clock_that_was_set_back_prolongs_no_shelving(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"

    async def first(stage: Stage) -> None:
        stage.server.shelve(AlarmKey("link_down", COATER), 500.0, "jan", "cable")

    async def second(stage: Stage) -> None:
        until_s = stage.alarm("link_down", COATER).until_s
        assert until_s is not None
        assert until_s - asyncio.get_running_loop().time() <= 500.0

    play(first, store)
    play(second, store, epoch_s=-3600.0)


def test_what_was_told_while_nobody_watched_is_an_alarm_at_the_next_start(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    failed = {"unit": PRESS, "command": "start", "error": "no"}

    async def first(stage: Stage) -> None:
        stage.journal.note("r", "command.failed", failed)

    async def nobody() -> None:
        journal = SqliteJournal(EventStream(), lambda: virtual_utc(100.0), store)
        await journal.append("r", "command.failed", {**failed, "unit": COATER})
        await journal.append("r", "machine.unproven", {"unit": VESSEL, "message": "not proven"})
        await journal.close()

    async def second(stage: Stage) -> None:
        assert stage.told() == ["command_failed", "machine_unproven"], "the first failure is not told again"
        assert stage.alarm("command_failed", COATER).state is AlarmState.RETURNED
        assert stage.alarm("machine_unproven", VESSEL).state is AlarmState.UNACKNOWLEDGED

    async def third(stage: Stage) -> None:
        assert stage.told() == []

    play(first, store)
    run_virtual(nobody())
    play(second, store)
    play(third, store)


def test_of_a_record_without_alarms_only_what_is_still_there_becomes_one(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"

    async def nobody() -> None:
        journal = SqliteJournal(EventStream(), lambda: virtual_utc(100.0), store)
        await journal.append("r", "command.failed", {"unit": COATER, "command": "start", "error": "no"})
        await journal.append("r", "run.state", {"state": "held", "reason": "a look", "who": "maria"})
        await journal.append("r", "run.closed", {"state": "held"})
        await journal.append("r", "machine.unproven", {"unit": VESSEL, "message": "not proven"})
        await journal.close()

    async def act(stage: Stage) -> None:
        assert stage.told() == ["machine_unproven"]

    run_virtual(nobody())
    play(act, store)

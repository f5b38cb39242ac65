"""Runs in the hands of the service: ordered, carried out, commanded, left and taken up, let go."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from typing import Any

import pytest

from controller.executor.commands import Expected
from controller.executor.run import Run
from controller.executor.states import RunState
from controller.journal import JournalError
from controller.resuming import close_run
from controller.service import Conflict, Invalid, Leave, LotAct, ManualCommand, RunOrder, Unknown, Unready
from tests.service.stage import ENGINEER, OPERATOR, STOP, Stage, play

PRESS, VESSEL = "uniaxial-press-1", "isostatic-press-1"


def test_a_run_is_ordered_carried_out_and_let_go() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start(reason="first of the day", priority=2)
            view = service.run(name)
            assert (view.state, view.is_open, view.by, view.priority) == ("idle", True, "Ada", 2)
            await stage.works(name, PRESS, "dwell")
            view = service.run(name)
            assert (view.state, view.step, view.unit) == ("running", "joining", PRESS)
            assert 0 < view.progress_pct < 100
            assert view.left_s is not None
            assert view.left_s > 0
            assert set(view.commands) == {"hold", "stop", "abort", "pause"}
            assert service.unit(PRESS).owner == name
            await stage.until(lambda: not service.run(name).is_open)
            view = service.run(name)
            assert view.state == "complete", view.reason
            assert (view.progress_pct, view.left_s, view.commands) == (100.0, 0.0, ())
            assert service.line.owners == {}
            runs = service._runs
            assert not runs.hosted
            assert not runs.stories.of
            gate, book = runs.together.gate, service.line.allocation
            assert (gate.runs, gate._jobs, book.needs, book.waiting, book._places) == ({}, {}, {}, {}, {})

    stage = play(acts)
    assert stage.events("run-1")[-1].kind == "run.closed"
    assert stage.events("run-1", "run.created")[0].data["order"] == {
        "by": "Ada",
        "role": "operator",
        "priority": 2,
        "reason": "first of the day",
    }
    [asked] = [event for event in stage.events("line", "person.asked") if event.data["what"] == "start a run"]
    assert (asked.data["who"], asked.data["role"], asked.data["reason"]) == ("Ada", "operator", "first of the day")
    assert asked.sequence < stage.events("run-1")[0].sequence, "who asked is told before anything is done"


def test_two_runs_at_once_share_the_machines_and_a_higher_priority_goes_first() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            first, second = await stage.start(), await stage.start()
            urgent = await stage.start(priority=5)
            await stage.until(lambda: service.run(urgent).unit == "coater-1" or not service.run(urgent).is_open)
            assert service.run(second).step == "", "whoever came before it with less priority still waits"
            assert "coater-1" in service.run(second).why
            await stage.until(lambda: not any(service.run(name).is_open for name in (first, second, urgent)), 20000)
            assert [service.run(name).state for name in (first, second, urgent)] == ["complete"] * 3
            assert service.line.owners == {}

    play(acts)


def test_a_held_run_goes_on_where_it_was() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start()
            await stage.works(name, PRESS, "dwell")
            await service.hold(name, "a noise", by=OPERATOR, expected=Expected(RunState.RUNNING, 1))
            await stage.becomes(name, "held")
            view = service.run(name)
            assert "a noise" in view.why
            assert set(view.commands) == {"restart", "stop", "abort"}
            with pytest.raises(Conflict) as outdated:
                await service.restart(name, "looked", by=OPERATOR, expected=Expected(RunState.HELD, 1))
            assert outdated.value.now == Expected(RunState.HELD, view.version)
            with pytest.raises(Invalid):
                await service.restart(name, " ", by=OPERATOR)
            await service.restart(name, "looked", by=OPERATOR, expected=Expected(RunState.HELD, view.version))
            await stage.becomes(name, "complete")

    stage = play(acts)
    held = next(event for event in stage.events("run-1", "run.state") if event.data["state"] == "holding")
    assert (held.data["who"], held.data["reason"]) == ("Ada", "a noise")


def test_a_run_is_paused_and_goes_on() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start()
            await stage.works(name, PRESS, "dwell")
            await service.pause(name, "lunch", by=OPERATOR)
            await stage.becomes(name, "paused")
            await service.go_on(name, "", by=OPERATOR)
            await stage.becomes(name, "complete")
            with pytest.raises(Conflict, match="has ended"):
                await service.hold(name, "late", by=OPERATOR)

    play(acts)


def test_what_cannot_be_started_is_refused_with_the_reason() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            with pytest.raises(Invalid) as empty:
                await service.start_run(RunOrder(priority=99), by=OPERATOR)
            assert [finding.where for finding in empty.value.findings] == ["priority", "recipe"]
            with pytest.raises(Unready, match="no stored recipes"):
                await service.start_run(RunOrder("x"), by=OPERATOR)
            with pytest.raises(Unknown):
                service.run("nothing")
            with pytest.raises(Unknown):
                await service.stop("nothing", "", by=OPERATOR)
            stage.journal.broken = "the disk is full"
            with pytest.raises(Unready, match="the disk is full"):
                await stage.start()
            assert not service.overview().accepts_runs
            stage.journal.broken = None
        with pytest.raises(Unready, match="ending"):
            await stage.start()

    stage = play(acts)
    assert not [event for event in stage.before if event.kind == "run.created"]
    refused = [event.data["refused"] for event in stage.before if event.kind == "person.refused"]
    assert len(refused) == 4


def test_a_damaged_journal_begins_nothing_and_lets_what_is_on_be_finished() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start()
            await stage.works(name, PRESS)
            stage.journal.damaged = "the journal is damaged: record 7 was changed"
            with pytest.raises(Unready, match="record 7 was changed; runs that are on are finished, and none is begun"):
                await stage.start()
            with pytest.raises(Unready, match="record 7"):
                await service.lot(LotAct.RELEASE, f"{name}/laminate", "it is fine", by=ENGINEER)
            overview = service.overview()
            assert (overview.accepts_runs, "record 7" in overview.faults[0]) == (False, True)
            await service.pause(name, "a look", by=OPERATOR)
            await stage.becomes(name, "paused")
            await service.go_on(name, "", by=OPERATOR)
            await stage.becomes(name, "complete")

    play(acts)


def test_real_machines_run_approved_plans_only() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted():
            with pytest.raises(Invalid, match="real machines run approved plans only"):
                await stage.start()

    play(acts, settings={"simulation": None})


def test_a_stopped_machine_refuses_a_run_until_it_is_reset() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start()
            await stage.works(name, PRESS, "dwell")
            await service.stop(name, "enough", by=OPERATOR)
            await stage.until(lambda: not service.run(name).is_open)
            assert service.run(name).state == "stopped"
            unit = service.unit(PRESS)
            assert (unit.owner, unit.is_available) == (name, False)
            assert "look at it" in unit.kept
            await service.set_unit(PRESS, in_service=True, reason="looked at it", by=OPERATOR)
            assert service.unit(PRESS).owner == ""
            with pytest.raises(Conflict, match="STOPPED"):
                await stage.start()
            assert await stage.start(rearm=True)

    play(acts, settings=STOP)


def test_the_end_leaves_runs_held_and_the_next_process_takes_them_up() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start()
            await stage.works(name, PRESS, "dwell")
        machine = stage.simulated.machines[PRESS]
        machine.advance(asyncio.get_running_loop().time())
        assert machine.tags["force_pv_kn"] < 1.5, "nobody watches it now, so it is without pressure"
        assert stage.events(name, "run.state")[-1].data["state"] == "held"
        assert not stage.events(name, "run.closed")
        async with stage.hosted() as service:
            await stage.until(lambda: "restart" in service.run(name).commands)
            view = service.run(name)
            assert (view.state, view.is_left) == ("held", True)
            assert set(view.choices) == {"restart", "stop", "abort"}
            assert "again" in view.choices["restart"]
            await asyncio.sleep(5)  # its machine is polled meanwhile
            await service.restart(name, "looked at it", by=OPERATOR, expected=Expected(RunState.HELD, view.version))
            await stage.until(lambda: not service.run(name).is_open)
            assert service.run(name).state == "complete", service.run(name).reason

    play(acts)


def test_the_end_stops_runs_where_that_is_asked_for() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start()
            await stage.works(name, PRESS, "dwell")
            await service.shut_down(Leave.STOP, "end of the week", "Ada")
            assert service.run(name).state == "stopped"

    stage = play(acts)
    assert stage.events("run-1")[-1].kind == "run.closed"
    [told] = stage.events("line", "service.ending")
    assert (told.data["reason"], told.data["who"], told.data["leave"]) == ("end of the week", "Ada", "stop")


def test_a_run_that_was_left_is_closed_without_a_look() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start()
            with pytest.raises(Conflict, match="stop or abort it instead"):
                await service.close(name, "of no use", by=OPERATOR)
            await stage.works(name, PRESS, "dwell")
        async with stage.hosted(waits=False) as service:
            stage.unplug(PRESS)
            await asyncio.sleep(30)
            view = service.run(name)
            assert (view.state, view.commands) == ("held", ("close",))
            assert f"{PRESS}, in which it was left, does not answer" in view.why
            with pytest.raises(Conflict, match="does not answer"):
                await service.stop(name, "", by=OPERATOR)
            await service.close(name, "of no use", by=OPERATOR)
            assert (service.run(name).state, service.run(name).is_open) == ("stopped", False)
            assert name not in service._runs.hosted
            assert "look at it" in service.unit(PRESS).kept

    stage = play(acts)
    assert stage.events("run-1")[-1].data["who"] == "Ada"


def test_a_left_run_waits_until_its_machine_is_back() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start()
            await stage.works(name, VESSEL, "dwell")
            stage.kill()
        async with stage.hosted(waits=False) as service:
            stage.unplug(VESSEL)
            await asyncio.sleep(60)
            assert service.run(name).commands == ("close",)
            stage.plug(VESSEL)
            await stage.until(lambda: "stop" in service.run(name).commands)
            await service.stop(name, "enough", by=ENGINEER)
            await stage.until(lambda: not service.run(name).is_open)
            assert service.run(name).state == "stopped"
            assert "look at it" in service.unit(VESSEL).kept

    play(acts)


def test_a_run_that_a_fault_of_the_program_hits_waits_for_a_person_and_the_others_go_on() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            first = await stage.start()
            second = await stage.start()
            await stage.works(first, PRESS, "dwell")
            run: Any = service._runs.hosted[first].run
            run.waits.finished = None  # the end of its step fails
            await stage.until(lambda: service.run(first).is_left)
            await stage.until(lambda: "stop" in service.run(first).commands)
            assert "a fault of the program" in service.run(first).reason
            await service.stop(first, "mended", by=OPERATOR)
            await stage.until(lambda: not service.run(first).is_open)
            await stage.until(lambda: not service.run(second).is_open)
            assert service.run(second).state == "complete"

    play(acts)


def test_what_a_closed_run_leaves_in_memory_is_let_go() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            forgotten: list[str] = []
            stage.journal.forget = lambda *runs: forgotten.extend(runs)
            for _ in range(3):
                name = await stage.start()
                await asyncio.sleep(1)
                await service.stop(name, "enough", by=OPERATOR)
                await asyncio.sleep(60)
                assert not service.run(name).is_open
                await service.set_unit("coater-1", in_service=True, reason="looked", by=OPERATOR)
            assert forgotten[:3] == ["run-1", "run-2", "run-3"]
            await asyncio.sleep(0)
            gc.collect()
            mine = {id(service.line)}
            assert [run.name for run in gc.get_objects() if type(run) is Run and id(run.line) in mine] == []
            assert [view.name for view in service.runs()] == ["run-2", "run-3"], "only the last ones are shown"

    play(acts, settings={**STOP, "remembered": 2})


def test_a_left_run_that_cannot_be_continued_is_closed_and_its_machine_stopped() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start()
            await stage.works(name, PRESS, "dwell")
            stage.kill()
        stage.is_chained = False
        created = next(event for event in stage.before if event.kind == "run.created")
        without = replace(created, data={key: value for key, value in created.data.items() if key != "orders"})
        stage.before = [without if event is created else event for event in stage.before]
        async with stage.hosted(waits=False) as service:
            await stage.until(lambda: "older program" in service.run(name).why)
            await stage.until(lambda: service.unit(PRESS).state == "STOPPED", within_s=60)
            assert service.run(name).commands == ("close",)
            with pytest.raises(Conflict, match="older program"):
                await service.restart(name, "try", by=OPERATOR)
            assert (await service.operate(PRESS, ManualCommand.STOP, "to be sure", by=OPERATOR)).outcome == "done"
            with pytest.raises(Conflict, match="belongs to run"):
                await service.operate(PRESS, ManualCommand.RESET, "it raises risk", by=OPERATOR)
            await service.close(name, "of no use", by=OPERATOR)
            assert "look at it" in service.unit(PRESS).kept

    play(acts)


def test_a_run_at_which_the_program_fails_again_and_again_is_given_up_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(name: str, surroundings: object) -> None:
        raise ZeroDivisionError(name)

    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start()
            await stage.works(name, PRESS, "dwell")
            stage.kill()
        monkeypatch.setattr("controller.service.runs.continue_on", fails)
        async with stage.hosted() as service:
            await stage.until(lambda: "failed at it 3 times" in service.run(name).why)
            await stage.until(lambda: service.unit(PRESS).state in ("STOPPED", "ABORTED"), within_s=300)
            other = await stage.start()
            await stage.works(other, "uniaxial-press-2")

    play(acts, settings=STOP)


def test_a_run_that_could_not_be_closed_waits_on_and_one_is_closed_although_the_asker_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(*of: object) -> None:
        raise JournalError("the disk is full")

    async def is_slow(name: str, base: Any, reason: str, who: str) -> None:
        await asyncio.sleep(5)
        await close_run(name, base, reason, who)

    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            name = await stage.start()
            await stage.works(name, PRESS, "dwell")
        async with stage.hosted() as service:
            await stage.until(lambda: "close" in service.run(name).commands)
            monkeypatch.setattr("controller.service.runs.close_run", fails)
            with pytest.raises(Unready, match="the disk is full"):
                await service.close(name, "of no use", by=OPERATOR)
            await stage.until(lambda: "close" in service.run(name).commands)
            monkeypatch.setattr("controller.service.runs.close_run", is_slow)
            asking = asyncio.create_task(service.close(name, "of no use", by=OPERATOR))
            await asyncio.sleep(1)
            with pytest.raises(Conflict):
                await service.close(name, "me too", by=OPERATOR)
            asking.cancel()
            await asyncio.wait({asking})
            await stage.until(lambda: not service.run(name).is_open)
            assert service.run(name).state == "stopped"

    play(acts)

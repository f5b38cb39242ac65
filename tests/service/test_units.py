"""Units in the hands of the service: they come and go, are operated by hand, bypassed, taken out of service."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import pytest

from controller.authority import NotAuthorised
from controller.service import Conflict, Invalid, ManualCommand, Unknown, Write
from tests.service.stage import ENGINEER, OPERATOR, SECOND, Stage, play

PRESS, OTHER, VESSEL, COATER, GAUGE = (
    "uniaxial-press-1",
    "uniaxial-press-2",
    "isostatic-press-1",
    "coater-1",
    "thickness-gauge-1",
)


def test_a_machine_that_does_not_answer_at_the_start_is_shown_so_and_comes_by_itself() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted(waits=False) as service:
            stage.unplug(VESSEL)
            stage.unplug(GAUGE)
            await asyncio.sleep(30)
            for name in (VESSEL, GAUGE):
                unit = service.unit(name)
                assert (unit.is_connected, unit.is_available, unit.state) == (False, False, "")
                assert "is not there (not connected" in unit.why_not
            assert service.unit(PRESS).is_available
            run = await stage.start()
            await stage.until(lambda: VESSEL in service.run(run).why)
            assert "is not there" in service.run(run).why
            stage.plug(VESSEL)
            stage.plug(GAUGE)
            await stage.until(lambda: service.unit(VESSEL).is_connected and service.unit(GAUGE).is_connected)
            await stage.until(lambda: not service.run(run).is_open)
            assert service.run(run).state == "complete", service.run(run).reason

    play(acts)


def test_a_machine_that_goes_away_holds_its_run_and_comes_back_by_itself() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            run = await stage.start()
            await stage.works(run, PRESS, "dwell")
            stage.unplug(PRESS)
            await stage.becomes(run, "held")
            unit = service.unit(PRESS)
            assert not unit.is_connected
            assert {value.quality for value in unit.values} == {"bad"}
            assert all(unit.missing.values())
            stage.plug(PRESS)
            await stage.until(lambda: service.unit(PRESS).is_connected)
            await service.stop(run, "not worth it", by=OPERATOR)
            await stage.until(lambda: not service.run(run).is_open)
            assert service.run(run).state == "stopped"

    play(acts)


def test_a_unit_shows_values_permissives_and_interlocks_with_their_cause() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            await asyncio.sleep(5)  # it hears us by then; its guard is open while nobody loads it
            unit = service.unit(PRESS)
            force = next(value for value in unit.values if value.name == "force_pv_kn")
            assert (force.unit, force.quality) == ("kN", "good")
            assert 0 <= force.age_s < 2
            assert unit.missing["reset"] == ("has no job that is over",)
            assert unit.missing["load"] == ("has an open guard",)
            assert ("guard closed", "stop", "the guard is open", False) in [
                (row.row, row.effect, row.words, row.is_bypassed) for row in unit.interlocks
            ]
            assert asdict(service.overview())["units"][0]["is_connected"]
            with pytest.raises(Unknown):
                service.unit("press-9")

    play(acts)


def test_a_machine_that_a_run_has_is_the_runs_to_command() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            run = await stage.start()
            await stage.works(run, PRESS, "dwell")
            for what in (*ManualCommand, Write("force_sp_kn", 1.0)):
                with pytest.raises(Conflict, match=f"belongs to run {run}"):
                    await service.operate(PRESS, what, "by hand", by=ENGINEER)
            with pytest.raises(Conflict, match="instrument"):
                await service.operate(GAUGE, ManualCommand.STOP, "by hand", by=ENGINEER)
            assert service.run(run).state == "running"
            await service.stop(run, "enough", by=OPERATOR)
            await stage.until(lambda: not service.run(run).is_open)
            with pytest.raises(Invalid):
                await service.operate(PRESS, ManualCommand.RESET, "", by=OPERATOR)
            await service.operate(PRESS, ManualCommand.RESET, "nothing is in it", by=OPERATOR)
            await stage.until(lambda: service.unit(PRESS).state == "IDLE")
            await service.set_unit(PRESS, in_service=True, reason="looked at it", by=OPERATOR)
            assert service.unit(PRESS).is_available

    play(acts)


def test_a_value_is_written_by_hand_in_the_maintenance_mode_although_the_service_has_the_lease() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            write = Write("platen_temperature_sp_c", 60.0)
            with pytest.raises(Conflict, match="is not in mode MAINTENANCE"):
                await service.operate(PRESS, write, "a test", by=ENGINEER)
            stage.simulated.machines[PRESS].plc.mode = "MAINTENANCE"
            await asyncio.sleep(3)
            with pytest.raises(NotAuthorised):
                await service.operate(PRESS, write, "a test", by=OPERATOR)
            with pytest.raises(Invalid, match=r"no signal|limits|outside"):
                await service.operate(PRESS, Write("platen_temperature_sp_c", 1e6), "a test", by=ENGINEER)
            done = await service.operate(PRESS, write, "a test", by=ENGINEER)
            assert done.outcome == "applied"
            assert done.read_back == pytest.approx(60.0)
            assert service.line.owners == {}

    stage = play(acts)
    [told] = stage.events("maintenance", "write.done")
    assert (told.data["who"], told.data["outcome"]) == ("Emil", "applied")


def test_a_unit_out_of_service_is_given_to_nobody_until_it_is_put_back() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            with pytest.raises(Invalid):
                await service.set_unit(COATER, in_service=False, reason=" ", by=OPERATOR)
            await service.set_unit(COATER, in_service=False, reason="new blade", by=OPERATOR)
            assert "new blade" in service.unit(COATER).out_of_service
            run = await stage.start()
            await asyncio.sleep(600)
            assert "out of service (Ada: new blade)" in service.run(run).why
            await service.set_unit(COATER, in_service=True, reason="done", by=OPERATOR)
            await stage.works(run, COATER)

    play(acts)


def test_a_bypass_needs_two_people_and_ends_when_somebody_ends_it() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            for second, error in ((None, Invalid), (ENGINEER, Invalid), (OPERATOR, NotAuthorised)):
                with pytest.raises(error):
                    await service.bypass(VESSEL, "bag tight", 600.0, "a test piece", by=ENGINEER, second=second)
            with pytest.raises(Conflict, match="cannot be bypassed"):
                await service.bypass(VESSEL, "safety chain", 600.0, "a test", by=ENGINEER, second=SECOND)
            await service.bypass(VESSEL, "bag tight", 600.0, "a test piece", by=ENGINEER, second=SECOND)
            [bypass] = service.unit(VESSEL).bypasses
            assert (bypass.who, bypass.reason) == ("Emil and Eva", "a test piece")
            assert service.overview().bypasses == (bypass,)
            await service.end_bypass(VESSEL, "bag tight", "done", by=OPERATOR)
            assert service.unit(VESSEL).bypasses == ()
            with pytest.raises(Conflict, match="is not bypassed"):
                await service.end_bypass(VESSEL, "bag tight", "done", by=OPERATOR)

    play(acts)


def test_a_machine_that_works_for_nobody_is_stopped() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            run = await stage.start()
            await stage.works(run, PRESS, "dwell")
            stage.kill()
        stage.before = [event for event in stage.before if event.run != run]  # nobody knows of the run any more
        stage.is_chained = False
        async with stage.hosted() as service:
            assert service.unit(PRESS).owner == ""
            await stage.until(lambda: service.unit(PRESS).state == "STOPPED")

    play(acts)


def test_a_coater_that_nobody_needs_heats_for_nobody_and_is_back_by_itself() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            run = await stage.start()
            await stage.works(run, COATER)
            await stage.until(lambda: not service.unit(COATER).is_connected)
            assert "nobody needs it" in service.unit(COATER).link
            await stage.until(lambda: service.unit(COATER).is_available, within_s=30)
            air_c = stage.simulated.machines[COATER].plc.dryer.air_c
            hot_c = air_c(0)
            await asyncio.sleep(60)
            assert air_c(0) < hot_c - 1, "it cools although it is connected"
            await stage.until(lambda: not service.run(run).is_open)
            assert service.run(run).state == "complete"

    play(acts)

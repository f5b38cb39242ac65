"""People: prompts are answered by whoever is there, lots and values checked; lots and alarms are decided on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from controller.executor.prompts import ESCALATION
from controller.service import Conflict, Given, Invalid, LotAct, Unknown
from tests.service.stage import ENGINEER, OPERATOR, STOP, Stage, play


def test_people_do_what_is_asked_and_the_record_says_who() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service, stage.clerk_there():
            first, second = await stage.start(), await stage.start()
            await stage.until(lambda: not any(service.run(name).is_open for name in (first, second)), 20000)
            assert {service.run(name).state for name in (first, second)} == {"complete"}
            assert service.prompts() == []
            assert not service._runs.desk._desks

    stage = play(acts, has_operator=False)
    answered = stage.events("run-1", "prompt.answered")
    assert {event.data["by"] for event in answered} == {"Ada"}
    assert any(event.data.get("stated") == ["joined sheet"] for event in answered), "a record has its run's own names"


def test_a_prompt_is_shown_with_everything_that_is_wanted_and_checked_when_it_is_answered() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            run = await stage.start()
            await stage.until(lambda: service.prompts() != [])
            [asked] = service.prompts()
            assert (asked.id, asked.run, asked.unit) == (f"{run}.1", run, "coater-1")
            assert service.run(run).prompts == (asked.id,)
            assert service.overview().prompts == 1
            assert asked.asked_utc
            for wrong, where in (
                (Given(lots=("another",)), "lots"),
                (Given(values={"mass": 1.0}), "values.mass"),
                (Given(choice="scrap"), "choice"),
                (Given(uncertainties={"mass": -1.0}), "uncertainties.mass"),
            ):
                with pytest.raises(Invalid) as refused:
                    await service.answer(asked.id, wrong, by=OPERATOR)
                assert where in {finding.where for finding in refused.value.findings}
            for gone in ("nothing", f"{run}.x", "other.1"):
                with pytest.raises(Unknown):
                    await service.answer(gone, Given(), by=OPERATOR)
            with pytest.raises(Conflict, match="not open"):
                await service.answer(f"{run}.7", Given(), by=OPERATOR)
            await asyncio.sleep(1.5 * asked.within_s)
            [waiting] = service.prompts()
            assert waiting.waiting_s > asked.within_s
            assert waiting.escalated_to == ESCALATION[0][1]
            await service.answer(asked.id, Given(impossible="the slurry is not there"), by=OPERATOR)
            await stage.becomes(run, "held")
            assert "the slurry is not there (Ada)" in service.run(run).reason

    play(acts, has_operator=False, settings=STOP)


def test_lots_are_stated_with_their_run_so_that_nobody_takes_anothers() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            first = await stage.start()
            clerk = asyncio.create_task(stage.clerk())
            await stage.until(lambda: service.run(first).step == "joining")
            clerk.cancel()
            await stage.until(lambda: bool(service.prompts()))
            [asked] = service.prompts()
            assert asked.lots == (f"{first}/sheet",)
            for lots in ((), ("sheet",), ("run-2/sheet",)):
                with pytest.raises(Invalid, match="is asked for"):
                    await service.answer(asked.id, Given(lots=lots), by=OPERATOR)
            assert [prompt.id for prompt in service.prompts()] == [asked.id]

    play(acts, has_operator=False, settings=STOP)


def test_a_prompt_that_a_second_process_asks_for_again_has_another_number() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            run = await stage.start()
            await stage.until(lambda: service.prompts() != [])
            [before] = service.prompts()
            stage.kill()
        async with stage.hosted() as service:
            await stage.until(lambda: "restart" in service.run(run).commands)
            await asyncio.sleep(5)
            await service.restart(run, "looked at it", by=OPERATOR)
            await stage.until(lambda: service.prompts() != [])
            assert service.prompts()[0].id != before.id
            with pytest.raises(Conflict):
                await service.answer(before.id, Given(lots=before.lots), by=OPERATOR)

    play(acts, has_operator=False, settings=STOP)


def test_a_lot_is_decided_on_while_the_service_has_the_store() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            run = await stage.start()
            await stage.until(lambda: not service.run(run).is_open)
            lot = next(
                event.data["produces"]
                for event in reversed(stage.events(run, "step.finished"))
                if event.data["produces"]
            )
            with pytest.raises(Unknown):
                await service.lot(LotAct.SCRAP, "nothing", "why", by=OPERATOR)
            with pytest.raises(Invalid):
                await service.lot(LotAct.QUARANTINE, f"{run}/{lot}", "", by=OPERATOR)
            await service.lot(LotAct.OUT, f"{run}/{lot}", "to the laboratory", by=OPERATOR)
            await service.lot(LotAct.BACK, f"{run}/{lot}", "from the laboratory", by=OPERATOR)
            await service.lot(LotAct.QUARANTINE, f"{run}/{lot}", "a scratch", by=OPERATOR)
            with pytest.raises(Conflict, match="cannot be released"):
                await service.lot(LotAct.RELEASE, f"{run}/{lot}", "it is fine", by=ENGINEER)
            await service.lot(LotAct.SCRAP, f"{run}/{lot}", "a deep scratch", by=OPERATOR)
            with pytest.raises(Conflict, match="is scrap"):
                await service.lot(LotAct.OUT, f"{run}/{lot}", "away", by=OPERATOR)

    stage = play(acts)
    assert [event.data["status"] for event in stage.events("run-1", "lot.status")][-2:] == ["quarantine", "scrap"]


def test_alarms_are_acknowledged_shelved_and_taken_out_of_service() -> None:
    async def acts(stage: Stage) -> None:
        async with stage.hosted() as service:
            stage.unplug("coater-1")
            await stage.until(lambda: any(alarm.name == "link_down" for alarm in service.alarm_list()))
            [alarm] = [alarm for alarm in service.alarm_list() if alarm.name == "link_down"]
            assert (alarm.key, alarm.is_unseen, alarm.is_active) == ("link_down@coater-1", True, True)
            assert alarm.action
            assert alarm.cause
            assert service.overview().unseen == 1
            for keys in ((), ("nothing@coater-1",)):
                with pytest.raises((Invalid, Conflict)):
                    await service.acknowledge(keys, "seen", by=OPERATOR)
            await service.acknowledge([alarm.key], "somebody is on his way", by=OPERATOR)
            assert service.overview().unseen == 0
            with pytest.raises(Conflict):
                await service.reset(alarm.key, "", by=OPERATOR)
            with pytest.raises(Conflict):
                await service.shelve(alarm.key, 1e6, "for ever", by=OPERATOR)
            table = service.alarms.table.definitions
            row = next(row for row in table.values() if row.removable and row.subject == "unit")
            await service.silence(f"{row.name}@coater-1", "its sensor is in repair", by=ENGINEER)
            assert [alarm.name for alarm in service.alarm_list(hidden=True) if alarm.who == "Emil"] == [row.name]
            await service.restore(f"{row.name}@coater-1", "mended", by=ENGINEER)
            shelvable = next(row for row in table.values() if row.shelve_max_s > 0 and row.subject == "unit")
            await service.shelve(f"{shelvable.name}@coater-1", 60.0, "known", by=OPERATOR)
            await service.unshelve(f"{shelvable.name}@coater-1", "", by=OPERATOR)
            stage.plug("coater-1")

    play(acts)


def test_a_gate_is_decided_by_people_although_a_simulated_operator_does_the_tasks() -> None:
    from controller.executor.prompts import Answer, Prompt
    from controller.service.prompts import Deciding, RunDesk

    class Operator:
        async def perform(self, prompt: Prompt) -> Answer:
            return Answer(f"operator: {prompt.text}", {}, {})

    async def acts(stage: Stage) -> None:
        del stage
        desk = RunDesk("run-1", 1)
        person = Deciding(Operator(), desk)
        task = Prompt("bag", "bag it")
        assert (await person.perform(task)).by == "operator: bag it"
        deciding = asyncio.create_task(person.perform(replace(task, choices=("continue", "scrap"))))
        await asyncio.sleep(1)
        assert list(desk.desk.open) == [1]
        deciding.cancel()
        await asyncio.wait({deciding})

    play(acts)

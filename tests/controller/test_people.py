"""Prompts to people: lots are checked, what nobody answers goes higher, and two people at once do nothing twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.events import Event
from controller.executor.commands import OutdatedCommand
from controller.executor.desk import Desk, Entered, PromptGone, WrongLot
from controller.executor.prompts import Answer, Prompt
from controller.executor.run import Run
from controller.executor.tasks import ask
from simulators.clock import run_virtual
from tests.controller.scene import Scene, a_run

UNIAXIAL = "uniaxial-press-1"
LOAD = Prompt("load", "Load first stack into uniaxial-press-1", ("first stack",), unit=UNIAXIAL)


class Stating:
    """States these lots one after the other; a task with a wrong one is not begun."""

    def __init__(self, person: Any, *lots: str) -> None:
        self._person, self._lots = person, list(lots)

    async def perform(self, prompt: Prompt) -> Answer:
        if prompt.action == "load" and prompt.unit == UNIAXIAL and self._lots:
            stated = self._lots.pop(0)
            if stated not in prompt.consumes:
                return Answer("operator", {}, {}, (stated,))
        answer: Answer = await self._person.perform(prompt)
        return answer


def test_a_wrong_lot_is_refused_and_asked_again_and_nothing_was_done_with_it() -> None:
    scene = Scene(person=lambda person: Stating(person, "second stack", "first stack")).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    load = [e.data for e in scene.events if e.kind.startswith("prompt.") and "Load first stack" in e.data["text"]]
    assert [data.get("wrong") for data in load] == [
        None,
        ["second stack was stated, first stack is asked for"],
        None,
        [],
    ]
    assert load[2]["text"].startswith("Put second stack back, it is another lot: Load first stack into")
    assert load[1]["stated"] == ["second stack"]
    assert load[3]["stated"] == ["first stack"]


def test_a_wrong_lot_three_times_holds_the_run() -> None:
    scene = Scene(person=lambda person: Stating(person, *["second stack"] * 3)).play()
    assert scene.record["state"] == "stopped"
    assert "second stack was stated, first stack is asked for" in scene.record["reason"]


def test_a_person_who_cannot_state_lots_is_believed_and_the_record_has_none() -> None:
    class Silent:
        def __init__(self, person: Any) -> None:
            self._person = person

        async def perform(self, prompt: Prompt) -> Answer:
            answer: Answer = await self._person.perform(prompt)
            return Answer(answer.by, answer.values, answer.uncertainties)

    scene = Scene(person=Silent).play()
    assert scene.record["state"] == "complete"
    assert not [e for e in scene.kinds("prompt.answered") if "stated" in e.data]


# --------------------------------------------------------------- escalation


class Late:
    """Answers after so many seconds."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s

    async def perform(self, prompt: Prompt) -> Answer:
        await asyncio.sleep(self._after_s)
        return Answer("operator", {}, {}, prompt.consumes)


@pytest.mark.parametrize(("after_s", "told"), [(899.0, []), (901.0, [1]), (2000.0, [1, 2]), (4000.0, [1, 2, 3])])
def test_what_nobody_answers_goes_higher_stage_by_stage(after_s: float, told: list[int]) -> None:
    async def asked() -> list[Event]:
        run = a_run(person=Late(after_s))
        await ask(run, LOAD)
        await asyncio.sleep(10_000.0)
        return run.journal.events("run")

    events = run_virtual(asked())
    stages = [event for event in events if event.kind == "prompt.escalated"]
    assert [event.data["stage"] for event in stages] == told
    assert [event.time_s for event in stages] == [pytest.approx(900.0 * 2**n) for n in range(len(told))]
    assert [event.data["to"] for event in stages] == ["operator", "shift lead", "plant manager"][: len(told)]
    conditions = [(e.data["name"], e.data["active"]) for e in events if e.kind == "condition"]
    assert conditions == ([("prompt_unanswered", True), ("prompt_unanswered", False)] if told else [])
    problems = [event.data["reason"] for event in events if event.kind == "run.problem"]
    assert problems == ([f"not answered for 900 s: {LOAD.text}"] if told else [])


# --------------------------------------------------------------- two people at one desk


def at_a_desk(what: Any) -> list[Event]:
    """Two people at a desk of a run that asks for one load."""

    async def asked() -> list[Event]:
        desk = Desk()
        run = a_run(person=desk)
        desk.belongs_to(run)
        work = asyncio.create_task(ask(run, LOAD))
        await asyncio.sleep(1.0)
        await what(desk, run)
        work.cancel()
        await asyncio.wait({work})
        return run.journal.events("run")

    return run_virtual(asked())


def answered(events: list[Event]) -> list[tuple[str, str]]:
    return [(e.data["by"], e.data.get("why", "")) for e in events if e.kind == "prompt.answered"]


def test_the_first_of_two_answers_counts_and_the_second_person_is_told_whose_it_was() -> None:
    async def both(desk: Desk, run: Run) -> None:
        (number,) = desk.open
        desk.answer(number, Entered("operator 1", "it is in", ("first stack",)), run.seen)
        with pytest.raises(PromptGone, match="prompt 1 is not open: operator 1 has answered it"):
            desk.answer(number, Entered("operator 2", "me too", ("first stack",)), run.seen)
        await asyncio.sleep(1.0)
        with pytest.raises(PromptGone, match="operator 1 has answered it"):
            desk.answer(number, Entered("operator 2", "me too", ("first stack",)), run.seen)

    assert answered(at_a_desk(both)) == [("operator 1", "it is in")]


def test_a_wrong_lot_at_the_desk_is_refused_at_once_and_the_prompt_stays_open() -> None:
    async def wrong(desk: Desk, run: Run) -> None:
        with pytest.raises(WrongLot, match="second stack was stated, first stack is asked for"):
            desk.answer(1, Entered("operator 1", lots=("second stack",)), run.seen)
        with pytest.raises(WrongLot, match="no lot was stated"):
            desk.answer(1, Entered("operator 1"), run.seen)
        assert list(desk.open) == [1]
        desk.answer(1, Entered("operator 2", lots=("first stack",)), run.seen)
        await asyncio.sleep(1.0)

    events = at_a_desk(wrong)
    assert answered(events) == [("operator 2", "")]
    assert len([event for event in events if event.kind == "prompt.refused"]) == 2


def test_an_answer_for_a_run_that_has_moved_on_is_refused() -> None:
    async def outdated(desk: Desk, run: Run) -> None:
        seen = run.seen
        await run.raise_state("start")  # type: ignore[arg-type]  # a StrEnum's member equals its text
        with pytest.raises(OutdatedCommand, match=r"the answer of operator 1 was meant for a run that is idle"):
            desk.answer(1, Entered("operator 1", lots=("first stack",)), seen)
        assert list(desk.open) == [1]

    assert answered(at_a_desk(outdated)) == []


def test_a_task_that_cannot_be_done_holds_the_run_with_the_reason_and_who_said_so() -> None:
    async def cannot(desk: Desk, run: Run) -> None:
        await run.raise_state("start")  # type: ignore[arg-type]  # a StrEnum's member equals its text
        desk.impossible(1, "operator 1", "the stack is torn", run.seen)
        await asyncio.sleep(1.0)
        assert run.state == "held"

    (held,) = [e for e in at_a_desk(cannot) if e.kind == "run.state" and e.data["state"] == "holding"]
    assert held.data["reason"] == f"{LOAD.text}: the stack is torn (operator 1)"


def test_a_prompt_that_was_withdrawn_takes_no_answer() -> None:
    async def withdrawn() -> None:
        desk = Desk()
        work = asyncio.create_task(desk.perform(LOAD))
        await asyncio.sleep(1.0)
        work.cancel()
        with pytest.raises(PromptGone, match="it was withdrawn"):
            desk.answer(1, Entered("operator", lots=("first stack",)))  # in the same moment
        await asyncio.wait({work})
        with pytest.raises(PromptGone, match="it was withdrawn"):
            desk.answer(1, Entered("operator", lots=("first stack",)))
        with pytest.raises(PromptGone, match="there is no such prompt"):
            desk.answer(7, Entered("operator"))

    run_virtual(withdrawn())

"""Task steps, and the prompts that other steps need: a person acts, the run waits, requests still get through."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from controller.executor.holding import carry_out_idle, hold_idle
from controller.executor.prompts import ESCALATION, Answer, Prompt, TaskImpossible
from controller.executor.run import Request, Run
from recipes.facts import Evidence, Fact
from recipes.model import Entry
from recipes.plan import PlannedStep

ONLY_VALUES = "Do nothing again, enter the values again"
MAYBE_DONE = "This may have been done already before the controller ended; look first, and do what is left of it"
ATTEMPTS = 3  # a value that is implausible three times is not a typing error


async def ask(run: Run, prompt: Prompt) -> Answer:
    """Asks a person and returns the plausible answer. Raises RunEnded when the run ends meanwhile.

    In a step that a controller which died had begun: what was entered then is not asked for again, and what may have
    been done already is asked for in words that say so.
    """
    if (broken_off := run.memory.broken_off) is not None:
        if (answer := broken_off.answer(prompt)) is not None:
            run.tell("prompt.recalled", {"action": prompt.action, "text": prompt.text, "values": dict(answer.values)})
            return answer
        if broken_off.was_asked(prompt) and not (prompt.may_be_done or prompt.choices):
            prompt = replace(prompt, text=f"{MAYBE_DONE}: {prompt.text}", may_be_done=True)
    return await _asked(run, prompt)


async def _asked(run: Run, first: Prompt) -> Answer:
    prompt = first
    for attempt in range(1, ATTEMPTS + 1):
        question: dict[str, Any] = {"action": prompt.action, "text": prompt.text, "lots": list(prompt.consumes)}
        question |= {"unit": prompt.unit} | ({"choices": list(prompt.choices)} if prompt.choices else {})
        await run.journal.append(run.name, "prompt.asked", {**question, "attempt": attempt})
        try:
            answer = await _answered(run, prompt)
        except TaskImpossible as error:
            await hold_idle(run, f"{prompt.text}: {error}", "pressline")
            continue
        complaints = wrong_lots(prompt, answer.lots) or _complaints(prompt, answer)
        await run.journal.append(
            run.name,
            "prompt.answered",
            {
                **question,
                "by": answer.by,
                "values": dict(answer.values),
                "uncertainties": dict(answer.uncertainties),
                "wrong": complaints,
                **_stated(prompt, answer),
            },
        )
        if not complaints:
            return answer
        if attempt == ATTEMPTS:
            await hold_idle(run, f"{prompt.text}: {'; '.join(complaints)}", "pressline")
        prompt = _again(first, prompt, answer)
    return await _asked(run, prompt)


def _stated(prompt: Prompt, answer: Answer) -> dict[str, Any]:
    """What a person stated beside values; of a person who cannot state lots the record says nothing."""
    lots = {} if answer.lots is None else {"stated": list(answer.lots)}
    choice = {"choice": answer.choice} if prompt.choices else {}
    return lots | choice | ({"why": answer.why} if answer.why else {})


def wrong_lots(prompt: Prompt, stated: Sequence[str] | None) -> list[str]:
    """What is wrong with the lots that a person has in hand; nothing was done with a wrong one yet."""
    if stated is None or prompt.is_again or sorted(stated) == sorted(prompt.consumes):
        return []
    return [f"{', '.join(stated) or 'no lot'} was stated, {', '.join(prompt.consumes) or 'none'} is asked for"]


def _complaints(prompt: Prompt, answer: Answer) -> list[str]:
    asked = [e for e in prompt.entries if e.name in answer.values or not prompt.is_optional]
    wrong = [_complaint(entry, answer.values.get(entry.name)) for entry in asked]
    if prompt.choices and answer.choice not in prompt.choices:
        wrong.append(f"{answer.choice or 'nothing'} was chosen, {', '.join(prompt.choices)} are asked for")
    return [text for text in wrong if text]


def _again(first: Prompt, prompt: Prompt, answer: Answer) -> Prompt:
    """What was done is not done twice: only its values are asked for again. With a wrong lot nothing was done yet."""
    if wrong_lots(prompt, answer.lots):
        return replace(first, text=f"Put {', '.join(answer.lots or ())} back, it is another lot: {first.text}")
    if prompt.is_again or prompt.choices:
        return prompt
    return replace(prompt, text=f"{ONLY_VALUES}: {first.text}", is_again=True)


def _complaint(entry: Entry, value: float | None) -> str | None:
    if value is None:
        return f"{entry.name} was not entered"
    if not abs(value - entry.expected) <= entry.tolerance:  # so that a value that is no number is implausible too
        return (
            f"{entry.name} {value:g} {entry.unit} is not within {entry.expected:g} +- {entry.tolerance:g} {entry.unit}"
        )
    return None


async def _answered(run: Run, prompt: Prompt) -> Answer:
    """Waits for the person and for requests at once; the person's task has this function as its owner."""
    work = asyncio.create_task(run.person.perform(prompt), name=f"prompt {prompt.action}")
    escalation = Escalation(run, prompt)
    try:
        while not work.done():
            request = asyncio.create_task(run.inbox.get(), name="requests")
            try:
                await asyncio.wait({work, request}, return_when=asyncio.FIRST_COMPLETED)
                if request.done() and isinstance(item := request.result(), Request):
                    await carry_out_idle(run, item)
            finally:
                if not request.done():
                    request.cancel()
                    await asyncio.wait({request})
        return work.result()
    finally:
        escalation.end()
        if not work.done():
            work.cancel()
            await asyncio.wait({work})


class Escalation:
    """Tells of a prompt that nobody answers, in stages, one person higher each time; until `end`."""

    def __init__(self, run: Run, prompt: Prompt) -> None:
        self._run, self._prompt, self._is_told = run, prompt, False
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(factor * prompt.within_s, self._tell, stage, factor * prompt.within_s, to)
            for stage, (factor, to) in enumerate(ESCALATION, start=1)
        ]

    def _tell(self, stage: int, after_s: float, to: str) -> None:
        prompt, message = self._prompt, f"not answered for {after_s:g} s: {self._prompt.text}"
        data = {"stage": stage, "to": to, "after_s": after_s, "text": prompt.text, "unit": prompt.unit}
        self._run.tell("prompt.escalated", data)
        if not self._is_told:
            self._is_told = True
            self._run.tell("run.problem", {"reason": message})
            self._condition(message, active=True)

    def _condition(self, message: str, *, active: bool) -> None:
        self._run.tell(
            "condition", {"name": "prompt_unanswered", "unit": self._prompt.unit, "active": active, "message": message}
        )

    def end(self) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._is_told:
            self._condition(f"answered or withdrawn: {self._prompt.text}", active=False)


async def perform_task(run: Run, planned: PlannedStep) -> None:
    """A task step of the recipe; an entered area becomes the laminate's confirmed area."""
    step, laminate = planned.step, run.plan.recipe.laminate
    task = step.task
    if task is None:
        raise TypeError(f"step {step.name} is no task")
    prompt = Prompt(
        task.action,
        task.text,
        consumes=step.consumes,
        produces=step.produces,
        entries=task.entries,
        adds=tuple(laminate.foils[name] for name in task.adds),
        removes=task.removes,
        area_mm2=laminate.area_mm2,
    )
    answer = await ask(run, prompt)
    run.facts.add(entered_facts(task.entries, answer, step.name))
    for entry in task.entries:
        if entry.name == "area" and not entry.subject:
            run.metrology.confirm_area(answer.values[entry.name])


def entered_facts(entries: Sequence[Entry], answer: Answer, step: str) -> list[Fact]:
    """What a person entered: measured for the laminate's own values, the laboratory's for what a rule speaks of."""
    source = f"entered by {answer.by} with {step}"
    return [
        Fact(
            entry.subject or "laminate",
            entry.name,
            answer.values[entry.name],
            entry.unit,
            Evidence.LAB if entry.subject else Evidence.MEASURED,
            source,
            answer.uncertainties.get(entry.name),
        )
        for entry in entries
        if entry.name in answer.values
    ]

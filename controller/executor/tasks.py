"""Task steps, and the prompts that other steps need: a person acts, the run waits, requests still get through."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from controller.executor.holding import carry_out_idle, hold_idle
from controller.executor.prompts import Answer, Prompt, TaskImpossible
from controller.executor.run import Request, Run
from recipes.facts import Evidence, Fact
from recipes.model import Entry
from recipes.plan import PlannedStep

ONLY_VALUES = "Do nothing again, enter the values again"
ATTEMPTS = 3  # a value that is implausible three times is not a typing error


async def ask(run: Run, prompt: Prompt) -> Answer:
    """Asks a person and returns the plausible answer. Raises RunEnded when the run ends meanwhile."""
    for attempt in range(1, ATTEMPTS + 1):
        question = {"action": prompt.action, "text": prompt.text, "lots": list(prompt.consumes), "unit": prompt.unit}
        await run.journal.append(run.name, "prompt.asked", {**question, "attempt": attempt})
        try:
            answer = await _answered(run, prompt)
        except TaskImpossible as error:
            await hold_idle(run, f"{prompt.text}: {error}", "pressline")
            continue
        asked = [e for e in prompt.entries if e.name in answer.values or not prompt.is_optional]
        wrong = [_complaint(entry, answer.values.get(entry.name)) for entry in asked]
        complaints = [text for text in wrong if text]
        await run.journal.append(
            run.name,
            "prompt.answered",
            {**question, "by": answer.by, "values": dict(answer.values), "wrong": complaints},
        )
        if not complaints:
            return answer
        if attempt == ATTEMPTS:
            await hold_idle(run, f"{prompt.text}: {'; '.join(complaints)}", "pressline")
        prompt = _again(prompt)
    return await ask(run, prompt)


def _again(prompt: Prompt) -> Prompt:
    """What was done is not done twice: only its values are asked for again."""
    return prompt if prompt.is_again else replace(prompt, text=f"{ONLY_VALUES}: {prompt.text}", is_again=True)


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
    escalation = asyncio.get_running_loop().call_later(prompt.within_s, _escalate, run, prompt)
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
        escalation.cancel()
        if not work.done():
            work.cancel()
            await asyncio.wait({work})


def _escalate(run: Run, prompt: Prompt) -> None:
    run.tell("run.problem", {"reason": f"not answered for {prompt.within_s:g} s: {prompt.text}"})


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

"""The people at the line when several runs need them: so many tasks at once, the others wait for their turn.

Whose turn it is says controller/allocation.py. Rest and laboratory keep nobody at the line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from controller.allocation import Call, Waiting, in_order_of_calls
from controller.executor.allocation import tell_waited, tell_waiting
from controller.executor.prompts import Answer, Person, Prompt
from controller.executor.run import Run

ELSEWHERE = frozenset({"lab", "rest"})
"""Prompts that nobody at the line is busy with."""


class Crew:
    """`count` people who do what `person` can do; at least 1."""

    def __init__(self, person: Person, count: int) -> None:
        self.person = person
        self.count = count
        self.busy: dict[str, str] = {}
        self._waiting: dict[str, tuple[Call, asyncio.Future[None]]] = {}

    async def come(self, call: Call, run: Run) -> None:
        """Returns when somebody comes. May be cancelled."""
        self._waiting[call.owner] = call, asyncio.get_running_loop().create_future()
        turn = self._waiting[call.owner][1]
        self._next()
        try:
            if turn.done():
                return
            what, begun_s = f"somebody to {call.what}", asyncio.get_running_loop().time()
            tell_waiting(run, Waiting(what, self.because))
            await turn
            tell_waited(run, what, begun_s)
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(call.owner)
            raise
        finally:
            self._waiting.pop(call.owner, None)

    def leave(self, owner: str) -> None:
        """Somebody is free again."""
        self.busy.pop(owner, None)
        self._next()

    def because(self) -> str:
        """What everybody is busy with."""
        who = "the one person at the line is" if self.count == 1 else f"the {self.count} people at the line are"
        return f"{who} busy: " + "; ".join(f"{what} for {owner}" for owner, what in self.busy.items())

    def _next(self) -> None:
        waiting = [call for call, turn in self._waiting.values() if not turn.done()]
        free = max(self.count - len(self.busy), 0)
        for call in in_order_of_calls(waiting, asyncio.get_running_loop().time())[:free]:
            self.busy[call.owner] = call.what
            self._waiting[call.owner][1].set_result(None)


class Member:
    """The crew as one run sees it. Its lots bear the run's name, so that nobody takes another laminate's."""

    def __init__(self, crew: Crew, name: str, machines: Collection[str]) -> None:
        self.name = name
        self.run: Run | None = None
        self._crew = crew
        self._machines = machines

    def lot(self, lot: str) -> str:
        """The name of one of the run's lots among those of all runs."""
        return _named(lot, self.name)

    async def perform(self, prompt: Prompt) -> Answer:
        """What Person.perform does, once somebody is there."""
        run = self.run
        if run is None:
            raise TypeError(f"{self.name} asks for something before it has begun")
        whose = prompt.of_run or self.name
        named = replace(
            prompt,
            text=f"{self.name}: {prompt.text}",
            consumes=tuple(_named(lot, whose) for lot in prompt.consumes),
            produces=None if prompt.produces is None else self.lot(prompt.produces),
        )
        if prompt.action in ELSEWHERE:
            self._begin(run, prompt)
            return _own(await self._crew.person.perform(named), whose)
        due_s = float("inf") if run.waits.current is None else run.waits.due_s(run.waits.current)
        machine = prompt.unit if prompt.unit in self._machines else None
        place = run.line.allocation.place_of(self.name)
        what = prompt.action.replace("_", " ") + ("" if prompt.unit is None else f" at {prompt.unit}")
        await self._crew.come(Call(self.name, what, place, machine, run.priority, due_s), run)
        try:
            self._begin(run, prompt)
            return _own(await self._crew.person.perform(named), whose)
        finally:
            self._crew.leave(self.name)

    @staticmethod
    def _begin(run: Run, prompt: Prompt) -> None:
        run.waits.begun()
        run.tell("prompt.begun", {"action": prompt.action, "unit": prompt.unit})


def _named(lot: str, run: str) -> str:
    return f"{lot} of {run}"


def _own(answer: Answer, run: str) -> Answer:
    """The answer with the lots as their run knows them; one that is another's keeps its name."""
    if answer.lots is None:
        return answer
    return replace(answer, lots=tuple(lot.removesuffix(f" of {run}") for lot in answer.lots))

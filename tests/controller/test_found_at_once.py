"""After a crash all machines are asked at once, and a journal that takes no restart leaves the run held and watched."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from controller.events import EventStream
from controller.executor.recovering import Recovering, _sees_nothing
from controller.executor.run import Run
from controller.executor.states import RunState
from controller.guard import Guard
from controller.journal import Journal, JournalError
from controller.recovery import Left, found_by
from drivers.errors import ResponseTimeout
from simulators.clock import run_virtual
from tests.controller.interlock_snapshots import PROFILES, snapshot, well
from tests.controller.scene import a_run, once

PRESS = PROFILES["isostatic_press"]
NOW = "2026-01-01T00:00:00.000+00:00"
SILENT_S = 4.0


class Found:
    """A machine that an earlier controller left; a silent one answers nobody, and that takes its time."""

    def __init__(self, unit: str, *, silent: bool) -> None:
        self.unit, self.profile, self.serial_number, self._silent = unit, PRESS, None, silent
        self.stopped_s: float | None = None

    async def snapshot(self) -> Any:
        if self._silent:
            await asyncio.sleep(SILENT_S)
            raise ResponseTimeout("no answer")
        return snapshot(PRESS, well(PRESS, "EXECUTE", "dwell"))

    async def stop(self) -> None:
        self.stopped_s = asyncio.get_running_loop().time()

    hold = abort = stop


def test_a_machine_that_does_not_answer_delays_no_other() -> None:
    async def main() -> tuple[list[str], float | None, float]:
        machines = {name: Found(name, silent=name != "c") for name in ("a", "b", "c", "d")}
        line: Any = SimpleNamespace(machines=machines, released=set(), owners={"d": "another run"})
        left = Left(
            "run", RunState.RUNNING, is_closed=False, is_attended=True, finished=(), broken_off=None, last_utc=""
        )
        found = await found_by(left, {}, line, Guard(Journal(EventStream(), lambda: NOW), "run"))
        return [seen.words for seen in found], machines["c"].stopped_s, asyncio.get_running_loop().time()

    words, stopped_s, ended_s = run_virtual(main())
    assert [each.split(" ")[0] for each in words] == ["a", "b", "c"], "in the line's order"
    assert stopped_s == 0.0
    assert ended_s == SILENT_S


def test_a_restart_that_the_journal_does_not_take_leaves_a_found_run_held() -> None:
    async def main() -> tuple[Run, list[str]]:
        run = a_run()
        run.state = RunState.HELD
        machine = run.line.machines["uniaxial-press-1"]
        working = [asyncio.create_task(machine.run())]
        told: list[str] = []
        await machine.wait_link()
        append, run.journal.append = run.journal.append, _refused  # type: ignore[method-assign, assignment]
        deciding = asyncio.create_task(Recovering(run, machine, _sees_nothing, float("inf"), bleed=True).decide())
        await asyncio.sleep(5.0)
        for _ in range(2):
            problem = asyncio.create_task(once(run, lambda event: event.kind == "run.problem"))
            await asyncio.sleep(0.0)
            run.restart("go on", "operator")
            await asyncio.wait({problem, deciding}, return_when=asyncio.FIRST_COMPLETED)
            assert not deciding.done(), "nobody watches the machine any more"
            told.append(problem.result().data["reason"])
            assert run.state is RunState.HELD
        run.journal.append = append  # type: ignore[method-assign]
        run.restart("there is room again", "operator")
        await deciding
        for task in working:
            task.cancel()
        await asyncio.wait(working)
        return run, told

    run, told = run_virtual(main())
    assert told == ["cannot restart: the disk is full"] * 2
    assert run.state is RunState.RUNNING


async def _refused(*_: Any) -> Any:
    raise JournalError("the disk is full")

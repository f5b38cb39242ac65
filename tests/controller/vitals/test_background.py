"""Background tasks: every kind of death is told once and has the reaction that its starter chose."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.vitals.background import CALM_AFTER_S, ENDS_WITHIN_S, Background, Health, background
from controller.vitals.deaths import GO_ON, Act, Death, EndBlock, How, MustProgress, Reaction, Restart, TaskDied
from simulators.clock import run_virtual

ROOT = Path(__file__).parents[3]


class Told:
    """What was told, as name and whether it is active; and the sentences."""

    def __init__(self) -> None:
        self.names: list[tuple[str, bool]] = []
        self.words: list[str] = []
        self.units: set[str | None] = set()

    def __call__(self, data: Mapping[str, Any]) -> None:
        assert set(data) == {"name", "unit", "active", "message"}
        self.names.append((data["name"], data["active"]))
        self.words.append(data["message"])
        self.units.add(data["unit"])


async def forever() -> None:
    await asyncio.Event().wait()


async def failing() -> None:
    await asyncio.sleep(1.0)
    raise ValueError("no such register")


async def returning() -> None:
    await asyncio.sleep(1.0)


async def cancelled_inside() -> None:
    await asyncio.sleep(1.0)
    raise asyncio.CancelledError


def start(tasks: Background, work: Any, on_death: Reaction, **more: Any) -> None:
    tasks.start("the task of press-1", work, on_death, condition="machine_task", unit="press-1", **more)


async def died(work: Any, on_death: Reaction, body: Any = forever, told: Told | None = None, **more: Any) -> Death:
    """The death that ends a block whose body would go on."""
    try:
        async with background(told or Told()) as tasks:
            start(tasks, work, on_death, **more)
            await body()
    except TaskDied as error:
        return error.death
    raise AssertionError("the block was not ended")


def played(work: Any, on_death: Reaction, for_s: float = 1000.0, **more: Any) -> tuple[Told, BaseException | None]:
    """What is told while a task works beside a block, and how the block ends."""
    told = Told()

    async def main() -> None:
        async with background(told) as tasks:
            start(tasks, work, on_death, **more)
            await asyncio.sleep(for_s)

    try:
        run_virtual(main())
    except (TaskDied, asyncio.CancelledError) as error:
        return told, error
    return told, None


@pytest.mark.parametrize(
    ("work", "how", "words"),
    [
        (failing, How.RAISED, "died of a fault of the program: ValueError: no such register"),
        (returning, How.RETURNED, "returned, which it must not"),
        (cancelled_inside, How.CANCELLED, "was cancelled by something that may not"),
    ],
)
def test_a_death_ends_the_block_and_is_told_once(work: Any, how: How, words: str) -> None:
    told, error = played(work, EndBlock())
    assert told.names == [("machine_task_died", True)]
    assert told.words == [f"the task of press-1 {words}; everything ends"]
    assert told.units == {"press-1"}
    assert isinstance(error, TaskDied)
    assert error.death.how is how


def test_the_fault_is_the_cause_of_what_the_block_raises() -> None:
    _, error = played(failing, EndBlock())
    assert error is not None
    assert isinstance(error.__cause__, ValueError)


def test_a_task_that_may_return_is_no_death() -> None:
    told, error = played(returning, EndBlock(), may_return=lambda: True)
    assert (told.names, error) == ([], None)


def test_a_task_is_started_again_and_the_last_death_ends_the_block() -> None:
    told, error = played(failing, Restart(2))
    assert told.names == [("machine_task_died", True)] * 3
    assert told.words[0].endswith("; it is started again (1 of 2)")
    assert told.words[1].endswith("; it is started again (2 of 2)")
    assert told.words[2].endswith("; it has died 3 times, so everything ends")
    assert isinstance(error, TaskDied)


def test_deaths_that_are_long_ago_do_not_count() -> None:
    told, error = played(failing, Restart(2, within_s=1.5), for_s=100.5)
    assert error is None
    assert len(told.names) == 50  # each second one second of work and one of pause


def test_a_task_that_works_again_is_told_after_a_while() -> None:
    starts = 0

    async def once_bad() -> None:
        nonlocal starts
        starts += 1
        await (failing() if starts == 1 else forever())

    told, error = played(once_bad, Restart(), for_s=2.0 + CALM_AFTER_S - 0.5)
    assert (told.names, error) == ([("machine_task_died", True)], None)
    starts = 0
    told, _ = played(once_bad, Restart(), for_s=2.0 + CALM_AFTER_S + 0.5)
    assert told.names == [("machine_task_died", True), ("machine_task_died", False)]


def test_it_is_started_after_a_pause_that_grows() -> None:
    starts: list[float] = []

    async def noted() -> None:
        starts.append(asyncio.get_running_loop().time())
        raise ValueError

    played(noted, Restart(10), for_s=200.0)
    assert starts == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 123.0, 183.0]


def test_a_block_that_ends_during_the_pause_starts_nothing_any_more() -> None:
    starts: list[float] = []

    async def main() -> None:
        async def noted() -> None:
            starts.append(asyncio.get_running_loop().time())
            raise ValueError

        async with background(Told()) as tasks:
            start(tasks, noted, Restart())
            await asyncio.sleep(0.5)
        await asyncio.sleep(100.0)

    run_virtual(main())
    assert starts == [0.0]


def test_a_task_that_dies_again_soon_is_not_told_as_well() -> None:
    told, _ = played(failing, Restart(1000), for_s=400.0)
    assert {active for _, active in told.names} == {True}


def test_a_hung_task_is_cancelled_and_started_again() -> None:
    marks, starts = 0, 0

    async def hanging() -> None:
        nonlocal marks, starts
        starts += 1
        for _ in range(5):
            marks += 1
            await asyncio.sleep(1.0)
        await (forever() if starts == 1 else asyncio.sleep(1e9))

    told, error = played(hanging, Restart(), for_s=34.0, progress=MustProgress(lambda: marks, 10.0))
    assert error is None
    assert told.names == [("machine_task_hung", True)]
    assert told.words == ["the task of press-1 made no progress for 10 s; it is started again (1 of 3)"]
    assert starts == 2


@pytest.mark.parametrize("period_s", [1.0, 9.0])
def test_a_task_that_moves_in_time_does_not_hang(period_s: float) -> None:
    marks = 0

    async def moving() -> None:
        nonlocal marks
        while True:
            marks += 1
            await asyncio.sleep(period_s)

    told, error = played(moving, EndBlock(), progress=MustProgress(lambda: marks, 10.0))
    assert (told.names, error) == ([], None)


@pytest.mark.parametrize("begins_at_s", [0.0, 3.0, 9.9])
def test_a_hang_is_told_within_twice_its_time(begins_at_s: float) -> None:
    marks = 0

    async def hanging() -> None:
        nonlocal marks
        await asyncio.sleep(begins_at_s)
        marks += 1
        await forever()

    async def main() -> float:
        await died(hanging, EndBlock(), progress=MustProgress(lambda: marks, 10.0))
        return asyncio.get_running_loop().time() - begins_at_s

    assert 10.0 <= run_virtual(main()) <= 20.0


def test_a_hung_task_that_does_not_end_when_cancelled_ends_the_block() -> None:
    told = Told()

    async def deaf() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(200.0)
            except asyncio.CancelledError:
                continue

    async def main() -> float:
        await died(deaf, Restart(), told=told, progress=MustProgress(lambda: 0, 10.0))
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(10.0 + ENDS_WITHIN_S)
    assert told.words[0] == "the task of press-1 hangs and does not even end when it is cancelled; everything ends"


def test_a_loop_that_stood_still_is_no_hang_of_its_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    told, marks = Told(), 0

    async def moving() -> None:
        nonlocal marks
        while True:
            marks += 1
            await asyncio.sleep(8.0)

    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        async with background(told) as tasks:
            start(tasks, moving, EndBlock(), progress=MustProgress(lambda: marks, 10.0))
            await asyncio.sleep(9.0)
            loop.jump(60.0)  # as a computer that slept, or a call that blocked
            await asyncio.sleep(50.0)

    run_virtual(main())
    assert told.names == []


def test_another_reaction_is_carried_out_and_the_block_goes_on() -> None:
    seen: list[Death] = []

    async def act(death: Death) -> None:
        seen.append(death)

    told, error = played(failing, Act(act, "the run is held"))
    assert error is None
    assert [death.how for death in seen] == [How.RAISED]
    assert told.words[0].endswith("; the run is held")


def test_a_reaction_that_fails_ends_the_block() -> None:
    async def act(_: Death) -> None:
        raise OSError("the wire is gone")

    told, error = played(failing, Act(act, "the run is held"))
    assert isinstance(error, TaskDied)
    words = "what was to be done about the death of the task of press-1 failed: OSError: the wire is gone"
    assert told.words[-1] == f"{words}; everything ends"


def test_a_cancellation_from_outside_is_passed_on_and_ends_the_tasks() -> None:
    async def main() -> tuple[bool, bool, list[tuple[str, bool]]]:
        told, ended = Told(), []

        async def ends() -> None:
            try:
                await forever()
            finally:
                ended.append(True)

        async def block() -> None:
            async with background(told) as tasks:
                start(tasks, ends, Restart())
                await forever()

        task = asyncio.create_task(block())
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled(), ended == [True], told.names

    assert run_virtual(main()) == (True, True, [])


def test_a_cancellation_from_outside_wins_over_a_death_at_the_same_time() -> None:
    async def main() -> bool:
        async def block() -> None:
            async with background(Told()) as tasks:
                start(tasks, failing, EndBlock())
                await forever()

        task = asyncio.create_task(block())
        await asyncio.sleep(0.0)
        asyncio.get_running_loop().call_at(1.0, task.cancel)
        await asyncio.wait({task})
        return task.cancelled()

    assert run_virtual(main())


def test_a_cancellation_while_the_tasks_are_being_ended_is_passed_on() -> None:
    async def main() -> bool:
        async def slow_to_end() -> None:
            try:
                await forever()
            finally:
                await asyncio.sleep(5.0)

        async def block() -> None:
            async with background(Told()) as tasks:
                start(tasks, slow_to_end, EndBlock())
                await asyncio.sleep(1.0)

        task = asyncio.create_task(block())
        asyncio.get_running_loop().call_at(3.0, task.cancel)
        await asyncio.wait({task})
        return task.cancelled() and asyncio.get_running_loop().time() == pytest.approx(6.0)

    assert run_virtual(main())


def test_after_a_death_the_caller_is_not_cancelled_any_more() -> None:
    async def main() -> int:
        await died(failing, EndBlock())
        await asyncio.sleep(1.0)
        body = asyncio.current_task()
        return -1 if body is None else body.cancelling()

    assert run_virtual(main()) == 0


def test_a_death_as_the_block_ends_leaves_no_cancellation_behind() -> None:
    async def main() -> int:
        loop: Any = asyncio.get_running_loop()

        async def until_it_dies() -> None:
            end = loop.create_future()
            loop.call_at(1.0, loop.call_soon, loop.call_soon, loop.call_soon, end.set_result, None)
            await end

        await died(failing, EndBlock(), until_it_dies)
        await asyncio.sleep(1.0)
        body = asyncio.current_task()
        return -1 if body is None else body.cancelling()

    assert run_virtual(main()) == 0


def test_an_error_of_the_block_itself_is_what_it_raises() -> None:
    async def main() -> None:
        async with background(Told()) as tasks:
            start(tasks, forever, EndBlock())
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run_virtual(main())


def test_a_task_that_does_not_end_is_left_and_told() -> None:
    told, stop = Told(), asyncio.Event()

    async def deaf() -> None:
        while not stop.is_set():
            try:
                await stop.wait()
            except asyncio.CancelledError:
                continue

    async def main() -> float:
        async with background(told) as tasks:
            start(tasks, deaf, GO_ON)
            await asyncio.sleep(1.0)
        at_s = asyncio.get_running_loop().time()
        stop.set()
        await asyncio.sleep(0.1)
        return at_s

    assert run_virtual(main()) == pytest.approx(1.0 + ENDS_WITHIN_S)
    assert told.words == ["the task of press-1 does not end; it is left behind"]


def test_an_error_while_a_task_is_ended_is_told() -> None:
    async def bad_end() -> None:
        try:
            await forever()
        finally:
            raise OSError("the port is gone")

    told, error = played(bad_end, EndBlock(), for_s=1.0)
    assert error is None
    assert told.words[0].endswith("OSError: the port is gone; it was being ended anyway")


def test_health_tells_of_hung_and_fatal_tasks_while_the_block_is_open() -> None:
    health = Health()

    async def main() -> list[list[str]]:
        seen = []
        try:
            async with background(Told(), health) as tasks:
                start(tasks, failing, EndBlock())
                seen.append(health.faults)
                try:
                    await forever()
                finally:
                    seen.append(health.faults)
        except TaskDied:
            seen.append(health.faults)
        return seen

    words = "the task of press-1 died of a fault of the program: ValueError: no such register"
    assert run_virtual(main()) == [[], [words], []]


def test_a_hung_task_that_has_ended_and_waits_to_be_started_again_hangs_no_more() -> None:
    health = Health()

    async def main() -> list[list[str]]:
        async def slow_to_end() -> None:
            try:
                await forever()
            finally:
                await asyncio.sleep(2.0)

        seen = []
        async with background(Told(), health) as tasks:
            start(tasks, slow_to_end, Restart(), progress=MustProgress(lambda: 0, 10.0))
            for until_s in (9.0, 11.0, 12.5):
                await asyncio.sleep(until_s - asyncio.get_running_loop().time())
                seen.append(health.faults)
        return seen

    assert run_virtual(main()) == [[], ["the task of press-1 hangs"], []]


OTHERS = {  # each waits for its task where it makes it: two things at once, and not in the background
    "controller/executor/tasks.py": "the person's task beside requests",
    "controller/executor/allocation.py": "requests beside an answer",
    "controller/cli/devices_write.py": "one write beside Ctrl-C",
    "controller/cli/resume.py": "what was decided before, beside what is decided later",
    "controller/accounts/desk.py": "a change that is recorded, carried out although whoever asked goes away",
    "controller/batches.py": "all batches, which it waits for",
    "controller/api/begun.py": "a command that began, carried out although whoever asked goes away",
    "controller/api/backups.py": "the one backup, which tells its own end, whatever it is",
    "controller/api/stream/serving.py": "what is sent to one listener beside the end of it",
    "controller/service/runs.py": "a run's work beside somebody who closes it",
    "controller/outbox/outbox.py": "one write to the disk, carried out although whoever began it is cancelled",
    "controller/telemetry/broker.py": "a connection that a thread makes, waited for although nobody wants it any more",
    "controller/telemetry/courier.py": "what is sent beside what is acknowledged, to the end of the first",
    "controller/telemetry/node_courier.py": "what is received, proved and replayed, to the end of the first",
    "controller/telemetry/server.py": "one connection beside the wish to leave",
    "controller/serving/web.py": "the server, ended in order when its own task is cancelled",
    "controller/vitals/background.py": "the one way",
}


def _starts_tasks(file: Path) -> bool:
    calls = (node.func for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call))
    names = {"create_task", "ensure_future", "TaskGroup"}
    return any((call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")) in names for call in calls)


def test_nothing_else_in_the_controller_starts_a_task() -> None:
    files = {str(file.relative_to(ROOT)) for file in (ROOT / "controller").rglob("*.py") if _starts_tasks(file)}
    assert files <= set(OTHERS), "start it in a `background` block, so that somebody notices its death"

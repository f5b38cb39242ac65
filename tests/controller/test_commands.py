"""Two operators at once: what they want of a run as they saw it is done once, or refused with where the run is now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from controller.events import Event
from controller.executor.commands import Expected, OutdatedCommand
from controller.executor.run import Run
from controller.executor.states import RunState, TransitionRefused
from controller.journal import JournalError
from tests.controller.scene import Scene, becomes, nobody, once

UNIAXIAL = "uniaxial-press-1"


async def held(run: Run) -> Expected:
    """Holds a run, and what both operators then see of it."""
    await run.hold("a noise", "operator 1")
    await becomes(run, "held")
    return run.seen


def test_restart_pressed_twice_is_one_restart() -> None:
    async def both(scene: Scene, run: Run) -> None:
        seen = await held(run)
        run.restart("it was the door", "operator 1", seen)
        run.restart("nothing there", "operator 2", seen)

    scene = Scene(UNIAXIAL, "dwell", both, nobody).play()
    assert scene.states() == ["running", "holding", "held", "restarting", "running", "complete"]
    sent = [event for event in scene.kinds("command.requested") if event.data["command"] == "restart"]
    assert len(sent) == 1
    (repeated,) = scene.kinds("command.repeated")
    assert repeated.data == {"command": "restart", "reason": "nothing there", "who": "operator 2"}


def test_a_second_restart_does_not_restart_the_next_hold() -> None:
    """The press that comes late meets another hold, which its operator has not seen."""

    async def late(scene: Scene, run: Run) -> None:
        seen = await held(run)
        run.restart("it was the door", "operator 1", seen)
        await becomes(run, "running")
        again = await held(run)
        meant = rf"restart was meant for a run that is held \(version {seen.version}"
        with pytest.raises(OutdatedCommand, match=meant):
            run.restart("nothing there", "operator 2", seen)
        assert run.seen == again
        await run.stop("enough", "operator 1", again)

    scene = Scene(UNIAXIAL, "dwell", late, nobody).play()
    assert scene.states() == [
        "running",
        "holding",
        "held",
        "restarting",
        "running",
        "holding",
        "held",
        "stopping",
        "stopped",
    ]


def test_a_restart_whose_turn_comes_after_a_stop_is_dropped_and_told() -> None:
    async def one_each(scene: Scene, run: Run) -> None:
        seen = await held(run)
        await run.stop("scrap it", "operator 1", seen)
        run.restart("nothing there", "operator 2", seen)  # the run has not yet carried the stop out

    scene = Scene(UNIAXIAL, "dwell", one_each, nobody).play()
    assert scene.states() == ["running", "holding", "held", "stopping", "stopped"]


@pytest.mark.parametrize("command", ["hold", "stop", "abort", "restart", "pause", "resume"])
def test_every_command_is_refused_for_a_run_that_has_moved_on(command: str) -> None:
    refused: list[OutdatedCommand] = []

    async def outdated(scene: Scene, run: Run) -> None:
        seen = run.seen
        await held(run)
        try:
            result = getattr(run, command)("as I saw it", "operator 2", seen)
            if result is not None:
                await result
        except OutdatedCommand as error:
            refused.append(error)
        assert run.state is RunState.HELD
        assert run.asked == 0
        await run.stop("enough", "operator 1")

    scene = Scene(UNIAXIAL, "dwell", outdated, nobody).play()
    (error,) = refused
    assert (error.now.state, error.expected.state) == (RunState.HELD, RunState.RUNNING)
    assert str(error) == f"{command} was meant for a run that is {error.expected}; it is {error.now} now"
    assert "operator 2" not in str([event.data for event in scene.events])


def test_a_stop_button_names_no_state_and_is_never_too_late() -> None:
    async def button(scene: Scene, run: Run) -> None:
        await held(run)
        await run.stop("red button", "operator 2")

    assert Scene(UNIAXIAL, "dwell", button, nobody).play().states()[-1] == "stopped"


def test_every_change_of_state_counts_the_version_and_is_in_the_record() -> None:
    async def both(scene: Scene, run: Run) -> None:
        seen = await held(run)
        run.restart("it was the door", "operator 1", seen)

    scene = Scene(UNIAXIAL, "dwell", both, nobody).play()
    assert [event.data["version"] for event in scene.kinds("run.state")] == list(range(1, 7))


def test_resume_and_pause_pressed_twice_are_one() -> None:
    async def both(scene: Scene, run: Run) -> None:
        for who in ("operator 1", "operator 2"):
            run.pause("lunch", who)
        await asyncio.sleep(900)
        with pytest.raises(TransitionRefused):
            run.pause("lunch", "operator 2")
        for who in ("operator 1", "operator 2"):
            run.resume("back", who)

    scene = Scene(UNIAXIAL, "dwell", both, nobody).play()
    assert scene.states() == ["running", "pausing", "paused", "running", "complete"]
    repeated: list[Any] = [event.data["command"] for event in scene.kinds("command.repeated")]
    assert repeated == ["pause", "resume"]


@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.7], ids=["waiting", "its state written", "its command written"])
@pytest.mark.parametrize("lower", ["hold", "stop", "abort"])
def test_a_restart_that_is_not_out_yet_is_prevented_by_whoever_wants_less(lower: str, after_s: float) -> None:
    """With a disk that takes half a second for a record, a restart takes a second to reach its press."""

    async def against_each_other(scene: Scene, run: Run) -> None:
        await held(run)
        append = run.journal.append

        async def slow(run: str, kind: str, data: Mapping[str, Any]) -> Event:
            await asyncio.sleep(0.5)
            return await append(run, kind, data)

        run.journal.append = slow  # type: ignore[method-assign]
        run.restart("it was the door", "operator 1")
        await asyncio.sleep(after_s)
        await getattr(run, lower)("there is somebody", "operator 2")
        run.journal.append = append  # type: ignore[method-assign]
        await asyncio.sleep(5.0)
        if lower == "hold":
            assert run.seen.state is RunState.HELD
            run.restart("nobody there any more", "operator 2")

    scene = Scene(UNIAXIAL, "dwell", against_each_other, nobody).play()
    assert scene.record["state"] == {"hold": "complete", "stop": "stopped", "abort": "aborted"}[lower]
    told = [
        (event.data["command"], event.data["who"])
        for event in scene.kinds("command.done") + scene.kinds("command.undelivered")
        if event.data["unit"] == UNIAXIAL and event.data["command"] in ("hold", "stop", "abort")
    ]
    assert told == [("hold", "operator 1"), (lower, "operator 2")], "and nothing after it"
    done = [event for event in scene.kinds("command.done") if event.data["command"] == "restart"]
    assert len(done) == (1 if lower == "hold" else 0), "the first restart never reached the press"


def test_a_hold_of_a_held_run_that_nobody_restarts_is_refused() -> None:
    async def twice(scene: Scene, run: Run) -> None:
        await held(run)
        with pytest.raises(TransitionRefused, match="a run that is held cannot hold"):
            await run.hold("again", "operator 2")
        await run.stop("enough", "operator 1")

    assert Scene(UNIAXIAL, "dwell", twice, nobody).play().states()[-1] == "stopped"


@pytest.mark.parametrize("phase", ["dwell", "a task"])
def test_a_pause_that_comes_just_after_a_hold_is_told_as_outdated(phase: str) -> None:
    async def at_once(scene: Scene, run: Run) -> None:
        if phase == "a task":
            await once(run, lambda event: event.kind == "prompt.asked")
        await run.hold("a noise", "operator 2")
        run.pause("lunch", "operator 1")  # the run has not yet carried the hold out
        await asyncio.sleep(30.0)
        await run.stop("enough", "operator 2")

    scene = Scene(UNIAXIAL, "release" if phase == "a task" else "dwell", at_once, nobody).play()
    assert scene.states()[-4:] == ["holding", "held", "stopping", "stopped"]
    (outdated,) = scene.kinds("command.outdated")
    assert (outdated.data["command"], outdated.data["who"]) == ("pause", "operator 1")


@pytest.mark.parametrize("command", ["restart", "resume"])
def test_what_the_journal_does_not_take_leaves_the_run_waiting_and_can_be_asked_again(command: str) -> None:
    """No machine works: a disk that is full for a moment does not end a run that only waits for a person."""

    async def on_a_full_disk(scene: Scene, run: Run) -> None:
        await once(run, lambda event: event.kind == "prompt.asked")
        if command == "restart":
            await run.hold("a noise", "operator 1")
        else:
            run.pause("lunch", "operator 1")
        await becomes(run, waits)
        append = run.journal.append

        async def full(run: str, kind: str, data: Mapping[str, Any]) -> Event:
            raise JournalError("the disk is full")

        run.journal.append = full  # type: ignore[method-assign]
        getattr(run, command)("done", "operator 1")
        await asyncio.sleep(5.0)
        assert run.state == waits
        run.journal.append = append  # type: ignore[method-assign]
        getattr(run, command)("done, and the disk is mended", "operator 1")

    waits = {"restart": "held", "resume": "paused"}[command]
    scene = Scene(UNIAXIAL, "release", on_a_full_disk, nobody).play()
    assert scene.record["state"] == "complete", scene.record["reason"]
    assert f"cannot {command}: the disk is full" in [e.data["reason"] for e in scene.kinds("run.problem")]

"""The person at a real terminal: pause is taken at any time, what waits is asked about, late answers do nothing."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from controller.cli.terminal import Terminal, TerminalPerson, asking_on_hold
from controller.executor.commands import Expected, refuse_outdated
from controller.executor.prompts import Prompt
from controller.executor.states import RunState


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Awaitable[None]]]:
    """Types a line at the terminal that standard input is."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r", closefd=True) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        async def typed(line: str) -> None:
            os.write(ours, f"{line}\n".encode())
            await asyncio.sleep(0.1)

        yield typed
    os.close(ours)


class Run:
    """What the attendant needs of a run; counts what it was asked for."""

    def __init__(self) -> None:
        self.state, self.version, self.asked = RunState.RUNNING, 1, list[str]()

    @property
    def seen(self) -> Expected:
        return Expected(self.state, self.version)

    def becomes(self, state: RunState) -> Any:
        self.state, self.version = state, self.version + 1
        return SimpleNamespace(kind="run.state", data={"state": state.value})

    def pause(self, reason: str, who: str, expected: Expected | None = None) -> None:
        self.asked.append("pause")

    def resume(self, reason: str, who: str, expected: Expected | None = None) -> None:
        refuse_outdated("resume", expected, self.seen)
        self.asked.append("resume")

    def restart(self, reason: str, who: str, expected: Expected | None = None) -> None:
        refuse_outdated("restart", expected, self.seen)
        self.asked.append("restart")

    async def hold(self, reason: str, who: str, expected: Expected | None = None) -> None:
        self.asked.append("hold")

    async def stop(self, reason: str, who: str, expected: Expected | None = None) -> None:
        self.asked.append("stop")


Play = Callable[[Run, "asyncio.Queue[Any]", Terminal], Awaitable[None]]


def attended(play: Play) -> Run:
    async def both() -> Run:
        run: Any = Run()
        events: asyncio.Queue[Any] = asyncio.Queue()
        terminal = Terminal()
        work = asyncio.create_task(asking_on_hold(terminal)(run, events))
        await asyncio.sleep(0.05)
        await play(run, events, terminal)
        work.cancel()
        await asyncio.wait({work})
        return run  # type: ignore[no-any-return]

    return asyncio.run(both())


def test_pause_is_taken_between_questions_and_other_words_are_none(
    keyboard: Callable[[str], Awaitable[None]], capfd: pytest.CaptureFixture[str]
) -> None:
    async def play(run: Run, events: asyncio.Queue[Any], terminal: Terminal) -> None:
        await keyboard("lunch")
        await keyboard("pause")

    assert attended(play).asked == ["pause"]
    assert "'lunch' is no command; there are pause" in capfd.readouterr().err


def test_pause_is_taken_in_the_question_of_a_task_and_the_question_stays(
    keyboard: Callable[[str], Awaitable[None]],
) -> None:
    async def play(run: Run, events: asyncio.Queue[Any], terminal: Terminal) -> None:
        prompt = Prompt("load", "Load first stack", ("first stack",))
        task = asyncio.create_task(TerminalPerson(terminal).perform(prompt))
        await asyncio.sleep(0.05)
        await keyboard("pause")
        await keyboard("second stack")
        assert not task.done()
        await keyboard("first stack")
        assert (await task).lots == ("first stack",)
        await keyboard("pause")

    assert attended(play).asked == ["pause", "pause"]


def test_a_paused_run_is_asked_about_and_resumed(keyboard: Callable[[str], Awaitable[None]]) -> None:
    async def play(run: Run, events: asyncio.Queue[Any], terminal: Terminal) -> None:
        events.put_nowait(run.becomes(RunState.PAUSED))
        await asyncio.sleep(0.1)
        await keyboard("perhaps")
        await keyboard("resume")

    assert attended(play).asked == ["resume"]


def test_what_is_typed_for_a_hold_that_is_over_does_nothing(
    keyboard: Callable[[str], Awaitable[None]], capfd: pytest.CaptureFixture[str]
) -> None:
    async def play(run: Run, events: asyncio.Queue[Any], terminal: Terminal) -> None:
        events.put_nowait(run.becomes(RunState.HELD))
        await asyncio.sleep(0.1)
        run.becomes(RunState.RUNNING)
        await keyboard("restart")

    assert attended(play).asked == []
    assert (
        "restart was meant for a run that is held (version 2); it is running (version 3) now" in capfd.readouterr().err
    )


def test_a_choice_is_asked_until_it_is_one(keyboard: Callable[[str], Awaitable[None]]) -> None:
    async def play(run: Run, events: asyncio.Queue[Any], terminal: Terminal) -> None:
        prompt = Prompt("decide", "What becomes of it?", choices=("continue", "scrap"))
        task = asyncio.create_task(TerminalPerson(terminal).perform(prompt))
        await asyncio.sleep(0.05)
        await keyboard("perhaps")
        await keyboard("scrap")
        assert (await task).choice == "scrap"

    attended(play)

"""The person at a real terminal: pause is taken at any time, what waits is asked about, late answers do nothing."""

from __future__ import annotations

import asyncio
import getpass
import os
import pty
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from controller.cli.interrupts import Interrupts
from controller.cli.keyboard import Terminal
from controller.cli.login import at_terminal
from controller.cli.terminal import TerminalPerson, asking_on_hold
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
        self.said: list[tuple[str, str]] = []

    @property
    def seen(self) -> Expected:
        return Expected(self.state, self.version)

    def becomes(self, state: RunState, reason: str = "") -> Any:
        self.state, self.version = state, self.version + 1
        return SimpleNamespace(kind="run.state", data={"state": state.value, "reason": reason})

    def pause(self, reason: str, who: str, expected: Expected | None = None) -> None:
        self.asked.append("pause")

    def resume(self, reason: str, who: str, expected: Expected | None = None) -> None:
        refuse_outdated("resume", expected, self.seen)
        self.asked.append("resume")
        self.said.append((reason, who))

    def restart(self, reason: str, who: str, expected: Expected | None = None) -> None:
        refuse_outdated("restart", expected, self.seen)
        self.asked.append("restart")

    async def hold(self, reason: str, who: str, expected: Expected | None = None) -> None:
        self.asked.append("hold")

    async def stop(self, reason: str, who: str, expected: Expected | None = None) -> None:
        self.asked.append("stop")

    async def abort(self, reason: str, who: str, expected: Expected | None = None) -> None:
        self.asked.append("abort")


Play = Callable[[Run, "asyncio.Queue[Any]", Terminal], Awaitable[None]]


def attended(play: Play) -> Run:
    async def both() -> Run:
        run: Any = Run()
        events: asyncio.Queue[Any] = asyncio.Queue()
        terminal = Terminal()
        commands = set[asyncio.Task[None]]()
        attend = asking_on_hold(terminal, lambda command: commands.add(asyncio.create_task(command)))
        work = asyncio.create_task(attend(run, events))
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
        await keyboard("resume lunch is over")

    run = attended(play)
    assert run.asked == ["resume"]
    assert run.said == [("lunch is over", f"{getpass.getuser()} at the terminal")]


def test_a_login_without_a_name_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert at_terminal() == f"user {os.getuid()} at the terminal"


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
        await keyboard("scrap the edge is torn")
        answer = await task
        assert (answer.choice, answer.why, answer.by) == ("scrap", "the edge is torn", at_terminal())

    attended(play)


def test_what_lowers_risk_is_taken_at_any_time_also_in_the_question_of_a_task(
    keyboard: Callable[[str], Awaitable[None]], capfd: pytest.CaptureFixture[str]
) -> None:
    async def play(run: Run, events: asyncio.Queue[Any], terminal: Terminal) -> None:
        await keyboard("hold")
        task = asyncio.create_task(TerminalPerson(terminal).perform(Prompt("load", "Load it", ("first stack",))))
        await asyncio.sleep(0.05)
        await keyboard("stop")
        await keyboard("abort")
        assert not task.done()
        task.cancel()

    assert attended(play).asked == ["hold", "stop", "abort"]
    assert capfd.readouterr().out.count("TASK Load it") == 3, "the question is seen again below what was told"


def test_the_question_of_a_held_run_comes_before_that_of_a_task_which_is_asked_again(
    keyboard: Callable[[str], Awaitable[None]], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.cli.keyboard.AGAIN_S", 0.05)

    async def play(run: Run, events: asyncio.Queue[Any], terminal: Terminal) -> None:
        task = asyncio.create_task(TerminalPerson(terminal).perform(Prompt("load", "Load it", ("first stack",))))
        await asyncio.sleep(0.05)
        events.put_nowait(run.becomes(RunState.HOLDING, "the link is lost"))
        events.put_nowait(run.becomes(RunState.HELD))
        await asyncio.sleep(0.1)
        await keyboard("restart")
        await asyncio.sleep(0.1)
        await keyboard("first stack")
        assert (await task).lots == ("first stack",)

    assert attended(play).asked == ["restart"]
    said = capfd.readouterr().out
    assert "HELD: the link is lost. Type restart, stop or abort, and why:" in said
    assert said.index("TASK") < said.index("HELD") < said.rindex("TASK")


def test_half_a_line_does_not_keep_the_loop_from_its_machines(keyboard: Callable[[str], Awaitable[None]]) -> None:
    """Ctrl-D hands a program what was typed so far, without the end of its line."""

    async def play(run: Run, events: asyncio.Queue[Any], terminal: Terminal) -> None:
        begun = time.monotonic()
        await keyboard("pau\x04se")
        assert time.monotonic() - begun < 5.0

    with deadline(10):
        assert attended(play).asked == ["pause"]


def test_what_another_program_took_from_the_terminal_is_not_waited_for(
    keyboard: Callable[[str], Awaitable[None]],
) -> None:
    async def play(run: Run, events: asyncio.Queue[Any], terminal: Terminal) -> None:
        read = os.read
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(os, "read", lambda fd, size: (sys.stdin.readline(), read(fd, size))[1])
            await keyboard("ls")
        await keyboard("pause")

    with deadline(10):
        assert attended(play).asked == ["pause"]


def test_neither_ctrl_z_nor_a_terminal_of_another_program_suspends_a_controller(
    capfd: pytest.CaptureFixture[str],
) -> None:
    suspending = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
    before = [signal.getsignal(number) for number in suspending]

    async def pressed() -> None:
        async with Interrupts(lambda *_: None):
            assert signal.SIG_DFL not in [signal.getsignal(number) for number in suspending]
            for number in suspending:
                os.kill(os.getpid(), number)
            await asyncio.sleep(0.05)

    asyncio.run(pressed())
    assert [signal.getsignal(number) for number in suspending] == before
    assert capfd.readouterr().err.count("not suspended") == 1


def test_answers_that_are_piped_in_go_one_to_each_question(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "answers"
    file.write_text("first stack\n12.5\n7")

    async def asked() -> list[str]:
        terminal = Terminal()
        answers = [await terminal.ask("one:"), await terminal.ask("two:"), await terminal.ask("three:")]
        with pytest.raises(EOFError, match="closed"):
            await terminal.ask("four:")
        return answers

    for path in (file, None):
        ours, theirs = os.pipe()
        os.write(theirs, file.read_bytes())
        os.close(theirs)
        with os.fdopen(ours) as pipe, file.open() as regular, deadline(10):
            monkeypatch.setattr(sys, "stdin", pipe if path is None else regular)
            assert asyncio.run(asked()) == ["first stack", "12.5", "7"]


@contextmanager
def deadline(seconds: int) -> Iterator[None]:
    """Fails a test whose loop stands still; the loop itself could not."""

    def late(*_: object) -> None:
        raise AssertionError(f"the loop stood still for {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


async def test_ctrl_c_stops_every_run_also_one_that_begins_after_it() -> None:
    class Stopped(Run):
        async def stop(self, reason: str, who: str, expected: Expected | None = None) -> None:
            self.asked.append(f"stop: {reason}")

    runs: Any = [Stopped(), Stopped(), Stopped()]
    async with Interrupts(lambda data: None) as interrupts:
        interrupts.watch(runs[0])
        interrupts.watch(runs[1])
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.05)
        interrupts.watch(runs[2])
    assert [run.asked for run in runs] == [
        ["stop: interrupted by SIGINT"],
        ["stop: interrupted by SIGINT"],
        ["stop: interrupted before it had begun"],
    ]

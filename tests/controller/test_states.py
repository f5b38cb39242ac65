"""A run takes the commands that its state admits; the page of states is the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controller.executor.state_page import COMMANDS, page
from controller.executor.states import TABLE, RunState, TransitionRefused, Trigger
from simulators.clock import run_virtual
from tests.controller.scene import a_run
from tests.controller.test_state_table import ALLOWED


def test_the_page_of_states_is_the_table() -> None:
    written = (Path(__file__).parents[2] / "docs" / "reference" / "run-states.md").read_text(encoding="utf-8")
    assert written == page(), "python -m controller.executor.state_page > docs/reference/run-states.md"
    arrows = {
        (RunState(before), Trigger(trigger)): RunState(after)
        for before, after, triggers in re.findall(r"^    (\w+) --> (\w+): (.+)$", written, re.MULTILINE)
        for trigger in triggers.split(", ")
    }
    assert arrows == TABLE


@pytest.mark.parametrize("command", list(COMMANDS))
@pytest.mark.parametrize("state", list(RunState))
def test_a_run_takes_the_commands_of_its_state_and_refuses_the_others(state: RunState, command: Trigger) -> None:
    """The doors of a run are the table's: what it does not list never reaches the run's inbox."""

    async def asked() -> None:
        run = a_run()
        run.state = state
        if command is Trigger.START:
            attempt = run.raise_state(command, "test", "tester")
        else:
            attempt = getattr(run, command.value)("test", "tester")
        if command.value in ALLOWED[state].split():
            if attempt is not None:
                await attempt
            assert command is Trigger.START or run.inbox.get_nowait().trigger is command  # type: ignore[union-attr]
        else:
            with pytest.raises(TransitionRefused):
                await attempt
            assert run.inbox.empty()

    if command in (Trigger.RESTART, Trigger.PAUSE, Trigger.RESUME) and command.value not in ALLOWED[state].split():
        with pytest.raises(TransitionRefused):
            run_virtual(asked())
    else:
        run_virtual(asked())

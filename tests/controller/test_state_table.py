"""Every state against every trigger, said a second time here: what is in the table moves, all else is refused."""

from __future__ import annotations

import pytest

from controller.executor.states import ENDED, TABLE, RunState, TransitionRefused, Trigger, next_state

ALLOWED = {
    RunState.IDLE: "start stop abort",
    RunState.RUNNING: "pause hold stop abort finished",
    RunState.PAUSING: "pause_done hold stop abort",
    RunState.PAUSED: "resume hold stop abort",
    RunState.HOLDING: "hold_done stop abort",
    RunState.HELD: "restart stop abort",
    RunState.RESTARTING: "restart_done hold stop abort",
    RunState.STOPPING: "stop_done abort unproven",
    RunState.ABORTING: "abort_done unproven",
    RunState.STOPPED: "",
    RunState.ABORTED: "",
    RunState.COMPLETE: "",
}
TARGET = {
    "start": "running",
    "pause": "pausing",
    "resume": "running",
    "hold": "holding",
    "restart": "restarting",
    "stop": "stopping",
    "abort": "aborting",
    "pause_done": "paused",
    "hold_done": "held",
    "restart_done": "running",
    "stop_done": "stopped",
    "abort_done": "aborted",
    "finished": "complete",
    "unproven": "held",
}


@pytest.mark.parametrize("trigger", list(Trigger))
@pytest.mark.parametrize("state", list(RunState))
def test_every_state_against_every_trigger(state: RunState, trigger: Trigger) -> None:
    if trigger.value in ALLOWED[state].split():
        assert next_state(state, trigger) == TARGET[trigger.value]
    else:
        with pytest.raises(TransitionRefused, match=f"a run that is {state} cannot {trigger}"):
            next_state(state, trigger)


def test_an_ended_run_stays_ended() -> None:
    assert not [key for key in TABLE if key[0] in ENDED]


def test_every_state_but_the_ends_can_be_aborted() -> None:
    open_states = set(RunState) - ENDED - {RunState.ABORTING}
    assert {state for state, trigger in TABLE if trigger is Trigger.ABORT} == open_states


def test_the_ends_are_these() -> None:
    assert {state.value for state in ENDED} == {"stopped", "aborted", "complete"}


def test_a_refusal_says_what_was_refused() -> None:
    with pytest.raises(TransitionRefused) as refused:
        next_state(RunState.HELD, Trigger.START)
    assert (refused.value.state, refused.value.trigger) == (RunState.HELD, Trigger.START)

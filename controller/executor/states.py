"""The run's states and the one table of what may follow what (ISA-88.00.01, clause on procedural states).

What is not in the table is refused. Hold, stop and abort lower risk and are therefore open from nearly everywhere;
start, restart and resume raise it and have one place each.
"""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """Where a run is. Ends are STOPPED, ABORTED and COMPLETE; HELD waits for a person."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    HOLDING = "holding"
    HELD = "held"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ABORTING = "aborting"
    ABORTED = "aborted"
    COMPLETE = "complete"


class Trigger(StrEnum):
    """Commands (start ... abort) and events (..._done, finished, unproven) that move a run.

    unproven: a stop or an abort whose machine could not be proven to be at rest; a person has to look.
    """

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    HOLD = "hold"
    RESTART = "restart"
    STOP = "stop"
    ABORT = "abort"
    PAUSE_DONE = "pause_done"
    HOLD_DONE = "hold_done"
    RESTART_DONE = "restart_done"
    STOP_DONE = "stop_done"
    ABORT_DONE = "abort_done"
    FINISHED = "finished"
    UNPROVEN = "unproven"


ENDED = frozenset({RunState.STOPPED, RunState.ABORTED, RunState.COMPLETE})

_HOLDABLE = (RunState.RUNNING, RunState.PAUSING, RunState.PAUSED, RunState.RESTARTING)
_STOPPABLE = (*_HOLDABLE, RunState.IDLE, RunState.HOLDING, RunState.HELD)
_ABORTABLE = (*_STOPPABLE, RunState.STOPPING)

TABLE: dict[tuple[RunState, Trigger], RunState] = {
    (RunState.IDLE, Trigger.START): RunState.RUNNING,
    (RunState.RUNNING, Trigger.PAUSE): RunState.PAUSING,
    (RunState.PAUSING, Trigger.PAUSE_DONE): RunState.PAUSED,
    (RunState.PAUSED, Trigger.RESUME): RunState.RUNNING,
    (RunState.HOLDING, Trigger.HOLD_DONE): RunState.HELD,
    (RunState.HELD, Trigger.RESTART): RunState.RESTARTING,
    (RunState.RESTARTING, Trigger.RESTART_DONE): RunState.RUNNING,
    (RunState.STOPPING, Trigger.STOP_DONE): RunState.STOPPED,
    (RunState.ABORTING, Trigger.ABORT_DONE): RunState.ABORTED,
    (RunState.RUNNING, Trigger.FINISHED): RunState.COMPLETE,
    (RunState.STOPPING, Trigger.UNPROVEN): RunState.HELD,
    (RunState.ABORTING, Trigger.UNPROVEN): RunState.HELD,
    **{(state, Trigger.HOLD): RunState.HOLDING for state in _HOLDABLE},
    **{(state, Trigger.STOP): RunState.STOPPING for state in _STOPPABLE},
    **{(state, Trigger.ABORT): RunState.ABORTING for state in _ABORTABLE},
}


class TransitionRefused(Exception):
    """A command that the run's state does not admit. Not retryable as it is; the state must change first."""

    def __init__(self, state: RunState, trigger: Trigger) -> None:
        super().__init__(f"a run that is {state} cannot {trigger}")
        self.state = state
        self.trigger = trigger


def next_state(state: RunState, trigger: Trigger) -> RunState:
    """The state after `trigger`; raises TransitionRefused where the table has no row."""
    try:
        return TABLE[state, trigger]
    except KeyError:
        raise TransitionRefused(state, trigger) from None

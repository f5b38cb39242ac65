"""The page on run states, made from the table: a diagram (mermaid), what may follow what, and what each word means."""

from __future__ import annotations

from collections.abc import Iterable

from controller.executor.states import ENDED, TABLE, RunState, Trigger

STATE_WORDS = {
    RunState.IDLE: "made, nothing was started",
    RunState.RUNNING: "its steps go on",
    RunState.PAUSING: "goes on to the end of the present step, and waits there",
    RunState.PAUSED: "waits between two steps; every machine is at rest, as at any step's end",
    RunState.HOLDING: "the machine at work is told to hold (or to let off, as the step says)",
    RunState.HELD: "waits for a person; the machine is watched, and what lasts too long becomes a stop",
    RunState.RESTARTING: "permissives are read, the journal has it, the machine is told to go on",
    RunState.STOPPING: "pressure is let off at the job's rate; ends when zero is proven",
    RunState.STOPPED: "ended by a stop, every machine at rest and no press under pressure",
    RunState.ABORTING: "the same as a stop, no faster; nothing can be asked for any more",
    RunState.ABORTED: "ended by an abort, every machine at rest and no press under pressure",
    RunState.COMPLETE: "every step is done",
}
COMMANDS = (
    Trigger.START,
    Trigger.PAUSE,
    Trigger.RESUME,
    Trigger.HOLD,
    Trigger.RESTART,
    Trigger.STOP,
    Trigger.ABORT,
)
"""What is asked for; the other triggers are events, which the run itself tells."""


def page() -> str:
    """The whole page, docs/reference/run-states.md."""
    commands = ", ".join(f"`{trigger}`" for trigger in COMMANDS)
    events = ", ".join(f"`{trigger}`" for trigger in Trigger if trigger not in COMMANDS)
    return "\n".join(
        [
            "# Run states",
            "",
            "The procedural states of ISA-88. This page is made from the table in `controller/executor/states.py` by",
            "`python -m controller.executor.state_page`; a test compares them. What is not in the table is refused.",
            "",
            "```mermaid",
            *_diagram(),
            "```",
            "",
            f"Commands are {commands}; events are {events}.",
            "",
            "| State | Means | What may come, and what follows |",
            "|---|---|---|",
            *(_row(state) for state in RunState),
            "",
            *EXPLAINED,
            "",
        ]
    )


EXPLAINED = (
    "## What lasts",
    "",
    "- A pause lasts until somebody resumes. A hold may come in between, from a person or from a machine; after the",
    "  restart the run goes on to pausing again.",
    "- A run that pauses in its last step waits before it is complete.",
    "- Every change of state counts the run's version. A command may name the state and the version that somebody saw",
    "  (`Run.seen`); when the run has moved on, it is refused with where the run is now. A stop button names none.",
    "- `restart`, `pause` and `resume` wait for their turn. The same one again while it waits is told as",
    "  `command.repeated` and not done twice; one whose turn comes after the run has moved on is `command.outdated`.",
    "- A held run refuses a hold, but for the time in which a restart waits or is being recorded: then the hold keeps",
    "  the restart from its machine.",
    "- Unproven: a stop or an abort whose machine could not be seen to be at rest leaves the run held.",
    "",
    "What machines do on these commands, phase by phase, is in [holding.md](holding.md).",
)


def _diagram() -> Iterable[str]:
    yield "stateDiagram-v2"
    yield f"    [*] --> {RunState.IDLE}"
    arrows: dict[tuple[RunState, RunState], list[Trigger]] = {}
    for (state, trigger), target in TABLE.items():
        arrows.setdefault((state, target), []).append(trigger)
    for (state, target), triggers in arrows.items():
        yield f"    {state} --> {target}: {', '.join(triggers)}"
    for state in RunState:
        if state in ENDED:
            yield f"    {state} --> [*]"


def _row(state: RunState) -> str:
    follows = [f"{trigger} → {target}" for (before, trigger), target in TABLE.items() if before is state]
    return f"| `{state}` | {STATE_WORDS[state]} | {', '.join(follows) or 'nothing: the run has ended'} |"


if __name__ == "__main__":
    print(page(), end="")

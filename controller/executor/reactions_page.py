"""The page on what hold, pause, stop and abort do, made from the table of reactions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from controller.executor.reactions import NO_PHASE, REACTIONS, Reaction

INTRODUCTION = """\
# Hold, pause, stop and abort

What each command does to a machine and to the run, by the phase that the machine's job is in. This page is made from
the table in `controller/executor/reactions.py`, which the executor itself decides by, with
`python -m controller.executor.reactions_page`; a test compares them, and another one checks every row against the
simulated machines.

- A hold keeps the pressure (`on_hold: keep`, for the step's `hold_limit`) or lets it off (`on_hold: bleed`). Pressure
  is kept only while it can be trusted: sensors that disagree, a trip of the machine or a lost job end in a stop.
- A hold that lasts longer than it may becomes a stop. A lost link is held too; the machine's own watchdog counts then.
- Abort is never faster than stop: both let off at the job's rate, as fast decompression cracks the laminate.
- A machine that had ended by itself before it was told refuses the command; seen at rest, and a press proven to be
  without pressure, it is told as just that and not as a failure. Every other refusal is one.
- After a whole dwell a pressing counts, whatever becomes of its release: a stop keeps what it reached, and where the
  press ended by itself a restart goes on to the next thing once it is without pressure, and presses nothing again.
- A pause tells the machines nothing; the step goes on to its end, and what comes next waits until somebody resumes.
- When a held dwell can go on, and when not, is told in [dwell-after-a-hold.md](../explanation/dwell-after-a-hold.md).
"""


def page() -> str:
    """The whole page, docs/reference/holding.md."""
    return "\n".join([INTRODUCTION, *_tables()])


def _tables() -> Iterator[str]:
    for kind in dict.fromkeys(row.kind for row in REACTIONS):
        yield f"## {kind.replace('_', ' ') or NO_PHASE}\n"
        yield "| Phase | Command | Sent | The machine | The run | Lasts | After a restart |"
        yield "|---|---|---|---|---|---|---|"
        alike: dict[Reaction, list[str]] = {}
        for row in REACTIONS:
            if row.kind == kind:
                alike.setdefault(replace(row, phase=""), []).append(row.phase)
        yield from (_row(row, phases) for row, phases in alike.items())
        yield ""


def _row(row: Reaction, phases: list[str]) -> str:
    command = f"{row.command}, `on_hold: {row.on_hold}`" if row.on_hold else str(row.command)
    lasts = f"{row.lasts:g} s, then it becomes a stop" if isinstance(row.lasts, float) else str(row.lasts)
    cells = (", ".join(phases), command, row.sends or "nothing", row.machine, row.run, lasts, row.restart or "")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(page(), end="")

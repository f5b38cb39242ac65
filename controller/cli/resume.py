"""`pressline resume` and `pressline close`: runs that their controller left are continued, or closed by a person."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.app import line_in_use, on_clock, remote_truth, simulated_wires
from controller.cli.alarm_terminal import alarms_at
from controller.cli.attended import attended
from controller.cli.clock import utc_text
from controller.cli.exit_codes import ExitCode
from controller.cli.keyboard import Terminal
from controller.cli.runs import known_scenario, report, tell_left
from controller.cli.show import no_run
from controller.cli.store_place import journal_of
from controller.cli.terminal import TerminalPerson, attendant_for
from controller.config import ConfigError, LineConfig, load_line
from controller.events import Event
from controller.executor.record import document
from controller.executor.run import Run
from controller.executor.states import RunState, TransitionRefused
from controller.journal import JournalError, StoredJournal, read_events
from controller.line import Line
from controller.line_lock import LineTaken
from controller.people import OperatorUnreachable, RemoteOperator
from controller.place import Place
from controller.recovery import NotContinuable, left
from controller.resuming import close_run, continue_run
from controller.session import Attendant, Surroundings, UnitUnreachable, unattended
from drivers.errors import DriverError, ProfileError

RETRY_S = 2.0
"""Loop seconds between the decision and its repetition: a press comes down for minutes (engineering judgement)."""
DECISIONS = ("restart", "stop", "abort")


@dataclass(frozen=True, slots=True)
class ResumeOptions:
    """What the user asked for. decide, who and reason are the decision of a person who is not at the terminal."""

    run: str
    line: Path | None
    speed: float
    scenario: str
    seed: int
    store: Place
    decide: str | None
    who: str
    reason: str
    as_json: bool


def resume_run(options: ResumeOptions) -> ExitCode:
    """Continues a run that was left, and prints its record."""
    if not known_scenario(options.scenario):
        return ExitCode.UNUSABLE
    if (fault := _not_there(options.run, options.store) or _undecided(options)) is not None:
        print(fault, file=sys.stderr)
        return ExitCode.UNUSABLE
    try:
        config = None if options.line is None else load_line(options.line)
        speed = options.speed if config is None else config.speed
        record = on_clock(_resumed(options, config), speed)
    except (ConfigError, ProfileError, JournalError) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    except asyncio.CancelledError:
        return ExitCode.REFUSED
    except (NotContinuable, LineTaken) as error:
        print(error, file=sys.stderr)
        return ExitCode.REFUSED
    except (UnitUnreachable, OperatorUnreachable) as error:
        print(f"a machine could not be reached:\n{error}", file=sys.stderr)
        return ExitCode.UNREACHABLE
    except DriverError as error:
        print(f"the line is not usable: {error}", file=sys.stderr)
        return ExitCode.UNREACHABLE
    return report(record, as_json=options.as_json)


def _not_there(run: str, store: Place) -> str | None:
    """Why there is no such run in the store, if there is none; nothing is written to find it out."""
    try:
        return no_run(store, run, read_events(store))
    except JournalError as error:
        return str(error)


def _undecided(options: ResumeOptions) -> str | None:
    """What is missing for a decision, if anything is: a run must not be stopped only because nobody was asked."""
    if options.decide is None:
        if sys.stdin.isatty():
            return None
        return "pressline resume: nobody is at a terminal to decide; give --decide restart, stop or abort, with --who"
    if options.decide not in DECISIONS:
        return f"pressline resume: --decide {options.decide}: there are {', '.join(DECISIONS)}"
    return None if options.who else "pressline resume: --decide needs --who, the name of the person who decides"


async def _resumed(options: ResumeOptions, config: LineConfig | None) -> dict[str, Any]:
    begun = time.perf_counter()
    journal = journal_of(options.store, "it has taken the run up: POST /api/v1/runs/{run}/restart of its API goes on")
    faults: list[str] = []
    try:
        if config is not None:
            await _continued(options, config, journal, faults)
        else:
            if left(options.run, journal.earlier.of_run(options.run)).finished:
                raise NotContinuable(
                    f"run {options.run} has finished steps, and a new simulated line has not the lots that they made;"
                    " `pressline simulate` serves a line that outlives the controller"
                )
            async with simulated_wires(options.scenario, options.seed, options.speed) as simulated:
                await _continued(options, simulated, journal, faults)
    finally:
        await journal.close()
        tell_left(journal, options.store, but=options.run)
        faults += [] if journal.broken is None else [journal.broken]
        for fault in faults:
            print(fault, file=sys.stderr)
    return document(journal.record(options.run), alive=False, wall_seconds=time.perf_counter() - begun)


async def _continued(options: ResumeOptions, config: LineConfig, journal: StoredJournal, faults: list[str]) -> None:
    operator = None if config.operator_url is None else RemoteOperator(config.operator_url)
    async with attended(journal, config.speed, quiet=options.as_json, asked_here=operator is None) as around:

        def announce(run: Run) -> None:
            around.watch.ready()
            around.interrupts.watch(run)
            around.progress.begin(run.name, run.plan, options.store)

        terminal = Terminal() if sys.stdin.isatty() else None
        with line_in_use(config, utc_text(), None, faults.append) as line:
            surroundings = Surroundings(
                line=line,
                journal=journal,
                person=operator or TerminalPerson(terminal or Terminal()),
                attendant=_attendant(
                    options, attendant_for(terminal, around.interrupts.carry_out), is_alone=terminal is None
                ),
                truth=None if operator is None else remote_truth(operator),
                speed=config.speed,
                keeps_wall_time=True,
                announce=announce,
                health=around.health,
                watch_alarms=alarms_at(terminal),
            )
            await continue_run(options.run, surroundings)


def _attendant(options: ResumeOptions, later: Attendant, *, is_alone: bool) -> Attendant:
    """Decides as the command says, again while a machine is not at rest yet; what comes later is the terminal's.

    is_alone: nobody is at a terminal; then a restart also ends a pause, because nobody could resume.
    """
    if options.decide is None:
        return later

    async def attend(run: Run, events: asyncio.Queue[Event]) -> None:
        has_run = False
        while not has_run:
            event = await events.get()
            if event.kind != "run.state":
                continue
            has_run = event.data["state"] == RunState.RUNNING
            if event.data["state"] == RunState.HELD:
                await asyncio.sleep(RETRY_S)
                await _decide(run, options)
        if not is_alone:
            await later(run, events)
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(later(run, events), name=f"decides on {run.name}")
            group.create_task(_resuming(run, options), name=f"resumes {run.name}")

    return attend


async def _resuming(run: Run, options: ResumeOptions) -> None:
    """Ends the pause that was asked for before the controller died, when it is reached."""
    with run.journal.stream.subscribe(run.name) as events:
        is_paused = run.state is RunState.PAUSED
        while run.pause_asked is not None:
            if is_paused:
                run.resume(_reason(options), options.who)
            event = await events.get()
            is_paused = event.kind == "run.state" and run.state is RunState.PAUSED


def _reason(options: ResumeOptions) -> str:
    return options.reason or "decided with the command"


async def _decide(run: Run, options: ResumeOptions) -> None:
    reason = _reason(options)
    try:
        match options.decide:
            case "restart":
                run.restart(reason, options.who)
            case "stop":
                await run.stop(reason, options.who)
            case _:
                await run.abort(reason, options.who)
    except TransitionRefused as error:
        print(error, file=sys.stderr)


def close_left_run(run: str, store: Place, reason: str, who: str, *, as_json: bool) -> ExitCode:
    """Closes the record of a run that nobody continues, and prints it."""
    if not reason.strip() or not who.strip():
        print("pressline close: --reason and --who say why the run is closed and who closes it", file=sys.stderr)
        return ExitCode.UNUSABLE
    if (fault := _not_there(run, store)) is not None:
        print(fault, file=sys.stderr)
        return ExitCode.UNUSABLE
    try:
        record = asyncio.run(_closed(run, store, reason, who))
    except JournalError as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    except NotContinuable as error:
        print(error, file=sys.stderr)
        return ExitCode.REFUSED
    report(record, as_json=as_json)
    return ExitCode.PASSED


async def _closed(run: str, store: Place, reason: str, who: str) -> dict[str, Any]:
    journal = journal_of(store, "POST /api/v1/runs/{run}/close of its API does it")
    try:
        line = Line({}, {})
        nobody = TerminalPerson(Terminal())
        await close_run(run, Surroundings(line, journal, nobody, unattended), reason, who)
    finally:
        await journal.close()
        if journal.broken is not None:
            print(journal.broken, file=sys.stderr)
    return document(journal.record(run), alive=False)

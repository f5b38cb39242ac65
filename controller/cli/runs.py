"""`pressline dry-run` and `run`: a plan carried out on virtual time, on simulated wires or on real ones."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from controller.app import line_in_use, on_clock, remote_truth, scenarios, simulated_wires
from controller.batch_record import batches_document
from controller.batches import carry_out_all, numbered
from controller.cli.alarm_terminal import alarms_at
from controller.cli.attended import attended
from controller.cli.clock import utc, utc_text
from controller.cli.exit_codes import ExitCode, code_of
from controller.cli.keyboard import Terminal
from controller.cli.many import MANY_UNITS, many_profiles, report_many
from controller.cli.recipes import Unusable, capabilities, examined, report_refusal
from controller.cli.store_place import journal_of
from controller.cli.terminal import TerminalPerson, attendant_for
from controller.config import ConfigError, LineConfig, load_line
from controller.executor.allocation import take_out_of_service
from controller.executor.record import document
from controller.executor.run import Run
from controller.journal import Journal, JournalError
from controller.line import unit_profile
from controller.line_lock import LineTaken
from controller.people import OperatorUnreachable, RemoteOperator
from controller.place import Place
from controller.recovery import open_runs
from controller.session import MachineNotReady, Surroundings, UnitUnreachable, carry_out
from controller.store.shelf import Approval
from drivers.errors import DriverError, ProfileError
from recipes.model import Recipe
from recipes.plan import Plan


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the user asked for."""

    file: Path
    line: Path | None
    speed: float
    scenario: str
    seed: int
    store: Place
    rearm: bool
    record: Path | None
    as_json: bool
    laminates: int | None = None
    people: int = 1
    out: Sequence[str] = ()


def _accepted(file: Path, line: Path | None, *, as_json: bool) -> tuple[ExitCode, Plan | None]:
    """The plan of a file, or the code with which the command ends after telling why."""
    try:
        code, findings, plan = examined(file, line)
    except Unusable as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE, None
    if plan is None:
        report_refusal(findings, code, as_json=as_json)
    return code, plan


def can_be_simulated(recipe: Recipe) -> bool:
    """Whether the simulated dryer knows the solvents; tells which it does not."""
    from recipes.materials.coating import UnknownSolventError, solvent

    unknown = []
    for step in recipe.steps:
        if step.coat is None:
            continue
        try:
            solvent(step.coat.slurry.solvent)
        except UnknownSolventError as error:
            place = step.locations.get("coat.slurry.solvent") or step.locations.get("coat.slurry", step.location)
            unknown.append(f"{place}: {step.name}: {error}; without them no simulated coater can dry it")
    for line in unknown:
        print(line, file=sys.stderr)
    return not unknown


NEWEST_APPROVED = "approved"


def stored_reference(file: Path) -> tuple[str, str] | None:
    """Name and version of a stored recipe, where no file of that name is there: "NAME@3" or "NAME@approved"."""
    name, at, version = str(file).rpartition("@")
    return (name, version) if at and not file.exists() else None


def _approved(stored: tuple[str, str], options: RunOptions) -> tuple[ExitCode, Plan | None, Approval | None]:
    """The plan of a stored recipe that somebody approved, or the code with which the command ends."""
    from controller.cli.versions import reported
    from controller.store.recipes import approved_plan
    from controller.store.words import reference

    found: list[tuple[Plan, Approval]] = []

    def work() -> ExitCode:
        name, version = stored
        wanted = None if version == NEWEST_APPROVED else reference(f"{name}@{version}").version
        found.append(approved_plan(options.store, name, wanted, capabilities(options.line)))
        return ExitCode.PASSED

    code = reported(work, as_json=options.as_json)
    return (code, *found[0]) if found else (code, None, None)


def known_scenario(scenario: str) -> bool:
    """Whether there is a scenario of this name; tells which there are."""
    if scenario in (known := scenarios()):
        return True
    print(f"pressline: there is no scenario {scenario!r}; there are {', '.join(known)}", file=sys.stderr)
    return False


def report(record: dict[str, Any], *, as_json: bool) -> ExitCode:
    """Prints a record and returns the code that it deserves."""
    if as_json:
        print(json.dumps(record, indent=2))
    else:
        from controller.reports.run_table import print_run

        print_run(record)
    return code_of(record)


def dry_run_file(
    file: Path, line: Path | None, scenario: str, seed: int, *, at_gates: str | None = None, as_json: bool
) -> ExitCode:
    """Runs a recipe on virtual time, on the units of a line file or the usual ones, and prints its record."""
    from controller.dryrun import dry_run

    if not known_scenario(scenario):
        return ExitCode.UNUSABLE
    code, plan = _accepted(file, line, as_json=as_json)
    if plan is None:
        return code
    if not can_be_simulated(plan.recipe):
        return ExitCode.UNUSABLE
    units = None if line is None else {unit.name: unit_profile(unit) for unit in load_line(line).units.values()}
    record = dry_run(plan, scenario=scenario, seed=seed, units=units, at_gates=at_gates)
    return report(record, as_json=as_json)


def run_file(options: RunOptions) -> ExitCode:
    """Runs a recipe on wires and prints its record."""
    if not known_scenario(options.scenario):
        return ExitCode.UNUSABLE
    approval: Approval | None = None
    if (stored := stored_reference(options.file)) is not None:
        code, plan, approval = _approved(stored, options)
    else:
        code, plan = _accepted(options.file, options.line, as_json=options.as_json)
    if plan is None:
        return code
    if options.line is None and not can_be_simulated(plan.recipe):
        return ExitCode.UNUSABLE
    try:
        config = None if options.line is None else load_line(options.line)
        speed = options.speed if config is None else config.speed
        _check_many(options, config)
        record = on_clock(_pressed(plan, options, config, approval), speed)
    except (ConfigError, ProfileError, JournalError) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    except asyncio.CancelledError:
        return ExitCode.REFUSED
    except (UnitUnreachable, OperatorUnreachable) as error:
        print(f"a machine could not be reached:\n{error}", file=sys.stderr)
        return ExitCode.UNREACHABLE
    except (MachineNotReady, LineTaken) as error:
        print(error, file=sys.stderr)
        return ExitCode.REFUSED
    except DriverError as error:
        print(f"the line is not usable: {error}", file=sys.stderr)
        return ExitCode.UNREACHABLE
    if options.laminates is not None:
        return report_many(record, as_json=options.as_json)
    return report(record, as_json=options.as_json)


def _check_many(options: RunOptions, config: LineConfig | None) -> None:
    """Raises ConfigError for a unit that is not there, and where several laminates would ask at one terminal."""
    units = MANY_UNITS if config is None else config.units
    if unknown := [unit for unit in options.out if unit not in units]:
        raise ConfigError(f"the line has no unit {unknown[0]}; it has {', '.join(units)}")
    if options.laminates is not None and config is not None and config.operator_url is None:
        raise ConfigError(f"{options.line}: --laminates needs a simulated operator; one terminal cannot serve several")


@asynccontextmanager
async def _line_config(options: RunOptions, config: LineConfig | None) -> AsyncIterator[LineConfig]:
    if config is not None:
        yield config
    else:
        units = None if options.laminates is None else many_profiles()
        wires = simulated_wires(options.scenario, options.seed, options.speed, units=units, people=options.people)
        async with wires as simulated:
            yield simulated


def _simulation(options: RunOptions, line: LineConfig) -> dict[str, Any] | None:
    """What says in the record that machines are simulated: ours with scenario and seed, others by their operator."""
    if options.line is None:
        return {"scenario": options.scenario, "seed": options.seed}
    return None if line.operator_url is None else {"operator": line.operator_url}


def approval_data(approval: Approval) -> dict[str, Any]:
    """Who approved what is run, for the run's record; the hash ties it to the store's chain of recipes."""
    return {
        "recipe": approval.recipe,
        "version": approval.version,
        "by": approval.by,
        "utc": approval.utc,
        "meaning": approval.meaning,
        "text_sha256": approval.text_sha256,
        "hash": approval.hash,
    }


def _name(now: datetime) -> str:
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def tell_left(journal: Journal, store: Place, *, but: str) -> None:
    """Which other runs of the store are left, and that each is continued by itself."""
    others = [run for run in open_runs(journal.everything()) if run != but]
    if not others:
        return
    if len(others) == 1:
        words = f"run {others[0]} is left open; `pressline resume {others[0]} --line FILE --store {store}` continues it"
    else:
        how = f"`pressline resume RUN --line FILE --store {store}` continues one, and then the next, the oldest first"
        words = f"{len(others)} runs are left open; {how}: {', '.join(others)}"
    print(words, file=sys.stderr)


async def _pressed(
    plan: Plan, options: RunOptions, config: LineConfig | None, approval: Approval | None
) -> dict[str, Any]:
    begun = time.perf_counter()
    name = _name(utc())
    journal = journal_of(options.store, "POST /api/v1/runs of its API orders a run")
    batches = [] if options.laminates is None else numbered(plan, options.laminates, name)
    refused: Mapping[str, str] = {}
    faults: list[str] = []
    try:
        async with _line_config(options, config) as line_config:
            operator = None if line_config.operator_url is None else RemoteOperator(line_config.operator_url)
            simulation = _simulation(options, line_config)
            async with attended(
                journal, line_config.speed, quiet=options.as_json, asked_here=operator is None
            ) as around:
                interrupts, progress = around.interrupts, around.progress

                def announce(run: Run) -> None:
                    around.watch.ready()
                    interrupts.watch(run)
                    progress.begin(run.name, plan, options.store)

                terminal = Terminal() if sys.stdin.isatty() else None
                with line_in_use(line_config, utc_text(), options.record, faults.append) as line:
                    surroundings = Surroundings(
                        line=line,
                        journal=journal,
                        person=operator or TerminalPerson(terminal or Terminal()),
                        attendant=attendant_for(None if batches else terminal, interrupts.carry_out),
                        truth=None if operator is None else remote_truth(operator),
                        simulation=simulation,
                        approval=None if approval is None else approval_data(approval),
                        speed=line_config.speed,
                        rearm=options.rearm,
                        keeps_wall_time=True,
                        announce=announce,
                        health=around.health,
                        watch_alarms=alarms_at(terminal),
                    )
                    for unit in options.out:
                        await take_out_of_service(line, journal, unit, "command line", "asked for")
                    if batches:
                        refused = await carry_out_all(batches, surroundings, options.people)
                    else:
                        await carry_out(plan, surroundings, name)
    finally:
        await journal.close()
        tell_left(journal, options.store, but=name)
        faults += [] if journal.broken is None else [journal.broken]
        for fault in faults:
            print(fault, file=sys.stderr)
    wall_s = time.perf_counter() - begun
    if batches:
        return batches_document(journal.events(), [batch.name for batch in batches], refused, options.people, wall_s)
    return document(journal.events(name), alive=False, wall_seconds=wall_s)

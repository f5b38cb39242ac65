"""Commands that press a recipe, go on with a run, or serve the machines for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.options import USUAL_PEOPLE, AsJson, OutOfService, People, Scenario, Seed, Speed
from controller.cli.store_place import STORE, Store

run_commands = typer.Typer()


@run_commands.command()
def run(
    file: Annotated[
        Path, typer.Argument(help="A recipe file, or NAME@VERSION or NAME@approved of the store's approved recipes.")
    ],
    line: Annotated[
        Path | None, typer.Option("--line", help="The line file of real machines or of `pressline simulate`.")
    ] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Run on simulated machines on real sockets and serial lines.")
    ] = False,
    speed: Speed = 1.0,
    scenario: Scenario = "realistic",
    seed: Seed = 1,
    store: Store = STORE,
    rearm: Annotated[
        bool, typer.Option("--rearm", help="Reset machines that stopped by themselves; look at them first.")
    ] = False,
    record: Annotated[
        Path | None, typer.Option("--record", help="Write every byte on the wires there; `devices replay` serves it.")
    ] = None,
    laminates: Annotated[
        int | None, typer.Option(min=1, max=100, help="So many at once, each a run of its own; simulated people only.")
    ] = None,
    people: People = None,
    out: OutOfService = None,
    as_json: AsJson = False,
) -> None:
    """Press a recipe on a real or a simulated line; Ctrl-C stops safely, a second one aborts.

    At a terminal `help` and Enter tells what may be typed while it goes on: pause, hold, stop, abort, alarms.
    """
    from controller.cli.runs import RunOptions, run_file

    if simulate == (line is not None):
        typer.echo("pressline run: give either --line FILE or --simulate", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    if line is not None and speed != 1.0:
        typer.echo("pressline run: --speed goes with --simulate; a line file has its own speed", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    if laminates is None and (people is not None or out):
        typer.echo("pressline run: --people and --out-of-service go with --laminates", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    options = RunOptions(file, line, speed, scenario, seed, store, rearm, record, as_json)
    if laminates is not None:
        options = replace(options, laminates=laminates, people=people or USUAL_PEOPLE, out=tuple(out or ()))
    raise typer.Exit(run_file(options))


@run_commands.command()
def resume(
    run: Annotated[str, typer.Argument(help="The run's name, as `pressline show` lists it.")],
    line: Annotated[
        Path | None, typer.Option("--line", help="The line file of the machines that the run was on.")
    ] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="A new simulated line: only for a run that has finished no step.")
    ] = False,
    speed: Speed = 1.0,
    scenario: Scenario = "realistic",
    seed: Seed = 1,
    decide: Annotated[
        str | None, typer.Option("--decide", help="Where nobody is at a terminal: restart, stop or abort.")
    ] = None,
    who: Annotated[str, typer.Option("--who", "--by", help="Who decides.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Continue a run whose controller ended: look at its machines, decide, and go on with what is not finished."""
    from controller.cli.resume import ResumeOptions, resume_run

    if simulate == (line is not None):
        typer.echo("pressline resume: give either --line FILE or --simulate", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    if line is not None and speed != 1.0:
        typer.echo("pressline resume: --speed goes with --simulate; a line file has its own speed", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    options = ResumeOptions(run, line, speed, scenario, seed, store, decide, who, reason, as_json)
    raise typer.Exit(resume_run(options))


@run_commands.command()
def close(
    run: Annotated[str, typer.Argument(help="The run's name, as `pressline show` lists it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, and what was found at the machines.")],
    who: Annotated[str, typer.Option("--who", "--by", help="Who closes it.")],
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Close the record of a run that its controller left and that nobody will continue; no machine is asked."""
    from controller.cli.resume import close_left_run

    raise typer.Exit(close_left_run(run, store, reason, who, as_json=as_json))


@run_commands.command()
def simulate(
    speed: Speed = 1.0,
    scenario: Scenario = "realistic",
    seed: Seed = 1,
    line: Annotated[
        Path,
        typer.Option(
            "--line",
            help="A line file whose units are simulated, on wires as it lays them out; one that is not there is written"
            " for the usual simulated line.",
        ),
    ] = Path("simulated-line.toml"),
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Where the line file of what is served goes; else simulated-line.toml."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve simulated machines on Modbus TCP, Modbus RTU and ASCII lines until Ctrl-C, with a page for their faults."""
    from controller.cli.simulate import SimulateOptions, serve_simulated

    raise typer.Exit(serve_simulated(SimulateOptions(speed, scenario, seed, line, output, as_json)))

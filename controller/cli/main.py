"""`pressline`: the command line. Commands import what they need when they run, so that --help answers at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.exit_codes import ExitCode

app = typer.Typer(
    name="pressline",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Runs a line that presses solid-state battery laminates: checks a recipe against its sources, presses it on"
    " real or simulated machines, and proves afterwards, rule by rule, what was made.",
    epilog="Exit codes: 0 every claim and required rule passes on evidence that counts; 1 refused, failed, undetermined"
    " or held; 2 unusable input; 3 a machine could not be reached.",
)

RecipeFile = Annotated[Path, typer.Argument(help="A recipe file, for example recipes/library/honda-example-1.yaml.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
LineFile = Annotated[
    Path | None, typer.Option("--line", help="The line file; without it the shipped machine models are used.")
]
Scenario = Annotated[str, typer.Option(help="How the simulated machines behave: realistic or nominal.")]
Seed = Annotated[
    int, typer.Option(min=0, help="Draws the simulated truth and noise; the same seed gives the same run.")
]
Speed = Annotated[float, typer.Option(min=1, max=20, help="How many times faster than real a simulated line runs.")]
Store = Annotated[Path, typer.Option(help="The file that holds the journal of all runs.")]
STORE = Path("pressline.sqlite")


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Recipe files.")], line: LineFile = None, as_json: AsJson = False
) -> None:
    """Check recipes against their sources and the line, without moving anything."""
    from controller.cli.recipes import validate_files

    raise typer.Exit(validate_files(files, line, as_json=as_json))


@app.command()
def plan(file: RecipeFile, line: LineFile = None, as_json: AsJson = False) -> None:
    """Show what would be done: setpoints, windows, times, predicted porosities, and the hash that is run."""
    from controller.cli.recipes import plan_file

    raise typer.Exit(plan_file(file, line, as_json=as_json))


@app.command(name="dry-run")
def dry_run(file: RecipeFile, scenario: Scenario = "realistic", seed: Seed = 1, as_json: AsJson = False) -> None:
    """Run a recipe on simulated machines in virtual time: the same executor and drivers, no waiting."""
    from controller.cli.runs import dry_run_file

    raise typer.Exit(dry_run_file(file, scenario, seed, as_json=as_json))


@app.command()
def run(
    file: RecipeFile,
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
    as_json: AsJson = False,
) -> None:
    """Press a recipe. Ctrl-C stops safely, a second one aborts."""
    from controller.cli.runs import RunOptions, run_file

    if simulate == (line is not None):
        typer.echo("pressline run: give either --line FILE or --simulate", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    if line is not None and speed != 1.0:
        typer.echo("pressline run: --speed goes with --simulate; a line file has its own speed", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    options = RunOptions(file, line, speed, scenario, seed, store, rearm, as_json)
    raise typer.Exit(run_file(options))


@app.command()
def simulate(
    speed: Speed = 1.0,
    scenario: Scenario = "realistic",
    seed: Seed = 1,
    line: Annotated[
        Path, typer.Option("--line", help="Where to write the line file of the simulated machines.")
    ] = Path("simulated-line.toml"),
    as_json: AsJson = False,
) -> None:
    """Serve the simulated machines on Modbus TCP, Modbus RTU and ASCII serial lines until Ctrl-C."""
    from controller.cli.runs import serve_simulated

    raise typer.Exit(serve_simulated(speed, scenario, seed, line, as_json=as_json))


@app.command()
def show(
    run: Annotated[str | None, typer.Argument(help="The run's name; without it all runs are listed.")] = None,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Show a recorded run: its steps, its certificate and whether its record is intact."""
    from controller.cli.show import show_run

    raise typer.Exit(show_run(run, store, as_json=as_json))


def main() -> None:
    """Entry point of the `pressline` command; a reader that goes away (a closed pipe) ends it quietly."""
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ExitCode.REFUSED)
    except Exception as error:  # the last resort: no trace reaches a user, and the code is never 0
        if os.environ.get("PRESSLINE_DEBUG"):
            raise
        print(f"pressline: a fault of the program: {type(error).__name__}: {error}", file=sys.stderr)
        if "run" in sys.argv[1:2]:
            print("Machines that were moving act by themselves on a silent controller; look at them.", file=sys.stderr)
        print("PRESSLINE_DEBUG=1 shows where it happened.", file=sys.stderr)
        sys.exit(ExitCode.REFUSED)


if __name__ == "__main__":
    main()

"""Commands that try a recipe on virtual time or on paper."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.options import USUAL_PEOPLE, AsJson, OutOfService, People, RecipeFile, Scenario, Seed

trial_commands = typer.Typer()
ManyLine = Annotated[
    Path | None,
    typer.Option("--line", help="The line file; without it the shipped machine models and a second uniaxial press."),
]


class Decision(StrEnum):
    """What becomes of a lot that has missed a target, where a gate asks."""

    CONTINUE = "continue"
    RE_PRESS = "re-press"
    SCRAP = "scrap"


Urgent = Annotated[
    Path | None, typer.Option("--urgent", help="A recipe of which one laminate is made besides, served before all.")
]


@trial_commands.command(name="dry-run")
def dry_run(
    file: RecipeFile,
    laminates: Annotated[
        int | None, typer.Option(min=1, max=1000, help="So many laminates at once, each a run of its own.")
    ] = None,
    people: People = None,
    line: ManyLine = None,
    out: OutOfService = None,
    urgent: Urgent = None,
    scenario: Scenario = "realistic",
    seed: Seed = 1,
    at_gates: Annotated[
        Decision | None,
        typer.Option(help="What the simulated operator decides where a gate asks; without it the run ends there."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a recipe on simulated machines in virtual time: the same executor and drivers, no waiting."""
    from controller.cli.runs import dry_run_file

    if laminates is None:
        if people is not None or out or urgent is not None:
            typer.echo("pressline dry-run: --people, --out-of-service and --urgent go with --laminates", err=True)
            raise typer.Exit(ExitCode.UNUSABLE)
        decision = None if at_gates is None else at_gates.value
        raise typer.Exit(dry_run_file(file, line, scenario, seed, at_gates=decision, as_json=as_json))
    if at_gates is not None:
        typer.echo("pressline dry-run: --at-gates goes without --laminates", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    from controller.cli.schedule import ManyOptions, dry_run_many

    options = ManyOptions(file, laminates, people or USUAL_PEOPLE, line, tuple(out or ()), as_json, urgent)
    raise typer.Exit(dry_run_many(options, scenario, seed))


@trial_commands.command()
def schedule(
    file: RecipeFile,
    laminates: Annotated[int, typer.Option(min=1, max=1000, help="How many are to be made.")] = 1,
    people: People = None,
    line: ManyLine = None,
    out: OutOfService = None,
    urgent: Urgent = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write the picture there as SVG.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show when which laminate would be on which machine, by predicted times and the rules that a run follows."""
    from controller.cli.schedule import ManyOptions, schedule_file

    options = ManyOptions(file, laminates, people or USUAL_PEOPLE, line, tuple(out or ()), as_json, urgent)
    raise typer.Exit(schedule_file(options, svg))


@trial_commands.command(
    epilog="For example: pressline sweep recipes/library/honda-example-1.yaml --vary densify.pressure=700..1100MPa"
    " --vary densify.temperature=25..140degC --samples 2000"
)
def sweep(
    file: RecipeFile,
    vary: Annotated[
        list[str],
        typer.Option(
            help="What is varied, between which values: STEP.QUANTITY=LOW..HIGH UNIT, STEP being a step's name or role,"
            " or laminate. ... as the recipe file nests it. Windows around it go along. Can be given several times."
        ),
    ],
    samples: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many samples, a Latin hypercube.")] = 200,
    seed: Seed = 1,
    scenario: Scenario = "realistic",
    jobs: Annotated[int, typer.Option(min=0, help="How many processes of this computer; 0 is one for each core.")] = 0,
    scheduler: Annotated[
        str | None, typer.Option(help="The address of a Dask scheduler, tcp://host:port, instead of processes here.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="By the compaction law alone: 50,000 samples in seconds, no machines.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="The folder of the results; without it NAME-sweep. The same command goes on.")
    ] = None,
    plots: Annotated[str, typer.Option(help="Pictures beside the results: png, svg or none.")] = "png",
    write_sample: Annotated[
        int | None, typer.Option(help="Run nothing: write the recipe of this sample to the file that --output names.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Vary quantities of a recipe and run every sample on simulated machines in virtual time.

    Results go to Parquet with a summary and plots; a sweep that was stopped is continued by the same command.
    """
    from controller.cli.sweep import SweepCommand, sweep_recipe, write_sample_recipe
    from controller.sweep.options import PLOTS, SweepOptions

    if plots not in PLOTS:
        typer.echo(f"pressline sweep: --plots {plots}: there are {', '.join(PLOTS)}", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    options = SweepOptions(file, tuple(vary), samples, seed, scenario, jobs, scheduler, estimate)
    command = SweepCommand(options, output, plots, as_json)
    raise typer.Exit(sweep_recipe(command) if write_sample is None else write_sample_recipe(command, write_sample))

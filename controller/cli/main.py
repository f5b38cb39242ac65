"""`pressline`: the command line. Commands import what they need when they run, so that --help answers at once."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.alarms import alarms
from controller.cli.devices import devices
from controller.cli.exit_codes import ExitCode
from controller.cli.faults import faults
from controller.cli.interlocks import interlocks
from controller.cli.library import recipes
from controller.cli.lots import lots

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
app.add_typer(recipes, name="recipes")
app.add_typer(devices, name="devices")
app.add_typer(faults, name="faults")
app.add_typer(alarms, name="alarms")
app.add_typer(interlocks, name="interlocks")
app.add_typer(lots, name="lots")

RecipeFile = Annotated[Path, typer.Argument(help="A recipe file, for example recipes/library/honda-example-1.yaml.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
LineFile = Annotated[
    Path | None, typer.Option("--line", help="The line file; without it the shipped machine models are used.")
]
Scenario = Annotated[
    str,
    typer.Option(help="How the simulated machines behave: realistic, nominal, or one of `pressline faults scenarios`."),
]
Seed = Annotated[
    int, typer.Option(min=0, help="Draws the simulated truth and noise; the same seed gives the same run.")
]
Speed = Annotated[float, typer.Option(min=1, max=20, help="How many times faster than real a simulated line runs.")]
People = Annotated[
    int | None, typer.Option(min=1, max=100, help="How many people are at the line; two if it is left out.")
]
ManyLine = Annotated[
    Path | None,
    typer.Option("--line", help="The line file; without it the shipped machine models and a second uniaxial press."),
]
OutOfService = Annotated[
    list[str] | None, typer.Option("--out-of-service", help="A unit that is not used. Can be given several times.")
]
USUAL_PEOPLE = 2
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
def plan(
    file: RecipeFile,
    line: LineFile = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the control recipe there, the text that the hash is of.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what would be done: setpoints, windows, times, predictions, margins, materials, and the hash that is run."""
    from controller.cli.recipes import plan_file

    raise typer.Exit(plan_file(file, line, output, as_json=as_json))


@app.command()
def diff(
    first: Annotated[Path, typer.Argument(help="A recipe file.")],
    second: Annotated[Path, typer.Argument(help="The recipe file to compare it with.")],
    as_json: AsJson = False,
) -> None:
    """Show what differs in what two recipes make: 0 nothing, 1 something, 2 a file cannot be used."""
    from controller.cli.recipe_tools import diff_files

    raise typer.Exit(diff_files(first, second, as_json=as_json))


@app.command()
def fmt(
    files: Annotated[list[Path], typer.Argument(help="Recipe files.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; show what would change, and exit with 1 if anything would.")
    ] = False,
) -> None:
    """Lay recipes out alike: order of keys, indents, spelling of units; never changes what is made."""
    from controller.cli.recipe_tools import format_files

    raise typer.Exit(format_files(files, check=check))


@app.command()
def schema(
    output: Annotated[
        Path | None, typer.Option("--output", help="Write it there instead of to standard output.")
    ] = None,
) -> None:
    """Print the JSON Schema of recipe files, for the completion and checks of an editor."""
    from controller.cli.recipe_tools import print_schema

    raise typer.Exit(print_schema(output))


@app.command(name="dry-run")
def dry_run(
    file: RecipeFile,
    laminates: Annotated[
        int | None, typer.Option(min=1, max=1000, help="So many laminates at once, each a run of its own.")
    ] = None,
    people: People = None,
    line: ManyLine = None,
    out: OutOfService = None,
    scenario: Scenario = "realistic",
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Run a recipe on simulated machines in virtual time: the same executor and drivers, no waiting."""
    from controller.cli.runs import dry_run_file

    if laminates is None:
        if people is not None or out:
            typer.echo("pressline dry-run: --people and --out-of-service go with --laminates", err=True)
            raise typer.Exit(ExitCode.UNUSABLE)
        raise typer.Exit(dry_run_file(file, line, scenario, seed, as_json=as_json))
    from controller.cli.schedule import ManyOptions, dry_run_many

    options = ManyOptions(file, laminates, people or USUAL_PEOPLE, line, tuple(out or ()), as_json)
    raise typer.Exit(dry_run_many(options, scenario, seed))


@app.command(
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


@app.command()
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
    options = RunOptions(file, line, speed, scenario, seed, store, rearm, record, as_json)
    raise typer.Exit(run_file(options))


@app.command()
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


@app.command()
def show(
    run: Annotated[str | None, typer.Argument(help="The run's name; without it all runs are listed.")] = None,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Show a recorded run: its steps, its certificate and whether its record is intact."""
    from controller.cli.show import show_run

    raise typer.Exit(show_run(run, store, as_json=as_json))


@app.command()
def certificate(
    run: Annotated[str, typer.Argument(help="The run's name, as `pressline show` lists it.")],
    store: Store = STORE,
    html: Annotated[Path | None, typer.Option("--html", help="Write it as one page that needs no network.")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Write it as a PDF, with the document attached.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the certificate of a run that has ended: as text, JSON, a page or a PDF."""
    from controller.cli.certificate import CertificateOptions, certify_run

    raise typer.Exit(certify_run(CertificateOptions(run, store, html, pdf, force, as_json)))


@app.command()
def verify(
    file: Annotated[
        Path, typer.Argument(help="A certificate (its JSON, its page or its PDF), a store, or a store's rescue file.")
    ],
    store: Annotated[Path | None, typer.Option(help="The store whose journal holds the run.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="The recipe file that was run.")] = None,
    line: LineFile = None,
    anchor: Annotated[
        Path | None, typer.Option(help="For a store: its anchor, as it was kept elsewhere; else the one beside it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a certificate: that it was not altered, that the journal gives it, that the recipe gives the plan.

    Check a store: every record that was altered, removed, swapped or added, and whether its end was cut off.
    """
    from controller.cli.certificate import verify_file
    from controller.cli.verify_journal import is_journal, verify_journal

    if is_journal(file):
        raise typer.Exit(verify_journal(file, store, anchor, as_json=as_json))
    raise typer.Exit(verify_file(file, store, recipe, line, as_json=as_json))


@app.command()
def doctor(
    line: Annotated[Path | None, typer.Argument(help="A line file; without it the installation is checked.")] = None,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Say which part of the installation, or of the path to each unit of a line, is broken, and how to mend it."""
    from controller.cli.doctor import examine

    raise typer.Exit(examine(line, store, as_json=as_json))


rules = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Rule packs: list them, explain a rule, check one."
)
app.add_typer(rules, name="rules")
PackName = Annotated[
    str | None, typer.Option("--pack", help="A shipped pack by its name, or the path of a CSV file such as ./site.csv.")
]


@rules.command(name="list")
def rules_list(pack: PackName = None, as_json: AsJson = False) -> None:
    """List what the rules of a pack ask; without --pack those of all shipped packs."""
    from controller.cli.rules import list_rules

    raise typer.Exit(list_rules(pack, as_json=as_json))


@rules.command(name="show")
def rules_show(
    rule: Annotated[str, typer.Argument(help="The rule's id, for example H009.")],
    pack: PackName = None,
    as_json: AsJson = False,
) -> None:
    """Say one rule in words: what it asks, who says so, what follows, and where its facts come from."""
    from controller.cli.rules import show_rule

    raise typer.Exit(show_rule(rule, pack, as_json=as_json))


@rules.command(name="check")
def rules_check(
    file: Annotated[Path, typer.Argument(help="The CSV file of a pack; its description is beside it.")],
    as_json: AsJson = False,
) -> None:
    """Check the files of a pack; every mistake is told with its line and cell."""
    from controller.cli.rules import check_pack

    raise typer.Exit(check_pack(file, as_json=as_json))


@app.command()
def lab(
    run: Annotated[str, typer.Argument(help="The name of an ended run.")],
    of: Annotated[str, typer.Option("--of", help="What was measured, as the rule calls it: cell.")],
    quantity: Annotated[str, typer.Option(help="Which quantity, as the rule calls it: capacity_retention_300cyc.")],
    value: Annotated[str, typer.Option(help="The value with its unit: '88 %'.")],
    by: Annotated[str, typer.Option(help="Who answers for it.")],
    uncertainty: Annotated[str | None, typer.Option(help="One standard uncertainty with its unit: '0.5 %'.")] = None,
    source: Annotated[str, typer.Option(help="The laboratory's own record, for example its report number.")] = "",
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Enter a laboratory's value that came after a run, and judge its certificate again."""
    from controller.cli.lab import LabValue, enter

    entered = LabValue(of, quantity, value, uncertainty, by, source)
    raise typer.Exit(enter(run, entered, store, as_json=as_json))


@app.command()
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
    who: Annotated[str, typer.Option("--who", help="Who decides.")] = "",
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


@app.command()
def close(
    run: Annotated[str, typer.Argument(help="The run's name, as `pressline show` lists it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, and what was found at the machines.")],
    who: Annotated[str, typer.Option("--who", help="Who closes it.")],
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Close the record of a run that its controller left and that nobody will continue; no machine is asked."""
    from controller.cli.resume import close_left_run

    raise typer.Exit(close_left_run(run, store, reason, who, as_json=as_json))


@app.command()
def runs(store: Store = STORE, as_json: AsJson = False) -> None:
    """List all recorded runs, and which of them are open or can be continued."""
    from controller.cli.show import show_run

    raise typer.Exit(show_run(None, store, as_json=as_json))


@app.command()
def schedule(
    file: RecipeFile,
    laminates: Annotated[int, typer.Option(min=1, max=1000, help="How many are to be made.")] = 1,
    people: People = None,
    line: ManyLine = None,
    out: OutOfService = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write the picture there as SVG.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show when which laminate would be on which machine, by predicted times and the rules that a run follows."""
    from controller.cli.schedule import ManyOptions, schedule_file

    options = ManyOptions(file, laminates, people or USUAL_PEOPLE, line, tuple(out or ()), as_json)
    raise typer.Exit(schedule_file(options, svg))


@app.command(name="genealogy")
def genealogy_of(
    of: Annotated[str, typer.Argument(help="RUN/LOT, a lot, a machine, a calibration's certificate, or a person.")],
    forward: Annotated[bool, typer.Option("--forward", help="What came of it, instead of what it comes from.")] = False,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Show where a lot comes from: every sheet, slurry, machine, calibration and person; or what came of one."""
    from controller.cli.lots import show_genealogy

    raise typer.Exit(show_genealogy(of, store, forward=forward, as_json=as_json))


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
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            print(f"pressline: {error.strerror}: what it prints cannot be written", file=sys.stderr)
            sys.exit(ExitCode.UNUSABLE)
        print(f"pressline: a fault of the program: {type(error).__name__}: {error}", file=sys.stderr)
        if sys.argv[1:2] in (["run"], ["resume"]):
            print("Machines that were moving act by themselves on a silent controller; look at them.", file=sys.stderr)
        print("PRESSLINE_DEBUG=1 shows where it happened.", file=sys.stderr)
        sys.exit(ExitCode.REFUSED)


if __name__ == "__main__":
    main()

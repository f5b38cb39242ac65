"""`pressline faults`: what can go wrong on a simulated line, and making it go wrong on one that is being served."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

faults = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Exit codes: 0 done; 1 the line refused it; 2 unusable input; 3 the simulated line does not answer.",
)
Line = Annotated[Path, typer.Option("--line", help="The line file that `pressline simulate` has written.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
SIMULATED_LINE = Path("simulated-line.toml")


@faults.command(name="list")
def list_(
    group: Annotated[
        str | None, typer.Argument(help="Only these: wire, machine, uniaxial, isostatic, coater, evidence, ...")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every fault with its parameters and what a good controller makes of it."""
    from controller.cli.faults_line import list_faults

    raise typer.Exit(list_faults(group, as_json=as_json))


@faults.command(name="scenarios")
def scenarios_(as_json: AsJson = False) -> None:
    """List the named scenarios: start states, and faults that come in their time."""
    from controller.cli.faults_line import list_scenarios

    raise typer.Exit(list_scenarios(as_json=as_json))


@faults.command(
    epilog="For example: pressline faults inject uniaxial.leak --set rate_kn_s=2 --phase dwell --after 5 --for 30"
)
def inject(
    fault: Annotated[str, typer.Argument(help="The fault's name, as `pressline faults list` shows it.")],
    line: Line = SIMULATED_LINE,
    unit: Annotated[str | None, typer.Option(help="The unit; needed where the fault can happen to several.")] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter; can be given several times.")
    ] = None,
    after: Annotated[
        float, typer.Option(min=0, help="Seconds of line time, from now or from the phase's beginning.")
    ] = 0,
    phase: Annotated[str | None, typer.Option(help="Wait until the unit enters this phase.")] = None,
    of: Annotated[str | None, typer.Option(help="The unit whose phase is waited for, if it is another one.")] = None,
    duration: Annotated[float | None, typer.Option("--for", min=0, help="Seconds; without it until cleared.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the fault's chances.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Inject a fault into a simulated line that is running."""
    from controller.cli.faults_line import inject_fault

    asked = {"fault": fault, "after_s": after, "seed": seed, "unit": unit, "phase": phase, "of": of}
    raise typer.Exit(inject_fault(line, asked | {"duration_s": duration}, values or [], as_json=as_json))


@faults.command()
def clear(
    number: Annotated[int | None, typer.Argument(help="The injection's number; without it all are cleared.")] = None,
    line: Line = SIMULATED_LINE,
    as_json: AsJson = False,
) -> None:
    """End an injection, or all; what it has caused stays until the machine or a person ends it."""
    from controller.cli.faults_line import clear_faults

    raise typer.Exit(clear_faults(line, number, as_json=as_json))


@faults.command()
def status(line: Line = SIMULATED_LINE, as_json: AsJson = False) -> None:
    """Show the simulated machines with their states, and what waits or acts on the fault panel."""
    from controller.cli.faults_line import show_status

    raise typer.Exit(show_status(line, as_json=as_json))

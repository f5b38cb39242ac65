"""Commands on the line as a service: start it, ask how it is, let it read its line file again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.options import AsJson, Scenario, Seed, Speed

service_commands = typer.Typer()
SCENARIO, SEED, FOLDER, PORT = "realistic", 1, Path("pressline-demo"), 8540
"""Of `pressline up --demo`, where nothing else is said."""
Line = Annotated[Path | None, typer.Option("--line", help="The line file.")]


@service_commands.command()
def up(
    line: Line = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="A simulated line with everything around it, for this computer only.")
    ] = False,
    speed: Speed = 1.0,
    scenario: Scenario = SCENARIO,
    seed: Seed = SEED,
    folder: Annotated[
        Path, typer.Option("--folder", help="With --demo: where its store is kept, so that it can be gone on with.")
    ] = FOLDER,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="With --demo: where its pages are; 0 takes a free port.")
    ] = PORT,
    log_level: Annotated[
        str | None, typer.Option("--log-level", help="debug, info, warning or error; else the line file's.")
    ] = None,
) -> None:
    """Serve a line: pages and API, runs, people, trends and telemetry, until SIGTERM or Ctrl-C.

    SIGHUP (`pressline reload`) reads the line file again. A second Ctrl-C leaves at once.
    """
    from controller.cli.up import DemoOptions, serve_demo, serve_line_file

    if demo == (line is not None):
        typer.echo("pressline up: give either --line FILE or --demo", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    if line is not None:
        given = {
            "--speed goes with --demo; the line file has its own (line.speed)": speed != 1.0,
            "--port goes with --demo; the line file has its own (service.port)": port != PORT,
            "--folder goes with --demo; the line file has its own (store.url, store.folder)": folder != FOLDER,
            "--scenario and --seed go with --demo; a line file names machines that are there": (scenario, seed)
            != (SCENARIO, SEED),
        }
        for words in (words for words, is_given in given.items() if is_given):
            typer.echo(f"pressline up: {words}", err=True)
            raise typer.Exit(ExitCode.UNUSABLE)
        raise typer.Exit(serve_line_file(line, log_level))
    raise typer.Exit(serve_demo(DemoOptions(folder, port, speed, scenario, seed, log_level)))


@service_commands.command()
def status(
    line: Line = None,
    url: Annotated[
        str | None, typer.Option("--url", help="Where its pages are, if the line file does not say.")
    ] = None,
    alive: Annotated[
        bool, typer.Option("--alive", help="Only whether it answers; a machine that does not is no fault of it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the service of a line whether it is ready: 0 it is, 1 it is not and why, 3 it does not answer."""
    from controller.cli.status import ask_status

    raise typer.Exit(ask_status(line, url, alive=alive, as_json=as_json))


@service_commands.command()
def reload(
    line: Annotated[Path, typer.Option("--line", help="The line file of the service.")],
) -> None:
    """Let the service of a line read its file and certificates again; it says what was taken over, and what waits."""
    from controller.cli.status import ask_reload

    raise typer.Exit(ask_reload(line))

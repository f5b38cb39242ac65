"""Commands on what was recorded, and on the installation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from controller.cli.options import AsJson, LineFile
from controller.cli.store_place import STORE, Store
from controller.place import place_of

record_commands = typer.Typer()


@record_commands.command()
def runs(store: Store = STORE, as_json: AsJson = False) -> None:
    """List all recorded runs, and which of them are open or can be continued."""
    from controller.cli.show import show_run

    raise typer.Exit(show_run(None, store, as_json=as_json))


@record_commands.command()
def show(
    run: Annotated[str | None, typer.Argument(help="The run's name; without it all runs are listed.")] = None,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Show a recorded run: its steps, its certificate and whether its record is intact."""
    from controller.cli.show import show_run

    raise typer.Exit(show_run(run, store, as_json=as_json))


@record_commands.command()
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


@record_commands.command()
def verify(
    file: Annotated[
        str,
        typer.Argument(
            help="A certificate (its JSON, its page or its PDF), a store (its file or its URL), a store's rescue file,"
            " or a backup."
        ),
    ],
    store: Annotated[
        Any,
        typer.Option(
            "--store", parser=place_of, metavar="STORE", help="The store whose journal holds the run, or its URL."
        ),
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="The recipe file that was run.")] = None,
    line: LineFile = None,
    anchor: Annotated[
        Path | None, typer.Option(help="For a store: its anchor, as it was kept elsewhere; else the one beside it.")
    ] = None,
    copy_of: Annotated[
        str | None, typer.Option("--copy-of", help="For a plant's database: the line whose copied journal is checked.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a certificate: that it was not altered, that the journal gives it, that the recipe gives the plan.

    Check a store: every record that was altered, removed, swapped or added, and whether its end was cut off.
    """
    from controller.cli.certificate import verify_file
    from controller.cli.verify_journal import is_journal, verify_journal

    path = Path(file)
    if "://" in file or (path / "backup.json").is_file():
        from controller.cli.backups import verify_backup, verify_url

        if copy_of is not None:
            from controller.cli.fleet_work import verify_copy

            raise typer.Exit(verify_copy(file, copy_of, anchor, as_json=as_json))
        is_url = "://" in file
        raise typer.Exit(verify_url(file, anchor, as_json=as_json) if is_url else verify_backup(path))
    if is_journal(path):
        raise typer.Exit(verify_journal(path, store, anchor, as_json=as_json))
    raise typer.Exit(verify_file(path, store, recipe, line, as_json=as_json))


@record_commands.command()
def lab(
    run: Annotated[str, typer.Argument(help="The name of an ended run.")],
    of: Annotated[str, typer.Option("--of", help="What was measured, as the rule calls it: cell.")],
    quantity: Annotated[str, typer.Option(help="Which quantity, as the rule calls it: capacity_retention_300cyc.")],
    value: Annotated[str, typer.Option(help="The value with its unit: '88 %'.")],
    by: Annotated[str, typer.Option("--by", "--who", help="Who answers for it.")],
    uncertainty: Annotated[str | None, typer.Option(help="One standard uncertainty with its unit: '0.5 %'.")] = None,
    source: Annotated[str, typer.Option(help="The laboratory's own record, for example its report number.")] = "",
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Enter a laboratory's value that came after a run, and judge its certificate again."""
    from controller.cli.lab import LabValue, enter

    entered = LabValue(of, quantity, value, uncertainty, by, source)
    raise typer.Exit(enter(run, entered, store, as_json=as_json))


@record_commands.command(name="genealogy")
def genealogy_of(
    of: Annotated[str, typer.Argument(help="RUN/LOT, a lot, a machine, a calibration's certificate, or a person.")],
    forward: Annotated[bool, typer.Option("--forward", help="What came of it, instead of what it comes from.")] = False,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """Show where a lot comes from: every sheet, slurry, machine, calibration and person; or what came of one."""
    from controller.cli.lots import show_genealogy

    raise typer.Exit(show_genealogy(of, store, forward=forward, as_json=as_json))


@record_commands.command()
def doctor(
    line: Annotated[Path | None, typer.Argument(help="A line file; without it the installation is checked.")] = None,
    store: Annotated[Path, typer.Option(help="The file that holds the journal of all runs.")] = STORE,
    as_json: AsJson = False,
) -> None:
    """Say which part of the installation, or of the path to each unit of a line, is broken, and how to mend it."""
    from controller.cli.doctor import examine

    raise typer.Exit(examine(line, store, as_json=as_json))

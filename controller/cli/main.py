"""`pressline`: the command line. Commands import what they need when they run, so that --help answers at once."""

from __future__ import annotations

import errno
import os
import sys

import typer

from controller.cli.alarms import alarms
from controller.cli.audit import audit
from controller.cli.devices import devices
from controller.cli.exit_codes import ExitCode
from controller.cli.faults import faults
from controller.cli.fleet import fleet
from controller.cli.interlocks import interlocks
from controller.cli.library import recipes
from controller.cli.lots import lots
from controller.cli.recipe_commands import recipe_commands
from controller.cli.record_commands import record_commands
from controller.cli.rules_commands import rules
from controller.cli.run_commands import run_commands
from controller.cli.service_commands import service_commands
from controller.cli.store_commands import store_commands
from controller.cli.telemetry import telemetry
from controller.cli.tokens import tokens
from controller.cli.trends import trends
from controller.cli.trial_commands import trial_commands
from controller.cli.users import users

app = typer.Typer(
    name="pressline",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 110},
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
app.add_typer(rules, name="rules")
app.add_typer(users, name="users")
app.add_typer(tokens, name="tokens")
app.add_typer(audit, name="audit")
app.add_typer(trends, name="trends")
app.add_typer(telemetry, name="telemetry")
app.add_typer(fleet, name="fleet")
for group in (recipe_commands, trial_commands, run_commands, service_commands, record_commands, store_commands):
    app.registered_commands += group.registered_commands


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

"""`pressline`: the command line. Commands import what they need when they run, so that --help answers at once."""

from __future__ import annotations

import errno
import os
import sys
from typing import ClassVar

import typer

from controller.cli.exit_codes import ExitCode
from controller.cli.groups import GROUPS
from controller.cli.lazy import LazyGroup, commands_of
from controller.cli.recipe_commands import recipe_commands
from controller.cli.record_commands import record_commands
from controller.cli.run_commands import run_commands
from controller.cli.service_commands import service_commands
from controller.cli.store_commands import store_commands
from controller.cli.trial_commands import trial_commands

MODULES = (recipe_commands, trial_commands, run_commands, service_commands, record_commands, store_commands)


class Commands(LazyGroup):
    """Every command and group; see controller/cli/lazy.py."""

    entries: ClassVar = {**commands_of(MODULES), **GROUPS}


app = typer.Typer(
    name="pressline",
    cls=Commands,
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


@app.callback()
def pressline() -> None:
    pass


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

"""`pressline sweep`: one recipe, many samples, a table of what came of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from controller.app import scenarios
from controller.cli.exit_codes import ExitCode
from controller.cli.recipes import Unusable, capabilities, report_refusal
from controller.cli.runs import can_be_simulated
from controller.cli.sweep_tables import print_summary
from controller.sweep.cluster import ClusterUnreachable
from controller.sweep.local import cores
from controller.sweep.options import SweepOptions
from controller.sweep.results import Results, ResultsRefused, opened
from controller.sweep.run import Sweep, finish, prepared, summary_data, work
from controller.sweep.sample import FAULT, Row
from controller.sweep.table import RESULTS
from controller.sweep.varying import VaryError
from recipes.findings import RecipeErrors

NEEDED = {"pyarrow": "results", "matplotlib": "plots", "distributed": "a Dask cluster"}
TOLD_SHARE = 0.1
"""Without a terminal, progress is told after every tenth of the samples."""


@dataclass(frozen=True, slots=True)
class SweepCommand:
    """The options of the command: those of the sweep, and what is done with it. plots is a form, or none."""

    options: SweepOptions
    output: Path | None
    plots: str
    as_json: bool


def sweep_recipe(command: SweepCommand) -> ExitCode:
    """Carries out a sweep, or goes on with it, and prints what came of it."""
    try:
        sweep = _prepared(command)
    except RecipeErrors as error:
        report_refusal(error.findings, ExitCode.UNUSABLE, as_json=command.as_json)
        return ExitCode.UNUSABLE
    except (Unusable, VaryError) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    except OSError as error:
        print(f"{command.options.recipe}: cannot be read: {error.strerror or error}", file=sys.stderr)
        return ExitCode.UNUSABLE
    if not command.options.estimate and not can_be_simulated(sweep.recipe):
        return ExitCode.UNUSABLE
    folder = command.output or Path(f"{sweep.recipe.name}-sweep")
    try:
        with opened(folder, sweep.asked) as results:
            return _carried_out(command, sweep, results)
    except ResultsRefused as error:
        print(f"pressline sweep: {error}", file=sys.stderr)
        return ExitCode.UNUSABLE


def write_sample_recipe(command: SweepCommand, number: int) -> ExitCode:
    """Writes the recipe of one sample as a file."""
    from controller.cli.output import OutputRefused, write_new

    if (file := command.output) is None:
        print("pressline sweep: --write-sample needs --output FILE", file=sys.stderr)
        return ExitCode.UNUSABLE
    try:
        write_new(file, _text_of(_prepared(command), number).encode())
    except RecipeErrors as error:
        report_refusal(error.findings, ExitCode.UNUSABLE, as_json=command.as_json)
        return ExitCode.UNUSABLE
    except (Unusable, VaryError, OutputRefused) as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    seed = command.options.seed + number
    print(f"{file}: sample {number}; pressline dry-run {file} --scenario {command.options.scenario} --seed {seed}")
    return ExitCode.PASSED


def _text_of(sweep: Sweep, number: int) -> str:
    if not 0 <= number < len(sweep.samples):
        raise Unusable(f"pressline sweep: there is no sample {number}; there are 0 to {len(sweep.samples) - 1}")
    return sweep.sample_text(number)


def _prepared(command: SweepCommand) -> Sweep:
    options = command.options
    lacking = [name for name in _modules(command) if find_spec(name) is None]
    if lacking:
        words = " and ".join(f"{name} ({NEEDED[name]})" for name in lacking)
        raise Unusable(f"pressline sweep needs {words}: pip install 'pressline[sweep]', in this repository make sweep")
    if options.scenario not in (known := scenarios()):
        raise Unusable(f"pressline: there is no scenario {options.scenario!r}; there are {', '.join(known)}")
    if options.estimate and options.scheduler is not None:
        raise Unusable("pressline sweep: --estimate takes a second on one core; leave --scheduler out")
    if options.jobs == 0:
        options = replace(options, jobs=cores())
    return prepared(options, capabilities(None))


def _modules(command: SweepCommand) -> Iterator[str]:
    yield "pyarrow"
    if command.plots != "none":
        yield "matplotlib"
    if command.options.scheduler is not None:
        yield "distributed"


def _carried_out(command: SweepCommand, sweep: Sweep, results: Results) -> ExitCode:
    code = ExitCode.PASSED
    begun = len(results.rows)
    if begun and not command.as_json:
        print(f"{results.folder}: {begun} of {len(sweep.samples)} samples are done already", file=sys.stderr)
    try:
        with _progress(len(sweep.samples), begun, quiet=command.as_json) as told:
            work(sweep, results, told)
    except KeyboardInterrupt:
        code = ExitCode.REFUSED
    except ClusterUnreachable as error:
        print(f"pressline sweep: {error}", file=sys.stderr)
        code = ExitCode.UNREACHABLE
    left = len(sweep.samples) - len(results.rows)
    if left:
        print(f"{left} samples are left; the same command goes on with them", file=sys.stderr)
    if not results.rows:
        return code
    pictures = _written(command, sweep, results)
    if any(row["status"] == FAULT for row in results.rows.values()):
        code = max(code, ExitCode.REFUSED)
    if not command.as_json:
        print(", ".join(str(file) for file in (results.folder / RESULTS, *pictures)))
    return code


def _written(command: SweepCommand, sweep: Sweep, results: Results) -> list[Path]:
    """Table, summary and pictures of what is done. Raises ResultsRefused."""
    try:
        summary = finish(sweep, results)
        pictures: list[Path] = []
        if command.plots != "none":
            from controller.sweep.plots import draw

            rows = [results.rows[number] for number in sorted(results.rows)]
            pictures = draw(sweep, summary, rows, results.folder, command.plots)
    except OSError as error:
        raise ResultsRefused(f"{results.folder}: cannot be written: {error.strerror or error}") from error
    if command.as_json:
        files: dict[str, Any] = {"folder": str(results.folder), "results": str(results.folder / RESULTS)}
        files["plots"] = [str(file) for file in pictures]
        print(json.dumps(summary_data(sweep, summary) | files, indent=2))
    else:
        print_summary(sweep, summary)
    return pictures


@contextmanager
def _progress(total: int, done: int, *, quiet: bool) -> Iterator[Callable[[Row], None]]:
    """A bar on a terminal, a line now and then elsewhere, nothing for --json; all on standard error."""
    if quiet:
        yield lambda _: None
    elif not sys.stderr.isatty():
        yield _lines(total, done)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=total, completed=done)
            counts: dict[str, int] = {}

            def told(row: Row) -> None:
                counts[row["status"]] = counts.get(row["status"], 0) + 1
                words = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
                bar.update(task, advance=1, description=words)

            yield told


def _lines(total: int, done: int) -> Callable[[Row], None]:
    stride = max(1, round(TOLD_SHARE * total))
    count = done

    def told(row: Row) -> None:
        nonlocal count
        count += 1
        if row["status"] == FAULT:
            print(f"sample {row['sample']}: {row['message']}", file=sys.stderr, flush=True)
        if count % stride == 0 or count == total:
            print(f"{count} of {total} samples", file=sys.stderr, flush=True)

    return told
